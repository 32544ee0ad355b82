//! `crossdock failover`: guided switch-over.

use std::path::PathBuf;

use crate::commands::{Format, not_yet};
use crate::exit::Outcome;

/// Switches over from one cluster to another, step by step
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  crossdock failover topology.yaml --from bj --to sh")]
pub struct Args {
    /// The topology file
    pub file: PathBuf,
    /// Cluster that is left
    #[arg(long, value_name = "ALIAS")]
    pub from: String,
    /// Cluster that takes over
    #[arg(long, value_name = "ALIAS")]
    pub to: String,
    /// Does not ask
    #[arg(long)]
    pub yes: bool,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// Runs the command.
pub fn main(_args: Args) -> Outcome {
    not_yet(
        "failover",
        "stop the edges, then `crossdock offsets FILE --group NAME` says where each group goes on at the target",
    )
}
