//! `topic-collision` and `merged-topic`: one target topic, several writers.
//! `group-offsets-ambiguous`: what that means for group sync.

use std::collections::{BTreeMap, BTreeSet};

use super::naming::listed;
use crate::finding::{Code, Finding};
use crate::graph::case::{Case, Writer, maximal};
use crate::graph::language::store::{Lang, NAMES, NONE};
use crate::graph::maps::{Affix, Map};
use crate::graph::names::{Place, Site};
use crate::graph::rough;
use crate::graph::signature::kinds;
use crate::graph::walks::follow;

/// How many names of a kind are tried before it counts as written once.
const TRIES: usize = 100;

/// Most kinds of one cluster that are looked at so closely.
const CLOSER_MAX: usize = 50;

/// Most pairs that are told of which nothing is known.
const TOO_LARGE_MAX: usize = 20;

/// Most topics of one cluster that are looked at.
const PLACES_MAX: usize = 3_000;

/// What an edge writes by one of its pieces.
type Written = (usize, usize, Lang);

struct Collision {
    place: Place,
    writers: Vec<Writer>,
}

pub(crate) fn findings(case: &mut Case) -> Vec<Finding> {
    let mut found = Vec::new();
    for site in 0..case.names.aliases.len() {
        for place in candidates(case, site) {
            let writers = expected(case, case.writers(&place));
            let edges: BTreeSet<usize> = writers.iter().map(|w| w.edge).collect();
            if writers.len() < 2 {
                continue;
            }
            // Two topics of one edge never may; several edges only if all of them say so.
            let is_merge =
                edges.len() == writers.len() && edges.iter().all(|e| case.edge(*e).merge);
            let code = if is_merge {
                Code::MergedTopic
            } else {
                Code::TopicCollision
            };
            found.push(((site, code), edges, Collision { place, writers }));
        }
    }
    let mut findings = ambiguous(case, &found);
    let unknown = too_large(case, &found);
    let told = maximal(found).into_iter();
    findings.extend(told.map(|((_, code), edges, it)| collision(case, code, &edges, &it)));
    findings.extend(unknown);
    findings
}

/// Edges that rename alike and of which nothing is known: their patterns are too large to compare.
fn too_large(case: &Case, found: &[Found]) -> Vec<Finding> {
    let numbers = 0..case.names.links.len();
    let rough: BTreeSet<usize> = numbers
        .filter(|edge| rough::is_rough(&case.space, *edge))
        .collect();
    let mut pairs = BTreeSet::new();
    for one in &rough {
        let target = case.names.links[*one].as_ref().map(|link| link.target);
        let beside = target.map_or(&[][..], |target| &case.names.into[target]);
        let others = beside.iter().filter(|other| may_meet(case, *one, **other));
        pairs.extend(others.map(|other| BTreeSet::from([*one, *other])));
    }
    let is_known = |pair: &BTreeSet<usize>| found.iter().any(|(_, edges, _)| pair.is_subset(edges));
    let open = pairs.iter().filter(|pair| !is_known(pair));
    open.take(TOO_LARGE_MAX)
        .map(|pair| overlapping(case, pair, rough.contains(pair.last().unwrap_or(&0))))
        .collect()
}

/// Whether two edges may write one topic, for all that is known: they rename alike, are not merged, neither
/// lists its names, and their patterns are not known to have none in common.
fn may_meet(case: &Case, one: usize, other: usize) -> bool {
    let is_open = |edge: usize| {
        let link = case.names.links[edge].as_ref();
        link.is_some_and(|link| link.enabled && link.listed().is_empty())
    };
    let (a, b) = (case.edge(one), case.edge(other));
    one != other
        && a.rename == b.rename
        && !(a.merge && b.merge)
        && is_open(one)
        && is_open(other)
        && rough::may_meet(&case.space, one, other)
}

fn overlapping(case: &Case, pair: &BTreeSet<usize>, is_later: bool) -> Finding {
    let message = format!(
        "{} possibly write the same target topics: their filters are too large to compare, and are \
         treated as overlapping",
        case.list(pair)
    );
    let mut finding = case.finding(Code::TopicCollision, pair, "topics", message, |_| {
        "treated as overlapping".to_owned()
    });
    let rough = if is_later { pair.last() } else { pair.first() };
    let told = rough.and_then(|edge| {
        let name = rough::word(&case.space, *edge)?;
        let link = case.names.links[*edge].as_ref()?;
        let end = (link.target, link.renamer.apply(&name));
        Some(case.tell_all(&[(link.source, name), end]))
    });
    finding.witness = told.unwrap_or_default();
    finding
}

/// Leaves out writers of topics that nobody has told of: on a relay an open pattern stands for what
/// is brought there, or else any two relays with `.*` into one cluster would collide.
fn expected(case: &Case, writers: Vec<Writer>) -> Vec<Writer> {
    let edges: BTreeSet<usize> = writers.iter().map(|w| w.edge).collect();
    if edges.len() < writers.len() {
        return writers;
    }
    let is_told = |w: &Writer| is_expected(case, w.edge, &w.topic);
    writers.into_iter().filter(is_told).collect()
}

fn is_expected(case: &Case, edge: usize, topic: &str) -> bool {
    let source = case.names.links[edge]
        .as_ref()
        .map_or(0, |link| link.source);
    let link = case.names.links[edge].as_ref();
    let is_local = link.is_some_and(|link| link.is_local);
    if is_local
        || !case.space.relays.contains(&source)
        || listed(case, edge).iter().any(|name| name == topic)
    {
        return true;
    }
    let before = case.writers(&(source, topic.to_owned()));
    before.iter().any(|w| is_expected(case, w.edge, &w.topic))
}

/// Topics of a cluster that more than one edge, or one edge more than once, may write.
fn candidates(case: &mut Case, site: Site) -> Vec<Place> {
    let here = |edge: usize| {
        case.names.links[edge]
            .as_ref()
            .is_some_and(|l| l.target == site)
    };
    let told = case.space.told.iter().filter(|((edge, _), _)| here(*edge));
    let told: Vec<Written> = told
        .map(|((edge, piece), lang)| (*edge, *piece, *lang))
        .collect();
    let mut by_edge: BTreeMap<usize, Vec<Written>> = BTreeMap::new();
    for ((edge, piece), lang) in &case.space.writes {
        if here(*edge) {
            by_edge
                .entry(*edge)
                .or_default()
                .push((*edge, *piece, *lang));
        }
    }
    let mut places = shared(case, site, told);
    for (edge, pieces) in by_edge {
        if pieces.len() > 1 {
            places.extend(shared(case, site, pieces.clone()));
        }
        for (_, piece, _) in pieces {
            places.extend(
                gathered(case, edge, piece)
                    .into_iter()
                    .map(|name| (site, name)),
            );
        }
    }
    places.extend(tried(case, site));
    places.sort_by_key(|(_, name)| (name.len(), name.clone()));
    places.dedup();
    places
}

/// Topics that names come to which patterns are tried with that are too large to follow.
fn tried(case: &Case, site: Site) -> Vec<Place> {
    let trials = case
        .trials
        .iter()
        .filter(|trial| case.space.tried.contains(&trial.birth.1));
    let ends = trials.flat_map(|trial| trial.reach.walks.iter().filter_map(|w| w.places.last()));
    ends.filter(|end| end.0 == site).cloned().collect()
}

/// Topics that are in more than one of these sets, of every kind one.
fn shared(case: &mut Case, site: Site, written: Vec<Written>) -> Vec<Place> {
    let groups = comparable(case, written);
    let places = groups.iter().map(|sets| shared_in(case, site, sets));
    places.collect::<Vec<_>>().concat()
}

/// The sets in groups: between two groups the ends of names tell all of them apart. In a mesh that
/// renames, each set is alone.
fn comparable(case: &Case, written: Vec<Written>) -> Vec<Vec<Lang>> {
    let ends = |(edge, piece, _): &Written| match &case.space.pieces[*edge][*piece].map {
        Map::Affix { wrap, .. } => wrap.clone(),
        Map::Constant(name) => (name.clone(), name.clone()),
        Map::Pairs(_) => Affix::default(),
    };
    let mut groups: Vec<(Vec<Affix>, Vec<Lang>)> = Vec::new();
    for one in written.iter().filter(|(_, _, lang)| *lang != NONE) {
        let mut joined = (vec![ends(one)], vec![one.2]);
        groups.retain_mut(|(others, langs)| {
            let is_apart = others.iter().all(|other| !may_agree(&joined.0[0], other));
            if !is_apart {
                joined.0.append(others);
                joined.1.append(langs);
            }
            is_apart
        });
        joined.0.sort();
        joined.0.dedup();
        groups.push(joined);
    }
    let several = groups.into_iter().map(|(_, langs)| langs);
    several.filter(|langs| langs.len() > 1).collect()
}

/// Whether a name may have the beginnings and the ends of both.
fn may_agree(one: &Affix, other: &Affix) -> bool {
    let begins = one.0.starts_with(&other.0) || other.0.starts_with(&one.0);
    begins && (one.1.ends_with(&other.1) || other.1.ends_with(&one.1))
}

/// Topics that are in more than one of these sets, of every kind one.
fn shared_in(case: &mut Case, site: Site, sets: &[Lang]) -> Vec<Place> {
    let (found, _) = kinds(&case.space.store, NAMES, sets);
    let mut shared: Vec<_> = found
        .into_iter()
        .filter(|kind| kind.sets.len() > 1)
        .collect();
    shared.sort_by_key(|kind| std::cmp::Reverse(kind.sets.len()));
    shared.truncate(PLACES_MAX);
    let is_shared = |case: &Case, place: &Place| expected(case, case.writers(place)).len() > 1;
    let mut places = Vec::new();
    let mut closer = 0;
    for kind in shared {
        let place = (site, kind.name);
        if is_shared(case, &place) {
            places.push(place);
            continue;
        }
        closer += 1;
        if closer > CLOSER_MAX {
            continue;
        }
        let mut all = NAMES;
        for set in &kind.sets {
            all = case.space.store.and(all, sets[*set]);
        }
        // The guards take some of these names and others not: of every kind that they may tell apart one
        // is tried.
        let mut ways = case.space.ways_to(site);
        ways.push(all);
        let (finer, _) = kinds(&case.space.store, all, &ways);
        let mut others = finer.into_iter().map(|kind| (site, kind.name)).take(TRIES);
        places.extend(others.find(|place| is_shared(case, place)));
    }
    places
}

/// Names that one piece makes of several.
fn gathered(case: &Case, edge: usize, piece: usize) -> Vec<String> {
    match &case.space.pieces[edge][piece].map {
        Map::Affix { .. } => Vec::new(),
        Map::Constant(name) => vec![name.clone()],
        Map::Pairs(pairs) => {
            let mut seen = BTreeSet::new();
            let again = pairs.iter().filter(|(_, new)| !seen.insert(new.clone()));
            again.map(|(_, new)| new.clone()).collect()
        }
    }
}

fn collision(case: &Case, code: Code, edges: &BTreeSet<usize>, it: &Collision) -> Finding {
    let (site, topic) = &it.place;
    let cluster = case.alias(*site);
    let read = |edge: usize| {
        let of = it.writers.iter().filter(|w| w.edge == edge);
        let mut topics: Vec<String> = of.map(|w| format!("`{}`", w.topic)).collect();
        topics.truncate(2);
        topics.join(" and ")
    };
    let message = match (code, edges.len()) {
        (Code::MergedTopic, n) => {
            format!("{n} edges merge into one topic, `{topic}` on `{cluster}`")
        }
        (_, 1) => {
            let edge = edges.first().copied().unwrap_or(0);
            format!(
                "one edge writes several topics into one: {} become `{topic}` on `{cluster}`",
                read(edge)
            )
        }
        (_, 2) => format!("two edges write the same target topic, `{topic}` on `{cluster}`"),
        (_, n) => format!("{n} edges write the same target topic, `{topic}` on `{cluster}`"),
    };
    let does = |edge: usize| match read(edge) {
        from if from == format!("`{topic}`") => format!("writes `{topic}` on `{cluster}`"),
        from => format!("writes {from} into `{topic}` on `{cluster}`"),
    };
    let mut finding = case.finding(code, edges, "", message, does);
    let shortest = it.writers.iter().min_by(|a, b| a.walk.order(&b.walk));
    finding.witness = shortest.map_or_else(Vec::new, |w| case.tell_all(&w.walk.places));
    finding
}

type Found = ((Site, Code), BTreeSet<usize>, Collision);

/// No offset is safe on a topic that holds records which the source never receives: a group there
/// cannot have read them.
fn ambiguous(case: &Case, found: &[Found]) -> Vec<Finding> {
    let mut told = BTreeSet::new();
    let mut findings = Vec::new();
    for (_, _, it) in found {
        for own in it
            .writers
            .iter()
            .filter(|w| case.edge(w.edge).sync.groups.is_some())
        {
            let Some(source) = case.names.links[own.edge].as_ref().map(|l| l.source) else {
                continue;
            };
            let read = (source, own.topic.clone());
            let foreign = it
                .writers
                .iter()
                .find(|w| w.edge != own.edge && !comes_to(case, w, &read));
            let Some(foreign) = foreign.filter(|_| told.insert(own.edge)) else {
                continue;
            };
            let message = format!(
                "group offsets have no safe place in `{}` on `{}`: `{}` writes records there that \
                 `{}` never receives",
                it.place.1,
                case.alias(it.place.0),
                case.edge(foreign.edge).name,
                case.alias(source),
            );
            let edges = BTreeSet::from([own.edge]);
            let code = Code::GroupOffsetsAmbiguous;
            let mut finding = case.finding(code, &edges, "sync.groups", message, |_| {
                "group sync is asked for".into()
            });
            let other = (
                case.place(foreign.edge, ""),
                "also writes the target topic".to_owned(),
            );
            finding.others.push(other);
            finding.edges = vec![
                case.edge(own.edge).name.clone(),
                case.edge(foreign.edge).name.clone(),
            ];
            finding.witness = case.tell_all(&foreign.walk.places);
            findings.push(finding);
        }
    }
    findings
}

fn comes_to(case: &Case, writer: &Writer, place: &Place) -> bool {
    let Some(birth) = writer.walk.places.first() else {
        return false;
    };
    let reach = follow(case.names, &case.space.out, birth, 2_000);
    birth == place
        || reach
            .walks
            .iter()
            .any(|walk| walk.places.last() == Some(place))
}
