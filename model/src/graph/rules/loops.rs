//! `record-loop`: a walk visits one topic twice. `name-loop`: the name rule alone never ends.

use std::collections::{BTreeMap, BTreeSet};

use crate::finding::{Code, Finding};
use crate::graph::Take;
use crate::graph::case::{Case, Trial};
use crate::graph::names::Place;
use crate::graph::walks::Walk;
use crate::name::TOPIC_NAME_MAX;

/// A round that has made names as long as this one would go on for ever.
const ENDLESS: usize = TOPIC_NAME_MAX * 3 / 4;

/// Most names that births are followed to in search of growth: one birth, all together, and each at least.
const NAMES_MAX: usize = 3_000;
const NAMES_TOTAL: usize = 20_000;
const NAMES_MIN: usize = 100;

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
    let mut rounds = Rounds::new();
    let growing = case.trials.iter().filter(|trial| trial.grows).count();
    let most = (NAMES_TOTAL / growing.max(1)).clamp(NAMES_MIN, NAMES_MAX);
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
        if trial.grows {
            growth(case, trial, most, &mut rounds);
        }
    }
    let endless = rounds
        .into_iter()
        .filter_map(|(edges, walk)| Some((edges, walk?)));
    found.extend(endless.map(|(edges, walk)| ((Code::NameLoop, edges), walk)));
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

/// Rounds by their edges, and the shortest walk of those that never end.
type Rounds = BTreeMap<BTreeSet<usize>, Option<Walk>>;

/// Follows names alone, in search of rounds that come back longer, again and again, until Kafka's
/// limit ends them.
fn growth(case: &Case, trial: &Trial, most: usize, rounds: &mut Rounds) {
    let mut seen: BTreeMap<Place, Option<(Place, usize)>> = BTreeMap::new();
    seen.insert(trial.birth.clone(), None);
    let mut queue = std::collections::VecDeque::from([trial.birth.clone()]);
    while let Some(at) = queue.pop_front().filter(|_| seen.len() <= most) {
        for number in &case.space.out[at.0] {
            let Some(to) = step(case, *number, &at).filter(|to| !seen.contains_key(to)) else {
                continue;
            };
            seen.insert(to.clone(), Some((at.clone(), *number)));
            let Some(round) = longer_round(&seen, &to) else {
                queue.push_back(to);
                continue;
            };
            // A round is tried once; what lies behind it is more of the same.
            let edges: BTreeSet<usize> = round.edges.iter().copied().collect();
            let is_endless = match rounds.get(&edges) {
                Some(known) => known.is_some(),
                None => {
                    let is_endless = never_ends(case, &to, &round);
                    rounds.insert(edges, is_endless.then_some(round));
                    is_endless
                }
            };
            if !is_endless {
                queue.push_back(to);
            }
        }
    }
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
                // Near the limit other rules may end it first: their names are too long as well.
                None => return at.1.len() >= ENDLESS,
            }
        }
    }
    false
}
