//! Order as consumers see it: for each origin and key, records come as they were written (I5). Told
//! from values alone, whatever headers say, and across all edges and hops.

use std::collections::{BTreeMap, BTreeSet};

use super::{Check, Evidence, Verdict};
use crate::record::Record;

/// Origin, its topic, its partition, key.
type Stream<'a> = (&'a [u8], &'a [u8], &'a [u8], &'a [u8]);

pub(super) fn check(evidence: &Evidence, verdict: &mut Verdict) {
    for (alias, cluster) in &evidence.clusters {
        for (topic, logs) in &cluster.topics {
            for (partition, log) in logs.iter().enumerate() {
                let here = format!("{topic}/{partition} on {alias}");
                check_log(&here, &log.records, verdict);
            }
        }
    }
}

fn check_log(here: &str, records: &[Record], verdict: &mut Verdict) {
    let mut last: BTreeMap<Stream<'_>, u64> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    for record in records {
        let Some((stream, sequence)) = identity(record) else {
            continue;
        };
        // Repeats are judged as such.
        if record.uid().is_some_and(|uid| !seen.insert(uid)) {
            continue;
        }
        let before = last.entry(stream).or_insert(sequence);
        if sequence < *before {
            let text = format!("{here}: {} after number {before}", record.describe());
            verdict.add(Check::KeyOrder, text);
        }
        *before = sequence;
    }
}

/// Whose record it is, and its number among those, from its value.
fn identity(record: &Record) -> Option<(Stream<'_>, u64)> {
    record.uid()?;
    let value = record.value.as_deref()?;
    let mut parts = value.splitn(6, |byte| *byte == b' ').skip(1);
    let mut part = |name: &[u8]| parts.next()?.strip_prefix(name);
    let (origin, topic, partition) = (part(b"origin=")?, part(b"topic=")?, part(b"partition=")?);
    let sequence = std::str::from_utf8(part(b"seq=")?).ok()?.parse().ok()?;
    let key = record.key.as_deref().unwrap_or_default();
    Some(((origin, topic, partition, key), sequence))
}
