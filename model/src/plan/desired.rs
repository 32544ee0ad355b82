//! The desired state: partitions, configs and ACLs of every target topic.
//!
//! All three follow from source to target, along chains of edges too. Partitions only grow and ACLs
//! only add up, so each has a least state in which nothing is left to do. Configs may differ at will:
//! a topic takes them from the first edge that writes it, unless it is where they come from itself.

use std::collections::{BTreeMap, BTreeSet};

use crate::topology::Topology;

use super::flow::{Flow, Place};
use super::inventory::{Acl, Inventory, Topic};

/// Room in the target's `max.message.bytes` for provenance headers: more than a record gains on
/// dozens of hops, each at most about 400 bytes.
const HEADER_ROOM_BYTES: u64 = 16 * 1024;

/// Kafka's default for `max.message.bytes`.
const MAX_MESSAGE_BYTES_DEFAULT: u64 = 1_048_588;

/// The config that follows by a rule of its own: it is never lowered.
pub const MAX_MESSAGE_BYTES: &str = "max.message.bytes";

/// What the target keeps for itself: MirrorMaker 2's default `config.properties.exclude`.
const CONFIGS_NOT_SYNCED: [&str; 6] = [
    "follower.replication.throttled.replicas",
    "leader.replication.throttled.replicas",
    "message.timestamp.difference.max.ms",
    "message.timestamp.type",
    "unclean.leader.election.enable",
    "min.insync.replicas",
];

/// Whether a config follows the source topic.
pub fn is_synced(key: &str) -> bool {
    // The same throttle by its newer names, and limits of the time stamps that the target's clock sets.
    !CONFIGS_NOT_SYNCED.contains(&key)
        && !key.starts_with("message.timestamp.before.")
        && !key.starts_with("message.timestamp.after.")
}

/// What a source's `max.message.bytes` becomes where a topic is made for it.
pub fn with_header_room(largest: Option<u64>) -> u64 {
    (largest.unwrap_or(MAX_MESSAGE_BYTES_DEFAULT) + HEADER_ROOM_BYTES).min(i32::MAX as u64)
}

/// What a target topic should be like.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Desired {
    pub(super) partitions: usize,
    /// What it should have set, as far as it follows another topic.
    pub(super) configs: BTreeMap<String, String>,
    /// The flow that its configs follow.
    pub(super) parent: Option<usize>,
    pub(super) max_message_bytes: u64,
    pub(super) acls: BTreeSet<Acl>,
}

/// The desired state of every place that takes part.
pub(super) fn desired(
    topology: &Topology,
    flows: &[Flow],
    seen: &Inventory,
) -> BTreeMap<Place, Desired> {
    let mut all: BTreeMap<Place, Desired> = BTreeMap::new();
    for flow in flows {
        for place in [&flow.source, &flow.target] {
            all.entry(place.clone())
                .or_insert_with(|| as_seen(place, seen));
        }
    }
    grow(topology, flows, seen, &mut all);
    add_acls(topology, flows, seen, &mut all);
    let parents = parents(topology, flows);
    let places: Vec<Place> = all.keys().cloned().collect();
    for place in &places {
        configure(place, flows, &parents, seen, &mut all, places.len());
    }
    all
}

/// The topic of a place, if it is there.
pub(super) fn topic<'a>(seen: &'a Inventory, place: &Place) -> Option<&'a Topic> {
    seen.clusters.get(&place.0)?.topics.get(&place.1)
}

fn as_seen(place: &Place, seen: &Inventory) -> Desired {
    let acls = seen.clusters.get(&place.0).and_then(|c| c.acls.as_ref());
    let acls = acls.into_iter().flatten().filter(|a| a.topic == place.1);
    Desired {
        partitions: topic(seen, place).map_or(0, |t| t.partitions.len()),
        acls: acls.cloned().collect(),
        ..Desired::default()
    }
}

/// A topic has at least as many partitions as what it is copied from.
fn grow(topology: &Topology, flows: &[Flow], seen: &Inventory, all: &mut BTreeMap<Place, Desired>) {
    loop {
        let mut is_settled = true;
        for flow in flows {
            let is_new = topic(seen, &flow.target).is_none();
            let sync = &topology.edges()[flow.edge].sync;
            if !(if is_new { sync.topics } else { sync.partitions }) {
                continue;
            }
            let wanted = all.get(&flow.source).map_or(0, |d| d.partitions);
            if let Some(target) = all.get_mut(&flow.target)
                && target.partitions < wanted
            {
                target.partitions = wanted;
                is_settled = false;
            }
        }
        if is_settled {
            return;
        }
    }
}

/// A replica is never to be written by others: `WRITE` does not follow, and `ALL` becomes `READ`.
pub(super) fn follow_acl(acl: &Acl, target_topic: &str) -> Option<Acl> {
    let mut acl = Acl {
        topic: target_topic.to_owned(),
        ..acl.clone()
    };
    if acl.permission == "ALLOW" {
        match acl.operation.as_str() {
            "WRITE" => return None,
            "ALL" => "READ".clone_into(&mut acl.operation),
            _ => {}
        }
    }
    Some(acl)
}

fn add_acls(
    topology: &Topology,
    flows: &[Flow],
    seen: &Inventory,
    all: &mut BTreeMap<Place, Desired>,
) {
    let has_acls = |place: &Place| {
        seen.clusters
            .get(&place.0)
            .is_some_and(|c| c.acls.is_some())
    };
    loop {
        let mut is_settled = true;
        for flow in flows {
            if !topology.edges()[flow.edge].sync.acls
                || !has_acls(&flow.source)
                || !has_acls(&flow.target)
            {
                continue;
            }
            let theirs = all.get(&flow.source).map(|d| d.acls.clone());
            let follow = theirs.into_iter().flatten();
            let follow: Vec<_> = follow
                .filter_map(|a| follow_acl(&a, &flow.target.1))
                .collect();
            if let Some(target) = all.get_mut(&flow.target) {
                let before = target.acls.len();
                target.acls.extend(follow);
                is_settled &= target.acls.len() == before;
            }
        }
        if is_settled {
            return;
        }
    }
}

/// The flow that each place takes its configs from: the first in the file's order that does not lead
/// back to the place itself.
fn parents(topology: &Topology, flows: &[Flow]) -> BTreeMap<Place, usize> {
    let mut parents: BTreeMap<Place, usize> = BTreeMap::new();
    for (number, flow) in flows.iter().enumerate() {
        if !topology.edges()[flow.edge].sync.configs || parents.contains_key(&flow.target) {
            continue;
        }
        let mut at = &flow.source;
        while *at != flow.target
            && let Some(up) = parents.get(at)
        {
            at = &flows[*up].source;
        }
        if *at != flow.target {
            parents.insert(flow.target.clone(), number);
        }
    }
    parents
}

/// Works out a place's configs, those it follows first.
fn configure(
    place: &Place,
    flows: &[Flow],
    parents: &BTreeMap<Place, usize>,
    seen: &Inventory,
    all: &mut BTreeMap<Place, Desired>,
    depth: usize,
) {
    if all.get(place).is_none_or(|d| d.max_message_bytes > 0) || depth == 0 {
        return;
    }
    let there = topic(seen, place);
    let largest = there.and_then(|t| t.config(MAX_MESSAGE_BYTES)?.parse::<u64>().ok());
    let parent = parents.get(place).copied();
    let own = there.and_then(|t| t.configs.as_ref()).into_iter().flatten();
    let mut configs: BTreeMap<String, String> = own
        .filter(|(key, c)| c.is_own && !c.is_fixed && is_synced(key))
        .filter(|(key, _)| *key != MAX_MESSAGE_BYTES)
        .map(|(key, c)| (key.clone(), c.value.clone()))
        .collect();
    let mut max_message_bytes = largest;
    if let Some(number) = parent {
        let source = &flows[number].source;
        configure(source, flows, parents, seen, all, depth - 1);
        if let Some(source) = all.get(source) {
            configs.extend(source.configs.clone());
            // Never lowered, and left alone where it is large enough.
            if largest.is_none_or(|own| own < source.max_message_bytes) {
                max_message_bytes = Some(with_header_room(Some(source.max_message_bytes)));
            }
        }
    }
    if let Some(desired) = all.get_mut(place) {
        desired.configs = configs;
        desired.parent = parent;
        desired.max_message_bytes = max_message_bytes.unwrap_or(MAX_MESSAGE_BYTES_DEFAULT);
    }
}
