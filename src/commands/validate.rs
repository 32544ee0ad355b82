//! `crossdock validate`: the offline check.

use std::path::PathBuf;

use crate::exit::{Outcome, Verdict};

/// Checks topology files without any cluster
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  crossdock validate topology.yaml
  crossdock validate --strict --format github topologies/*.yaml
  crossdock validate --effective topology.yaml")]
pub struct Args {
    /// Topology files
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
    /// Warnings end with 1, too
    #[arg(long)]
    pub strict: bool,
    /// Prints every edge as expanded, every client property, and where it comes from
    #[arg(long)]
    pub effective: bool,
    /// Leaves variables as they are: none needs to be set
    #[arg(long)]
    pub no_env: bool,
}

/// How findings are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people: the place in the file, and what to write instead
    #[default]
    Text,
    /// For programs
    Json,
    /// Annotations of GitHub Actions
    Github,
    /// SARIF 2.1.0, for code scanning
    Sarif,
}

/// Runs the command.
pub fn main(args: &Args) -> Outcome {
    for file in &args.files {
        crate::load::check(file, !args.no_env)?;
    }
    Ok(Verdict::found(false))
}
