//! No progress is recorded for what the target has not acknowledged (I13, I28).

use std::collections::BTreeMap;

use super::routes::taken;
use super::{Check, Evidence, Route, Verdict};

/// An edge's committed position, as somebody else saw it while it ran.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    /// Name of the edge.
    pub edge: String,
    /// Topic at the target.
    pub target_topic: String,
    /// Its partition.
    pub partition: usize,
    /// The next source offset to be read.
    pub position: i64,
    /// Where the target's log ended just after that, records of open transactions with it.
    pub target_end: i64,
}

pub(super) fn check(evidence: &Evidence, verdict: &mut Verdict) {
    let mut by_place = BTreeMap::<(&str, &str, usize), Vec<&Sample>>::new();
    for sample in &evidence.samples {
        let place = (
            sample.edge.as_str(),
            sample.target_topic.as_str(),
            sample.partition,
        );
        by_place.entry(place).or_default().push(sample);
    }
    for route in &evidence.routes {
        for (place, samples) in &by_place {
            if (place.0, place.1) == (route.edge.as_str(), route.target_topic.as_str()) {
                check_place(evidence, route, place.2, samples, verdict);
            }
        }
    }
}

fn check_place(
    evidence: &Evidence,
    route: &Route,
    partition: usize,
    samples: &[&Sample],
    verdict: &mut Verdict,
) {
    let log = |alias: &str, topic: &str| {
        evidence
            .clusters
            .get(alias)?
            .topics
            .get(topic)?
            .get(partition)
    };
    let (Some(source), Some(target)) = (
        log(&route.source, &route.topic),
        log(&route.target, &route.target_topic),
    ) else {
        return;
    };
    let here = format!("{}, {}/{partition}", route.edge, route.topic);
    let (from, to) = (
        &evidence.clusters[&route.source],
        &evidence.clusters[&route.target],
    );
    // Where each source offset was copied to, first.
    let mut copied = BTreeMap::new();
    for record in &target.records {
        let hop = record.last_hop().filter(|hop| hop.cluster == from.id);
        if let Some(hop) = hop.filter(|hop| hop.topic == route.topic) {
            copied.entry(hop.offset).or_insert(record.offset);
        }
    }
    let wanted: Vec<i64> = source
        .records
        .iter()
        .filter(|record| taken(route, to, record))
        .map(|record| record.offset)
        .collect();
    // Of a log without a loss, the copies of what lies before a position end before this.
    let mut furthest = i64::MIN;
    let ends: Vec<(i64, i64)> = wanted
        .iter()
        .map(|offset| {
            furthest = furthest.max(copied.get(offset).copied().unwrap_or(i64::MAX - 1) + 1);
            (*offset, furthest)
        })
        .collect();
    for sample in samples {
        if sample.position > source.end {
            let text = format!("{here}: position {} beyond the log's end", sample.position);
            verdict.add(Check::Position, text);
        }
        let before = ends.partition_point(|(offset, _)| *offset < sample.position);
        let needed = before.checked_sub(1).map_or(i64::MIN, |last| ends[last].1);
        if needed > sample.target_end {
            let text = format!(
                "{here}: position {} was recorded when the target's log ended at {}",
                sample.position, sample.target_end
            );
            verdict.add(Check::Position, text);
        }
    }
}
