//! `crossdock schema`: the JSON Schema of the topology file, for editors.

use crate::exit::{Outcome, Verdict};
use crate::output;

/// Prints the JSON Schema of the topology file, for editors
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  crossdock schema > topology.schema.json

A file names it in its first line:
  # yaml-language-server: $schema=topology.schema.json")]
pub struct Args {}

/// Runs the command.
pub fn main(_args: &Args) -> Outcome {
    output::json(&crossdock_model::file::schema())?;
    Ok(Verdict::Fine)
}
