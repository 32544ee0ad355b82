//! The shortest name of every kind: names are of one kind when the same sets hold them.

use std::collections::BTreeSet;

use super::language::hash::HashMap;
use super::language::store::{Lang, NONE, Store};
use super::language::{DEAD, SYMBOLS};
use crate::name::TOPIC_NAME_MAX;

/// Most cells that the joint automaton may have before the search is given up.
const CELLS_MAX: usize = 3_000_000;

/// A kind of name: its shortest member, and which of the sets hold it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Kind {
    pub(crate) name: String,
    pub(crate) sets: Vec<usize>,
}

/// The kinds of names in `base`, told apart by `sets`; names that no set holds are left out. The
/// second value is false when there were too many to find all.
pub(crate) fn kinds(store: &Store, base: Lang, sets: &[Lang]) -> (Vec<Kind>, bool) {
    let mut search = Search {
        store,
        // Equal sets are followed once.
        langs: BTreeSet::from_iter(sets.iter().copied().chain([base]))
            .into_iter()
            .collect(),
        base,
        number: HashMap::default(),
        order: Vec::new(),
        cells: 0,
    };
    if base == NONE {
        return (Vec::new(), true);
    }
    let mut found: HashMap<Vec<Lang>, ()> = HashMap::default();
    let mut kinds = Vec::new();
    search.begin();
    let mut done = 0;
    while done < search.order.len() && search.cells < CELLS_MAX {
        if let Some(holding) = search.holding(done)
            && found.insert(holding.clone(), ()).is_none()
        {
            let held = |s: &usize| holding.binary_search(&sets[*s]).is_ok();
            let held: Vec<usize> = (0..sets.len()).filter(held).collect();
            if !held.is_empty() {
                kinds.push(Kind {
                    name: search.word(done),
                    sets: held,
                });
            }
        }
        search.step(done);
        done += 1;
    }
    (kinds, done == search.order.len())
}

/// The sets that may still hold the name, and where in their automata it is.
type Joint = Vec<(u32, u32)>;

struct Search<'s> {
    store: &'s Store,
    langs: Vec<Lang>,
    base: Lang,
    number: HashMap<Joint, usize>,
    /// Each state with the one it was first reached from, and by which character.
    order: Vec<(Joint, usize, u8, usize)>,
    cells: usize,
}

impl Search<'_> {
    fn begin(&mut self) {
        let start: Joint = (0u32..)
            .zip(&self.langs)
            .filter(|(_, lang)| **lang != NONE)
            .map(|(n, _)| (n, 0))
            .collect();
        self.number.insert(start.clone(), 0);
        self.order.push((start, 0, 0, 0));
    }

    /// The sets that hold the word read so far; `None` when the base does not.
    fn holding(&self, at: usize) -> Option<Vec<Lang>> {
        let joint = &self.order[at].0;
        let lang = |n: &u32| self.langs[*n as usize];
        let ends = joint
            .iter()
            .filter(|(n, at)| self.store.get(lang(n)).accepts(*at));
        let holding: Vec<Lang> = ends.map(|(n, _)| lang(n)).collect();
        holding.contains(&self.base).then_some(holding)
    }

    fn word(&self, at: usize) -> String {
        let mut bytes = Vec::new();
        let mut at = at;
        while at != 0 {
            let (_, before, symbol, _) = &self.order[at];
            bytes.push(SYMBOLS[usize::from(*symbol)]);
            at = *before;
        }
        bytes.reverse();
        String::from_utf8(bytes).unwrap_or_default()
    }

    fn step(&mut self, at: usize) {
        let (joint, _, _, length) = self.order[at].clone();
        // Without the base, or with nothing beside it, no further kind can follow.
        if length == TOPIC_NAME_MAX || joint.len() < 2 && self.langs.len() > 1 {
            return;
        }
        let state = |(n, at): &(u32, u32)| {
            let language = self.store.get(self.langs[*n as usize]);
            &language.states[*at as usize]
        };
        let states: Vec<_> = joint.iter().map(state).collect();
        let mut symbols: BTreeSet<u8> = BTreeSet::new();
        for state in &states {
            symbols.extend(state.except.iter().map(|e| e.0));
        }
        // All others lead the same way: the smallest stands for them.
        symbols.extend((0..65u8).find(|s| !symbols.contains(s)));
        let steps: Vec<(u8, Joint)> = symbols
            .into_iter()
            .map(|symbol| {
                let next = joint
                    .iter()
                    .zip(&states)
                    .map(|((n, _), s)| (*n, s.next(symbol)));
                (symbol, next.filter(|(_, to)| *to != DEAD).collect())
            })
            .collect();
        for (symbol, next) in steps {
            let alive = next
                .iter()
                .any(|(n, _)| self.langs[*n as usize] == self.base);
            if alive && !self.number.contains_key(&next) {
                self.cells += next.len() + 4;
                self.number.insert(next.clone(), self.order.len());
                self.order.push((next, at, symbol, length + 1));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::language::store::NAMES;
    use super::super::pattern::Whole;
    use super::*;
    use crate::edge::Pattern;

    #[test]
    fn each_kind_has_its_shortest_name() {
        let mut store = Store::new();
        let mut lang = |text: &str| {
            let whole = Whole::new(&Pattern { text: text.into() });
            store.pattern(text, &whole).unwrap()
        };
        let sets = ["orders.*", ".*-dlq", "users|orders"].map(&mut lang);
        let (kinds, is_all) = kinds(&store, NAMES, &sets);
        let told: Vec<_> = kinds
            .iter()
            .map(|k| (k.name.as_str(), k.sets.as_slice()))
            .collect();
        assert!(is_all);
        assert_eq!(
            told,
            [
                ("-dlq", &[1][..]),
                ("users", &[2]),
                ("orders", &[0, 2]),
                ("orders-", &[0]),
                ("orders-dlq", &[0, 1]),
            ]
        );
    }
}
