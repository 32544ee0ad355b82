//! Networks that stand still between crossdock and the target.

use std::time::Duration;

use crossdock_testbed::proxy::api;
use crossdock_testbed::scene::DOCK;

use crate::scenes::{one_way, scene, until_it_copies};

/// A member that may be silent for 20 s only, so that a test need not wait for minutes.
const IMPATIENT: &str = r#"
topology: impatient
clusters:
  bj: { bootstrap.servers: "${BJ_BOOTSTRAP}" }
  sh: { bootstrap.servers: "${SH_BOOTSTRAP}" }
edges:
  - from: bj
    to: sh
    topics: orders
    consumer: { max.poll.interval.ms: 20000, session.timeout.ms: 6000 }
"#;

#[test]
fn a_stream_stalled_beyond_its_poll_interval_while_its_member_goes_on_writes_nothing_stale() {
    let mut scene = scene("stall", &["bj", "sh"], IMPATIENT);
    scene.topic("bj", "orders", 4);
    scene.route("bj-to-sh", "orders", "orders");
    // The second goes to sh directly, the first by way of the proxy.
    scene.start_as("second", &[]);
    scene.proxy("sh");
    scene.start_as("first", &[]);
    scene.load("bj", "orders", 1_000);
    for instance in ["first", "second"] {
        until_it_copies(&mut scene, instance);
    }

    // Heartbeats pass, records do not: the member lives while its stream is stuck.
    scene.proxy("sh").hold(&[api::PRODUCE]);
    scene.assert_some_stand_still("sh", "orders");
    let behind = scene.logs("sh", "orders");
    scene.until_all_grow("sh", "orders", &behind, Duration::from_secs(150));
    scene.proxy("sh").flow();

    let now = scene.end_sum("sh", "orders");
    scene.until_copied("sh", "orders", now + 3_000);
    scene.stop_load();
    scene.until_caught_up();
    scene.verdict().assert_exact();
}

#[test]
fn a_target_cut_off_for_a_while_misses_nothing() {
    let mut scene = one_way("cut", 3);
    scene.proxy("sh");
    scene.start();
    scene.load("bj", "orders", 1_000);
    scene.until_copied("sh", "orders", 500);
    scene.watch_positions();
    for round in 1..=3 {
        scene.until_copied("sh", "orders", round * 2_000);
        scene.proxy("sh").cut();
        std::thread::sleep(Duration::from_secs(2));
        scene.proxy("sh").flow();
    }
    let now = scene.end_sum("sh", "orders");
    scene.until_copied("sh", "orders", now + 1_000);
    scene.stop_load();
    scene.until_caught_up();
    scene.verdict().assert_exact();
}

#[test]
fn killed_while_its_commit_is_on_its_way_position_and_records_agree() {
    let mut scene = one_way("commit-in-flight", 2);
    scene.proxy("sh");
    scene.start();
    scene.load("bj", "orders", 1_000);
    for round in 1..=3 {
        scene.until_copied("sh", "orders", round * 2_000);
        scene.proxy("sh").hold(&[api::END_TXN]);
        // Long enough that a commit is waiting at the proxy.
        std::thread::sleep(Duration::from_millis(1_500));
        scene.dock(DOCK).kill();
        // Now it arrives, from one who is no more.
        scene.proxy("sh").flow();
        scene.dock(DOCK).restart();
    }
    scene.stop_load();
    scene.until_caught_up();
    scene.verdict().assert_exact();
}
