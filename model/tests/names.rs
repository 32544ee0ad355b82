//! The name guard and the record guard on concrete topics.

mod support;

use crossdock_model::graph::{Names, Take, Why, arrivals, births, sample_topics};
use crossdock_model::name::Alias;
use crossdock_model::topology::Draft;
use support::draft;

fn take(draft: &Draft, edge: &str, topic: &str) -> Take {
    let edge = draft
        .edges
        .iter()
        .find(|e| e.name.as_str() == edge)
        .expect("an edge of that name");
    Names::new(draft).take(edge, topic)
}

fn into(topic: &str) -> Take {
    Take::Into(topic.into())
}

fn arrive(draft: &Draft, cluster: &str, topic: &str) -> Vec<String> {
    let all = arrivals(draft, &Names::new(draft), &Alias::new(cluster), topic);
    let tell =
        |a: &crossdock_model::graph::Arrival| format!("{}@{} {}", a.topic, a.cluster, a.copies);
    all.iter().map(tell).collect()
}

#[test]
fn a_replica_is_not_taken_home() {
    let draft = draft("a b", &["a>b .* prefix", "b>a .* prefix"]);
    assert_eq!(take(&draft, "a-to-b", "orders"), into("a.orders"));
    assert_eq!(take(&draft, "b-to-a", "orders"), into("b.orders"));
    assert_eq!(take(&draft, "b-to-a", "a.orders"), Take::Not(Why::Lineage));
    assert_eq!(take(&draft, "b-to-a", "__x"), Take::Not(Why::Internal));
    assert_eq!(take(&draft, "b-to-a", "b.x"), into("b.b.x"));
}

#[test]
fn a_cycle_of_keeps_makes_no_replica() {
    let draft = draft("a b", &["a>b orders.*", "b>a orders.*"]);
    let names = Names::new(&draft);
    assert!(!names.is_replica(&Alias::new("a"), "orders"));
    assert_eq!(take(&draft, "b-to-a", "orders"), into("orders"));
    assert_eq!(arrive(&draft, "a", "orders"), ["orders@b 1"]);
}

#[test]
fn lineage_is_what_every_way_passes() {
    let chain = draft(
        "a b c d",
        &["a>b .* prefix", "b>c .*", "c>d .*", "c>a .*", "d>b .*"],
    );
    let names = Names::new(&chain);
    let lineage = |cluster: &str, topic: &str| {
        let all = names.lineage(&Alias::new(cluster), topic);
        all.iter()
            .map(|a| a.to_string())
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert_eq!(lineage("c", "a.x"), "a b");
    assert_eq!(lineage("d", "a.x"), "a b c");
    assert_eq!(lineage("b", "a.x"), "a");
    assert_eq!(lineage("b", "x"), "");
    // Two ways, one of which passes nothing but its own source.
    let merged = draft(
        "a b c",
        &[
            "a>c .* merge rename=x.{topic}",
            "b>c .* merge rename=x.{topic}",
            "c>a .*",
        ],
    );
    let names = Names::new(&merged);
    assert!(names.is_replica(&Alias::new("c"), "x.orders"));
    assert!(names.lineage(&Alias::new("c"), "x.orders").is_empty());
    assert_eq!(take(&merged, "c-to-a", "x.orders"), into("x.orders"));
}

#[test]
fn forward_local_takes_no_replica() {
    let draft = draft("a b c", &["a>b .* suffix", "b>c .* local suffix"]);
    assert_eq!(take(&draft, "b-to-c", "orders-a"), Take::Not(Why::Replica));
    assert_eq!(take(&draft, "b-to-c", "orders"), into("orders-b"));
}

#[test]
fn the_way_home_of_a_stripped_prefix_is_cut() {
    let draft = draft("a b", &["a>b .* prefix", r"b>a a\..* a\.(.*)=>$1"]);
    assert_eq!(take(&draft, "b-to-a", "a.orders"), Take::Not(Why::Lineage));
}

#[test]
fn names_that_kafka_refuses_are_not_taken() {
    let draft = draft("a b", &[r"a>b .* a(.*)=>$1 (.*)=>__$1"]);
    for (topic, new) in [("a", ""), ("a.", "."), ("b", "__b"), ("a__c", "__c")] {
        assert_eq!(
            take(&draft, "a-to-b", topic),
            Take::Not(Why::TargetName(new.into()))
        );
    }
    assert_eq!(take(&draft, "a-to-b", "ab"), into("b"));
}

#[test]
fn a_diamond_delivers_twice() {
    let diamond = draft(
        "a b c d",
        &["a>b orders", "a>c orders", "b>d orders", "c>d orders"],
    );
    assert_eq!(
        arrive(&diamond, "a", "orders"),
        ["orders@b 1", "orders@c 1", "orders@d 2"]
    );
    assert_eq!(arrive(&diamond, "b", "orders"), ["orders@d 1"]);
}

#[test]
fn an_edge_is_tried_with_names_that_it_takes() {
    let draft = draft("a b", &["a>b users|orders !users", "b>a pay.* suffix !pay"]);
    assert_eq!(sample_topics(&draft.edges[0]), ["orders"]);
    assert_eq!(sample_topics(&draft.edges[1]), ["pay-", "pay."]);
    let all = births(&draft, &Names::new(&draft));
    let all: Vec<_> = all.iter().map(|(c, t)| format!("{t}@{c}")).collect();
    assert_eq!(all, ["orders@a", "pay-@b", "pay.@b"]);
}
