//! Each topic that an edge copies, partition by partition: the copies against the originals.

use std::collections::{BTreeMap, BTreeSet};

use super::{Check, Evidence, Route, Verdict};
use crate::record::{ClusterDump, Hop, PartitionLog, Record};

pub(super) fn check(evidence: &Evidence, verdict: &mut Verdict) {
    for route in &evidence.routes {
        check_route(evidence, route, verdict);
    }
    if let Some(most) = evidence.replays_max
        && verdict.replayed > most
    {
        let text = format!("{} records were repeated, {most} may be", verdict.replayed);
        verdict.add(Check::Replay, text);
    }
    for (alias, cluster) in &evidence.clusters {
        for (topic, logs) in &cluster.topics {
            for (partition, log) in logs.iter().enumerate() {
                let here = format!("{topic}/{partition} on {alias}");
                check_returns(cluster, log, &here, verdict);
                check_strangers(evidence, (alias, topic), log, &here, verdict);
            }
            if evidence.replays_max.is_none() {
                check_twins(alias, topic, logs, verdict);
            }
        }
    }
}

fn check_route(evidence: &Evidence, route: &Route, verdict: &mut Verdict) {
    let Route {
        edge,
        source,
        topic,
        target,
        target_topic,
        ..
    } = route;
    let (Some(from), Some(to)) = (evidence.clusters.get(source), evidence.clusters.get(target))
    else {
        return verdict.add(Check::World, format!("{edge}: a cluster was not dumped"));
    };
    let (Some(originals), Some(copies)) = (from.topics.get(topic), to.topics.get(target_topic))
    else {
        let text =
            format!("{edge}: {topic} on {source} or {target_topic} on {target} is not there");
        return verdict.add(Check::World, text);
    };
    for (partition, original) in originals.iter().enumerate() {
        let here = format!("{edge}, {target_topic}/{partition} on {target}");
        let wanted: Vec<&Record> = original
            .records
            .iter()
            .filter(|r| taken(route, to, r))
            .collect();
        let found = copies.get(partition).map_or(&[][..], |log| &log.records);
        let found: Vec<(&Record, Hop)> = found
            .iter()
            .filter_map(|r| Some((r, r.last_hop()?)))
            .filter(|(_, hop)| hop.cluster == from.id && hop.topic == *topic)
            .collect();
        verdict.copies += found.len();
        *verdict.copies_of.entry(edge.clone()).or_default() += found.len();
        compare(&here, (source, partition), &wanted, &found, verdict);
        if evidence.replays_max.is_some() {
            check_replays(&here, &wanted, &found, verdict);
        }
    }
}

/// The record guard, told anew from the contract.
pub(super) fn taken(route: &Route, target: &ClusterDump, record: &Record) -> bool {
    let hops = record.hops();
    (hops.is_empty() || !route.local_only) && hops.iter().all(|hop| hop.cluster != target.id)
}

fn compare(
    here: &str,
    (source, partition): (&str, usize),
    wanted: &[&Record],
    found: &[(&Record, Hop)],
    verdict: &mut Verdict,
) {
    let originals: BTreeMap<i64, &Record> = wanted.iter().map(|r| (r.offset, *r)).collect();
    let mut seen = BTreeSet::new();
    let mut last = i64::MIN;
    for (copy, hop) in found {
        if hop.partition != partition || hop.alias != source {
            let text = format!(
                "{here}: {} names {}/{}",
                copy.describe(),
                hop.alias,
                hop.partition
            );
            verdict.add(Check::Provenance, text);
            continue;
        }
        let Some(original) = originals.get(&hop.offset) else {
            let text = format!(
                "{here}: {} names no record that should be here",
                copy.describe()
            );
            verdict.add(Check::Provenance, text);
            continue;
        };
        if let Some(what) = original.difference(copy) {
            let text = format!(
                "{here}: {what} differs: {} became {}",
                original.describe(),
                copy.describe()
            );
            verdict.add(Check::Content, text);
        }
        // Only first occurrences are in or out of order: a repeat is a duplicate, no more.
        if !seen.insert(hop.offset) {
            verdict.replayed += 1;
            if verdict.may_replay {
                continue;
            }
            verdict.add(
                Check::Duplicate,
                format!("{here}: again {}", copy.describe()),
            );
        } else if hop.offset < last {
            let text = format!("{here}: {} after source offset {last}", copy.describe());
            verdict.add(Check::Order, text);
        } else {
            last = hop.offset;
        }
    }
    for lost in wanted.iter().filter(|r| !seen.contains(&r.offset)) {
        verdict.add(
            Check::Completeness,
            format!("{here}: missing {}", lost.describe()),
        );
    }
}

/// Copies that were delivered at least once are runs of the source: each goes on without a gap, and a
/// new one begins at or before the end of the one before it.
fn check_replays(here: &str, wanted: &[&Record], found: &[(&Record, Hop)], verdict: &mut Verdict) {
    let places: BTreeMap<i64, usize> = wanted.iter().map(|r| r.offset).zip(0..).collect();
    let mut last: Option<usize> = None;
    for (copy, hop) in found {
        let Some(place) = places.get(&hop.offset) else {
            continue;
        };
        if last.is_some_and(|last| *place > last + 1) {
            let text = format!("{here}: a run has a gap before {}", copy.describe());
            verdict.add(Check::Replay, text);
        }
        last = Some(*place);
    }
}

/// No record is on a cluster that it came from.
fn check_returns(cluster: &ClusterDump, log: &PartitionLog, here: &str, verdict: &mut Verdict) {
    for record in &log.records {
        let hops = record.hops();
        let distinct: BTreeSet<&str> = hops.iter().map(|h| h.cluster.as_str()).collect();
        if distinct.len() < hops.len() || distinct.contains(cluster.id.as_str()) {
            verdict.add(Check::Return, format!("{here}: {}", record.describe()));
        }
    }
}

/// Every replicated record was brought by an edge of the topology.
fn check_strangers(
    evidence: &Evidence,
    (alias, topic): (&str, &str),
    log: &PartitionLog,
    here: &str,
    verdict: &mut Verdict,
) {
    let sources: BTreeSet<(&str, &str)> = evidence
        .routes
        .iter()
        .filter(|r| r.target == alias && r.target_topic == topic)
        .filter_map(|r| {
            Some((
                evidence.clusters.get(&r.source)?.id.as_str(),
                r.topic.as_str(),
            ))
        })
        .collect();
    for record in log.records.iter().filter(|r| !r.hops().is_empty()) {
        let brought = record
            .last_hop()
            .is_some_and(|hop| sources.contains(&(hop.cluster.as_str(), hop.topic.as_str())));
        if !brought {
            let text = format!("{here}: no edge brings {}", record.describe());
            verdict.add(Check::Invention, text);
        }
    }
}

/// No identity is in one topic twice, whichever edges brought it.
fn check_twins(alias: &str, topic: &str, logs: &[PartitionLog], verdict: &mut Verdict) {
    let mut seen: BTreeMap<&[u8], &Record> = BTreeMap::new();
    for record in logs.iter().flat_map(|log| &log.records) {
        let Some(uid) = record.uid().filter(|uid| !verdict.doubled.contains(*uid)) else {
            continue;
        };
        if let Some(first) = seen.insert(uid, record) {
            let text = format!(
                "{topic} on {alias}: {} and {}",
                first.describe(),
                record.describe()
            );
            verdict.add(Check::Duplicate, text);
        }
    }
}
