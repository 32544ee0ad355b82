//! The shortest name that two patterns both match, found without their automata: pairs of places in the
//! patterns are followed, which are few however many states an automaton of either would have.

use std::collections::{BTreeSet, HashSet};

use regex_automata::nfa::thompson::{self, NFA, State};
use regex_automata::util::look::Look;
use regex_automata::util::primitives::StateID;
use regex_syntax::hir::Hir;

use super::language::SYMBOLS;
use super::pattern::whole;
use crate::name::TOPIC_NAME_MAX;

/// Most pairs that are followed for two patterns.
const PAIRS_MAX: usize = 100_000;

/// Most places that a pattern may have.
const PLACES_MAX: usize = 10_000;

/// Memory that a pattern may take while it is made.
const BUILD_MAX: usize = 2 << 20;

/// What two patterns have in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Common {
    /// No name at all.
    Nothing,
    /// This name, and no shorter one.
    Name(String),
    /// They are too large even for this, or look around.
    Unknown,
}

/// The shortest name that both match.
pub(crate) fn common(one: &Hir, other: &Hir) -> Common {
    let (Some(one), Some(other)) = (Side::new(one), Side::new(other)) else {
        return Common::Unknown;
    };
    let mut pairs = vec![Pair {
        at: (0, 0),
        before: None,
        length: 0,
    }];
    let mut seen = HashSet::from([(0, 0)]);
    let mut done = 0;
    while let Some(Pair { at, length, .. }) = pairs.get(done).copied() {
        let (a, b) = (&one.places[at.0], &other.places[at.1]);
        if a.is_end && b.is_end && length > 0 {
            return Common::Name(word(&pairs, done));
        }
        if pairs.len() > PAIRS_MAX {
            return Common::Unknown;
        }
        for (symbol, byte) in SYMBOLS
            .iter()
            .enumerate()
            .filter(|_| length < TOPIC_NAME_MAX)
        {
            let both = a.moves[symbol]
                .iter()
                .flat_map(|to| b.moves[symbol].iter().map(move |on| (*to, *on)));
            for at in both {
                if seen.insert(at) {
                    pairs.push(Pair {
                        at,
                        before: Some((done, *byte)),
                        length: length + 1,
                    });
                }
            }
        }
        done += 1;
    }
    Common::Nothing
}

/// A place in each pattern, and how it was first come to.
#[derive(Clone, Copy)]
struct Pair {
    at: (usize, usize),
    before: Option<(usize, u8)>,
    length: usize,
}

fn word(pairs: &[Pair], end: usize) -> String {
    let mut bytes = Vec::new();
    let mut at = pairs[end].before;
    while let Some((before, byte)) = at {
        bytes.push(byte);
        at = pairs[before].before;
    }
    bytes.reverse();
    String::from_utf8(bytes).unwrap_or_default()
}

/// A pattern as places between its characters; the first one is its beginning.
struct Side {
    places: Vec<Place>,
}

struct Place {
    /// Where each symbol leads.
    moves: Vec<Vec<usize>>,
    is_end: bool,
}

impl Side {
    /// `None` where it is too large, or decided by what stands around a character.
    fn new(hir: &Hir) -> Option<Self> {
        let config = thompson::Config::new()
            .utf8(false)
            .nfa_size_limit(Some(BUILD_MAX))
            .which_captures(thompson::WhichCaptures::None);
        let compiler = thompson::Compiler::new()
            .configure(config)
            .build_from_hir(&whole(hir.clone()));
        let nfa = compiler.ok()?;
        let mut order = vec![nfa.start_anchored()];
        let mut places = Vec::new();
        while let Some(at) = order.get(places.len()).copied() {
            let (reads, is_end) = behind(&nfa, at, places.is_empty())?;
            let mut number = |to: StateID| {
                let known = order.iter().position(|known| *known == to);
                known.unwrap_or_else(|| {
                    order.push(to);
                    order.len() - 1
                })
            };
            let mut moves = Vec::with_capacity(SYMBOLS.len());
            for byte in SYMBOLS {
                let to = reads.iter().filter_map(|from| next(&nfa, *from, *byte));
                moves.push(to.map(&mut number).collect());
            }
            places.push(Place { moves, is_end });
            if order.len() > PLACES_MAX {
                return None;
            }
        }
        Some(Self { places })
    }
}

/// The states that read a character, as they can be come to without one; and whether the end can.
fn behind(nfa: &NFA, start: StateID, is_first: bool) -> Option<(BTreeSet<StateID>, bool)> {
    let mut reads = BTreeSet::new();
    let mut is_end = false;
    // Behind an end of the text nothing is read any more.
    let mut seen = BTreeSet::from([(start, false)]);
    let mut open = vec![(start, false)];
    while let Some((at, is_over)) = open.pop() {
        let mut go = |to: StateID, is_over: bool| {
            if seen.insert((to, is_over)) {
                open.push((to, is_over));
            }
        };
        match nfa.state(at) {
            State::ByteRange { .. } | State::Sparse(_) | State::Dense(_) if !is_over => {
                reads.insert(at);
            }
            State::ByteRange { .. } | State::Sparse(_) | State::Dense(_) | State::Fail => {}
            State::Look {
                look: Look::Start,
                next,
            } if is_first => go(*next, is_over),
            State::Look {
                look: Look::Start, ..
            } => {}
            State::Look {
                look: Look::End,
                next,
            } => go(*next, true),
            State::Look { .. } => return None,
            State::Union { alternates } => alternates.iter().for_each(|to| go(*to, is_over)),
            State::BinaryUnion { alt1, alt2 } => {
                [*alt1, *alt2].into_iter().for_each(|to| go(to, is_over))
            }
            State::Capture { next, .. } => go(*next, is_over),
            State::Match { .. } => is_end = true,
        }
    }
    Some((reads, is_end))
}

fn next(nfa: &NFA, at: StateID, byte: u8) -> Option<StateID> {
    match nfa.state(at) {
        State::ByteRange { trans } => trans.matches_byte(byte).then_some(trans.next),
        State::Sparse(sparse) => sparse.matches_byte(byte),
        State::Dense(dense) => dense.matches_byte(byte),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::pattern::Whole;
    use super::*;
    use crate::edge::Pattern;

    #[test]
    fn the_shortest_common_name_is_found_whatever_the_automata_would_be() {
        let of = |text: &str| Whole::new(&Pattern { text: text.into() });
        let name = |text: &str| Common::Name(text.into());
        for (one, other, expected) in [
            ("orders.*", ".*-dlq", name("orders-dlq")),
            ("a|b", "c|d", Common::Nothing),
            (".*a.{24}b", ".*c.{24}d", Common::Nothing),
            (
                ".*a.{24}b",
                ".*c.{23}b",
                name(&format!("ac{}b", "-".repeat(23))),
            ),
            (
                ".*a.{30}",
                "b.{30}.*",
                name(&format!("ba{}", "-".repeat(30))),
            ),
            ("a*", "b*", Common::Nothing),
            ("a{300}", "a+", Common::Nothing),
            ("^a.*$", "a^b|ab", name("ab")),
            (r"\bab", "a.*", Common::Unknown),
        ] {
            let found = common(of(one).hir(), of(other).hir());
            assert_eq!(found, expected, "{one} {other}");
        }
    }
}
