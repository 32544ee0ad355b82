//! `crossdock import`: existing configuration becomes a topology file.

use std::path::PathBuf;

use crate::commands::not_yet;
use crate::exit::Outcome;

/// Turns existing configuration into a topology file, naming every key that it could not carry
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  crossdock import mm1 consumer.properties producer.properties > topology.yaml")]
pub struct Args {
    /// What the files are for
    pub kind: Kind,
    /// The files, as they are
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
}

/// What can be imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Kind {
    /// `consumer.properties` and `producer.properties` of kafka-mirror-maker.sh
    Mm1,
    /// `mm2.properties` of connect-mirror-maker.sh
    Mm2,
    /// `KafkaMirrorMaker2` resources of Strimzi
    Strimzi,
}

/// Runs the command.
pub fn main(_args: &Args) -> Outcome {
    not_yet("import")
}
