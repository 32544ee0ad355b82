//! `metric-name-collision`: Kafka takes two names for one that differ only in `.` and `_`.
//!
//! Told for names written literally and for those that renames make differ; not for what two open
//! patterns might come upon.

use std::collections::{BTreeMap, BTreeSet};

use super::naming::listed;
use crate::finding::{Code, Finding};
use crate::graph::Take;
use crate::graph::case::{Case, maximal};
use crate::graph::language::store::{Lang, NONE};
use crate::graph::maps::{Affix, Map};
use crate::graph::names::Site;
use crate::name::TOPIC_NAME_MAX;

/// Two names, and where each comes from.
type Clash = [(usize, String, String); 2];

pub(crate) fn findings(case: &mut Case) -> Vec<Finding> {
    let mut found = Vec::new();
    for site in 0..case.names.aliases.len() {
        found.extend(
            literal(case, site)
                .into_iter()
                .map(|c| (site, edges(&c), c)),
        );
        found.extend(
            renamed(case, site)
                .into_iter()
                .map(|c| (site, edges(&c), c)),
        );
    }
    let told = maximal(found).into_iter();
    told.map(|(site, edges, clash)| finding(case, site, &edges, &clash))
        .collect()
}

fn edges(clash: &Clash) -> BTreeSet<usize> {
    clash.iter().map(|c| c.0).collect()
}

fn key(name: &str) -> String {
    name.replace('.', "_")
}

fn literal(case: &Case, site: Site) -> Vec<Clash> {
    let mut known: BTreeMap<String, (usize, String, String)> = BTreeMap::new();
    let mut found = Vec::new();
    for number in &case.names.into[site] {
        for old in listed(case, *number) {
            let Take::Into(new) = case.names.take_at(*number, old) else {
                continue;
            };
            let here = (*number, old.clone(), new);
            match known.get(&key(&here.2)) {
                Some(other) if other.2 != here.2 => found.push([other.clone(), here]),
                Some(_) => {}
                None => {
                    known.insert(key(&here.2), here);
                }
            }
        }
    }
    found
}

/// One topic under two names: the affixes differ, but not for Kafka's metrics.
fn renamed(case: &mut Case, site: Site) -> Vec<Clash> {
    type Mark = (Affix, String, String);
    let mut by_mark: BTreeMap<Mark, Vec<(usize, Affix, Lang)>> = BTreeMap::new();
    for ((number, index), read) in &case.space.reads {
        let is_here = case.names.links[*number]
            .as_ref()
            .is_some_and(|l| l.target == site);
        if let (true, Map::Affix { strip, wrap }) =
            (is_here, &case.space.pieces[*number][*index].map)
        {
            let mark = (strip.clone(), key(&wrap.0), key(&wrap.1));
            by_mark
                .entry(mark)
                .or_default()
                .push((*number, wrap.clone(), *read));
        }
    }
    let mut found = Vec::new();
    for same in by_mark.into_values().filter(|same| same.len() > 1) {
        for (at, (number, wrap, read)) in same.iter().enumerate() {
            for (other, other_wrap, other_read) in same[..at].iter().filter(|o| o.1 != *wrap) {
                let both = case.space.store.and(*read, *other_read);
                if both == NONE {
                    continue;
                }
                let names = case.space.store.shortest(both, 1, TOPIC_NAME_MAX);
                let _ = other_wrap;
                for name in names {
                    let takes = [*other, *number].map(|n| (n, case.names.take_at(n, &name)));
                    if let [(a, Take::Into(x)), (b, Take::Into(y))] = takes {
                        found.push([(a, name.clone(), x), (b, name, y)]);
                    }
                }
            }
        }
    }
    found
}

fn finding(case: &Case, site: Site, edges: &BTreeSet<usize>, clash: &Clash) -> Finding {
    let [(_, _, one), (last, old, two)] = clash;
    let message = format!(
        "`{one}` and `{two}` on `{}` differ only in `.` and `_`: Kafka refuses the second",
        case.alias(site),
    );
    let does = |edge: usize| {
        let made = clash.iter().filter(|c| c.0 == edge);
        let made: Vec<String> = made.map(|c| format!("`{}`", c.2)).collect();
        format!("writes {}", made.join(" and "))
    };
    // Where nothing is renamed, the names stand in `topics`.
    let is_renamed = |edge: &usize| case.edge(*edge).places.contains_key("rename");
    let key = match edges.iter().any(is_renamed) {
        true => "rename",
        false => "topics",
    };
    let mut finding = case.finding(Code::MetricNameCollision, edges, key, message, does);
    let source = &case.edge(*last).source;
    finding.witness = vec![
        format!("{old}@{source}"),
        format!("{two}@{}", case.alias(site)),
    ];
    finding
}
