//! The smallest automaton of a set: states that no word tells apart become one.

use super::hash::HashMap;
use super::{DEAD, Language, SYMBOLS, State};

impl State {
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

    /// Writes down where it leads by `to`, in one form for all states that lead to the same places.
    fn sign(&self, to: impl Fn(u32) -> u32, count: &mut Vec<(u32, usize)>, sign: &mut Vec<u32>) {
        let rest = SYMBOLS.len() - self.except.len();
        let default = if rest == 0 { DEAD } else { to(self.default) };
        count.clear();
        count.push((default, rest));
        for (_, target) in &self.except {
            let target = to(*target);
            match count.iter_mut().find(|c| c.0 == target) {
                Some(known) => known.1 += 1,
                None => count.push((target, 1)),
            }
        }
        let most = count.iter().max_by_key(|(target, n)| (*n, *target));
        let most = most.map_or(default, |(target, _)| *target);
        sign.push(most);
        let mut add = |symbol: u8, target: u32| {
            if target != most {
                sign.extend([u32::from(symbol), target]);
            }
        };
        if most == default {
            self.except.iter().for_each(|(s, t)| add(*s, to(*t)));
        } else {
            (0..65).for_each(|symbol| add(symbol, to(self.next(symbol))));
        }
    }
}

/// For each state, those that lead to it: one list behind the other.
struct Before {
    ends: Vec<usize>,
    from: Vec<u32>,
}

impl Before {
    fn new(states: &[State]) -> Self {
        let mut ends = vec![0; states.len()];
        for to in states
            .iter()
            .flat_map(State::targets)
            .filter(|to| *to != DEAD)
        {
            ends[to as usize] += 1;
        }
        let mut all = 0;
        for end in &mut ends {
            all += *end;
            *end = all;
        }
        // Filled from the back, each list ends up beginning where it was to end.
        let mut from = vec![0; all];
        for (at, state) in (0u32..).zip(states) {
            for to in state.targets().filter(|to| *to != DEAD) {
                ends[to as usize] -= 1;
                from[ends[to as usize]] = at;
            }
        }
        ends.push(all);
        Self { ends, from }
    }

    /// How many characters lie between each state and the nearest of these.
    fn distances(&self, ends: impl Iterator<Item = u32>) -> Vec<usize> {
        let mut distance = vec![usize::MAX; self.ends.len() - 1];
        let mut queue: Vec<u32> = ends.collect();
        queue.iter().for_each(|at| distance[*at as usize] = 0);
        let mut done = 0;
        while let Some(at) = queue.get(done).map(|at| *at as usize) {
            done += 1;
            for from in &self.from[self.ends[at]..self.ends[at + 1]] {
                if distance[*from as usize] == usize::MAX {
                    distance[*from as usize] = distance[at] + 1;
                    queue.push(*from);
                }
            }
        }
        distance
    }
}

impl Language {
    /// How many more characters the shortest way to a word's end takes, by state.
    pub(super) fn distances(&self) -> Vec<usize> {
        Before::new(&self.states).distances(self.states_that(|state| state.accept))
    }

    /// The length of the shortest word; `usize::MAX` where there is none.
    pub(super) fn least_length(&self) -> usize {
        self.distances().first().copied().unwrap_or(usize::MAX)
    }

    fn states_that<'s>(
        &'s self,
        is: impl Fn(&State) -> bool + 's,
    ) -> impl Iterator<Item = u32> + 's {
        let all = (0u32..).zip(&self.states);
        all.filter(move |(_, state)| is(state)).map(|(at, _)| at)
    }

    /// How many more characters the shortest way to no word takes, by state.
    fn escapes(&self, before: &Before) -> Vec<usize> {
        let mut distance = before.distances(self.states_that(|state| !state.accept));
        // Beyond the automaton is no word either.
        let at_edge = |state: &State| state.targets().any(|to| to == DEAD);
        let further = before.distances(self.states_that(at_edge));
        for (known, other) in distance.iter_mut().zip(further) {
            *known = (*known).min(other.saturating_add(1));
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
        let before = Before::new(&self.states);
        let distance = before.distances(self.states_that(|state| state.accept));
        let escape = self.escapes(&before);
        // States that differ in these differ in what they accept. Told apart by them at the start, a
        // long line of states is not split one round after the other.
        let mut kinds: HashMap<(usize, usize), u32> = HashMap::default();
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
        let all = block.iter().filter(|at| **at != DEAD).count();
        while count < all {
            let next = self.split(&block);
            let settled = next.1 == count;
            (block, count) = next;
            if settled {
                break;
            }
        }
        block
    }

    /// One round: states of one block that lead to different blocks part. And how many blocks there are.
    fn split(&self, block: &[u32]) -> (Vec<u32>, usize) {
        let of = |to: u32| if to == DEAD { DEAD } else { block[to as usize] };
        let mut seen: HashMap<Box<[u32]>, u32> = HashMap::default();
        let (mut count, mut sign) = (Vec::new(), Vec::new());
        let mut next = Vec::with_capacity(block.len());
        for (at, state) in block.iter().zip(&self.states) {
            if *at == DEAD {
                next.push(DEAD);
                continue;
            }
            sign.clear();
            sign.push(*at);
            state.sign(of, &mut count, &mut sign);
            let fresh = u32::try_from(seen.len()).unwrap_or(DEAD);
            let known = seen.get(sign.as_slice()).copied();
            next.push(known.unwrap_or_else(|| {
                seen.insert(sign.as_slice().into(), fresh);
                fresh
            }));
        }
        (next, seen.len())
    }
}
