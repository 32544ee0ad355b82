//! What each edge needs, and the principal may not do.

use std::collections::{BTreeMap, BTreeSet};

use super::{Code, Finding};
use crate::dead_letter;
use crate::edge::{Delivery, Edge, OnOversize};
use crate::finding::Severity;
use crate::graph::literals;
use crate::groups::{Choice, Selection};
use crate::name::{Alias, CONTROL_TOPIC};
use crate::plan::desired::{Desired, topic};
use crate::plan::flow::{Flow, Place, is_held};
use crate::plan::inventory::{Cluster, Inventory, Operations};
use crate::plan::{Change, group_of};
use crate::topology::Topology;

/// What is needed, in Kafka's words.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Resource {
    Cluster,
    Topic(String),
    Group(String),
    TransactionalId(String),
}

/// Who needs it: an edge by its place in the file, or, at last, the topology itself for its home.
type Needs = BTreeSet<(Option<usize>, Alias, Resource, &'static str)>;

pub(super) fn permissions(
    topology: &Topology,
    flows: &[Flow],
    desired: &BTreeMap<Place, Desired>,
    changes: &[Change],
    seen: &Inventory,
) -> Vec<Finding> {
    let mut needs = Needs::new();
    for change in changes {
        if let Change::CreateAcl { cluster, .. } = change {
            needs.insert((None, cluster.clone(), Resource::Cluster, "ALTER"));
        }
    }
    for flow in flows {
        of_flow(topology, flow, desired, seen, &mut needs);
    }
    for (number, edge) in topology.edges().iter().enumerate() {
        if edge.enabled {
            of_edge(topology, number, edge, &mut needs);
            of_groups(topology, number, edge, seen, &mut needs);
            if edge.on_oversize == OnOversize::DeadLetter {
                let letters = dead_letter::topic(topology.name(), edge.name.as_str());
                let place = (edge.target.clone(), letters);
                of_own_topic(Some(number), &place, seen, &mut needs);
            }
        }
    }
    of_home(topology, seen, &mut needs);
    let mut found = hidden(topology, seen);
    // What the topology needs comes last.
    let (of_home, of_edges): (Vec<_>, Vec<_>) = needs.iter().partition(|(edge, ..)| edge.is_none());
    for (edge, alias, resource, operation) in of_edges.into_iter().chain(of_home) {
        let Some(cluster) = seen.clusters.get(alias) else {
            continue;
        };
        if lacks(cluster, resource, operation) {
            let edge = edge.map(|number| &topology.edges()[number]);
            found.push(missing(edge, alias, cluster, resource, operation));
        }
    }
    found
}

fn of_flow(
    topology: &Topology,
    flow: &Flow,
    desired: &BTreeMap<Place, Desired>,
    seen: &Inventory,
    needs: &mut Needs,
) {
    let edge = &topology.edges()[flow.edge];
    let sync = &edge.sync;
    let mut need = |(cluster, topic): &Place, operation| {
        let resource = Resource::Topic(topic.clone());
        needs.insert((Some(flow.edge), cluster.clone(), resource, operation));
    };
    need(&flow.source, "READ");
    if sync.configs {
        need(&flow.source, "DESCRIBE_CONFIGS");
    }
    match topic(seen, &flow.target) {
        Some(there) => {
            need(&flow.target, "WRITE");
            // Kafka asks for it where offsets of the topic are committed; its tail is read, too.
            need(&flow.target, "READ");
            let wanted = desired.get(&flow.target).map_or(0, |d| d.partitions);
            if sync.partitions && there.partitions.len() < wanted {
                need(&flow.target, "ALTER");
            }
            if sync.configs {
                need(&flow.target, "DESCRIBE_CONFIGS");
                need(&flow.target, "ALTER_CONFIGS");
            }
        }
        None if sync.topics && !is_held(seen, flow) => {
            for operation in ["CREATE", "WRITE", "READ"] {
                need(&flow.target, operation);
            }
        }
        None => {}
    }
}

/// Progress is kept in a group, and records are written in transactions.
fn of_edge(topology: &Topology, number: usize, edge: &Edge, needs: &mut Needs) {
    let group = group_of(topology.name(), &edge.name);
    let mut need = |cluster: &Alias, resource, operation| {
        needs.insert((Some(number), cluster.clone(), resource, operation));
    };
    if edge.delivery == Delivery::ExactlyOnce {
        let id = Resource::TransactionalId(group.clone());
        need(&edge.target, id, "WRITE");
    }
    need(&edge.target, Resource::Group(group), "READ");
    if let Some(old) = &edge.renamed_from {
        let old = group_of(topology.name(), old);
        need(&edge.target, Resource::Group(old), "DESCRIBE");
    }
    if let Some(name) = &edge.report_group {
        need(&edge.source, Resource::Group(name.clone()), "READ");
    }
}

/// Positions of groups that follow are committed at the target, in the groups' own names.
fn of_groups(topology: &Topology, number: usize, edge: &Edge, seen: &Inventory, needs: &mut Needs) {
    let (Some(groups), Some(source)) = (&edge.sync.groups, seen.clusters.get(&edge.source)) else {
        return;
    };
    let selection = Selection::new(topology, edge, groups);
    let taken = source.consumers.keys();
    for group in taken.filter(|group| selection.choose(group) == Choice::Taken) {
        let group = Resource::Group(group.clone());
        needs.insert((Some(number), edge.target.clone(), group, "READ"));
    }
}

/// A topic of crossdock's own: it is made where it is not there.
fn of_own_topic(edge: Option<usize>, place: &Place, seen: &Inventory, needs: &mut Needs) {
    let operations: &[_] = match topic(seen, place) {
        Some(_) => &["READ", "WRITE"],
        None => &["DESCRIBE", "CREATE"],
    };
    let (cluster, name) = place;
    for operation in operations {
        let resource = Resource::Topic(name.clone());
        needs.insert((edge, cluster.clone(), resource, operation));
    }
}

/// `apply` publishes in one transaction.
fn of_home(topology: &Topology, seen: &Inventory, needs: &mut Needs) {
    let Some(home) = topology.home() else { return };
    let place = (home.clone(), CONTROL_TOPIC.to_owned());
    of_own_topic(None, &place, seen, needs);
    let pen = Resource::TransactionalId(home_id(topology.name()));
    needs.insert((None, home.clone(), pen, "WRITE"));
}

/// The transactional id that a topology is published with.
pub fn home_id(topology: &str) -> String {
    format!("crossdock.{topology}.topology")
}

/// Whether the cluster has told that the principal may not do this. What it has not told is no finding.
fn lacks(cluster: &Cluster, resource: &Resource, operation: &str) -> bool {
    let is_not_among = |all: &Operations| !all.contains(operation) && !all.contains("ALL");
    match resource {
        Resource::Cluster => cluster.operations.as_ref().is_some_and(is_not_among),
        Resource::Topic(name) if operation == "CREATE" => cluster.not_makeable.contains(name),
        Resource::Topic(name) => {
            let there = cluster.topics.get(name);
            match there.and_then(|t| t.operations.as_ref()) {
                Some(operations) => is_not_among(operations),
                // What may be read or written may be seen.
                None => there.is_none() && cluster.hidden.contains(name),
            }
        }
        Resource::Group(name) => cluster.group_operations.get(name).is_some_and(is_not_among),
        Resource::TransactionalId(id) => cluster.not_usable_ids.contains(id),
    }
}

fn missing(
    edge: Option<&Edge>,
    alias: &Alias,
    cluster: &Cluster,
    resource: &Resource,
    operation: &str,
) -> Finding {
    let who = cluster.principal.as_str();
    let (what, grant) = match resource {
        Resource::Cluster => (format!("cluster `{alias}`"), "--cluster".to_owned()),
        Resource::Topic(name) => (
            format!("topic {name} on `{alias}`"),
            format!("--topic {name}"),
        ),
        Resource::Group(name) => (
            format!("group {name} on `{alias}`"),
            format!("--group {name}"),
        ),
        // An edge adds instance and stream to it.
        Resource::TransactionalId(id) => (
            format!("transactional id {id} on `{alias}`"),
            format!("--transactional-id {id} --resource-pattern-type prefixed"),
        ),
    };
    let message = format!("{who} may not {operation} {what}");
    let help = format!("kafka-acls --add --allow-principal {who} --operation {operation} {grant}");
    let severity = match (operation, resource) {
        // Records can be copied without these two; what `sync.configs` does cannot.
        ("DESCRIBE_CONFIGS" | "ALTER_CONFIGS", _) => Severity::Warning,
        // Whoever grants just this one id, and not what begins with it, is not found out.
        (_, Resource::TransactionalId(_)) if edge.is_none() => Severity::Warning,
        _ => Severity::Error,
    };
    let finding = Finding::new(Code::MissingPermission, message, help).weighs(severity);
    let finding = match resource {
        Resource::Topic(name) => finding.place(&(alias.clone(), name.clone())),
        _ => finding.cluster(alias),
    };
    match edge {
        Some(edge) => finding.edge(&edge.name),
        None => finding,
    }
}

/// Topics that an edge names, and that the principal may not even see.
fn hidden(topology: &Topology, seen: &Inventory) -> Vec<Finding> {
    let mut found = Vec::new();
    for edge in topology.edges().iter().filter(|e| e.enabled) {
        let Some(source) = seen.clusters.get(&edge.source) else {
            continue;
        };
        for name in edge.topics.iter().filter_map(literals).flatten() {
            if source.hidden.contains(&name) {
                let topic = Resource::Topic(name);
                found.push(missing(
                    Some(edge),
                    &edge.source,
                    source,
                    &topic,
                    "DESCRIBE",
                ));
            }
        }
    }
    found
}
