//! What users wrote is in the logs they wrote it to, and nothing else claims to be theirs.

use std::collections::BTreeMap;

use super::{Check, Evidence, Verdict};
use crate::record::{PartitionLog, Record};
use crate::writer::{Birth, Outcome};

type Place<'a> = (&'a str, &'a str, usize);

pub(super) fn check(evidence: &Evidence, verdict: &mut Verdict) {
    let mut written: BTreeMap<Place<'_>, BTreeMap<i64, &Record>> = BTreeMap::new();
    let mut doubtful: BTreeMap<Place<'_>, Vec<&Birth>> = BTreeMap::new();
    for birth in &evidence.births {
        let place = (
            birth.cluster.as_str(),
            birth.topic.as_str(),
            birth.partition,
        );
        if birth.outcome == Outcome::Written {
            written
                .entry(place)
                .or_default()
                .insert(birth.record.offset, &birth.record);
        } else {
            doubtful.entry(place).or_default().push(birth);
        }
    }
    for (alias, cluster) in &evidence.clusters {
        for (topic, logs) in &cluster.topics {
            for (partition, log) in logs.iter().enumerate() {
                let place = (alias.as_str(), topic.as_str(), partition);
                let expected = written.remove(&place).unwrap_or_default();
                let doubtful = doubtful.remove(&place).unwrap_or_default();
                check_log(place, log, expected, &doubtful, evidence, verdict);
            }
        }
    }
    for ((cluster, topic, partition), lost) in written {
        let text = format!("{} records of {topic}/{partition} on {cluster}", lost.len());
        verdict.add(Check::Birth, format!("{text}: the log is gone"));
    }
}

fn check_log(
    (cluster, topic, partition): Place<'_>,
    log: &PartitionLog,
    mut expected: BTreeMap<i64, &Record>,
    doubtful: &[&Birth],
    evidence: &Evidence,
    verdict: &mut Verdict,
) {
    let here = format!("{topic}/{partition} on {cluster}");
    for record in log.records.iter().filter(|r| r.hops().is_empty()) {
        match expected.remove(&record.offset) {
            Some(birth) if birth == record => {}
            Some(birth) => {
                let text = format!(
                    "{here}: {} differs: written {}, is {}",
                    birth.difference(record).unwrap_or("something"),
                    birth.describe(),
                    record.describe()
                );
                verdict.add(Check::Birth, text);
            }
            None => {
                let of_unknown = doubtful
                    .iter()
                    .any(|b| b.outcome == Outcome::Unknown && same_content(&b.record, record));
                let doubled = record
                    .uid()
                    .filter(|_| !of_unknown && is_born(evidence, record));
                if let Some(uid) = doubled {
                    // Twice in the log that users wrote: their producer's doing, and nobody else's.
                    verdict.doubled.insert(uid.to_vec());
                } else if !of_unknown {
                    let text = format!("{here}: nobody wrote {}", record.describe());
                    verdict.add(Check::Invention, text);
                }
            }
        }
    }
    for lost in expected.values() {
        verdict.add(
            Check::Birth,
            format!(
                "{here}: was written, is gone, where {} records are from {} to {}: {}",
                log.records.len(),
                log.start,
                log.end,
                lost.describe()
            ),
        );
    }
}

fn is_born(evidence: &Evidence, record: &Record) -> bool {
    let mut births = evidence.births.iter();
    births.any(|birth| birth.outcome == Outcome::Written && same_content(&birth.record, record))
}

fn same_content(a: &Record, b: &Record) -> bool {
    Record {
        offset: 0,
        ..a.clone()
    } == Record {
        offset: 0,
        ..b.clone()
    }
}
