//! Walks: the ways that a record born in one topic can go, under both guards.

use std::collections::BTreeMap;

use super::admit::{Admit, admit_path};
use super::names::{Link, Names, Place, Site};
use super::{Arrival, Take};
use crate::name::Alias;
use crate::topology::Draft;

/// Most steps that the walks from one birth are followed for.
pub(crate) const STEPS_MAX: usize = 20_000;

/// How often a walk may go round all clusters: headers end every walk within one round, and where
/// there are none, names that grow are a loop of names.
const ROUNDS_MAX: usize = 3;

/// A walk, as far as it goes: the edges taken, and every place on the way with its birth first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Walk {
    pub(crate) edges: Vec<usize>,
    pub(crate) places: Vec<Place>,
}

impl Walk {
    /// Few steps before many, short names before long ones, then by name and by the cluster declared
    /// first: the order of edges in the file has no say.
    pub(crate) fn order(&self, other: &Self) -> std::cmp::Ordering {
        let key = |place: &Place| (place.1.len(), place.1.clone(), place.0);
        let steps = self.edges.len().cmp(&other.edges.len());
        steps.then_with(|| {
            self.places
                .iter()
                .map(key)
                .cmp(other.places.iter().map(key))
        })
    }
}

/// Everywhere that records of one birth come.
#[derive(Debug, Default)]
pub(crate) struct Reach {
    /// Every walk that visits no place twice, shorter ones first.
    pub(crate) walks: Vec<Walk>,
    /// Walks that come back, with the place they come back to last.
    pub(crate) loops: Vec<Walk>,
    /// How many steps were taken.
    pub(crate) steps: usize,
    /// There were more walks than are followed.
    pub(crate) is_cut_short: bool,
}

/// The enabled edges out of each cluster, in the file's order.
pub(crate) fn outgoing(names: &Names) -> Vec<Vec<usize>> {
    let mut out = vec![Vec::new(); names.aliases.len()];
    for (number, link) in names.links.iter().enumerate() {
        if let Some(link) = link.as_ref().filter(|link| link.enabled) {
            out[link.source].push(number);
        }
    }
    out
}

/// Follows the records born in one place.
pub(crate) fn follow(names: &Names, out: &[Vec<usize>], birth: &Place, steps_max: usize) -> Reach {
    let mut reach = walks_from(names, out, birth, steps_max);
    reach.walks.sort_by(Walk::order);
    reach.loops.sort_by(Walk::order);
    reach
}

fn walks_from(names: &Names, out: &[Vec<usize>], birth: &Place, steps_max: usize) -> Reach {
    let mut reach = Reach::default();
    let mut takes: BTreeMap<(usize, String), Take> = BTreeMap::new();
    let start = Walk {
        edges: Vec::new(),
        places: vec![birth.clone()],
    };
    let mut queue = std::collections::VecDeque::from([start]);
    let longest = (names.aliases.len() * ROUNDS_MAX).max(4);
    while let Some(walk) = queue.pop_front() {
        if walk.edges.len() >= longest {
            continue;
        }
        let Some((site, topic)) = walk.places.last().cloned() else {
            continue;
        };
        let stamps = Stamps::of(names, &walk);
        for number in &out[site] {
            let Some(link) = &names.links[*number] else {
                continue;
            };
            if stamps.guard(link) != Admit::Copy {
                continue;
            }
            let key = (*number, topic.clone());
            let take = takes
                .entry(key)
                .or_insert_with(|| names.take_at(*number, &topic));
            let Take::Into(new) = take else { continue };
            let place = (link.target, new.clone());
            let mut next = walk.clone();
            next.edges.push(*number);
            let returns = walk.places.contains(&place);
            next.places.push(place);
            reach.steps += 1;
            if reach.steps > steps_max {
                reach.is_cut_short = true;
                return reach;
            }
            if returns {
                reach.loops.push(next);
            } else {
                reach.walks.push(next.clone());
                queue.push_back(next);
            }
        }
    }
    reach
}

/// What an edge does with a record that has come by this walk.
pub(crate) fn guard(names: &Names, walk: &Walk, number: usize) -> Admit {
    let link = names.links[number].as_ref();
    link.map_or(Admit::Copy, |link| Stamps::of(names, walk).guard(link))
}

/// The clusters that a record's headers name.
struct Stamps(Vec<Site>);

impl Stamps {
    fn of(names: &Names, walk: &Walk) -> Self {
        let links = walk.edges.iter().filter_map(|e| names.links[*e].as_ref());
        Self(links.filter(|l| l.provenance).map(|l| l.source).collect())
    }

    fn guard(&self, link: &Link) -> Admit {
        let names_target = self.0.contains(&link.target);
        admit_path(
            link.provenance,
            link.is_local,
            names_target,
            !self.0.is_empty(),
        )
    }
}

/// Everywhere a record born in `topic` of `cluster` arrives, not counting its birth place.
///
/// In a topology with a loop the walks are told up to where they come back, that arrival included.
pub fn arrivals(draft: &Draft, names: &Names, cluster: &Alias, topic: &str) -> Vec<Arrival> {
    let Some(site) = names.site(cluster) else {
        return Vec::new();
    };
    let birth = (site, topic.to_owned());
    let reach = follow(names, &outgoing(names), &birth, STEPS_MAX);
    let mut copies: BTreeMap<Place, usize> = BTreeMap::new();
    for walk in reach.walks.iter().chain(&reach.loops) {
        if let Some(place) = walk.places.last() {
            *copies.entry(place.clone()).or_default() += 1;
        }
    }
    let arrival = |((site, topic), copies): (Place, usize)| Arrival {
        cluster: draft.clusters[site].alias.clone(),
        topic,
        copies,
    };
    copies.into_iter().map(arrival).collect()
}
