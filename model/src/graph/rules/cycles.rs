//! Elementary cycles of edges, each with its shortest topic and what cuts it.

use std::collections::BTreeSet;

use super::loops::Loop;
use crate::graph::admit::Admit;
use crate::graph::case::Case;
use crate::graph::circuits;
use crate::graph::language::store::{Lang, NAMES, NONE};
use crate::graph::names::Place;
use crate::graph::space::Form;
use crate::graph::walks::{Walk, guard};
use crate::graph::{Cut, Cycle, Take, Why};
use crate::name::TOPIC_NAME_MAX;

/// How many names of a cycle are tried.
const TRIES: usize = 4;

/// Every cycle, and whether there are more than are listed.
pub(crate) fn find(case: &mut Case, loops: &[Loop]) -> (Vec<Cycle>, bool) {
    let (all, is_capped) = circuits::cycles(case.names);
    let told = all
        .iter()
        .filter_map(|edges| cycle(case, loops, edges))
        .collect();
    (told, is_capped)
}

/// A witness, with what it is judged by: a loop before a cut, short names before long ones.
struct Witness {
    rank: (bool, bool, usize, String, usize),
    cycle: Cycle,
}

fn cycle(case: &mut Case, loops: &[Loop], edges: &[usize]) -> Option<Cycle> {
    let set: BTreeSet<usize> = edges.iter().copied().collect();
    let is_loop = loops.iter().any(|found| found.edges == set);
    let mut best: Option<Witness> = None;
    for turn in 0..edges.len() {
        let mut turned = edges.to_vec();
        turned.rotate_left(turn);
        for witness in witnesses(case, &turned, is_loop) {
            if best.as_ref().is_none_or(|best| witness.rank < best.rank) {
                best = Some(witness);
            }
        }
    }
    best.map(|witness| witness.cycle)
}

fn witnesses(case: &mut Case, edges: &[usize], is_loop: bool) -> Vec<Witness> {
    let Some(site) = case.names.links[edges[0]].as_ref().map(|link| link.source) else {
        return Vec::new();
    };
    let round = names_round(case, edges);
    let births = case.space.births(site);
    let born = case.space.store.and(round, births);
    let mut names = case.space.store.shortest(born, TRIES, TOPIC_NAME_MAX);
    let brought = case.space.store.minus(round, births);
    names.extend(case.space.store.shortest(brought, TRIES, TOPIC_NAME_MAX));
    let mut found = Vec::new();
    for name in names {
        let is_replica = case.names.is_replica_at(site, &name);
        let start = (site, name.clone());
        // Topics that only come from outside the cycle count where they can come at all.
        if is_replica && case.origins(&start).is_empty() {
            continue;
        }
        if let Some(cycle) = go_round(case, &start, edges, is_loop) {
            let rank = (cycle.cut_by.is_some(), is_replica, name.len(), name, site);
            found.push(Witness { rank, cycle });
        }
    }
    found
}

/// The names that all edges of a cycle map, one behind the other, guards ignored.
fn names_round(case: &mut Case, edges: &[usize]) -> Lang {
    let nothing = || (String::new(), String::new());
    let start = Form::Affix {
        strip: nothing(),
        wrap: nothing(),
    };
    let mut ways = vec![(start, NAMES)];
    for number in edges {
        let mut next = Vec::new();
        for (form, births) in ways {
            for piece in case.space.pieces[*number].clone().iter() {
                let through = case.space.pull(&form, piece.domain, births);
                if through != NONE {
                    next.extend(case.space.compose(&form, piece, through));
                }
            }
        }
        ways = next;
    }
    ways.into_iter()
        .fold(NONE, |all, (_, births)| case.space.store.or(all, births))
}

fn go_round(case: &Case, start: &Place, edges: &[usize], is_loop: bool) -> Option<Cycle> {
    let mut walk = Walk {
        edges: Vec::new(),
        places: vec![start.clone()],
    };
    let mut is_dropped = false;
    for number in edges {
        let topic = walk.places.last().map(|p| p.1.clone())?;
        let target = case.names.links[*number].as_ref()?.target;
        let cut = match case.names.take_at(*number, &topic) {
            Take::Into(new) => {
                is_dropped |= guard(case.names, &walk, *number) != Admit::Copy;
                walk.edges.push(*number);
                walk.places.push((target, new));
                continue;
            }
            Take::Not(Why::Lineage) => Cut::Lineage,
            Take::Not(Why::Replica) => Cut::Provenance,
            Take::Not(_) => return None,
        };
        let path = case.tell_all(&walk.places);
        return Some(Cycle {
            path,
            cut_by: Some(cut),
        });
    }
    // Headers stop records only: where names go on, nothing cuts the cycle.
    let cut_by = (is_dropped && !is_loop).then_some(Cut::Provenance);
    let returns = walk.places.last() == Some(start);
    let path = case.tell_all(&walk.places);
    // Round once under another name, and then no further: no cycle of topics.
    (is_dropped || returns || is_loop).then_some(Cycle { path, cut_by })
}
