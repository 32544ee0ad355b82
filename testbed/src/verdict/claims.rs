//! What edges say of themselves, held against what lies in the logs (I20, I22, I23, I27).

use std::collections::BTreeMap;

use super::{Check, Evidence, Verdict};

/// What an edge's status says, at rest, of everything since its process was started.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Claim {
    /// Name of the edge.
    pub edge: String,
    /// Records it says it has written.
    pub written: u64,
    /// Records it says it has left out, by reason.
    pub left_out: BTreeMap<String, u64>,
    /// Records it says were lost before they could be copied.
    pub lost: u64,
    /// Records it says it is behind.
    pub lag: u64,
}

pub(super) fn check(evidence: &Evidence, verdict: &mut Verdict) {
    for claim in &evidence.claims {
        let Claim {
            edge,
            written,
            left_out,
            lag,
            lost: _,
        } = claim;
        let there = verdict.copies_of.get(edge).copied().unwrap_or(0) as u64;
        if *written != there {
            let text = format!("{edge} says that it has written {written}, {there} are there");
            verdict.add(Check::Metrics, text);
        }
        if *lag != 0 {
            verdict.add(Check::Metrics, format!("{edge} says {lag} behind, at rest"));
        }
        let routes = evidence.routes.iter().filter(|r| r.edge == *edge);
        let read: usize = routes
            .filter_map(|r| evidence.clusters.get(&r.source)?.topics.get(&r.topic))
            .flatten()
            .map(|log| log.records.len())
            .sum();
        // What was lost is in neither: it was gone before it could be read.
        let told = written + left_out.values().sum::<u64>();
        if read as u64 != told {
            let text = format!("{edge}: {read} records to read, it accounts for {told}");
            verdict.add(Check::Accounting, text);
        }
    }
    if !evidence.claims.is_empty() {
        conserve(evidence, verdict);
    }
}

/// What lies on a cluster is what was born there and what edges say they have brought.
fn conserve(evidence: &Evidence, verdict: &mut Verdict) {
    for (alias, cluster) in &evidence.clusters {
        let there: usize = cluster
            .topics
            .values()
            .flatten()
            .map(|log| log.records.len())
            .sum();
        let births = evidence.births.iter();
        let born = births
            .filter(|b| b.cluster == *alias && b.outcome == crate::writer::Outcome::Written)
            .count();
        let into = |edge: &str| {
            let mut routes = evidence.routes.iter();
            routes.any(|r| r.edge == edge && r.target == *alias)
        };
        let brought = evidence.claims.iter().filter(|claim| into(&claim.edge));
        let brought: u64 = brought.map(|claim| claim.written).sum();
        if there as u64 != born as u64 + brought {
            let text = format!("{alias} holds {there}: {born} born there, {brought} brought");
            verdict.add(Check::Conservation, text);
        }
    }
}
