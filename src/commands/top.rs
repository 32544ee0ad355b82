//! `crossdock top`: a running one, refreshed.

use crate::commands::{SERVER, not_yet};
use crate::exit::Outcome;

/// Shows the edges of a running crossdock, refreshed
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  crossdock top --server http://10.0.0.5:8642")]
pub struct Args {
    /// Where the running one listens
    #[arg(long, value_name = "URL", default_value = SERVER)]
    pub server: String,
}

/// Runs the command.
pub fn main(_args: Args) -> Outcome {
    not_yet("top")
}
