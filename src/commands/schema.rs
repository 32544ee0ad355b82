//! `crossdock schema`: the JSON Schema of the topology file, for editors.

use crate::commands::not_yet;
use crate::exit::Outcome;

/// Prints the JSON Schema of the topology file, for editors
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  crossdock schema > topology.schema.json")]
pub struct Args {}

/// Runs the command.
pub fn main(_args: &Args) -> Outcome {
    not_yet("schema")
}
