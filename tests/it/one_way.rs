//! One direction: what arrives, and that stopping and starting adds nothing.

use std::time::Duration;

use crossdock_testbed::scene::DOCK;

use crate::scenes::{ONE_WAY, one_way, scene};

#[test]
fn every_shape_of_record_arrives_as_it_was() {
    let mut scene = scene("every-shape", &["bj", "sh"], ONE_WAY);
    for (topic, partitions) in [("orders", 3), ("users", 1), ("products", 2)] {
        scene.topic("bj", topic, partitions);
        scene.route("bj-to-sh", topic, topic);
    }
    scene.topic("bj", "other", 1); // not asked for: must not be there in the end
    scene.produce("bj", "other", 100);
    scene.produce("bj", "orders", 10_000);
    scene.start();
    scene.load("bj", "users", 2_000);
    scene.produce("bj", "products", 10_000);
    scene.produce("bj", "orders", 10_000);
    scene.stop_load();
    scene.until_caught_up();
    scene.verdict_on_claims().assert_exact();
}

#[test]
fn of_transactions_only_committed_records_arrive() {
    let mut scene = one_way("transactions", 2);
    scene.produce_in_transactions("bj", "orders", 2_000);
    scene.start();
    scene.produce_in_transactions("bj", "orders", 2_000);
    scene.until_caught_up();
    scene.verdict().assert_exact();
}

#[test]
fn once_copies_what_was_there_and_ends() {
    let mut scene = one_way("once", 3);
    scene.produce("bj", "orders", 10_000);
    scene.run_once();
    scene.verdict().assert_exact();
    scene.produce("bj", "orders", 1_000);
    scene.run_once();
    scene.verdict().assert_exact();
}

#[test]
fn stopped_under_load_and_started_again_it_copies_nothing_twice() {
    let mut scene = one_way("restart", 3);
    scene.start();
    scene.load("bj", "orders", 2_000);
    scene.until_copied("sh", "orders", 2_000);
    let (status, took) = scene.dock(DOCK).terminate(Duration::from_secs(60));
    assert!(status.success(), "{status} after {took:?}");
    scene.dock(DOCK).restart();
    scene.until_copied("sh", "orders", 10_000);
    scene.stop_load();
    scene.until_caught_up();
    let before = scene.end_sum("sh", "orders");
    scene.dock(DOCK).terminate(Duration::from_secs(60));
    scene.dock(DOCK).restart();
    scene.until_caught_up();
    assert_eq!(
        scene.end_sum("sh", "orders"),
        before,
        "a restart without news writes nothing"
    );
    scene.verdict().assert_exact();
}

#[test]
fn a_topic_and_a_partition_that_appear_later_are_taken_from_their_beginning() {
    let mut scene = one_way("later", 1);
    scene.produce("bj", "orders", 500);
    scene.start();
    scene.until_caught_up();
    scene.topic("bj", "users", 2);
    scene.route("bj-to-sh", "users", "users");
    scene.produce("bj", "users", 1_000);
    scene.grow("bj", "orders", 3);
    scene.produce("bj", "orders", 1_500);
    scene.until_copied("sh", "orders", 1_999);
    scene.until_copied("sh", "users", 999);
    scene.until_caught_up();
    scene.verdict().assert_exact();
}
