//! Replicas of other topologies: a target topic is made only when a record passes the record guard.
//!
//! Names tell the replicas of one file; those of another team's file are told by their records. A topic
//! whose records have all been on the target's cluster already would be copied by nobody, and must not
//! be made there under its name.

use std::collections::{BTreeMap, BTreeSet};

use crossdock_model::edge::Edge;
use crossdock_model::plan::Sample;

use crate::kafka::{Cluster, Error, TopicPartition, partitions_of};

/// Source topics, with their partition counts.
type Topics<'a> = BTreeMap<&'a str, usize>;

/// Log start and last stable offsets of partitions.
type Spans = BTreeMap<TopicPartition, (i64, i64)>;

/// Those of the topics that have no target topic yet, and of which every record that was looked at has
/// been on the target's cluster.
///
/// # Errors
/// A cluster does not answer.
pub fn held(
    edge: &Edge,
    source: &Cluster,
    target: &Cluster,
    topics: &Topics<'_>,
) -> Result<BTreeSet<String>, Error> {
    if topics.is_empty() || !edge.provenance || !source.capabilities().admin {
        return Ok(BTreeSet::new());
    }
    let target_id = target.id()?;
    let was_there = |sample: &Sample| {
        let passed = sample.lineage.as_ref();
        sample.records > 0 && passed.is_some_and(|ids| ids.contains(target_id.as_str()))
    };
    let spans = source.spans(&partitions_of(topics.iter().map(|(t, n)| (*t, *n))))?;
    // One partition of each is enough to tell nearly all of them.
    let suspects = source.samples(&one_of_each(&spans))?;
    let suspects: BTreeSet<String> = suspects
        .into_iter()
        .filter(|(_, sample)| was_there(sample))
        .map(|(topic, _)| topic)
        .collect();
    let mut rest = spans;
    rest.retain(|(topic, _), _| suspects.contains(&**topic));
    let found = source.samples(&rest)?.into_iter();
    Ok(found
        .filter(|(_, sample)| was_there(sample))
        .map(|(topic, _)| topic)
        .collect())
}

/// The first partition of each topic that holds something.
fn one_of_each(spans: &Spans) -> Spans {
    let mut told = BTreeSet::new();
    let holds = spans.iter().filter(|(_, (start, end))| end > start);
    holds
        .filter(|((topic, _), _)| told.insert(topic.clone()))
        .map(|(place, span)| (place.clone(), *span))
        .collect()
}
