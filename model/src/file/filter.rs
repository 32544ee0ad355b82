//! `filter` and `drop_headers`: which records go, and which headers stay behind.

use std::collections::BTreeMap;

use super::keys;
use super::pattern::{self, Over};
use super::reader::{Reader, is_none};
use super::tree::{Node, Value};
use crate::edge::{Filter, Pattern};
use crate::finding::Span;
use crate::provenance::HEADER;
use crate::select::HEADERS_MAX;

/// Reads `filter`; it stands for itself, nothing of it is taken over from `defaults`.
pub(super) fn read(
    reader: &mut Reader<'_>,
    node: &Node,
    places: &mut BTreeMap<String, Span>,
) -> Filter {
    let mut filter = Filter::default();
    if is_none(node) {
        return filter;
    }
    let Some(map) = reader.map(node, "`filter`") else {
        return filter;
    };
    reader.unknown_keys(map, "`filter`", &keys::names(&[keys::FILTER]));
    for (key, node) in &map.entries {
        let what = format!("filter.{}", key.text);
        places.insert(what.clone(), node.span);
        match key.text.as_str() {
            "key" => filter.key = one(reader, node, &what),
            "header" => {
                let Some(headers) = reader.map(node, "`filter.header`") else {
                    continue;
                };
                if headers.entries.len() > HEADERS_MAX {
                    let message = format!("`filter.header` has at most {HEADERS_MAX} headers");
                    reader.bad(node.span, message, "");
                    continue;
                }
                for (name, node) in &headers.entries {
                    let pattern = one(reader, node, &format!("{what}.{}", name.text));
                    filter
                        .headers
                        .extend(pattern.map(|p| (name.text.clone(), p)));
                }
            }
            _ => {}
        }
    }
    filter
}

/// Reads `drop_headers`.
pub(super) fn drop_headers(reader: &mut Reader<'_>, node: &Node) -> Vec<Pattern> {
    let read = pattern::read(reader, node, "drop_headers", Over::Bytes);
    for (pattern, span) in &read {
        if pattern.text == HEADER {
            reader.bad(
                *span,
                format!("`{HEADER}` is never left behind: it keeps records from returning"),
                "leave it out; an edge with `provenance: false` writes none",
            );
        }
    }
    read.into_iter().map(|(pattern, _)| pattern).collect()
}

fn one(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<Pattern> {
    if let Value::List(_) = node.value {
        let help = "write the alternatives as one regex: `a|b`";
        reader.bad(node.span, format!("`{what}` is one regex"), help);
        return None;
    }
    pattern::one(reader, node, what, Over::Bytes).map(|(pattern, _)| pattern)
}
