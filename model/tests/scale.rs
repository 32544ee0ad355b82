//! Large topologies are proved in seconds.

#[path = "support/memory.rs"]
mod memory;
mod support;

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crossdock_model::finding::Code;
use crossdock_model::graph::{Report, check};
use support::draft;

/// Five seconds are promised. What is measured is the work, not the wait for a busy machine, which doubles
/// it all the same.
const LIMIT: Duration = Duration::from_secs(10);

const MEMORY_MAX: usize = 500 << 20;

/// One file is proved at a time: what is counted belongs to the whole process.
static ALONE: Mutex<()> = Mutex::new(());

#[global_allocator]
static ALLOCATOR: memory::Counted = memory::Counted;

/// Time that this thread has been on a processor.
fn worked() -> Duration {
    let spent = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let spent = spent.split(' ').next().and_then(|nanos| nanos.parse().ok());
    Duration::from_nanos(spent.unwrap_or_default())
}

fn proved(clusters: &[String], edges: &[String]) -> Report {
    let edges: Vec<&str> = edges.iter().map(String::as_str).collect();
    let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let draft = draft(&clusters.join(" "), &edges);
    ALLOCATOR.forget();
    let start = worked();
    let report = check(&draft);
    let took = worked() - start;
    // Unoptimised code is not what is measured.
    assert!(
        cfg!(debug_assertions) || took < LIMIT,
        "{} edges: {took:?}",
        edges.len()
    );
    let taken = ALLOCATOR.most() >> 20;
    drop(alone);
    assert!(
        taken < MEMORY_MAX >> 20,
        "{} edges: {taken} MiB",
        edges.len()
    );
    report
}

#[test]
fn a_thousand_edges_with_long_alternations() {
    let clusters = ["a", "b", "c"].map(str::to_owned);
    let names = |edge: usize| {
        (0..16)
            .map(move |n| format!("team{edge}-topic{n}"))
            .collect::<Vec<_>>()
    };
    let edges: Vec<String> = (0..1_000)
        .map(|n| format!("e{n}: a>{} {}", ["b", "c"][n % 2], names(n).join("|")))
        .collect();
    assert!(proved(&clusters, &edges).findings.is_empty());
    let mut overlapping = edges;
    overlapping.push("last: a>b team500-topic3 merge".into());
    let report = proved(&clusters, &overlapping);
    let codes: Vec<Code> = report.findings.iter().map(|f| f.code).collect();
    assert_eq!(codes, [Code::DuplicateDelivery, Code::TopicCollision]);
}

#[test]
fn a_full_mesh_of_two_hundred_clusters() {
    if cfg!(debug_assertions) {
        return;
    }
    let clusters: Vec<String> = (0..200).map(|n| format!("c{n}")).collect();
    let pairs = || {
        (0..200)
            .flat_map(|a| (0..200).map(move |b| (a, b)))
            .filter(|(a, b)| a != b)
    };
    let merged: Vec<String> = pairs()
        .map(|(a, b)| format!("c{a}>c{b} orders.* local merge"))
        .collect();
    let report = proved(&clusters, &merged);
    assert!(report.findings.iter().all(|f| f.code == Code::MergedTopic));
    assert_eq!(report.findings.len(), 200);
    for rename in ["prefix", "suffix"] {
        let renamed: Vec<String> = pairs()
            .map(|(a, b)| format!("c{a}>c{b} orders.* local {rename}"))
            .collect();
        let report = proved(&clusters, &renamed);
        assert!(report.findings.is_empty() && !report.is_partial);
    }
}

#[test]
fn a_full_mesh_in_which_everything_goes_on_everywhere_is_followed_as_far_as_can_be() {
    if cfg!(debug_assertions) {
        return;
    }
    let clusters: Vec<String> = (0..200).map(|n| format!("c{n}")).collect();
    let others = |a: usize| (0..200).filter(move |b| *b != a);
    let pairs = (0..200).flat_map(|a| others(a).map(move |b| (a, b)));
    let edges: Vec<String> = pairs
        .map(|(a, b)| format!("c{a}>c{b} orders.* suffix"))
        .collect();
    let report = proved(&clusters, &edges);
    assert!(report.is_partial && report.is_capped);
    assert!(report.findings.iter().all(|f| f.code == Code::ParallelCopy));
}

#[test]
fn a_tree_of_a_hundred_leaves() {
    let clusters: Vec<String> = ["hq".to_owned()]
        .into_iter()
        .chain((0..100).map(|n| format!("leaf{n}")))
        .collect();
    let up = (0..100).map(|n| format!("leaf{n}>hq .* prefix"));
    let down = (0..100).map(|n| format!("hq>leaf{n} .* prefix"));
    let report = proved(&clusters, &up.chain(down).collect::<Vec<_>>());
    assert!(report.findings.is_empty());
    assert_eq!(report.cycles.len(), 100);
}

#[test]
fn names_that_are_cut_and_made_longer_without_end_are_not_followed_so_far() {
    let clusters = ["a", "b", "c"].map(str::to_owned);
    let edges = [
        "e0: c>b a.* rename={topic}-a no-provenance",
        "e1: a>b .* a(.*)=>$1 local",
        "e2: c>a .* rename={topic}a merge",
        "e3: a>c .* b-(.*)=>$1 no-provenance",
        "e4: c>b .*- merge",
        "e5: b>c .* b-(.*)=>$1 no-provenance merge",
    ];
    let findings = proved(&clusters, &edges.map(str::to_owned)).findings;
    assert!(findings.iter().any(|f| f.code == Code::NameLoop));
}

#[test]
fn patterns_that_explode_are_survived() {
    let clusters = ["a", "b"].map(str::to_owned);
    let wild: Vec<String> = (0..40)
        .map(|n| format!("e{n}: a>b .*{}.* merge", char::from(b'a' + (n % 26) as u8)))
        .chain([
            "deep: a>b .*a.{30}b.* merge".to_owned(),
            "long: a>b (.{100}){2} merge".to_owned(),
        ])
        .collect();
    proved(&clusters, &wild);
}

#[test]
fn patterns_that_are_too_large_to_follow_count_as_overlapping() {
    let clusters = ["a", "b"].map(str::to_owned);
    let told = |one: &str, other: &str| {
        let edges = [format!("one: a>b {one}"), format!("other: a>b {other}")];
        let findings = proved(&clusters, &edges).findings;
        let words = |f: &crossdock_model::finding::Finding| {
            (f.code, f.message.contains("treated as overlapping"))
        };
        findings.iter().map(words).collect::<Vec<_>>()
    };
    let twice = [
        (Code::DuplicateDelivery, false),
        (Code::TopicCollision, false),
    ];
    // A name that both take is found.
    assert_eq!(told(".*a.{10}b.*", ".*c.{10}d.*"), twice);
    assert_eq!(told(".*a.{14}b.*", ".*c.{14}d.*"), twice);
    assert_eq!(told(".*a.{24}b.*", ".*c.{24}d.*"), twice);
    assert_eq!(told(".*a.{24}b.*", "x.*"), twice);
    // It need not begin with the one and end with the other.
    assert_eq!(told(".*a.{12}b", ".*c.{11}b"), twice);
    assert_eq!(told(".*a.{24}b", ".*c.{23}b"), twice);
    // That there is none is known as well.
    assert_eq!(told(".*a.{14}b", ".*c.{14}d"), []);
    assert_eq!(told(".*a.{24}b", ".*c.{24}d"), []);
    assert_eq!(told(".*a.{24}b.*", "x|y"), []);
    // What cannot be known is said.
    assert_eq!(
        told(r".*a.{24}\bb", r".*c.{24}\bd"),
        [(Code::TopicCollision, true)]
    );
}
