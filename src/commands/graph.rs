//! `crossdock graph`: draws a topology.

use std::path::PathBuf;

use crate::commands::not_yet;
use crate::exit::Outcome;

/// Draws the edges of a topology, or follows one topic through it
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  crossdock graph topology.yaml
  crossdock graph topology.yaml --format mermaid
  crossdock graph topology.yaml --trace orders@bj")]
pub struct Args {
    /// The topology file
    pub file: PathBuf,
    /// How to draw
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
    /// Prints everywhere this topic goes, and why it stops
    #[arg(long, value_name = "TOPIC@ALIAS")]
    pub trace: Option<String>,
    /// Leaves variables as they are: none needs to be set
    #[arg(long)]
    pub no_env: bool,
}

/// How a topology is drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people
    #[default]
    Text,
    /// For programs
    Json,
    /// For Markdown
    Mermaid,
    /// For Graphviz
    Dot,
    /// A picture
    Svg,
}

/// Runs the command.
pub fn main(_args: &Args) -> Outcome {
    not_yet("graph")
}
