//! Findings that take several parts of the file together.

use std::collections::HashMap;

use super::reader::Reader;
use crate::edge::Edge;
use crate::finding::{Code, Finding, Span};
use crate::name::{Alias, EdgeName};
use crate::properties::{Role, Translation, translate, weakness};
use crate::topology::{Cluster, Draft};

/// Clusters that no edge touches. Where an edge names one that is not declared, any may be meant.
pub(super) fn unused_clusters(reader: &mut Reader<'_>, draft: &Draft, mentioned: &[String]) {
    let is_declared = |name: &String| draft.clusters.iter().any(|c| c.alias.as_str() == name);
    if !mentioned.iter().all(is_declared) {
        return;
    }
    for cluster in &draft.clusters {
        let alias = &cluster.alias;
        let is_home = draft.home.as_ref() == Some(alias);
        if !is_home && !mentioned.iter().any(|m| m == alias.as_str()) {
            let message = format!("no edge touches the cluster `{alias}`");
            let span = cluster.places.get("").copied().unwrap_or_default();
            reader.tell(Finding::new(Code::UnusedCluster, span, message));
        }
    }
}

/// Edges of different names that would share progress or transactional ids. Each is told with the first
/// edge that it clashes with, so that the work grows with the edges, not with their pairs.
pub(super) fn shared_groups(reader: &mut Reader<'_>, draft: &Draft) {
    let numbered = draft.edges.iter().enumerate();
    let by_name: HashMap<&str, usize> = numbered.map(|(n, e)| (e.name.as_str(), n)).collect();
    let find = |name: &str| by_name.get(name).map(|number| &draft.edges[*number]);
    let mut heirs: HashMap<(&EdgeName, &Alias), &Edge> = HashMap::new();
    let mut reporters: HashMap<(&str, &Alias), &Edge> = HashMap::new();
    let own = format!("crossdock.{}.", draft.name);
    for (number, edge) in draft.edges.iter().enumerate() {
        for (dot, _) in edge.name.as_str().match_indices('.') {
            let short = find(&edge.name.as_str()[..dot]).filter(|s| s.target == edge.target);
            let Some(short) = short else { continue };
            let is_earlier = by_name[short.name.as_str()] < number;
            let (earlier, later) = if is_earlier {
                (short, edge)
            } else {
                (edge, short)
            };
            reader.tell(nested(earlier, later));
        }
        if let Some(old) = &edge.renamed_from {
            if let Some(other) = find(old.as_str()).filter(|o| o.name != edge.name) {
                let message = format!("`{}` takes over the progress of `{old}`", edge.name);
                let help = format!("remove `renamed_from`, or the edge `{old}` itself");
                let place = edge.place("renamed_from");
                reader.tell(shared(message, place, edge, other).help(help));
            }
            let first = *heirs.entry((old, &edge.target)).or_insert(edge);
            if first.name != edge.name {
                let message = "two edges take over the same progress".to_owned();
                let place = edge.place("renamed_from");
                reader.tell(shared(message, place, edge, first).help("only one of them can"));
            }
        }
        if let Some(group) = edge.report_group.as_deref() {
            let first = *reporters.entry((group, &edge.source)).or_insert(edge);
            if first.name != edge.name {
                reader.tell(reported_together(group, edge, first));
            }
            let owner = group.strip_prefix(&own).and_then(find);
            if let Some(owner) = owner.filter(|o| o.target == edge.source) {
                reader.tell(reported_into(group, edge, owner));
            }
        }
    }
}

/// `a` and `a.b`: ids of the one may read like ids of the other.
fn nested(earlier: &Edge, edge: &Edge) -> Finding {
    let message = format!(
        "transactional ids of `{}` and `{}` could be the same",
        earlier.name, edge.name
    );
    let help = "give one a `name` that is not the other's followed by `.`";
    shared(message, edge.place("name"), edge, earlier).help(help)
}

/// Two edges that report to one group at one source.
fn reported_together(group: &str, edge: &Edge, earlier: &Edge) -> Finding {
    let message = format!("two edges report their position to the group `{group}`");
    let help = "give each its own `report_group`";
    shared(message, edge.place("report_group"), edge, earlier).help(help)
}

/// An edge that reports into the group which keeps another's progress.
fn reported_into(group: &str, edge: &Edge, owner: &Edge) -> Finding {
    let message = format!("`{group}` keeps the progress of `{}`", owner.name);
    let help = "report to a group of another name";
    shared(message, edge.place("report_group"), edge, owner).help(help)
}

fn shared(message: String, place: Span, edge: &Edge, other: &Edge) -> Finding {
    let mut finding = Finding::new(Code::SharedGroup, place, message);
    let what = format!("`{}`", other.name);
    finding.others.push((other.place("name"), what));
    finding.edges = vec![other.name.clone(), edge.name.clone()];
    finding
}

/// Settings that break what an edge promises; one finding for each place.
pub(super) fn weak_settings(reader: &mut Reader<'_>, draft: &Draft) {
    let mut found: Vec<Finding> = Vec::new();
    for edge in &draft.edges {
        for (role, own, alias) in [
            (Role::Consumer, &edge.consumer, &edge.source),
            (Role::Producer, &edge.producer, &edge.target),
        ] {
            for (key, value) in own {
                let place = edge.place(&format!("{role}.{key}"));
                weak(&mut found, edge, role, key, value, place);
            }
            let Some(cluster) = cluster(draft, alias) else {
                continue;
            };
            for (key, value) in &cluster.properties {
                let place = cluster.places.get(key).copied().unwrap_or_default();
                weak(&mut found, edge, role, key, value, place);
            }
        }
    }
    found.into_iter().for_each(|finding| reader.tell(finding));
}

fn cluster<'a>(draft: &'a Draft, alias: &Alias) -> Option<&'a Cluster> {
    draft.clusters.iter().find(|c| c.alias == *alias)
}

fn weak(found: &mut Vec<Finding>, edge: &Edge, role: Role, key: &str, value: &str, place: Span) {
    let Translation::Property { name, value } = translate(role, key, value) else {
        return;
    };
    let Some(weakness) = weakness(edge, role, &name, &value) else {
        return;
    };
    if let Some(told) = found.iter_mut().find(|f| f.span == place) {
        told.edges.push(edge.name.clone());
        return;
    }
    let applied = match weakness.is_ignored {
        true => ", and is not applied",
        false => "",
    };
    let message = format!(
        "`{key}: {value}` breaks `{}`{applied}: {}",
        weakness.promise, weakness.consequence
    );
    let mut finding = Finding::new(Code::WeakSetting, place, message).help("leave it out");
    finding.edges.push(edge.name.clone());
    found.push(finding);
}
