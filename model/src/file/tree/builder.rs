//! The parser's events, put together to values.

use std::collections::HashMap;

use saphyr_parser::{Event, Parser, ScalarStyle, Tag};

use super::bytes::Bytes;
use super::whole::{count, merge, place};
use super::{Key, Map, Mistake, Node, Parsed, Scalar, Value};
use crate::file::repair::Edits;
use crate::finding::{Code, Finding, Span};

/// Deepest nesting; a topology needs six.
const DEPTH_MAX: usize = 64;

/// Most values in a file, aliases counted as what they stand for.
const NODES_MAX: usize = 200_000;

/// A collection that is being read.
struct Open {
    start: usize,
    anchor: usize,
    kind: Kind,
}

enum Kind {
    List(Vec<Node>),
    /// With the key whose value comes next, and the place of every key.
    Map(Map, Option<Key>, HashMap<String, Span>),
}

pub(super) struct Builder<'a> {
    edits: &'a Edits,
    bytes: Bytes,
    open: Vec<Open>,
    root: Option<Node>,
    anchors: HashMap<usize, (Node, usize)>,
    nodes: usize,
    documents: usize,
    findings: Vec<Finding>,
}

impl<'a> Builder<'a> {
    pub(super) fn new(edits: &'a Edits) -> Self {
        Self {
            edits,
            bytes: Bytes::new(edits.text()),
            open: Vec::new(),
            root: None,
            anchors: HashMap::new(),
            nodes: 0,
            documents: 0,
            findings: Vec::new(),
        }
    }

    pub(super) fn run(&mut self) -> Result<(), Mistake> {
        for event in Parser::new_from_str(self.edits.text()) {
            let (event, span) = event.map_err(|error| Mistake {
                at: self.bytes.at(error.marker()),
                what: error.info().to_owned(),
            })?;
            let (start, end) = (self.bytes.at(&span.start), self.bytes.at(&span.end));
            // The parser counts the blanks behind a quote or a bracket in.
            let end = self
                .edits
                .text()
                .get(start..end)
                .map_or(end, |t| start + t.trim_end().len());
            self.event(event, Span { start, end })?;
        }
        Ok(())
    }

    fn event(&mut self, event: Event<'_>, span: Span) -> Result<(), Mistake> {
        let stop = |what: &str| {
            Err(Mistake {
                at: span.start,
                what: what.to_owned(),
            })
        };
        match event {
            Event::DocumentStart(_) => {
                self.documents += 1;
                if self.documents > 1 {
                    return stop("a topology file is one document");
                }
            }
            Event::Alias(id) => {
                let Some((node, count)) = self.anchors.get(&id).cloned() else {
                    return stop("an anchor cannot stand inside itself");
                };
                self.nodes += count;
                if self.nodes > NODES_MAX {
                    return stop("aliases make the file too large");
                }
                self.add(node, 0, count);
            }
            Event::Scalar(text, style, anchor, tag) => {
                self.tag(tag.as_deref(), span);
                let is_quoted = style != ScalarStyle::Plain;
                let is_null = !is_quoted && matches!(&*text, "" | "~" | "null" | "Null" | "NULL");
                let text = text.into_owned();
                let value = match is_null {
                    // A key may be called null.
                    true if !self.is_at_key() => Value::Null,
                    _ => Value::Scalar(Scalar { text, is_quoted }),
                };
                self.nodes += 1;
                self.add(Node { span, value }, anchor, 1);
            }
            Event::SequenceStart(anchor, tag) => {
                self.tag(tag.as_deref(), span);
                self.open(span, anchor, Kind::List(Vec::new()))?;
            }
            Event::MappingStart(anchor, tag) => {
                self.tag(tag.as_deref(), span);
                self.open(
                    span,
                    anchor,
                    Kind::Map(Map::default(), None, HashMap::new()),
                )?;
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(span.end, false),
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {}
        }
        if self.nodes > NODES_MAX {
            return stop("the file has too many values");
        }
        Ok(())
    }

    fn open(&mut self, span: Span, anchor: usize, kind: Kind) -> Result<(), Mistake> {
        if self.open.len() >= DEPTH_MAX {
            return Err(Mistake {
                at: span.start,
                what: "nested too deeply".to_owned(),
            });
        }
        self.nodes += 1;
        let start = span.start;
        self.open.push(Open {
            start,
            anchor,
            kind,
        });
        Ok(())
    }

    /// Ends the innermost collection. One without brackets ends where its last value does.
    fn close(&mut self, end: usize, is_cut: bool) {
        let Some(open) = self.open.pop() else {
            return;
        };
        let in_brackets = self.edits.text()[open.start..].starts_with(['{', '[']);
        let (value, last) = match open.kind {
            Kind::List(items) => {
                let last = items.last().map(|n| n.span.end);
                (Value::List(items), last)
            }
            Kind::Map(mut map, ..) => {
                map.is_cut = is_cut;
                let last = map.entries.last().map(|(k, n)| n.span.end.max(k.span.end));
                (Value::Map(map), last)
            }
        };
        let end = match last {
            Some(last) if !in_brackets || is_cut => last,
            _ => end,
        };
        let span = Span {
            start: open.start,
            end: end.max(open.start),
        };
        let node = Node { span, value };
        let count = count(&node);
        self.add(node, open.anchor, count);
    }

    fn is_at_key(&self) -> bool {
        matches!(
            self.open.last(),
            Some(Open {
                kind: Kind::Map(_, None, _),
                ..
            })
        )
    }

    fn add(&mut self, node: Node, anchor: usize, count: usize) {
        if anchor != 0 {
            self.anchors.insert(anchor, (node.clone(), count));
        }
        let edits = self.edits;
        match self.open.last_mut().map(|open| &mut open.kind) {
            None => self.root = Some(node),
            Some(Kind::List(items)) => items.push(node),
            Some(Kind::Map(_, key @ None, _)) => match node.value {
                Value::Scalar(scalar) => {
                    *key = Some(Key {
                        text: scalar.text,
                        span: node.span,
                    });
                }
                _ => {
                    let at = edits.origin(node.span);
                    self.findings.push(Finding::new(
                        Code::YamlSyntax,
                        at,
                        "a key is a word, not a list or a mapping",
                    ));
                    *key = Some(Key {
                        text: String::new(),
                        span: node.span,
                    });
                }
            },
            Some(Kind::Map(map, key, seen)) => {
                if let Some(key) = key.take() {
                    let is_new = is_new(&mut self.findings, edits, seen, &key);
                    if is_new {
                        map.entries.push((key, node));
                    }
                }
            }
        }
    }

    fn tag(&mut self, tag: Option<&Tag>, span: Span) {
        if let Some(tag) = tag.filter(|tag| !tag.is_yaml_core_schema()) {
            let message = format!("the tag `{}{}` means nothing here", tag.handle, tag.suffix);
            let at = self.edits.origin(span);
            let finding = Finding::new(Code::YamlSyntax, at, message).help("leave it out");
            self.findings.push(finding);
        }
    }

    pub(super) fn finish(mut self, told: Vec<Finding>, is_cut: bool) -> Parsed {
        while !self.open.is_empty() {
            self.close(self.edits.text().len(), true);
        }
        let mut findings = told;
        findings.append(&mut self.findings);
        let mut root = self.root;
        if let Some(root) = &mut root {
            place(root, self.edits);
            merge(root, &mut findings);
        }
        Parsed {
            root,
            findings,
            is_cut,
        }
    }
}

/// Whether a key stands in its map for the first time; told where it does not.
fn is_new(
    findings: &mut Vec<Finding>,
    edits: &Edits,
    seen: &mut HashMap<String, Span>,
    key: &Key,
) -> bool {
    if key.text.is_empty() || key.text == "<<" {
        return !key.text.is_empty();
    }
    let Some(first) = seen.insert(key.text.clone(), key.span) else {
        return true;
    };
    let message = format!("`{}` stands here twice", key.text);
    let mut finding = Finding::new(Code::DuplicateKey, edits.origin(key.span), message)
        .label("once more")
        .help("keep one of the two: which one counts would differ from reader to reader");
    finding
        .others
        .push((edits.origin(first), "first".to_owned()));
    findings.push(finding);
    false
}
