//! Findings about clusters, permissions and patterns.

use std::collections::{BTreeMap, BTreeSet};

use super::topics::is_of_other_replicator;
use super::{Code, Finding};
use crate::edge::Edge;
use crate::finding::Severity;
use crate::graph::{Names, literals};
use crate::name::{Alias, EdgeName};
use crate::plan::flow::{Flow, Place};
use crate::plan::inventory::Inventory;
use crate::topology::Topology;

pub(super) fn unreachable(seen: &Inventory) -> Vec<Finding> {
    let tell = |(alias, why): (&Alias, &String)| {
        let help = "check `bootstrap.servers` and the security properties of the cluster";
        Finding::new(Code::UnreachableCluster, why.clone(), help).cluster(alias)
    };
    seen.unreachable.iter().map(tell).collect()
}

/// Two aliases with one id: everything would be copied onto itself.
pub(super) fn same(topology: &Topology, seen: &Inventory) -> Vec<Finding> {
    let mut first: BTreeMap<&str, &Alias> = BTreeMap::new();
    let mut found = Vec::new();
    for declared in topology.clusters() {
        let Some(cluster) = seen.clusters.get(&declared.alias) else {
            continue;
        };
        if let Some(other) = first.insert(&cluster.id, &declared.alias) {
            let (alias, id) = (&declared.alias, &cluster.id);
            let message = format!("`{other}` and `{alias}` are one cluster (id {id})");
            let help = format!("declare it once, and use `{other}` for both");
            found.push(Finding::new(Code::SameCluster, message, help).cluster(alias));
        }
    }
    found
}

/// Patterns of an edge that select none of the topics that are there.
pub(super) fn patterns(topology: &Topology, seen: &Inventory) -> Vec<Finding> {
    let mut found = Vec::new();
    for edge in topology.edges().iter().filter(|e| e.enabled) {
        let Some(source) = seen.clusters.get(&edge.source) else {
            continue;
        };
        for (number, pattern) in edge.topics.iter().enumerate() {
            let alone = Edge {
                topics: vec![pattern.clone()],
                ..edge.clone()
            };
            // Only the pattern counts: guards and renames have their own findings.
            let mut draft = topology.draft().clone();
            draft.edges = vec![alone.clone()];
            let names = Names::new(&draft);
            let is_hidden =
                literals(pattern).is_some_and(|all| all.iter().any(|n| source.hidden.contains(n)));
            let mut topics = source.topics.keys();
            if is_hidden
                || topics.any(|t| matches!(names.take(&alone, t), crate::graph::Take::Into(_)))
            {
                continue;
            }
            let message = format!("`{}` matches no topic of `{}`", pattern.text, edge.source);
            let help = "topics that appear later are taken, if the pattern is right";
            let mut finding = Finding::new(Code::MatchesNothing, message, help);
            finding = finding.edge(&edge.name).cluster(&edge.source);
            if number > 0 || edge.topics.len() > 1 {
                finding.help = format!("{help}; it is `topics[{number}]`");
            }
            found.push(finding);
        }
    }
    found
}

/// What another replicator keeps for itself on a cluster, though no edge takes it: it may replicate there still.
pub(super) fn other_replicators(flows: &[Flow], seen: &Inventory) -> Vec<Finding> {
    let taken: BTreeSet<&Place> = flows.iter().map(|f| &f.source).collect();
    let mut found = Vec::new();
    for (alias, cluster) in &seen.clusters {
        let is_left = |topic: &&String| {
            is_of_other_replicator(topic) && !taken.contains(&(alias.clone(), (*topic).clone()))
        };
        let topics: Vec<&str> = cluster
            .topics
            .keys()
            .filter(is_left)
            .map(String::as_str)
            .collect();
        let Some((first, more)) = topics.split_first() else {
            continue;
        };
        let and = match more.len() {
            0 => String::new(),
            count => format!(", and {count} more"),
        };
        let message = format!("topic {first} on `{alias}`{and} looks like MirrorMaker 2's own");
        let help = "no edge takes it; see to it that it does not write the topics that edges write";
        let finding = Finding::new(Code::OtherReplicator, message, help).cluster(alias);
        found.push(finding.weighs(Severity::Note));
    }
    found
}

/// Groups of this topology that belong to no edge of the file.
pub(super) fn left_behind(topology: &Topology, seen: &Inventory) -> Vec<Finding> {
    let prefix = format!("crossdock.{}.", topology.name());
    let mut found = Vec::new();
    for (alias, cluster) in &seen.clusters {
        for (group, held) in &cluster.groups {
            let Some(edge) = group.strip_prefix(&prefix) else {
                continue;
            };
            let name = EdgeName::new(edge);
            let is_here = |e: &Edge| e.target == *alias && e.name == name;
            if topology.edges().iter().any(is_here) {
                continue;
            }
            let became = |e: &&Edge| e.renamed_from.as_ref() == Some(&name) && e.target == *alias;
            let topics: BTreeSet<&str> = held.positions.keys().map(|(t, _)| t.as_str()).collect();
            let topics = topics.into_iter().collect::<Vec<_>>().join(", ");
            let leads = topology.edges().iter().find(|e| e.name == name);
            let finding = match topology.edges().iter().find(became) {
                Some(edge) => Finding::new(
                    Code::LeftBehind,
                    format!(
                        "edge {name} is now called {}; its group {group} stays on `{alias}`",
                        edge.name
                    ),
                    "delete the group when the edge runs under its new name",
                )
                .edge(&edge.name)
                .weighs(Severity::Note),
                None if let Some(edge) = leads => Finding::new(
                    Code::LeftBehind,
                    format!(
                        "edge {name} leads to `{}` now; its group {group} and its topics stay on `{alias}`: {topics}",
                        edge.target
                    ),
                    "delete them by hand when nobody needs them",
                )
                .edge(&edge.name),
                None => Finding::new(
                    Code::LeftBehind,
                    format!(
                        "edge {name} is not in the file any more; its group {group} and its topics stay on `{alias}`: {topics}"
                    ),
                    format!(
                        "if it has a new name, write `renamed_from: {name}`; else delete them by hand when nobody needs them"
                    ),
                ),
            };
            found.push(finding.cluster(alias));
        }
    }
    found
}
