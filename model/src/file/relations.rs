//! Findings that take several parts of the file together.

use super::reader::Reader;
use crate::edge::Edge;
use crate::finding::{Code, Finding, Span};
use crate::name::Alias;
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

/// Edges of different names that would share progress or transactional ids.
pub(super) fn shared_groups(reader: &mut Reader<'_>, draft: &Draft) {
    for (index, edge) in draft.edges.iter().enumerate() {
        for other in &draft.edges {
            if let Some(old) = &edge.renamed_from
                && other.name == *old
                && edge.name != *old
            {
                let message = format!("`{}` takes over the progress of `{old}`", edge.name);
                let help = format!("remove `renamed_from`, or the edge `{old}` itself");
                let place = edge.place("renamed_from");
                reader.tell(shared(message, place, edge, other).help(help));
            }
        }
        for earlier in &draft.edges[..index] {
            if let Some(finding) = shared_by_two(draft, earlier, edge) {
                reader.tell(finding);
            }
        }
    }
}

fn shared(message: String, place: Span, edge: &Edge, other: &Edge) -> Finding {
    let mut finding = Finding::new(Code::SharedGroup, place, message);
    let what = format!("`{}`", other.name);
    finding.others.push((other.place("name"), what));
    finding.edges = vec![other.name.clone(), edge.name.clone()];
    finding
}

fn shared_by_two(draft: &Draft, earlier: &Edge, edge: &Edge) -> Option<Finding> {
    let begins = |short: &Edge, long: &Edge| {
        let rest = long.name.as_str().strip_prefix(short.name.as_str());
        rest.is_some_and(|rest| rest.starts_with('.'))
    };
    let is_nested = begins(earlier, edge) || begins(edge, earlier);
    if is_nested && earlier.target == edge.target {
        let message = format!(
            "transactional ids of `{}` and `{}` could be the same",
            earlier.name, edge.name
        );
        let help = "give one a `name` that is not the other's followed by `.`";
        return Some(shared(message, edge.place("name"), edge, earlier).help(help));
    }
    if edge.renamed_from.is_some()
        && edge.renamed_from == earlier.renamed_from
        && edge.target == earlier.target
    {
        let message = "two edges take over the same progress".to_owned();
        let place = edge.place("renamed_from");
        return Some(shared(message, place, edge, earlier).help("only one of them can"));
    }
    reported_together(draft, earlier, edge)
}

/// Two edges that report to one group at one source.
fn reported_together(draft: &Draft, earlier: &Edge, edge: &Edge) -> Option<Finding> {
    if edge.report_group.is_some()
        && edge.report_group == earlier.report_group
        && edge.source == earlier.source
    {
        let group = edge.report_group.as_deref().unwrap_or_default();
        let message = format!("two edges report their position to the group `{group}`");
        let place = edge.place("report_group");
        let help = "give each its own `report_group`";
        return Some(shared(message, place, edge, earlier).help(help));
    }
    for (reporting, owner) in [(edge, earlier), (earlier, edge)] {
        let own = format!("crossdock.{}.{}", draft.name, owner.name);
        if reporting.report_group.as_ref() == Some(&own) && reporting.source == owner.target {
            let message = format!("`{own}` keeps the progress of `{}`", owner.name);
            let place = reporting.place("report_group");
            let help = "report to a group of another name";
            return Some(shared(message, place, reporting, owner).help(help));
        }
    }
    None
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
