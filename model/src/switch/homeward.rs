//! The inverse edges of a failback: what was written at the cluster that took over goes home.
//!
//! The inverse of an edge turns its renames round and is exempt from the rule of names. The record rule
//! stays: a record that has been at home is not brought there again, so just what was written at the
//! other cluster goes home, whenever that was. Bringing everything to a home that came back empty is
//! another mode.

use std::collections::BTreeSet;

use crate::edge::{Edge, Filter, Forward, Homeward, OnGap, OnOversize, OnRecreated, Start, Sync};
use crate::name::{Alias, EdgeName};
use crate::topology::{Draft, Topology};

/// The topology with an inverse edge for every enabled edge between two clusters, and the names of
/// these.
///
/// # Errors
/// Why there is no way home, naming the edge.
pub fn homeward(
    topology: &Topology,
    (home, away): (&Alias, &Alias),
    is_rebuild: bool,
    start: Start,
) -> Result<(Topology, Vec<EdgeName>), String> {
    let leads = |e: &&Edge| e.enabled && e.source == *home && e.target == *away;
    let edges: Vec<&Edge> = topology.edges().iter().filter(leads).collect();
    if let Some(edge) = edges.iter().find(|e| !e.provenance) {
        return Err(format!(
            "edge {} has `provenance: false`: its records do not say where they were born, so nobody can tell what must go home",
            edge.name
        ));
    }
    let mut draft: Draft = topology.draft().clone();
    let mut names = Vec::new();
    for edge in edges {
        let inverse = inverse(topology, edge, is_rebuild, start);
        if topology.edge(&inverse.name).is_some() {
            return Err(format!(
                "an edge is called {} already: the way home of edge {} needs that name",
                inverse.name, edge.name
            ));
        }
        names.push(inverse.name.clone());
        draft.edges.push(inverse);
    }
    Ok((Topology::checked(draft), names))
}

fn inverse(topology: &Topology, edge: &Edge, is_rebuild: bool, start: Start) -> Edge {
    let word = if is_rebuild { "rebuild" } else { "failback" };
    Edge {
        name: EdgeName::new(format!("{}-{word}", edge.name)),
        renamed_from: None,
        source: edge.target.clone(),
        target: edge.source.clone(),
        forward: if is_shared(topology, edge) && !is_rebuild {
            Forward::Local
        } else {
            Forward::All
        },
        start,
        limit: None,
        // Whatever was written there goes home, as it is.
        sample: None,
        filter: Filter::default(),
        drop_headers: Vec::new(),
        sync: Sync {
            topics: true,
            configs: is_rebuild,
            partitions: true,
            groups: edge.sync.groups.clone(),
            acls: false,
        },
        on_oversize: OnOversize::Halt,
        on_gap: OnGap::Halt,
        on_recreated: OnRecreated::Halt,
        report_group: None,
        homeward: Some(Homeward {
            of: edge.name.clone(),
            is_rebuild,
        }),
        ..edge.clone()
    }
}

/// Whether edges of other clusters write into the same cluster: then what they brought is theirs, and
/// only what was born there goes home. Else what came there by an earlier switch goes home as well.
fn is_shared(topology: &Topology, edge: &Edge) -> bool {
    let others = topology
        .edges()
        .iter()
        .filter(|e| e.enabled && e.target == edge.target);
    let sources: BTreeSet<&Alias> = others.map(|e| &e.source).collect();
    sources.len() > 1
}
