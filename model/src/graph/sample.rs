//! Topic names to try a topology with.

use std::collections::{BTreeMap, BTreeSet};

use super::Take;
use super::language::store::{NAMES, NONE, Store};
use super::names::Names;
use super::pattern::{Whole, literals};
use super::walks::outgoing;
use crate::edge::{Edge, Pattern};
use crate::name::{Alias, TOPIC_NAME_MAX, check_topic_name, is_internal_topic};
use crate::topology::Draft;

/// How many names an open pattern is tried with.
const OPEN_NAMES: usize = 2;

/// Topic names to try an edge with: every literal alternative of its filter, else the two shortest
/// legal names that match and are not excluded.
pub fn sample_topics(edge: &Edge) -> Vec<String> {
    let exclude: Vec<Whole> = edge.exclude_topics.iter().map(Whole::new).collect();
    let is_free = |name: &String| {
        check_topic_name(name).is_ok()
            && !is_internal_topic(name)
            && !exclude.iter().any(|e| e.matches(name))
    };
    let mut names: Vec<String> = Vec::new();
    for pattern in &edge.topics {
        match literals(pattern) {
            Some(literal) => names.extend(literal.into_iter().filter(is_free)),
            None => names.extend(open_names(pattern, edge)),
        }
    }
    let mut seen = BTreeSet::new();
    names.retain(|name| seen.insert(name.clone()));
    names
}

fn open_names(pattern: &Pattern, edge: &Edge) -> Vec<String> {
    let mut store = Store::new();
    let mut lang = |p: &Pattern| store.pattern(&p.text, &Whole::new(p));
    let selected = lang(pattern).unwrap_or(NONE);
    let excluded: Vec<_> = edge.exclude_topics.iter().filter_map(&mut lang).collect();
    let mut free = store.and(selected, NAMES);
    for out in excluded {
        free = store.minus(free, out);
    }
    store.shortest(free, OPEN_NAMES, TOPIC_NAME_MAX)
}

/// For each cluster, topics that a user could create there to try its outgoing edges with: the
/// samples that are not replicas there and that the edge takes.
pub fn births(draft: &Draft, names: &Names) -> Vec<(Alias, String)> {
    let mut samples: BTreeMap<Selection<'_>, Vec<String>> = BTreeMap::new();
    let mut births = Vec::new();
    for (site, edges) in outgoing(names).iter().enumerate() {
        let mut here = BTreeSet::new();
        for number in edges {
            let edge = &draft.edges[*number];
            let key = (texts(&edge.topics), texts(&edge.exclude_topics));
            let all = samples.entry(key).or_insert_with(|| sample_topics(edge));
            let could_be_made = |topic: &&String| {
                !names.is_replica_at(site, topic)
                    && matches!(names.take_at(*number, topic), Take::Into(_))
            };
            here.extend(all.iter().filter(could_be_made).cloned());
        }
        let alias = &draft.clusters[site].alias;
        births.extend(here.into_iter().map(|topic| (alias.clone(), topic)));
    }
    births
}

/// `topics` and `exclude_topics`: edges that share both share their samples.
type Selection<'e> = (Vec<&'e str>, Vec<&'e str>);

fn texts(patterns: &[Pattern]) -> Vec<&str> {
    patterns.iter().map(|p| p.text.as_str()).collect()
}
