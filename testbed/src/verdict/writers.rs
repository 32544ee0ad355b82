//! One writer at a time: transactions of two owners never overlap in a partition (I24). Users' own
//! producers may: what they write has no hop.

use std::collections::{BTreeMap, BTreeSet};

use super::{Check, Evidence, Verdict};
use crate::segments::{Batch, Kind};

/// From its first batch to its marker.
#[derive(Clone, Copy, Debug)]
struct Span {
    producer: i64,
    first: i64,
    last: i64,
}

pub(super) fn check(evidence: &Evidence, verdict: &mut Verdict) {
    for ((alias, topic, partition), batches) in &evidence.batches {
        let here = format!("{topic}/{partition} on {alias}");
        let mut epochs = BTreeMap::<i64, i16>::new();
        for batch in batches
            .iter()
            .filter(|batch| batch.kind == Kind::Transactional)
        {
            let epoch = epochs.entry(batch.producer).or_insert(batch.epoch);
            if batch.epoch < *epoch {
                let text = format!(
                    "{here}: producer {} wrote under epoch {} after {epoch}, at {}",
                    batch.producer, batch.epoch, batch.first
                );
                verdict.add(Check::Writer, text);
            }
            *epoch = (*epoch).max(batch.epoch);
        }
        let users = users(evidence, (alias, topic, *partition), batches);
        let mut spans = committed(batches);
        spans.retain(|span| !users.contains(&span.producer));
        for pair in spans.windows(2) {
            if pair[1].first < pair[0].last && pair[0].producer != pair[1].producer {
                let text = format!(
                    "{here}: producer {} wrote from {} on, within a transaction of producer {}",
                    pair[1].producer, pair[1].first, pair[0].producer
                );
                verdict.add(Check::Writer, text);
            }
        }
    }
}

/// The producers that wrote records which no edge has stamped.
fn users(
    evidence: &Evidence,
    (alias, topic, partition): (&str, &str, usize),
    batches: &[Batch],
) -> BTreeSet<i64> {
    let topics = evidence.clusters.get(alias).map(|dump| &dump.topics);
    let log = topics.and_then(|topics| topics.get(topic)?.get(partition));
    let records = log.map_or(&[][..], |log| &log.records);
    let wrote_unstamped = |batch: &&Batch| {
        let from = records.partition_point(|record| record.offset < batch.first);
        let mut its = records[from..]
            .iter()
            .take_while(|r| r.offset <= batch.last);
        batch.kind == Kind::Transactional && its.any(|record| record.last_hop().is_none())
    };
    let found = batches.iter().filter(wrote_unstamped);
    found.map(|batch| batch.producer).collect()
}

/// The transactions that became visible, by their first batch.
fn committed(batches: &[Batch]) -> Vec<Span> {
    let mut open = BTreeMap::<i64, i64>::new();
    let mut spans = Vec::new();
    for batch in batches {
        match batch.kind {
            Kind::Transactional => {
                open.entry(batch.producer).or_insert(batch.first);
            }
            Kind::Commit | Kind::Abort => {
                let first = open.remove(&batch.producer);
                if let (Some(first), Kind::Commit) = (first, batch.kind) {
                    let (producer, last) = (batch.producer, batch.last);
                    spans.push(Span {
                        producer,
                        first,
                        last,
                    });
                }
            }
            Kind::Data => {}
        }
    }
    spans.sort_by_key(|span| span.first);
    spans
}
