//! What this principal may do with the groups and transactional ids that a topology needs.

use std::collections::BTreeSet;

use crossdock_model::edge::{Delivery, Edge};
use crossdock_model::name::CONTROL_TOPIC;
use crossdock_model::plan::{self, group_of, home_id};
use crossdock_model::topology::Topology;

use super::at_once;
use crate::kafka::{Cluster, Error, ErrorKind};

/// Questions that are asked of one cluster at a time.
const AT_ONCE: usize = 8;

/// Asks, where there is an authorizer.
pub(super) fn read(
    topology: &Topology,
    cluster: &Cluster,
    missing: &BTreeSet<&str>,
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
    let (groups, ids) = needed(topology, cluster);
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
    if topology.home() == Some(cluster.alias()) {
        of_home(cluster, state)?;
    }
    Ok(())
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

/// The topic that topologies are published to.
fn of_home(cluster: &Cluster, state: &mut plan::Cluster) -> Result<(), Error> {
    match state.topics.get_mut(CONTROL_TOPIC) {
        Some(control) => {
            let mut described = cluster.describe_topics(&[CONTROL_TOPIC])?;
            if let Some(Ok(found)) = described.remove(CONTROL_TOPIC) {
                control.operations = found.operations;
            }
        }
        None => state
            .not_makeable
            .extend(cluster.may_not_make(&[CONTROL_TOPIC])?),
    }
    Ok(())
}
