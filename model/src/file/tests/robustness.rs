//! Texts that are hardly YAML: told with a place where they can be, bounded, never a panic.

use std::time::{Duration, Instant};

use super::super::{read, secrets};
use super::{NONE, check, check_each, with_edge};

/// Each row: an edge as it is written, all that is told, and words of it.
const OF_YAML: &[(&str, &str, &str)] = &[
    (
        "  - from: bj\n\tto: sh\n    topics: a\n",
        "yaml-syntax `\t`",
        "a tab indents",
    ),
    (
        "  - from: bj\n    to: sh\n    topics: a\n    rename: {topic}-bj\n",
        "yaml-syntax `{topic}-bj`",
        "quote it: \"{topic}-bj\"",
    ),
    (
        "  - { from: bj, to: sh, topics: a, rename: {topic}-{source} }\n",
        "yaml-syntax `{topic}-{source}`",
        "quote it: \"{topic}-{source}\"",
    ),
    (
        "  - { from: bj, to: sh, topics: ${T:-a} }\n",
        "yaml-syntax `${T:-a}`",
        "quote it: \"${T:-a}\"",
    ),
    (
        "  - from: bj\n    to: sh\n    topics: [a-z]+\n",
        "yaml-syntax `[a-z]+`",
        "quote it: \"[a-z]+\"",
    ),
    (
        "  - { from: bj, to: sh, topics: \"a\\.b\" }\n",
        "yaml-syntax `\"a\\.b\"`",
        "write 'a\\.b'",
    ),
    (
        "  - from: bj\n    to: sh\n    topics: \"a\n    streams: 2\n",
        "yaml-syntax `\"a`",
        "never closed",
    ),
    (
        "  - from: bj\n    to: sh\n    topics: a\n    report_group: a: b\n",
        "yaml-syntax `a: b`",
        "quote it: \"a: b\"",
    ),
    (
        "  - from bj\n    to: sh\n    topics: a\n",
        "yaml-syntax `from`",
        "write `from: bj`",
    ),
    (
        "  - from: bj\n    to sh\n    topics: a\n",
        "yaml-syntax `to`",
        "`to` is a key without its `:`",
    ),
    (
        "  - from: bj\n    to: sh\n    topics a # all\n",
        "yaml-syntax `topics`",
        "write `topics: a`",
    ),
    (
        "  - from:bj\n    to: sh\n    topics: a\n",
        "yaml-syntax `from`",
        "a space is missing behind `from:`",
    ),
    (
        "  - { from: bj, to sh, topics: a }\n",
        "yaml-syntax `to sh`",
        "write `to: sh`",
    ),
    (
        "  - {from:bj, to: sh, topics: a}\n",
        "yaml-syntax `from:bj`",
        "write `from: bj`",
    ),
    (
        "  - from: bj\n      to: sh\n    topics: a\n",
        "yaml-syntax `to: sh`",
        "indent it by 4 spaces",
    ),
    (
        "  - from: bj\n   to: sh\n    topics: a\n",
        "yaml-syntax `to: sh`",
        "indented by 3 spaces, those beside it by 4",
    ),
    (
        "  - from： bj\n    to：sh # 北京：上海\n    topics: a\n",
        "yaml-syntax `：`",
        "one more such character",
    ),
    (
        "  - { from: “bj”， to: sh, topics: a }\n",
        "yaml-syntax `“`",
        "2 more such characters",
    ),
    (
        "  - from: bj\n\u{a0}   to: sh\n    topics: a\n",
        "yaml-syntax `\u{a0}`",
        "non-breaking",
    ),
    (
        "  - { from: bj, to: sh, topics: a\n",
        "yaml-syntax `{`",
        "`{` is never closed",
    ),
    (
        "  - { from: bj, to: sh, topics: a\n  - { from: sh, to: bj, topics: b }\n",
        "yaml-syntax `{`",
        "`{` is never closed",
    ),
    (
        "  - { from: bj, to: sh, topics: [a }\n",
        "yaml-syntax `[`",
        "close it with `]`",
    ),
    (
        "  - { from: bj to: sh, topics: a }\n",
        "yaml-syntax `to`",
        "a `,` is missing before `to`",
    ),
    (
        "  - { from: bj,\n      to: sh\n      topics: a }\n",
        "yaml-syntax `topics`",
        "a `,` is missing before `topics`",
    ),
];

#[test]
fn common_mistakes_of_yaml_are_told_in_plain_words() {
    let head = "topology: t\nclusters:\n  bj: { bootstrap.servers: b }\n  sh: { bootstrap.servers: \
                s }\nedges:\n";
    let rows = OF_YAML.iter().copied();
    check_each(rows.map(|(edge, expect, words)| (format!("{head}{edge}"), expect, words)));
}

#[test]
fn a_star_in_front_is_told_twice_as_yaml_and_as_regex() {
    let text = with_edge("topics: *Event*");
    check(&text, &["yaml-syntax `*Event*`", "bad-regex `*`"]);
}

#[test]
fn what_stands_before_a_syntax_error_is_checked_and_nothing_is_said_to_be_missing() {
    check(
        "topology: T\nclusters: [a\nb: c\n",
        &["bad-value `T`", "bad-value `[a/b: c/`", "yaml-syntax `: c`"],
    );
}

#[test]
fn what_is_no_yaml_at_all_has_no_draft() {
    for text in [
        "{{{ no",
        "just text\n",
        "a\0b: 1\n",
        "- [",
        "\u{1}\u{2}",
        ": : :\n\t- [",
        "%",
    ] {
        let (draft, findings) = read(text, Some(&NONE));
        assert!(draft.is_none(), "{text:?}");
        assert!(!findings.is_empty(), "{text:?}");
    }
}

#[test]
fn a_key_without_colon_above_a_block_is_told_where_it_stands() {
    let text = "topology t\nclusters\n  bj\n    bootstrap.servers: b\n  sh:\n    bootstrap.servers \
                s\n    security.protocol: SSL\nedges:\n  - { from: bj, to: sh, topics: a }\n";
    check(
        text,
        &[
            "yaml-syntax `topology`",
            "yaml-syntax `clusters`",
            "yaml-syntax `bj`",
            "yaml-syntax `bootstrap.servers`",
        ],
    );
}

#[test]
fn properties_of_mirrormaker_are_known_for_what_they_are() {
    let (_, findings) = read("clusters = A, B\nA->B.enabled = true\n", Some(&NONE));
    let help = findings[0].help.as_deref().unwrap_or_default();
    assert!(help.contains("crossdock import"), "{findings:#?}");
}

#[test]
fn a_byte_order_mark_and_carriage_returns_change_nothing() {
    let text = with_edge("topics: a").replace('\n', "\r\n");
    check(&format!("\u{feff}{text}"), &[]);
    let wrong = with_edge("topics: a, limit: 北京").replace('\n', "\r\n");
    check(&wrong, &["bad-value `北京`"]);
}

#[test]
fn hostile_texts_are_bounded() {
    let bomb: String = (1..30)
        .map(|i| format!("x-{i}: &a{i} [{0}, {0}]\n", format!("*a{}", i - 1)))
        .collect();
    let pattern = format!("({})", "a?".repeat(5_000));
    let texts = [
        format!("x-0: &a0 [lol]\n{bomb}"),
        "[".repeat(100_000),
        "{a: ".repeat(100_000),
        "- ".repeat(100_000),
        "x: &x [*x]\n".to_owned(),
        format!("topology: {}\n", "x".repeat(500_000)),
        with_edge(&format!("topics: '{pattern}'")),
        with_edge(&format!("topics: '{}'", "(".repeat(10_000))),
        with_edge(&format!("topics: '{}'", "a{999}".repeat(1_000))),
        with_edge(&format!("topics: '{}'", "(a|b|c|d)".repeat(1_000))),
        "a: {x}y\n".repeat(1_000),
        "? ".repeat(50_000),
        "\t\n".repeat(50_000) + "a:\n\tb: [\n",
        (0..20_000).map(|i| format!("k{i}: v\n")).collect(),
        (0..20_000).map(|i| format!("k{i}: '\n")).collect(),
    ];
    for text in texts {
        let start = Instant::now();
        let (_, findings) = read(&text, Some(&NONE));
        let (begin, took) = (&text[..text.len().min(60)], start.elapsed());
        assert!(
            !findings.is_empty() || begin.starts_with("topology: t"),
            "{begin}"
        );
        assert!(took < Duration::from_secs(10), "{begin}: {took:?}");
    }
}

#[test]
fn every_beginning_of_a_file_can_be_read() {
    let text = with_edge("topics: ['a.*', \"北京\"], rename: '{topic}-$${x}', limit: 20MiB/s");
    for (end, _) in text.char_indices() {
        let (_, findings) = read(&text[..end], Some(&NONE));
        let is_inside = |f: &crate::finding::Finding| {
            f.span.end <= end && text.get(f.span.start..f.span.end).is_some()
        };
        assert!(findings.iter().all(is_inside), "{end}: {findings:?}");
    }
}

#[test]
fn secrets_are_found_wherever_they_stand() {
    let text = "clusters:\n  a: { sasl.password: hush, x: 1 }\nedges:\n- producer:\n    \
                sasl.jaas.config: >-\n      hush\n- {\n";
    let (found, _) = secrets(text);
    let found: Vec<_> = found.iter().map(|s| text[s.start..s.end].trim()).collect();
    assert_eq!(found, ["hush", "hush"]);
}
