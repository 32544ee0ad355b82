//! Reading values: what a scalar means, with its variables expanded, and a finding where it means
//! nothing.

use std::collections::HashSet;

use super::Variables;
use super::tree::{Key, Map, Node, Scalar, Value};
use super::variables::{self, Expanded};
use crate::finding::{Code, Finding, Span};
use crate::near;
use crate::properties::{Role, Translation, translate};

/// What all readers share: the text, the variables, and the findings so far.
pub(super) struct Reader<'a> {
    pub(super) source: &'a str,
    pub(super) variables: Option<&'a dyn Variables>,
    pub(super) findings: Vec<Finding>,
    told: HashSet<(Code, Span, String)>,
}

/// A scalar with its variables expanded.
#[derive(Clone, Debug)]
pub(super) struct Text {
    pub(super) text: String,
    pub(super) span: Span,
    /// Whether a variable in it has no value, so that nothing can be said about it.
    pub(super) is_open: bool,
    /// Whether a variable stands in it.
    pub(super) has_variables: bool,
}

impl<'a> Reader<'a> {
    pub(super) fn new(source: &'a str, variables: Option<&'a dyn Variables>) -> Self {
        Self {
            source,
            variables,
            findings: Vec::new(),
            told: HashSet::new(),
        }
    }

    /// Tells a finding, once: what an alias repeats is wrong in one place.
    pub(super) fn tell(&mut self, finding: Finding) {
        let key = (finding.code, finding.span, finding.message.clone());
        if self.told.insert(key) {
            self.findings.push(finding);
        }
    }

    pub(super) fn bad(&mut self, span: Span, message: impl Into<String>, help: &str) {
        let finding = Finding::new(Code::BadValue, span, message);
        let finding = match help {
            "" => finding,
            help => finding.help(help),
        };
        self.tell(finding);
    }

    /// The map that a value must be; `what` is told where it is none.
    pub(super) fn map<'n>(&mut self, node: &'n Node, what: &str) -> Option<&'n Map> {
        let help = match &node.value {
            Value::Map(map) => return Some(map),
            Value::Scalar(scalar) if glued(&scalar.text).is_some() => {
                "write a space behind each `:`, as in `from: bj`"
            }
            Value::List(items)
                if matches!(
                    items[..],
                    [
                        Node {
                            value: Value::Map(_),
                            ..
                        },
                        ..
                    ]
                ) =>
            {
                "leave out the `- `: it begins a list"
            }
            _ => "",
        };
        self.bad(node.span, format!("{what} is a mapping of keys"), help);
        None
    }

    /// Tells keys that are not known, and takes each for the one that was meant, unless that stands
    /// there as well: a slip is told once, and its value is checked.
    pub(super) fn mended(&mut self, map: &Map, what: &str, known: &[&'static str]) -> Map {
        let mut mended = map.clone();
        for entry in &mut mended.entries {
            self.unglue(entry, known);
        }
        self.unknown_keys(&mended, what, known);
        for at in 0..mended.entries.len() {
            let text = &mended.entries[at].0.text;
            if known.contains(&text.as_str()) {
                continue;
            }
            let meant = near::nearest(text, known.iter().copied());
            let meant = meant.or_else(|| elsewhere(text)?.0.filter(|key| known.contains(key)));
            if let Some(meant) = meant.filter(|meant| mended.get(meant).is_none()) {
                mended.entries[at].0.text = meant.to_owned();
            }
        }
        mended
    }

    /// `to sh` or `to:sh` within brackets is a key without value: told, and taken apart.
    fn unglue(&mut self, (key, node): &mut (Key, Node), known: &[&'static str]) {
        let Some((name, value)) = glued(&key.text) else {
            return;
        };
        if !matches!(node.value, Value::Null) || !known.contains(&name) {
            return;
        }
        let message = match key.text[name.len()..].starts_with(':') {
            true => format!("a space is missing behind `{name}:`"),
            false => format!("`{name}` is a key without its `:`"),
        };
        let finding = Finding::new(Code::YamlSyntax, key.span, message);
        self.tell(finding.help(format!("write `{name}: {value}`")));
        let place = self.inside(key.span, value);
        *node = Node {
            span: place,
            value: Value::Scalar(Scalar {
                text: value.to_owned(),
                is_quoted: false,
            }),
        };
        key.text = name.to_owned();
    }

    /// Tells keys that are not known, with the nearest that is.
    pub(super) fn unknown_keys(&mut self, map: &Map, what: &str, known: &[&str]) {
        for (key, _) in &map.entries {
            if !known.contains(&key.text.as_str()) {
                self.unknown_key(key, what, known);
            }
        }
    }

    pub(super) fn unknown_key(&mut self, key: &Key, what: &str, known: &[&str]) {
        let message = format!("{what} has no key `{}`", key.text);
        let mut finding = Finding::new(Code::UnknownKey, key.span, message);
        finding = match near::nearest(&key.text, known.iter().copied()) {
            Some(nearest) => finding
                .label(format!("did you mean `{nearest}`?"))
                .help(format!("write `{nearest}`")),
            None => match elsewhere(&key.text) {
                Some((_, help)) => finding.help(help),
                None => finding.help(match property_of(&key.text, known) {
                    Some(help) => help,
                    None => format!("known here: {}", known.join(", ")),
                }),
            },
        };
        self.tell(finding);
    }

    /// A scalar with its variables expanded. Finds out about unset ones.
    pub(super) fn text(&mut self, node: &Node, what: &str) -> Option<Text> {
        let Value::Scalar(scalar) = &node.value else {
            let found = match &node.value {
                Value::Null => "nothing",
                Value::List(_) => "a list",
                _ => "a mapping",
            };
            self.bad(node.span, format!("`{what}` is one value, not {found}"), "");
            return None;
        };
        Some(self.expand(scalar, node.span))
    }

    pub(super) fn expand(&mut self, scalar: &Scalar, span: Span) -> Text {
        let Expanded {
            text,
            is_open,
            has_variables,
            mistakes,
        } = variables::expand(&scalar.text, self.variables);
        for mistake in mistakes {
            let at = self.inside(span, &mistake.variable);
            let mut finding = Finding::new(mistake.code, at, mistake.message);
            finding.help = mistake.help;
            self.tell(finding);
        }
        Text {
            text,
            span,
            is_open,
            has_variables,
        }
    }

    /// The place of a word inside a value; the whole value where it is written otherwise.
    pub(super) fn inside(&self, span: Span, word: &str) -> Span {
        let written = self.source.get(span.start..span.end).unwrap_or_default();
        match written.find(word) {
            Some(at) if !word.is_empty() => Span {
                start: span.start + at,
                end: span.start + at + word.len(),
            },
            _ => span,
        }
    }

    /// The place of some bytes of an expanded text, where it is written as it is read.
    pub(super) fn part(&self, text: &Text, start: usize, end: usize) -> Span {
        let written = self
            .source
            .get(text.span.start..text.span.end)
            .unwrap_or_default();
        match written.find(&text.text) {
            Some(at) if !text.text.is_empty() => Span {
                start: text.span.start + at + start,
                end: text.span.start + at + end,
            },
            _ => text.span,
        }
    }

    /// `true` or `false`.
    pub(super) fn flag(&mut self, node: &Node, what: &str) -> Option<bool> {
        let text = self.text(node, what)?;
        match text.text.as_str() {
            "true" => Some(true),
            "false" => Some(false),
            _ if text.is_open => None,
            other => {
                let help = match other.to_ascii_lowercase().as_str() {
                    "yes" | "on" | "true" | "1" => "write `true`",
                    "no" | "off" | "false" | "0" => "write `false`",
                    _ => "",
                };
                self.bad(text.span, format!("`{what}` is `true` or `false`"), help);
                None
            }
        }
    }

    /// One of some words.
    pub(super) fn word<T: Copy>(
        &mut self,
        node: &Node,
        what: &str,
        words: &[(&str, T)],
    ) -> Option<T> {
        let text = self.text(node, what)?;
        if let Some((_, value)) = words.iter().find(|(word, _)| *word == text.text) {
            return Some(*value);
        }
        if !text.is_open {
            let known: Vec<_> = words.iter().map(|(w, _)| format!("`{w}`")).collect();
            let nearest = near::nearest(&text.text, words.iter().map(|(w, _)| *w));
            let help = nearest.map_or(String::new(), |w| format!("did you mean `{w}`?"));
            self.bad(
                text.span,
                format!("`{what}` is {}, not `{}`", known.join(" or "), text.text),
                &help,
            );
        }
        None
    }

    /// What a quantity means; `form` says how it is written.
    pub(super) fn quantity<T>(
        &mut self,
        node: &Node,
        what: &str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Option<T> {
        let text = self.text(node, what)?;
        match parse(&text.text) {
            Ok(value) => Some(value),
            Err(_) if text.is_open => None,
            Err(why) => {
                self.bad(
                    text.span,
                    format!("`{what}` cannot be `{}`: {why}", text.text),
                    "",
                );
                None
            }
        }
    }
}

/// Whether a value says that there is none.
pub(super) fn is_none(node: &Node) -> bool {
    match &node.value {
        Value::Null => true,
        Value::Scalar(scalar) => scalar.text == "none" && !scalar.is_quoted,
        Value::List(_) | Value::Map(_) => false,
    }
}

/// A key and its value where the `:` or the space between them is missing.
fn glued(text: &str) -> Option<(&str, &str)> {
    let at = text.find([' ', ':'])?;
    let (name, value) = (&text[..at], text[at + 1..].trim());
    (!name.is_empty() && !value.is_empty()).then_some((name, value))
}

/// Where a client property belongs that stands among the keys of an edge.
fn property_of(key: &str, known: &[&str]) -> Option<String> {
    let is_known = |role| {
        matches!(
            translate(role, key, ""),
            Translation::Property { .. } | Translation::Bad { .. }
        )
    };
    if !known.contains(&"producer") {
        return None;
    }
    for (prefix, role) in [("consumer.", Role::Consumer), ("producer.", Role::Producer)] {
        let Some(property) = key.strip_prefix(prefix) else {
            continue;
        };
        return match translate(role, property, "") {
            Translation::Unknown { .. } => None,
            _ => Some(format!("write `{role}: {{ {property}: … }}`")),
        };
    }
    match [Role::Consumer, Role::Producer].map(is_known) {
        [true, true] => Some("a client property: write it under the cluster".to_owned()),
        [true, false] => Some(format!("a client property: `consumer: {{ {key}: … }}`")),
        [false, true] => Some(format!("a client property: `producer: {{ {key}: … }}`")),
        [false, false] => None,
    }
}

/// What keys of other tools are called here: the key that is meant, where its value means the same, and
/// what to say of it.
fn elsewhere(key: &str) -> Option<(Option<&'static str>, &'static str)> {
    let meant = match key {
        "whitelist" | "include" | "topic" => (Some("topics"), "`topics` selects topics"),
        "blacklist" | "exclude" => (Some("exclude_topics"), "`exclude_topics` leaves topics out"),
        "source" | "sources" => (Some("from"), "`from` is the cluster that is read"),
        "target" | "targets" | "destination" => (Some("to"), "`to` is the cluster that is written"),
        "num_streams" | "num.streams" | "threads" | "tasks_max" | "tasks.max" | "parallelism" => {
            (Some("streams"), "`streams` says how many parallel streams")
        }
        "guarantee" | "semantics" | "processing.guarantee" | "exactly_once" => {
            (None, "`delivery` is `exactly_once` or `at_least_once`")
        }
        "queue_size" | "buffer" => (
            None,
            "`max_in_flight` bounds what is read and not yet written",
        ),
        "bidirectional" | "two_way" => (
            Some("both_ways"),
            "`both_ways: true` makes an edge each way",
        ),
        "replications" | "flows" | "mirrors" => (Some("edges"), "`edges` says what is replicated"),
        "servers" | "bootstrap" => (None, "`bootstrap.servers` of a cluster lists its brokers"),
        _ => return None,
    };
    Some(meant)
}
