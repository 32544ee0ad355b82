//! Texts that are hardly YAML: told with a place where they can be, bounded, never a panic.

use std::time::{Duration, Instant};

use super::super::{read, secrets};
use super::{NONE, check, check_each, with_edge};

#[test]
fn common_mistakes_of_yaml_are_told_in_plain_words() {
    let head = "topology: t\nclusters:\n  bj: { bootstrap.servers: b }\n  sh: { bootstrap.servers: \
                s }\nedges:\n";
    let rows = [
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
    ];
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
