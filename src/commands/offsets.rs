//! `crossdock offsets`: translates offsets.

use std::path::PathBuf;

use crate::commands::{Format, not_yet};
use crate::exit::Outcome;

/// Translates offsets between source and target, or moves an edge's position
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  crossdock offsets topology.yaml --edge bj-to-sh --topic orders --partition 0 --offset 150"
)]
pub struct Args {
    /// The topology file
    pub file: PathBuf,
    /// Name of the edge
    #[arg(long, value_name = "NAME")]
    pub edge: Option<String>,
    /// Topic, by its name where the offset is from
    #[arg(long, value_name = "NAME")]
    pub topic: Option<String>,
    /// Partition
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(i32).range(0..))]
    pub partition: Option<i32>,
    /// Offset to translate
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(i64).range(0..))]
    pub offset: Option<i64>,
    /// Translates every position of this consumer group
    #[arg(long, conflicts_with_all = ["topic", "partition", "offset"])]
    pub group: Option<String>,
    /// Asks by target offset and answers the source offset
    #[arg(long)]
    pub reverse: bool,
    /// Moves the edge's own position there, to copy again or to skip
    #[arg(long)]
    pub set: bool,
    /// Does not ask
    #[arg(long)]
    pub yes: bool,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// Runs the command.
pub fn main(_args: Args) -> Outcome {
    not_yet("offsets")
}
