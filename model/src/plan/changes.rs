//! The changes: the difference between what is desired and what is seen, in a safe order.

use std::collections::{BTreeMap, BTreeSet};

use crate::topology::Topology;

use super::desired::{Desired, MAX_MESSAGE_BYTES, topic};
use super::flow::{Flow, Place, is_held};
use super::inventory::{Inventory, Topic};
use super::{Change, ConfigChange};

/// What is made comes first, then what grows, then what differs, then who may read it; what is
/// published at last stands for all that.
pub(super) fn changes(
    topology: &Topology,
    flows: &[Flow],
    desired: &BTreeMap<Place, Desired>,
    seen: &Inventory,
    checksum: &str,
) -> Vec<Change> {
    let targets: BTreeSet<&Place> = flows.iter().map(|f| &f.target).collect();
    let mut changes = Vec::new();
    let made = flows
        .iter()
        .filter(|f| topology.edges()[f.edge].sync.topics && !is_held(seen, f));
    let made: BTreeSet<&Place> = made.map(|f| &f.target).collect();
    let makes = |place: &Place| made.contains(place);
    for place in &targets {
        if topic(seen, place).is_none() && makes(place) {
            changes.extend(desired.get(place).map(|d| create(place, d, seen)));
        }
    }
    for place in &targets {
        if let (Some(there), Some(wanted)) = (topic(seen, place), desired.get(place))
            && there.partitions.len() < wanted.partitions
        {
            changes.push(Change::AddPartitions {
                cluster: place.0.clone(),
                topic: place.1.clone(),
                from: there.partitions.len(),
                to: wanted.partitions,
            });
        }
    }
    for place in &targets {
        if let (Some(there), Some(wanted)) = (topic(seen, place), desired.get(place)) {
            changes.extend(configure(place, there, wanted));
        }
    }
    for place in &targets {
        if topic(seen, place).is_some() || makes(place) {
            changes.extend(
                desired
                    .get(place)
                    .into_iter()
                    .flat_map(|d| acls(place, d, seen)),
            );
        }
    }
    changes.extend(publish(topology, seen, checksum));
    changes
}

fn create(place: &Place, wanted: &Desired, seen: &Inventory) -> Change {
    let mut configs = BTreeMap::new();
    if wanted.parent.is_some() {
        configs.clone_from(&wanted.configs);
        configs.insert(
            MAX_MESSAGE_BYTES.to_owned(),
            wanted.max_message_bytes.to_string(),
        );
    }
    Change::CreateTopic {
        cluster: place.0.clone(),
        topic: place.1.clone(),
        partitions: wanted.partitions,
        replication_factor: seen
            .clusters
            .get(&place.0)
            .and_then(|c| c.replication_factor),
        configs,
    }
}

/// Only what a parent brings is set, and only where the value that counts is another one.
fn configure(place: &Place, there: &Topic, wanted: &Desired) -> Option<Change> {
    wanted.parent?;
    let seen = there.configs.as_ref()?;
    let mut configs = BTreeMap::new();
    let largest = wanted.max_message_bytes.to_string();
    let all = wanted.configs.iter().map(|(k, v)| (k.as_str(), v));
    for (key, to) in all.chain([(MAX_MESSAGE_BYTES, &largest)]) {
        let from = seen.get(key).map(|c| c.value.clone());
        let is_fixed = seen.get(key).is_some_and(|c| c.is_fixed);
        // A key that the target's version does not know cannot be set there.
        if from.is_some() && from.as_deref() != Some(to) && !is_fixed {
            let change = ConfigChange {
                from,
                to: to.clone(),
            };
            configs.insert(key.to_owned(), change);
        }
    }
    (!configs.is_empty()).then(|| Change::SetConfigs {
        cluster: place.0.clone(),
        topic: place.1.clone(),
        configs,
    })
}

fn acls(place: &Place, wanted: &Desired, seen: &Inventory) -> Vec<Change> {
    let there = seen.clusters.get(&place.0).and_then(|c| c.acls.as_ref());
    let Some(there) = there else {
        return Vec::new();
    };
    let missing = wanted.acls.iter().filter(|acl| !there.contains(acl));
    let mut missing: Vec<_> = missing.collect();
    // Nobody may do in between what a DENY is to keep from them.
    missing.sort_by_key(|acl| acl.permission != "DENY");
    missing
        .into_iter()
        .map(|acl| Change::CreateAcl {
            cluster: place.0.clone(),
            acl: acl.clone(),
        })
        .collect()
}

fn publish(topology: &Topology, seen: &Inventory, checksum: &str) -> Option<Change> {
    let home = topology.home()?;
    let newest = seen.published.as_ref();
    if !seen.clusters.contains_key(home) || newest.is_some_and(|p| p.checksum == checksum) {
        return None;
    }
    Some(Change::Publish {
        cluster: home.clone(),
        revision: newest.map_or(0, |p| p.revision) + 1,
        after: newest.map(|p| p.uuid.clone()),
    })
}

/// One line for everything that a change rests on; offsets do not count, they always move.
pub(super) fn basis(flows: &[Flow], seen: &Inventory) -> Vec<String> {
    let mut lines: Vec<String> = seen
        .clusters
        .iter()
        .map(|(alias, c)| format!("cluster {alias}: id {}, {} brokers", c.id, c.brokers))
        .collect();
    let places: BTreeSet<&Place> = flows.iter().flat_map(|f| [&f.source, &f.target]).collect();
    for place in places {
        let what = match topic(seen, place) {
            None => "not there".to_owned(),
            Some(t) => {
                let own = t.configs.iter().flatten().filter(|(_, c)| c.is_own);
                let own: Vec<String> = own.map(|(k, c)| format!("{k}={}", c.value)).collect();
                let count = t.partitions.len();
                format!("id {}, {count} partitions, {}", t.id, own.join(" "))
            }
        };
        lines.push(format!("topic {}@{}: {what}", place.1, place.0));
    }
    if let Some(published) = &seen.published {
        lines.push(format!(
            "revision {} {}",
            published.revision, published.uuid
        ));
    }
    lines
}
