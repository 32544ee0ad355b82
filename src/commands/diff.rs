//! `crossdock diff`: what changes between two topology files, without any cluster.

use std::path::{Path, PathBuf};

use crossdock_model::diff::{self, Diff, Kind};
use crossdock_model::topology::Topology;

use crate::commands::Format;
use crate::exit::{Failure, Outcome, Verdict};
use crate::load;
use crate::output;

/// Says what changes between two topology files, and for which topics
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit status 1: they differ.

Example:
  crossdock diff <(git show main:topology.yaml) topology.yaml")]
pub struct Args {
    /// The file as it is
    pub old: PathBuf,
    /// The file as it will be
    pub new: PathBuf,
    /// Leaves variables as they are: none needs to be set
    #[arg(long)]
    pub no_env: bool,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// Runs the command.
pub fn main(args: &Args) -> Outcome {
    let (old, new) = (read(&args.old, args)?, read(&args.new, args)?);
    let diff = diff::diff(&old, &new);
    match args.format {
        Format::Text => output::data(&text(&diff))?,
        Format::Json => output::json(&diff)?,
    }
    Ok(Verdict::found(!diff.is_empty()))
}

fn read(path: &Path, args: &Args) -> Result<Topology, Failure> {
    load::proved(&load::check(path, !args.no_env)?)
}

fn text(diff: &Diff) -> String {
    let mut text = String::new();
    for change in &diff.changes {
        let sign = match change.kind {
            Kind::Added => '+',
            Kind::Changed => '~',
            Kind::Removed => '-',
        };
        text.push_str(&format!("{sign} {}\n", change.what));
        for line in &change.details {
            text.push_str(&format!("    {line}\n"));
        }
    }
    if diff.is_empty() {
        text.push_str("No changes.\n");
    }
    text
}
