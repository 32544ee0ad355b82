//! The difference of two topologies, for reviews: which edges, which keys, which topics.

mod values;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::edge::Edge;
use crate::graph::{Names, Take, sample_topics};
use crate::name::EdgeName;
use crate::topology::{Cluster, Topology};
use values::{patterns, shown};

/// What differs, clusters first, then edges in the order of the newer file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Diff {
    /// In order.
    pub changes: Vec<Change>,
}

/// One cluster or edge that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// How.
    pub kind: Kind,
    /// Which, in words.
    pub what: String,
    /// Key by key and topic by topic.
    pub details: Vec<String>,
}

/// How something differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// It is new.
    Added,
    /// It is another.
    Changed,
    /// It is gone.
    Removed,
}

impl Diff {
    /// Whether nothing differs.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    fn tell(&mut self, kind: Kind, what: impl Into<String>, details: Vec<String>) {
        self.changes.push(Change {
            kind,
            what: what.into(),
            details,
        });
    }
}

/// What differs between two topologies.
pub fn diff(old: &Topology, new: &Topology) -> Diff {
    let mut diff = Diff::default();
    if old.name() != new.name() {
        let what = format!("topology {} -> {}", old.name(), new.name());
        let details = vec!["every edge begins anew: groups are named by the topology".to_owned()];
        diff.tell(Kind::Changed, what, details);
    }
    let home = |t: &Topology| {
        t.home()
            .map_or_else(|| "none".to_owned(), ToString::to_string)
    };
    if old.home() != new.home() {
        let what = format!("home {} -> {}", home(old), home(new));
        diff.tell(Kind::Changed, what, Vec::new());
    }
    clusters(&mut diff, old, new);
    let names = (Names::new(old.draft()), Names::new(new.draft()));
    for edge in new.edges() {
        let former = edge.renamed_from.as_ref();
        let before = old.edge(&edge.name);
        let before = before.or_else(|| old.edge(former?));
        match before {
            None => added(&mut diff, edge, &names.1),
            Some(before) => changed(&mut diff, before, edge, &names),
        }
    }
    let is_kept = |name: &EdgeName| {
        let mut all = new.edges().iter();
        all.any(|e| e.name == *name || e.renamed_from.as_ref() == Some(name))
    };
    for edge in old.edges().iter().filter(|e| !is_kept(&e.name)) {
        let what = format!("edge {}: {} -> {}", edge.name, edge.source, edge.target);
        let details = vec![format!(
            "its topics and its group stay on `{}`",
            edge.target
        )];
        diff.tell(Kind::Removed, what, details);
    }
    diff
}

fn clusters(diff: &mut Diff, old: &Topology, new: &Topology) {
    for cluster in new.clusters() {
        let Some(before) = old.cluster(&cluster.alias) else {
            diff.tell(
                Kind::Added,
                format!("cluster {}", cluster.alias),
                Vec::new(),
            );
            continue;
        };
        let details = properties(before, cluster);
        if !details.is_empty() {
            diff.tell(Kind::Changed, format!("cluster {}", cluster.alias), details);
        }
    }
    for cluster in old
        .clusters()
        .iter()
        .filter(|c| new.cluster(&c.alias).is_none())
    {
        diff.tell(
            Kind::Removed,
            format!("cluster {}", cluster.alias),
            Vec::new(),
        );
    }
}

/// Properties that differ; values of secrets are not shown.
fn properties(old: &Cluster, new: &Cluster) -> Vec<String> {
    let keys: BTreeSet<&String> = old.properties.keys().chain(new.properties.keys()).collect();
    let shown = |key: &str, value: Option<&String>| match value {
        None => "not set".to_owned(),
        Some(_) if crate::properties::is_secret(key) => "(secret)".to_owned(),
        Some(value) => value.clone(),
    };
    let differs = |key: &&&String| old.properties.get(**key) != new.properties.get(**key);
    keys.iter()
        .filter(differs)
        .map(|key| {
            let (from, to) = (old.properties.get(*key), new.properties.get(*key));
            format!("{key}: {} -> {}", shown(key, from), shown(key, to))
        })
        .collect()
}

fn added(diff: &mut Diff, edge: &Edge, names: &Names) {
    let mut details = vec![format!("topics: {}", patterns(&edge.topics))];
    details.extend(topics(edge, names).into_iter().map(|(topic, into)| {
        let into = into.unwrap_or_else(|| "not taken".to_owned());
        format!("{topic} -> {into}")
    }));
    let what = format!("edge {}: {} -> {}", edge.name, edge.source, edge.target);
    diff.tell(Kind::Added, what, details);
}

fn changed(diff: &mut Diff, old: &Edge, new: &Edge, names: &(Names, Names)) {
    let mut details = keys(old, new);
    let (before, after) = (topics(old, &names.0), topics(new, &names.1));
    let all: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    for topic in all {
        // A topic that only one of the two names is asked of both.
        let ask = |known: &BTreeMap<String, Option<String>>, edge, names| match known.get(topic) {
            Some(into) => into.clone(),
            None => into(edge, names, topic),
        };
        let (from, to) = (ask(&before, old, &names.0), ask(&after, new, &names.1));
        let line = match (from, to) {
            (Some(from), Some(to)) if from == to => continue,
            (None, None) => continue,
            (Some(from), Some(to)) => {
                format!("topic {topic}: {from} -> {to}; copying goes on where it was, {from} stays")
            }
            (None, Some(to)) => format!("topic {topic} is taken, into {to}"),
            (Some(from), None) => format!("topic {topic} is taken no more; {from} stays"),
        };
        details.push(line);
    }
    if !details.is_empty() {
        let what = match old.name == new.name {
            true => format!("edge {}", new.name),
            false => format!("edge {}, formerly {}", new.name, old.name),
        };
        diff.tell(Kind::Changed, what, details);
    }
}

/// Keys that differ, as a person reads them.
fn keys(old: &Edge, new: &Edge) -> Vec<String> {
    let (before, after) = (shown(old), shown(new));
    let differing = before.iter().zip(&after).filter(|(a, b)| a.1 != b.1);
    differing
        .map(|((key, from), (_, to))| format!("{key}: {from} -> {to}"))
        .collect()
}

/// Topics that the edge names, or else examples of what it takes, and what becomes of them.
fn topics(edge: &Edge, names: &Names) -> BTreeMap<String, Option<String>> {
    sample_topics(edge)
        .into_iter()
        .map(|topic| {
            let becomes = into(edge, names, &topic);
            (topic, becomes)
        })
        .collect()
}

fn into(edge: &Edge, names: &Names, topic: &str) -> Option<String> {
    if !edge.enabled {
        return None;
    }
    match names.take(edge, topic) {
        Take::Into(new) => Some(new),
        Take::Not(_) => None,
    }
}
