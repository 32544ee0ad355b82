//! The keys of an edge with their values, as a file writes them.

use std::collections::BTreeMap;
use std::fmt::Display;

use bytesize::ByteSize;

use crate::edge::{Edge, Expect, Filter, Groups, Limit, Part, Pattern, Rename, Start, Thresholds};
use crate::file::keys::{DELIVERY, FORWARD, ON_GAP, ON_OVERSIZE, ON_RECREATED, PROFILE, Words};
use crate::properties::is_secret;

const NONE: &str = "none";

/// Always the same keys in the same order.
pub(super) fn shown(edge: &Edge) -> Vec<(&'static str, String)> {
    vec![
        ("from", edge.source.to_string()),
        ("to", edge.target.to_string()),
        ("topics", patterns(&edge.topics)),
        ("exclude_topics", patterns(&edge.exclude_topics)),
        ("rename", rename(&edge.rename)),
        ("forward", word(FORWARD, &edge.forward)),
        ("provenance", edge.provenance.to_string()),
        ("merge", edge.merge.to_string()),
        ("delivery", word(DELIVERY, &edge.delivery)),
        ("profile", word(PROFILE, &edge.profile)),
        ("streams", edge.streams.to_string()),
        ("start", start(edge.start)),
        ("max_in_flight", ByteSize(edge.max_in_flight).to_string()),
        ("limit", or_none(edge.limit.map(limit))),
        ("consumer", properties(&edge.consumer)),
        ("producer", properties(&edge.producer)),
        ("sample", or_none(edge.sample.map(share))),
        ("filter", filter(&edge.filter)),
        ("drop_headers", patterns(&edge.drop_headers)),
        ("sync.topics", edge.sync.topics.to_string()),
        ("sync.configs", edge.sync.configs.to_string()),
        ("sync.partitions", edge.sync.partitions.to_string()),
        (
            "sync.groups",
            or_none(edge.sync.groups.as_ref().map(groups)),
        ),
        ("sync.acls", edge.sync.acls.to_string()),
        ("on_oversize", word(ON_OVERSIZE, &edge.on_oversize)),
        ("on_gap", word(ON_GAP, &edge.on_gap)),
        ("on_recreated", word(ON_RECREATED, &edge.on_recreated)),
        ("expect", expect(&edge.expect)),
        ("enabled", edge.enabled.to_string()),
        ("report_group", or_none(edge.report_group.clone())),
    ]
}

pub(super) fn patterns(patterns: &[Pattern]) -> String {
    let texts: Vec<&str> = patterns.iter().map(|p| p.text.as_str()).collect();
    match texts.is_empty() {
        true => NONE.to_owned(),
        false => texts.join(", "),
    }
}

fn or_none(value: Option<String>) -> String {
    value.unwrap_or_else(|| NONE.to_owned())
}

fn word<T: PartialEq>(words: Words<T>, value: &T) -> String {
    let found = words.iter().find(|(_, of)| of == value);
    found.map_or(NONE, |(word, _)| word).to_owned()
}

fn start(start: Start) -> String {
    match start {
        Start::Earliest => "earliest".to_owned(),
        Start::Latest => "latest".to_owned(),
        Start::Timestamp(ms) => jiff::Timestamp::from_millisecond(ms)
            .map_or_else(|_| ms.to_string(), |time| time.to_string()),
    }
}

fn limit(limit: Limit) -> String {
    match limit {
        Limit::Bytes(bytes) => format!("{}/s", ByteSize(bytes)),
        Limit::Records(records) => format!("{records} records/s"),
    }
}

fn share(share: f64) -> String {
    format!("{}%", share * 100.0)
}

fn groups(groups: &Groups) -> String {
    match groups.exclude.is_empty() {
        true => patterns(&groups.include),
        false => format!(
            "{} but {}",
            patterns(&groups.include),
            patterns(&groups.exclude)
        ),
    }
}

fn properties(map: &BTreeMap<String, String>) -> String {
    let shown = map.iter().map(|(key, value)| match is_secret(key) {
        true => format!("{key}=(secret)"),
        false => format!("{key}={value}"),
    });
    let shown: Vec<String> = shown.collect();
    match shown.is_empty() {
        true => NONE.to_owned(),
        false => shown.join(" "),
    }
}

fn filter(filter: &Filter) -> String {
    let key = filter.key.iter().map(|p| format!("key {}", p.text));
    let headers = filter.headers.iter();
    let headers = headers.map(|(name, p)| format!("header {name} {}", p.text));
    let all: Vec<String> = key.chain(headers).collect();
    match all.is_empty() {
        true => NONE.to_owned(),
        false => all.join(", "),
    }
}

fn rename(rename: &Rename) -> String {
    let rules = rename.rules.iter().map(|rule| {
        let to = rule.to.iter().map(|part| match part {
            Part::Literal(text) => text.clone(),
            Part::Topic => "{topic}".to_owned(),
            Part::Group(number) => format!("${number}"),
        });
        let to: String = to.collect();
        match &rule.matches {
            Some(pattern) => format!("{} to {to}", pattern.text),
            None => to,
        }
    });
    let rules: Vec<String> = rules.collect();
    match rules.is_empty() {
        true => "keep".to_owned(),
        false => rules.join(", "),
    }
}

fn expect(expect: &Expect) -> String {
    let time = |t: &Thresholds<std::time::Duration>| Thresholds {
        warn: t.warn.map(humantime::format_duration),
        alarm: t.alarm.map(humantime::format_duration),
    };
    let rate = |t: &Thresholds<f64>| Thresholds {
        warn: t.warn.map(share),
        alarm: t.alarm.map(share),
    };
    [
        thresholds("lag", &expect.lag),
        thresholds("latency", &time(&expect.latency)),
        thresholds("error_rate", &rate(&expect.error_rate)),
        format!("throughput {}", or_none(expect.throughput.map(limit))),
    ]
    .join(", ")
}

fn thresholds<T: Display>(name: &str, of: &Thresholds<T>) -> String {
    let text = |value: &Option<T>| or_none(value.as_ref().map(ToString::to_string));
    format!("{name} {}/{}", text(&of.warn), text(&of.alarm))
}
