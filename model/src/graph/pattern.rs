//! Patterns over legal topic names: parsed once, restricted to the characters Kafka accepts.
//!
//! A topic name holds nothing but `[a-zA-Z0-9._-]`, so every class of a pattern is cut down to these
//! 65 characters before anything is compiled: `\w+` costs no Unicode tables, and the automata of
//! [`super::language`] and the regexes that run here stay small and agree by construction.

use regex_automata::meta;
use regex_automata::util::captures::Captures;
use regex_syntax::ast::{self, Ast};
use regex_syntax::hir::{Capture, Class, ClassBytes, ClassBytesRange, Hir, HirKind, Look};

use crate::edge::Pattern;

/// Memory a compiled pattern may take, as the regex crate limits it.
const COMPILED_MAX: usize = 10 << 20;

/// Most names that a literal pattern is written out to.
const LITERALS_MAX: usize = 10_000;

/// A pattern that matches whole topic names.
#[derive(Clone, Debug)]
pub(crate) struct Whole {
    hir: Hir,
    regex: Option<meta::Regex>,
}

impl Whole {
    /// Compiles a pattern. One that does not compile matches nothing: it has its finding already.
    pub(crate) fn new(pattern: &Pattern) -> Self {
        let hir = regex_syntax::parse(&pattern.text).map_or_else(|_| Hir::fail(), restrict);
        let regex = compile(&whole(hir.clone()));
        Self { hir, regex }
    }

    /// The same over names of any characters, as consumer groups have them.
    pub(crate) fn of_any_name(pattern: &Pattern) -> Self {
        let hir = regex_syntax::parse(&pattern.text).unwrap_or_else(|_| Hir::fail());
        let regex = compile(&whole(hir.clone()));
        Self { hir, regex }
    }

    /// Whether it matches the whole name.
    pub(crate) fn matches(&self, name: &str) -> bool {
        self.regex.as_ref().is_some_and(|r| r.is_match(name))
    }

    /// The text of each capture group, by number; `None` when the name does not match.
    pub(crate) fn captures<'n>(&self, name: &'n str) -> Option<Vec<&'n str>> {
        let regex = self.regex.as_ref()?;
        let mut found: Captures = regex.create_captures();
        regex.captures(name, &mut found);
        let texts = found
            .iter()
            .map(|group| group.map_or("", |span| &name[span.range()]));
        found.is_match().then(|| texts.collect())
    }

    /// What the pattern says, over legal characters only.
    pub(crate) fn hir(&self) -> &Hir {
        &self.hir
    }
}

/// The names of a pattern that is made of literal alternatives only, such as `orders|users-(eu|us)`.
pub fn literals(pattern: &Pattern) -> Option<Vec<String>> {
    let ast = ast::parse::Parser::new().parse(&pattern.text).ok()?;
    let mut names = alternatives(&ast)?;
    names.sort();
    names.dedup();
    Some(names)
}

fn alternatives(ast: &Ast) -> Option<Vec<String>> {
    match ast {
        Ast::Empty(_) => Some(vec![String::new()]),
        Ast::Literal(literal) => Some(vec![literal.c.to_string()]),
        Ast::Group(group) if group.flags().is_none_or(|f| f.items.is_empty()) => {
            alternatives(&group.ast)
        }
        Ast::Alternation(all) => {
            let each: Option<Vec<_>> = all.asts.iter().map(alternatives).collect();
            each.map(|e| e.concat()).filter(|e| e.len() <= LITERALS_MAX)
        }
        Ast::Concat(all) => {
            let mut names = vec![String::new()];
            for part in &all.asts {
                let ends = alternatives(part)?;
                if names.len() * ends.len() > LITERALS_MAX {
                    return None;
                }
                let joined =
                    |n: &String| ends.iter().map(|e| format!("{n}{e}")).collect::<Vec<_>>();
                names = names.iter().flat_map(joined).collect();
            }
            Some(names)
        }
        _ => None,
    }
}

/// Anchored at both ends.
pub(crate) fn whole(hir: Hir) -> Hir {
    Hir::concat(vec![Hir::look(Look::Start), hir, Hir::look(Look::End)])
}

fn compile(hir: &Hir) -> Option<meta::Regex> {
    let config = meta::Config::new()
        .utf8_empty(false)
        .nfa_size_limit(Some(COMPILED_MAX));
    meta::Builder::new()
        .configure(config)
        .build_from_hir(hir)
        .ok()
}

/// Whether Kafka accepts this byte in a topic name.
pub(crate) fn is_legal(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-')
}

fn restrict(hir: Hir) -> Hir {
    match hir.into_kind() {
        HirKind::Empty => Hir::empty(),
        HirKind::Literal(literal) if literal.0.iter().all(|b| is_legal(*b)) => {
            Hir::literal(literal.0)
        }
        HirKind::Literal(_) => Hir::fail(),
        HirKind::Class(class) => Hir::class(Class::Bytes(legal_class(&class))),
        HirKind::Look(look) => Hir::look(look),
        HirKind::Repetition(mut repetition) => {
            repetition.sub = Box::new(restrict(*repetition.sub));
            Hir::repetition(repetition)
        }
        HirKind::Capture(capture) => Hir::capture(Capture {
            sub: Box::new(restrict(*capture.sub)),
            ..capture
        }),
        HirKind::Concat(subs) => Hir::concat(subs.into_iter().map(restrict).collect()),
        HirKind::Alternation(subs) => Hir::alternation(subs.into_iter().map(restrict).collect()),
    }
}

fn legal_class(class: &Class) -> ClassBytes {
    let has = |byte: u8| match class {
        Class::Unicode(class) => {
            let c = char::from(byte);
            class.iter().any(|r| (r.start()..=r.end()).contains(&c))
        }
        Class::Bytes(class) => class.iter().any(|r| (r.start()..=r.end()).contains(&byte)),
    };
    let legal = (0..=0x7f).filter(|b| is_legal(*b) && has(*b));
    ClassBytes::new(legal.map(|b| ClassBytesRange::new(b, b)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> Pattern {
        Pattern { text: text.into() }
    }

    #[test]
    fn a_pattern_matches_whole_names() {
        for (text, name, expected) in [
            ("orders", "orders", true),
            ("orders", "orders-dlq", false),
            ("a|ab", "ab", true),
            (r"(?x) orders # comment", "orders", true),
            ("(?i)Orders", "oRDERS", true),
            (r"\w+", "orders", true),
            (r"\bor\B.*", "orders", true),
            ("北京|x", "x", true),
            ("(a", "a", false),
        ] {
            assert_eq!(Whole::new(&pattern(text)).matches(name), expected, "{text}");
        }
    }

    #[test]
    fn literal_alternatives_are_written_out() {
        let names = |text| literals(&pattern(text)).unwrap_or_default();
        assert_eq!(
            names("users|orders|bar|baz"),
            ["bar", "baz", "orders", "users"]
        );
        assert_eq!(names(r"a\.(b|c)"), ["a.b", "a.c"]);
        assert_eq!(literals(&pattern("a.b")), None);
        assert_eq!(literals(&pattern("(?i)a")), None);
    }
}
