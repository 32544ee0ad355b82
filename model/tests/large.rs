//! Topologies as large as anybody has them: what is told of them, and that it is bounded. How long it
//! takes is measured by `cargo bench -p crossdock-model`.

use std::collections::BTreeMap;

use crossdock_model::{file, graph};

#[path = "support/large.rs"]
mod large;

/// Edges, findings by code, and cycles.
fn check(text: &str) -> (usize, BTreeMap<&'static str, usize>, usize) {
    let (draft, mut findings) = file::read(text, None);
    let draft = draft.expect("a topology");
    let report = graph::check(&draft);
    findings.extend(report.findings);
    let mut codes = BTreeMap::new();
    for finding in &findings {
        *codes.entry(finding.code.as_str()).or_default() += 1;
    }
    (draft.edges.len(), codes, report.cycles.len())
}

#[test]
fn a_thousand_edges_of_long_alternations_are_checked_one_by_one() {
    let (edges, codes, cycles) = check(&large::alternations(1_000, 200));
    assert_eq!((edges, codes, cycles), (1_000, [].into(), 0));
}

#[test]
fn a_full_mesh_of_local_records_is_right_and_its_cycles_are_capped() {
    let (edges, codes, cycles) = check(&large::mesh(40, "suffix"));
    assert_eq!((edges, codes), (40 * 39, [].into()));
    assert!((1..=1_000).contains(&cycles), "{cycles}");
}

#[test]
fn a_list_of_cycles_that_is_not_whole_says_so() {
    let is_capped = |text: &str| {
        let (draft, _) = file::read(text, None);
        graph::verdicts(&draft.expect("a topology")).is_capped
    };
    assert!(is_capped(&large::mesh(30, "suffix")));
    assert!(!is_capped(&large::mesh(4, "suffix")));
}

#[test]
fn a_full_mesh_that_keeps_names_collides_once_on_each_cluster() {
    let (_, codes, _) = check(&large::mesh(40, "keep"));
    assert_eq!(codes, [("topic-collision", 40)].into());
}

#[test]
fn a_tree_of_a_hundred_leaves_says_nothing() {
    let (edges, codes, cycles) = check(&large::tree(100));
    assert_eq!((edges, codes, cycles), (110, [].into(), 0));
}

#[test]
fn more_edges_than_anybody_runs_are_refused_before_they_are_made() {
    let text = large::mesh(250, "keep");
    let (draft, findings) = file::read(&text, None);
    assert!(draft.is_some_and(|d| d.edges.is_empty()));
    assert!(
        findings[0].message.contains("at most 50000 edges"),
        "{findings:#?}"
    );
}
