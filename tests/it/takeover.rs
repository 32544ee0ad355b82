//! Two instances on one edge: the work moves, and what is stale does not get in.

use std::time::{Duration, Instant};

use crossdock_testbed::consumer;
use crossdock_testbed::proxy::api;
use crossdock_testbed::scene::{DOCK, Scene};
use crossdock_testbed::wait;

use crate::scenes::{one_way, until_it_copies};

#[test]
fn stopped_beyond_its_session_while_another_takes_over_nothing_stale_gets_in() {
    let mut scene = one_way("takeover", 4);
    scene.start_as("first", &[]);
    scene.load("bj", "orders", 1_000);
    scene.until_copied("sh", "orders", 1_000);
    scene.start_as("second", &[]);
    until_it_copies(&mut scene, "second");

    scene.dock("first").pause();
    let stopped = Instant::now();
    scene.assert_some_stand_still("sh", "orders");
    let behind = scene.logs("sh", "orders");
    // All partitions move again: those of the stopped one have an owner.
    scene.until_all_grow("sh", "orders", &behind, Duration::from_secs(150));
    let took = stopped.elapsed();
    scene.dock("first").resume();
    let resumed = scene.end_sum("sh", "orders");
    scene.until_copied("sh", "orders", resumed + 3_000);

    scene.stop_load();
    scene.until_caught_up();
    scene.verdict().assert_exact();
    println!("taken over after {took:?}");
}

#[test]
fn killed_for_good_another_takes_over() {
    let mut scene = one_way("takeover-killed", 4);
    scene.start_as("first", &[]);
    scene.start_as("second", &[]);
    scene.load("bj", "orders", 1_000);
    scene.until_copied("sh", "orders", 3_000);
    scene.dock("first").kill();
    let stopped = Instant::now();
    let behind = scene.logs("sh", "orders");
    scene.until_all_grow("sh", "orders", &behind, Duration::from_secs(150));
    let took = stopped.elapsed();
    scene.stop_load();
    scene.forget("first");
    scene.until_caught_up();
    scene.verdict().assert_exact();
    println!("taken over after {took:?}");
}

#[test]
fn a_second_process_under_the_same_instance_does_not_copy_twice() {
    let mut scene = one_way("same-instance", 2);
    scene.start_as("same", &[]);
    scene.load("bj", "orders", 500);
    scene.until_copied("sh", "orders", 500);
    scene.start_twin("twin", "same", &[]);
    let now = scene.end_sum("sh", "orders");
    scene.until_copied("sh", "orders", now + 5_000);
    scene.stop_load();
    scene.until_one_caught_up();
    scene.verdict().assert_exact();
}

#[test]
fn put_out_by_a_member_that_nobody_keeps_alive_it_takes_its_place_again() {
    let mut scene = one_way("put-out", 2);
    scene.start();
    scene.load("bj", "orders", 300);
    scene.until_copied("sh", "orders", 300);
    // The coordinator keeps the first process's name for the one that takes its place.
    scene.dock(DOCK).kill();
    scene.dock(DOCK).restart();
    until_it_copies(&mut scene, DOCK);
    let group = format!("crossdock.{}.bj-to-sh", scene.topology());
    let address = scene.address("sh");
    consumer::put_out(&address, &group, &format!("{DOCK}.0"), "orders");
    scene.until_reason("has been put out of its group");
    let now = scene.end_sum("sh", "orders");
    scene.until_copied("sh", "orders", now + 500);
    scene.stop_load();
    scene.until_caught_up();
    scene.verdict().assert_exact();
}

#[test]
fn what_follows_a_frozen_owners_open_transaction_is_not_taken_for_a_cut_log() {
    let mut scene = one_way("frozen-open", 2);
    scene.start_as("second", &[]);
    scene.proxy("sh");
    scene.start_as("first", &[]);
    scene.load("bj", "orders", 1_000);
    for instance in ["first", "second"] {
        until_it_copies(&mut scene, instance);
    }
    // Its records arrive, what ends their transaction does not.
    scene
        .proxy("sh")
        .hold(&[api::TXN_OFFSET_COMMIT, api::END_TXN]);
    scene.assert_some_stand_still("sh", "orders");
    scene.dock("first").pause();
    // The other writes on behind them, and nothing that it commits is stable yet.
    let begun = until_it_holds_all(&mut scene, "second");
    until_it_gets_on(&mut scene, "second", &begun, 2_000);
    scene.dock("second").kill();
    scene.dock("second").restart();
    let begun = until_it_holds_all(&mut scene, "second");
    until_it_gets_on(&mut scene, "second", &begun, 500);
    scene.proxy("sh").flow();
    scene.dock("first").resume();
    scene.stop_load();
    scene.until_caught_up();
    scene.verdict().assert_exact();
}

/// The positions of an instance, by partition.
fn positions(scene: &mut Scene, instance: &str) -> Result<Vec<i64>, String> {
    let status = scene.dock(instance).status()?;
    let partitions = status["edges"][0]["partitions"].as_array();
    let positions = partitions.into_iter().flatten();
    Ok(positions.filter_map(|p| p["position"].as_i64()).collect())
}

fn until_it_holds_all(scene: &mut Scene, instance: &str) -> Vec<i64> {
    wait::until("it holds all", Duration::from_secs(150), || {
        let positions = positions(scene, instance)?;
        match positions.len() {
            2 => Ok(positions),
            _ => Err(format!("{positions:?}")),
        }
    })
}

/// Waits until every partition of an instance has got on by so many offsets.
fn until_it_gets_on(scene: &mut Scene, instance: &str, begun: &[i64], count: i64) {
    wait::until("it gets on", Duration::from_secs(150), || {
        let now = positions(scene, instance)?;
        let got_on = now.len() == 2 && now.iter().zip(begun).all(|(n, b)| *n >= b + count);
        match got_on {
            true => Ok(()),
            false => Err(format!("{now:?} from {begun:?} on")),
        }
    });
}
