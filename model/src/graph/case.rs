//! One topology under examination: what was found out about it, for the rules to judge.

use std::collections::{BTreeMap, BTreeSet};

use super::Take;
use super::admit::Admit;
use super::names::{Names, Place, Site};
use super::space::Space;
use super::walks::{Reach, STEPS_MAX, Walk, follow, guard};
use crate::edge::Edge;
use crate::finding::{Code, Finding, Span};
use crate::topology::Draft;

/// Steps that walks are followed for over all births together, and for each at least.
const STEPS_TOTAL: usize = 100_000;
const STEPS_MIN: usize = 300;

/// Most places that are looked at to find where a replica was born.
const ORIGINS_MAX: usize = 60;

/// Most places underlined beside the main one.
const OTHERS_MAX: usize = 8;

/// Where the records of one birth come.
#[derive(Debug)]
pub(crate) struct Trial {
    pub(crate) birth: Place,
    pub(crate) reach: Reach,
    /// Its names may grow on the way.
    pub(crate) grows: bool,
}

/// A topology with everything that the rules ask.
#[derive(Debug)]
pub(crate) struct Case<'d> {
    pub(crate) draft: &'d Draft,
    pub(crate) names: &'d Names,
    pub(crate) space: Space<'d>,
    pub(crate) trials: Vec<Trial>,
    /// There are more names or walks than were followed.
    pub(crate) is_partial: bool,
}

impl<'d> Case<'d> {
    pub(crate) fn new(draft: &'d Draft, names: &'d Names) -> Self {
        let mut space = Space::new(names);
        let mut trials = Vec::new();
        let mut steps = STEPS_TOTAL;
        for (site, topics, grows) in space.trial_names() {
            for topic in topics.into_iter().filter(|t| !names.is_replica_at(site, t)) {
                let birth = (site, topic);
                let reach = follow(names, &space.out, &birth, STEPS_MIN);
                steps = steps.saturating_sub(reach.steps);
                trials.push(Trial {
                    birth,
                    reach,
                    grows,
                });
            }
        }
        // What is left goes to those whose walks are more.
        let cut = |trial: &&mut Trial| trial.reach.is_cut_short;
        let open = trials
            .iter()
            .filter(|trial| trial.reach.is_cut_short)
            .count();
        let most = (steps / open.max(1)).min(STEPS_MAX);
        for trial in trials.iter_mut().filter(cut).filter(|_| most > STEPS_MIN) {
            trial.reach = follow(names, &space.out, &trial.birth, most);
        }
        let is_partial =
            space.store.is_rough || trials.iter().any(|trial| trial.reach.is_cut_short);
        trials.sort_by(|a, b| {
            let key = |t: &Trial| (t.birth.1.len(), t.birth.1.clone(), t.birth.0);
            key(a).cmp(&key(b))
        });
        Self {
            draft,
            names,
            space,
            trials,
            is_partial,
        }
    }

    pub(crate) fn edge(&self, number: usize) -> &'d Edge {
        &self.draft.edges[number]
    }

    /// `topic@cluster`
    pub(crate) fn tell(&self, place: &Place) -> String {
        format!("{}@{}", place.1, self.names.aliases[place.0])
    }

    pub(crate) fn tell_all(&self, places: &[Place]) -> Vec<String> {
        places.iter().map(|place| self.tell(place)).collect()
    }

    /// The clusters of a walk, one behind the other.
    pub(crate) fn way(&self, walk: &Walk) -> String {
        let sites = walk.places.iter().map(|p| self.names.aliases[p.0].as_str());
        sites.collect::<Vec<_>>().join(" → ")
    }

    /// The cluster's name.
    pub(crate) fn alias(&self, site: Site) -> &str {
        self.names.aliases[site].as_str()
    }

    /// Every (edge, source topic) that writes a topic, each with a walk that does.
    pub(crate) fn writers(&self, place: &Place) -> Vec<Writer> {
        let mut writers = Vec::new();
        for number in &self.names.into[place.0] {
            for topic in self.names.back(*number, &place.1) {
                if self.names.take_at(*number, &topic) != Take::Into(place.1.clone()) {
                    continue;
                }
                if let Some(walk) = self.walk_through(*number, &topic) {
                    writers.push(Writer {
                        edge: *number,
                        topic,
                        walk,
                    });
                }
            }
        }
        writers
    }

    /// A walk whose last step is this edge out of this topic; `None` when no record takes it.
    fn walk_through(&self, number: usize, topic: &str) -> Option<Walk> {
        let link = self.names.links[number].as_ref()?;
        let last = (link.source, topic.to_owned());
        let Take::Into(new) = self.names.take_at(number, topic) else {
            return None;
        };
        let end = (link.target, new);
        let finish = |mut walk: Walk| {
            walk.edges.push(number);
            walk.places.push(end.clone());
            walk
        };
        for birth in self.origins(&last) {
            if birth == last {
                return Some(finish(Walk {
                    edges: Vec::new(),
                    places: vec![birth],
                }));
            }
            let reach = follow(self.names, &self.space.out, &birth, STEPS_MIN);
            let fits = |walk: &&Walk| {
                walk.places.last() == Some(&last) && guard(self.names, walk, number) == Admit::Copy
            };
            if let Some(walk) = reach.walks.iter().find(fits) {
                return Some(finish(walk.clone()));
            }
        }
        None
    }

    /// Places from which names could come here and where users may create them, nearest first.
    pub(crate) fn origins(&self, place: &Place) -> Vec<Place> {
        let mut seen = BTreeSet::from([place.clone()]);
        let mut queue = std::collections::VecDeque::from([place.clone()]);
        let mut births = Vec::new();
        while let Some(at) = queue.pop_front() {
            if !self.names.is_replica_at(at.0, &at.1) {
                births.push(at);
                continue;
            }
            for number in &self.names.into[at.0] {
                let Some(link) = &self.names.links[*number] else {
                    continue;
                };
                for topic in self.names.back(*number, &at.1) {
                    let from = (link.source, topic);
                    if seen.len() < ORIGINS_MAX && seen.insert(from.clone()) {
                        queue.push_back(from);
                    }
                }
            }
        }
        births
    }

    /// A finding about edges, in the file's order: the last one is at fault, the others take part.
    pub(crate) fn finding(
        &self,
        code: Code,
        edges: &BTreeSet<usize>,
        key: &str,
        message: String,
        does: impl Fn(usize) -> String,
    ) -> Finding {
        let blamed = edges.iter().max_by_key(|e| (self.place(**e, key), **e));
        let blamed = blamed.copied().unwrap_or(0);
        let mut finding = Finding::new(code, self.place(blamed, key), message);
        finding.label = does(blamed);
        let mut seen: BTreeMap<Span, String> = BTreeMap::new();
        for edge in edges.iter().filter(|e| **e != blamed) {
            let place = self.place(*edge, key);
            if place != finding.span {
                seen.entry(place).or_insert_with(|| does(*edge));
            }
        }
        finding.others = seen.into_iter().take(OTHERS_MAX).collect();
        finding.edges = edges.iter().map(|e| self.edge(*e).name.clone()).collect();
        finding
    }

    /// The place of an edge's key where the edge has it, else its whole entry.
    pub(crate) fn place(&self, number: usize, key: &str) -> Span {
        let edge = self.edge(number);
        let key = if edge.places.contains_key(key) {
            key
        } else {
            ""
        };
        edge.place(key)
    }

    /// Names of edges for a sentence, folded when they are many.
    pub(crate) fn list(&self, edges: &BTreeSet<usize>) -> String {
        let named: Vec<String> = edges
            .iter()
            .take(3)
            .map(|e| format!("`{}`", self.edge(*e).name))
            .collect();
        match edges.len() {
            0..=2 => named.join(" and "),
            3 => format!("{}, {} and {}", named[0], named[1], named[2]),
            many => format!("{} and {} more edges", named.join(", "), many - 3),
        }
    }
}

/// An edge, the topic it reads, and a walk that writes by it.
#[derive(Clone, Debug)]
pub(crate) struct Writer {
    pub(crate) edge: usize,
    pub(crate) topic: String,
    pub(crate) walk: Walk,
}

/// Leaves only what is in no other of its kind: the sets of edges that say most.
pub(crate) fn maximal<K: Eq, T>(
    found: Vec<(K, BTreeSet<usize>, T)>,
) -> Vec<(K, BTreeSet<usize>, T)> {
    let mut kept: Vec<(K, BTreeSet<usize>, T)> = Vec::new();
    let mut sorted = found;
    // Stable: of equal sets the first one found, with the shortest witness, stays.
    sorted.sort_by_key(|(_, edges, _)| std::cmp::Reverse(edges.len()));
    for (key, edges, what) in sorted {
        let is_known = kept.iter().any(|(k, e, _)| *k == key && edges.is_subset(e));
        if !is_known {
            kept.push((key, edges, what));
        }
    }
    kept
}
