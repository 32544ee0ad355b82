//! `crossdock history`: what was applied, by whom and when.

use std::path::PathBuf;

use anyhow::anyhow;

use crate::commands::Format;
use crate::connect::Clusters;
use crate::exit::{Failure, Outcome, Verdict};
use crate::home::{self, Entry, Home};
use crate::{load, output};

/// Prints the revisions of a topology that its home cluster keeps
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  crossdock history topology.yaml
  crossdock history --home bj-kafka1:9092 --topology cn-prod")]
pub struct Args {
    /// Which topology
    #[command(flatten)]
    pub which: Which,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// A topology and its home, by its file or by name.
#[derive(Debug, clap::Args)]
pub struct Which {
    /// The topology file: its `home` is asked
    #[arg(required_unless_present = "home", conflicts_with = "home")]
    pub file: Option<PathBuf>,
    /// The home cluster
    #[arg(long, value_name = "BOOTSTRAP", requires = "topology")]
    pub home: Option<String>,
    /// Name of the topology
    #[arg(long, value_name = "NAME", requires = "home")]
    pub topology: Option<String>,
    /// Client properties for connecting to the home cluster
    #[arg(long, value_name = "FILE", requires = "home")]
    pub home_config: Option<PathBuf>,
}

impl Which {
    /// What its home keeps.
    ///
    /// # Errors
    /// The file has errors or no `home`, the cluster does not answer, or nothing was ever applied.
    pub(super) fn entry(&self) -> Result<Entry, Failure> {
        let (home, name) = self.place()?;
        let entry = home.entry().map_err(Failure::cluster)?;
        entry.ok_or_else(|| Failure::cannot_start(anyhow!("topology {name} was never applied")))
    }

    fn place(&self) -> Result<(Home, String), Failure> {
        if let (Some(bootstrap), Some(name)) = (&self.home, &self.topology) {
            let cluster = home::cluster_at(bootstrap, self.home_config.as_deref());
            let cluster = cluster.map_err(Failure::CannotStart)?;
            return Ok((Home::new(cluster, name), name.clone()));
        }
        let Some(path) = &self.file else {
            return Err(Failure::cannot_start(anyhow!("no topology file is given")));
        };
        let topology = load::topology(path)?;
        let Some(alias) = topology.home() else {
            return Err(Failure::cannot_start(anyhow!(
                "{}: the topology has no `home`, so nothing is kept of it",
                path.display()
            )));
        };
        let cluster = Clusters::new(&topology).get(alias);
        let cluster = cluster.map_err(Failure::cannot_start)?;
        let name = topology.name().to_owned();
        Ok((Home::new(cluster, &name), name))
    }
}

/// Runs the command.
pub fn main(args: &Args) -> Outcome {
    let entry = args.which.entry()?;
    let all = std::iter::once(&entry.newest).chain(&entry.earlier);
    match args.format {
        Format::Json => output::json(&all.collect::<Vec<_>>())?,
        Format::Text => {
            let mut text = format!("{:<9} {:<21} {:<24} CHECKSUM\n", "REVISION", "WHEN", "WHO");
            for each in all {
                let sum = each.checksum.get(..19).unwrap_or(&each.checksum);
                let (number, when, who) = (each.revision, &each.when, &each.who);
                text.push_str(&format!("{number:<9} {when:<21} {who:<24} {sum}\n"));
            }
            output::data(&text)?;
        }
    }
    Ok(Verdict::Fine)
}
