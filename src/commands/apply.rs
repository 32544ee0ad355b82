//! `crossdock apply`: carries a plan out.

use std::path::PathBuf;

use crate::commands::{Format, not_yet};
use crate::exit::Outcome;

/// Does what `plan` prints, after a yes
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  crossdock apply topology.yaml")]
pub struct Args {
    /// The topology file
    #[arg(required_unless_present = "plan", conflicts_with = "plan")]
    pub file: Option<PathBuf>,
    /// Carries out just this plan
    #[arg(long, value_name = "FILE")]
    pub plan: Option<PathBuf>,
    /// Does not ask
    #[arg(long)]
    pub yes: bool,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// Runs the command.
pub fn main(_args: Args) -> Outcome {
    not_yet("apply")
}
