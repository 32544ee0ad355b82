//! Findings about ACLs that do not follow.

use std::collections::BTreeSet;

use super::{Code, Finding};
use crate::plan::desired::follow_acl;
use crate::plan::flow::Flow;
use crate::plan::inventory::{Acl, Inventory};
use crate::topology::Topology;

pub(super) fn findings(topology: &Topology, flows: &[Flow], seen: &Inventory) -> Vec<Finding> {
    let mut found: Vec<Finding> = flows
        .iter()
        .filter_map(|flow| left_out(topology, flow, seen))
        .collect();
    found.extend(unread(topology, seen));
    found
}

/// ACLs of a source topic that do not follow as they are.
fn left_out(topology: &Topology, flow: &Flow, seen: &Inventory) -> Option<Finding> {
    let edge = &topology.edges()[flow.edge];
    let acls = |alias| seen.clusters.get(alias)?.acls.as_ref();
    let (theirs, _) = (acls(&edge.source)?, acls(&edge.target)?);
    let (cluster, topic) = &flow.target;
    let tell = |acl: &Acl| {
        let Acl {
            principal,
            operation,
            permission,
            ..
        } = acl;
        let becomes = match follow_acl(acl, topic) {
            None => "stays out".to_owned(),
            Some(as_is) if as_is.operation == *operation => return None,
            Some(other) => format!("becomes {}", other.operation),
        };
        Some(format!("{permission} {principal} {operation} {becomes}"))
    };
    let mine = theirs.iter().filter(|acl| acl.topic == flow.source.1);
    let told: Vec<String> = mine.filter_map(tell).collect();
    if !edge.sync.acls || told.is_empty() {
        return None;
    }
    let message = format!(
        "of the ACLs that follow to topic {topic} on `{cluster}`, {}",
        told.join(", ")
    );
    let help =
        "nobody but crossdock is to write a replica; make by hand what is wanted all the same";
    let finding = Finding::new(Code::NotSynced, message, help).place(&flow.target);
    Some(finding.edge(&edge.name))
}

fn unread(topology: &Topology, seen: &Inventory) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut told = BTreeSet::new();
    for edge in topology.edges().iter().filter(|e| e.enabled && e.sync.acls) {
        for alias in [&edge.source, &edge.target] {
            let Some(cluster) = seen.clusters.get(alias) else {
                continue;
            };
            if let Some(why) = cluster.acls_unread.as_ref().filter(|_| told.insert(alias)) {
                let message = format!("ACLs of `{alias}` cannot be read: {why}");
                let help = "allow DESCRIBE on the cluster, or leave `sync.acls` out";
                let finding = Finding::new(Code::AclsUnread, message, help);
                found.push(finding.edge(&edge.name).cluster(alias));
            }
        }
    }
    found
}
