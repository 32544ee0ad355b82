//! What was copied, up to when, and what was not.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossdock_model::edge::Edge;
use crossdock_model::provenance::Hop;
use crossdock_model::switch::PartitionFigures;

use super::Stage;
use crate::kafka::{Cluster, Error, Glance, Group, LookAt, TopicPartition, VIA};
use crate::stream::Twin;

/// Offsets before the end in which the last record of an edge is looked for; each further stretch is
/// ten times as long.
const STRETCHES: [i64; 3] = [20, 200, 2_000];

/// Log start and last stable offset of a partition.
type Span = (i64, i64);

/// How long timestamps are looked up; what was not looked at by then has none.
const LOOKING_MAX: Duration = Duration::from_secs(30);

/// The figures of every partition between the two clusters. A source that does not answer is no error:
/// what only it knows is missing then, as where it is not asked.
///
/// # Errors
/// The target does not answer.
pub(super) fn measure(stage: &Stage, asks_source: bool) -> Result<Vec<PartitionFigures>, Error> {
    let since = Instant::now();
    let mut figures = Vec::new();
    for edge in stage.pair() {
        let twins = stage.twins(edge)?;
        let alone = asks_source.then(|| alone(stage, edge).ok()).flatten();
        // A source that does not tell all that it has is one that does not tell.
        let ends = alone.as_ref().and_then(|_| source_ends(stage, &twins));
        let committed = committed(stage, edge, &twins)?;
        let mut times = Times::new(stage, edge)?;
        let there = twins.iter().map(|twin| PartitionFigures {
            copied_to: committed.get(&twin.target()).copied(),
            source_end: ends.as_ref().and_then(|e| e.get(&twin.source()).copied()),
            ..of(edge, twin)
        });
        let all = there.zip(&twins).map(|(one, twin)| (one, twin, true));
        let alone = alone.iter().flatten();
        let alone = alone.map(|(twin, (start, end))| {
            let one = PartitionFigures {
                copied_to: Some(*start),
                source_end: Some(*end),
                ..of(edge, twin)
            };
            (one, twin, false)
        });
        for (mut one, twin, is_there) in all.chain(alone) {
            let is_timely = since.elapsed() < LOOKING_MAX;
            if is_timely && is_there {
                one.copied_up_to_ms = times.last_copied(twin)?;
            }
            if is_timely && one.missing().is_some_and(|missing| missing > 0) {
                let span = (one.copied_to.unwrap_or(0), one.source_end.unwrap_or(0));
                one.missing_since_ms = times.first_missing(twin, span);
            }
            figures.push(one);
        }
    }
    Ok(figures)
}

fn of(edge: &Edge, twin: &Twin) -> PartitionFigures {
    PartitionFigures {
        edge: edge.name.to_string(),
        topic: twin.source_topic.to_string(),
        partition: twin.partition,
        target_topic: twin.target_topic.to_string(),
        ..PartitionFigures::default()
    }
}

/// The partitions that the target has not, with log start and last stable offset.
///
/// # Errors
/// One of the two clusters does not answer.
pub(super) fn alone(stage: &Stage, edge: &Edge) -> Result<Vec<(Twin, Span)>, Error> {
    let alone = stage.alone(edge)?;
    let places: Vec<_> = alone.iter().map(Twin::source).collect();
    let home = stage.home()?;
    let (starts, ends) = (home.start_offsets(&places)?, home.end_offsets(&places)?);
    let of = |found: &BTreeMap<TopicPartition, i64>, twin: &Twin| {
        found.get(&twin.source()).copied().unwrap_or(0)
    };
    let spans = alone.into_iter().map(|twin| {
        let span = (of(&starts, &twin), of(&ends, &twin));
        (twin, span)
    });
    Ok(spans.collect())
}

/// Where the source's partitions end; `None` where it does not tell.
pub(super) fn source_ends(stage: &Stage, twins: &[Twin]) -> Option<BTreeMap<TopicPartition, i64>> {
    let places: Vec<_> = twins.iter().map(Twin::source).collect();
    stage.home().ok()?.known_ends(&places).ok()
}

/// How far an edge has come, by target partition.
///
/// # Errors
/// The target does not answer.
pub(super) fn committed(
    stage: &Stage,
    edge: &Edge,
    twins: &[Twin],
) -> Result<BTreeMap<TopicPartition, i64>, Error> {
    let group = Group::settled(stage.cluster(&edge.target)?, &stage.group(edge))?;
    let places: Vec<_> = twins.iter().map(Twin::target).collect();
    let fetched = group.committed(&places)?.into_iter();
    Ok(fetched
        .filter_map(|(place, f)| Some((place, f.offset?)))
        .collect())
}

/// Looks timestamps of records up.
struct Times {
    source_alias: String,
    provenance: bool,
    target: Arc<Cluster>,
    at_target: Glance,
    at_source: Glance,
}

impl Times {
    fn new(stage: &Stage, edge: &Edge) -> Result<Self, Error> {
        let target = stage.cluster(&edge.target)?.clone();
        Ok(Self {
            source_alias: edge.source.to_string(),
            provenance: edge.provenance,
            at_target: Glance::new(&target)?,
            at_source: Glance::new(stage.cluster(&edge.source)?)?,
            target,
        })
    }

    /// The timestamp of the last record of the edge, if it lies near the end.
    fn last_copied(&mut self, twin: &Twin) -> Result<Option<i64>, Error> {
        let place = [twin.target()];
        let of = |found: BTreeMap<_, i64>| found.get(&place[0]).copied().unwrap_or(0);
        let end = of(self.target.end_offsets(&place)?);
        let start = of(self.target.start_offsets(&place)?);
        for stretch in STRETCHES {
            let mut from = (end - stretch).max(start);
            let (first, mut last) = (from, None);
            while from < end {
                let (alias, provenance) = (&self.source_alias, self.provenance);
                let look = |record: &crate::kafka::Record<'_>| {
                    let mut is_ours = !provenance;
                    record.each_header(VIA, |value| {
                        is_ours = Hop::parse(value).is_some_and(|hop| {
                            hop.alias == alias && hop.topic == &*twin.source_topic
                        });
                    });
                    if is_ours {
                        last = Some(record.timestamp());
                    }
                };
                let at = LookAt {
                    topic: twin.target_topic.clone(),
                    partition: twin.partition,
                    from,
                    end,
                };
                from = self.at_target.look(&at, look)?;
            }
            if last.is_some() || first == start {
                return Ok(last);
            }
        }
        Ok(None)
    }

    /// The timestamp of the first record that was not copied; a source that does not answer has none.
    fn first_missing(&mut self, twin: &Twin, (from, end): (i64, i64)) -> Option<i64> {
        let at = LookAt {
            topic: twin.source_topic.clone(),
            partition: twin.partition,
            from,
            end,
        };
        let mut first = None;
        let looked = self.at_source.look(&at, |record| {
            first = first.or(Some(record.timestamp()));
        });
        looked.ok().and(first)
    }
}
