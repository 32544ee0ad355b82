//! Operations on automata.

use std::hash::Hash;

use super::hash::HashMap;
use super::{DEAD, Language, SYMBOLS, State, symbol};

/// Most states an automaton may have before it is given up.
pub(super) const STATES_MAX: usize = 20_000;

/// Numbers what is found while automata are put together.
pub(super) struct Found<K> {
    number: HashMap<K, u32>,
    pub(super) order: Vec<K>,
}

impl<K: Clone + Eq + Hash> Found<K> {
    pub(super) fn new(start: K) -> Self {
        Self {
            number: std::iter::once((start.clone(), 0)).collect(),
            order: vec![start],
        }
    }

    pub(super) fn id(&mut self, key: K) -> u32 {
        let fresh = u32::try_from(self.order.len()).unwrap_or(DEAD);
        let id = *self.number.entry(key.clone()).or_insert(fresh);
        if id == fresh {
            self.order.push(key);
        }
        id
    }
}

/// Both automata side by side.
pub(super) fn product(
    a: &Language,
    b: &Language,
    accept: impl Fn(bool, bool) -> bool,
) -> Option<Language> {
    let dead_end = State::new(false, &[DEAD; SYMBOLS.len()]);
    let mut found = Found::new((a.start(), b.start()));
    let mut states = Vec::new();
    while states.len() < found.order.len() {
        let (at, bt) = found.order[states.len()];
        let from_a = a.states.get(at as usize).unwrap_or(&dead_end);
        let from_b = b.states.get(bt as usize).unwrap_or(&dead_end);
        let mut symbols: Vec<u8> = from_a.except.iter().map(|e| e.0).collect();
        symbols.extend(from_b.except.iter().map(|e| e.0));
        symbols.sort_unstable();
        symbols.dedup();
        let mut id = |to: (u32, u32)| match to {
            (DEAD, DEAD) => DEAD,
            // Nothing is accepted any more once the side that must hold has died.
            (DEAD, _) if !accept(false, true) => DEAD,
            (_, DEAD) if !accept(true, false) => DEAD,
            to => found.id(to),
        };
        let except: Vec<(u8, u32)> = symbols
            .iter()
            .map(|s| (*s, id((from_a.next(*s), from_b.next(*s)))))
            .collect();
        let is_full = symbols.len() == SYMBOLS.len();
        states.push(State {
            accept: accept(from_a.accept, from_b.accept),
            default: if is_full {
                DEAD
            } else {
                id((from_a.default, from_b.default))
            },
            except,
        });
        if states.len() > STATES_MAX {
            return None;
        }
    }
    Some(Language::minimized(states))
}

/// Names in the first only.
pub(super) fn minus(a: &Language, b: &Language) -> Language {
    product(a, b, |a, b| a && !b).unwrap_or_else(Language::empty)
}

/// `prefix` + name + `suffix`, for each name.
pub(super) fn wrap(prefix: &str, a: &Language, suffix: &str) -> Language {
    let dead_end = State::new(false, &[DEAD; SYMBOLS.len()]);
    let head = u32::try_from(prefix.len()).unwrap_or(DEAD);
    let line = |symbol: u8, to: u32| State {
        accept: false,
        default: DEAD,
        except: vec![(symbol, to)],
    };
    let mut states: Vec<State> = (1u32..)
        .zip(prefix.bytes().filter_map(symbol))
        .map(|(to, symbol)| line(symbol, to))
        .collect();
    let tail: Vec<u8> = suffix.bytes().filter_map(symbol).collect();
    // A state: where the name may still be, and how much of the suffix may have been read.
    let begin = |at: u32| {
        let ended = a.accepts(at) && !tail.is_empty();
        if ended { vec![0usize] } else { Vec::new() }
    };
    let mut found = Found::new((a.start(), begin(a.start())));
    let mut done = 0;
    while done < found.order.len() {
        let (at, read) = found.order[done].clone();
        let accept = match tail.len() {
            0 => a.accepts(at),
            all => read.contains(&all),
        };
        let state = a.states.get(at as usize).unwrap_or(&dead_end);
        let mut symbols: Vec<u8> = state.except.iter().map(|e| e.0).collect();
        symbols.extend(read.iter().filter_map(|r| tail.get(*r)));
        symbols.sort_unstable();
        symbols.dedup();
        let mut id = |to: u32, mut further: Vec<usize>| {
            further.extend(begin(to));
            further.sort_unstable();
            match (to, further.is_empty()) {
                (DEAD, true) => DEAD,
                _ => head + found.id((to, further)),
            }
        };
        let except = symbols.iter().map(|symbol| {
            let on = read.iter().filter(|r| tail.get(**r) == Some(symbol));
            (
                *symbol,
                id(state.next(*symbol), on.map(|r| r + 1).collect()),
            )
        });
        let except = except.collect();
        states.push(State {
            accept,
            default: id(state.default, Vec::new()),
            except,
        });
        done += 1;
    }
    Language::minimized(states)
}

/// What stands between `prefix` and `suffix`.
pub(super) fn unwrapped(prefix: &str, a: &Language, suffix: &str) -> Language {
    let start = a.walk(a.start(), prefix);
    if start == DEAD {
        return Language::empty();
    }
    let mut found = Found::new(start);
    let mut states = Vec::new();
    while states.len() < found.order.len() {
        let at = found.order[states.len()];
        let state = &a.states[at as usize];
        let mut id = |to: u32| if to == DEAD { DEAD } else { found.id(to) };
        let except = state.except.iter().map(|(symbol, to)| (*symbol, id(*to)));
        states.push(State {
            accept: a.accepts(a.walk(at, suffix)),
            except: except.collect(),
            default: id(state.default),
        });
    }
    Language::minimized(states)
}
