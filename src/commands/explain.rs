//! `crossdock explain`: the page of a finding.

use crate::commands::{Format, not_yet};
use crate::exit::Outcome;

/// Prints the page of a finding: what it is, why it matters, how to repair it
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  crossdock explain record-loop")]
pub struct Args {
    /// Code of the finding
    pub code: String,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// Runs the command.
pub fn main(_args: &Args) -> Outcome {
    not_yet("explain")
}
