//! What happens to topics, partitions and their logs, while it runs.

use std::time::Duration;

use crossdock_testbed::pool::Lease;
use crossdock_testbed::scene::{DOCK, Scene};
use crossdock_testbed::wait;

use super::{assert_says, judge, until_more, with_keys};
use crate::scenes::{ONE_WAY, one_way};

/// Waits until a partition's trouble, or that of its topic, is told with these words.
fn until_told(scene: &mut Scene, words: &[&str]) {
    wait::until("it is told", Duration::from_secs(90), || {
        let status = scene.dock(DOCK).status()?.to_string();
        match words.iter().all(|word| status.contains(word)) {
            true => Ok(()),
            false => Err(status),
        }
    });
}

#[test]
fn a_target_topic_made_again_with_fewer_partitions_stands_with_both_numbers() {
    let mut scene = with_keys(
        "target-fewer",
        "sync: { topics: false, partitions: false }",
        3,
    );
    scene.topic("sh", "orders", 3);
    scene.produce("bj", "orders", 300);
    scene.start();
    scene.until_caught_up();
    scene.recreate("sh", "orders", 1);
    scene.produce("bj", "orders", 300);
    for partition in [1, 2] {
        let reason = scene.until_partition("orders", partition, "halted");
        assert_says(
            &reason,
            &["no target partition", "`sh`", "it has 1", "has 3"],
        );
    }
    // The one that is there is filled from its beginning, not from the middle.
    scene.until_copied("sh", "orders", 199);
    assert_eq!(scene.first_hop("sh", "orders"), Some(0));
}

#[test]
fn retention_that_overtakes_a_slow_edge_is_told_with_its_offsets() {
    let mut scene = with_keys("overtaken", "limit: 100 records/s", 1);
    scene.produce("bj", "orders", 200);
    scene.start();
    until_more(&mut scene, "sh", "orders", 50);
    // Far ahead of what is read ahead: what is removed can no longer be copied.
    scene.dock(DOCK).pause();
    scene.produce("bj", "orders", 30_000);
    scene.trim("bj", "orders", 0, 29_000);
    scene.dock(DOCK).resume();
    let reason = scene.until_partition("orders", 0, "halted");
    assert_says(&reason, &["gap", "29000", "orders-0", "`bj`"]);
}

#[test]
fn records_removed_that_were_copied_already_change_nothing() {
    let mut scene = one_way("trimmed-behind", 2);
    scene.produce("bj", "orders", 1_000);
    scene.start();
    scene.until_caught_up();
    let before = scene.end_sum("sh", "orders");
    for partition in 0..2 {
        scene.trim("bj", "orders", partition, 300);
    }
    scene.dock(DOCK).kill();
    scene.dock(DOCK).restart();
    scene.until_caught_up();
    assert_eq!(scene.end_sum("sh", "orders"), before);
    scene.produce("bj", "orders", 500);
    scene.until_copied("sh", "orders", 1_499);
    scene.until_caught_up();
    assert_eq!(scene.count("sh", "orders"), 1_500);
}

#[test]
fn partitions_that_are_added_under_load_miss_nothing_though_it_starts_at_the_latest() {
    let mut scene = with_keys("grown", "start: latest", 2);
    scene.start();
    scene.until_caught_up();
    scene.load("bj", "orders", 500);
    until_more(&mut scene, "sh", "orders", 500);
    scene.grow("bj", "orders", 5);
    // Users who see the new ones write to them at once.
    scene.load("bj", "orders", 500);
    until_more(&mut scene, "sh", "orders", 1_000);
    wait::until("all five are copied", Duration::from_secs(180), || {
        let logs = scene.logs("sh", "orders");
        match logs.len() == 5 && logs.iter().all(|(_, end)| *end > 0) {
            true => Ok(()),
            false => Err(format!("{logs:?}")),
        }
    });
    judge(&mut scene);
}

#[test]
fn partitions_that_the_target_alone_has_stay_empty() {
    let mut scene = one_way("surplus", 2);
    scene.topic("sh", "orders", 4);
    scene.start();
    scene.produce("bj", "orders", 1_000);
    judge(&mut scene);
    let logs = scene.logs("sh", "orders");
    assert!(logs[2..].iter().all(|(_, end)| *end == 0), "{logs:?}");
}

#[test]
fn a_corrupt_batch_at_the_source_is_told_with_its_place_and_never_skipped() {
    let clusters = ["bj", "sh"].map(|alias| (alias.to_owned(), Lease::own(&[])));
    let binary = env!("CARGO_BIN_EXE_crossdock");
    let mut scene = Scene::with_clusters(binary, "corrupt", clusters.into(), ONE_WAY);
    scene.topic("bj", "orders", 1);
    scene.route("bj-to-sh", "orders", "orders");
    scene.produce("bj", "orders", 500);
    scene.broker("bj").stop();
    scene.broker("bj").node(1).corrupt("orders", 0, 0.5);
    scene.broker("bj").restart();
    scene.start();
    until_told(&mut scene, &["orders"]);
    wait::until("the damage is told", Duration::from_secs(90), || {
        let status = scene.dock(DOCK).status()?;
        let partition = &status["edges"][0]["partitions"][0];
        let (state, reason) = (&partition["state"], partition["reason"].as_str());
        match (state.as_str(), reason) {
            (Some("halted" | "retrying"), Some(reason)) if !reason.is_empty() => Ok(()),
            _ => Err(status.to_string()),
        }
    });
    let copied = scene.count("sh", "orders");
    println!("{copied} of 500 copied, none from behind the damage");
    assert!(copied < 500, "what is corrupt cannot have been copied");
    assert!(
        scene.hops_are_dense("sh", "orders"),
        "something was skipped"
    );
}
