//! Which topology a command is about: that of a file, or one that was applied.

use std::path::PathBuf;

use anyhow::anyhow;

use crate::connect::Clusters;
use crate::exit::Failure;
use crate::home::{self, Entry, Home};
use crate::load;

/// A topology and its home, by its file or by name.
#[derive(Debug, clap::Args)]
pub struct Which {
    /// The topology file
    #[arg(required_unless_present = "home", conflicts_with = "home")]
    pub file: Option<PathBuf>,
    /// Takes the applied topology from this cluster instead of a file
    #[arg(long, value_name = "BOOTSTRAP", requires = "topology")]
    pub home: Option<String>,
    /// Name of the applied topology
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
