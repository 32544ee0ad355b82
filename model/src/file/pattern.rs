//! Patterns: regexes over whole names, checked where they are written.

use regex_syntax::ast::{self, Ast, ErrorKind, RepetitionKind};
use regex_syntax::hir::{Hir, HirKind};

use super::reader::{Reader, Text, is_none};
use super::tree::{Node, Value};
use crate::edge::Pattern;
use crate::finding::{Code, Finding, Span};
use crate::name::is_internal_topic;

/// Most memory that a pattern may take when it is compiled.
const SIZE_MAX: usize = 2 << 20;

/// Longest pattern, in bytes: what a parser makes of it takes a hundred times as much.
const LENGTH_MAX: usize = 256 << 10;

/// One regex or a list of them, each with its place.
pub(super) type Patterns = Vec<(Pattern, Span)>;

/// What names a pattern is over.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Over {
    /// Topics that are taken.
    Topics,
    /// Topics that are left out, or asked about.
    OtherTopics,
    /// Consumer groups.
    Groups,
    /// Keys, and names and values of headers: any bytes.
    Bytes,
}

/// Reads one regex or a list. `None` where nothing usable was written.
pub(super) fn read(reader: &mut Reader<'_>, node: &Node, what: &str, over: Over) -> Patterns {
    if over != Over::Topics && is_none(node) {
        return Vec::new();
    }
    match &node.value {
        Value::List(items) if items.is_empty() && over == Over::Topics => {
            reader.tell(empty(node.span, what));
            Vec::new()
        }
        Value::List(items) => {
            let one = |item| one(reader, item, what, over);
            items.iter().filter_map(one).collect()
        }
        _ => one(reader, node, what, over).into_iter().collect(),
    }
}

fn empty(span: Span, what: &str) -> Finding {
    Finding::new(
        Code::EmptyPattern,
        span,
        format!("`{what}` has an empty pattern"),
    )
    .help("name topics, or write `.*` for every topic")
}

/// Reads one regex.
pub(super) fn one(
    reader: &mut Reader<'_>,
    node: &Node,
    what: &str,
    over: Over,
) -> Option<(Pattern, Span)> {
    if matches!(node.value, Value::Null) {
        reader.tell(empty(node.span, what));
        return None;
    }
    if let Value::Map(_) = node.value {
        let message = format!("`{what}` is a regex or a list of them, not a mapping");
        reader.bad(
            node.span,
            message,
            "quote a regex that begins with `{` or `[`",
        );
        return None;
    }
    let text = reader.text(node, what)?;
    if text.is_open {
        // Stands for topics that nobody knows yet: a name of its own.
        let name = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
        let text = text.text.chars().map(name).collect();
        return Some((Pattern { text }, node.span));
    }
    if text.text.trim().is_empty() {
        reader.tell(empty(node.span, what));
        return None;
    }
    if let Some(finding) = wrong(reader, &text, over) {
        reader.tell(finding);
        return None;
    }
    if over == Over::Topics
        && let Some(finding) = internal(&text)
    {
        reader.tell(finding);
    }
    if let Some(finding) = glob(reader, &text) {
        reader.tell(finding);
    }
    Some((Pattern { text: text.text }, text.span))
}

/// Why a regex does not compile, with the place inside it.
fn wrong(reader: &Reader<'_>, text: &Text, over: Over) -> Option<Finding> {
    let pattern = &text.text;
    let place = |span: &ast::Span| {
        let end = span
            .end
            .offset
            .max(span.start.offset + 1)
            .min(pattern.len());
        reader.part(text, span.start.offset.min(pattern.len()), end)
    };
    let finding = |span, message: String, help: Option<String>| {
        let mut finding = Finding::new(Code::BadRegex, span, message);
        finding.help = help;
        Some(finding)
    };
    if pattern.len() > LENGTH_MAX {
        let message = format!("the regex is longer than {} KiB", LENGTH_MAX >> 10);
        let help = "`topics` takes a list of regexes, too: `topics: [orders, users]`";
        return finding(text.span, message, Some(help.to_owned()));
    }
    let is_text = over != Over::Bytes;
    let mut parser = regex_syntax::ParserBuilder::new();
    match parser.utf8(is_text).build().parse(pattern) {
        Ok(_) => {}
        Err(regex_syntax::Error::Parse(error)) => {
            let help = help(error.kind(), pattern);
            return finding(place(error.span()), in_words(error.kind()), help);
        }
        Err(regex_syntax::Error::Translate(error)) => {
            return finding(place(error.span()), error.kind().to_string(), None);
        }
        Err(_) => return finding(text.span, "this is no regex".to_owned(), None),
    }
    let mut builder = regex::bytes::RegexBuilder::new(pattern);
    if builder.size_limit(SIZE_MAX).build().is_err() {
        let message = format!(
            "compiled, the regex exceeds the size limit of {} MiB",
            SIZE_MAX >> 20
        );
        let help = "use smaller repetition counts: topic names have at most 249 characters";
        return finding(text.span, message, Some(help.to_owned()));
    }
    None
}

fn in_words(kind: &ErrorKind) -> String {
    match kind {
        ErrorKind::UnsupportedLookAround => {
            "look-around (`(?=`, `(?!`, `(?<=`, `(?<!`) is not supported".to_owned()
        }
        ErrorKind::UnsupportedBackreference => {
            "a back-reference (`\\1`) is not supported".to_owned()
        }
        ErrorKind::RepetitionMissing => {
            "this is no regex: nothing stands before it to repeat".to_owned()
        }
        ErrorKind::GroupUnclosed => "this is no regex: `(` is never closed".to_owned(),
        ErrorKind::ClassUnclosed => "this is no regex: `[` is never closed".to_owned(),
        kind => format!("this is no regex: {kind}"),
    }
}

fn help(kind: &ErrorKind, pattern: &str) -> Option<String> {
    match kind {
        ErrorKind::UnsupportedLookAround => {
            Some("name what is left out in `exclude_topics`".to_owned())
        }
        ErrorKind::UnsupportedBackreference => {
            Some("write the alternatives out: `aa|bb`".to_owned())
        }
        ErrorKind::RepetitionMissing if pattern.starts_with('*') => {
            Some(format!("a regex, not a glob: `{}`", as_regex(pattern)))
        }
        ErrorKind::GroupUnclosed => {
            Some("close it with `)`, or write `\\(` for the character".to_owned())
        }
        ErrorKind::ClassUnclosed => {
            Some("close it with `]`, or write `\\[` for the character".to_owned())
        }
        _ => None,
    }
}

/// What a glob is as a regex.
fn as_regex(glob: &str) -> String {
    let mut out = String::new();
    let mut previous = ' ';
    for c in glob.chars() {
        if c == '*' && previous != '.' && previous != ')' && previous != ']' {
            out.push('.');
        }
        out.push(c);
        previous = c;
    }
    out
}

/// `orders-*`: a star behind a plain character, hardly meant to repeat it.
fn glob(reader: &Reader<'_>, text: &Text) -> Option<Finding> {
    let ast = ast::parse::Parser::new().parse(&text.text).ok()?;
    let span = starred_literal(&ast)?;
    let (start, end) = (span.start.offset, span.end.offset);
    let character = &text.text[start..end - 1];
    Some(
        Finding::new(
            Code::GlobPattern,
            reader.part(text, start, end),
            format!(
                "as a regex, `{}` repeats `{character}` and matches nothing else",
                &text.text[start..end]
            ),
        )
        .label("read as a glob?")
        .help(format!("did you mean `{}`?", as_regex(&text.text))),
    )
}

fn starred_literal(ast: &Ast) -> Option<ast::Span> {
    match ast {
        Ast::Repetition(repetition) => match (&repetition.op.kind, &*repetition.ast) {
            (RepetitionKind::ZeroOrMore, Ast::Literal(_)) => Some(repetition.span),
            (_, inner) => starred_literal(inner),
        },
        Ast::Group(group) => starred_literal(&group.ast),
        Ast::Alternation(all) => all.asts.iter().find_map(starred_literal),
        Ast::Concat(all) => all.asts.iter().find_map(starred_literal),
        _ => None,
    }
}

/// An internal topic, named.
fn internal(text: &Text) -> Option<Finding> {
    let hir = regex_syntax::parse(&text.text).ok()?;
    let name = beginnings(&hir)
        .into_iter()
        .find(|name| is_internal_topic(name))?;
    let message = match regex_syntax::escape(&name) == text.text || name == text.text {
        true => format!("`{name}` is internal, and internal topics are never taken"),
        false => format!("topics that begin with `{name}` are internal, and are never taken"),
    };
    let finding = Finding::new(Code::InternalTopic, text.span, message);
    Some(match name.as_str() {
        "__consumer_offsets" => finding.help("`sync.groups` carries the offsets of groups over"),
        _ => finding.help("leave it out"),
    })
}

/// What the names of each alternative begin with; a `.` that may be any character stands for itself.
fn beginnings(hir: &Hir) -> Vec<String> {
    match hir.kind() {
        HirKind::Alternation(all) => all.iter().flat_map(beginnings).collect(),
        HirKind::Capture(capture) => beginnings(&capture.sub),
        HirKind::Literal(literal) => vec![String::from_utf8_lossy(&literal.0).into_owned()],
        HirKind::Concat(parts) => {
            let mut out = vec![String::new()];
            for part in parts {
                let more = match part.kind() {
                    HirKind::Look(_) => continue,
                    HirKind::Class(_)
                        if *part == Hir::dot(regex_syntax::hir::Dot::AnyCharExceptLF) =>
                    {
                        vec![".".to_owned()]
                    }
                    HirKind::Literal(_) | HirKind::Capture(_) | HirKind::Alternation(_) => {
                        beginnings(part)
                    }
                    _ => break,
                };
                if out.len() * more.len() > 1_000 {
                    break;
                }
                let mut joined = Vec::with_capacity(out.len() * more.len());
                for a in &out {
                    joined.extend(more.iter().map(|b| format!("{a}{b}")));
                }
                out = joined;
                let is_whole = matches!(part.kind(), HirKind::Literal(_) | HirKind::Class(_));
                if !is_whole {
                    break;
                }
            }
            out
        }
        _ => Vec::new(),
    }
}
