//! The topology file: text to clusters and edges, every value with its place.

mod client;
mod clusters;
mod edges;
mod encoding;
mod expect;
mod filter;
pub(crate) mod keys;
mod pattern;
mod quantity;
mod reader;
mod relations;
mod rename;
mod repair;
mod schema;
mod settings;
mod sync;
pub(crate) mod tree;
mod variables;

use crate::finding::{Code, Finding, Span};
use crate::name::Alias;
use crate::topology::Draft;
use edges::Context;
pub use encoding::{NotText, decode};
use keys::TOPOLOGY;
use reader::Reader;
pub use schema::schema;
use tree::{Map, Node, Value};

/// Where variables get their values: the shell's business.
pub trait Variables {
    /// The value of `${NAME}`, if it is set.
    fn environment(&self, name: &str) -> Option<String>;

    /// The content of `${file:PATH}`.
    ///
    /// # Errors
    /// Why it cannot be read, as a clause.
    fn file(&self, path: &str) -> Result<String, String>;
}

/// Longest name of a topology: group and topic names begin with it.
const NAME_MAX: usize = 100;

/// Reads a topology file: parses, expands lists and `both_ways`, applies defaults.
///
/// Returns what could be read with all findings about the file itself, in the file's order. The draft
/// holds every cluster and edge that could be understood, so that the graph is checked even where
/// another part of the file is wrong; `None` when the text is not YAML at all.
/// Without `variables`, those of the file stay as they are and unset ones are no finding.
pub fn read(text: &str, variables: Option<&dyn Variables>) -> (Option<Draft>, Vec<Finding>) {
    let parsed = tree::parse(text);
    let mut reader = Reader::new(text, variables);
    parsed.findings.into_iter().for_each(|f| reader.tell(f));
    let empty = Node {
        span: Span::default(),
        value: Value::Map(Map::default()),
    };
    let draft = match (parsed.root, parsed.is_cut) {
        (Some(root), is_cut) => root_map(&mut reader, &root, is_cut).map(|(map, span)| {
            let mut map = map.clone();
            map.is_cut |= is_cut;
            draft(&mut reader, &map, span)
        }),
        (None, true) => None,
        // An empty file, or only comments.
        (None, false) => {
            let map = Map::default();
            Some(draft(&mut reader, &map, empty.span))
        }
    };
    let mut findings = reader.findings;
    findings.sort_by_key(|f| f.span.start);
    (draft, findings)
}

/// The places of all secrets in a text, for whoever shows parts of it; and whether the whole text
/// could be searched.
pub fn secrets(text: &str) -> (Vec<Span>, bool) {
    fn walk(node: &Node, found: &mut Vec<Span>) {
        match &node.value {
            Value::List(items) => items.iter().for_each(|n| walk(n, found)),
            Value::Map(map) => {
                for (key, value) in &map.entries {
                    match value.value {
                        Value::Scalar(_) if crate::properties::is_secret(&key.text) => {
                            found.push(value.span);
                        }
                        _ => walk(value, found),
                    }
                }
            }
            Value::Null | Value::Scalar(_) => {}
        }
    }
    let mut found = Vec::new();
    let parsed = tree::parse(text);
    if let Some(root) = &parsed.root {
        walk(root, &mut found);
    }
    (found, !parsed.is_cut)
}

/// The map that a topology is. `None` where the text is no topology at all: then a finding says so.
fn root_map<'n>(reader: &mut Reader<'_>, root: &'n Node, is_cut: bool) -> Option<(&'n Map, Span)> {
    let start = Span {
        start: root.span.start,
        end: root.span.start,
    };
    let known = |map: &Map| {
        map.entries
            .iter()
            .any(|(k, _)| keys::has(TOPOLOGY, &k.text))
    };
    match &root.value {
        // Garbage that happens to begin like a mapping.
        Value::Map(map) if is_cut && !known(map) => None,
        Value::Map(map) => Some((map, start)),
        other => {
            let found = match other {
                Value::List(_) => "a list",
                _ => "plain text",
            };
            let message = format!("this is {found}, not a topology");
            let finding = Finding::new(Code::YamlSyntax, root.span, message);
            reader.tell(finding.help(match is_properties(reader.source) {
                true => "`crossdock import` turns MirrorMaker's properties into a topology",
                false => "a topology has the keys `topology`, `clusters` and `edges`",
            }));
            None
        }
    }
}

/// Whether every line is a Java property.
fn is_properties(text: &str) -> bool {
    let lines = text.lines().map(str::trim);
    let mut lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    let is_property = |line: &str| {
        let key = line.split_once('=').map(|(key, _)| key.trim());
        key.is_some_and(|key| !key.is_empty() && !key.contains(' '))
    };
    lines.clone().next().is_some() && lines.all(is_property)
}

fn draft(reader: &mut Reader<'_>, map: &Map, start: Span) -> Draft {
    for (key, _) in &map.entries {
        // `x-…` is a place for anchors, as in other files of the kind.
        if !keys::has(TOPOLOGY, &key.text) && !key.text.starts_with("x-") {
            reader.unknown_key(key, "a topology", &keys::names(&[TOPOLOGY]));
        }
    }
    for key in ["topology", "clusters", "edges"] {
        if meant(map, key).is_none() && !map.is_cut {
            missing(reader, key, start);
        }
    }
    let name = meant(map, "topology").and_then(|n| name(reader, n));
    let name = name.unwrap_or_default();
    let clusters = meant(map, "clusters").map(|n| clusters::read(reader, n));
    let clusters = clusters.unwrap_or_default();
    let aliases: Vec<_> = clusters.iter().map(|c| c.alias.to_string()).collect();
    let home = map.get("home").and_then(|n| home(reader, n, &aliases));
    let defaults = map.get("defaults").map(|n| edges::defaults(reader, n));
    let context = Context {
        topology: &name,
        aliases: &aliases,
        defaults: &defaults.unwrap_or_default(),
    };
    let entries = meant(map, "edges").map(|n| edges::read(reader, n, &context));
    let entries = entries.unwrap_or_default();
    let draft = Draft {
        name,
        home,
        clusters,
        edges: entries.edges,
    };
    relations::shared_groups(reader, &draft);
    relations::weak_settings(reader, &draft);
    if !entries.mentioned.is_empty() && !map.is_cut {
        relations::unused_clusters(reader, &draft, &entries.mentioned);
    }
    draft
}

/// The value of a key, or of what was written in its place: that is told, and what stands under it is
/// checked all the same.
fn meant<'m>(map: &'m Map, key: &str) -> Option<&'m Node> {
    let known = keys::names(&[TOPOLOGY]);
    let is_meant = |(word, _): &&(tree::Key, Node)| {
        !known.contains(&word.text.as_str())
            && crate::near::nearest(&word.text, known.iter().copied()) == Some(key)
    };
    let slip = || map.entries.iter().find(is_meant).map(|(_, node)| node);
    map.get(key).or_else(slip)
}

fn missing(reader: &mut Reader<'_>, key: &str, start: Span) {
    match key {
        "edges" => edges::no_edges(reader, start),
        _ => {
            let finding = Finding::new(
                Code::MissingKey,
                start,
                format!("the topology has no `{key}`"),
            );
            reader.tell(finding.help(match key {
                "topology" => "give it a name: `topology: cn-prod`",
                _ => "declare its clusters: `clusters: { bj: { bootstrap.servers: host:9092 } }`",
            }));
        }
    }
}

fn name(reader: &mut Reader<'_>, node: &Node) -> Option<String> {
    let text = reader.text(node, "topology")?;
    let is_legal = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let why = if text.is_open {
        return Some("open".to_owned());
    } else if text.text.is_empty() {
        "the name of a topology is not empty".to_owned()
    } else if let Some(c) = text.text.chars().find(|&c| !is_legal(c)) {
        format!("`{c}` is not allowed in the name of a topology")
    } else if text.text.len() > NAME_MAX {
        format!("the name of a topology has at most {NAME_MAX} characters")
    } else {
        return Some(text.text);
    };
    let help = "group and topic names begin with it: lower-case letters, digits and `-`";
    reader.bad(text.span, why, help);
    None
}

fn home(reader: &mut Reader<'_>, node: &Node, aliases: &[String]) -> Option<Alias> {
    let text = reader.text(node, "home")?;
    if aliases.contains(&text.text) {
        return Some(Alias::new(text.text));
    }
    if !text.is_open {
        let finding = edges::unknown_cluster(&text.text, text.span, aliases);
        reader.tell(finding);
    }
    None
}

#[cfg(test)]
mod tests;
