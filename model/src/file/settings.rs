//! The keys that an edge and `defaults` share.

use std::collections::BTreeMap;

use super::client::{self, Properties};
use super::keys::{self, SETTINGS};
use super::pattern::{self, Over, Patterns};
use super::reader::{Reader, is_none};
use super::rename::{self, Template};
use super::tree::{Key, Map, Node, Value};
use super::{expect, filter, quantity, sync};
use crate::edge::{
    Delivery, Expect, Filter, Forward, Limit, OnGap, OnOversize, OnRecreated, Pattern, Profile,
    Start, Sync,
};
use crate::finding::{Severity, Span};
use crate::properties::Role;

/// Keys whose mistakes make the graph a guess.
const ROUTING: &[&str] = &[
    "topics",
    "exclude_topics",
    "rename",
    "forward",
    "provenance",
    "merge",
    "enabled",
];

/// The values of an edge, before its clusters are put in.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) topics: Option<Vec<Pattern>>,
    pub(super) exclude_topics: Vec<Pattern>,
    pub(super) rename: Template,
    pub(super) forward: Forward,
    pub(super) provenance: bool,
    pub(super) merge: bool,
    pub(super) delivery: Delivery,
    pub(super) profile: Profile,
    pub(super) streams: usize,
    pub(super) start: Start,
    pub(super) max_in_flight: Option<u64>,
    pub(super) limit: Option<Limit>,
    pub(super) consumer: Properties,
    pub(super) producer: Properties,
    pub(super) sample: Option<f64>,
    pub(super) filter: Filter,
    pub(super) drop_headers: Vec<Pattern>,
    pub(super) sync: Sync,
    pub(super) on_oversize: OnOversize,
    pub(super) on_gap: OnGap,
    pub(super) on_recreated: OnRecreated,
    pub(super) expect: Expect,
    pub(super) enabled: bool,
    pub(super) report_group: Option<String>,
    pub(super) places: BTreeMap<String, Span>,
    /// Whether the graph can be drawn from it.
    pub(super) is_sound: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            topics: None,
            exclude_topics: Vec::new(),
            rename: Template::default(),
            forward: Forward::default(),
            provenance: true,
            merge: false,
            delivery: Delivery::default(),
            profile: Profile::default(),
            streams: 1,
            start: Start::default(),
            max_in_flight: None,
            limit: None,
            consumer: Properties::new(),
            producer: Properties::new(),
            sample: None,
            filter: Filter::default(),
            drop_headers: Vec::new(),
            sync: Sync::default(),
            on_oversize: OnOversize::default(),
            on_gap: OnGap::default(),
            on_recreated: OnRecreated::default(),
            expect: Expect::default(),
            enabled: true,
            report_group: None,
            places: BTreeMap::new(),
            is_sound: true,
        }
    }
}

impl Settings {
    /// Takes over what a map gives; other keys are the caller's.
    pub(super) fn read(&mut self, reader: &mut Reader<'_>, map: &Map) {
        self.is_sound &= !map.is_cut;
        for (key, node) in &map.entries {
            if !keys::has(SETTINGS, &key.text) {
                continue;
            }
            let before = errors(reader);
            self.forget_places(&key.text);
            self.places.insert(key.text.clone(), node.span);
            self.read_key(reader, key, node);
            if errors(reader) > before && ROUTING.contains(&key.text.as_str()) {
                self.is_sound = false;
            }
        }
    }

    fn read_key(&mut self, reader: &mut Reader<'_>, key: &Key, node: &Node) {
        match key.text.as_str() {
            "topics" => self.topics = Some(self.patterns(reader, node, "topics")),
            "exclude_topics" => {
                self.exclude_topics = self.patterns(reader, node, "exclude_topics");
            }
            "rename" => set(&mut self.rename, rename::read(reader, node)),
            "provenance" => set(&mut self.provenance, reader.flag(node, "provenance")),
            "merge" => set(&mut self.merge, reader.flag(node, "merge")),
            "enabled" => set(&mut self.enabled, reader.flag(node, "enabled")),
            "sync" => sync::read(reader, node, &mut self.sync, &mut self.places),
            "expect" => expect::read(reader, node, &mut self.expect),
            "consumer" => self.properties(reader, node, Role::Consumer),
            "producer" => self.properties(reader, node, Role::Producer),
            "report_group" => self.report_group = group(reader, node),
            "sample" if is_none(node) => self.sample = None,
            "sample" => {
                let share = reader.quantity(node, "sample", quantity::share);
                self.sample = share.or(self.sample);
            }
            "filter" => self.filter = filter::read(reader, node, &mut self.places),
            "drop_headers" => self.drop_headers = filter::drop_headers(reader, node),
            "limit" if is_none(node) => self.limit = None,
            "limit" => {
                let rate = reader.quantity(node, "limit", quantity::rate);
                self.limit = rate.or(self.limit);
            }
            "max_in_flight" => {
                let size = reader.quantity(node, "max_in_flight", quantity::in_flight);
                self.max_in_flight = size.or(self.max_in_flight);
            }
            "streams" => {
                let streams = reader.quantity(node, "streams", quantity::streams);
                set(&mut self.streams, streams);
            }
            "start" => set(
                &mut self.start,
                reader.quantity(node, "start", quantity::start),
            ),
            word => self.read_word(reader, word, node),
        }
    }

    fn read_word(&mut self, reader: &mut Reader<'_>, key: &str, node: &Node) {
        match key {
            "forward" => set(&mut self.forward, reader.word(node, key, keys::FORWARD)),
            "delivery" => set(&mut self.delivery, reader.word(node, key, keys::DELIVERY)),
            "profile" => set(&mut self.profile, reader.word(node, key, keys::PROFILE)),
            "on_oversize" => {
                set(
                    &mut self.on_oversize,
                    reader.word(node, key, keys::ON_OVERSIZE),
                );
            }
            "on_gap" => set(&mut self.on_gap, reader.word(node, key, keys::ON_GAP)),
            "on_recreated" => {
                set(
                    &mut self.on_recreated,
                    reader.word(node, key, keys::ON_RECREATED),
                );
            }
            _ => {}
        }
    }

    fn patterns(&mut self, reader: &mut Reader<'_>, node: &Node, what: &str) -> Vec<Pattern> {
        let over = match what {
            "topics" => Over::Topics,
            _ => Over::OtherTopics,
        };
        let read: Patterns = pattern::read(reader, node, what, over);
        for (index, (_, span)) in read.iter().enumerate() {
            if matches!(node.value, Value::List(_)) {
                self.places.insert(format!("{what}[{index}]"), *span);
            }
        }
        read.into_iter().map(|(pattern, _)| pattern).collect()
    }

    /// Properties of an edge are added to those of `defaults`.
    fn properties(&mut self, reader: &mut Reader<'_>, node: &Node, role: Role) {
        let read = client::read(reader, node, role);
        for (key, property) in &read {
            self.places.insert(format!("{role}.{key}"), property.span);
        }
        match role {
            Role::Consumer => self.consumer.extend(read),
            _ => self.producer.extend(read),
        }
    }

    /// Places inside a value that is replaced; maps are added to, and keep theirs.
    fn forget_places(&mut self, key: &str) {
        if !matches!(key, "consumer" | "producer" | "sync" | "expect") {
            let inside = format!("{key}[");
            self.places.retain(|place, _| !place.starts_with(&inside));
        }
    }
}

fn set<T>(value: &mut T, read: Option<T>) {
    if let Some(read) = read {
        *value = read;
    }
}

fn errors(reader: &Reader<'_>) -> usize {
    let is_error = |f: &&crate::finding::Finding| f.severity == Severity::Error;
    reader.findings.iter().filter(is_error).count()
}

/// The name of a consumer group, or none.
fn group(reader: &mut Reader<'_>, node: &Node) -> Option<String> {
    if is_none(node) {
        return None;
    }
    let text = reader.text(node, "report_group")?;
    if text.text.trim().is_empty() {
        reader.bad(text.span, "`report_group` is the name of a group", "");
        return None;
    }
    Some(text.text)
}
