//! `crossdock run`: replicates until stopped.

use std::net::SocketAddr;
use std::path::PathBuf;

use crate::commands::not_yet;
use crate::exit::Outcome;

/// Replicates until stopped
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  crossdock run topology.yaml
  crossdock run topology.yaml --clusters sh      only edges into Shanghai, run there
  crossdock run topology.yaml --once             stops when all is copied")]
pub struct Args {
    /// The topology file
    #[arg(required_unless_present = "home", conflicts_with = "home")]
    pub file: Option<PathBuf>,
    /// Takes the applied topology from this cluster instead of a file
    #[arg(long, value_name = "BOOTSTRAP", requires = "topology")]
    pub home: Option<String>,
    /// Name of the applied topology
    #[arg(long, value_name = "NAME", requires = "home")]
    pub topology: Option<String>,
    /// Only these edges
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub edges: Vec<String>,
    /// Only edges into these clusters
    #[arg(long, value_name = "ALIAS", value_delimiter = ',')]
    pub clusters: Vec<String>,
    /// Where status, metrics and the dashboard are served
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8642")]
    pub listen: SocketAddr,
    /// Name of this process among those that run the topology; the host name unless given
    #[arg(long, value_name = "ID")]
    pub instance: Option<String>,
    /// Stops when every edge has caught up with what was there
    #[arg(long)]
    pub once: bool,
}

/// Runs the command.
pub fn main(_args: Args) -> Outcome {
    not_yet("run")
}
