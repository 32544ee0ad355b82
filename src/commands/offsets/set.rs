//! `offsets --set`: moves an edge's own position, after a yes.

use std::time::{Duration, Instant};

use anyhow::anyhow;
use crossdock_model::edge::Edge;
use crossdock_model::note::Note;
use crossdock_model::topology::Topology;

use crate::commands::confirm;
use crate::exit::{Failure, Outcome, Verdict};
use crate::kafka::{Cluster, Group, TopicPartition};
use crate::output;
use crate::worker::settings;

/// How long a static member that has just stopped keeps its group from being changed.
const SESSION_ENDS_WITHIN: Duration = Duration::from_secs(20);

/// Moves an edge's committed offset, after a yes.
///
/// # Errors
/// The target does not answer, or the edge runs.
pub(super) fn set(
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
    let note = Note {
        by_hand: true,
        ..Note::default()
    };
    let position = (place.clone(), offset, note.to_string());
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
