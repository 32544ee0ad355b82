//! `crossdock plan`: what `apply` would do.

use std::path::PathBuf;

use crate::commands::{Format, not_yet};
use crate::exit::Outcome;

/// Reads the clusters and prints what `apply` would do
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  crossdock plan topology.yaml --out topology.plan")]
pub struct Args {
    /// The topology file
    pub file: PathBuf,
    /// Ends with 1 where changes are pending
    #[arg(long)]
    pub exit_code: bool,
    /// Writes the plan to this file, for `apply --plan`
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// Runs the command.
pub fn main(_args: Args) -> Outcome {
    not_yet("plan")
}
