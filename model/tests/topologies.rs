//! Every row of `topologies.md`, and that what it says does not depend on the order of the edges.

use std::collections::BTreeSet;

use crossdock_model::file;
use crossdock_model::finding::{Finding, Severity};
use crossdock_model::graph::{Cut, Cycle, check};
use crossdock_model::topology::Draft;

/// The rows of the case table that can be decided without a cluster.
const ROWS: &str = "T01 T02 T03 T03b T04 T05 T06 T06b T07 T09 T14 T15 T16 T19 T20 T21 T22 T25 T26 T27 T27c T28 \
    T30 T31 T32 T33 T34 T35 T38 T39 T40 T41 T42 T43 T44 T45 T46 T47 T48 T50 T51 T52 T53 T54 T56 T57 T58 T59 \
    T60 T63 T67 T68 T73 T75 T76 T77 T79 T80 T82 T83 T84";

struct Row {
    name: &'static str,
    file: &'static str,
    codes: &'static str,
    cycles: &'static str,
}

/// What stands between two marks, and what comes behind.
fn between<'t>(text: &'t str, begin: &str, end: &str) -> (&'t str, &'t str) {
    let behind = text.split_once(begin).map(|(_, rest)| rest);
    let found = behind.and_then(|rest| rest.split_once(end));
    found.unwrap_or_else(|| panic!("no `{begin}` and `{end}` in {text}"))
}

fn rows() -> Vec<Row> {
    let sections = include_str!("topologies.md").split("\n## ").skip(1);
    let row = |section: &'static str| {
        let (file, rest) = between(section, "```yaml\n", "```\n");
        let (codes, rest) = between(rest, "\ncodes: ", "\n");
        let (cycles, _) = between(rest, "\ncycles: ", "\n");
        Row {
            name: section.lines().next().unwrap_or_default(),
            file,
            codes,
            cycles,
        }
    };
    sections.map(row).collect()
}

fn read(row: &Row) -> (Draft, Vec<Finding>) {
    let (draft, findings) = file::read(row.file, None);
    (draft.expect("a topology"), findings)
}

/// All findings in the file's order, each with its line and column.
fn codes(row: &Row, graph: &[Finding]) -> String {
    let mut all = read(row).1;
    all.extend(graph.iter().cloned());
    all.sort_by_key(|f| f.span.start);
    let told = |f: &Finding| {
        let before = &row.file[..f.span.start];
        let line = before.matches('\n').count() + 1;
        let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
        format!("{} {line}:{column}", f.code.as_str())
    };
    let all: Vec<String> = all.iter().map(told).collect();
    if all.is_empty() {
        "-".into()
    } else {
        all.join(", ")
    }
}

fn cycles(all: &[Cycle]) -> String {
    let tell = |c: &Cycle| {
        let cut = match c.cut_by {
            Some(Cut::Provenance) => "provenance",
            Some(Cut::Lineage) => "lineage",
            None => "null",
        };
        format!("{} / {cut}", c.path.join(" > "))
    };
    let all: Vec<String> = all.iter().map(tell).collect();
    if all.is_empty() {
        "-".into()
    } else {
        all.join("; ")
    }
}

#[test]
fn every_topology_gets_its_verdict() {
    let mut wrong = Vec::new();
    for row in rows() {
        let report = check(&read(&row).0);
        let found = (codes(&row, &report.findings), cycles(&report.cycles));
        if found.0 != row.codes || row.cycles != "*" && found.1 != row.cycles {
            wrong.push(format!(
                "## {}\ncodes: {}\ncycles: {}\n{:#?}",
                row.name,
                found.0,
                found.1,
                report
                    .findings
                    .iter()
                    .map(|f| &f.message)
                    .collect::<Vec<_>>(),
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_row_that_needs_no_cluster_is_there() {
    let rows = rows();
    let there: BTreeSet<&str> = rows
        .iter()
        .filter_map(|row| row.name.split(' ').next())
        .collect();
    let missing: Vec<&str> = ROWS
        .split_whitespace()
        .filter(|id| !there.contains(id))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
    println!("{} topologies", rows.len());
}

#[test]
fn the_order_of_edges_changes_no_verdict() {
    let verdicts = |draft: &Draft| {
        let mut all: Vec<_> = check(draft).findings;
        all.sort_by_key(|f| (f.code, f.edges.len()));
        all.into_iter().map(|f| f.code).collect::<Vec<_>>()
    };
    for row in rows() {
        let (one, findings) = read(&row);
        // Of two edges of one name the first counts: turned round it would be another topology.
        if findings.iter().any(|f| f.severity == Severity::Error) {
            continue;
        }
        let mut turned = one.clone();
        turned.edges.reverse();
        assert_eq!(verdicts(&one), verdicts(&turned), "{}", row.name);
    }
}

#[test]
fn repairs_are_told_where_they_hold() {
    let helps = |name: &str| {
        let rows = rows();
        let row = rows
            .iter()
            .find(|r| r.name == name)
            .expect("a row of that name");
        let findings = check(&read(row).0).findings;
        let told = |f: &Finding| {
            format!(
                "{}: {}",
                f.code.as_str(),
                f.help.clone().unwrap_or_default()
            )
        };
        findings.iter().map(told).collect::<Vec<_>>()
    };
    for (row, expected) in [
        (
            "T14 diamond",
            vec![
                "duplicate-delivery: `forward: local` on `C-to-D`",
                "topic-collision: `rename: suffix` on `B-to-D` and `C-to-D`",
            ],
        ),
        // `forward: local` would leave `C-to-D` nothing to take.
        (
            "T14 diamond of renamed topics",
            vec![
                "duplicate-delivery: `rename: '{topic}-{source}'` on `C-to-D`",
                "topic-collision: `rename: suffix` on `B-to-D` and `C-to-D`",
            ],
        ),
        (
            "T21 fan-in",
            vec!["topic-collision: `rename: suffix` on `L1-to-HQ` and `L2-to-HQ`"],
        ),
        (
            "echo, unguarded",
            vec!["record-loop: `provenance: true` on `A-to-B` and `B-to-A`"],
        ),
        (
            "T30 slash",
            vec!["illegal-topic-name: `rename: '{source}.{topic}'` on `A-to-B`"],
        ),
        (
            "T34 many into one",
            vec!["topic-collision: `rename: suffix` on `A-to-B`"],
        ),
        (
            "nothing left",
            vec!["never-matches: `exclude_topics: []` on `A-to-B`"],
        ),
    ] {
        assert_eq!(helps(row), expected, "{row}");
    }
}

#[test]
fn nearly_every_finding_has_a_repair() {
    let mut without = Vec::new();
    for row in rows() {
        let findings = check(&read(&row).0).findings;
        let open = findings.iter().filter(|f| f.help.is_none());
        without.extend(open.map(|f| format!("{}: {}", row.name, f.code.as_str())));
    }
    assert!(without.len() <= 5, "{without:#?}");
}
