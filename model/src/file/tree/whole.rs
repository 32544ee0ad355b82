//! What is done to a tree as a whole.

use super::{Node, Value};
use crate::file::repair::Edits;
use crate::finding::{Code, Finding};

/// How many values a tree has.
pub(super) fn count(node: &Node) -> usize {
    1 + match &node.value {
        Value::List(items) => items.iter().map(count).sum::<usize>(),
        Value::Map(map) => map.entries.iter().map(|(_, n)| count(n)).sum(),
        Value::Null | Value::Scalar(_) => 0,
    }
}

/// Turns places in the mended text into those of the file.
pub(super) fn place(node: &mut Node, edits: &Edits) {
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
pub(super) fn merge(node: &mut Node, findings: &mut Vec<Finding>) {
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
