//! Both isolation levels: what was aborted, and nothing else, is hidden from who reads committed (I9).

use std::collections::BTreeMap;

use super::{Check, Evidence, Verdict};
use crate::record::Record;

pub(super) fn check(evidence: &Evidence, verdict: &mut Verdict) {
    for (alias, all) in &evidence.uncommitted {
        let Some(committed) = evidence.clusters.get(alias) else {
            continue;
        };
        for (topic, logs) in &committed.topics {
            let both = all.topics.get(topic).into_iter().flatten();
            for (partition, (log, all)) in logs.iter().zip(both).enumerate() {
                let mut there: BTreeMap<i64, &Record> =
                    all.records.iter().map(|r| (r.offset, r)).collect();
                for record in &log.records {
                    if there.remove(&record.offset) != Some(record) {
                        let text = format!(
                            "{topic}/{partition} on {alias}: {} is not what is there uncommitted",
                            record.describe()
                        );
                        verdict.add(Check::Isolation, text);
                    }
                }
                let replicated = |record: &&&Record| record.last_hop().is_some();
                verdict.hidden += there.values().filter(replicated).count();
            }
        }
    }
}
