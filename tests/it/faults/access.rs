//! Permissions that are taken away and given back while it runs.

use std::collections::BTreeMap;
use std::time::Duration;

use crossdock_testbed::admin;
use crossdock_testbed::scene::{DOCK, Scene};
use crossdock_testbed::wait;

use super::{assert_says, judge};
use crate::acls::guarded;

const TEXT: &str = r#"
topology: access
clusters:
  bj:
    bootstrap.servers: "${BJ_BOOTSTRAP}"
    security.protocol: SASL_PLAINTEXT
    sasl.mechanism: PLAIN
    sasl.username: dock
    sasl.password: ${DOCK_PASSWORD:-dock-secret}
  sh:
    bootstrap.servers: "${SH_BOOTSTRAP}"
    security.protocol: SASL_PLAINTEXT
    sasl.mechanism: PLAIN
    sasl.username: dock
    sasl.password: ${DOCK_PASSWORD:-dock-secret}
edges:
  - { from: bj, to: sh, topics: orders|users, sync: { configs: false } }
"#;

fn acl(scene: &mut Scene, alias: &str, action: &str, arguments: &[&str]) {
    let mut all = vec![action];
    if action == "--remove" {
        all.push("--force");
    }
    all.extend(["--allow-principal", "User:dock"]);
    all.extend(arguments);
    admin::acls(&scene.address(alias), &all);
}

/// `dock` may read everything at the source, and nothing else there; at the target what it needs.
fn guarded_scene(name: &str) -> Scene {
    let clusters = BTreeMap::from([("bj".to_owned(), guarded()), ("sh".to_owned(), guarded())]);
    let mut scene = Scene::with_clusters(env!("CARGO_BIN_EXE_crossdock"), name, clusters, TEXT);
    scene.proxy("bj");
    scene.proxy("sh");
    for topic in ["orders", "users"] {
        scene.topic("bj", topic, 2);
        scene.topic("sh", topic, 2);
        scene.route("bj-to-sh", topic, topic);
        for (alias, operations) in [
            ("bj", &["Read", "Describe", "DescribeConfigs"][..]),
            (
                "sh",
                &[
                    "Write",
                    "Read",
                    "Describe",
                    "DescribeConfigs",
                    "Create",
                    "Alter",
                ][..],
            ),
        ] {
            let operations = operations.iter().flat_map(|o| ["--operation", o]);
            let operations: Vec<&str> = operations.chain(["--topic", topic]).collect();
            acl(&mut scene, alias, "--add", &operations);
        }
    }
    let prefix = ["--resource-pattern-type", "prefixed"];
    for arguments in [
        &["--operation", "All", "--group", "crossdock"][..],
        &["--operation", "All", "--transactional-id", "crossdock"],
    ] {
        acl(&mut scene, "sh", "--add", &[arguments, &prefix].concat());
    }
    for alias in ["bj", "sh"] {
        acl(
            &mut scene,
            alias,
            "--add",
            &["--operation", "Describe", "--cluster"],
        );
    }
    scene
}

fn grown(scene: &mut Scene, topic: &str, count: usize) {
    let now = scene.count("sh", topic) as i64;
    scene.produce("bj", topic, count);
    scene.until_copied("sh", topic, now + count as i64 - 1);
}

/// Waits until the status tells of trouble in these words.
fn until_told(scene: &mut Scene, words: &[&str]) {
    wait::until("it is told", Duration::from_secs(120), || {
        let status = scene.dock(DOCK).status()?.to_string();
        match words.iter().all(|word| status.contains(word)) {
            true => Ok(()),
            false => Err(status),
        }
    });
}

#[test]
fn the_right_to_write_one_topic_revoked_and_granted_stops_that_topic_alone_and_loses_nothing() {
    let mut scene = guarded_scene("write-revoked");
    scene.start();
    grown(&mut scene, "orders", 500);
    grown(&mut scene, "users", 500);
    let write = ["--operation", "Write", "--topic", "orders"];
    acl(&mut scene, "sh", "--remove", &write);
    scene.produce("bj", "orders", 500);
    until_told(&mut scene, &["orders", "may not"]);
    // Others go on.
    grown(&mut scene, "users", 500);
    assert_eq!(scene.count("sh", "orders"), 500);
    acl(&mut scene, "sh", "--add", &write);
    scene.until_copied("sh", "orders", 999);
    judge(&mut scene);
}

#[test]
fn the_right_to_read_one_topic_revoked_and_granted_is_no_deletion_and_loses_nothing() {
    let mut scene = guarded_scene("read-revoked");
    scene.start();
    grown(&mut scene, "orders", 500);
    let read = ["--operation", "Read", "--topic", "orders"];
    acl(&mut scene, "bj", "--remove", &read);
    scene.produce("bj", "orders", 500);
    until_told(&mut scene, &["orders", "may not"]);
    grown(&mut scene, "users", 500);
    assert_eq!(scene.count("sh", "orders"), 500);
    acl(&mut scene, "bj", "--add", &read);
    scene.until_copied("sh", "orders", 999);
    judge(&mut scene);
}

#[test]
fn without_the_right_to_describe_the_clusters_records_are_still_copied() {
    let mut scene = guarded_scene("describe-revoked");
    scene.start();
    grown(&mut scene, "orders", 500);
    for alias in ["bj", "sh"] {
        acl(
            &mut scene,
            alias,
            "--remove",
            &["--operation", "Describe", "--cluster"],
        );
    }
    grown(&mut scene, "orders", 500);
    judge(&mut scene);
}

#[test]
fn the_right_to_the_transactional_id_revoked_it_stands_rather_than_writes_unfenced() {
    let mut scene = guarded_scene("transactional-revoked");
    scene.start();
    grown(&mut scene, "orders", 500);
    let id = [
        "--operation",
        "All",
        "--transactional-id",
        "crossdock",
        "--resource-pattern-type",
        "prefixed",
    ];
    acl(&mut scene, "sh", "--remove", &id);
    scene.produce("bj", "orders", 500);
    until_told(&mut scene, &["ransactional", "authorization failed"]);
    assert_eq!(scene.count("sh", "orders"), 500, "nothing without a fence");
    acl(&mut scene, "sh", "--add", &id);
    scene.until_copied("sh", "orders", 999);
    judge(&mut scene);
    let reason = scene.dock(DOCK).log();
    assert_says(&reason, &["`sh`"]);
}

#[test]
fn a_source_that_may_only_be_read_is_left_as_it_was() {
    let mut scene = guarded_scene("read-only");
    scene.only_read("bj");
    scene.start();
    grown(&mut scene, "orders", 500);
    grown(&mut scene, "users", 500);
    judge(&mut scene);
}
