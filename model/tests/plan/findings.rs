//! What is told before anything is done.

use super::*;

#[test]
fn another_file_that_copies_the_same_topic_to_the_same_place_is_told() {
    let t = topology("  - { from: a, to: b, topics: orders }\n");
    let mut seen = empty();
    put(&mut seen, "a", "orders", topic("o", 1, &[]));
    put(&mut seen, "b", "orders", topic("p", 1, &[]));
    for (id, expected) in [("o", 1), ("of another source", 0)] {
        let positions = [(("orders".to_owned(), 0), (7, Some(id.to_owned())))].into();
        let foreign = &mut cluster(&mut seen, "b").foreign_groups;
        foreign.insert(
            "crossdock.other.mine".to_owned(),
            Group {
                positions,
                ..Group::default()
            },
        );
        let plan = make(&t, &seen);
        let told = plan.findings.iter();
        let told: Vec<_> = told.filter(|f| f.code == Code::ForeignReplica).collect();
        assert_eq!(told.len(), expected, "{id}: {told:?}");
        let names =
            |f: &&crossdock_model::plan::Finding| f.message.contains("edge mine of topology other");
        assert!(told.iter().all(names), "{told:?}");
    }
}

#[test]
fn an_edge_that_leads_elsewhere_now_is_not_said_to_be_gone() {
    let t = topology("  - { name: x, from: a, to: c, topics: orders }\n");
    let mut seen = empty();
    let positions = [(("orders".to_owned(), 0), (7, None))].into();
    let groups = &mut cluster(&mut seen, "b").groups;
    groups.insert(
        "crossdock.t.x".to_owned(),
        Group {
            positions,
            ..Group::default()
        },
    );
    let plan = make(&t, &seen);
    let left = plan.findings.iter().find(|f| f.code == Code::LeftBehind);
    let message = &left.expect("it is told").message;
    assert!(
        message.starts_with("edge x leads to `c` now; its group"),
        "{message}"
    );
}

#[test]
fn another_replicators_topics_are_told_wherever_they_are() {
    let t = topology("  - { from: a, to: b, topics: 'orders|heartbeats' }\n");
    let mut seen = empty();
    put(&mut seen, "a", "heartbeats", topic("h", 1, &[]));
    put(&mut seen, "b", "mm2-offsets.a.internal", topic("m", 1, &[]));
    put(&mut seen, "b", "a.checkpoints.internal", topic("k", 1, &[]));
    let plan = make(&t, &seen);
    let told = plan
        .findings
        .iter()
        .filter(|f| f.code == Code::OtherReplicator);
    let told: Vec<_> = told
        .map(|f| (format!("{:?}", f.severity), f.message.clone()))
        .collect();
    let looks = "looks like MirrorMaker 2's own";
    assert_eq!(
        told,
        [
            (
                "Warning".to_owned(),
                format!("topic heartbeats on `a` {looks}")
            ),
            (
                "Note".to_owned(),
                format!("topic a.checkpoints.internal on `b`, and 1 more {looks}")
            ),
        ]
    );
}

#[test]
fn what_cannot_be_made_or_kept_apart_is_told() {
    let edges = "  - { from: a, to: b, topics: 'orders|carts-a', rename: suffix, sync: { topics: false } }\n  \
                 - { from: a, to: c, topics: orders, merge: true }\n  - { from: d, to: c, topics: orders, merge: true }\n  \
                 - { from: b, to: a, topics: 'orders-a|.*-b', rename: suffix }\n";
    let t = topology(edges);
    let mut seen = empty();
    put(
        &mut seen,
        "a",
        "orders",
        topic("o", 1, &[("cleanup.policy", "compact")]),
    );
    put(&mut seen, "d", "orders", topic("p", 1, &[]));
    cluster(&mut seen, "c").replication_factor = Some(3);
    let mut own = topic("q", 1, &[]);
    own.sample.records = 2;
    put(&mut seen, "b", "orders-a", own);
    let plan = make(&t, &seen);
    let found = codes(&plan);
    for code in [
        Code::ReplicationFactor,
        Code::CompactedMerge,
        Code::ShadowedTopic,
    ] {
        assert!(found.contains(&code), "{code} is not among {found:?}");
    }
    cluster(&mut seen, "b").topics.clear();
    let found = codes(&make(&t, &seen));
    assert!(found.contains(&Code::NoTargetTopic), "{found:?}");
    let factors = plan.changes.iter().filter_map(|change| match change {
        Change::CreateTopic {
            replication_factor, ..
        } => Some(*replication_factor),
        _ => None,
    });
    assert_eq!(
        factors.collect::<Vec<_>>(),
        [Some(3)],
        "as the cluster has it"
    );
}

#[test]
fn a_foreign_replica_is_told_and_not_made_where_it_has_been() {
    let t = topology(
        "  - { from: a, to: b, topics: orders }\n  - { from: a, to: c, topics: orders }\n",
    );
    let mut seen = empty();
    let mut orders = topic("o", 1, &[]);
    orders.sample = Sample {
        records: 2,
        sizes: BTreeMap::new(),
        lineage: Some(BTreeSet::from(["id-b".to_owned()])),
        origins: BTreeSet::new(),
    };
    put(&mut seen, "a", "orders", orders);
    let plan = make(&t, &seen);
    let made = lines(&plan);
    assert_eq!(made.len(), 1, "{made:?}");
    assert!(made[0].starts_with("+ orders@c"));
    assert!(plan.edges[0].topics[0].is_held);
    assert_eq!(
        codes(&plan)
            .iter()
            .filter(|c| **c == Code::ForeignReplica)
            .count(),
        2
    );
}

#[test]
fn each_thing_that_would_go_wrong_is_told() {
    let t = topology("  - { from: a, to: b, topics: [orders, 'nothing.*'] }\n");
    let mut seen = empty();
    put(
        &mut seen,
        "a",
        "orders",
        topic("o", 1, &[("cleanup.policy", "compact")]),
    );
    put(
        &mut seen,
        "b",
        "orders",
        topic("p", 1, &[("message.timestamp.type", "LogAppendTime")]),
    );
    let target = seen
        .clusters
        .get_mut(&Alias::new("b"))
        .expect("it is there");
    target.id = "id-a".to_owned();
    let gone = [(("users".to_owned(), 0), (7, None))].into();
    target.groups.insert(
        "crossdock.t.gone".to_owned(),
        Group {
            positions: gone,
            ..Group::default()
        },
    );
    let operations = Some(BTreeSet::from(["DESCRIBE".to_owned()]));
    target
        .topics
        .get_mut("orders")
        .expect("it is there")
        .operations = operations;
    let found = codes(&make(&t, &seen));
    for code in [
        Code::SameCluster,
        Code::MatchesNothing,
        Code::ExistingTopic,
        Code::LogAppendTime,
        Code::LeftBehind,
        Code::MissingPermission,
    ] {
        assert!(found.contains(&code), "{code} is not among {found:?}");
    }
}
