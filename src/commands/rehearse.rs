//! `crossdock rehearse`: runs the topology for real on embedded clusters.

use std::net::SocketAddr;
use std::path::PathBuf;

use crate::commands::{Format, not_yet};
use crate::exit::Outcome;

/// Runs the topology on embedded clusters, and proves where every record arrives
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  crossdock rehearse topologies/three-cities.yaml
  crossdock rehearse topology.yaml --watch
  crossdock rehearse topology.yaml --on bj=localhost:19092,sh=localhost:29092")]
pub struct Args {
    /// The topology file
    pub file: PathBuf,
    /// Records produced to each topic of each cluster
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    pub records: u64,
    /// Keeps running, with the dashboard
    #[arg(long)]
    pub watch: bool,
    /// Uses real scratch clusters; a part without `=` is one more broker of the one before it
    #[arg(long, value_name = "ALIAS=HOST:PORT,…", value_delimiter = ',')]
    pub on: Vec<String>,
    /// Where the dashboard is served with --watch
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8642")]
    pub listen: SocketAddr,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// Runs the command.
pub fn main(_args: Args) -> Outcome {
    not_yet("rehearse")
}
