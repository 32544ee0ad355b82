//! What happens to the network between crossdock and a cluster.

use std::time::Duration;

use crossdock_testbed::proxy::{Slow, Way};
use crossdock_testbed::scene::{DOCK, Scene};
use crossdock_testbed::wait;

use super::{judge, until_more};
use crate::scenes::{ONE_WAY, one_way, scene, two_way};

/// Waits until nothing has come to sh for three seconds: what was read before the cut is committed.
fn until_still(scene: &Scene) {
    let end = || scene.end_sum("sh", "orders");
    let mut target = wait::Still::new(end());
    wait::until("the target stands still", Duration::from_secs(120), || {
        target.stands(end(), Duration::from_secs(3))
    });
}

#[test]
fn cut_off_from_its_source_it_writes_nothing_and_does_not_spin() {
    let mut scene = one_way("source-cut", 2);
    scene.proxy("bj");
    scene.start();
    scene.load("bj", "orders", 500);
    until_more(&mut scene, "sh", "orders", 500);
    scene.proxy("bj").cut();
    until_state(&mut scene, "retrying");
    until_still(&scene);
    let (before, cpu) = (scene.end_sum("sh", "orders"), scene.dock(DOCK).cpu());
    let pause = Duration::from_secs(8);
    std::thread::sleep(pause);
    let spent = scene.dock(DOCK).cpu() - cpu;
    println!("{spent:?} of CPU in {pause:?} without a source");
    assert!(spent < pause / 4, "{spent:?} in {pause:?}: a busy loop");
    // A commit without records leaves markers at most.
    let after = scene.end_sum("sh", "orders");
    assert!(after - before < 100, "{} were written", after - before);
    scene.proxy("bj").flow();
    until_more(&mut scene, "sh", "orders", 500);
    judge(&mut scene);
}

#[test]
fn half_open_to_the_target_what_is_unknown_is_found_out_and_nothing_comes_twice() {
    half_open("half-open-target", "sh");
}

#[test]
fn half_open_to_the_source_nothing_is_missed() {
    half_open("half-open-source", "bj");
}

fn half_open(name: &str, alias: &str) {
    let mut scene = one_way(name, 2);
    scene.proxy(alias);
    scene.start();
    scene.load("bj", "orders", 500);
    until_more(&mut scene, "sh", "orders", 500);
    scene.watch_positions();
    for way in [Way::Responses, Way::Requests, Way::Responses] {
        let hits = scene.proxy(alias).hits();
        scene.proxy(alias).half_open(way);
        wait::until(
            "something has vanished",
            Duration::from_secs(60),
            || match scene.proxy(alias).hits() > hits {
                true => Ok(()),
                false => Err("not yet"),
            },
        );
        std::thread::sleep(Duration::from_secs(3));
        scene.proxy(alias).flow();
        until_more(&mut scene, "sh", "orders", 300);
    }
    judge(&mut scene);
}

#[test]
#[ignore = "long, or wants a machine of its own: `make test-all`"]
fn slow_narrow_and_resetting_on_both_sides_it_is_exact_and_tells_its_lag() {
    let mut scene = one_way("slow", 2);
    scene.proxy("bj");
    scene.proxy("sh");
    scene.start();
    scene.produce("bj", "orders", 500);
    scene.until_caught_up();
    for alias in ["bj", "sh"] {
        scene.proxy(alias).slow(Slow {
            latency: Duration::from_millis(100),
            bytes_per_second: 375_000,
            reset_one_in: 100,
        });
    }
    scene.produce("bj", "orders", 3_000);
    wait::until("the lag is told", Duration::from_secs(60), || {
        let status = scene.dock(DOCK).status()?;
        match status["edges"][0]["lag_records"].as_u64() {
            Some(lag) if lag > 0 => Ok(()),
            lag => Err(format!("{lag:?}")),
        }
    });
    scene.until_copied("sh", "orders", 3_499);
    for alias in ["bj", "sh"] {
        scene.proxy(alias).flow();
    }
    judge(&mut scene);
}

#[test]
#[ignore = "long, or wants a machine of its own: `make test-all`"]
fn two_sides_parted_each_goes_on_alone_and_both_are_whole_when_they_meet() {
    let mut scene = two_way("parted", 2);
    scene.proxy("bj");
    scene.start_as("at-sh", &["--clusters", "sh"]);
    scene.proxy("sh");
    scene.start_as("at-bj", &["--clusters", "bj"]);
    scene.load("bj", "orders", 300);
    scene.load("sh", "orders", 300);
    until_more(&mut scene, "sh", "orders", 1_000);
    until_more(&mut scene, "bj", "orders", 1_000);
    scene.proxy("bj").cut();
    scene.proxy("sh").cut();
    std::thread::sleep(Duration::from_secs(5));
    // Users write on, on both sides.
    until_more(&mut scene, "bj", "orders", 300);
    until_more(&mut scene, "sh", "orders", 300);
    scene.proxy("bj").flow();
    scene.proxy("sh").flow();
    until_more(&mut scene, "sh", "orders", 1_000);
    judge(&mut scene);
}

#[test]
#[ignore = "long, or wants a machine of its own: `make test-all`"]
fn one_key_written_on_both_sides_at_once_is_complete_on_both() {
    let mut scene = two_way("one-key", 1);
    scene.start();
    for round in 0..20 {
        for alias in ["bj", "sh"] {
            let record = crossdock_testbed::record::Record {
                key: Some(b"the one".to_vec()),
                value: Some(format!("uid={alias}{round} of {alias}").into_bytes()),
                timestamp: Some(1_750_000_000_000 + round),
                ..Default::default()
            };
            scene.produce_records(alias, "orders", [record]);
        }
    }
    judge(&mut scene);
    for alias in ["bj", "sh"] {
        assert_eq!(scene.count(alias, "orders"), 40, "on {alias}");
    }
}

#[test]
fn of_the_bootstrap_servers_one_that_answers_is_enough() {
    let text = ONE_WAY
        .replace(
            "\"${BJ_BOOTSTRAP}\"",
            "\"no-such-host.invalid:9092,${BJ_BOOTSTRAP}\"",
        )
        .replace("\"${SH_BOOTSTRAP}\"", "\"localhost:9,${SH_BOOTSTRAP}\"");
    let mut scene = scene("bootstrap", &["bj", "sh"], &text);
    scene.topic("bj", "orders", 2);
    scene.route("bj-to-sh", "orders", "orders");
    scene.produce("bj", "orders", 1_000);
    scene.start();
    judge(&mut scene);
}

#[test]
fn a_record_damaged_on_its_way_is_sent_again() {
    let mut scene = one_way("damaged", 2);
    scene.proxy("sh");
    scene.start();
    scene.load("bj", "orders", 300);
    for round in 1..=3 {
        until_more(&mut scene, "sh", "orders", 500);
        scene
            .proxy("sh")
            .damage(crossdock_testbed::proxy::api::PRODUCE, 1);
        wait::until("it was damaged", Duration::from_secs(60), || {
            match scene.proxy("sh").hits() >= round {
                true => Ok(()),
                false => Err("not yet"),
            }
        });
    }
    until_more(&mut scene, "sh", "orders", 500);
    judge(&mut scene);
}

fn until_state(scene: &mut Scene, state: &str) {
    wait::until(state, Duration::from_secs(120), || {
        let status = scene.dock(DOCK).status()?;
        match status["edges"][0]["state"] == state {
            true => Ok(()),
            false => Err(status["edges"][0]["state"].to_string()),
        }
    });
}
