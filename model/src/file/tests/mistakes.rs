//! One row for each mistake: where it is told, and with what words.

use super::{NONE, check, check_each, read, with_clusters, with_edge};

/// Each row: the inside of an edge, code and place, and words of the message or help.
const INSIDE: &[(&str, &str, &str)] = &[
    (
        "topcis: a, topics: a",
        "unknown-key `topcis`",
        "did you mean `topics`?",
    ),
    (
        "topics: a, whitelist: b",
        "unknown-key `whitelist`",
        "`topics` selects topics",
    ),
    (
        "topics: a, tasks.max: 4",
        "unknown-key `tasks.max`",
        "`streams` says how many parallel streams",
    ),
    (
        "topics: a, guarantee: exactly-once",
        "unknown-key `guarantee`",
        "`delivery` is `exactly_once` or `at_least_once`",
    ),
    (
        "topics: a, consumer.fetch.min.bytes: 1",
        "unknown-key `consumer.fetch.min.bytes`",
        "write `consumer: { fetch.min.bytes: … }`",
    ),
    (
        "topics: a, producer.colour: red",
        "unknown-key `producer.colour`",
        "known here: from, to",
    ),
    (
        "streams: 1",
        "missing-key `{ from: bj, to: sh, stre`",
        "`topics`",
    ),
    ("topics: a, streams: 0", "bad-value `0`", "from 1 to 1024"),
    (
        "topics: a, streams: many",
        "bad-value `many`",
        "from 1 to 1024",
    ),
    ("topics: a, merge: yes", "bad-value `yes`", "write `true`"),
    (
        "topics: a, delivery: exactly-once",
        "bad-value `exactly-once`",
        "did you mean `exactly_once`?",
    ),
    (
        "topics: a, profile: fast",
        "bad-value `fast`",
        "`durable` or `throughput`",
    ),
    (
        "topics: a, start: 2026-01-31",
        "bad-value `2026-01-31`",
        "2026-01-31T08:00:00+08:00",
    ),
    (
        "topics: a, max_in_flight: 64",
        "bad-value `64`",
        "from 64KiB",
    ),
    ("topics: a, limit: 20", "bad-value `20`", "`20MiB/s`"),
    (
        "topics: a, limit: [1]",
        "bad-value `[1]`",
        "one value, not a list",
    ),
    (
        "topics: a, sync: { group: x }",
        "unknown-key `group`",
        "did you mean `groups`?",
    ),
    (
        "topics: a, expect: { lag: { alarm: lots } }",
        "bad-value `lots`",
        "number of records",
    ),
    (
        "topics: a, expect: { lag: { warn: 9, alarm: 1 } }",
        "bad-value `{ warn: 9, alarm: 1 }`",
        "above `expect.lag.alarm`",
    ),
    (
        "topics: a, expect: { error_rate: { alarm: 0.1 } }",
        "bad-value `0.1`",
        "`0.1%`",
    ),
    (
        "topics: a, name: a/b",
        "bad-value `a/b`",
        "`/` is not allowed",
    ),
    (
        "topics: a, forward: local, provenance: false",
        "bad-value `local`",
        "without `provenance`",
    ),
    (
        "topics: a, provenance: false, sync: { groups: g }",
        "bad-value `g`",
        "without `provenance`",
    ),
    (
        "topics: a, consumer: { fetch.min.byte: 1 }",
        "unknown-property `fetch.min.byte`",
        "fetch.min.bytes",
    ),
    (
        "topics: a, consumer: { max.poll.records: 5 }",
        "unused-property `max.poll.records`",
        "max_in_flight",
    ),
    (
        "topics: a, producer: { acks: 1 }",
        "weak-setting `1`",
        "is not applied",
    ),
    (
        "topics: a, producer: { linger.ms: soon }",
        "bad-value `soon`",
        "it is a number",
    ),
    (
        "topics: a, delivery: at_least_once, producer: { acks: '0' }",
        "weak-setting `'0'`",
        "profile: durable",
    ),
    ("topics: ''", "empty-pattern `''`", ".*"),
    ("topics: '  '", "empty-pattern `'  '`", ".*"),
    ("topics: [a, '']", "empty-pattern `''`", ".*"),
    ("topics: []", "empty-pattern `[]`", ".*"),
    (
        "topics: __consumer_offsets",
        "internal-topic `__consumer_offsets`",
        "`sync.groups`",
    ),
    (
        "topics: a|__transaction_state",
        "internal-topic `a|__transaction_state`",
        "__transaction_state",
    ),
    ("topics: '__.*'", "internal-topic `'__.*'`", "internal"),
    (
        "topics: crossdock.topology",
        "internal-topic `crossdock.topology`",
        "never taken",
    ),
    (
        "topics: orders-*",
        "glob-pattern `-*`",
        "did you mean `orders-.*`?",
    ),
    (
        "topics: '(a|log*)'",
        "glob-pattern `g*`",
        "did you mean `(a|log.*)`?",
    ),
    ("topics: '*Event*'", "bad-regex `*`", "`.*Event.*`"),
    ("topics: 'orders['", "bad-regex `[`", "`[` is never closed"),
    ("topics: (a", "bad-regex `(`", "`(` is never closed"),
    ("topics: '^(?!__)\\w+'", "bad-regex `(?!`", "look-around"),
    ("topics: '(a)\\1'", "bad-regex `\\1`", "back-reference"),
    (
        "topics: '(.{1000}){1000}'",
        "bad-regex `'(.{1000}){1000}'`",
        "size limit",
    ),
    (
        "topics: a, rename: sufix",
        "bad-template `sufix`",
        "did you mean `suffix`?",
    ),
    (
        "topics: a, rename: '{topic}-{region}'",
        "bad-template `{region}`",
        "{source}",
    ),
    (
        "topics: a, rename: '{topi}'",
        "bad-template `{topi}`",
        "did you mean `{topic}`?",
    ),
    (
        "topics: a, rename: '{topic'",
        "bad-template `{topic`",
        "never closed",
    ),
    (
        "topics: a, rename: a-$1",
        "bad-template `$1`",
        "only a rule with `match`",
    ),
    (
        "topics: a, rename: [{ match: (a), to: b-$2 }]",
        "bad-template `$2`",
        "no group `$2`: `match` has 1",
    ),
    (
        "topics: a, rename: [{ match: a }]",
        "missing-key `{ match: a }`",
        "needs `to`",
    ),
    (
        "topics: a, rename: {topic}",
        "bad-value `{topic}`",
        "quote it: \"{topic}\"",
    ),
    (
        "topics: '${TOPICS}'",
        "unset-variable `${TOPICS}`",
        "`TOPICS` is not set",
    ),
    (
        "topics: '${file:/none}'",
        "unset-variable `${file:/none}`",
        "no such file",
    ),
    ("topics: '${TOPICS'", "bad-value `${TOPICS`", "never closed"),
    (
        "topics: a, rename: '${topic}-x'",
        "unset-variable `${topic}`",
        "write `{topic}` without the `$`",
    ),
    (
        "topics: a, acks: all",
        "unknown-key `acks`",
        "`producer: { acks: … }`",
    ),
    (
        "topics: a, fetch.min.bytes: 1",
        "unknown-key `fetch.min.bytes`",
        "`consumer: { fetch.min.bytes: … }`",
    ),
    (
        "topics: a, security.protocol: SSL",
        "unknown-key `security.protocol`",
        "under the cluster",
    ),
    (
        "topics: a, rename: [{match: '(a)', to: 'b${1}'}]",
        "bad-value `${1}`",
        "written `$1`",
    ),
];

#[test]
fn mistakes_inside_an_edge() {
    let row = |row: &(&str, &'static str, &'static str)| (with_edge(row.0), row.1, row.2);
    check_each(INSIDE.iter().map(row));
}

/// Each row: lines behind three clusters (line 6 on), and all that is told.
#[test]
fn mistakes_among_edges() {
    for (lines, expect) in [
        ("edges: []", vec!["missing-key `[]`"]),
        ("edges: { from: bj }", vec!["bad-value `{ from: bj }`"]),
        (
            "edges:\n- { from: bj, to: sh, topics: a }",
            vec!["unused-cluster `sz`"],
        ),
        (
            "edges:\n- { from: bj, to: [sh, sx], topics: a }",
            vec!["unknown-cluster `sx`"],
        ),
        (
            "home: x\nedges:\n- { from: [bj, sz], to: sh, topics: a }",
            vec!["unknown-cluster `x`"],
        ),
        (
            "edges:\n- { from: bj, to: [sh, sz], topics: a }\n- { from: bj, to: sh, topics: b }",
            vec!["duplicate-edge `{ from: bj, to: sh, topi`"],
        ),
        (
            "edges:\n- { from: [bj, sz], to: sh, topics: a }\n- { from: sh, to: sh, topics: b }",
            vec!["self-edge `sh`"],
        ),
        (
            "edges:\n- { from: bj, to: [sz, sh] }",
            vec!["missing-key `{ from: bj, to: [sz, sh]`"],
        ),
        (
            "defaults: { from: bj }\nedges:\n- { from: bj, to: [sz, sh], topics: a }",
            vec!["unknown-key `from`"],
        ),
        (
            "defaults: { topics: a* }\nedges:\n- { from: bj, to: sh }\n- { from: bj, to: sz }",
            vec!["glob-pattern `a*`"],
        ),
        (
            "edges:\n- { from: bj, to: [sh, sz], topics: a, report_group: g }",
            vec!["shared-group `g`"],
        ),
        (
            "edges:\n- { from: bj, to: [sh, sz], topics: a }\n- { from: bj, to: sh, topics: b, \
             name: bj-to-sh.b }",
            vec!["shared-group `bj-to-sh.b`"],
        ),
        (
            "edges:\n- { from: bj, to: [sh, sz], topics: a }\n- { from: bj, to: sh, topics: b, \
             name: n, renamed_from: bj-to-sh }",
            vec!["shared-group `bj-to-sh`"],
        ),
    ] {
        check(&with_clusters(lines), &expect);
    }
}

#[test]
fn mistakes_among_clusters() {
    let edges = "edges: [{ from: bj, to: sh, topics: a }]\n";
    for (clusters, expect) in [
        (
            "",
            vec![
                "missing-key `{}`",
                "unknown-cluster `bj`",
                "unknown-cluster `sh`",
            ],
        ),
        (
            " { bj: { bootstrap.servers: a }, sh: }",
            vec!["missing-key `sh`"],
        ),
        (
            " { bj: { bootstrap.servers: a }, sh: { bootstrap.servers: 'b:1,A.:9092' } }",
            vec!["same-cluster `'b:1,A.:9092'`"],
        ),
        (
            " { bj: { bootstrap.servers: 'a:99999' }, sh: { bootstrap.servers: [':1', b] } }",
            vec!["bad-value `a:99999`", "bad-value `:1`"],
        ),
        (
            " { b/j: { bootstrap.servers: a }, sh: { bootstrap.servers: b } }",
            vec!["bad-value `b/j`", "unknown-cluster `bj`"],
        ),
        (
            " { bj: { bootstrap.servers: a, sasl.password: x }, sh: { bootstrap.servers: b, \
             sasl.password: '${P:-x}' } }",
            vec!["plaintext-secret `x`"],
        ),
        (
            " { bj: { bootstrap.servers: a, sasl.jaas.config: 'PlainLoginModule required username=u \
             password=hush;' }, sh: { bootstrap.servers: b } }",
            vec!["plaintext-secret `hush`"],
        ),
        (
            " { bj: { bootstrap.servers: a, acks: 1 }, sh: { bootstrap.servers: b, acks: 0 } }",
            vec!["weak-setting `0`"],
        ),
        (
            " { bj: { bootstrap.servers: a }, bj: { bootstrap.servers: b }, sh: { \
             bootstrap.servers: c } }",
            vec!["duplicate-key `bj`"],
        ),
        (
            "\n  bj:\n  bootstrap.servers: a\n  sh: { bootstrap.servers: b }",
            vec!["missing-key `bj`", "bad-value `bootstrap.servers`"],
        ),
    ] {
        let clusters = if clusters.is_empty() { " {}" } else { clusters };
        check(
            &format!("topology: t\nclusters:{clusters}\n{edges}"),
            &expect,
        );
    }
}

#[test]
fn everything_wrong_is_told_at_once_in_the_order_of_the_file() {
    let text = "topology: T\nclusters:\n  bj: { bootstrap.servers: a, foo: 1 }\n  sh: { \
                bootstrap.servers: b, group.id: g }\nedges:\n  - { from: bj, to: xx, topics: 'a[' \
                }\n  - { from: bj, to: sh, topics: b, limt: 3 }\n";
    check(
        text,
        &[
            "bad-value `T`",
            "unknown-property `foo`",
            "unused-property `group.id`",
            "unknown-cluster `xx`",
            "bad-regex `[`",
            "unknown-key `limt`",
            "bad-value `3`",
        ],
    );
}

#[test]
fn a_slip_of_a_key_is_told_once_and_its_value_is_read() {
    let text = "topology: t\nclusters:\n  bj: { bootstrap.servers: bj:9092 }\n  sh: { \
                bootstrap.server: sh:9092 }\nedges:\n  - { form: bj, to: sh, topcis: a, renmae: \
                sufix }\n";
    check(
        text,
        &[
            "unknown-property `bootstrap.server`",
            "unknown-key `form`",
            "unknown-key `topcis`",
            "unknown-key `renmae`",
            "bad-template `sufix`",
        ],
    );
}

#[test]
fn a_slip_of_a_key_of_the_topology_hides_nothing_behind_it() {
    let text = "topolgy: t\ncluster:\n  bj: { bootstrap.servers: bj:9092 }\n  sh: { \
                bootstrap.servers: sh:9092 }\nedge:\n  - { from: bj, to: xx, topics: a }\n";
    check(
        text,
        &[
            "unknown-key `topolgy`",
            "unknown-key `cluster`",
            "unknown-key `edge`",
            "unknown-cluster `xx`",
        ],
    );
}

#[test]
fn keys_of_other_tools_are_told_once_and_their_values_are_read() {
    let text = "topology: t\nclusters:\n  bj: { bootstrap.servers: bj:9092 }\n  sh: { \
                bootstrap.servers: sh:9092 }\nedges:\n  - { source: bj, target: sh, whitelist: 'a[' }\n";
    check(
        text,
        &[
            "unknown-key `source`",
            "unknown-key `target`",
            "unknown-key `whitelist`",
            "bad-regex `[`",
        ],
    );
}

#[test]
fn what_is_no_mapping_says_what_to_write() {
    let edges = "edges: [{ from: bj, to: sh, topics: a }]\n";
    for (clusters, message) in [
        ("  - name: bj\n  - name: sh\n", "mapping of aliases"),
        ("  bj: bj:9092\n  sh: sh:9092\n", "mapping of properties"),
        (
            "  bj:\n    bootstrap.servers bj:9092\n  sh: x\n",
            "mapping of properties",
        ),
    ] {
        let text = format!("topology: t\nclusters:\n{clusters}{edges}");
        let (_, findings) = read(&text, Some(&NONE));
        let first = &findings[0];
        assert!(
            first.message.contains(message) && first.help.is_some(),
            "{findings:#?}"
        );
    }
}

#[test]
fn tabs_and_the_spaces_behind_them_are_told_once() {
    let text = "topology: t\nclusters:\n\tbj:\n\t\tbootstrap.servers: bj:9092\n\tsh:\n\t\t\
                bootstrap.servers: sh:9092\nedges:\n\t- from: bj\n\t  to: sh\n\t  topics: a\n";
    let (draft, findings) = read(text, Some(&NONE));
    assert_eq!(findings.len(), 1, "{findings:#?}");
    assert_eq!(draft.map(|d| d.edges.len()), Some(1));
}

#[test]
fn a_file_without_anything_misses_three_keys() {
    for text in ["", "# nothing\n", "{}\n"] {
        check(
            text,
            &["missing-key ``", "missing-key ``", "missing-key ``"],
        );
    }
}
