//! `duplicate-delivery`: two walks to one topic. `parallel-copy`: two walks to two topics of one
//! cluster, through different clusters.

use std::collections::{BTreeMap, BTreeSet};

use crate::finding::{Code, Finding};
use crate::graph::case::{Case, maximal};
use crate::graph::names::{Place, Site};
use crate::graph::walks::Walk;

/// Most walks into one cluster that are compared with each other.
const COMPARED_MAX: usize = 300;

type Pair = (Walk, Walk);

pub(crate) fn findings(case: &Case) -> Vec<Finding> {
    let mut twice = Vec::new();
    let mut beside = Vec::new();
    for trial in &case.trials {
        let mut by_place: BTreeMap<&Place, Vec<&Walk>> = BTreeMap::new();
        let mut by_site: BTreeMap<Site, Vec<&Walk>> = BTreeMap::new();
        for walk in &trial.reach.walks {
            if let Some(end) = walk.places.last() {
                by_place.entry(end).or_default().push(walk);
                by_site.entry(end.0).or_default().push(walk);
            }
        }
        for (place, walks) in by_place.into_iter().filter(|(_, walks)| walks.len() > 1) {
            twice.extend(meeting(&walks).map(|(edges, pair)| (place.0, edges, pair)));
        }
        for (site, walks) in by_site.into_iter().filter(|(_, walks)| walks.len() > 1) {
            beside.extend(side_by_side(&walks).map(|(edges, pair)| (site, edges, pair)));
        }
    }
    let twice = maximal(twice)
        .into_iter()
        .map(|(_, edges, pair)| duplicate(case, &edges, &pair));
    let beside = maximal(beside)
        .into_iter()
        .map(|(_, edges, pair)| parallel(case, &edges, &pair));
    twice.chain(beside).collect()
}

/// The last edge of a walk and the topic it reads: where two of these differ, walks meet. Where they
/// are the same the walks have met before.
fn last_step(walk: &Walk) -> Option<(usize, &Place)> {
    let before = walk.places.len().checked_sub(2)?;
    Some((*walk.edges.last()?, &walk.places[before]))
}

fn meeting(walks: &[&Walk]) -> Option<(BTreeSet<usize>, Pair)> {
    let mut steps: BTreeMap<(usize, &Place), &Walk> = BTreeMap::new();
    for walk in walks {
        steps.entry(last_step(walk)?).or_insert(walk);
    }
    let mut first: Vec<&Walk> = steps.values().copied().collect();
    first.sort_by(|a, b| a.order(b));
    let edges = steps.keys().map(|(edge, _)| *edge).collect();
    match first.as_slice() {
        [one, other, ..] => Some((edges, ((*one).clone(), (*other).clone()))),
        _ => None,
    }
}

fn side_by_side(walks: &[&Walk]) -> Option<(BTreeSet<usize>, Pair)> {
    let walks = &walks[..walks.len().min(COMPARED_MAX)];
    let sites = |walk: &Walk| walk.places.iter().map(|p| p.0).collect::<Vec<_>>();
    let mut edges = BTreeSet::new();
    let mut pair = None;
    for (at, other) in walks.iter().enumerate() {
        for one in &walks[..at] {
            let (Some((a, from_a)), Some((b, from_b))) = (last_step(one), last_step(other)) else {
                continue;
            };
            // From one cluster: they went apart before, and are told there.
            let differ = one.places.last() != other.places.last() && from_a.0 != from_b.0;
            if differ && sites(one) != sites(other) {
                edges.extend([a, b]);
                pair.get_or_insert_with(|| ((*one).clone(), (*other).clone()));
            }
        }
    }
    pair.map(|pair| (edges, pair))
}

fn duplicate(case: &Case, edges: &BTreeSet<usize>, (one, other): &Pair) -> Finding {
    let topic = one.places.last().map_or("", |p| p.1.as_str());
    let ways = if one.edges.len() == 1 && other.edges.len() == 1 {
        case.list(edges)
    } else {
        format!("{} and {}", case.way(one), case.way(other))
    };
    let message = format!(
        "each record arrives twice in `{topic}` on `{}`, by {ways}; order between the two is lost",
        case.alias(one.places.last().map_or(0, |p| p.0)),
    );
    let does = |edge| format!("brings them to `{}`", case.edge(edge).target);
    let mut finding = case.finding(Code::DuplicateDelivery, edges, "", message, does);
    finding.witness = case.tell_all(&one.places);
    finding
}

fn parallel(case: &Case, edges: &BTreeSet<usize>, (one, other): &Pair) -> Finding {
    let end = |walk: &Walk| walk.places.last().map(|p| p.1.clone()).unwrap_or_default();
    let message = format!(
        "`{}` holds the same records twice: `{}` by {} and `{}` by {}",
        case.alias(one.places.last().map_or(0, |p| p.0)),
        end(one),
        case.way(one),
        end(other),
        case.way(other),
    );
    let does = |edge| format!("brings a copy to `{}`", case.edge(edge).target);
    let mut finding = case.finding(Code::ParallelCopy, edges, "", message, does);
    finding.witness = case.tell_all(&one.places);
    finding
}
