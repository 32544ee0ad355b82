//! Every row of `topologies.md`, and that what it says does not depend on names or order.

mod support;

use std::collections::BTreeSet;

use crossdock_model::graph::{Cut, Report, check};
use crossdock_model::topology::Draft;
use support::draft;

struct Row {
    name: String,
    clusters: String,
    edges: Vec<String>,
    codes: BTreeSet<String>,
    cycles: String,
}

fn rows() -> Vec<Row> {
    let table = include_str!("topologies.md")
        .lines()
        .filter(|l| l.starts_with("| "));
    table
        .skip(1)
        .map(|line| {
            let escaped = line.replace("\\|", "\u{0}");
            let cells: Vec<String> = escaped
                .split('|')
                .map(|c| c.trim().replace('\u{0}', "|"))
                .collect();
            let codes = cells[4]
                .split_whitespace()
                .filter(|c| *c != "-")
                .map(str::to_owned);
            Row {
                name: cells[1].clone(),
                clusters: cells[2].clone(),
                edges: cells[3].split(';').map(|e| e.trim().to_owned()).collect(),
                codes: codes.collect(),
                cycles: cells[5].clone(),
            }
        })
        .collect()
}

fn read(row: &Row) -> Draft {
    let edges: Vec<&str> = row.edges.iter().map(String::as_str).collect();
    draft(&row.clusters, &edges)
}

fn codes(report: &Report) -> BTreeSet<String> {
    report
        .findings
        .iter()
        .map(|f| f.code.as_str().to_owned())
        .collect()
}

fn cycles(report: &Report) -> String {
    let tell = |c: &crossdock_model::graph::Cycle| {
        let cut = match c.cut_by {
            Some(Cut::Provenance) => "provenance",
            Some(Cut::Lineage) => "lineage",
            None => "null",
        };
        format!("{}/{cut}", c.path.join(" "))
    };
    let all: Vec<String> = report.cycles.iter().map(tell).collect();
    if all.is_empty() {
        "-".into()
    } else {
        all.join(", ")
    }
}

#[test]
fn every_topology_gets_its_verdict() {
    let mut wrong = Vec::new();
    for row in rows() {
        let report = check(&read(&row));
        let told = cycles(&report);
        if codes(&report) != row.codes || row.cycles != "*" && told != row.cycles {
            wrong.push(format!(
                "{}\n  expected {:?} {}\n  found    {:?} {told}\n  {:#?}",
                row.name,
                row.codes,
                row.cycles,
                codes(&report),
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
fn the_order_of_edges_changes_no_verdict() {
    for row in rows() {
        // The first of two edges of one name counts: turned round it would be another topology.
        if row.name.contains("unnamed") {
            continue;
        }
        let one = check(&read(&row));
        let mut turned = read(&row);
        turned.edges.reverse();
        assert_eq!(codes(&one), codes(&check(&turned)), "{}", row.name);
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
        let findings = check(&read(row)).findings;
        let told = |f: &crossdock_model::finding::Finding| {
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
        let findings = check(&read(&row)).findings;
        let open = findings.iter().filter(|f| f.help.is_none());
        without.extend(open.map(|f| format!("{}: {}", row.name, f.code.as_str())));
    }
    assert!(without.len() <= 5, "{without:#?}");
}
