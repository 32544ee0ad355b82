//! `edges`: entries, expanded into one edge per ordered pair of clusters.

use std::collections::{HashMap, HashSet};

use super::keys::{self, ENTRY, SETTINGS};
use super::reader::Reader;
use super::settings::Settings;
use super::tree::{Map, Node, Value};
use crate::edge::Edge;
use crate::finding::{Code, Finding, Severity, Span};
use crate::name::{Alias, DEAD_LETTER_PREFIX, EdgeName, TOPIC_NAME_MAX};
use crate::near;
use crate::properties::max_in_flight_bytes;

/// Most edges of a topology: a full mesh of 200 clusters has 39,800.
const EDGES_MAX: usize = 50_000;

/// What the entries are read with.
pub(super) struct Context<'a> {
    pub(super) topology: &'a str,
    pub(super) aliases: &'a [String],
    pub(super) defaults: &'a Settings,
}

/// What came of the entries.
#[derive(Default)]
pub(super) struct Entries {
    pub(super) edges: Vec<Edge>,
    /// Every alias that an entry names, be the entry right or wrong.
    pub(super) mentioned: Vec<String>,
}

/// Reads `defaults`.
pub(super) fn defaults(reader: &mut Reader<'_>, node: &Node) -> Settings {
    let mut settings = Settings::default();
    if matches!(node.value, Value::Null) {
        return settings;
    }
    if let Some(map) = reader.map(node, "`defaults`") {
        let map = reader.mended(map, "`defaults`", &keys::names(&[SETTINGS]));
        settings.read(reader, &map);
    }
    settings
}

/// Reads all entries, in the file's order.
pub(super) fn read(reader: &mut Reader<'_>, node: &Node, context: &Context<'_>) -> Entries {
    let mut entries = Entries::default();
    let Value::List(items) = &node.value else {
        if matches!(node.value, Value::Null) {
            no_edges(reader, node.span);
        } else {
            let help = "begin every edge with `- `: `- { from: bj, to: sh, topics: orders }`";
            reader.bad(node.span, "`edges` is a list", help);
        }
        return entries;
    };
    if items.is_empty() {
        no_edges(reader, node.span);
    }
    for item in items {
        if !entry(reader, item, context, &mut entries) {
            let message = format!("a topology has at most {EDGES_MAX} edges");
            reader.bad(item.span, message, "");
            break;
        }
    }
    duplicates(reader, &mut entries.edges);
    entries
}

pub(super) fn no_edges(reader: &mut Reader<'_>, span: Span) {
    let finding = Finding::new(Code::MissingKey, span, "the topology has no edges");
    reader.tell(finding.help("write `edges: [{ from: bj, to: sh, topics: orders }]`"));
}

/// Reads one entry. `false` where its edges would be too many.
fn entry(
    reader: &mut Reader<'_>,
    node: &Node,
    context: &Context<'_>,
    entries: &mut Entries,
) -> bool {
    let Some(map) = reader.map(node, "an edge") else {
        return true;
    };
    let map = &reader.mended(map, "an edge", &keys::names(&[ENTRY, SETTINGS]));
    let mut settings = context.defaults.clone();
    settings.read(reader, map);
    settings.places.insert(String::new(), node.span);
    for (key, node) in &map.entries {
        if keys::has(ENTRY, &key.text) {
            settings.places.insert(key.text.clone(), node.span);
        }
    }
    let from = ends(reader, map, node, "from", context, entries);
    let to = ends(reader, map, node, "to", context, entries);
    let both_ways = map.get("both_ways");
    let is_both_ways = both_ways.and_then(|n| reader.flag(n, "both_ways"));
    let is_both_ways = is_both_ways.unwrap_or(false);
    let names = Names {
        name: name(reader, map, "name", context),
        renamed_from: name(reader, map, "renamed_from", context),
        is_expanded: is_both_ways || from.is_list || to.is_list,
    };
    across_keys(reader, &settings);
    if settings.topics.is_none() && !map.is_cut {
        let message = "the edge has no `topics`";
        let finding = Finding::new(Code::MissingKey, node.span, message);
        reader.tell(finding.help("write `topics: orders`, or `topics: '.*'` for every topic"));
    }
    let pairs = pairs(&from, &to, is_both_ways);
    if pairs.is_empty() && !from.aliases.is_empty() && !to.aliases.is_empty() {
        self_edge(reader, node, map, &from);
    }
    if entries.edges.len() + pairs.len() > EDGES_MAX {
        return false;
    }
    if !settings.is_sound || settings.topics.as_ref().is_none_or(Vec::is_empty) {
        return true;
    }
    for (source, target) in pairs {
        entries.edges.push(edge(&settings, &names, source, target));
    }
    true
}

/// One side of an entry.
struct Ends {
    aliases: Vec<String>,
    is_list: bool,
}

fn ends(
    reader: &mut Reader<'_>,
    map: &Map,
    entry: &Node,
    key: &str,
    context: &Context<'_>,
    entries: &mut Entries,
) -> Ends {
    let mut ends = Ends {
        aliases: Vec::new(),
        is_list: false,
    };
    let Some(node) = map.get(key) else {
        if !map.is_cut {
            let message = format!("the edge has no `{key}`");
            let finding = Finding::new(Code::MissingKey, entry.span, message);
            reader.tell(finding.help(format!("write `{key}: ALIAS`")));
        }
        return ends;
    };
    let nodes = match &node.value {
        Value::List(items) => {
            ends.is_list = true;
            if items.is_empty() {
                reader.bad(node.span, format!("`{key}` names no cluster"), "");
            }
            items.iter().collect()
        }
        _ => vec![node],
    };
    for node in nodes {
        let Some(text) = reader.text(node, key) else {
            continue;
        };
        entries.mentioned.push(text.text.clone());
        if context.aliases.contains(&text.text) {
            if !ends.aliases.contains(&text.text) {
                ends.aliases.push(text.text);
            }
        } else if !text.is_open {
            let finding = unknown_cluster(&text.text, text.span, context.aliases);
            reader.tell(finding);
        }
    }
    ends
}

/// An alias that is not declared.
pub(super) fn unknown_cluster(alias: &str, span: Span, aliases: &[String]) -> Finding {
    let finding = Finding::new(
        Code::UnknownCluster,
        span,
        format!("there is no cluster `{alias}`"),
    );
    let known = aliases.iter().map(String::as_str);
    match near::nearest(alias, known) {
        Some(nearest) => finding
            .label(format!("did you mean `{nearest}`?"))
            .help(format!(
                "write `{nearest}`, or declare `{alias}` under `clusters`"
            )),
        None => finding.help(format!("declare `{alias}` under `clusters`")),
    }
}

fn name(reader: &mut Reader<'_>, map: &Map, key: &str, context: &Context<'_>) -> Option<String> {
    let text = reader.text(map.get(key)?, key)?;
    let is_legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let length = DEAD_LETTER_PREFIX.len() + context.topology.len() + 1 + text.text.len();
    let why = if text.is_open {
        return None;
    } else if text.text.is_empty() {
        "the name of an edge is not empty".to_owned()
    } else if let Some(c) = text.text.chars().find(|&c| !is_legal(c)) {
        format!("`{c}` is not allowed in the name of an edge")
    } else if length > TOPIC_NAME_MAX {
        "the name of the edge is too long for its dead-letter topic".to_owned()
    } else {
        return Some(text.text);
    };
    let help = "group and topic names are made of it: letters, digits, `.`, `_` and `-`";
    reader.bad(text.span, why, help);
    None
}

/// Ordered pairs of different clusters, each once.
fn pairs(from: &Ends, to: &Ends, is_both_ways: bool) -> Vec<(String, String)> {
    let mut pairs: Vec<(String, String)> = Vec::new();
    let mut seen = HashSet::new();
    for source in &from.aliases {
        for target in &to.aliases {
            let there = (source.clone(), target.clone());
            let back = (target.clone(), source.clone());
            for pair in [Some(there), is_both_ways.then_some(back)] {
                let new = pair.filter(|p| p.0 != p.1 && seen.insert(p.clone()));
                pairs.extend(new);
            }
        }
    }
    pairs
}

fn self_edge(reader: &mut Reader<'_>, entry: &Node, map: &Map, from: &Ends) {
    let alias = &from.aliases[0];
    let span = map.get("to").map_or(entry.span, |n| n.span);
    let message = format!("the edge goes from `{alias}` to itself");
    let finding = Finding::new(Code::SelfEdge, span, message);
    reader.tell(
        finding
            .label("the cluster that is read")
            .help("an edge goes from one cluster to another"),
    );
}

struct Names {
    name: Option<String>,
    renamed_from: Option<String>,
    is_expanded: bool,
}

impl Names {
    fn of(&self, given: Option<&String>, source: &str, target: &str) -> Option<EdgeName> {
        let name = match given? {
            name if self.is_expanded => format!("{name}-{source}-to-{target}"),
            name => name.clone(),
        };
        Some(EdgeName::new(name))
    }
}

fn edge(settings: &Settings, names: &Names, source: String, target: String) -> Edge {
    let name = names.of(names.name.as_ref(), &source, &target);
    let name = name.unwrap_or_else(|| EdgeName::new(format!("{source}-to-{target}")));
    let renamed_from = names.of(names.renamed_from.as_ref(), &source, &target);
    let (source, target) = (Alias::new(source), Alias::new(target));
    let (rename, rules) = settings.rename.resolve(&source, &target);
    let settings = settings.clone();
    let mut places = settings.places;
    for (index, span) in rules.into_iter().enumerate() {
        places.insert(format!("rename[{index}]"), span);
    }
    let values = |properties: super::client::Properties| {
        properties.into_iter().map(|(k, p)| (k, p.value)).collect()
    };
    Edge {
        name,
        renamed_from,
        source,
        target,
        topics: settings.topics.unwrap_or_default(),
        exclude_topics: settings.exclude_topics,
        rename,
        forward: settings.forward,
        provenance: settings.provenance,
        merge: settings.merge,
        delivery: settings.delivery,
        profile: settings.profile,
        streams: settings.streams,
        start: settings.start,
        max_in_flight: settings
            .max_in_flight
            .unwrap_or_else(|| max_in_flight_bytes(settings.profile)),
        limit: settings.limit,
        consumer: values(settings.consumer),
        producer: values(settings.producer),
        sample: settings.sample,
        filter: settings.filter,
        drop_headers: settings.drop_headers,
        sync: settings.sync,
        on_oversize: settings.on_oversize,
        on_gap: settings.on_gap,
        on_recreated: settings.on_recreated,
        expect: settings.expect,
        enabled: settings.enabled,
        report_group: settings.report_group,
        homeward: None,
        places,
    }
}

/// Keys that do not go together.
fn across_keys(reader: &mut Reader<'_>, settings: &Settings) {
    if settings.provenance {
        return;
    }
    let place = |key: &str| {
        let found = settings
            .places
            .get(key)
            .or(settings.places.get("provenance"));
        found.copied().unwrap_or_default()
    };
    if settings.forward == crate::edge::Forward::Local {
        reader.bad(
            place("forward"),
            "`forward: local` cannot tell local records without `provenance`",
            "leave `provenance: false` out",
        );
    }
    if settings.sync.groups.is_some() {
        reader.bad(
            place("sync.groups"),
            "`sync.groups` cannot translate offsets without `provenance`",
            "leave `provenance: false` out",
        );
    }
}

/// Two edges of one name: the second is told, and left out of the graph.
fn duplicates(reader: &mut Reader<'_>, edges: &mut Vec<Edge>) {
    let mut kept: Vec<Edge> = Vec::with_capacity(edges.len());
    let mut places: HashMap<EdgeName, Span> = HashMap::new();
    for edge in edges.drain(..) {
        let Some(first) = places.get(&edge.name) else {
            places.insert(edge.name.clone(), edge.place("name"));
            kept.push(edge);
            continue;
        };
        let message = format!("two edges are called `{}`", edge.name);
        let mut finding = Finding::new(Code::DuplicateEdge, edge.place("name"), message)
            .label("once more")
            .help("give each a `name`: the progress of an edge is kept under it");
        debug_assert_eq!(finding.severity, Severity::Error);
        let first_place = (*first, "first".to_owned());
        finding.others.push(first_place);
        finding.edges.push(edge.name.clone());
        reader.tell(finding);
    }
    *edges = kept;
}
