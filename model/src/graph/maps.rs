//! An edge as a map between sets of names: pieces, each of which cuts off a beginning and an end and
//! puts others in their place.
//!
//! Every rename but two kinds comes apart into such pieces exactly: groups that have few texts are
//! written out, one group of any text may remain. What does not (two open groups, a repeated
//! `{topic}`) is followed on its shortest names only.

use regex_syntax::hir::{Class, Hir, HirKind};

use super::language::store::{Lang, NAMES, NONE, STRINGS, Store};
use super::names::Link;
use super::rename::{Rule, grows};
use crate::edge::Part;
use crate::name::TOPIC_NAME_MAX;

/// Most texts that the fixed part of a rename rule is written out to.
const WORDS_MAX: usize = 500;

/// How long the open part of a name is where two affixes are compared that do not line up.
const CHANCE_MAX: usize = 16;

/// A beginning and an end.
pub(crate) type Affix = (String, String);

/// What becomes of the names of one piece.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Map {
    /// `strip.0 x strip.1` becomes `wrap.0 x wrap.1`.
    Affix {
        /// Cut off.
        strip: Affix,
        /// Put in its place.
        wrap: Affix,
    },
    /// All become one.
    Constant(String),
    /// Name by name.
    Pairs(Vec<(String, String)>),
}

/// Names of the source that one rule takes in one way.
#[derive(Clone, Debug)]
pub(crate) struct Piece {
    /// Names that are selected, whatever they become.
    pub(crate) selected: Lang,
    /// Names whose new name Kafka and crossdock allow.
    pub(crate) domain: Lang,
    pub(crate) map: Map,
}

/// The pieces of an edge; they share no name.
pub(crate) fn pieces(store: &mut Store, link: &Link) -> Vec<Piece> {
    let mut rest = selection(store, link);
    let mut pieces = Vec::new();
    for rule in link.renamer.rules() {
        let matched = match (&rule.text, &rule.matches) {
            (Some(text), Some(whole)) => store.pattern(text, whole).unwrap_or(rest),
            _ => rest,
        };
        let domain = store.and(rest, matched);
        rest = store.minus(rest, matched);
        if domain != NONE {
            pieces.extend(rule_pieces(store, rule, domain));
        }
    }
    let nothing = || (String::new(), String::new());
    let keep = Map::Affix {
        strip: nothing(),
        wrap: nothing(),
    };
    pieces.push((rest, keep));
    let made = pieces.into_iter().filter(|(selected, _)| *selected != NONE);
    made.map(|(selected, map)| {
        let whole = Piece {
            selected,
            domain: selected,
            map,
        };
        let domain = whole.preimage(store, NAMES);
        Piece { domain, ..whole }
    })
    .collect()
}

/// The names that an edge selects. A pattern too large to follow counts as taking every name.
pub(crate) fn selection(store: &mut Store, link: &Link) -> Lang {
    let mut selected = NONE;
    for (text, whole) in &link.selector.topics {
        let names = store.pattern(text, whole).unwrap_or(NAMES);
        selected = store.or(selected, names);
    }
    selected = store.and(selected, NAMES);
    for (text, whole) in &link.selector.exclude {
        let names = store.pattern(text, whole).unwrap_or(NONE);
        selected = store.minus(selected, names);
    }
    selected
}

impl Piece {
    /// What these names become.
    pub(crate) fn image(&self, store: &mut Store, names: Lang) -> Lang {
        let names = store.and(names, self.domain);
        match &self.map {
            _ if names == NONE => NONE,
            Map::Affix { strip, wrap } => {
                let open = store.unwrap(&strip.0, names, &strip.1);
                store.wrap(&wrap.0, open, &wrap.1)
            }
            Map::Constant(name) => store.names([name.as_str()]),
            Map::Pairs(pairs) => {
                let old = |p: &&(String, String)| store.get(names).contains(&p.0);
                let new: Vec<String> = pairs.iter().filter(old).map(|p| p.1.clone()).collect();
                store.names(new.iter().map(String::as_str))
            }
        }
    }

    /// What becomes these names.
    pub(crate) fn preimage(&self, store: &mut Store, names: Lang) -> Lang {
        match &self.map {
            Map::Affix { strip, wrap } => {
                let open = store.unwrap(&wrap.0, names, &wrap.1);
                let old = store.wrap(&strip.0, open, &strip.1);
                store.and(old, self.domain)
            }
            Map::Constant(name) if store.get(names).contains(name) => self.domain,
            Map::Constant(_) => NONE,
            Map::Pairs(pairs) => {
                let new = |p: &&(String, String)| store.get(names).contains(&p.1);
                let old: Vec<String> = pairs.iter().filter(new).map(|p| p.0.clone()).collect();
                let old = store.names(old.iter().map(String::as_str));
                store.and(old, self.domain)
            }
        }
    }

    /// The names that this piece makes longer around themselves.
    pub(crate) fn growing(&self, store: &mut Store) -> Lang {
        match &self.map {
            Map::Affix { strip, wrap } => {
                let more = len(wrap).checked_sub(len(strip)).filter(|more| *more > 0);
                let Some(more) = more else { return NONE };
                if wrap.0.ends_with(&strip.0) && wrap.1.starts_with(&strip.1) {
                    return self.domain;
                }
                let found: Vec<String> = (0..=more)
                    .flat_map(|at| chances(wrap, strip, at))
                    .map(|x| format!("{}{x}{}", strip.0, strip.1))
                    .collect();
                self.among(store, &found)
            }
            Map::Constant(name) => {
                let ends = |s: usize| (s + 1..=name.len()).map(move |e| (s, e));
                let cut = (0..name.len()).flat_map(ends);
                let inside = cut.filter_map(|(s, e)| name.get(s..e).map(str::to_owned));
                let found: Vec<String> = inside.filter(|old| grows(old, name)).collect();
                self.among(store, &found)
            }
            Map::Pairs(pairs) => {
                let found = pairs.iter().filter(|(old, new)| grows(old, new));
                let found: Vec<String> = found.map(|p| p.0.clone()).collect();
                self.among(store, &found)
            }
        }
    }

    /// The names that stay what they are.
    pub(crate) fn kept(&self, store: &mut Store) -> Lang {
        match &self.map {
            Map::Affix { strip, wrap } if strip == wrap => self.domain,
            Map::Affix { strip, wrap } if len(strip) == len(wrap) => {
                let found: Vec<String> = chances(wrap, strip, 0)
                    .map(|x| format!("{}{x}{}", strip.0, strip.1))
                    .collect();
                self.among(store, &found)
            }
            Map::Affix { .. } => NONE,
            Map::Constant(name) => self.among(store, std::slice::from_ref(name)),
            Map::Pairs(pairs) => {
                let found = pairs.iter().filter(|(old, new)| old == new);
                let found: Vec<String> = found.map(|p| p.0.clone()).collect();
                self.among(store, &found)
            }
        }
    }

    fn among(&self, store: &mut Store, names: &[String]) -> Lang {
        let names = store.names(names.iter().map(String::as_str));
        store.and(names, self.domain)
    }
}

fn len(affix: &Affix) -> usize {
    affix.0.len() + affix.1.len()
}

/// The texts `x` for which `old.0 x old.1` stands in `new.0 x new.1` at this place though the affixes
/// do not line up: at most one of each length, as each character is fixed by another one.
pub(crate) fn chances<'a>(
    new: &'a Affix,
    old: &'a Affix,
    at: usize,
) -> impl Iterator<Item = String> + 'a {
    (0..=CHANCE_MAX).filter_map(move |length| solve(length, new, old, at))
}

fn solve(length: usize, new: &Affix, old: &Affix, at: usize) -> Option<String> {
    let cell = |affix: &Affix, i: usize| match i.checked_sub(affix.0.len()) {
        None => Err(affix.0.as_bytes()[i]),
        Some(x) if x < length => Ok(x),
        Some(x) => Err(affix.1.as_bytes()[x - length]),
    };
    let mut text: Vec<Option<u8>> = vec![None; length];
    let all = len(old) + length;
    if at + all > len(new) + length {
        return None;
    }
    loop {
        let before = text.clone();
        for i in 0..all {
            match (cell(old, i), cell(new, i + at)) {
                (Err(a), Err(b)) if a == b => {}
                (Err(_), Err(_)) => return None,
                (Ok(x), Err(c)) | (Err(c), Ok(x)) => match text[x] {
                    Some(known) if known != c => return None,
                    _ => text[x] = Some(c),
                },
                (Ok(x), Ok(y)) => match (text[x], text[y]) {
                    (Some(a), Some(b)) if a != b => return None,
                    (a, b) => (text[x], text[y]) = (a.or(b), b.or(a)),
                },
            }
        }
        if text == before {
            break;
        }
    }
    let text: Option<Vec<u8>> = text.into_iter().collect();
    String::from_utf8(text?).ok()
}

// === from rules to pieces ===

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

fn rule_pieces(store: &mut Store, rule: &Rule, domain: Lang) -> Vec<(Lang, Map)> {
    match &rule.outlines {
        Some(Outlines::Every(map)) => vec![(domain, map.clone())],
        Some(Outlines::Each(outlines)) => {
            let mut rest = domain;
            let mut pieces = Vec::new();
            for outline in outlines {
                let open = match &outline.open {
                    Some(hir) => super::language::build::of_pattern(hir),
                    None => Some(super::language::build::of_names([""])),
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
