//! Every kind of change, on real clusters: the file before and after, the plan, the clusters after it
//! was applied, and a second plan that is empty. Those of topics and renames are in `plan`, those of
//! ACLs in `acls`.

use crossdock_testbed::scene::Scene;
use crossdock_testbed::{admin, consumer};

use crate::plan::{apply, assert_done, plan_of};
use crate::scenes::scene;

/// What comes after the clusters' addresses.
const EDGES: &str = "edges:\n";

/// A scene whose file has these edges, applied; `prepare` makes what is there before.
fn before(name: &str, aliases: &[&str], edges: &str, prepare: impl Fn(&mut Scene)) -> Scene {
    let clusters: String = aliases
        .iter()
        .map(|alias| {
            let variable = alias.to_uppercase();
            format!("  {alias}: {{ bootstrap.servers: \"${{{variable}_BOOTSTRAP}}\" }}\n")
        })
        .collect();
    let text = format!("topology: kind\nclusters:\n{clusters}{EDGES}{edges}");
    let mut scene = scene(name, aliases, &text);
    prepare(&mut scene);
    apply(&scene);
    scene
}

/// Gives the file other edges, and checks what is planned, done, and left to do.
fn assert_change(scene: &Scene, edges: &str, expected: &str) {
    let text = std::fs::read_to_string(scene.file()).expect("it is there");
    let (head, _) = text.split_once(EDGES).expect("it has edges");
    let text = format!("{head}{EDGES}{edges}");
    std::fs::write(scene.file(), text).expect("it can be written");
    let topology = scene.topology();
    assert_eq!(plan_of(scene).replace(topology, "TOPOLOGY"), expected);
    apply(scene);
    assert_done(scene);
}

/// 50 records in bj's only topic, copied.
fn copied(name: &str, edges: &str) -> Scene {
    let mut scene = before(name, &["bj", "sh"], edges, |scene| {
        scene.topic("bj", "orders", 1);
        scene.produce("bj", "orders", 50);
    });
    scene.run_once();
    scene
}

#[test]
fn a_pattern_takes_one_topic_more() {
    let edges = "  - { from: bj, to: sh, topics: orders }\n";
    let scene = before("kind-wider", &["bj", "sh"], edges, |scene| {
        scene.topic("bj", "orders", 1);
        scene.topic_with("bj", "users", 2, &[("retention.ms", "1000000")]);
    });
    assert_change(
        &scene,
        "  - { from: bj, to: sh, topics: orders|users }\n",
        "edge bj-to-sh: bj -> sh, first run
  orders -> orders: 1 partitions, 0 records
    partition 0: from offset 0, end 0
  users -> users (new): 2 partitions, 0 records
    partition 0: from offset 0, end 0
    partition 1: from offset 0, end 0
  to copy: 0 records

+ topic users on `sh`: 2 partitions, replication factor: 1
      max.message.bytes = 1064972
      retention.ms = 1000000

Plan: 1 to create, 0 to change, 0 to delete; 0 errors, 0 warnings.
",
    );
    assert_eq!(scene.config("sh", "users", "retention.ms"), "1000000");
}

#[test]
fn a_topic_that_is_excluded_stays_where_it_was_copied_to() {
    let edges = "  - { from: bj, to: sh, topics: '.*' }\n";
    let scene = before("kind-excluded", &["bj", "sh"], edges, |scene| {
        scene.topic("bj", "orders", 1);
        scene.topic("bj", "users", 1);
    });
    assert_change(
        &scene,
        "  - { from: bj, to: sh, topics: '.*', exclude_topics: users }\n",
        "edge bj-to-sh: bj -> sh, first run
  orders -> orders: 1 partitions, 0 records
    partition 0: from offset 0, end 0
  to copy: 0 records

No changes: the clusters are as the topology wants them; 0 errors, 0 warnings.
",
    );
    assert_eq!(scene.logs("sh", "users").len(), 1, "nothing is deleted");
}

#[test]
fn groups_begin_to_follow() {
    let mut scene = copied("kind-groups", "  - { from: bj, to: sh, topics: orders }\n");
    let [bj, sh] = ["bj", "sh"].map(|alias| scene.address(alias));
    consumer::commit(&bj, "kind-billing", "orders", &[(0, 30)]);
    consumer::commit(&bj, "kind-test", "orders", &[(0, 20)]);
    assert_change(
        &scene,
        "  - { from: bj, to: sh, topics: orders, sync: { groups: { include: kind-.*, exclude: .*-test } } }\n",
        "edge bj-to-sh: bj -> sh, has run before
  orders -> orders: 1 partitions, 0 records
    partition 0: from offset 50, end 50
  groups in sync: kind-.*
    kind-billing: 1 partitions
    kind-test: left out, `sync.groups.exclude` matches it
  to copy: 0 records

No changes: the clusters are as the topology wants them; 0 errors, 0 warnings.
",
    );
    scene.run_once();
    let at = |group| {
        consumer::committed(&sh, group, "orders", 1)
            .remove(&0)
            .map(|(at, _)| at)
    };
    assert_eq!((at("kind-billing"), at("kind-test")), (Some(30), None));
}

#[test]
fn an_edge_gets_another_name_and_goes_on() {
    let mut scene = copied("kind-named", "  - { from: bj, to: sh, topics: orders }\n");
    assert_change(
        &scene,
        "  - { name: new, renamed_from: bj-to-sh, from: bj, to: sh, topics: orders }\n",
        "edge new: bj -> sh, takes over the progress of crossdock.TOPOLOGY.bj-to-sh
  orders -> orders: 1 partitions, 0 records
    partition 0: from offset 50, end 50
  to copy: 0 records

- edge bj-to-sh is now called new; its group crossdock.TOPOLOGY.bj-to-sh stays on `sh`
      delete the group when the edge runs under its new name

No changes: the clusters are as the topology wants them; 0 errors, 0 warnings.
",
    );
    scene.produce("bj", "orders", 10);
    scene.run_once();
    assert_eq!(scene.count("sh", "orders"), 60, "each once");
}

#[test]
fn larger_records_at_the_source_raise_the_target() {
    let edges = "  - { from: bj, to: sh, topics: orders }\n";
    let mut scene = before("kind-larger", &["bj", "sh"], edges, |scene| {
        scene.topic("bj", "orders", 1);
    });
    let bj = scene.broker("bj").bootstrap();
    admin::set_config(&bj, "orders", "max.message.bytes", "5000000");
    assert_change(
        &scene,
        edges,
        "edge bj-to-sh: bj -> sh, first run
  orders -> orders: 1 partitions, 0 records
    partition 0: from offset 0, end 0
  to copy: 0 records

~ topic orders on `sh`: configs
      max.message.bytes: 1064972 -> 5016384

Plan: 0 to create, 1 to change, 0 to delete; 0 errors, 0 warnings.
",
    );
    let largest = |scene: &Scene| scene.config("sh", "orders", "max.message.bytes");
    assert_eq!(largest(&scene), "5016384");
    // And nothing lowers it.
    admin::set_config(&bj, "orders", "max.message.bytes", "1000");
    assert_done(&scene);
    assert_eq!(largest(&scene), "5016384");
}

#[test]
fn configs_begin_to_follow_and_cease_to() {
    let without = "  - { from: bj, to: sh, topics: orders, sync: { configs: false } }\n";
    let mut scene = before("kind-sync", &["bj", "sh"], without, |scene| {
        scene.topic_with("bj", "orders", 1, &[("retention.ms", "1000000")]);
    });
    assert_eq!(scene.config("sh", "orders", "retention.ms"), "-1");
    let with = "  - { from: bj, to: sh, topics: orders }\n";
    let head = "edge bj-to-sh: bj -> sh, first run
  orders -> orders: 1 partitions, 0 records
    partition 0: from offset 0, end 0
  to copy: 0 records
";
    assert_change(
        &scene,
        with,
        &format!(
            "{head}
~ topic orders on `sh`: configs
      retention.ms: -1 -> 1000000

Plan: 0 to create, 1 to change, 0 to delete; 0 errors, 0 warnings.
"
        ),
    );
    // Taken out of the sync: the target keeps the value that it has.
    let bj = scene.broker("bj").bootstrap();
    admin::set_config(&bj, "orders", "retention.ms", "2000000");
    assert_change(
        &scene,
        without,
        &format!(
            "{head}
note[not-synced]: edge bj-to-sh: topic orders on `sh` keeps retention.ms=1000000 (2000000 there)
  = help: these do not follow: MirrorMaker 2's default excludes, values set on the target alone, `sync.configs: false`, or a topic that others write first

No changes: the clusters are as the topology wants them; 0 errors, 0 warnings.
"
        ),
    );
    assert_eq!(scene.config("sh", "orders", "retention.ms"), "1000000");
}

#[test]
fn where_it_starts_and_how_fast_it_may_be_are_planned() {
    let edges = "  - { from: bj, to: sh, topics: orders, enabled: false }\n";
    let scene = before("kind-start", &["bj", "sh"], edges, |scene| {
        scene.topic("bj", "orders", 1);
        scene.produce("bj", "orders", 50);
    });
    assert!(
        scene.logs("sh", "orders").is_empty(),
        "a disabled edge makes nothing"
    );
    let made = "+ topic orders on `sh`: 1 partitions, replication factor: 1
      max.message.bytes = 1064972

Plan: 1 to create, 0 to change, 0 to delete; 0 errors, 0 warnings.
";
    assert_change(
        &scene,
        "  - { from: bj, to: sh, topics: orders, limit: 10 records/s }\n",
        &format!(
            "edge bj-to-sh: bj -> sh, first run
  orders -> orders (new): 1 partitions, 50 records
    partition 0: from offset 0, end 50
  to copy: 50 records, at least 5 s at its limit

{made}"
        ),
    );
    assert_change(
        &scene,
        "  - { from: bj, to: sh, topics: orders, start: latest }\n",
        "edge bj-to-sh: bj -> sh, first run
  orders -> orders: 1 partitions, 0 records
    partition 0: from offset 50, end 50
  to copy: 0 records

No changes: the clusters are as the topology wants them; 0 errors, 0 warnings.
",
    );
    assert_change(
        &scene,
        edges,
        "edge bj-to-sh: bj -> sh, disabled
  to copy: 0 records

No changes: the clusters are as the topology wants them; 0 errors, 0 warnings.
",
    );
}

#[test]
fn one_more_source_is_merged_into_a_topic_that_grows_with_it() {
    let edges = "  - { from: bj, to: sh, topics: orders }\n";
    let scene = before("kind-merge", &["bj", "sh", "gz"], edges, |scene| {
        scene.topic("bj", "orders", 1);
        scene.topic("gz", "orders", 3);
    });
    assert_change(
        &scene,
        "  - { from: [bj, gz], to: sh, topics: orders, merge: true }\n",
        "edge bj-to-sh: bj -> sh, first run
  orders -> orders: 1 partitions, 0 records
    partition 0: from offset 0, end 0
  to copy: 0 records

~ topic orders on `sh`: partitions 1 -> 3

edge gz-to-sh: gz -> sh, first run
  orders -> orders: 3 partitions, 0 records
    partition 0: from offset 0, end 0
    partition 1: from offset 0, end 0
    partition 2: from offset 0, end 0
  to copy: 0 records

Plan: 0 to create, 1 to change, 0 to delete; 0 errors, 0 warnings.
",
    );
    assert_eq!(scene.logs("sh", "orders").len(), 3);
}

#[test]
fn a_topology_gets_a_home_and_another_revision() {
    let edges = "  - { from: bj, to: sh, topics: orders }\n";
    let scene = before("kind-home", &["bj", "sh"], edges, |scene| {
        scene.topic("bj", "orders", 1);
    });
    let text = std::fs::read_to_string(scene.file()).expect("it is there");
    let text = text.replace("clusters:\n", "home: sh\nclusters:\n");
    std::fs::write(scene.file(), text).expect("it can be written");
    let head = "edge bj-to-sh: bj -> sh, first run
  orders -> orders: 1 partitions, 0 records
    partition 0: from offset 0, end 0
  to copy: 0 records
";
    for (number, streams) in [(1, ""), (2, ", streams: 2")] {
        assert_change(
            &scene,
            &format!("  - {{ from: bj, to: sh, topics: orders{streams} }}\n"),
            &format!(
                "{head}
+ revision {number} of the topology on `sh`

Plan: 1 to create, 0 to change, 0 to delete; 0 errors, 0 warnings.
"
            ),
        );
        let history = scene.command("history", &["--format", "json"]);
        let all: serde_json::Value = serde_json::from_slice(&history.stdout).expect("it is JSON");
        assert_eq!(all[0]["revision"], number);
    }
}
