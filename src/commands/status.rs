//! `crossdock status`: the state of a running one.

use serde_json::Value;

use crate::client::Client;
use crate::commands::{Format, SERVER};
use crate::exit::{Failure, Outcome, Verdict};
use crate::output;

pub mod table;

/// Prints the state of every edge of a running crossdock; exit status 1 where one is in alarm
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  crossdock status
  crossdock status --partitions --server http://10.0.0.5:8642
  crossdock status --format json")]
pub struct Args {
    /// Where the running one listens
    #[arg(long, value_name = "URL", default_value = SERVER)]
    pub server: String,
    /// Tells each partition as well
    #[arg(long)]
    pub partitions: bool,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// Runs the command.
pub fn main(args: Args) -> Outcome {
    let status = Client::new(&args.server).status();
    let status = status.map_err(Failure::CannotStart)?;
    match args.format {
        Format::Json => output::json(&status)?,
        Format::Text => output::data(&table::text(&status, args.partitions))?,
    }
    let edges = status["edges"].as_array().map_or(&[][..], Vec::as_slice);
    let in_alarm = |edge: &Value| edge["health"] == "alarm";
    Ok(Verdict::found(edges.iter().any(in_alarm)))
}
