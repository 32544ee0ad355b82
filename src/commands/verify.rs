//! `crossdock verify`: compares contents.

use std::path::PathBuf;

use crate::commands::{Format, not_yet};
use crate::exit::Outcome;

/// Compares contents at both ends, record by record
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  crossdock verify topology.yaml --edges bj-to-sh")]
pub struct Args {
    /// The topology file
    pub file: PathBuf,
    /// Only these edges
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub edges: Vec<String>,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// Runs the command.
pub fn main(_args: Args) -> Outcome {
    not_yet(
        "verify",
        "`/api/v1/status` of `run` tells position and lag of every partition",
    )
}
