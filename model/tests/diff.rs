//! `diff`: what a reviewer is told of two files, kind by kind.

use crossdock_model::diff::{Kind, diff};
use crossdock_model::graph::prove;
use crossdock_model::topology::Topology;

const CLUSTERS: &str = "  a: { bootstrap.servers: a:1 }\n  b: { bootstrap.servers: b:1 }\n";

fn topology(head: &str, clusters: &str, edges: &str) -> Topology {
    let text = format!("{head}\nclusters:\n{clusters}edges:\n{edges}");
    let (draft, findings) = crossdock_model::file::read(&text, None);
    let draft = draft.unwrap_or_else(|| panic!("{findings:?}"));
    prove(draft)
        .unwrap_or_else(|report| panic!("{:?}", report.findings))
        .0
}

fn told(old: &Topology, new: &Topology) -> Vec<String> {
    let mut lines = Vec::new();
    for change in diff(old, new).changes {
        let sign = match change.kind {
            Kind::Added => '+',
            Kind::Changed => '~',
            Kind::Removed => '-',
        };
        lines.push(format!("{sign} {}", change.what));
        lines.extend(change.details.iter().map(|detail| format!("    {detail}")));
    }
    lines
}

/// The same head and clusters, other edges.
fn edges(old: &str, new: &str) -> Vec<String> {
    let of = |edges| topology("topology: t", CLUSTERS, edges);
    told(&of(old), &of(new))
}

#[test]
fn nothing_differs_where_only_the_writing_does() {
    let old = "  - { from: a, to: b, topics: orders }\n";
    let new = "  - from: a\n    to: [b]\n    topics: [ \"orders\" ]  # as before\n";
    assert_eq!(edges(old, new), Vec::<String>::new());
}

#[test]
fn an_edge_that_comes_and_one_that_goes() {
    let old = "  - { from: a, to: b, topics: orders }\n";
    let new = "  - { from: b, to: a, topics: users, rename: suffix }\n";
    assert_eq!(
        edges(old, new),
        [
            "+ edge b-to-a: b -> a",
            "    topics: users",
            "    users -> users-b",
            "- edge a-to-b: a -> b",
            "    its topics and its group stay on `b`",
        ]
    );
}

#[test]
fn every_key_is_told_as_the_file_writes_it() {
    let old = "  - { from: a, to: b, topics: orders }\n";
    let new = "  - { from: a, to: b, topics: orders, exclude_topics: tmp, forward: local, merge: true, \
               delivery: at_least_once, profile: throughput, streams: 2, start: latest, max_in_flight: 128MiB, \
               limit: 10MB/s, consumer: { fetch.min.bytes: 10 }, producer: { linger.ms: 9, ssl.key.password: geheim }, \
               sample: 12.5%, filter: { key: 'eu-.*', header: { env: test } }, drop_headers: 'x-.*', \
               sync: { topics: false, configs: false, partitions: false, groups: { include: g.*, exclude: g-test }, acls: true }, \
               on_oversize: dead_letter, on_gap: continue, on_recreated: restart, \
               expect: { lag: { warn: 5, alarm: 50 }, latency: { warn: 1s, alarm: 2m }, throughput: 100 records/s }, \
               report_group: seen }\n";
    let told = edges(old, new);
    let expected = [
        "~ edge a-to-b",
        "    exclude_topics: none -> tmp",
        "    forward: all -> local",
        "    merge: false -> true",
        "    delivery: exactly_once -> at_least_once",
        "    profile: durable -> throughput",
        "    streams: 1 -> 2",
        "    start: earliest -> latest",
        "    max_in_flight: 64.0 MiB -> 128.0 MiB",
        "    limit: none -> 9.5 MiB/s",
        "    consumer: none -> fetch.min.bytes=10",
        "    producer: none -> linger.ms=9 ssl.key.password=(secret)",
        "    sample: none -> 12.5%",
        "    filter: none -> key eu-.*, header env test",
        "    drop_headers: none -> x-.*",
        "    sync.topics: true -> false",
        "    sync.configs: true -> false",
        "    sync.partitions: true -> false",
        "    sync.groups: none -> g.* but g-test",
        "    sync.acls: false -> true",
        "    on_oversize: halt -> dead_letter",
        "    on_gap: halt -> continue",
        "    on_recreated: halt -> restart",
        "    expect: lag 1000/10000, latency 5s/30s, error_rate none/0.1%, throughput none \
         -> lag 5/50, latency 1s/2m, error_rate none/0.1%, throughput 100 records/s",
        "    report_group: none -> seen",
    ];
    assert_eq!(told, expected);
}

#[test]
fn a_new_name_and_an_edge_that_stands() {
    let old = "  - { from: a, to: b, topics: orders }\n";
    let renamed = "  - { name: x, renamed_from: a-to-b, from: a, to: b, topics: orders, limit: 5 records/s }\n";
    assert_eq!(
        edges(old, renamed),
        [
            "~ edge x, formerly a-to-b",
            "    limit: none -> 5 records/s"
        ]
    );
    let disabled = "  - { from: a, to: b, topics: orders, enabled: false }\n";
    assert_eq!(
        edges(old, disabled),
        [
            "~ edge a-to-b",
            "    enabled: true -> false",
            "    topic orders is taken no more; orders stays",
        ]
    );
}

#[test]
fn clusters_home_and_the_topologys_own_name() {
    let edge = "  - { from: a, to: b, topics: orders }\n";
    let old = topology("topology: t", CLUSTERS, edge);
    let clusters = "  a: { bootstrap.servers: a:2, sasl.password: neu }\n  b: { bootstrap.servers: b:1 }\n  \
                    c: { bootstrap.servers: c:1 }\n";
    let new = topology("topology: u\nhome: b", clusters, edge);
    assert_eq!(
        told(&old, &new),
        [
            "~ topology t -> u",
            "    every edge begins anew: groups are named by the topology",
            "~ home none -> b",
            "~ cluster a",
            "    bootstrap.servers: a:1 -> a:2",
            "    sasl.password: not set -> (secret)",
            "+ cluster c",
        ]
    );
    assert_eq!(
        told(&new, &old).last().map(String::as_str),
        Some("- cluster c")
    );
}
