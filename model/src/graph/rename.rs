//! What a topic is called on the target, and the way back: which names become a given one.

use regex_syntax::hir::{Hir, HirKind};

use super::language::build;
use super::language::store::{Lang, NONE, Store};
use super::maps::{Map, len};
use super::outline::{Outlines, outlines};
use super::pattern::Whole;
use crate::edge::{Part, Rename};
use crate::name::TOPIC_NAME_MAX;

/// Most names that the way back lists where there are more than can be written out.
const BACK_MAX: usize = 64;

/// What counts as cut off where a rule does not tell.
const CUT_UNKNOWN: usize = 8;

/// The rules of one `rename`, compiled.
#[derive(Debug)]
pub(crate) struct Renamer {
    rules: Vec<Rule>,
}

#[derive(Debug)]
pub(crate) struct Rule {
    pub(crate) matches: Option<Whole>,
    pub(crate) text: Option<String>,
    pub(crate) to: Vec<Part>,
    /// What it comes apart into, where it does.
    pub(crate) outlines: Option<Outlines>,
}

/// Whether the new name contains the whole old one and more (the contract's *grows*).
pub(crate) fn grows(old: &str, new: &str) -> bool {
    new.len() > old.len() && new.contains(old)
}

impl Renamer {
    pub(crate) fn new(rename: &Rename) -> Self {
        let rules = rename.rules.iter().map(|rule| {
            let matches = rule.matches.as_ref().map(Whole::new);
            Rule {
                outlines: outlines(matches.as_ref().map(Whole::hir), &rule.to),
                matches,
                text: rule.matches.as_ref().map(|p| p.text.clone()),
                to: rule.to.clone(),
            }
        });
        Self {
            rules: rules.collect(),
        }
    }

    pub(crate) fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// How many characters the new name may lack of the old one.
    pub(crate) fn cuts(&self) -> usize {
        let cut = |map: &Map| match map {
            Map::Affix { strip, wrap } => len(strip).saturating_sub(len(wrap)),
            Map::Constant(_) | Map::Pairs(_) => CUT_UNKNOWN,
        };
        let rule = |rule: &Rule| match &rule.outlines {
            Some(Outlines::Every(map)) => cut(map),
            Some(Outlines::Each(all)) => all.iter().map(|o| cut(&o.map)).max().unwrap_or(0),
            None => CUT_UNKNOWN,
        };
        self.rules.iter().map(rule).max().unwrap_or(0)
    }

    /// The new name: the first rule that matches wins, else the name is kept.
    pub(crate) fn apply(&self, topic: &str) -> String {
        let made = self.rules.iter().find_map(|rule| rule.apply(topic));
        made.unwrap_or_else(|| topic.to_owned())
    }

    /// Names that become `new`: all of them, or the shortest of them where they are too many.
    /// `selected` makes the set of names that there are to choose from, where it is asked for.
    pub(crate) fn back(&self, new: &str, selected: impl Fn(&mut Store) -> Lang) -> Vec<String> {
        let mut old: Vec<String> = vec![new.to_owned()];
        for (at, rule) in self.rules.iter().enumerate() {
            match rule.holding(new) {
                Some(names) => old.extend(names),
                None => old.extend(self.searched(at, new, &selected)),
            }
        }
        old.sort_by(|a, b| (a.len(), a).cmp(&(b.len(), b)));
        old.dedup();
        old.retain(|name| self.apply(name) == new);
        old
    }

    /// Candidates of a rule that drops or cuts the old name: the shortest that come to it.
    fn searched(
        &self,
        at: usize,
        new: &str,
        selected: &impl Fn(&mut Store) -> Lang,
    ) -> Vec<String> {
        let mut found = Vec::new();
        for texts in splits(&self.rules[at].to, new) {
            let mut store = Store::new();
            let mut names = selected(&mut store);
            if let Some(whole) = &self.rules[at].matches {
                let fixed = build::of_pattern(&with_groups(whole.hir(), &texts));
                let fixed = fixed.map_or(NONE, |language| store.keep(language));
                names = store.and(names, fixed);
            }
            for earlier in &self.rules[..at] {
                if let (Some(text), Some(whole)) = (&earlier.text, &earlier.matches) {
                    let taken = store.pattern(text, whole).unwrap_or(NONE);
                    names = store.minus(names, taken);
                }
            }
            found.extend(store.shortest(names, BACK_MAX, TOPIC_NAME_MAX));
        }
        found
    }
}

impl Rule {
    pub(crate) fn apply(&self, topic: &str) -> Option<String> {
        let groups = match &self.matches {
            Some(whole) => whole.captures(topic)?,
            None => Vec::new(),
        };
        let text = |part: &Part| match part {
            Part::Literal(text) => text.clone(),
            Part::Topic => topic.to_owned(),
            Part::Group(number) => groups.get(*number).copied().unwrap_or_default().to_owned(),
        };
        Some(self.to.iter().map(text).collect())
    }

    /// Candidates for the old name where they can be read off the new one; `None` where they have to
    /// be searched for.
    fn holding(&self, new: &str) -> Option<Vec<String>> {
        let unwrapped = |map: &Map| match map {
            Map::Affix { strip, wrap } => {
                let open = new
                    .strip_prefix(&wrap.0)
                    .and_then(|n| n.strip_suffix(&wrap.1));
                Some(open.map(|open| format!("{}{open}{}", strip.0, strip.1)))
            }
            // Whatever it was before.
            Map::Constant(name) => (name != new).then_some(None),
            Map::Pairs(_) => None,
        };
        match &self.outlines {
            Some(Outlines::Every(map)) => Some(unwrapped(map)?.into_iter().collect()),
            Some(Outlines::Each(all)) => {
                let each: Option<Vec<_>> = all.iter().map(|o| unwrapped(&o.map)).collect();
                Some(each?.into_iter().flatten().collect())
            }
            None if self.to.contains(&Part::Topic) => Some(self.pieces_of(new)),
            None => None,
        }
    }

    /// The old name stands in the new one as a whole: every piece of it that may be it.
    fn pieces_of(&self, new: &str) -> Vec<String> {
        let ends = |start: usize| (start + 1..=new.len()).map(move |end| (start, end));
        let places = (0..new.len()).flat_map(ends);
        let literal: usize = self.to.iter().map(literal_len).sum();
        let copies = self.to.iter().filter(|p| **p == Part::Topic).count();
        let has_groups = self.to.iter().any(|p| matches!(p, Part::Group(_)));
        let fits = |len: usize| has_groups || len * copies + literal == new.len();
        let cut = places.filter(|(start, end)| fits(end - start));
        cut.filter_map(|(s, e)| new.get(s..e).map(str::to_owned))
            .collect()
    }
}

fn literal_len(part: &Part) -> usize {
    match part {
        Part::Literal(text) => text.len(),
        _ => 0,
    }
}

/// Every way to read `new` as literals and groups: the text of each group, by number.
fn splits(to: &[Part], new: &str) -> Vec<Vec<(usize, String)>> {
    let mut ways: Vec<(&str, Vec<(usize, String)>)> = vec![(new, Vec::new())];
    for (at, part) in to.iter().enumerate() {
        let is_last = at + 1 == to.len();
        let mut next = Vec::new();
        for (rest, texts) in ways {
            match part {
                Part::Literal(text) => {
                    next.extend(rest.strip_prefix(text.as_str()).map(|rest| (rest, texts)));
                }
                Part::Topic => {}
                Part::Group(number) => {
                    let shortest = if is_last { rest.len() } else { 0 };
                    for end in (shortest..=rest.len()).filter(|end| rest.is_char_boundary(*end)) {
                        let mut texts = texts.clone();
                        texts.push((*number, rest[..end].to_owned()));
                        next.push((&rest[end..], texts));
                    }
                }
            }
        }
        ways = next;
    }
    let whole = ways.into_iter().filter(|(rest, _)| rest.is_empty());
    whole.map(|(_, texts)| texts).collect()
}

/// The pattern with its groups fixed to these texts.
fn with_groups(hir: &Hir, texts: &[(usize, String)]) -> Hir {
    let again = |sub: &Hir| with_groups(sub, texts);
    match hir.kind() {
        HirKind::Capture(capture) => {
            let number = capture.index as usize;
            let mut fixed = texts.iter().filter(|(n, _)| *n == number).map(|(_, t)| t);
            match fixed.next() {
                None => again(&capture.sub),
                // One group cannot have two texts.
                Some(text) if fixed.any(|other| other != text) => Hir::fail(),
                Some(text) => Hir::literal(text.as_bytes().to_vec()),
            }
        }
        HirKind::Repetition(repetition) => {
            let mut repetition = repetition.clone();
            repetition.sub = Box::new(again(&repetition.sub));
            Hir::repetition(repetition)
        }
        HirKind::Concat(subs) => Hir::concat(subs.iter().map(again).collect()),
        HirKind::Alternation(subs) => Hir::alternation(subs.iter().map(again).collect()),
        _ => hir.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::language::store::NAMES;
    use super::*;
    use crate::edge::{Pattern, RenameRule};

    fn rule(matches: Option<&str>, to: Vec<Part>) -> RenameRule {
        let matches = matches.map(|text| Pattern { text: text.into() });
        RenameRule { matches, to }
    }

    fn literal(text: &str) -> Part {
        Part::Literal(text.into())
    }

    #[test]
    fn the_first_rule_that_matches_wins() {
        let renamer = Renamer::new(&Rename {
            rules: vec![
                rule(Some("orders"), vec![literal("all-orders")]),
                rule(Some(r"A\.(.*)"), vec![Part::Group(1)]),
                rule(Some("or.*"), vec![Part::Topic, literal("-x")]),
            ],
        });
        for (old, new) in [
            ("orders", "all-orders"),
            ("A.a", "a"),
            ("ord", "ord-x"),
            ("u", "u"),
        ] {
            assert_eq!(renamer.apply(old), new);
            assert!(
                renamer.back(new, |_| NAMES).contains(&old.to_owned()),
                "{new}"
            );
        }
        assert_eq!(renamer.back("ord-x", |_| NAMES), ["ord", "A.ord-x"]);
    }

    #[test]
    fn the_way_back_finds_swapped_and_doubled_parts() {
        let renamer = |to| {
            Renamer::new(&Rename {
                rules: vec![rule(Some("([a-z]*)-([a-z]*)"), to)],
            })
        };
        let swapped = renamer(vec![Part::Group(2), literal("."), Part::Group(1)]);
        assert_eq!(swapped.back("b.a", |_| NAMES), ["a-b", "b.a"]);
        let doubled = renamer(vec![Part::Topic, Part::Topic]);
        assert_eq!(doubled.back("a-ba-b", |_| NAMES), ["a-b", "a-ba-b"]);
    }
}
