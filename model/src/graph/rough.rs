//! Patterns whose automata would be too large: no set of names stands for them. They are tried with
//! names put together from their shortest ones; what that leaves open counts as overlapping.

use std::collections::BTreeSet;

use regex_syntax::hir::{Class, Hir, HirKind};

use super::names::Link;
use super::space::Space;
use crate::name::TOPIC_NAME_MAX;

/// Most names that are put together.
const NAMES_MAX: usize = 200;

/// Most patterns that they are made of.
const WORDS_MAX: usize = 40;

/// Whether an edge has a pattern that is too large to follow.
pub(crate) fn is_rough(space: &Space, number: usize) -> bool {
    let link = space.names.links[number].as_ref();
    link.is_some_and(|link| rough_words(space, link).next().is_some())
}

/// A name of the shortest that an edge takes by such a pattern.
pub(crate) fn word(space: &Space, number: usize) -> Option<String> {
    let link = space.names.links[number].as_ref()?;
    rough_words(space, link).next().flatten()
}

fn rough_words<'s>(
    space: &'s Space,
    link: &'s Link,
) -> impl Iterator<Item = Option<String>> + use<'s> {
    let topics = link.selector.topics.iter();
    let rough = topics.filter(|(text, _)| space.store.is_too_large(text));
    rough.map(|(_, whole)| shortest(whole.hir()))
}

/// Names to try such patterns with, alone and beside all others; none where all can be followed.
pub(crate) fn names(space: &Space) -> Vec<String> {
    let links = || space.names.links.iter().flatten();
    let rough: BTreeSet<String> = links()
        .flat_map(|link| &link.selector.topics)
        .filter(|(text, _)| space.store.is_large(text))
        .filter_map(|(_, whole)| shortest(whole.hir()))
        .take(WORDS_MAX)
        .collect();
    let mut words = rough.clone();
    if !rough.is_empty() {
        let all = links().flat_map(|link| &link.selector.topics);
        words.extend(
            all.filter_map(|(_, whole)| shortest(whole.hir()))
                .take(WORDS_MAX),
        );
    }
    let pairs = rough.iter().flat_map(|one| {
        let with = words.iter().filter(move |other| *other != one);
        with.flat_map(move |other| [format!("{one}{other}"), format!("{other}{one}")])
    });
    let all = rough.iter().cloned().chain(pairs);
    let fits = |name: &String| !name.is_empty() && name.len() <= TOPIC_NAME_MAX;
    all.filter(fits).take(NAMES_MAX).collect()
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
