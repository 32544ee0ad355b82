//! Sets of topic names as finite automata: exact, always minimal, equal sets have equal automata.
//!
//! The alphabet is that of legal topic names. Length is not part of it: what is too long is told by
//! the shortest word.

use std::collections::{HashMap, VecDeque};

pub(crate) mod build;
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

    /// Where it leads, each listed symbol and the default.
    fn targets(&self) -> impl Iterator<Item = u32> {
        let others = (self.except.len() < SYMBOLS.len()).then_some(self.default);
        self.except.iter().map(|e| e.1).chain(others)
    }

    /// The same with other targets, asked for in the order of the symbols; in one form for all states
    /// that lead to the same ones.
    fn mapped(&self, mut to: impl FnMut(u32) -> u32) -> Self {
        // The first symbol that is not listed: there the default is met.
        let listed = self.except.iter().map(|e| usize::from(e.0));
        let first = (0..).zip(listed).take_while(|(n, s)| n == s).count();
        let is_all = first == SYMBOLS.len();
        let mut except = Vec::with_capacity(self.except.len());
        except.extend(self.except[..first].iter().map(|(s, t)| (*s, to(*t))));
        let default = if is_all { DEAD } else { to(self.default) };
        except.extend(self.except[first..].iter().map(|(s, t)| (*s, to(*t))));
        let mut count = vec![(default, SYMBOLS.len() - except.len())];
        for (_, target) in &except {
            match count.iter_mut().find(|c| c.0 == *target) {
                Some(known) => known.1 += 1,
                None => count.push((*target, 1)),
            }
        }
        let most = count.into_iter().max_by_key(|(target, n)| (*n, *target));
        let most = most.map_or(default, |(target, _)| target);
        if most != default {
            let wide = Self {
                accept: self.accept,
                default,
                except,
            };
            let targets: Vec<u32> = (0..65u8).map(|symbol| wide.next(symbol)).collect();
            return Self::new(self.accept, &targets);
        }
        except.retain(|(_, target)| *target != most);
        Self {
            accept: self.accept,
            default,
            except,
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

    /// How many more characters the shortest way to a word's end takes, by state.
    fn distances(&self) -> Vec<usize> {
        let ends = (0u32..).zip(&self.states).filter(|(_, s)| s.accept);
        self.distances_to(ends.map(|(at, _)| at))
    }

    /// How many more characters the shortest way to no word takes, by state.
    fn escapes(&self) -> Vec<usize> {
        let is_out = |s: &State| !s.accept;
        let ends = (0u32..).zip(&self.states).filter(|(_, s)| is_out(s));
        let mut distance = self.distances_to(ends.map(|(at, _)| at));
        // Beyond the automaton is no word either.
        let at_edge = |s: &State| s.targets().any(|to| to == DEAD);
        let edge = (0u32..).zip(&self.states).filter(|(_, s)| at_edge(s));
        let further = self.distances_to(edge.map(|(at, _)| at));
        for (known, other) in distance.iter_mut().zip(further) {
            *known = (*known).min(other.saturating_add(1));
        }
        distance
    }

    fn distances_to(&self, ends: impl Iterator<Item = u32>) -> Vec<usize> {
        let mut before: Vec<Vec<u32>> = vec![Vec::new(); self.states.len()];
        for (from, state) in (0u32..).zip(&self.states) {
            for to in state.targets().filter(|to| *to != DEAD) {
                before[to as usize].push(from);
            }
        }
        let mut distance = vec![usize::MAX; self.states.len()];
        let mut queue: VecDeque<u32> = ends.collect();
        queue.iter().for_each(|at| distance[*at as usize] = 0);
        while let Some(at) = queue.pop_front() {
            for from in &before[at as usize] {
                if distance[*from as usize] == usize::MAX {
                    distance[*from as usize] = distance[at as usize] + 1;
                    queue.push_back(*from);
                }
            }
        }
        distance
    }

    /// The smallest automaton of the same set, numbered in the order of its words.
    pub(crate) fn minimized(states: Vec<State>) -> Self {
        let language = Self { states };
        if language.states.is_empty() {
            return language;
        }
        let block = language.blocks();
        if block[0] == DEAD {
            return Self::empty();
        }
        let mut number = vec![DEAD; language.states.len()];
        number[block[0] as usize] = 0;
        let mut order = vec![0u32];
        let mut states = Vec::new();
        while let Some(at) = order.get(states.len()) {
            let state = &language.states[*at as usize];
            let renumbered = state.mapped(|to| {
                if to == DEAD || block[to as usize] == DEAD {
                    return DEAD;
                }
                let known = &mut number[block[to as usize] as usize];
                if *known == DEAD {
                    *known = u32::try_from(order.len()).unwrap_or(DEAD);
                    order.push(to);
                }
                *known
            });
            states.push(renumbered);
        }
        Self { states }
    }

    /// Splits the states into those that no word tells apart; `DEAD`: no word from there.
    fn blocks(&self) -> Vec<u32> {
        let (distance, escape) = (self.distances(), self.escapes());
        // States that differ in these differ in what they accept. Told apart by them at the start, a
        // long line of states is not split one round after the other.
        let mut kinds: HashMap<(usize, usize), u32> = HashMap::new();
        let mut block: Vec<u32> = distance
            .iter()
            .zip(&escape)
            .map(|(end, escape)| {
                if *end == usize::MAX {
                    return DEAD;
                }
                let fresh = u32::try_from(kinds.len()).unwrap_or(DEAD);
                *kinds.entry((*end, *escape)).or_insert(fresh)
            })
            .collect();
        let mut count = kinds.len();
        if count == block.iter().filter(|at| **at != DEAD).count() {
            return block;
        }
        loop {
            let of = |to: u32| if to == DEAD { DEAD } else { block[to as usize] };
            let mut seen: HashMap<(u32, State), u32> = HashMap::with_capacity(count);
            let next: Vec<u32> = block
                .iter()
                .zip(&self.states)
                .map(|(at, state)| {
                    if *at == DEAD {
                        return DEAD;
                    }
                    let fresh = u32::try_from(seen.len()).unwrap_or(DEAD);
                    *seen.entry((*at, state.mapped(of))).or_insert(fresh)
                })
                .collect();
            let settled = seen.len() == count;
            count = seen.len();
            block = next;
            if settled {
                return block;
            }
        }
    }
}

/// Keeps, of the beginnings of words that lead to one state, the first few: no more are needed.
fn thin(level: Vec<(u32, String)>, limit: usize) -> Vec<(u32, String)> {
    let mut count: HashMap<u32, usize> = HashMap::new();
    let few = |(at, _): &(u32, String)| {
        let n = count.entry(*at).or_default();
        *n += 1;
        *n <= limit
    };
    level.into_iter().filter(few).collect()
}
