//! What edges a file has, and what they are made of.

use super::super::read;
use super::{NONE, Set, draft, with_clusters, with_edge};
use crate::edge::{Limit, Part};
use crate::properties::Role;

fn names(lines: &str) -> Vec<String> {
    let draft = draft(&with_clusters(lines));
    draft.edges.iter().map(|e| e.name.to_string()).collect()
}

#[test]
fn lists_and_both_ways_expand_into_ordered_pairs() {
    for (entry, expect) in [
        (
            "from: bj, to: [sh, sz], topics: a",
            vec!["bj-to-sh", "bj-to-sz"],
        ),
        (
            "from: bj, to: [sh, sz], both_ways: true, topics: a",
            vec!["bj-to-sh", "sh-to-bj", "bj-to-sz", "sz-to-bj"],
        ),
        (
            "from: [bj, sh, sz], to: [bj, sh, sz], topics: a, name: mesh",
            vec![
                "mesh-bj-to-sh",
                "mesh-bj-to-sz",
                "mesh-sh-to-bj",
                "mesh-sh-to-sz",
                "mesh-sz-to-bj",
                "mesh-sz-to-sh",
            ],
        ),
    ] {
        assert_eq!(names(&format!("edges:\n  - {{ {entry} }}")), expect);
    }
}

#[test]
fn an_edge_overrides_defaults_and_adds_to_their_maps() {
    let draft = draft(&with_clusters(
        "defaults: { streams: 4, topics: x, sync: { acls: true }, producer: { linger.ms: 7 } }\n\
         edges:\n  - { from: bj, to: [sh, sz], streams: 2, sync: { configs: false }, producer: { \
         batch.size: 9 } }",
    ));
    let edge = &draft.edges[0];
    assert_eq!((edge.streams, edge.topics[0].text.as_str()), (2, "x"));
    assert!(edge.sync.acls && !edge.sync.configs && edge.sync.topics);
    let keys: Vec<_> = edge.producer.keys().collect();
    assert_eq!(keys, ["batch.size", "linger.ms"]);
}

#[test]
fn renames_are_resolved_for_their_clusters() {
    let literal = |text: &str| Part::Literal(text.to_owned());
    for (rename, expect) in [
        ("keep", vec![]),
        ("prefix", vec![literal("bj."), Part::Topic]),
        ("suffix", vec![Part::Topic, literal("-bj")]),
        (
            "'{source}-{target}.{topic}'",
            vec![literal("bj-sh."), Part::Topic],
        ),
        (
            "[{ match: 'a-(.*)', to: 'b-$1' }]",
            vec![literal("b-"), Part::Group(1)],
        ),
        ("[{ match: 'a-(?P<n>.*)', to: '$n' }]", vec![Part::Group(1)]),
    ] {
        let draft = draft(&with_edge(&format!("topics: '.*', rename: {rename}")));
        let rules = &draft.edges[0].rename.rules;
        let parts = rules.first().map(|r| r.to.clone()).unwrap_or_default();
        assert_eq!(parts, expect, "{rename}");
    }
}

#[test]
fn anchors_aliases_and_merge_keys_work() {
    let draft = draft(&with_clusters(
        "x-base: &base { topics: [a, b], streams: 3 }\nedges:\n  - { <<: *base, from: bj, to: sh \
         }\n  - { <<: [*base], from: bj, to: sz, streams: 1 }",
    ));
    let streams: Vec<_> = draft.edges.iter().map(|e| e.streams).collect();
    assert_eq!(streams, [3, 1]);
    assert_eq!(draft.edges[1].topics.len(), 2);
}

#[test]
fn variables_come_from_the_environment_a_default_or_a_file() {
    let text = "topology: t\nclusters:\n  bj:\n    bootstrap.servers: ${BJ:-a:1}\n    \
                sasl.username: ${USER}\n    sasl.password: ${file:/run/secrets/bj}\n    client.id: \
                $${USER}\n  sh: { bootstrap.servers: '${SH:-b:1}' }\nedges:\n  - { from: bj, to: \
                sh, topics: a }\n";
    let set = Set(&[("USER", "u"), ("SH", "sh:9")]);
    let (draft, findings) = read(text, Some(&set));
    assert_eq!(findings, []);
    let clusters = draft.unwrap().clusters;
    let value = |name: &str| clusters[0].properties[name].as_str();
    assert_eq!(value("bootstrap.servers"), "a:1");
    assert_eq!(value("sasl.username"), "u");
    assert_eq!(value("sasl.password"), "from a file");
    assert_eq!(value("client.id"), "${USER}");
    assert_eq!(clusters[1].properties["bootstrap.servers"], "sh:9");
}

#[test]
fn without_variables_nothing_is_unset_and_nothing_is_guessed() {
    let text = with_edge("topics: '${T}', streams: '${N}', limit: '${L}', rename: '${R}'");
    let (draft, findings) = read(&text, None);
    assert_eq!(findings, []);
    assert_eq!(draft.unwrap().edges.len(), 1);
    assert_eq!(read(&text, Some(&NONE)).1.len(), 4);
}

#[test]
fn every_key_of_the_contract_is_read() {
    let draft = draft(&with_edge(
        "name: e, renamed_from: d, topics: [orders, 'pay.*'], exclude_topics: pay.tmp, rename: \
         prefix, forward: local, provenance: true, merge: true, delivery: at_least_once, profile: \
         latency, streams: 2, start: 2026-01-31T08:00:00+08:00, limit: 5000 records/s, consumer: { \
         fetch.min.bytes: 1 }, producer: { compression.type: lz4 }, sample: 1%, filter: { key: \
         'k.*', header: { env: test } }, drop_headers: 'x-.*', sync: { topics: true, groups: \
         { include: 'a.*', exclude: ab } }, on_oversize: dead_letter, on_gap: continue, \
         on_recreated: restart, expect: { lag: { warn: 1, alarm: 2 }, latency: none, error_rate: { \
         alarm: 1% }, throughput: 20MiB/s }, enabled: false, report_group: mm",
    ));
    let edge = &draft.edges[0];
    assert_eq!(edge.limit, Some(Limit::Records(5_000)));
    assert_eq!(edge.max_in_flight, 16 << 20);
    assert_eq!(edge.expect.throughput, Some(Limit::Bytes(20 << 20)));
    assert_eq!(edge.expect.latency.alarm, None);
    assert_eq!(edge.report_group.as_deref(), Some("mm"));
    assert_eq!(edge.sample, Some(0.01));
    assert_eq!(edge.filter.headers.len(), 1);
    assert_eq!(edge.drop_headers[0].text, "x-.*");
    assert!(!edge.enabled);
    assert!(
        edge.places
            .contains_key(&format!("{}.fetch.min.bytes", Role::Consumer))
    );
}
