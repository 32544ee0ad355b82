//! What this principal may do with the groups and transactional ids that a topology needs.

use std::collections::{BTreeMap, BTreeSet};

use crossdock_model::dead_letter;
use crossdock_model::edge::{Delivery, Edge, OnOversize};
use crossdock_model::groups::{Choice, Selection};
use crossdock_model::name::{Alias, CONTROL_TOPIC};
use crossdock_model::plan::{self, group_of, home_id};
use crossdock_model::topology::Topology;

use super::at_once;
use crate::kafka::{Cluster, Error, ErrorKind};

/// Questions that are asked of one cluster at a time.
const AT_ONCE: usize = 8;

/// Consumer groups of `sync.groups` that are asked for: a grant is for all of them, or for a prefix.
const FOLLOWED_MAX: usize = 100;

/// The consumer groups that follow to a cluster, as their sources list them.
pub(super) fn followed(
    topology: &Topology,
    alias: &Alias,
    clusters: &BTreeMap<Alias, plan::Cluster>,
) -> BTreeSet<String> {
    let edges = topology.edges().iter();
    let into = edges.filter(|e| e.enabled && e.target == *alias);
    let taken = into.flat_map(|edge| {
        let (groups, source) = (edge.sync.groups.as_ref(), clusters.get(&edge.source));
        let selection = groups.map(|groups| Selection::new(topology, edge, groups));
        let known = source
            .into_iter()
            .flat_map(|source| source.consumers.keys());
        let is_taken = move |group: &&String| {
            let choice = selection.as_ref().map(|all| all.choose(group));
            choice == Some(Choice::Taken)
        };
        known.filter(is_taken).cloned()
    });
    taken.take(FOLLOWED_MAX).collect()
}

/// Asks, where there is an authorizer. `missing` are topics that are to be made, `followed` groups that
/// are to follow.
pub(super) fn read(
    topology: &Topology,
    cluster: &Cluster,
    (missing, followed): (&BTreeSet<&str>, &BTreeSet<String>),
    state: &mut plan::Cluster,
) -> Result<(), Error> {
    if !state.is_guarded {
        return Ok(());
    }
    // Of a topic that is not there it is told, too, whether it might be seen.
    let missing: Vec<&str> = missing.iter().copied().collect();
    let described = cluster.describe_topics(&missing)?.into_iter();
    let hidden = described.filter(|(_, topic)| topic.is_err());
    state.hidden.extend(hidden.map(|(name, _)| name));
    let (mut groups, ids) = needed(topology, cluster);
    groups.extend(followed.iter().cloned());
    for some in groups.chunks(AT_ONCE) {
        let asked = at_once(some, |group| (group, cluster.describe_group(group)));
        for (group, found) in asked {
            let operations = match told(found)? {
                Some(Some(described)) => described.operations,
                Some(None) => Some(BTreeSet::new()),
                None => None,
            };
            state
                .group_operations
                .extend(operations.map(|all| (group.clone(), all)));
        }
    }
    for some in ids.chunks(AT_ONCE) {
        let asked = at_once(some, |id| (id, cluster.may_use_id(id)));
        for (id, may) in asked {
            if told(may)? == Some(false) {
                state.not_usable_ids.insert(id.clone());
            }
        }
    }
    for name in own_topics(topology, cluster) {
        of_own_topic(cluster, &name, state)?;
    }
    Ok(())
}

/// Topics of crossdock's own on a cluster: what was applied, and dead letters.
fn own_topics(topology: &Topology, cluster: &Cluster) -> Vec<String> {
    let here = cluster.alias();
    let edges = topology.edges().iter();
    let with_letters =
        edges.filter(|e| e.enabled && e.target == *here && e.on_oversize == OnOversize::DeadLetter);
    let letters = with_letters.map(|e| dead_letter::topic(topology.name(), e.name.as_str()));
    let home = topology.home().filter(|home| *home == here);
    letters
        .chain(home.map(|_| CONTROL_TOPIC.to_owned()))
        .collect()
}

/// What a coordinator says; nothing where there is none yet, as on a cluster that never had a group.
fn told<T>(answer: Result<T, Error>) -> Result<Option<T>, Error> {
    match answer {
        Err(error) if error.kind == ErrorKind::Unreachable => Ok(None),
        answer => answer.map(Some),
    }
}

/// The groups and transactional ids that are used on a cluster.
fn needed(topology: &Topology, cluster: &Cluster) -> (Vec<String>, Vec<String>) {
    let (mut groups, mut ids) = (BTreeSet::new(), BTreeSet::new());
    let here = cluster.alias();
    for edge in topology.edges().iter().filter(|e| e.enabled) {
        let Edge { source, target, .. } = edge;
        if target == here {
            let group = group_of(topology.name(), &edge.name);
            if edge.delivery == Delivery::ExactlyOnce {
                ids.insert(group.clone());
            }
            groups.insert(group);
            let old = edge.renamed_from.iter();
            groups.extend(old.map(|old| group_of(topology.name(), old)));
        }
        if source == here {
            groups.extend(edge.report_group.clone());
        }
    }
    if topology.home() == Some(here) {
        ids.insert(home_id(topology.name()));
    }
    (groups.into_iter().collect(), ids.into_iter().collect())
}

fn of_own_topic(cluster: &Cluster, name: &str, state: &mut plan::Cluster) -> Result<(), Error> {
    let mut described = cluster.describe_topics(&[name])?;
    match (state.topics.get_mut(name), described.remove(name)) {
        (Some(topic), Some(Ok(found))) => topic.operations = found.operations,
        (Some(_), _) => {}
        (None, found) => {
            if matches!(found, Some(Err(_))) {
                state.hidden.insert(name.to_owned());
            }
            state.not_makeable.extend(cluster.may_not_make(&[name])?);
        }
    }
    Ok(())
}
