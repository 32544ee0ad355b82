//! Topologies as large as anybody has them, as text.

use std::fmt::Write;

/// Clusters `c0`, `c1` and so on, then what follows.
fn clusters(count: usize) -> String {
    let mut text = "topology: large\nclusters:\n".to_owned();
    for number in 0..count {
        writeln!(
            text,
            "  c{number}: {{ bootstrap.servers: 'c{number}:9092' }}"
        )
        .ok();
    }
    text + "edges:\n"
}

/// Edges in a chain of clusters, each with an alternation of about so many characters.
pub(crate) fn alternations(edges: usize, characters: usize) -> String {
    let mut text = clusters(edges + 1);
    for number in 0..edges {
        let mut topics = String::new();
        while topics.len() < characters {
            write!(topics, "t{number}-{}|", topics.len()).ok();
        }
        let topics = topics.trim_end_matches('|');
        let target = number + 1;
        writeln!(
            text,
            "  - {{ from: c{number}, to: c{target}, topics: {topics} }}"
        )
        .ok();
    }
    text
}

/// Every cluster sends its own records to every other.
pub(crate) fn mesh(count: usize, rename: &str) -> String {
    let all: Vec<_> = (0..count).map(|n| format!("c{n}")).collect();
    let all = all.join(", ");
    let mut text = clusters(count);
    writeln!(
        text,
        "  - {{ from: [{all}], to: [{all}], topics: orders.*, forward: local, rename: {rename} }}"
    )
    .ok();
    text
}

/// A root that sends to branches, which send to leaves.
pub(crate) fn tree(leaves: usize) -> String {
    let branches = leaves / 10;
    let mut text = clusters(1 + branches + leaves);
    for branch in 1..=branches {
        let first = branches + 1 + (branch - 1) * 10;
        let below: Vec<_> = (first..first + 10).map(|n| format!("c{n}")).collect();
        writeln!(text, "  - {{ from: c0, to: c{branch}, topics: .* }}").ok();
        writeln!(
            text,
            "  - {{ from: c{branch}, to: [{}], topics: .* }}",
            below.join(", ")
        )
        .ok();
    }
    text
}
