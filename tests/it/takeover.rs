//! Two instances on one edge: the work moves, and what is stale does not get in.

use std::time::{Duration, Instant};

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
