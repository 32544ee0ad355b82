//! `crossdock offsets`: translates offsets.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::anyhow;
use crossdock_model::edge::Edge;
use crossdock_model::graph::{Names, Take};
use crossdock_model::name::EdgeName;
use crossdock_model::topology::Topology;

use crate::commands::{Format, not_yet};
use crate::exit::{Failure, Outcome, Verdict};
use crate::kafka::{Cluster, Group, TopicPartition};
use crate::worker::settings;
use crate::{load, output};

/// Translates offsets between source and target, or moves an edge's position
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  crossdock offsets topology.yaml --edge bj-to-sh --topic orders --partition 0 --offset 150
  crossdock offsets topology.yaml --edge bj-to-sh --topic orders --partition 0 --offset 150 --set")]
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

/// How long a static member that has just stopped keeps its group from being changed.
const SESSION_ENDS_WITHIN: Duration = Duration::from_secs(20);

/// Runs the command.
pub fn main(args: Args) -> Outcome {
    if !args.set {
        return not_yet("offsets` without `--set");
    }
    let (Some(edge), Some(topic), Some(partition), Some(offset)) =
        (&args.edge, &args.topic, args.partition, args.offset)
    else {
        return Err(Failure::cannot_start(anyhow!(
            "--set wants --edge, --topic, --partition and --offset"
        )));
    };
    let topology = load::topology(&args.file)?;
    let edge = topology
        .edge(&EdgeName::new(edge.as_str()))
        .ok_or_else(|| {
            Failure::cannot_start(anyhow!("no edge `{edge}` in {}", args.file.display()))
        })?;
    let target_topic = match Names::new(topology.draft()).take(edge, topic) {
        Take::Into(target_topic) => target_topic,
        Take::Not(why) => {
            return Err(Failure::cannot_start(anyhow!(
                "edge {} does not take topic {topic}: {why:?}",
                edge.name
            )));
        }
    };
    let place = (target_topic.into(), partition);
    set(&topology, edge, &place, offset, args.yes)
}

fn set(
    topology: &Topology,
    edge: &Edge,
    place: &TopicPartition,
    offset: i64,
    yes: bool,
) -> Outcome {
    let target = topology
        .cluster(&edge.target)
        .ok_or_else(|| Failure::cannot_start(anyhow!("no cluster `{}`", edge.target)))?;
    let cluster =
        Cluster::new(&edge.target, settings::admin(target), None).map_err(Failure::cannot_start)?;
    let group = Group::settled(
        &cluster,
        &format!("crossdock.{}.{}", topology.name(), edge.name),
    )
    .map_err(Failure::cannot_start)?;
    let now = group
        .committed(std::slice::from_ref(place))
        .map_err(Failure::cluster)?;
    let now = now
        .get(place)
        .and_then(|f| f.offset)
        .map_or_else(|| "nowhere".to_owned(), |offset| offset.to_string());
    let (topic, partition) = place;
    let what = format!(
        "Edge {}: the position of {topic}-{partition} goes from {now} to {offset}.",
        edge.name
    );
    if !yes && !confirm(&what)? {
        return Ok(Verdict::Found);
    }
    let position = (place.clone(), offset, "v1 set-by-hand".to_owned());
    let since = Instant::now();
    while !group
        .commit(std::slice::from_ref(&position))
        .map_err(Failure::cluster)?
    {
        if since.elapsed() > SESSION_ENDS_WITHIN {
            return Err(Failure::cluster(anyhow!(
                "the edge runs: stop every crossdock that runs it first"
            )));
        }
        std::thread::sleep(Duration::from_secs(1));
    }
    output::say(&what);
    Ok(Verdict::Fine)
}

fn confirm(what: &str) -> Result<bool, Failure> {
    output::say(&format!("{what} Type yes to go on:"));
    let mut answer = String::new();
    std::io::stdin()
        .read_line(&mut answer)
        .map_err(Failure::cannot_start)?;
    Ok(answer.trim() == "yes")
}
