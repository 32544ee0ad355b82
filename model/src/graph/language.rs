//! Sets of topic names as finite automata: exact, always minimal, equal sets have equal automata.
//!
//! The alphabet is that of legal topic names. Length is not part of it: what is too long is told by
//! the shortest word.

use hash::HashMap;

pub(crate) mod build;
pub(crate) mod hash;
mod minimal;
mod ops;
pub(crate) mod store;

/// The characters of topic names in byte order, so that the first word found is the smallest.
pub(crate) const SYMBOLS: &[u8; 65] =
    b"-.0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz";

/// No way from here to a word.
pub(crate) const DEAD: u32 = u32::MAX;

/// Place of a byte in [`SYMBOLS`]; `None` for what no topic name holds.
pub(crate) fn symbol(byte: u8) -> Option<u8> {
    match byte {
        b'-' => Some(0),
        b'.' => Some(1),
        b'0'..=b'9' => Some(byte - b'0' + 2),
        b'A'..=b'Z' => Some(byte - b'A' + 12),
        b'_' => Some(38),
        b'a'..=b'z' => Some(byte - b'a' + 39),
        _ => None,
    }
}

/// A state: most characters lead to `default`, the others are listed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct State {
    /// Whether a word may end here.
    pub(crate) accept: bool,
    /// Where every symbol leads that is not listed.
    pub(crate) default: u32,
    /// Sorted by symbol.
    pub(crate) except: Vec<(u8, u32)>,
}

impl State {
    /// Where a symbol leads.
    pub(crate) fn next(&self, symbol: u8) -> u32 {
        match self.except.binary_search_by_key(&symbol, |e| e.0) {
            Ok(at) => self.except[at].1,
            Err(_) => self.default,
        }
    }

    /// A state from all its 65 targets: the most frequent one is the default.
    pub(crate) fn new(accept: bool, targets: &[u32]) -> Self {
        let mut count: Vec<(u32, usize)> = Vec::new();
        for target in targets {
            match count.iter_mut().find(|c| c.0 == *target) {
                Some(known) => known.1 += 1,
                None => count.push((*target, 1)),
            }
        }
        let most = count.into_iter().max_by_key(|(target, n)| (*n, *target));
        let default = most.map_or(DEAD, |(target, _)| target);
        let listed = (0u8..).zip(targets).filter(|(_, t)| **t != default);
        Self {
            accept,
            default,
            except: listed.map(|(s, t)| (s, *t)).collect(),
        }
    }
}

/// A set of names. State 0 is the start; no states: the empty set.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Language {
    pub(crate) states: Vec<State>,
}

impl Language {
    /// The set without a name.
    pub(crate) fn empty() -> Self {
        Self { states: Vec::new() }
    }

    /// Where a text leads from a state.
    pub(crate) fn walk(&self, from: u32, text: &str) -> u32 {
        text.bytes().fold(from, |at, byte| match symbol(byte) {
            Some(symbol) if at != DEAD => self.states[at as usize].next(symbol),
            _ => DEAD,
        })
    }

    /// The start state.
    pub(crate) fn start(&self) -> u32 {
        if self.states.is_empty() { DEAD } else { 0 }
    }

    /// Whether a word may end at a state.
    pub(crate) fn accepts(&self, at: u32) -> bool {
        at != DEAD && self.states[at as usize].accept
    }

    /// Whether the name is in the set.
    pub(crate) fn contains(&self, name: &str) -> bool {
        self.accepts(self.walk(self.start(), name))
    }

    /// Whether there is no name in it.
    pub(crate) fn is_empty(&self) -> bool {
        self.states.is_empty()
    }

    /// The first `limit` names, shortest first, then in byte order, none longer than `longest`.
    pub(crate) fn shortest(&self, limit: usize, longest: usize) -> Vec<String> {
        let mut found = Vec::new();
        if self.is_empty() {
            return found;
        }
        // Without this a word is looked for along branches that end beyond `longest`.
        let distance = self.distances();
        let mut level = vec![(0u32, String::new())];
        for length in 0..=longest {
            let ends = level.iter().filter(|(at, _)| self.accepts(*at));
            found.extend(ends.map(|(_, word)| word.clone()).take(limit - found.len()));
            if found.len() == limit {
                break;
            }
            let room = longest - length;
            let mut next = Vec::new();
            for (at, word) in &level {
                for (symbol, byte) in (0u8..).zip(SYMBOLS) {
                    let to = self.states[*at as usize].next(symbol);
                    if to != DEAD && distance[to as usize] < room {
                        next.push((to, format!("{word}{}", char::from(*byte))));
                    }
                }
            }
            level = thin(next, limit);
            if level.is_empty() {
                break;
            }
        }
        found
    }
}

/// Keeps, of the beginnings of words that lead to one state, the first few: no more are needed.
fn thin(level: Vec<(u32, String)>, limit: usize) -> Vec<(u32, String)> {
    let mut count: HashMap<u32, usize> = HashMap::default();
    let few = |(at, _): &(u32, String)| {
        let n = count.entry(*at).or_default();
        *n += 1;
        *n <= limit
    };
    level.into_iter().filter(few).collect()
}
