//! An edge as a map between sets of names: pieces, each of which cuts off a beginning and an end and
//! puts others in their place.
//!
//! Every rename but two kinds comes apart into such pieces exactly: groups that have few texts are
//! written out, one group of any text may remain. What does not (two open groups, a repeated
//! `{topic}`) is followed on its shortest names only.

use super::language::store::{Lang, NAMES, NONE, Store};
use super::names::Link;
use super::outline::rule_pieces;
use super::rename::grows;

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

/// How many characters an affix has.
pub(crate) fn len(affix: &Affix) -> usize {
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
