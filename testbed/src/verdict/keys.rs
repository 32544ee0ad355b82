//! Order as consumers see it: for each origin and key, records come as they were written (I5). Told
//! from values alone, whatever headers say, and across all edges and hops.

use std::collections::{BTreeMap, BTreeSet};

use super::{Check, Evidence, Verdict};
use crate::record::Record;

/// Where a record was born: cluster, topic, partition, offset.
type Born<'a> = (&'a str, &'a str, usize, i64);

/// Those of one key in one partition of their birth.
type Stream<'a> = (&'a str, &'a str, usize, &'a [u8]);

pub(super) fn check(evidence: &Evidence, verdict: &mut Verdict) {
    let mut births: BTreeMap<&[u8], Born<'_>> = BTreeMap::new();
    for (alias, topic, partition, records) in logs(evidence) {
        for record in records.iter().filter(|record| record.hops().is_empty()) {
            if let Some(uid) = record.uid() {
                births
                    .entry(uid)
                    .or_insert((alias, topic, partition, record.offset));
            }
        }
    }
    for (alias, topic, partition, records) in logs(evidence) {
        let here = format!("{topic}/{partition} on {alias}");
        check_log(&here, records, &births, verdict);
    }
}

fn logs(evidence: &Evidence) -> impl Iterator<Item = (&str, &str, usize, &[Record])> {
    let topics = evidence.clusters.iter().flat_map(|(alias, cluster)| {
        let topics = cluster.topics.iter();
        topics.map(move |(topic, logs)| (alias.as_str(), topic.as_str(), logs))
    });
    topics.flat_map(|(alias, topic, logs)| {
        let logs = logs.iter().enumerate();
        logs.map(move |(partition, log)| (alias, topic, partition, log.records.as_slice()))
    })
}

fn check_log(
    here: &str,
    records: &[Record],
    births: &BTreeMap<&[u8], Born<'_>>,
    verdict: &mut Verdict,
) {
    let mut last: BTreeMap<Stream<'_>, i64> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    for record in records.iter().filter(|record| !record.hops().is_empty()) {
        // Repeats are judged as such.
        let Some(uid) = record.uid().filter(|uid| seen.insert(*uid)) else {
            continue;
        };
        let Some((cluster, topic, partition, offset)) = births.get(uid) else {
            continue;
        };
        let key = record.key.as_deref().unwrap_or_default();
        let stream = (*cluster, *topic, *partition, key);
        let before = last.insert(stream, *offset);
        if let Some(before) = before.filter(|before| before > offset) {
            let text = format!("{here}: {} after that of {before}", record.describe());
            verdict.add(Check::KeyOrder, text);
        }
    }
}
