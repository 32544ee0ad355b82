//! `validate --effective`: every edge as expanded, every client property, and where it comes from.

use std::fmt::Write;

use crossdock_model::edge::{Edge, Filter, Limit, Part, Pattern, Rename, Start};
use crossdock_model::name::Alias;
use crossdock_model::properties::{Effective, Origin, Role, commit_interval_ms, effective};
use crossdock_model::topology::{Cluster, Draft};
use serde_json::{Value, json};

use crate::load::Checked;
use crate::report::place;

/// One setting of an edge: key, value, where it comes from.
struct Setting {
    key: String,
    value: String,
    from: String,
}

/// For people.
pub(super) fn text(checked: &Checked) -> String {
    let mut out = String::new();
    for (draft, edge) in edges(checked) {
        writeln!(out, "\n{}: {} → {}", edge.name, edge.source, edge.target).ok();
        table(&mut out, "  ", &settings(checked, edge));
        for (role, settings) in clients(checked, draft, edge) {
            writeln!(out, "  {role}").ok();
            table(&mut out, "    ", &settings);
        }
    }
    out
}

/// What the file itself gives, edge by edge: defaults, and what follows from them, are left out.
pub(crate) fn given(checked: &Checked) -> String {
    let is_given = |s: &Setting| {
        let mut origins = ["line ", "cluster ", "edge: "].iter();
        origins.any(|origin| s.from.starts_with(origin))
    };
    let mut out = String::new();
    for (draft, edge) in edges(checked) {
        writeln!(out, "{}: {} → {}", edge.name, edge.source, edge.target).ok();
        let clients = clients(checked, draft, edge).into_iter();
        let all = settings(checked, edge).into_iter();
        let all = all.chain(clients.flat_map(|(_, settings)| settings));
        let given: Vec<Setting> = all.filter(is_given).collect();
        table(&mut out, "  ", &given);
    }
    out
}

/// For programs.
pub(crate) fn json(checked: &Checked) -> Value {
    let list = |settings: Vec<Setting>| -> Value {
        let one = |s: Setting| json!({"name": s.key, "value": s.value, "from": s.from});
        settings.into_iter().map(one).collect()
    };
    let edge = |(draft, edge): (&Draft, &Edge)| {
        let mut value = json!({
            "name": edge.name,
            "source": edge.source,
            "target": edge.target,
            "settings": list(settings(checked, edge)),
        });
        for (role, settings) in clients(checked, draft, edge) {
            value[role.to_string()] = list(settings);
        }
        value
    };
    edges(checked).map(edge).collect()
}

fn edges(checked: &Checked) -> impl Iterator<Item = (&Draft, &Edge)> {
    let draft = checked.draft.iter();
    draft.flat_map(|draft| draft.edges.iter().map(move |edge| (draft, edge)))
}

fn table(out: &mut String, indent: &str, settings: &[Setting]) {
    let width = |of: fn(&Setting) -> &str| {
        let widths = settings.iter().map(|s| of(s).chars().count());
        widths.max().unwrap_or_default().min(44)
    };
    let (keys, values) = (width(|s| &s.key), width(|s| &s.value));
    for Setting { key, value, from } in settings {
        writeln!(out, "{indent}{key:keys$}  {value:values$}  {from}").ok();
    }
}

fn settings(checked: &Checked, edge: &Edge) -> Vec<Setting> {
    let from = |key: &str| match edge.places.get(key) {
        Some(span) => format!("line {}", place(&checked.text, span.start).line),
        None => "default".to_owned(),
    };
    let words = values(edge);
    words
        .into_iter()
        .map(|(key, value)| Setting {
            from: from(key),
            key: key.to_owned(),
            value,
        })
        .collect()
}

fn values(edge: &Edge) -> Vec<(&'static str, String)> {
    let none = || "none".to_owned();
    let group = edge.report_group.clone().unwrap_or_else(none);
    let sync = &edge.sync;
    let groups = sync.groups.as_ref();
    let groups = groups.map_or_else(none, |g| match g.exclude.is_empty() {
        true => patterns(&g.include),
        false => format!("{} without {}", patterns(&g.include), patterns(&g.exclude)),
    });
    let excluded = match edge.exclude_topics.is_empty() {
        true => none(),
        false => patterns(&edge.exclude_topics),
    };
    vec![
        ("topics", patterns(&edge.topics)),
        ("exclude_topics", excluded),
        ("rename", rename(&edge.rename)),
        ("forward", word(edge.forward)),
        ("provenance", edge.provenance.to_string()),
        ("merge", edge.merge.to_string()),
        ("delivery", word(edge.delivery)),
        ("profile", word(edge.profile)),
        ("streams", edge.streams.to_string()),
        ("start", start(edge.start)),
        ("max_in_flight", format!("{} bytes", edge.max_in_flight)),
        ("limit", edge.limit.map_or_else(none, limit)),
        ("sample", edge.sample.map_or_else(none, percent)),
        ("filter", filter(&edge.filter)),
        (
            "drop_headers",
            match edge.drop_headers.is_empty() {
                true => none(),
                false => patterns(&edge.drop_headers),
            },
        ),
        ("sync.topics", sync.topics.to_string()),
        ("sync.configs", sync.configs.to_string()),
        ("sync.partitions", sync.partitions.to_string()),
        ("sync.groups", groups),
        ("sync.acls", sync.acls.to_string()),
        ("on_oversize", word(edge.on_oversize)),
        ("on_gap", word(edge.on_gap)),
        ("on_recreated", word(edge.on_recreated)),
        ("expect.lag", thresholds(edge.expect.lag, |n| n.to_string())),
        (
            "expect.latency",
            thresholds(edge.expect.latency, |d| format!("{d:?}")),
        ),
        (
            "expect.error_rate",
            thresholds(edge.expect.error_rate, |r| format!("{}%", r * 100.0)),
        ),
        (
            "expect.throughput",
            edge.expect.throughput.map_or_else(none, limit),
        ),
        ("enabled", edge.enabled.to_string()),
        ("report_group", group),
    ]
}

fn percent(share: f64) -> String {
    format!("{}%", share * 100.0)
}

fn filter(filter: &Filter) -> String {
    let key = filter.key.iter().map(|p| format!("key {}", p.text));
    let headers = filter.headers.iter();
    let headers = headers.map(|(name, p)| format!("header {name} {}", p.text));
    let all: Vec<String> = key.chain(headers).collect();
    match all.is_empty() {
        true => "none".to_owned(),
        false => all.join(" and "),
    }
}

fn patterns(patterns: &[Pattern]) -> String {
    let texts: Vec<_> = patterns.iter().map(|p| p.text.as_str()).collect();
    texts.join(", ")
}

/// A word of the file, from the name of its variant: `ExactlyOnce` is `exactly_once`.
fn word(variant: impl std::fmt::Debug) -> String {
    let mut out = String::new();
    for c in format!("{variant:?}").chars() {
        if c.is_ascii_uppercase() && !out.is_empty() {
            out.push('_');
        }
        out.push(c.to_ascii_lowercase());
    }
    out
}

fn start(start: Start) -> String {
    match start {
        Start::Timestamp(ms) => format!("{ms} ms since 1970"),
        other => word(other),
    }
}

fn limit(limit: Limit) -> String {
    match limit {
        Limit::Bytes(n) => format!("{n} bytes/s"),
        Limit::Records(n) => format!("{n} records/s"),
    }
}

fn thresholds<T>(
    thresholds: crossdock_model::edge::Thresholds<T>,
    show: impl Fn(T) -> String,
) -> String {
    let named = |name: &str, value: Option<T>| value.map(|v| format!("{name} {}", show(v)));
    let both: Vec<_> = [
        named("warn", thresholds.warn),
        named("alarm", thresholds.alarm),
    ]
    .into_iter()
    .flatten()
    .collect();
    match both.is_empty() {
        true => "none".to_owned(),
        false => both.join(", "),
    }
}

/// A rename as it is written for this edge.
pub(crate) fn rename(rename: &Rename) -> String {
    if rename.rules.is_empty() {
        return "keep".to_owned();
    }
    let rule = |rule: &crossdock_model::edge::RenameRule| {
        let to: String = rule.to.iter().map(part).collect();
        match &rule.matches {
            Some(pattern) => format!("{} → {to}", pattern.text),
            None => to,
        }
    };
    rename.rules.iter().map(rule).collect::<Vec<_>>().join(", ")
}

fn part(part: &Part) -> String {
    match part {
        Part::Literal(text) => text.clone(),
        Part::Topic => "{topic}".to_owned(),
        Part::Group(number) => format!("${number}"),
    }
}

fn clients(checked: &Checked, draft: &Draft, edge: &Edge) -> Vec<(Role, Vec<Setting>)> {
    let cluster = |alias: &Alias| draft.clusters.iter().find(|c| c.alias == *alias);
    let of = |role, cluster: &Cluster| {
        let settings = effective(role, cluster, Some(edge));
        let setting = |s: Effective| Setting {
            from: origin(checked, cluster, edge, role, &s),
            value: s.shown().to_owned(),
            key: s.name,
        };
        let mut list: Vec<_> = settings.into_iter().map(setting).collect();
        if role == Role::Producer {
            list.push(Setting {
                key: "commit interval".to_owned(),
                value: format!("{} ms", commit_interval_ms(edge.profile)),
                from: format!("profile {}", word(edge.profile)),
            });
        }
        (role, list)
    };
    let source = cluster(&edge.source).map(|c| of(Role::Consumer, c));
    let target = cluster(&edge.target).map(|c| of(Role::Producer, c));
    source.into_iter().chain(target).collect()
}

fn origin(
    checked: &Checked,
    cluster: &Cluster,
    edge: &Edge,
    role: Role,
    setting: &Effective,
) -> String {
    let line = |span: Option<&crossdock_model::finding::Span>| {
        let line = span.map(|s| place(&checked.text, s.start).line);
        line.map_or(String::new(), |line| format!(", line {line}"))
    };
    match &setting.origin {
        Origin::Profile(why) => format!("profile {}: {why}", word(edge.profile)),
        Origin::Cluster(key) => {
            let line = line(cluster.places.get(key));
            format!("cluster {}: {key}{line}", cluster.alias)
        }
        Origin::Edge(key) => {
            let line = line(edge.places.get(&format!("{role}.{key}")));
            format!("edge: {key}{line}")
        }
        Origin::Adjusted(why) => format!("adjusted: {why}"),
    }
}
