//! Client properties where they are written: under a cluster, or `consumer` and `producer` of an edge.

use std::collections::BTreeMap;

use super::reader::{Reader, Text};
use super::tree::{Key, Node, Value};
use crate::finding::{Code, Finding, Span};
use crate::properties::{Role, Translation, secret_in, translate};

/// Properties by name.
pub(super) type Properties = BTreeMap<String, Property>;

/// One property as written.
#[derive(Clone)]
pub(super) struct Property {
    pub(super) value: String,
    /// Place of the value.
    pub(super) span: Span,
    /// Whether a variable in it has no value.
    pub(super) is_open: bool,
}

impl std::fmt::Debug for Property {
    /// The place only: a value may be a secret (invariant 7).
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.span.fmt(f)
    }
}

/// Reads and checks a map of properties.
pub(super) fn read(reader: &mut Reader<'_>, node: &Node, role: Role) -> Properties {
    let mut properties = Properties::new();
    if matches!(node.value, Value::Null) {
        return properties;
    }
    let Value::Map(map) = &node.value else {
        // Of a cluster it is told by who reads it.
        if role != Role::Common {
            let message = format!("`{role}` is a mapping of properties, each `name: value`");
            reader.bad(node.span, message, "");
        }
        return properties;
    };
    for (key, node) in &map.entries {
        if let Some(text) = value(reader, key, node) {
            check(reader, role, key, node, &text);
            let property = Property {
                value: text.text,
                span: node.span,
                is_open: text.is_open,
            };
            properties.insert(key.text.clone(), property);
        }
    }
    properties
}

/// The value of a property: one scalar, or a list joined by commas.
fn value(reader: &mut Reader<'_>, key: &Key, node: &Node) -> Option<Text> {
    let what = &key.text;
    match &node.value {
        Value::Null => Some(Text {
            text: String::new(),
            span: node.span,
            is_open: false,
            has_variables: false,
        }),
        Value::List(items) => {
            let read: Vec<_> = items.iter().filter_map(|n| reader.text(n, what)).collect();
            let texts: Vec<_> = read.iter().map(|t| t.text.trim()).collect();
            Some(Text {
                text: texts.join(","),
                span: node.span,
                is_open: read.iter().any(|t| t.is_open),
                has_variables: read.iter().any(|t| t.has_variables),
            })
        }
        Value::Map(map) => {
            let help = match map.entries.first() {
                Some((inner, _)) => format!("write the whole name: `{}.{}`", key.text, inner.text),
                None => String::new(),
            };
            reader.bad(node.span, format!("`{what}` is one value"), &help);
            None
        }
        Value::Scalar(_) => reader.text(node, what),
    }
}

fn check(reader: &mut Reader<'_>, role: Role, key: &Key, node: &Node, text: &Text) {
    let name = &key.text;
    match translate(role, name, &text.text) {
        Translation::Property { .. } | Translation::Properties(_) => {}
        Translation::Unused { instead } => {
            let message = format!("`{name}` has no effect here: {instead}");
            reader.tell(Finding::new(Code::UnusedProperty, key.span, message).help("leave it out"));
        }
        Translation::Unknown { suggestion } => {
            let message = format!("`{name}` is no property of Kafka clients");
            let mut finding = Finding::new(Code::UnknownProperty, key.span, message);
            finding.help = suggestion;
            reader.tell(finding);
        }
        Translation::Bad { .. } if text.is_open => {}
        Translation::Bad { why } => {
            reader.bad(node.span, format!("`{name}` cannot be this: {why}"), "");
        }
    }
    plaintext(reader, key, node, text);
}

/// A secret that stands in the file, for everybody who reads it.
fn plaintext(reader: &mut Reader<'_>, key: &Key, node: &Node, text: &Text) {
    let Value::Scalar(scalar) = &node.value else {
        return;
    };
    let secret = secret_in(&key.text, &scalar.text).filter(|s| !s.contains("${"));
    let Some(secret) = secret.filter(|s| !s.is_empty() && !text.is_open) else {
        return;
    };
    let name = match key.text.rsplit('.').next() {
        Some("config") | None => "password",
        Some(name) => name,
    };
    let variable = name.to_ascii_uppercase().replace('-', "_");
    let message = format!("`{}` stands in the file for everybody to read", key.text);
    let place = reader.inside(node.span, secret);
    reader.tell(
        Finding::new(Code::PlaintextSecret, place, message).help(format!(
            "take it from the environment, `${{{variable}}}`, or from a file, \
             `${{file:/run/secrets/{name}}}`"
        )),
    );
}
