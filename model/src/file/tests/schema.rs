//! The schema and the parser agree.

use serde_json::{Value as Json, json};

use super::{NONE, read};
use crate::file::keys::{
    ENTRY, ERROR_RATE, EXPECT, GROUPS, Known, LAG, LATENCY, RULE, SETTINGS, SYNC, TOPOLOGY,
};
use crate::file::schema::schema;
use crate::file::tree::{self, Node, Value};

const BEGIN: &str = "topology: t\nclusters:\n  bj: { bootstrap.servers: bj:9092 }\n  sh: { \
                     bootstrap.servers: sh:9092 }\n";

/// What an editor makes of YAML.
fn plain(node: &Node) -> Json {
    match &node.value {
        Value::Null => Json::Null,
        Value::List(items) => items.iter().map(plain).collect(),
        Value::Map(map) => {
            let entries = map.entries.iter();
            Json::Object(entries.map(|(k, v)| (k.text.clone(), plain(v))).collect())
        }
        Value::Scalar(scalar) if scalar.is_quoted => json!(scalar.text),
        Value::Scalar(scalar) => match scalar.text.as_str() {
            "true" => json!(true),
            "false" => json!(false),
            text => match text.parse::<i64>() {
                Ok(number) => json!(number),
                Err(_) => json!(text),
            },
        },
    }
}

/// What the schema says of a text.
fn refused(text: &str) -> Vec<String> {
    let validator = jsonschema::draft202012::new(&schema()).expect("a schema");
    let root = tree::parse(text).root.expect("YAML");
    let json = plain(&root);
    let errors = validator.iter_errors(&json);
    errors
        .map(|e| format!("{}: {e}", e.instance_path()))
        .collect()
}

fn errors(text: &str) -> Vec<String> {
    let (_, findings) = read(text, Some(&NONE));
    let errors = findings
        .iter()
        .filter(|f| f.severity == crate::finding::Severity::Error);
    errors.map(|f| f.message.clone()).collect()
}

/// A topology around one line.
type Around = fn(&str) -> String;

/// Each table with a topology around one line of it.
fn tables() -> [(&'static [Known], Around); 9] {
    [
        (SETTINGS, |l| {
            let topics = if l.starts_with("topics:") {
                ""
            } else {
                "topics: x, "
            };
            format!("{BEGIN}edges: [{{ from: bj, to: sh, {topics}{l} }}]\n")
        }),
        (SETTINGS, |l| {
            format!("{BEGIN}defaults: {{ {l} }}\nedges: [{{ from: bj, to: sh, topics: y }}]\n")
        }),
        (SYNC, |l| edge(&format!("sync: {{ {l} }}"))),
        (GROUPS, |l| edge(&format!("sync: {{ groups: {{ {l} }} }}"))),
        (EXPECT, |l| edge(&format!("expect: {{ {l} }}"))),
        (LAG, |l| edge(&format!("expect: {{ lag: {{ {l} }} }}"))),
        (LATENCY, |l| {
            edge(&format!("expect: {{ latency: {{ {l} }} }}"))
        }),
        (ERROR_RATE, |l| {
            edge(&format!("expect: {{ error_rate: {{ {l} }} }}"))
        }),
        (RULE, |l| {
            let other = match l.starts_with("to:") {
                true => "match: 'a-(.*)'",
                false => "to: x",
            };
            edge(&format!("rename: [{{ {l}, {other} }}]"))
        }),
    ]
}

fn edge(inside: &str) -> String {
    format!("{BEGIN}edges: [{{ from: bj, to: sh, topics: x, {inside} }}]\n")
}

#[test]
fn every_key_is_read_as_its_example_shows_and_refused_otherwise() {
    for (table, around) in tables() {
        for known in table {
            let right = around(&format!("{}: {}", known.name, known.example));
            assert_eq!(errors(&right), [""; 0], "{right}");
            assert_eq!(refused(&right), [""; 0], "{right}");
            // Nothing is written like this.
            let wrong = around(&format!("{}: [[[x]]]", known.name));
            assert_ne!(errors(&wrong), [""; 0], "{wrong}");
            assert_ne!(refused(&wrong), [""; 0], "{wrong}");
        }
    }
}

#[test]
fn a_key_that_the_parser_does_not_know_is_not_in_the_schema() {
    for (_, around) in tables() {
        let wrong = around("no-such-key: 1");
        assert_ne!(errors(&wrong), [""; 0], "{wrong}");
        assert_ne!(refused(&wrong), [""; 0], "{wrong}");
    }
    for wrong in [
        edge("topcis: y"),
        edge("both-ways: true"),
        format!("{BEGIN}edge: []\nedges: [{{ from: bj, to: sh, topics: x }}]\n"),
        BEGIN.replace("bootstrap.servers: sh", "bootstrap.server: sh")
            + "edges: [{ from: bj, to: sh, topics: x }]\n",
        edge("consumer: { fetch.min.byte: 1 }"),
        edge("provenance: maybe"),
        edge("streams: 0"),
        edge("limit: 20MiB"),
        format!("{BEGIN}edges: [{{ from: bj, to: sh }}]\n"),
    ] {
        assert_ne!(errors(&wrong), [""; 0], "{wrong}");
        assert_ne!(refused(&wrong), [""; 0], "{wrong}");
    }
}

#[test]
fn what_the_parser_takes_the_schema_takes() {
    for right in [
        edge("streams: '4', enabled: 'true', limit: none, exclude_topics: ~"),
        edge("expect: { lag: { warn: 1_000 }, latency: none, throughput: 5000 records/s }"),
        edge("max_in_flight: 64 MB, start: latest, rename: '{source}.{topic}'"),
        edge("sync: { groups: [a, b.*], topics: false }, report_group: none"),
        edge("profile: '${PROFILE:-latency}', streams: '${N:-2}', limit: '${L:-1MiB/s}'"),
        edge("consumer: { metrics.anything: x, group.id: y }, producer: ~"),
        edge("both_ways: true, rename: prefix"),
        format!("{BEGIN}x-shared: 1\nedges: [{{ from: [bj], to: [sh, bj], topics: [x, y] }}]\n"),
        format!("{BEGIN}defaults: {{ topics: x }}\nedges: [{{ from: bj, to: sh }}]\n"),
    ] {
        assert_eq!(errors(&right), [""; 0], "{right}");
        assert_eq!(refused(&right), [""; 0], "{right}");
    }
}

#[test]
fn every_key_of_the_file_itself_is_in_the_schema() {
    let schema = schema();
    for (known, place) in TOPOLOGY.iter().map(|k| (k, &schema["properties"])).chain(
        ENTRY
            .iter()
            .map(|k| (k, &schema["$defs"]["edge"]["properties"])),
    ) {
        assert!(place[known.name].is_object(), "{}", known.name);
    }
}

#[test]
fn shipped_topologies_and_right_examples_are_taken() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    let texts = |folder: &str| -> Vec<String> {
        let entries = std::fs::read_dir(format!("{root}/{folder}")).expect("a folder");
        let paths = entries.map(|e| e.expect("an entry").path());
        paths
            .map(|p| std::fs::read_to_string(p).expect("text"))
            .collect()
    };
    for text in texts("topologies") {
        assert_eq!(refused(&text), [""; 0], "{text}");
        assert!(text.starts_with("# yaml-language-server: $schema=../docs/topology.schema.json\n"));
    }
    for page in texts("docs/findings") {
        let (_, right) = page
            .split_once("## Right\n\n```yaml\n")
            .expect("an example");
        let (right, _) = right.split_once("```").expect("an end");
        assert_eq!(refused(right), [""; 0], "{right}");
    }
}

#[test]
fn the_schema_that_editors_read_is_the_one_made_here() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/topology.schema.json");
    let kept: Json =
        serde_json::from_str(&std::fs::read_to_string(path).expect("a file")).expect("JSON");
    assert_eq!(
        kept,
        schema(),
        "run `crossdock schema > docs/topology.schema.json`"
    );
}
