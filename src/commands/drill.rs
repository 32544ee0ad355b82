//! `crossdock drill`: rehearsal of switching over and back.

use std::path::PathBuf;
use std::time::Duration;

use crossdock_model::edge::{Groups, Pattern};
use crossdock_model::graph;
use crossdock_model::topology::Draft;

use crate::commands::{Format, rehearse};
use crate::drill::{Hooks, Script, play};
use crate::exit::{Failure, Outcome, Verdict};
use crate::{load, logging, output};

/// The groups of a drill follow, whatever the file says.
const GROUPS: &str = "drill-.*";

/// Fails over and back for real, under load, and tells what it cost
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  crossdock drill topologies/disaster-recovery.yaml --from primary --to standby
  crossdock drill topology.yaml --from bj --to sh --on bj=localhost:19092,sh=localhost:19192 \\
      --kill 'docker kill bj-kafka' --revive 'docker start bj-kafka'

On embedded clusters, unless --on names scratch clusters: these have transactions and groups too.")]
pub struct Args {
    /// The topology file
    pub file: PathBuf,
    /// Cluster that is left
    #[arg(long, value_name = "ALIAS")]
    pub from: String,
    /// Cluster that takes over
    #[arg(long, value_name = "ALIAS")]
    pub to: String,
    /// Uses real scratch clusters; a part without `=` is one more broker of the one before it
    #[arg(long, value_name = "ALIAS=HOST:PORT,…", value_delimiter = ',')]
    pub on: Vec<String>,
    /// Shell command that kills the cluster that is left
    #[arg(long, value_name = "COMMAND", requires = "revive")]
    pub kill: Option<String>,
    /// Shell command that brings it back
    #[arg(long, value_name = "COMMAND", requires = "kill")]
    pub revive: Option<String>,
    /// Records written a second
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u64).range(1..=100_000))]
    pub rate: u64,
    /// How long applications write in each act
    #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = humantime::parse_duration)]
    pub span: Duration,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// Runs the command.
pub fn main(args: &Args) -> Outcome {
    logging::start_quietly();
    let topology = load::topology(&args.file)?;
    let lab = rehearse::lab(&topology, &args.on)?;
    let mut draft = lab.rewire(&topology);
    if lab.embedded.is_empty() {
        let_groups_follow(&mut draft);
    }
    let (topology, _) = graph::prove(draft).map_err(|_| Failure::Findings)?;
    if !lab.embedded.is_empty() {
        output::say(
            "Embedded clusters have neither transactions nor group listings: delivery is at_least_once here, and groups do not follow; --on drills on real ones.",
        );
    }
    let script = Script {
        rate: args.rate,
        span: args.span,
        hooks: Hooks {
            kill: args.kill.clone(),
            revive: args.revive.clone(),
        },
    };
    let ends = (args.from.as_str(), args.to.as_str());
    let figures = play(&lab, &topology, &args.file, ends, &script)?;
    match args.format {
        Format::Json => output::json(&figures)?,
        Format::Text => output::data(&figures.text())?,
    }
    Ok(Verdict::found(!figures.is_exact()))
}

fn let_groups_follow(draft: &mut Draft) {
    for edge in draft.edges.iter_mut().filter(|e| e.provenance) {
        let text = GROUPS.to_owned();
        edge.sync.groups = Some(Groups {
            include: vec![Pattern { text }],
            exclude: Vec::new(),
        });
    }
}
