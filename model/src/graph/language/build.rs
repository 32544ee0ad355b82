//! From patterns to languages.

use regex_automata::dfa::{Automaton, StartKind, dense};
use regex_automata::nfa::thompson;
use regex_automata::util::primitives::StateID;
use regex_automata::util::start;
use regex_automata::{Anchored, MatchKind};
use regex_syntax::hir::Hir;

use super::hash::HashMap;
use super::{DEAD, Language, SYMBOLS, State};
use crate::graph::pattern::whole;

/// Memory that an automaton may take while it is made: beyond it a pattern is too much to follow.
const BUILD_MAX: usize = 8 << 20;

/// The names that a pattern matches as a whole; `None` when its automaton would be too large.
pub(crate) fn of_pattern(hir: &Hir) -> Option<Language> {
    let nfa = thompson::Compiler::new()
        .configure(
            thompson::Config::new()
                .utf8(false)
                .nfa_size_limit(Some(BUILD_MAX))
                .which_captures(thompson::WhichCaptures::None),
        )
        .build_from_hir(&whole(hir.clone()))
        .ok()?;
    let config = dense::Config::new()
        .match_kind(MatchKind::All)
        .start_kind(StartKind::Anchored)
        // `\b` is decided on ASCII here: topic names hold nothing else.
        .unicode_word_boundary(true)
        .dfa_size_limit(Some(BUILD_MAX))
        .determinize_size_limit(Some(BUILD_MAX));
    let dfa = dense::Builder::new()
        .configure(config)
        .build_from_nfa(&nfa)
        .ok()?;
    Some(of_automaton(&dfa))
}

fn of_automaton(dfa: &dense::DFA<Vec<u32>>) -> Language {
    let Ok(start) = dfa.start_state(&start::Config::new().anchored(Anchored::Yes)) else {
        return Language::empty();
    };
    let mut order = vec![start];
    let mut number: HashMap<StateID, u32> = std::iter::once((start, 0)).collect();
    let mut states = Vec::new();
    let mut done = 0;
    while done < order.len() {
        let from = order[done];
        let mut targets = Vec::with_capacity(SYMBOLS.len());
        for byte in SYMBOLS {
            let to = dfa.next_state(from, *byte);
            if dfa.is_dead_state(to) || dfa.is_quit_state(to) {
                targets.push(DEAD);
                continue;
            }
            let fresh = u32::try_from(order.len()).unwrap_or(DEAD);
            let id = *number.entry(to).or_insert_with(|| {
                order.push(to);
                fresh
            });
            targets.push(id);
        }
        let accept = dfa.is_match_state(dfa.next_eoi_state(from));
        states.push(State::new(accept, &targets));
        done += 1;
    }
    Language::minimized(states)
}

/// Exactly these names.
pub(crate) fn of_names<'n>(names: impl IntoIterator<Item = &'n str>) -> Language {
    let mut trie: Vec<(bool, Vec<u32>)> = vec![(false, vec![DEAD; SYMBOLS.len()])];
    for name in names {
        let Some(symbols) = name.bytes().map(super::symbol).collect::<Option<Vec<_>>>() else {
            continue;
        };
        let mut at = 0usize;
        for symbol in symbols {
            let next = trie[at].1[usize::from(symbol)];
            at = if next == DEAD {
                let fresh = trie.len();
                trie[at].1[usize::from(symbol)] = u32::try_from(fresh).unwrap_or(DEAD);
                trie.push((false, vec![DEAD; SYMBOLS.len()]));
                fresh
            } else {
                next as usize
            };
        }
        trie[at].0 = true;
    }
    let states = trie.iter().map(|(accept, to)| State::new(*accept, to));
    Language::minimized(states.collect())
}
