//! Every language once: equal sets have equal ids, and no operation is done twice.

use std::sync::OnceLock;

use super::hash::HashMap;
use super::ops::{STATES_MAX, minus, product, unwrapped, wrap};
use super::{Language, SYMBOLS, State, build, symbol};
use crate::graph::pattern::Whole;
use crate::name::{CONTROL_TOPIC, DEAD_LETTER_PREFIX};

/// A set of names, by number in its [`Store`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Lang(u32);

/// No name.
pub(crate) const NONE: Lang = Lang(0);

/// Every name that an edge may take: legal for Kafka, and not internal.
pub(crate) const NAMES: Lang = Lang(1);

/// Every name that Kafka accepts.
pub(crate) const LEGAL: Lang = Lang(2);

/// Every string of legal characters, the empty one too.
pub(crate) const STRINGS: Lang = Lang(3);

/// Most states that all automata together may have that are put together for one check.
const WORK_MAX: usize = 1_500_000;

/// States from which on two automata side by side may have too many.
const LARGE: usize = 140;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Op {
    And(Lang, Lang),
    Or(Lang, Lang),
    Minus(Lang, Lang),
    Wrap(String, Lang, String),
    Unwrap(String, Lang, String),
}

/// Languages, numbered.
#[derive(Debug)]
pub(crate) struct Store {
    languages: Vec<Language>,
    ids: HashMap<Language, Lang>,
    done: HashMap<Op, Lang>,
    patterns: HashMap<String, Option<Lang>>,
    least: HashMap<Lang, usize>,
    /// How many states were put together so far.
    pub(crate) work: usize,
    /// Some set was too large to be kept exactly, or all of them too much: a larger one stands in for it.
    pub(crate) is_rough: bool,
}

impl Store {
    pub(crate) fn new() -> Self {
        let mut store = Self {
            languages: Vec::new(),
            ids: HashMap::default(),
            done: HashMap::default(),
            patterns: HashMap::default(),
            least: HashMap::default(),
            work: 0,
            is_rough: false,
        };
        for language in given() {
            store.keep(language.clone());
        }
        store
    }

    pub(crate) fn keep(&mut self, language: Language) -> Lang {
        if let Some(id) = self.ids.get(&language) {
            return *id;
        }
        let id = Lang(u32::try_from(self.languages.len()).unwrap_or(0));
        self.ids.insert(language.clone(), id);
        self.languages.push(language);
        id
    }

    pub(crate) fn get(&self, lang: Lang) -> &Language {
        &self.languages[lang.0 as usize]
    }

    /// The names that a pattern matches; `None` when its automaton would be too large.
    pub(crate) fn pattern(&mut self, text: &str, whole: &Whole) -> Option<Lang> {
        if let Some(known) = self.patterns.get(text) {
            return *known;
        }
        let lang = build::of_pattern(whole.hir()).map(|language| self.keep(language));
        self.is_rough |= lang.is_none();
        self.patterns.insert(text.to_owned(), lang);
        lang
    }

    /// Whether the automata of two patterns, side by side, may be too large.
    pub(crate) fn is_too_large(&self, one: &str, other: &str) -> bool {
        let states = |text: &str| match self.patterns.get(text) {
            Some(Some(lang)) => self.get(*lang).states.len(),
            Some(None) => STATES_MAX,
            None => 0,
        };
        states(one).max(1) * states(other).max(1) >= STATES_MAX
    }

    /// Whether the automaton of a pattern would be too large, or is so large that two of the kind may not
    /// be put together. A list of names is not: it is tried name by name.
    pub(crate) fn is_large(&self, text: &str) -> bool {
        let is_list = || {
            let text = text.to_owned();
            crate::graph::pattern::literals(&crate::edge::Pattern { text }).is_some()
        };
        match self.patterns.get(text) {
            Some(Some(lang)) => self.get(*lang).states.len() > LARGE && !is_list(),
            Some(None) => true,
            None => false,
        }
    }

    /// Exactly these names.
    pub(crate) fn names<'n>(&mut self, names: impl IntoIterator<Item = &'n str>) -> Lang {
        self.keep(build::of_names(names))
    }

    fn memo(&mut self, op: Op, make: impl FnOnce(&Self) -> Option<Language>, rough: Lang) -> Lang {
        if let Some(known) = self.done.get(&op) {
            return *known;
        }
        let made = if self.work < WORK_MAX {
            make(self)
        } else {
            None
        };
        let lang = match made {
            Some(language) => {
                self.work += 1 + language.states.len();
                self.keep(language)
            }
            None => {
                self.is_rough = true;
                rough
            }
        };
        self.done.insert(op, lang);
        lang
    }

    /// Names in both.
    pub(crate) fn and(&mut self, a: Lang, b: Lang) -> Lang {
        let (a, b) = (a.min(b), a.max(b));
        if a == b || a == NONE {
            return a;
        }
        if a == STRINGS || b == STRINGS {
            return if a == STRINGS { b } else { a };
        }
        let make = |s: &Self| product(s.get(a), s.get(b), |a, b| a && b);
        self.memo(Op::And(a, b), make, a)
    }

    /// Names in either.
    pub(crate) fn or(&mut self, a: Lang, b: Lang) -> Lang {
        let (a, b) = (a.min(b), a.max(b));
        if a == b || a == NONE {
            return b;
        }
        let make = |s: &Self| product(s.get(a), s.get(b), |a, b| a || b);
        self.memo(Op::Or(a, b), make, STRINGS)
    }

    /// Names in any of these, which are sorted. They are put together by the bits of their numbers:
    /// two unions that have most sets in common have most of their parts in common, which are known.
    pub(crate) fn union(&mut self, all: &[Lang]) -> Lang {
        match all {
            [] => NONE,
            [one] => *one,
            [first, .., last] => {
                let bit = (first.0 ^ last.0).checked_ilog2().unwrap_or(0);
                let pivot = last.0 >> bit << bit;
                let (left, right) = all.split_at(all.partition_point(|lang| lang.0 < pivot));
                let (left, right) = (self.union(left), self.union(right));
                self.or(left, right)
            }
        }
    }

    /// Names in the first only.
    pub(crate) fn minus(&mut self, a: Lang, b: Lang) -> Lang {
        if a == b || a == NONE {
            return NONE;
        }
        if b == NONE {
            return a;
        }
        let make = |s: &Self| product(s.get(a), s.get(b), |a, b| a && !b);
        self.memo(Op::Minus(a, b), make, a)
    }

    /// `prefix` + name + `suffix`, for each name.
    pub(crate) fn wrap(&mut self, prefix: &str, a: Lang, suffix: &str) -> Lang {
        if a == NONE || (prefix.is_empty() && suffix.is_empty()) {
            return a;
        }
        if !prefix
            .bytes()
            .chain(suffix.bytes())
            .all(|b| symbol(b).is_some())
        {
            return NONE;
        }
        let make = |s: &Self| Some(wrap(prefix, s.get(a), suffix));
        self.memo(Op::Wrap(prefix.into(), a, suffix.into()), make, STRINGS)
    }

    /// What is left of names that begin with `prefix` and end, behind it, with `suffix`.
    pub(crate) fn unwrap(&mut self, prefix: &str, a: Lang, suffix: &str) -> Lang {
        if a == NONE || (prefix.is_empty() && suffix.is_empty()) {
            return a;
        }
        let make = |s: &Self| Some(unwrapped(prefix, s.get(a), suffix));
        self.memo(Op::Unwrap(prefix.into(), a, suffix.into()), make, STRINGS)
    }

    /// The length of the shortest name; `usize::MAX` where there is none.
    pub(crate) fn least_length(&mut self, a: Lang) -> usize {
        let language = &self.languages[a.0 as usize];
        *self
            .least
            .entry(a)
            .or_insert_with(|| language.least_length())
    }

    /// The first few names, shortest first.
    pub(crate) fn shortest(&self, a: Lang, limit: usize, longest: usize) -> Vec<String> {
        self.get(a).shortest(limit, longest)
    }
}

/// The sets that every store begins with, in the order of their numbers.
fn given() -> &'static [Language; 4] {
    static GIVEN: OnceLock<[Language; 4]> = OnceLock::new();
    GIVEN.get_or_init(|| {
        let loops = State::new(true, &[0; SYMBOLS.len()]);
        let strings = Language {
            states: vec![loops],
        };
        let legal = minus(&strings, &build::of_names(["", ".", ".."]));
        let mut names = minus(&legal, &build::of_names([CONTROL_TOPIC]));
        for prefix in ["__", DEAD_LETTER_PREFIX] {
            names = minus(&names, &wrap(prefix, &strings, ""));
        }
        [Language::empty(), names, legal, strings]
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edge::Pattern;

    fn lang(store: &mut Store, text: &str) -> Lang {
        let whole = Whole::new(&Pattern { text: text.into() });
        store.pattern(text, &whole).unwrap()
    }

    #[test]
    fn equal_sets_have_equal_ids() {
        let mut store = Store::new();
        for (a, b) in [
            ("ab|ac", "a[bc]"),
            ("(?s).*", "[a-zA-Z0-9._-]*"),
            ("a*a", "a+"),
            (r"\w+", "[a-zA-Z0-9_]+"),
            ("[^a]|a", "."),
        ] {
            assert_eq!(lang(&mut store, a), lang(&mut store, b), "{a} {b}");
        }
    }

    #[test]
    fn operations_agree_with_sets_of_words() {
        let mut store = Store::new();
        let texts = [
            "a.*",
            "[ab]*b",
            "(ab)*",
            "a|b|aba",
            "-?a*",
            "",
            "[ab-]{2,3}",
        ];
        let words: Vec<String> = {
            let alphabet = lang(&mut store, "[ab-]*");
            store.shortest(alphabet, 400, 9)
        };
        let few = |l: &Language| words.iter().map(|w| l.contains(w)).collect::<Vec<_>>();
        for a in texts.map(|t| lang(&mut store, t)) {
            for b in texts.map(|t| lang(&mut store, t)) {
                let (x, y) = (few(store.get(a)), few(store.get(b)));
                let (and, or, minus) = (store.and(a, b), store.or(a, b), store.minus(a, b));
                for (i, word) in words.iter().enumerate() {
                    assert_eq!(store.get(and).contains(word), x[i] && y[i]);
                    assert_eq!(store.get(or).contains(word), x[i] || y[i]);
                    assert_eq!(store.get(minus).contains(word), x[i] && !y[i]);
                }
            }
            for (prefix, suffix) in [("a", ""), ("", "b-"), ("ab", "a"), ("", "aa")] {
                let wrapped = store.wrap(prefix, a, suffix);
                assert_eq!(store.unwrap(prefix, wrapped, suffix), a);
                for word in &words {
                    let name = format!("{prefix}{word}{suffix}");
                    assert_eq!(
                        store.get(wrapped).contains(&name),
                        store.get(a).contains(word)
                    );
                    let unwrapped = store.unwrap(prefix, a, suffix);
                    assert_eq!(
                        store.get(unwrapped).contains(word),
                        store.get(a).contains(&name)
                    );
                }
            }
        }
    }

    #[test]
    fn the_shortest_names_come_first_in_byte_order() {
        let mut store = Store::new();
        assert_eq!(store.shortest(NAMES, 3, 249), ["-", "0", "1"]);
        let orders = lang(&mut store, "orders.*|.*x");
        let orders = store.and(orders, NAMES);
        assert_eq!(store.shortest(orders, 3, 249), ["x", "-x", ".x"]);
        assert_eq!(store.least_length(orders), 1);
        assert_eq!(store.least_length(NONE), usize::MAX);
        let long = lang(&mut store, "a{250}");
        assert!(store.shortest(long, 1, 249).is_empty());
    }

    #[test]
    fn internal_and_illegal_names_are_in_no_selection() {
        let store = Store::new();
        for name in [
            "",
            ".",
            "..",
            "__a",
            "crossdock.topology",
            "crossdock.dead-letter.x",
        ] {
            assert!(!store.get(NAMES).contains(name), "{name}");
        }
        for name in ["_a", "...", "crossdock", "crossdock.topology2"] {
            assert!(store.get(NAMES).contains(name), "{name}");
        }
    }
}
