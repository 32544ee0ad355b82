//! Flows: every topic that an edge takes, and what it becomes, also of topics still to be made.

use std::collections::{BTreeMap, BTreeSet};

use crate::graph::{Names, Take, Why};
use crate::name::Alias;
use crate::topology::Topology;

use super::inventory::Inventory;

/// A topic of a cluster.
pub type Place = (Alias, String);

/// One topic on one edge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flow {
    /// The edge, by its place in the file.
    pub edge: usize,
    /// What is read.
    pub source: Place,
    /// What is written.
    pub target: Place,
}

/// All flows, in the file's order and by topic. A topic that one edge is to make is taken by the next
/// one too. `is_held` says where a target is not made before a record has passed.
pub fn flows(
    topology: &Topology,
    names: &Names,
    topics: &BTreeMap<Alias, BTreeSet<String>>,
    is_held: impl Fn(&Flow) -> bool,
) -> Vec<Flow> {
    let mut known = topics.clone();
    let mut found: BTreeMap<(usize, String), Flow> = BTreeMap::new();
    loop {
        let before = found.len();
        for (number, edge) in topology.edges().iter().enumerate() {
            if !edge.enabled || !known.contains_key(&edge.target) {
                continue;
            }
            let there = known.get(&edge.source).cloned().unwrap_or_default();
            for topic in there {
                if found.contains_key(&(number, topic.clone())) {
                    continue;
                }
                let Take::Into(new) = names.take(edge, &topic) else {
                    continue;
                };
                let flow = Flow {
                    edge: number,
                    source: (edge.source.clone(), topic.clone()),
                    target: (edge.target.clone(), new.clone()),
                };
                if edge.sync.topics
                    && !is_held(&flow)
                    && let Some(target) = known.get_mut(&edge.target)
                {
                    target.insert(new);
                }
                found.insert((number, topic), flow);
            }
        }
        if found.len() == before {
            return found.into_values().collect();
        }
    }
}

/// Topics that an edge leaves out because their names say that they are replicas: with the edges that
/// do so, by their places in the file. Whether they are is for their records to say.
pub fn shadowed(
    topology: &Topology,
    names: &Names,
    topics: &BTreeMap<Alias, BTreeSet<String>>,
) -> Vec<(usize, Place)> {
    let mut found = Vec::new();
    for (number, edge) in topology
        .edges()
        .iter()
        .enumerate()
        .filter(|(_, e)| e.enabled)
    {
        for topic in topics.get(&edge.source).into_iter().flatten() {
            if let Take::Not(Why::Lineage | Why::Replica) = names.take(edge, topic) {
                found.push((number, (edge.source.clone(), topic.clone())));
            }
        }
    }
    found
}

/// The names of the topics that are there.
pub fn topics_of(seen: &Inventory) -> BTreeMap<Alias, BTreeSet<String>> {
    let names = |alias: &Alias| {
        let topics = seen.clusters.get(alias).map(|c| c.topics.keys().cloned());
        topics.into_iter().flatten().collect()
    };
    seen.clusters
        .keys()
        .map(|alias| (alias.clone(), names(alias)))
        .collect()
}

/// Whether every record that was looked at has been on the target's cluster already: by the record
/// guard nothing of it may be copied, and the target is made only when something is.
pub fn is_held(seen: &Inventory, flow: &Flow) -> bool {
    let (Some(source), Some(target)) = (
        seen.clusters.get(&flow.source.0),
        seen.clusters.get(&flow.target.0),
    ) else {
        return false;
    };
    let Some(topic) = source.topics.get(&flow.source.1) else {
        return false;
    };
    !target.topics.contains_key(&flow.target.1)
        && topic.sample.records > 0
        && topic
            .sample
            .lineage
            .as_ref()
            .is_some_and(|passed| passed.contains(&target.id))
}
