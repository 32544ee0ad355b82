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
