//! YAML with places: text to a tree of values, each with the bytes it stands in.
//!
//! The only module that knows the YAML parser. Whatever the text, the work is bounded: depth, nodes
//! (aliases counted as what they stand for) and syntax errors have limits.

use std::collections::HashMap;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, Tag};

use super::repair::{self, Edits};
use crate::finding::{Code, Finding, Span};

/// Deepest nesting; a topology needs six.
const DEPTH_MAX: usize = 64;

/// Most values in a file, aliases counted as what they stand for.
const NODES_MAX: usize = 200_000;

/// Most syntax errors told of one file.
const ERRORS_MAX: usize = 20;

/// Longest text, in bytes: a topology of ten thousand edges is a tenth of it.
const TEXT_MAX: usize = 16 << 20;

/// A value and the bytes it stands in.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) span: Span,
    pub(crate) value: Value,
}

#[derive(Clone, Debug)]
pub(crate) enum Value {
    /// Nothing was written, or `null` or `~`.
    Null,
    Scalar(Scalar),
    List(Vec<Node>),
    Map(Map),
}

/// A word, number or text; what it means is decided by who reads it.
#[derive(Clone, Debug)]
pub(crate) struct Scalar {
    pub(crate) text: String,
    /// Quoted texts are never numbers of the file's making, nor nothing.
    pub(crate) is_quoted: bool,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Map {
    /// In the file's order; keys are unique, but for those told as duplicates.
    pub(crate) entries: Vec<(Key, Node)>,
    /// Whether a syntax error cut it off: what is missing may stand behind it.
    pub(crate) is_cut: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Key {
    pub(crate) text: String,
    pub(crate) span: Span,
}

impl Map {
    /// The value of a key.
    pub(crate) fn get(&self, key: &str) -> Option<&Node> {
        self.entries
            .iter()
            .find(|(k, _)| k.text == key)
            .map(|(_, node)| node)
    }
}

/// What came of a text.
pub(crate) struct Parsed {
    /// `None` for an empty text.
    pub(crate) root: Option<Node>,
    pub(crate) findings: Vec<Finding>,
    /// Whether a syntax error remained that hides the rest of the text.
    pub(crate) is_cut: bool,
}

/// Parses a text. Mistakes that are understood are told, mended and read past; at the first one that
/// is not, the rest of the text is left out.
pub(crate) fn parse(text: &str) -> Parsed {
    if text.len() > TEXT_MAX {
        let message = format!("the file is larger than {} MiB", TEXT_MAX >> 20);
        return Parsed {
            root: None,
            findings: vec![Finding::new(Code::YamlSyntax, Span::default(), message)],
            is_cut: true,
        };
    }
    let mut edits = Edits::new(text);
    let mut told = Vec::new();
    if let Some((finding, mending)) = repair::full_width(&edits) {
        told.push(finding);
        edits.apply(mending);
    }
    loop {
        let mut builder = Builder::new(&edits);
        let Err(mistake) = builder.run() else {
            return builder.finish(told, false);
        };
        let understood = repair::understand(&edits, &mistake);
        let Some((finding, mending)) = understood else {
            let at = edits.origin(Span {
                start: mistake.at,
                end: edits.line_end(mistake.at),
            });
            told.push(
                Finding::new(Code::YamlSyntax, at, repair::in_plain_words(&mistake.what))
                    .label(mistake.what.clone()),
            );
            return builder.finish(told, true);
        };
        told.push(finding);
        if told.len() >= ERRORS_MAX || !edits.change(&mending) {
            return builder.finish(told, true);
        }
        edits.apply(mending);
    }
}

/// Where and why the parser stopped, in the mended text.
pub(super) struct Mistake {
    pub(super) at: usize,
    pub(super) what: String,
}

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

struct Builder<'a> {
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
    fn new(edits: &'a Edits) -> Self {
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

    fn run(&mut self) -> Result<(), Mistake> {
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

    fn finish(mut self, told: Vec<Finding>, is_cut: bool) -> Parsed {
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

/// How many values a tree has.
fn count(node: &Node) -> usize {
    1 + match &node.value {
        Value::List(items) => items.iter().map(count).sum::<usize>(),
        Value::Map(map) => map.entries.iter().map(|(_, n)| count(n)).sum(),
        Value::Null | Value::Scalar(_) => 0,
    }
}

/// Turns places in the mended text into those of the file.
fn place(node: &mut Node, edits: &Edits) {
    node.span = edits.origin(node.span);
    match &mut node.value {
        Value::List(items) => items.iter_mut().for_each(|n| place(n, edits)),
        Value::Map(map) => {
            for (key, value) in &mut map.entries {
                key.span = edits.origin(key.span);
                place(value, edits);
            }
        }
        Value::Null | Value::Scalar(_) => {}
    }
}

/// Carries out merge keys (`<<: *base`): what stands in the map itself wins, then earlier bases.
fn merge(node: &mut Node, findings: &mut Vec<Finding>) {
    let map = match &mut node.value {
        Value::List(items) => {
            items.iter_mut().for_each(|n| merge(n, findings));
            return;
        }
        Value::Map(map) => map,
        Value::Null | Value::Scalar(_) => return,
    };
    map.entries.iter_mut().for_each(|(_, n)| merge(n, findings));
    let mut bases = Vec::new();
    map.entries.retain_mut(|(key, value)| {
        if key.text != "<<" {
            return true;
        }
        match std::mem::replace(&mut value.value, Value::Null) {
            Value::List(items) => bases.extend(items),
            other => bases.push(Node {
                span: value.span,
                value: other,
            }),
        }
        false
    });
    for base in bases {
        let Value::Map(base_map) = base.value else {
            let message = "`<<` takes in a mapping, or a list of mappings";
            findings.push(Finding::new(Code::BadValue, base.span, message));
            continue;
        };
        for (key, value) in base_map.entries {
            if !map.entries.iter().any(|(k, _)| k.text == key.text) {
                map.entries.push((key, value));
            }
        }
    }
}

/// Places of the parser, which are counted in characters, as bytes.
struct Bytes {
    /// `None` where every character is one byte.
    starts: Option<Vec<usize>>,
    len: usize,
}

impl Bytes {
    fn new(text: &str) -> Self {
        let starts = || text.char_indices().map(|(at, _)| at).collect();
        Self {
            starts: (!text.is_ascii()).then(starts),
            len: text.len(),
        }
    }

    fn at(&self, mark: &Marker) -> usize {
        let index = mark.index();
        let byte = self
            .starts
            .as_ref()
            .map_or(Some(index), |starts| starts.get(index).copied());
        byte.unwrap_or(self.len).min(self.len)
    }
}
