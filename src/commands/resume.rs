//! `crossdock resume`: resumes an edge.

use crate::commands::{SERVER, not_yet};
use crate::exit::Outcome;

/// Resumes a paused edge of a running crossdock
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  crossdock resume bj-to-sh")]
pub struct Args {
    /// Name of the edge
    pub edge: String,
    /// Where the running one listens
    #[arg(long, value_name = "URL", default_value = SERVER)]
    pub server: String,
}

/// Runs the command.
pub fn main(_args: Args) -> Outcome {
    not_yet("resume")
}
