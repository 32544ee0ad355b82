//! `record-loop`: a walk visits one topic twice. `name-loop`: the name rule alone never ends.

use std::collections::{BTreeMap, BTreeSet};

use crate::finding::{Code, Finding};
use crate::graph::Take;
use crate::graph::case::{Case, Trial};
use crate::graph::walks::{Place, Walk};
use crate::name::TOPIC_NAME_MAX;

/// Most names that one birth is followed to in search of growth.
const NAMES_MAX: usize = 3_000;

/// A loop: the edges that go round, and the shortest walk into it.
#[derive(Clone, Debug)]
pub(crate) struct Loop {
    pub(crate) code: Code,
    pub(crate) edges: BTreeSet<usize>,
    pub(crate) walk: Walk,
}

/// Every loop, told by the edges that go round.
pub(crate) fn find(case: &Case) -> Vec<Loop> {
    let mut found: BTreeMap<(Code, BTreeSet<usize>), Walk> = BTreeMap::new();
    for trial in &case.trials {
        for walk in &trial.reach.loops {
            let back = walk.places.last();
            let first = walk
                .places
                .iter()
                .position(|p| Some(p) == back)
                .unwrap_or(0);
            let edges = walk.edges[first..].iter().copied().collect();
            found
                .entry((Code::RecordLoop, edges))
                .or_insert_with(|| walk.clone());
        }
        if let Some(walk) = trial.grows.then(|| growth(case, trial)).flatten() {
            let edges = walk.edges.iter().copied().collect();
            found.entry((Code::NameLoop, edges)).or_insert(walk);
        }
    }
    let each = found.into_iter();
    each.map(|((code, edges), walk)| Loop { code, edges, walk })
        .collect()
}

pub(crate) fn findings(case: &Case, loops: &[Loop]) -> Vec<Finding> {
    loops.iter().map(|found| finding(case, found)).collect()
}

fn finding(case: &Case, found: &Loop) -> Finding {
    let edges = &found.edges;
    let birth = found
        .walk
        .places
        .first()
        .map(|p| p.1.as_str())
        .unwrap_or_default();
    let unguarded: BTreeSet<usize> = edges
        .iter()
        .copied()
        .filter(|e| !case.edge(*e).provenance)
        .collect();
    let blamed = if unguarded.is_empty() {
        edges
    } else {
        &unguarded
    };
    let (message, does, key) = match found.code {
        Code::RecordLoop => (
            format!(
                "records of `{birth}` come back to where they were: {} would write each of them again \
                 on every round, for ever",
                case.list(edges)
            ),
            "does not look at where a record has been",
            "provenance",
        ),
        _ => (
            format!(
                "every round makes a longer name: {} would create topics without end from `{birth}`",
                case.list(edges)
            ),
            "takes names that it has had a part in",
            "rename",
        ),
    };
    let mut finding = case.finding(found.code, blamed, key, message, |_| does.to_owned());
    finding.edges = edges.iter().map(|e| case.edge(*e).name.clone()).collect();
    finding.witness = case.tell_all(&found.walk.places);
    finding
}

/// A walk of names that comes back longer, again and again, until Kafka's limit ends it.
fn growth(case: &Case, trial: &Trial) -> Option<Walk> {
    let mut seen: BTreeMap<Place, Option<(Place, usize)>> = BTreeMap::new();
    seen.insert(trial.birth.clone(), None);
    let mut queue = std::collections::VecDeque::from([trial.birth.clone()]);
    while let Some(at) = queue.pop_front() {
        for number in &case.space.out[at.0] {
            let Some(to) = step(case, *number, &at) else {
                continue;
            };
            if seen.contains_key(&to) {
                continue;
            }
            seen.insert(to.clone(), Some((at.clone(), *number)));
            if let Some(round) = longer_round(&seen, &to)
                && never_ends(case, &to, &round)
            {
                return Some(round);
            }
            if seen.len() > NAMES_MAX {
                return None;
            }
            queue.push_back(to);
        }
    }
    None
}

fn step(case: &Case, number: usize, at: &Place) -> Option<Place> {
    let link = case.names.links[number].as_ref()?;
    match case.names.take_at(number, &at.1) {
        Take::Into(new) => Some((link.target, new)),
        Take::Not(_) => None,
    }
}

/// The way from the last place on the same cluster with a shorter name.
fn longer_round(seen: &BTreeMap<Place, Option<(Place, usize)>>, to: &Place) -> Option<Walk> {
    let mut walk = Walk {
        edges: Vec::new(),
        places: vec![to.clone()],
    };
    let mut at = to;
    while let Some(Some((before, number))) = seen.get(at) {
        walk.edges.insert(0, *number);
        walk.places.insert(0, before.clone());
        if before.0 == to.0 && before.1.len() < to.1.len() {
            return Some(walk);
        }
        at = before;
    }
    None
}

fn never_ends(case: &Case, from: &Place, round: &Walk) -> bool {
    let mut at = from.clone();
    // Each round makes the name longer: the limit comes within this many.
    for _ in 0..=TOPIC_NAME_MAX {
        for number in &round.edges {
            match step(case, *number, &at) {
                Some(to) => at = to,
                None => return is_too_long(case, *number, &at),
            }
        }
    }
    false
}

/// Whether nothing but the length of the new name keeps an edge from a topic.
fn is_too_long(case: &Case, number: usize, at: &Place) -> bool {
    let why = case.names.take_at(number, &at.1);
    matches!(why, Take::Not(crate::graph::Why::TargetName(new)) if new.len() > TOPIC_NAME_MAX)
}
