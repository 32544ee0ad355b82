//! Drafts in one line an edge: `a-to-b: a>b orders.* !orders-dlq suffix local no-provenance merge off`.

use std::collections::BTreeMap;

use crossdock_model::edge::{Edge, Forward, Groups, Part, Pattern, Rename, RenameRule, Sync};
use crossdock_model::finding::Span;
use crossdock_model::name::{Alias, EdgeName};
use crossdock_model::topology::{Cluster, Draft};

/// Reads a draft. `clusters` are separated by spaces; every line is an edge: `[name:] from>to`, then
/// words. The first word is the filter, `!x` excludes, `k=v` with `rename` and `rule` (`match=>to`).
pub(crate) fn draft(clusters: &str, edges: &[&str]) -> Draft {
    Draft {
        name: "test".into(),
        home: None,
        clusters: clusters.split_whitespace().map(cluster).collect(),
        edges: (0..).zip(edges).map(|(n, text)| edge(n, text)).collect(),
    }
}

fn cluster(alias: &str) -> Cluster {
    Cluster {
        alias: Alias::new(alias),
        properties: BTreeMap::from([("bootstrap.servers".into(), format!("{alias}:9092"))]),
        places: BTreeMap::new(),
    }
}

fn pattern(text: &str) -> Pattern {
    Pattern { text: text.into() }
}

fn edge(number: usize, text: &str) -> Edge {
    let mut words = text.split_whitespace().peekable();
    let name = words
        .next_if(|w| w.ends_with(':'))
        .map(|w| w.trim_end_matches(':'));
    let (source, target) = words
        .next()
        .expect("ends")
        .split_once('>')
        .expect("from>to");
    let name = name.map_or_else(|| format!("{source}-to-{target}"), str::to_owned);
    let span = Span {
        start: number * 100,
        end: number * 100 + 99,
    };
    let mut edge = Edge {
        places: BTreeMap::from([(String::new(), span)]),
        ..plain(&name, source, target)
    };
    for word in words {
        match word {
            "local" => edge.forward = Forward::Local,
            "no-provenance" => edge.provenance = false,
            "merge" => edge.merge = true,
            "off" => edge.enabled = false,
            "groups" => {
                edge.sync.groups = Some(Groups {
                    include: vec![pattern(".*")],
                    exclude: vec![],
                })
            }
            "prefix" => edge
                .rename
                .rules
                .push(rule(None, "{source}.{topic}", &edge)),
            "suffix" => edge
                .rename
                .rules
                .push(rule(None, "{topic}-{source}", &edge)),
            _ if word.starts_with('!') => edge.exclude_topics.push(pattern(&word[1..])),
            _ if word.starts_with("rename=") => {
                edge.rename
                    .rules
                    .push(rule(None, &word["rename=".len()..], &edge));
            }
            _ if word.contains("=>") => {
                let (matches, to) = word.split_once("=>").expect("match=>to");
                edge.rename
                    .rules
                    .push(rule(Some(pattern(matches)), to, &edge));
            }
            _ => edge.topics.push(pattern(word)),
        }
    }
    edge
}

fn plain(name: &str, source: &str, target: &str) -> Edge {
    Edge {
        name: EdgeName::new(name),
        renamed_from: None,
        source: Alias::new(source),
        target: Alias::new(target),
        topics: Vec::new(),
        exclude_topics: Vec::new(),
        rename: Rename::default(),
        forward: Forward::All,
        provenance: true,
        merge: false,
        delivery: Default::default(),
        profile: Default::default(),
        streams: 1,
        start: Default::default(),
        max_in_flight: 64 << 20,
        limit: None,
        consumer: BTreeMap::new(),
        producer: BTreeMap::new(),
        sample: None,
        filter: Default::default(),
        drop_headers: Vec::new(),
        sync: Sync::default(),
        on_oversize: Default::default(),
        on_gap: Default::default(),
        on_recreated: Default::default(),
        expect: Default::default(),
        enabled: true,
        report_group: None,
        homeward: None,
        places: BTreeMap::new(),
    }
}

fn rule(matches: Option<Pattern>, to: &str, edge: &Edge) -> RenameRule {
    let to = to.replace("{source}", edge.source.as_str());
    let mut rest = to.replace("{target}", edge.target.as_str());
    let mut parts = Vec::new();
    while let Some(c) = rest.chars().next() {
        let digit = rest.chars().nth(1).and_then(|d| d.to_digit(10));
        if let Some(after) = rest.strip_prefix("{topic}") {
            parts.push(Part::Topic);
            rest = after.to_owned();
        } else if let ('$', Some(digit)) = (c, digit) {
            parts.push(Part::Group(digit as usize));
            rest = rest[2..].to_owned();
        } else {
            match parts.last_mut() {
                Some(Part::Literal(text)) => text.push(c),
                _ => parts.push(Part::Literal(c.into())),
            }
            rest = rest[c.len_utf8()..].to_owned();
        }
    }
    RenameRule { matches, to: parts }
}
