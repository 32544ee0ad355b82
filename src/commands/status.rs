//! `crossdock status`: the state of a running one.

use crate::commands::{Format, SERVER, not_yet};
use crate::exit::Outcome;

/// Prints the state of every edge of a running crossdock
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  crossdock status --format json")]
pub struct Args {
    /// Where the running one listens
    #[arg(long, value_name = "URL", default_value = SERVER)]
    pub server: String,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// Runs the command.
pub fn main(_args: Args) -> Outcome {
    not_yet("status")
}
