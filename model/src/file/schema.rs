//! The JSON Schema of the file, made of the tables that the parser reads by.
//!
//! It refuses nothing that the parser takes: where a form is finer than a schema can say, it asks for
//! less. What is right as a whole, `validate` tells.

use serde_json::{Map, Value, json};

use super::keys::{ENTRY, Form, GROUPS, Known, RENAMES, RULE, SETTINGS, TOPOLOGY};
use super::{clusters, quantity};
use crate::properties::{self, Role};

/// A value that holds a variable may become anything.
const VARIABLE: &str = r"\$\{";

/// The JSON Schema (2020-12) of a topology file.
pub fn schema() -> Value {
    let mut schema = mapping(&[TOPOLOGY], &["topology", "clusters", "edges"]);
    schema["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
    schema["title"] = json!("crossdock topology");
    schema["description"] = json!("What crossdock replicates between Kafka clusters.");
    // A place for anchors.
    schema["patternProperties"] = json!({"^x-": true});
    // `topics` stands in every entry, unless `defaults` has it.
    schema["if"] = json!({
        "properties": {"defaults": {"type": "object", "required": ["topics"]}},
        "required": ["defaults"],
    });
    schema["else"] = json!({"properties": {"edges": {"items": {"required": ["topics"]}}}});
    schema["$defs"] = json!({
        "scalar": {"type": ["string", "number", "boolean"]},
        "variable": {"type": "string", "pattern": VARIABLE},
        "none": {"enum": [null, "none"]},
        "alias": {"type": ["string", "number"], "pattern": "^[A-Za-z0-9._-]+$|\\$\\{"},
        "regex": {"type": ["string", "number", "boolean"], "pattern": r"\S"},
        "regexes": {"anyOf": [
            reference("regex"),
            {"type": "array", "items": reference("regex")},
        ]},
        "rule": mapping(&[RULE], &["match", "to"]),
        "edge": mapping(&[ENTRY, SETTINGS], &["from", "to"]),
        "cluster": cluster(),
        "consumer": client(Role::Consumer),
        "producer": client(Role::Producer),
        "property": {"anyOf": [{"enum": property_names()}, {"pattern": families()}]},
        "value": {"anyOf": [
            {"type": ["string", "number", "boolean", "null"]},
            {"type": "array", "items": reference("scalar")},
        ]},
    });
    schema
}

fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/$defs/{name}")})
}

/// A mapping with the keys of some tables, and no others.
fn mapping(tables: &[&[Known]], required: &[&str]) -> Value {
    let mut properties = Map::new();
    for known in tables.iter().flat_map(|table| table.iter()) {
        properties.insert(known.name.to_owned(), key(known));
    }
    let mut schema = json!({
        "type": "object",
        "properties": properties,
        "additionalProperties": false,
    });
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    schema
}

fn key(known: &Known) -> Value {
    let mut schema = form(known.form);
    schema["description"] = json!(known.about);
    if let Ok(example) = serde_json::from_str::<Value>(known.example) {
        schema["examples"] = json!([example]);
    }
    schema
}

fn form(form: Form) -> Value {
    let or_none = |schema: Value| json!({"anyOf": [schema, reference("none")]});
    match form {
        Form::TopologyName => text(r"^[a-z0-9-]+$|\$\{"),
        Form::EdgeName => text(r"^[A-Za-z0-9._-]+$|\$\{"),
        Form::Group => or_none(text(r"\S")),
        Form::Alias => reference("alias"),
        Form::Aliases => json!({"anyOf": [
            reference("alias"),
            {"type": "array", "items": reference("alias"), "minItems": 1},
        ]}),
        Form::Clusters => json!({
            "type": "object",
            "minProperties": 1,
            "propertyNames": {"pattern": format!("^[A-Za-z0-9._-]{{1,{}}}$", clusters::ALIAS_MAX)},
            "additionalProperties": reference("cluster"),
        }),
        Form::Edges => json!({"type": "array", "minItems": 1, "items": reference("edge")}),
        Form::Flag => json!({"anyOf": [
            {"type": "boolean"},
            {"type": "string", "pattern": format!("^(true|false)$|{VARIABLE}")},
        ]}),
        Form::Word(words) => json!({"anyOf": [{"enum": words()}, reference("variable")]}),
        Form::Patterns => json!({"anyOf": [
            reference("regex"),
            {"type": "array", "items": reference("regex"), "minItems": 1},
        ]}),
        Form::PatternsOrNone => or_none(reference("regexes")),
        Form::Pattern => reference("regex"),
        Form::ByName => json!({"type": "object", "additionalProperties": reference("regex")}),
        Form::Template => reference("scalar"),
        Form::Rename => json!({"anyOf": [
            {"enum": RENAMES},
            {"type": ["string", "number", "boolean"]},
            {"type": "array", "items": reference("rule")},
        ]}),
        Form::Streams => json!({"anyOf": [
            {"type": "integer", "minimum": 1, "maximum": quantity::STREAMS_MAX},
            {"type": "string", "pattern": format!(r"^\s*\+?[0-9]+\s*$|{VARIABLE}")},
        ]}),
        Form::Start => json!({"anyOf": [{"enum": ["earliest", "latest"]}, {
            "type": "string",
            "pattern": format!(r"^[+-]?[0-9]{{4,6}}-?[0-9]{{2}}|{VARIABLE}"),
        }]}),
        Form::Size => json!({"type": "string", "pattern": format!(r"[0-9]\s*[A-Za-z]|{VARIABLE}")}),
        Form::Rate => or_none(written(r"/s\s*$")),
        Form::Records => json!({"anyOf": [
            {"type": "integer", "minimum": 0},
            written(r"^\s*\+?[0-9_]+\s*$"),
            reference("none"),
        ]}),
        Form::Duration => or_none(written(r"[0-9]\s*[A-Za-z]")),
        Form::Share => or_none(written(r"%\s*$")),
        Form::Consumer => reference("consumer"),
        Form::Producer => reference("producer"),
        Form::Groups => json!({"anyOf": [
            reference("none"),
            reference("regexes"),
            mapping(&[GROUPS], &[]),
        ]}),
        Form::Map(keys) => mapping(&[keys], &[]),
        Form::MapOrNone(keys) => or_none(mapping(&[keys], &[])),
    }
}

/// A name; a number is one, too.
fn text(pattern: &str) -> Value {
    json!({"type": ["string", "number"], "pattern": pattern})
}

/// A quantity as people write it.
fn written(pattern: &str) -> Value {
    json!({"type": "string", "pattern": format!("{pattern}|{VARIABLE}")})
}

fn cluster() -> Value {
    let mut schema = client(Role::Common);
    let servers = ["bootstrap.servers", "metadata.broker.list"];
    let one = |name: &&str| json!({"required": [name]});
    schema["type"] = json!("object");
    schema["anyOf"] = servers.iter().map(one).collect();
    schema
}

/// Client properties: those that have an effect are completed, those that are known are let be.
fn client(role: Role) -> Value {
    let mut taken = Map::new();
    for property in properties::known().filter(|p| properties::has_effect(role, p.name)) {
        let value = match property.words {
            Some(words) => json!({"anyOf": [{"enum": words}, reference("value")]}),
            None => reference("value"),
        };
        taken.insert(property.name.to_owned(), value);
    }
    json!({
        "type": ["object", "null"],
        "properties": taken,
        "propertyNames": reference("property"),
        "additionalProperties": reference("value"),
    })
}

fn property_names() -> Vec<&'static str> {
    let mut names: Vec<_> = properties::known().map(|p| p.name).collect();
    names.sort_unstable();
    names.dedup();
    names
}

fn families() -> String {
    let families = properties::families().map(|f| f.replace('.', "\\."));
    format!("^({})", families.collect::<Vec<_>>().join("|"))
}
