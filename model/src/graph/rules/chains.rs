//! `broken-chain`: the next edge would have taken the topic under its first name only.
//! `never-matches`: nothing is left to take.

use std::collections::{BTreeMap, BTreeSet};

use crate::finding::{Code, Finding};
use crate::graph::case::Case;
use crate::graph::language::store::{LEGAL, Lang, NONE};
use crate::graph::maps::Map;
use crate::name::TOPIC_NAME_MAX;

pub(crate) fn findings(case: &mut Case) -> Vec<Finding> {
    let mut findings = never_matches(case);
    findings.extend(broken(case));
    findings
}

/// What each edge selects, and what that is called on the target, legal or not for an edge to take.
fn selected(case: &mut Case, number: usize) -> (Lang, Lang) {
    let (mut all, mut made) = (NONE, NONE);
    for piece in case.space.pieces[number].clone().iter() {
        let mut free = piece.clone();
        free.domain = piece.selected;
        let image = free.image(&mut case.space.store, piece.selected);
        let image = match &piece.map {
            Map::Constant(name) if crate::name::check_topic_name(name).is_err() => NONE,
            _ => image,
        };
        all = case.space.store.or(all, piece.selected);
        made = case.space.store.or(made, image);
    }
    (all, made)
}

fn broken(case: &mut Case) -> Vec<Finding> {
    let numbers: Vec<usize> = case.space.out.concat();
    let each: BTreeMap<usize, (Lang, Lang)> =
        numbers.iter().map(|n| (*n, selected(case, *n))).collect();
    let mut found: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
    for first in numbers {
        let (taken, made) = each[&first];
        let Some(link) = case.names.links[first].as_ref().filter(|_| taken != made) else {
            continue;
        };
        let (source, middle) = (link.source, link.target);
        if made == NONE {
            continue;
        }
        // Most edges of a mesh select the same: each set is looked at once.
        let mut known: BTreeMap<Lang, bool> = BTreeMap::new();
        for next in case.space.out[middle].clone() {
            let Some(link) = case.names.links[next].as_ref().filter(|l| !l.is_local) else {
                continue;
            };
            let selected = each[&next].0;
            let is_broken = *known.entry(selected).or_insert_with(|| {
                let store = &mut case.space.store;
                store.and(selected, taken) != NONE && store.and(selected, made) == NONE
            });
            if link.target == source || !is_broken {
                continue;
            }
            // The other way to the same end is there already: nothing was meant to go through here.
            let wanted = case.space.store.and(selected, taken);
            let to_end = |n: &&usize| {
                case.names.links[**n]
                    .as_ref()
                    .is_some_and(|l| l.target == link.target)
            };
            let direct: Vec<usize> = case.space.out[source]
                .iter()
                .filter(to_end)
                .copied()
                .collect();
            let has_other = |n: &usize| case.space.store.and(each[n].0, wanted) != NONE;
            if !direct.iter().any(has_other) {
                found.entry(next).or_default().insert(first);
            }
        }
    }
    found
        .iter()
        .filter_map(|(next, firsts)| chain(case, *next, firsts, &each))
        .collect()
}

fn chain(
    case: &mut Case,
    next: usize,
    firsts: &BTreeSet<usize>,
    each: &BTreeMap<usize, (Lang, Lang)>,
) -> Option<Finding> {
    let lost = firsts
        .iter()
        .filter_map(|first| shortest_lost(case, next, *first, each));
    let (_, name, _, first) = lost.min()?;
    let link = case.names.links[first].as_ref();
    let made = link.map_or_else(String::new, |link| link.renamer.apply(&name));
    let reason = match crate::name::is_internal_topic(&made) {
        true => "counts as internal",
        false => "is not what its filter takes",
    };
    let (from, edge) = (case.edge(first), case.edge(next));
    let message = format!(
        "`{}` never takes on what {} brings: `{name}` becomes `{made}`, which {reason}",
        edge.name,
        case.list(firsts),
    );
    let edges = BTreeSet::from([next]);
    let label = format!("takes `{name}`, not `{made}`");
    let mut finding = case.finding(Code::BrokenChain, &edges, "topics", message, |_| {
        label.clone()
    });
    let renames = firsts.iter().take(4).map(|e| {
        let does = format!("renames what it brings to `{}`", case.edge(*e).target);
        (case.place(*e, "rename"), does)
    });
    finding.others = renames.collect();
    finding.edges = firsts
        .iter()
        .chain([&next])
        .map(|e| case.edge(*e).name.clone())
        .collect();
    finding.witness = vec![
        format!("{name}@{}", from.source),
        format!("{made}@{}", from.target),
    ];
    Some(finding)
}

/// The shortest name that the next edge would take and does not, for whoever compares: its length, the
/// name, the cluster and the edge that it comes from.
fn shortest_lost(
    case: &mut Case,
    next: usize,
    first: usize,
    each: &BTreeMap<usize, (Lang, Lang)>,
) -> Option<(usize, String, usize, usize)> {
    let wanted = case.space.store.and(each[&next].0, each[&first].0);
    let name = case.space.store.shortest(wanted, 1, TOPIC_NAME_MAX).pop()?;
    let source = case.names.links[first].as_ref()?.source;
    Some((name.len(), name, source, first))
}

fn never_matches(case: &mut Case) -> Vec<Finding> {
    let mut findings = Vec::new();
    for number in case.space.out.concat() {
        let selector = case.names.links[number]
            .as_ref()
            .map(|l| l.selector.clone());
        let Some(selector) = selector.filter(|_| case.space.pieces[number].is_empty()) else {
            continue;
        };
        let mut wanted = NONE;
        for (text, whole) in &selector.topics {
            let names = case.space.store.pattern(text, whole).unwrap_or(LEGAL);
            wanted = case.space.store.or(wanted, names);
        }
        let legal = case.space.store.and(wanted, LEGAL);
        let free = case
            .space
            .store
            .and(wanted, crate::graph::language::store::NAMES);
        let (message, key) = match (legal == NONE, free == NONE) {
            (true, _) => ("no name that Kafka accepts matches `topics`", "topics"),
            // Internal topics only: that has its own finding.
            (false, true) => continue,
            (false, false) => (
                "`exclude_topics` leaves nothing of `topics`",
                "exclude_topics",
            ),
        };
        let edges = BTreeSet::from([number]);
        let label = |_| "this edge takes no topic".to_owned();
        findings.push(case.finding(Code::NeverMatches, &edges, key, message.into(), label));
    }
    findings
}
