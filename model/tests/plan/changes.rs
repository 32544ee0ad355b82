//! What is made and changed.

use super::*;

#[test]
fn a_topic_is_made_with_its_sources_own_configs_and_room_for_headers() {
    let t = topology("  - { from: a, to: b, topics: orders, rename: suffix }\n");
    let mut seen = empty();
    let own = [("retention.ms", "1000"), ("min.insync.replicas", "2")];
    put(&mut seen, "a", "orders", topic("o", 3, &own));
    let plan = make(&t, &seen);
    assert_eq!(
        lines(&plan),
        [r#"+ orders-a@b 3 {"max.message.bytes": "1064972", "retention.ms": "1000"}"#]
    );
    let Some(Change::Publish { revision: 1, .. }) = plan.changes.last() else {
        panic!("{:?}", plan.changes);
    };
    assert_eq!(plan.edges[0].records, 30);
}

#[test]
fn a_chain_is_planned_to_its_end() {
    let t = topology(
        "  - { from: a, to: b, topics: orders }\n  - { from: b, to: c, topics: orders }\n",
    );
    let mut seen = empty();
    put(
        &mut seen,
        "a",
        "orders",
        topic("o", 3, &[("retention.ms", "1000")]),
    );
    let made: Vec<_> = lines(&make(&t, &seen));
    assert_eq!(made.len(), 2, "{made:?}");
    assert!(
        made[1].starts_with("+ orders@c 3 {\"max.message.bytes\": \"1081356\", \"retention.ms\"")
    );
}

#[test]
fn partitions_only_grow_and_only_where_the_file_says_so() {
    let mut seen = empty();
    put(&mut seen, "a", "orders", topic("o", 5, &[]));
    put(&mut seen, "b", "orders", topic("p", 3, &[]));
    let t = topology("  - { from: a, to: b, topics: orders }\n");
    assert_eq!(lines(&make(&t, &seen)), ["~ orders@b 3->5"]);
    let t = topology("  - { from: a, to: b, topics: orders, sync: { partitions: false } }\n");
    let plan = make(&t, &seen);
    assert!(lines(&plan).is_empty());
    assert!(codes(&plan).contains(&Code::FewerPartitions));
    let t = topology("  - { from: b, to: a, topics: orders }\n");
    assert!(lines(&make(&t, &seen)).is_empty());
}

#[test]
fn configs_follow_by_value_and_what_only_the_target_sets_stays() {
    let t = topology("  - { from: a, to: b, topics: orders }\n");
    let mut seen = empty();
    let theirs = [("retention.ms", "1000"), ("min.insync.replicas", "2")];
    put(&mut seen, "a", "orders", topic("o", 1, &theirs));
    let ours = [("retention.ms", "2000"), ("cleanup.policy", "compact")];
    put(&mut seen, "b", "orders", topic("p", 1, &ours));
    let plan = make(&t, &seen);
    assert_eq!(lines(&plan), ["~ orders@b retention.ms:2000->1000"]);
    let kept = plan.findings.iter().find(|f| f.code == Code::NotSynced);
    let kept = kept.expect("what stays is told");
    for word in ["cleanup.policy=compact", "min.insync.replicas=1 (2 there)"] {
        assert!(kept.message.contains(word), "{}", kept.message);
    }
    // The brokers' default on one side and the same value on the other is no difference.
    put(
        &mut seen,
        "a",
        "orders",
        topic("o", 1, &[("retention.ms", "604800000")]),
    );
    put(&mut seen, "b", "orders", topic("p", 1, &[]));
    assert!(lines(&make(&t, &seen)).is_empty());
}

#[test]
fn what_mirror_maker_2_leaves_out_by_default_stays_the_targets_own() {
    let out = [
        "follower.replication.throttled.replicas",
        "leader.replication.throttled.replicas",
        "message.timestamp.difference.max.ms",
        "message.timestamp.type",
        "unclean.leader.election.enable",
        "min.insync.replicas",
    ];
    let t = topology("  - { from: a, to: b, topics: orders }\n");
    for key in out.into_iter().chain(["retention.ms"]) {
        let mut seen = empty();
        put(&mut seen, "a", "orders", topic("o", 1, &[(key, "theirs")]));
        let mut ours = topic("p", 1, &[]);
        let configs = ours.configs.get_or_insert_default();
        configs.insert(key.to_owned(), config("ours", false));
        put(&mut seen, "b", "orders", ours);
        let follows = lines(&make(&t, &seen)) == [format!("~ orders@b {key}:ours->theirs")];
        assert_eq!(follows, key == "retention.ms", "{key}");
        // Neither does a topic that is made get it.
        cluster(&mut seen, "b").topics.clear();
        let made = lines(&make(&t, &seen)).concat();
        assert_eq!(made.contains(key), key == "retention.ms", "{made}");
    }
}

#[test]
fn the_largest_message_is_raised_and_never_lowered() {
    let t = topology("  - { from: a, to: b, topics: orders }\n");
    let mut seen = empty();
    put(
        &mut seen,
        "a",
        "orders",
        topic("o", 1, &[("max.message.bytes", "2000000")]),
    );
    put(&mut seen, "b", "orders", topic("p", 1, &[]));
    assert_eq!(
        lines(&make(&t, &seen)),
        ["~ orders@b max.message.bytes:1048588->2016384"]
    );
    put(
        &mut seen,
        "b",
        "orders",
        topic("p", 1, &[("max.message.bytes", "9000000")]),
    );
    assert!(lines(&make(&t, &seen)).is_empty());
    let t = topology("  - { from: b, to: a, topics: orders, sync: { configs: false } }\n");
    assert!(codes(&make(&t, &seen)).contains(&Code::MessageSize));
}

#[test]
fn acls_follow_without_write_and_never_wider_than_read() {
    let t = topology("  - { from: a, to: b, topics: orders, sync: { acls: true } }\n");
    let mut seen = empty();
    put(&mut seen, "a", "orders", topic("o", 1, &[]));
    let acl = |principal: &str, operation: &str, permission: &str| Acl {
        topic: "orders".to_owned(),
        principal: principal.to_owned(),
        host: "*".to_owned(),
        operation: operation.to_owned(),
        permission: permission.to_owned(),
    };
    seen.clusters
        .get_mut(&Alias::new("a"))
        .expect("it is there")
        .acls = Some(BTreeSet::from([
        acl("User:w", "WRITE", "ALLOW"),
        acl("User:all", "ALL", "ALLOW"),
        acl("User:no", "ALL", "DENY"),
        acl("User:now", "WRITE", "DENY"),
    ]));
    let plan = make(&t, &seen);
    let left = plan.findings.iter().find(|f| f.code == Code::NotSynced);
    let left = left.map(|f| f.message.as_str()).unwrap_or_default();
    assert!(
        left.ends_with("ALLOW User:all ALL becomes READ, ALLOW User:w WRITE stays out"),
        "{left}"
    );
    let made = lines(&plan);
    assert_eq!(
        made[1..],
        [
            "+ DENY User:no ALL orders@b",
            "+ DENY User:now WRITE orders@b",
            "+ ALLOW User:all READ orders@b",
        ]
    );
}
