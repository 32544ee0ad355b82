//! What happens to brokers: one of three, all of three, the one of one.

use std::time::Duration;

use crossdock_testbed::admin;
use crossdock_testbed::cluster::Size;
use crossdock_testbed::pool::Lease;
use crossdock_testbed::scene::{DOCK, Scene};
use crossdock_testbed::spawn::Signal;
use crossdock_testbed::wait;

use super::{judge, sized, until_more};
use crate::scenes::{ONE_WAY, one_way};

#[test]
fn the_sources_leader_killed_and_bounced_five_times() {
    leader_five_times("source-leader", Size::Three, Size::One, "bj");
}

#[test]
fn the_targets_leader_killed_and_bounced_five_times() {
    leader_five_times("target-leader", Size::One, Size::Three, "sh");
}

fn leader_five_times(name: &str, source: Size, target: Size, victim: &str) {
    let mut scene = sized(name, source, target, 3);
    scene.start();
    scene.load("bj", "orders", 500);
    until_more(&mut scene, "sh", "orders", 500);
    scene.watch_positions();
    for round in 0..5 {
        let leader = scene.leader(victim, "orders", round % 3);
        let node = scene.broker(victim).node(leader);
        if round % 2 == 0 {
            node.kill();
        } else {
            node.stop();
        }
        until_more(&mut scene, "sh", "orders", 300);
        scene.broker(victim).node(leader).restart();
    }
    judge(&mut scene);
}

#[test]
fn the_coordinators_of_group_and_transactions_killed() {
    let mut scene = sized("coordinators", Size::One, Size::Three, 3);
    scene.start();
    scene.load("bj", "orders", 500);
    until_more(&mut scene, "sh", "orders", 500);
    let group = format!("crossdock.{}.bj-to-sh", scene.topology());
    let transactions = format!("{group}.{DOCK}.0");
    for (id, topic) in [
        (&group, "__consumer_offsets"),
        (&transactions, "__transaction_state"),
        (&group, "__consumer_offsets"),
    ] {
        let leader = scene.leader("sh", topic, admin::coordinating_partition(id));
        scene.broker("sh").node(leader).kill();
        until_more(&mut scene, "sh", "orders", 500);
        scene.broker("sh").node(leader).restart();
    }
    judge(&mut scene);
}

#[test]
fn both_clusters_restarted_node_by_node() {
    let mut scene = sized("rolling", Size::Three, Size::Three, 3);
    scene.start();
    scene.load("bj", "orders", 500);
    until_more(&mut scene, "sh", "orders", 500);
    for alias in ["bj", "sh"] {
        scene.broker(alias).roll();
        until_more(&mut scene, "sh", "orders", 300);
    }
    judge(&mut scene);
}

#[test]
fn one_target_broker_frozen_the_others_take_over_and_nothing_comes_twice() {
    frozen("frozen", 100);
}

#[test]
#[ignore = "a minute and more"]
fn one_target_broker_frozen_for_a_minute() {
    frozen("frozen-long", 20_000);
}

fn frozen(name: &str, records: i64) {
    let mut scene = sized(name, Size::One, Size::Three, 3);
    scene.start();
    scene.load("bj", "orders", 300);
    until_more(&mut scene, "sh", "orders", 500);
    let leader = scene.leader("sh", "orders", 0);
    let before = scene.logs("sh", "orders");
    scene.broker("sh").node(leader).pause();
    // Also the partitions that it led: others lead them now.
    scene.until_all_grow("sh", "orders", &before, Duration::from_secs(150));
    until_more(&mut scene, "sh", "orders", records);
    scene.broker("sh").node(leader).resume();
    until_more(&mut scene, "sh", "orders", 300);
    judge(&mut scene);
}

#[test]
fn all_target_brokers_down_the_edge_says_so_holds_back_and_resumes_by_itself() {
    let mut scene = sized("target-down", Size::One, Size::Three, 3);
    scene.start();
    scene.load("bj", "orders", 2_000);
    until_more(&mut scene, "sh", "orders", 1_000);
    scene.broker("sh").kill();
    until_edge_retries(&mut scene, "`sh`");
    // Behind by far more than it may hold, it holds no more than it may.
    std::thread::sleep(Duration::from_secs(15));
    let mib = scene.dock(DOCK).memory_mib();
    println!("{mib} MiB while the target was down");
    assert!(mib < 600, "{mib} MiB");
    scene.broker("sh").restart();
    until_more(&mut scene, "sh", "orders", 1_000);
    judge(&mut scene);
}

#[test]
fn all_source_brokers_down_the_edge_says_so_and_resumes_by_itself() {
    let mut scene = sized("source-down", Size::Three, Size::One, 3);
    scene.start();
    scene.produce("bj", "orders", 2_000);
    scene.until_caught_up();
    for _ in 0..2 {
        scene.broker("bj").kill();
        until_edge_retries(&mut scene, "`bj`");
        scene.broker("bj").restart();
        scene.produce("bj", "orders", 500);
        scene.until_caught_up();
    }
    judge(&mut scene);
}

/// A broker that comes back is fenced for a moment, and names no broker at all: a client must not take
/// that for the whole truth.
#[test]
fn a_cluster_of_one_that_comes_and_goes_is_found_again_every_time() {
    let mut scene = one_way("one-comes-and-goes", 2);
    scene.start();
    scene.load("bj", "orders", 200);
    until_more(&mut scene, "sh", "orders", 200);
    for round in 0..8 {
        let alias = ["bj", "sh"][round % 2];
        scene.broker(alias).stop();
        scene.broker(alias).restart();
        until_more(&mut scene, "sh", "orders", 50);
    }
    judge(&mut scene);
}

#[test]
fn a_target_disk_that_takes_no_more_loses_nothing() {
    let clusters = ["bj", "sh"].map(|alias| (alias.to_owned(), Lease::own(&[])));
    let binary = env!("CARGO_BIN_EXE_crossdock");
    let mut scene = Scene::with_clusters(binary, "disk-full", clusters.into(), ONE_WAY);
    scene.topic("bj", "orders", 2);
    scene.route("bj-to-sh", "orders", "orders");
    scene.start();
    scene.load("bj", "orders", 500);
    until_more(&mut scene, "sh", "orders", 500);
    // No file may grow beyond what it is: the kernel refuses each write, as a full disk does.
    scene.broker("sh").node(1).limit_file_size(200_000);
    wait::until(
        "its disk takes no more",
        Duration::from_secs(120),
        || match scene.broker("sh").is_running() {
            false => Ok(()),
            true => Err("it still writes"),
        },
    );
    until_edge_retries(&mut scene, "`sh`");
    scene.broker("sh").restart();
    until_more(&mut scene, "sh", "orders", 500);
    judge(&mut scene);
}

#[test]
fn a_broker_that_throttles_slows_the_edge_and_no_more() {
    let mut scene = one_way("quota", 2);
    let sh = scene.broker("sh").bootstrap();
    admin::set_quota(&sh, "producer_byte_rate=200000");
    scene.start();
    scene.produce("bj", "orders", 3_000);
    until_more(&mut scene, "sh", "orders", 1_000);
    admin::set_quota(&sh, "producer_byte_rate=100000000");
    judge(&mut scene);
    admin::delete_quota(&sh, "producer_byte_rate");
}

#[test]
fn the_controller_killed_and_replaced() {
    let mut scene = sized("controller", Size::Three, Size::Three, 2);
    scene.start();
    scene.load("bj", "orders", 300);
    until_more(&mut scene, "sh", "orders", 300);
    // Whichever of them is the controller, it is among these.
    for node in 1..=3 {
        for alias in ["bj", "sh"] {
            scene.broker(alias).node(node).signal(Signal::Kill);
        }
        until_more(&mut scene, "sh", "orders", 200);
        for alias in ["bj", "sh"] {
            scene.broker(alias).node(node).restart();
        }
    }
    judge(&mut scene);
}

/// Waits until the edge tries again, and says whom it does not reach: on a busy machine it may be late with
/// other things first.
fn until_edge_retries(scene: &mut Scene, whom: &str) {
    let what = format!("the edge tries again, because of {whom}");
    wait::until(&what, Duration::from_secs(120), || {
        let status = scene.dock(DOCK).status()?;
        let edge = &status["edges"][0];
        let reason = edge["reason"].as_str().unwrap_or_default();
        match edge["state"] == "retrying" && reason.contains(whom) {
            true => Ok(()),
            false => Err(format!("{}: {reason}", edge["state"])),
        }
    });
}
