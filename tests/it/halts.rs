//! What makes a partition stand: it stands alone, says why, and goes on when a person has decided.

use std::collections::BTreeMap;

use crossdock_testbed::pool::Lease;
use crossdock_testbed::record::Record;
use crossdock_testbed::scene::{DOCK, Scene};

use crate::scenes::{ONE_WAY, one_way, scene};
use crate::verify::verify;

/// ONE_WAY with more keys on its edge.
fn one_way_with(name: &str, keys: &str, partitions: usize) -> Scene {
    let text = ONE_WAY.replace("products }", &format!("products, {keys} }}"));
    let mut scene = scene(name, &["bj", "sh"], &text);
    scene.topic("bj", "orders", partitions);
    scene.route("bj-to-sh", "orders", "orders");
    scene
}

fn assert_says(reason: &str, words: &[&str]) {
    for word in words {
        assert!(reason.contains(word), "`{word}` is not in: {reason}");
    }
}

#[test]
fn progress_that_is_lost_halts_its_partition_until_a_person_decides() {
    let mut scene = one_way("progress-lost", 1);
    scene.topic("bj", "users", 1);
    scene.route("bj-to-sh", "users", "users");
    scene.produce("bj", "orders", 100);
    scene.produce("bj", "users", 100);
    scene.run_once();
    scene.forget_progress("bj-to-sh", "orders");
    scene.empty("sh", "orders", 0);
    scene.produce("bj", "orders", 10);
    scene.produce("bj", "users", 10);
    scene.start();
    let reason = scene.until_partition("orders", 0, "halted");
    assert_says(&reason, &["progress_lost", "orders-0", "`sh`", "--set"]);
    scene.until_partition("users", 0, "caught_up");
    assert_eq!(
        (scene.count("sh", "orders"), scene.count("sh", "users")),
        (0, 110)
    );

    scene.forget(DOCK);
    let place = [
        "--edge",
        "bj-to-sh",
        "--topic",
        "orders",
        "--partition",
        "0",
    ];
    let set = scene.command(
        "offsets",
        &[&place[..], &["--offset", "100", "--set", "--yes"]].concat(),
    );
    assert!(
        set.status.success(),
        "{}",
        String::from_utf8_lossy(&set.stderr)
    );
    scene.start();
    scene.until_partition("orders", 0, "caught_up");
    assert_eq!(
        scene.count("sh", "orders"),
        10,
        "from where the person said"
    );
}

#[test]
fn progress_that_is_lost_comes_back_from_the_tail_of_the_target() {
    let mut scene = one_way("tail", 3);
    scene.topic("bj", "users", 1);
    scene.route("bj-to-sh", "users", "users");
    scene.produce("bj", "orders", 3_000);
    scene.produce("bj", "users", 100);
    scene.run_once();
    scene.forget_progress("bj-to-sh", "orders");
    scene.produce("bj", "orders", 3_000);
    scene.run_once();
    scene.verdict().assert_exact();
}

#[test]
fn a_source_partition_without_a_target_partition_halts_and_the_others_go_on() {
    let mut scene = one_way_with("no-twin", "sync: { partitions: false }", 3);
    scene.topic("sh", "orders", 1);
    scene.produce("bj", "orders", 300);
    scene.start();
    for partition in [1, 2] {
        let reason = scene.until_partition("orders", partition, "halted");
        assert_says(&reason, &["no target partition", "`sh`"]);
    }
    scene.until_partition("orders", 0, "caught_up");
    assert!(scene.count("sh", "orders") > 0, "partition 0 has its twin");
    // Whoever compares is told of what the target has not.
    let (status, counts) = verify(&scene, &["--counts"]);
    assert_eq!(
        (status, &counts["verdict"]),
        (Some(1), &"behind".into()),
        "{counts}"
    );
    let (_, report) = verify(&scene, &[]);
    let partitions = report["partitions"].as_array().expect("it has partitions");
    let left = |p: &serde_json::Value| p["excused"]["not_copied_yet"].as_u64();
    let left: Vec<_> = partitions.iter().map(left).collect();
    assert_eq!(left, [None, Some(100), Some(100)], "{report}");
}

#[test]
fn a_record_that_is_too_large_halts_its_partition_under_load_and_the_others_go_on() {
    let mut scene = one_way("oversize", 2);
    scene.topic_with("sh", "orders", 2, &[("max.message.bytes", "300000")]);
    scene.start();
    scene.load("bj", "orders", 2_000);
    scene.until_copied("sh", "orders", 2_000);
    let large = Record {
        timestamp: Some(1_750_000_000_000),
        value: Some((0..700_000).map(|i| (i * 31 % 251) as u8).collect()),
        ..Record::default()
    };
    scene.produce_records("bj", "orders", [large]);
    let reason = scene.until_partition("orders", 0, "halted");
    assert_says(
        &reason,
        &["oversize", "orders-0", "source offset", "max.message.bytes"],
    );
    let before = scene.logs("sh", "orders")[1].1;
    scene.until_copied("sh", "orders", scene.end_sum("sh", "orders") + 1_000);
    assert!(
        scene.logs("sh", "orders")[1].1 > before,
        "partition 1 goes on"
    );
    scene.stop_load();
}

#[test]
fn records_that_were_removed_before_they_were_copied_halt_with_their_offsets() {
    let mut scene = one_way("gap", 1);
    scene.produce("bj", "orders", 100);
    scene.run_once();
    scene.produce("bj", "orders", 100);
    scene.trim("bj", "orders", 0, 150);
    scene.start();
    let reason = scene.until_partition("orders", 0, "halted");
    assert_says(
        &reason,
        &["gap", "[100, 150)", "orders-0", "`bj`", "on_gap: continue"],
    );
    assert_eq!(scene.count("sh", "orders"), 100);
}

#[test]
fn a_gap_that_may_be_left_behind_is_counted() {
    let mut scene = one_way_with("gap-continue", "on_gap: continue", 1);
    scene.produce("bj", "orders", 100);
    scene.run_once();
    scene.produce("bj", "orders", 100);
    scene.trim("bj", "orders", 0, 150);
    scene.start();
    scene.until_partition("orders", 0, "caught_up");
    let status = scene.dock(DOCK).status().expect("it runs");
    assert_eq!(status["edges"][0]["lost_total"], 50);
    assert_eq!(scene.count("sh", "orders"), 150);
}

#[test]
fn a_paused_edge_copies_nothing_and_goes_on_where_it_was() {
    let mut scene = one_way("pause", 3);
    scene.produce("bj", "orders", 1_000);
    scene.start();
    scene.until_caught_up();
    let (code, _) = scene
        .dock(DOCK)
        .post("/api/v1/edges/bj-to-sh/pause")
        .expect("it answers");
    let status = scene.dock(DOCK).status().expect("it runs");
    assert_eq!(
        (code, status["edges"][0]["state"].as_str()),
        (200, Some("paused"))
    );
    let before = scene.end_sum("sh", "orders");
    scene.produce("bj", "orders", 1_000);
    let (unknown, _) = scene
        .dock(DOCK)
        .post("/api/v1/edges/nobody/pause")
        .expect("it answers");
    assert_eq!((unknown, scene.end_sum("sh", "orders")), (404, before));
    scene
        .dock(DOCK)
        .post("/api/v1/edges/bj-to-sh/resume")
        .expect("it answers");
    scene.until_caught_up();
    scene.verdict().assert_exact();
}

#[test]
fn a_wrong_password_is_told_with_its_cluster_and_never_shown() {
    let text = r#"
topology: password
clusters:
  bj:
    bootstrap.servers: "${BJ_BOOTSTRAP}"
    security.protocol: SASL_PLAINTEXT
    sasl.mechanism: PLAIN
    sasl.username: bj
    sasl.password: ${NOBODY_SETS_THIS:-geheim-4711}
  sh: { bootstrap.servers: "${SH_BOOTSTRAP}" }
edges:
  - { from: bj, to: sh, topics: orders }
"#;
    let module = "org.apache.kafka.common.security.plain.PlainLoginModule";
    let users = format!("{module} required user_bj=\"another one\";");
    let guarded = Lease::own(&[
        (
            "listener.security.protocol.map",
            "DIRECT:PLAINTEXT,PROXIED:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT",
        ),
        ("sasl.enabled.mechanisms", "PLAIN"),
        ("listener.name.proxied.plain.sasl.jaas.config", &users),
    ]);
    let clusters = BTreeMap::from([
        ("bj".to_owned(), guarded),
        ("sh".to_owned(), Lease::own(&[])),
    ]);
    let mut scene =
        Scene::with_clusters(env!("CARGO_BIN_EXE_crossdock"), "password", clusters, text);
    scene.proxy("bj");
    let run = scene.command("run", &["--once", "--listen", "127.0.0.1:0"]);
    let said = String::from_utf8_lossy(&run.stderr);
    assert_eq!(run.status.code(), Some(3), "{said}");
    assert_says(&said, &["`bj`", "Authentication failed"]);
    assert!(!said.contains("geheim"), "{said}");
}

#[test]
fn a_target_topic_that_is_deleted_is_made_again_and_filled_from_the_beginning() {
    let mut scene = one_way("target-deleted", 2);
    scene.start();
    scene.load("bj", "orders", 500);
    scene.until_copied("sh", "orders", 2_000);
    scene.delete("sh", "orders");
    scene.until_copied("sh", "orders", 4_000);
    // Without a moment in which there is none, no write fails.
    for round in 3..6 {
        scene.replace("sh", "orders", 2);
        scene.until_copied("sh", "orders", 2_000 * round);
    }
    scene.stop_load();
    scene.until_caught_up();
    scene.verdict().assert_exact();
}

#[test]
fn a_source_topic_that_is_deleted_is_told_and_its_copy_stays() {
    let mut scene = one_way("source-gone", 1);
    scene.topic("bj", "users", 1);
    scene.route("bj-to-sh", "users", "users");
    scene.produce("bj", "orders", 100);
    scene.produce("bj", "users", 100);
    scene.start();
    scene.until_caught_up();
    scene.delete("bj", "orders");
    scene.until_reason("source gone: orders");
    scene.produce("bj", "users", 50);
    scene.until_partition("users", 0, "caught_up");
    assert_eq!(
        (scene.count("sh", "orders"), scene.count("sh", "users")),
        (100, 150)
    );
}

#[test]
fn a_transaction_that_hangs_at_the_source_is_told_with_its_place_and_since_when() {
    let mut scene = one_way("hanging", 1);
    scene.produce("bj", "orders", 100);
    scene.start();
    scene.until_partition("orders", 0, "caught_up");
    let hanging = scene.hanging_transaction("bj", "orders", 10);
    scene.produce("bj", "orders", 20);
    scene.until_reason("30 records of orders-0 wait for a transaction that is open at the source from offset 100 on, since 20");
    assert_eq!(scene.count("sh", "orders"), 100);
    scene.abort(hanging);
    scene.until_caught_up();
    scene.verdict().assert_exact();
}
