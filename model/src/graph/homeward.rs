//! The way home: by name, what a failback's inverse of an edge does with a topic.
//!
//! The name rule does not hold for it: it brings a topic back under the very name that the rule says it
//! came from. What the topology itself brings home it leaves alone.

use std::collections::BTreeSet;

use super::names::{Names, Place};
use super::walks::{STEPS_MAX, follow, outgoing};
use super::{Take, Why};
use crate::edge::Edge;
use crate::name::Alias;

/// An inverse edge: the number of the edge that it turns round, and whether it brings everything.
pub(super) type Turned = (usize, bool);

impl Names {
    /// What an inverse edge does with a topic of the cluster that took over.
    pub(super) fn take_home(&self, (number, is_rebuild): Turned, topic: &str) -> Take {
        let Some(old) = self.original(number, topic) else {
            return Take::Not(Why::NotSelected);
        };
        if !is_rebuild && self.comes_home(number, topic, &old) {
            return Take::Not(Why::NotSelected);
        }
        Take::Into(old)
    }

    /// The topic of its source that an edge copies into this one.
    pub(super) fn original(&self, number: usize, topic: &str) -> Option<String> {
        let mut old = self.back(number, topic).into_iter();
        old.find(|old| self.take_at(number, old) == Take::Into(topic.to_owned()))
    }

    /// Whether the topology itself brings home what is written in an edge's target topic.
    fn comes_home(&self, number: usize, topic: &str, old: &str) -> bool {
        let Some(link) = &self.links[number] else {
            return false;
        };
        let home = (link.source, old.to_owned());
        let birth = (link.target, topic.to_owned());
        let reach = follow(self, &outgoing(self), &birth, STEPS_MAX);
        let mut walks = reach.walks.iter().chain(&reach.loops);
        walks.any(|walk| walk.places.last() == Some(&home))
    }

    /// Where records of an edge's target topic would come twice if they went home too: straight, and on
    /// from home. The topics are named with their clusters.
    pub fn met_twice(&self, forward: &Edge, topic: &str) -> Vec<(Alias, String)> {
        let Some(number) = self.number(&forward.name) else {
            return Vec::new();
        };
        let (Some(link), Some(old)) = (&self.links[number], self.original(number, topic)) else {
            return Vec::new();
        };
        let places = |out: &[Vec<usize>], birth: Place| -> BTreeSet<Place> {
            let reach = follow(self, out, &birth, STEPS_MAX);
            let last = |walk: &super::walks::Walk| walk.places.last().cloned();
            reach.walks.iter().filter_map(last).collect()
        };
        let mut out = outgoing(self);
        let straight = places(&out, (link.target, topic.to_owned()));
        // What came home has been on the other cluster: it neither returns there nor counts as local.
        out[link.source].retain(|n| {
            let goes_on = |l: &super::names::Link| l.target != link.target && !l.is_local;
            self.links[*n].as_ref().is_some_and(goes_on)
        });
        let from_home = places(&out, (link.source, old));
        let twice = straight.intersection(&from_home);
        let elsewhere = twice.filter(|(site, _)| *site != link.target && *site != link.source);
        elsewhere
            .map(|(site, topic)| (self.aliases[*site].clone(), topic.clone()))
            .collect()
    }
}
