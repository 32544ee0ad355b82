//! `rename`: words, templates, and lists of rules.

use super::keys;
use super::pattern::{self, Over};
use super::reader::{Reader, Text};
use super::tree::{Node, Value};
use crate::edge::{Part, Pattern, Rename, RenameRule};
use crate::finding::{Code, Finding, Span};
use crate::name::Alias;
use crate::near;

/// `rename` before the clusters of an edge are put in.
#[derive(Clone, Debug, Default)]
pub(super) struct Template {
    rules: Vec<(Option<Pattern>, Vec<Piece>, Span)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Part(Part),
    Source,
    Target,
}

impl Template {
    /// The renames of one edge, and the places of their rules.
    pub(super) fn resolve(&self, source: &Alias, target: &Alias) -> (Rename, Vec<Span>) {
        let part = |piece: &Piece| match piece {
            Piece::Part(part) => part.clone(),
            Piece::Source => Part::Literal(source.as_str().to_owned()),
            Piece::Target => Part::Literal(target.as_str().to_owned()),
        };
        let rule = |(matches, to, _): &(Option<Pattern>, Vec<Piece>, Span)| RenameRule {
            matches: matches.clone(),
            to: joined(to.iter().map(part)),
        };
        let rules = self.rules.iter().map(rule).collect();
        let places = self.rules.iter().map(|(.., span)| *span).collect();
        (Rename { rules }, places)
    }
}

/// Literals that touch are one.
fn joined(parts: impl Iterator<Item = Part>) -> Vec<Part> {
    let mut out: Vec<Part> = Vec::new();
    for part in parts {
        match (out.last_mut(), part) {
            (Some(Part::Literal(text)), Part::Literal(more)) => text.push_str(&more),
            (_, part) => out.push(part),
        }
    }
    out
}

/// Reads the value of `rename`.
pub(super) fn read(reader: &mut Reader<'_>, node: &Node) -> Option<Template> {
    match &node.value {
        Value::List(rules) => {
            let rules = rules.iter().filter_map(|n| rule(reader, n)).collect();
            Some(Template { rules })
        }
        Value::Map(map) => {
            let is_template = map
                .entries
                .iter()
                .all(|(_, n)| matches!(n.value, Value::Null));
            let (message, help) = match map.entries.first() {
                Some((key, _)) if is_template => (
                    "`{` at the beginning of a value begins a mapping in YAML",
                    format!("quote it: \"{{{}}}\"", key.text),
                ),
                _ => (
                    "`rename` is a word, a template or a list of rules",
                    "rules are a list: `- { match: 'a-(.*)', to: 'b-$1' }`".to_owned(),
                ),
            };
            reader.bad(node.span, message, &help);
            None
        }
        _ => {
            let text = reader.text(node, "rename")?;
            let pieces = match text.text.as_str() {
                "keep" => return Some(Template::default()),
                "prefix" => vec![
                    Piece::Source,
                    Piece::Part(Part::Literal(".".to_owned())),
                    Piece::Part(Part::Topic),
                ],
                "suffix" => vec![
                    Piece::Part(Part::Topic),
                    Piece::Part(Part::Literal("-".to_owned())),
                    Piece::Source,
                ],
                _ => {
                    slip(reader, &text)?;
                    template(reader, &text, None)?
                }
            };
            Some(Template {
                rules: vec![(None, pieces, node.span)],
            })
        }
    }
}

/// `sufix` would name every topic `sufix`.
fn slip(reader: &mut Reader<'_>, text: &Text) -> Option<()> {
    let nearest = near::nearest(&text.text, keys::RENAMES.iter().copied());
    let Some(nearest) = nearest.filter(|_| !text.text.contains('{') && !text.is_open) else {
        return Some(());
    };
    let message = format!("`{}` would be the name of every topic", text.text);
    reader.tell(
        Finding::new(Code::BadTemplate, text.span, message)
            .help(format!("did you mean `{nearest}`?")),
    );
    None
}

fn rule(reader: &mut Reader<'_>, node: &Node) -> Option<(Option<Pattern>, Vec<Piece>, Span)> {
    let map = reader.map(node, "a rule of `rename`")?;
    reader.unknown_keys(map, "a rule of `rename`", &keys::names(&[keys::RULE]));
    let matches = map.get("match");
    let to = map.get("to");
    for (key, found) in [("match", &matches), ("to", &to)] {
        if found.is_none() && !map.is_cut {
            let message = format!("a rule of `rename` needs `{key}`");
            let finding = Finding::new(Code::MissingKey, node.span, message);
            reader.tell(finding.help("write `{ match: 'a-(.*)', to: 'b-$1' }`"));
        }
    }
    let (pattern, _) = pattern::one(reader, matches?, "match", Over::OtherTopics)?;
    let to = to?;
    if let Value::Map(_) = to.value {
        let help = "quote it: a template begins with `{`";
        reader.bad(to.span, "`to` is a template, not a mapping", help);
        return None;
    }
    let text = reader.text(to, "to")?;
    let pieces = template(reader, &text, Some(&pattern))?;
    Some((Some(pattern), pieces, to.span))
}

/// The pieces of a template; groups are those of `matches`.
fn template(reader: &mut Reader<'_>, text: &Text, matches: Option<&Pattern>) -> Option<Vec<Piece>> {
    if text.is_open {
        let name = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
        let name = text.text.chars().map(name).collect();
        return Some(vec![
            Piece::Part(Part::Topic),
            Piece::Part(Part::Literal(name)),
        ]);
    }
    let regex = matches.and_then(|m| regex::Regex::new(&m.text).ok());
    let mut pieces = Vec::new();
    let mut at = 0;
    while at < text.text.len() {
        let rest = &text.text[at..];
        let (piece, length) = match rest.chars().next()? {
            '{' => variable(reader, text, at)?,
            '$' => group(reader, text, at, regex.as_ref())?,
            _ => {
                let length = rest.find(['{', '$']).unwrap_or(rest.len());
                let literal = Part::Literal(rest[..length].to_owned());
                (Piece::Part(literal), length)
            }
        };
        pieces.push(piece);
        at += length;
    }
    Some(pieces)
}

fn variable(reader: &mut Reader<'_>, text: &Text, at: usize) -> Option<(Piece, usize)> {
    let rest = &text.text[at..];
    let known = "`{topic}`, `{source}` and `{target}` are known";
    let Some(end) = rest.find('}') else {
        let place = reader.part(text, at, text.text.len());
        let finding = Finding::new(Code::BadTemplate, place, "`{` is never closed");
        reader.tell(finding.help(known));
        return None;
    };
    let piece = match &rest[1..end] {
        "topic" => Piece::Part(Part::Topic),
        "source" => Piece::Source,
        "target" => Piece::Target,
        other => {
            let nearest = near::nearest(other, ["topic", "source", "target"]);
            let help = match nearest {
                Some(nearest) => format!("did you mean `{{{nearest}}}`?"),
                None => known.to_owned(),
            };
            let message = format!("a template has no variable `{{{other}}}`");
            let place = reader.part(text, at, at + end + 1);
            reader.tell(Finding::new(Code::BadTemplate, place, message).help(help));
            return None;
        }
    };
    Some((piece, end + 1))
}

fn group(
    reader: &mut Reader<'_>,
    text: &Text,
    at: usize,
    regex: Option<&regex::Regex>,
) -> Option<(Piece, usize)> {
    let rest = &text.text[at + 1..];
    let is_number = rest.starts_with(|c: char| c.is_ascii_digit());
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let length = rest
        .find(|c: char| {
            !(if is_number {
                c.is_ascii_digit()
            } else {
                is_name(c)
            })
        })
        .unwrap_or(rest.len());
    let name = &rest[..length];
    let groups = regex.map_or(0, |r| r.captures_len() - 1);
    let number = match name.parse::<usize>() {
        Ok(number) => Some(number).filter(|n| *n <= groups && regex.is_some()),
        Err(_) => regex.and_then(|r| r.capture_names().position(|n| n == Some(name))),
    };
    let Some(number) = number else {
        let message = match (regex, name) {
            (None, _) => "only a rule with `match` has groups".to_owned(),
            (_, "") => "`$` begins the number of a group".to_owned(),
            (_, name) => format!("there is no group `${name}`: `match` has {groups}"),
        };
        let place = reader.part(text, at, at + 1 + length);
        let finding = Finding::new(Code::BadTemplate, place, message);
        reader.tell(finding.help("put what is kept in parentheses: `match: 'a-(.*)'`"));
        return None;
    };
    let part = if number == 0 {
        Part::Topic
    } else {
        Part::Group(number)
    };
    Some((Piece::Part(part), length + 1))
}
