//! Patterns whose automata are too large, alone or beside others: no set of names stands for them. They
//! are tried with the shortest name that they have in common with each other pattern; what that leaves open
//! counts as overlapping.

use std::collections::{BTreeMap, BTreeSet};

use regex_syntax::hir::{Class, Hir, HirKind};

use super::common::{Common, common};
use super::names::Link;
use super::pattern::Whole;
use super::space::Space;
use crate::name::TOPIC_NAME_MAX;

/// Most names that are tried.
const NAMES_MAX: usize = 200;

/// Most patterns of either kind that are held against each other.
const PATTERNS_MAX: usize = 40;

/// Whether an edge has a pattern that is too large to follow.
pub(crate) fn is_rough(space: &Space, number: usize) -> bool {
    let link = space.names.links[number].as_ref();
    link.is_some_and(|link| large(space, link).next().is_some())
}

/// A name of the shortest that an edge takes by such a pattern.
pub(crate) fn word(space: &Space, number: usize) -> Option<String> {
    let link = space.names.links[number].as_ref()?;
    large(space, link).find_map(|whole| shortest(whole.hir()))
}

/// Whether two edges may take one name, as far as is not known without following their patterns.
pub(crate) fn may_meet(space: &Space, one: usize, other: usize) -> bool {
    let (Some(one), Some(other)) = (&space.names.links[one], &space.names.links[other]) else {
        return false;
    };
    let mut pairs = one
        .selector
        .topics
        .iter()
        .flat_map(|a| other.selector.topics.iter().map(move |b| (a, b)));
    pairs.any(|((a, one), (b, other))| {
        space.store.is_too_large(a, b) && common(one.hir(), other.hir()) != Common::Nothing
    })
}

fn large<'s>(space: &'s Space, link: &'s Link) -> impl Iterator<Item = &'s Whole> + use<'s> {
    let topics = link.selector.topics.iter();
    topics
        .filter(|(text, _)| space.store.is_large(text))
        .map(|(_, whole)| whole)
}

/// Names to try such patterns with, alone and beside all others; none where all can be followed.
pub(crate) fn names(space: &Space) -> Vec<String> {
    let links = || space.names.links.iter().flatten();
    let mut patterns: BTreeMap<&str, &Whole> = BTreeMap::new();
    let rough: BTreeMap<&str, &Whole> = links()
        .flat_map(|link| &link.selector.topics)
        .filter(|(text, _)| space.store.is_large(text))
        .map(|(text, whole)| (text.as_str(), whole))
        .take(PATTERNS_MAX)
        .collect();
    if !rough.is_empty() {
        let all = links().flat_map(|link| &link.selector.topics);
        patterns.extend(
            all.map(|(text, whole)| (text.as_str(), whole))
                .take(PATTERNS_MAX),
        );
        patterns.extend(&rough);
    }
    let mut names: BTreeSet<String> = rough
        .values()
        .filter_map(|whole| shortest(whole.hir()))
        .collect();
    for (text, one) in &rough {
        for (_, other) in patterns.iter().filter(|(other, _)| *other != text) {
            if let Common::Name(name) = common(one.hir(), other.hir()) {
                names.insert(name);
            }
        }
    }
    let fits = |name: &String| !name.is_empty() && name.len() <= TOPIC_NAME_MAX;
    names.into_iter().filter(fits).take(NAMES_MAX).collect()
}

/// A text of the fewest characters that a pattern matches, as far as can be seen piece by piece.
fn shortest(hir: &Hir) -> Option<String> {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => Some(String::new()),
        HirKind::Literal(literal) => String::from_utf8(literal.0.to_vec()).ok(),
        HirKind::Class(Class::Bytes(class)) => {
            let first = class.ranges().first()?;
            Some(char::from(first.start()).to_string())
        }
        HirKind::Class(Class::Unicode(_)) => None,
        HirKind::Repetition(repetition) => {
            let times = usize::try_from(repetition.min).ok()?;
            match times {
                0 => Some(String::new()),
                _ if times > TOPIC_NAME_MAX => None,
                _ => shortest(&repetition.sub).map(|text| text.repeat(times)),
            }
        }
        HirKind::Capture(capture) => shortest(&capture.sub),
        HirKind::Concat(subs) => {
            let mut text = String::new();
            for sub in subs {
                text.push_str(&shortest(sub)?);
                if text.len() > TOPIC_NAME_MAX {
                    return None;
                }
            }
            Some(text)
        }
        HirKind::Alternation(subs) => subs.iter().filter_map(shortest).min_by_key(String::len),
    }
}
