//! The planner: what it plans, and that what it plans is done when it is done.

use std::collections::{BTreeMap, BTreeSet};

use crossdock_model::graph::{Names, prove};
use crossdock_model::name::Alias;
use crossdock_model::plan::{
    Acl, Change, Cluster, Code, Config, Group, Inventory, Partition, Plan, Published, Sample,
    Start, Tail, Topic, plan, unplaced,
};
use crossdock_model::topology::Topology;

/// A topology of four clusters with these edges.
fn topology(edges: &str) -> Topology {
    let text = format!(
        "topology: t\nhome: a\nclusters:\n  a: {{ bootstrap.servers: a:1 }}\n  b: {{ bootstrap.servers: b:1 }}\n  \
         c: {{ bootstrap.servers: c:1 }}\n  d: {{ bootstrap.servers: d:1 }}\nedges:\n{edges}"
    );
    let (draft, findings) = crossdock_model::file::read(&text, None);
    let draft = draft.unwrap_or_else(|| panic!("{findings:?}"));
    prove(draft)
        .unwrap_or_else(|report| panic!("{:?}", report.findings))
        .0
}

fn config(value: &str, is_own: bool) -> Config {
    Config {
        value: value.to_owned(),
        is_own,
        is_fixed: false,
    }
}

/// What Kafka says of a topic on which nothing is set.
fn defaults() -> BTreeMap<String, Config> {
    [
        ("cleanup.policy", "delete"),
        ("retention.ms", "604800000"),
        ("max.message.bytes", "1048588"),
        ("min.insync.replicas", "1"),
        ("message.timestamp.type", "CreateTime"),
    ]
    .map(|(key, value)| (key.to_owned(), config(value, false)))
    .into()
}

fn topic(id: &str, partitions: usize, own: &[(&str, &str)]) -> Topic {
    let mut configs = defaults();
    for (key, value) in own {
        configs.insert((*key).to_owned(), config(value, true));
    }
    Topic {
        id: id.to_owned(),
        partitions: vec![
            Partition {
                start: 0,
                end: 10,
                at: BTreeMap::new(),
            };
            partitions
        ],
        replication_factor: 1,
        configs: Some(configs),
        ..Topic::default()
    }
}

/// The four clusters, empty.
fn empty() -> Inventory {
    let cluster = |alias: &str| {
        let cluster = Cluster {
            id: format!("id-{alias}"),
            brokers: 1,
            principal: "User:ANONYMOUS".to_owned(),
            acls: Some(BTreeSet::new()),
            ..Cluster::default()
        };
        (Alias::new(alias), cluster)
    };
    Inventory {
        clusters: ["a", "b", "c", "d"].map(cluster).into(),
        ..Inventory::default()
    }
}

fn put(seen: &mut Inventory, cluster: &str, name: &str, topic: Topic) {
    let cluster = seen
        .clusters
        .get_mut(&Alias::new(cluster))
        .expect("it is there");
    cluster.topics.insert(name.to_owned(), topic);
}

fn make(topology: &Topology, seen: &Inventory) -> Plan {
    plan(topology, &Names::new(topology.draft()), seen, "sum")
}

/// What Kafka would make of the changes.
fn after(mut seen: Inventory, changes: &[Change]) -> Inventory {
    for change in changes {
        let cluster = seen
            .clusters
            .get_mut(change.cluster())
            .expect("it is there");
        match change {
            Change::CreateTopic {
                topic: name,
                partitions,
                configs,
                ..
            } => {
                let own: Vec<_> = configs
                    .iter()
                    .map(|(k, v)| (k.as_str(), v.as_str()))
                    .collect();
                let mut made = topic("made", *partitions, &own);
                made.partitions.fill(Partition::default());
                assert!(cluster.topics.insert(name.clone(), made).is_none());
            }
            Change::AddPartitions {
                topic, from, to, ..
            } => {
                let topic = cluster.topics.get_mut(topic).expect("it is there");
                assert_eq!(topic.partitions.len(), *from);
                assert!(to > from, "partitions never go down");
                topic.partitions.resize(*to, Partition::default());
            }
            Change::SetConfigs { topic, configs, .. } => {
                let topic = cluster.topics.get_mut(topic).expect("it is there");
                let there = topic.configs.as_mut().expect("they can be read");
                for (key, change) in configs {
                    let old = there.insert(key.clone(), config(&change.to, true));
                    assert_eq!(old.map(|c| c.value), change.from, "{key}");
                    assert_ne!(key, "min.insync.replicas");
                }
            }
            Change::CreateAcl { acl, .. } => {
                assert!(
                    acl.permission == "DENY" || acl.operation != "WRITE",
                    "{acl:?}"
                );
                assert!(
                    cluster
                        .acls
                        .as_mut()
                        .expect("they can be read")
                        .insert(acl.clone())
                );
            }
            Change::Publish { revision, .. } => {
                seen.published = Some(Published {
                    revision: *revision,
                    uuid: "u".to_owned(),
                    checksum: "sum".to_owned(),
                });
            }
        }
    }
    seen
}

/// The plan as short lines, without the publishing.
fn lines(plan: &Plan) -> Vec<String> {
    let line = |change: &Change| match change {
        Change::CreateTopic {
            cluster,
            topic,
            partitions,
            configs,
            ..
        } => Some(format!("+ {topic}@{cluster} {partitions} {configs:?}")),
        Change::AddPartitions {
            cluster,
            topic,
            from,
            to,
        } => Some(format!("~ {topic}@{cluster} {from}->{to}")),
        Change::SetConfigs {
            cluster,
            topic,
            configs,
        } => {
            let each = configs
                .iter()
                .map(|(k, c)| format!("{k}:{}->{}", c.from.as_deref().unwrap_or("?"), c.to));
            Some(format!(
                "~ {topic}@{cluster} {}",
                each.collect::<Vec<_>>().join(" ")
            ))
        }
        Change::CreateAcl { cluster, acl } => Some(format!(
            "+ {} {} {} {}@{cluster}",
            acl.permission, acl.principal, acl.operation, acl.topic
        )),
        Change::Publish { .. } => None,
    };
    plan.changes.iter().filter_map(line).collect()
}

fn codes(plan: &Plan) -> Vec<Code> {
    plan.findings.iter().map(|f| f.code).collect()
}

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
    let made = lines(&make(&t, &seen));
    assert_eq!(
        made[1..],
        [
            "+ DENY User:no ALL orders@b",
            "+ DENY User:now WRITE orders@b",
            "+ ALLOW User:all READ orders@b",
        ]
    );
}

#[test]
fn a_changed_rename_goes_on_where_it_was() {
    let t = topology("  - { from: a, to: b, topics: orders, rename: prefix }\n");
    let mut seen = empty();
    put(&mut seen, "a", "orders", topic("o", 1, &[]));
    put(&mut seen, "b", "orders-a", topic("p", 1, &[]));
    let positions = [(("orders-a".to_owned(), 0), (7, Some("o".to_owned())))].into();
    let groups = &mut seen
        .clusters
        .get_mut(&Alias::new("b"))
        .expect("it is there")
        .groups;
    groups.insert("crossdock.t.a-to-b".to_owned(), Group { positions });
    let plan = make(&t, &seen);
    let topic = &plan.edges[0].topics[0];
    assert_eq!(topic.was.as_deref(), Some("orders-a"));
    assert_eq!(topic.partitions[0].start_offset, 7);
    assert!(codes(&plan).contains(&Code::Renamed));
}

fn cluster<'a>(seen: &'a mut Inventory, alias: &str) -> &'a mut Cluster {
    let cluster = seen.clusters.get_mut(&Alias::new(alias));
    cluster.expect("it is there")
}

#[test]
fn where_progress_is_gone_the_targets_records_tell_where_it_goes_on() {
    let t = topology("  - { from: a, to: b, topics: orders, start: latest }\n");
    let mut seen = empty();
    put(&mut seen, "a", "orders", topic("o", 4, &[]));
    put(&mut seen, "b", "orders", topic("p", 3, &[]));
    let flows = make_flows(&t, &seen);
    // On the first run, nothing says that what lies there is of this edge.
    assert_eq!(unplaced(&t, &flows, &seen), []);
    let positions = [(("orders".to_owned(), 0), (7, Some("o".to_owned())))].into();
    let groups = &mut cluster(&mut seen, "b").groups;
    groups.insert("crossdock.t.a-to-b".to_owned(), Group { positions });
    let places = unplaced(&t, &flows, &seen);
    let numbers: Vec<_> = places.iter().map(|place| place.partition).collect();
    assert_eq!(numbers, [1, 2], "the fourth is not there yet");
    seen.tails = places
        .into_iter()
        .zip([Tail::Last(4), Tail::Unknown])
        .collect();
    let plan = make(&t, &seen);
    let told = plan.edges[0].topics[0].partitions.iter();
    let told: Vec<_> = told.map(|p| (p.start_offset, p.records, p.start)).collect();
    assert_eq!(
        told,
        [
            (7, 3, None),
            (5, 5, Some(Start::LastCopy)),
            (10, 0, Some(Start::ProgressLost)),
            (0, 10, None),
        ]
    );
}

#[test]
fn progress_that_the_source_has_left_behind_is_told_as_the_policies_say() {
    let at = |policies: &str, offset: i64, noted: &str| {
        let t = topology(&format!(
            "  - {{ from: a, to: b, topics: orders{policies} }}\n"
        ));
        let mut seen = empty();
        let mut source = topic("o", 1, &[]);
        source.partitions[0].start = 4;
        put(&mut seen, "a", "orders", source);
        put(&mut seen, "b", "orders", topic("p", 1, &[]));
        let positions = [(("orders".to_owned(), 0), (offset, Some(noted.to_owned())))].into();
        let groups = &mut cluster(&mut seen, "b").groups;
        groups.insert("crossdock.t.a-to-b".to_owned(), Group { positions });
        let told = make(&t, &seen).edges[0].topics[0].partitions[0].clone();
        (told.start_offset, told.records, told.start)
    };
    let restart = ", on_recreated: restart, on_gap: continue";
    assert_eq!(at("", 7, "o"), (7, 3, None));
    assert_eq!(at("", 4, "o"), (4, 6, None));
    assert_eq!(at("", 3, "o"), (10, 0, Some(Start::Gap)));
    assert_eq!(at(restart, 3, "o"), (4, 6, Some(Start::BehindGap)));
    assert_eq!(at("", 7, "former"), (10, 0, Some(Start::Recreated)));
    assert_eq!(at(restart, 7, "former"), (4, 6, Some(Start::Restarted)));
}

fn make_flows(topology: &Topology, seen: &Inventory) -> Vec<crossdock_model::plan::Flow> {
    let topics = crossdock_model::plan::topics_of(seen);
    crossdock_model::plan::flows(topology, &Names::new(topology.draft()), &topics, |_| false)
}

#[test]
fn another_file_that_copies_the_same_topic_to_the_same_place_is_told() {
    let t = topology("  - { from: a, to: b, topics: orders }\n");
    let mut seen = empty();
    put(&mut seen, "a", "orders", topic("o", 1, &[]));
    put(&mut seen, "b", "orders", topic("p", 1, &[]));
    for (id, expected) in [("o", 1), ("of another source", 0)] {
        let positions = [(("orders".to_owned(), 0), (7, Some(id.to_owned())))].into();
        let foreign = &mut cluster(&mut seen, "b").foreign_groups;
        foreign.insert("crossdock.other.mine".to_owned(), Group { positions });
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
    groups.insert("crossdock.t.x".to_owned(), Group { positions });
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
    target
        .groups
        .insert("crossdock.t.gone".to_owned(), Group { positions: gone });
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

/// A small generator: the property must hold for any shape, not for the same ones each time.
struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }

    fn pick<'a>(&mut self, all: &[&'a str]) -> &'a str {
        all[self.below(all.len() as u64) as usize]
    }
}

fn random_inventory(random: &mut Random) -> Inventory {
    let mut seen = empty();
    for cluster in ["a", "b", "c", "d"] {
        for name in ["orders", "users", "orders-a", "a.orders"] {
            if random.below(3) == 0 {
                continue;
            }
            let mut own = Vec::new();
            for key in [
                "retention.ms",
                "max.message.bytes",
                "min.insync.replicas",
                "cleanup.policy",
            ] {
                if random.below(3) == 0 {
                    own.push((key, random.pick(&["1", "2000000", "7"])));
                }
            }
            let count = 1 + random.below(5) as usize;
            put(
                &mut seen,
                cluster,
                name,
                topic(&format!("{name}@{cluster}"), count, &own),
            );
            for operation in ["READ", "WRITE", "ALL"] {
                if random.below(4) == 0 {
                    let acl = Acl {
                        topic: name.to_owned(),
                        principal: "User:x".to_owned(),
                        host: "*".to_owned(),
                        operation: operation.to_owned(),
                        permission: random.pick(&["ALLOW", "DENY"]).to_owned(),
                    };
                    let cluster = seen
                        .clusters
                        .get_mut(&Alias::new(cluster))
                        .expect("it is there");
                    cluster.acls.get_or_insert_default().insert(acl);
                }
            }
        }
    }
    for (edge, from, to) in [
        ("a-to-b", "a", "b"),
        ("old", "a", "b"),
        ("b-to-a", "b", "a"),
        ("c-to-d", "c", "d"),
    ] {
        let mut positions = BTreeMap::new();
        for (topic, into) in [
            ("orders", "orders"),
            ("orders", "orders-a"),
            ("users", "users"),
        ] {
            if random.below(2) == 0 {
                let noted = (random.below(3) > 0).then(|| format!("{topic}@{from}"));
                let offset = random.below(12) as i64;
                positions.insert((into.to_owned(), random.below(3) as i32), (offset, noted));
            }
        }
        let groups = &mut cluster(&mut seen, to).groups;
        groups.insert(format!("crossdock.t.{edge}"), Group { positions });
    }
    seen
}

#[test]
fn a_plan_that_is_carried_out_leaves_nothing_to_do() {
    let shapes = [
        "  - { from: a, to: b, both_ways: true, topics: '.*', sync: { acls: true } }\n",
        "  - { from: a, to: b, both_ways: true, topics: 'orders|users', rename: suffix }\n",
        "  - { from: a, to: b, topics: '.*' }\n  - { from: b, to: c, topics: '.*', sync: { acls: true } }\n  - { from: c, to: d, topics: '.*' }\n",
        "  - { from: a, to: b, topics: '.*' }\n  - { from: b, to: c, topics: '.*' }\n  - { from: c, to: a, topics: '.*', sync: { acls: true } }\n",
        "  - { from: [a, b, c], to: d, topics: '.*', merge: true, sync: { acls: true } }\n",
        "  - { from: [a, b, c], to: d, topics: users, rename: prefix, sync: { configs: false } }\n",
        "  - { from: a, to: [b, c], topics: '.*', sync: { topics: false } }\n",
        "  - { from: a, to: b, topics: '.*', sync: { partitions: false } }\n",
        "  - { name: new, renamed_from: old, from: a, to: b, topics: 'orders|users', rename: suffix }\n",
        "  - { from: a, to: b, topics: 'orders|users', rename: '{topic}-of-{source}' }\n",
    ];
    let (mut plans, mut changes) = (0, 0);
    for shape in shapes {
        let t = topology(shape);
        for seed in 0..200 {
            let seen = random_inventory(&mut Random(seed));
            let first = make(&t, &seen);
            let second = make(&t, &after(seen, &first.changes));
            assert!(
                second.changes.is_empty(),
                "seed {seed} of {shape}: {:#?}\nafter {:#?}",
                second.changes,
                first.changes
            );
            plans += 1;
            changes += first.changes.len();
        }
    }
    println!("{plans} plans with {changes} changes, none with a rest");
    assert!(changes > plans);
}

#[test]
fn ten_thousand_topics_both_ways_are_planned_in_seconds() {
    let t = topology("  - { from: a, to: b, both_ways: true, topics: '.*', rename: suffix }\n");
    let mut seen = empty();
    for number in 0..10_000 {
        put(
            &mut seen,
            "a",
            &format!("t{number}"),
            topic(&number.to_string(), 1, &[]),
        );
    }
    let begun = std::time::Instant::now();
    let plan = make(&t, &seen);
    let took = begun.elapsed();
    println!("{} changes in {took:?}", plan.changes.len());
    assert_eq!(lines(&plan).len(), 10_000);
    assert!(took.as_secs() < 20, "{took:?}");
}
