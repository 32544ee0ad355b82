//! Takes rename rules apart: what a pattern fixes is written out, what it leaves open stays open.

use regex_syntax::hir::{Class, Hir, HirKind};

use super::language::build;
use super::language::store::{Lang, STRINGS, Store};
use super::maps::{Affix, Map};
use super::rename::Rule;
use crate::edge::Part;
use crate::name::TOPIC_NAME_MAX;

/// Most texts that the fixed part of a rename rule is written out to.
const WORDS_MAX: usize = 500;

/// A text of a pattern with the texts of its groups.
#[derive(Clone, Debug, Default)]
struct Word {
    text: String,
    groups: Vec<(usize, String)>,
}

/// Names of one outline, `strip.0 x strip.1`, and what becomes of them.
#[derive(Clone, Debug)]
pub(crate) struct Outline {
    pub(crate) strip: Affix,
    /// What may stand between; `None`: nothing does.
    open: Option<Hir>,
    pub(crate) map: Map,
}

/// The names of a rule by what becomes of them.
pub(crate) fn rule_pieces(store: &mut Store, rule: &Rule, domain: Lang) -> Vec<(Lang, Map)> {
    match &rule.outlines {
        Some(Outlines::Every(map)) => vec![(domain, map.clone())],
        Some(Outlines::Each(outlines)) => {
            let mut rest = domain;
            let mut pieces = Vec::new();
            for outline in outlines {
                let open = match &outline.open {
                    Some(hir) => build::of_pattern(hir),
                    None => Some(build::of_names([""])),
                };
                let open = open.map_or(STRINGS, |language| store.keep(language));
                let named = store.wrap(&outline.strip.0, open, &outline.strip.1);
                let here = store.and(rest, named);
                rest = store.minus(rest, named);
                pieces.push((here, outline.map.clone()));
            }
            pieces
        }
        None => {
            let names = store.shortest(domain, WORDS_MAX, TOPIC_NAME_MAX);
            store.is_rough |= names.len() == WORDS_MAX;
            let made = |old: String| rule.apply(&old).map(|new| (old, new));
            vec![(
                domain,
                Map::Pairs(names.into_iter().filter_map(made).collect()),
            )]
        }
    }
}

/// What a rule comes apart into.
#[derive(Clone, Debug)]
pub(crate) enum Outlines {
    /// All names that it matches become something in one way.
    Every(Map),
    /// The first outline that fits says what.
    Each(Vec<Outline>),
}

/// Takes a rule apart; `None` when that cannot be done exactly.
pub(crate) fn outlines(matches: Option<&Hir>, to: &[Part]) -> Option<Outlines> {
    let uses_groups = to.iter().any(|p| matches!(p, Part::Group(_)));
    let Some(hir) = matches.filter(|_| uses_groups) else {
        return of_parts(to, &[], None, &Affix::default()).map(Outlines::Every);
    };
    let mut before = vec![Word::default()];
    let mut after: Option<Vec<Word>> = None;
    let mut open = None;
    let segments = segments(hir);
    for segment in &segments {
        let fixed = after.as_mut().unwrap_or(&mut before);
        match words(segment) {
            Some(words) => *fixed = joined(fixed, &words)?,
            None if open.is_some() => return None,
            None => {
                open = Some(open_group(segment)?);
                after = Some(vec![Word::default()]);
            }
        }
    }
    let ends = after.unwrap_or_else(|| vec![Word::default()]);
    let all = before
        .iter()
        .flat_map(|head| ends.iter().map(move |tail| (head, tail)));
    let outline = |(head, tail): (&Word, &Word)| {
        let strip = (head.text.clone(), tail.text.clone());
        let groups = [head.groups.as_slice(), &tail.groups].concat();
        let map = of_parts(to, &groups, open.and_then(|o| o.0), &strip)?;
        let open = open.map(|(_, hir)| hir.clone());
        Some(Outline { strip, open, map })
    };
    all.map(outline)
        .collect::<Option<Vec<_>>>()
        .map(Outlines::Each)
}

/// The map of a new name's parts, the fixed groups written out.
fn of_parts(
    to: &[Part],
    groups: &[(usize, String)],
    open: Option<usize>,
    strip: &Affix,
) -> Option<Map> {
    let mut wrap = Affix::default();
    let mut body: Option<Affix> = None;
    for part in to {
        let text = match part {
            Part::Literal(text) => text.as_str(),
            Part::Group(number) if open == Some(*number) => {
                if body.replace(strip.clone()).is_some() {
                    return None;
                }
                continue;
            }
            Part::Group(number) => {
                let fixed = groups.iter().rev().find(|(n, _)| n == number);
                fixed.map_or("", |(_, text)| text.as_str())
            }
            Part::Topic => {
                if body.replace(Affix::default()).is_some() {
                    return None;
                }
                continue;
            }
        };
        match body {
            None => wrap.0.push_str(text),
            Some(_) => wrap.1.push_str(text),
        }
    }
    match body {
        Some(strip) => Some(Map::Affix { strip, wrap }),
        None => Some(Map::Constant(wrap.0)),
    }
}

fn segments(hir: &Hir) -> Vec<Hir> {
    match hir.kind() {
        HirKind::Concat(subs) => subs.clone(),
        _ => vec![hir.clone()],
    }
}

/// The number of the group that a segment of any text is, and what it matches.
fn open_group(segment: &Hir) -> Option<(Option<usize>, &Hir)> {
    match segment.kind() {
        HirKind::Capture(capture) if capture.sub.properties().explicit_captures_len() == 0 => {
            Some((Some(capture.index as usize), &capture.sub))
        }
        _ if segment.properties().explicit_captures_len() == 0 => Some((None, segment)),
        _ => None,
    }
}

fn joined(heads: &[Word], tails: &[Word]) -> Option<Vec<Word>> {
    let join = |(head, tail): (&Word, &Word)| Word {
        text: format!("{}{}", head.text, tail.text),
        groups: [head.groups.as_slice(), &tail.groups].concat(),
    };
    let all = heads.iter().flat_map(|h| tails.iter().map(move |t| (h, t)));
    (heads.len() * tails.len() <= WORDS_MAX).then(|| all.map(join).collect())
}

/// Every text of a pattern, the preferred ones first; `None` when they are many.
fn words(hir: &Hir) -> Option<Vec<Word>> {
    let word = |text: String| Word {
        text,
        groups: Vec::new(),
    };
    let found = match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => vec![Word::default()],
        HirKind::Literal(literal) => vec![word(String::from_utf8(literal.0.to_vec()).ok()?)],
        HirKind::Class(Class::Bytes(class)) => {
            let bytes = class.iter().flat_map(|r| r.start()..=r.end());
            bytes.map(|b| word(char::from(b).to_string())).collect()
        }
        HirKind::Class(Class::Unicode(_)) => return None,
        HirKind::Capture(capture) => {
            let mut words = words(&capture.sub)?;
            for word in &mut words {
                word.groups
                    .push((capture.index as usize, word.text.clone()));
            }
            words
        }
        HirKind::Concat(subs) => {
            let start = vec![Word::default()];
            subs.iter()
                .try_fold(start, |heads, sub| joined(&heads, &words(sub)?))?
        }
        HirKind::Alternation(subs) => {
            let each: Option<Vec<Vec<Word>>> = subs.iter().map(words).collect();
            each?.concat()
        }
        HirKind::Repetition(repetition) => {
            let max = repetition.max.filter(|max| *max <= 8)?;
            let once = words(&repetition.sub)?;
            let mut level = vec![Word::default()];
            let mut all = Vec::new();
            for n in 0..=max {
                if n >= repetition.min {
                    all.push(level.clone());
                }
                level = if n < max {
                    joined(&level, &once)?
                } else {
                    level
                };
            }
            if repetition.greedy {
                all.reverse();
            }
            all.concat()
        }
    };
    (found.len() <= WORDS_MAX).then_some(found)
}
