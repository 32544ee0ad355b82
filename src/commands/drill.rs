//! `crossdock drill`: rehearsal of switching over and back.

use std::path::PathBuf;

use crate::commands::{Format, not_yet};
use crate::exit::Outcome;

/// Rehearses failover and failback, with a report
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  crossdock drill topology.yaml --from bj --to sh")]
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
        "drill",
        "`crossdock rehearse` proves on clusters of its own where every record goes",
    )
}
