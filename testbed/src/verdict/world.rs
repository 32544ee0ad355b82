//! A closed world: the topics and groups of each cluster are those of the plan.

use std::collections::BTreeSet;

use super::{Check, Evidence, Verdict};

pub(super) fn check(evidence: &Evidence, verdict: &mut Verdict) {
    let nothing = BTreeSet::new();
    for (alias, cluster) in &evidence.clusters {
        let planned = evidence.topics.get(alias).unwrap_or(&nothing);
        let there: BTreeSet<String> = cluster.topics.keys().cloned().collect();
        for topic in there.difference(planned) {
            verdict.add(
                Check::World,
                format!("topic {topic} on {alias} is in no plan"),
            );
        }
        for topic in planned.difference(&there) {
            verdict.add(Check::World, format!("topic {topic} on {alias} is missing"));
        }
        let allowed = evidence.groups.get(alias).unwrap_or(&nothing);
        for group in cluster.groups.iter().filter(|g| !allowed.contains(*g)) {
            verdict.add(
                Check::World,
                format!("group {group} on {alias} is in no plan"),
            );
        }
    }
    for (alias, [before, after]) in &evidence.untouched {
        for gone in before.iter().filter(|trace| !after.contains(trace)) {
            verdict.add(Check::Source, format!("{alias} had {gone}"));
        }
        for new in after.iter().filter(|trace| !before.contains(trace)) {
            verdict.add(Check::Source, format!("{alias} has {new}"));
        }
    }
    for [before, after] in &evidence.restarts {
        if before != after {
            let text = format!("{before} records before a restart, {after} after it");
            verdict.add(Check::Restart, text);
        }
    }
    for text in &evidence.moved {
        verdict.add(Check::Rest, text.clone());
    }
    for route in &evidence.routes {
        let count = |alias: &str, topic: &str| {
            evidence
                .clusters
                .get(alias)
                .and_then(|c| c.topics.get(topic))
                .map_or(0, Vec::len)
        };
        let (source, target) = (
            count(&route.source, &route.topic),
            count(&route.target, &route.target_topic),
        );
        if target < source {
            let text = format!(
                "{}: {} has {source} partitions, {} on {} has {target}",
                route.edge, route.topic, route.target_topic, route.target
            );
            verdict.add(Check::World, text);
        }
    }
}
