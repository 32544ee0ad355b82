//! `sync`: what follows besides records.

use std::collections::BTreeMap;

use super::keys;
use super::pattern::{self, Over};
use super::reader::{Reader, is_none};
use super::tree::{Node, Value};
use crate::edge::{Groups, Pattern, Sync};
use crate::finding::Span;

/// Takes over what is given; keys that are not given stay as they were.
pub(super) fn read(
    reader: &mut Reader<'_>,
    node: &Node,
    sync: &mut Sync,
    places: &mut BTreeMap<String, Span>,
) {
    let Some(map) = reader.map(node, "`sync`") else {
        return;
    };
    reader.unknown_keys(map, "`sync`", &keys::names(&[keys::SYNC]));
    for (key, node) in &map.entries {
        let what = format!("sync.{}", key.text);
        let flag = match key.text.as_str() {
            "topics" => &mut sync.topics,
            "configs" => &mut sync.configs,
            "partitions" => &mut sync.partitions,
            "acls" => &mut sync.acls,
            "groups" => {
                places.insert(what, node.span);
                sync.groups = groups(reader, node);
                continue;
            }
            _ => continue,
        };
        if let Some(value) = reader.flag(node, &what) {
            *flag = value;
        }
        places.insert(what, node.span);
    }
}

fn groups(reader: &mut Reader<'_>, node: &Node) -> Option<Groups> {
    if is_none(node) {
        return None;
    }
    let Value::Map(map) = &node.value else {
        let include = patterns(reader, node, "sync.groups");
        return (!include.is_empty()).then(|| Groups {
            include,
            exclude: Vec::new(),
        });
    };
    reader.unknown_keys(map, "`sync.groups`", &keys::names(&[keys::GROUPS]));
    let include = match map.get("include") {
        Some(node) => patterns(reader, node, "sync.groups.include"),
        // Only what is left out was said: all others follow.
        None => vec![Pattern {
            text: ".*".to_owned(),
        }],
    };
    let exclude = map.get("exclude");
    let exclude = exclude.map(|node| patterns(reader, node, "sync.groups.exclude"));
    Some(Groups {
        include,
        exclude: exclude.unwrap_or_default(),
    })
}

fn patterns(reader: &mut Reader<'_>, node: &Node, what: &str) -> Vec<Pattern> {
    let read = pattern::read(reader, node, what, Over::Groups);
    read.into_iter().map(|(pattern, _)| pattern).collect()
}
