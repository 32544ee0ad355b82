//! What happens to crossdock's own process.

use std::time::Duration;

use crossdock_testbed::proxy::{Slow, api};
use crossdock_testbed::random::Random;
use crossdock_testbed::scene::DOCK;
use crossdock_testbed::{consumer, wait};

use super::{judge, until_more, with_keys};
use crate::scenes::one_way;

#[test]
#[ignore = "long, or wants a machine of its own: `make test-all`"]
fn killed_while_idle_it_copies_nothing_again() {
    let mut scene = one_way("killed-idle", 3);
    scene.produce("bj", "orders", 2_000);
    scene.start();
    for _ in 0..2 {
        scene.restart_at_rest();
    }
    scene.verdict().assert_exact();
}

#[test]
#[ignore = "long, or wants a machine of its own: `make test-all`"]
fn killed_when_its_commit_is_done_and_the_answer_lost_it_copies_nothing_again() {
    let mut scene = one_way("answer-lost", 2);
    scene.proxy("sh");
    scene.start();
    scene.load("bj", "orders", 1_000);
    scene.until_copied("sh", "orders", 500);
    scene.watch_positions();
    for round in 1..=3 {
        until_more(&mut scene, "sh", "orders", 1_000);
        scene.proxy("sh").lose_responses(api::END_TXN, 1);
        wait::until("the answer is lost", Duration::from_secs(60), || {
            match scene.proxy("sh").hits() >= round {
                true => Ok(()),
                false => Err("not yet"),
            }
        });
        scene.dock(DOCK).kill();
        scene.dock(DOCK).restart();
    }
    judge(&mut scene);
}

#[test]
#[ignore = "long, or wants a machine of its own: `make test-all`"]
fn the_answer_to_a_commit_lost_again_and_again_it_reads_back_and_goes_on() {
    let mut scene = one_way("answers-lost", 2);
    scene.proxy("sh");
    scene.start();
    scene.load("bj", "orders", 1_000);
    for kind in [
        api::END_TXN,
        api::TXN_OFFSET_COMMIT,
        api::PRODUCE,
        api::END_TXN,
    ] {
        until_more(&mut scene, "sh", "orders", 1_000);
        scene.proxy("sh").lose_responses(kind, 2);
    }
    until_more(&mut scene, "sh", "orders", 1_000);
    judge(&mut scene);
    assert!(scene.proxy("sh").hits() >= 6, "some answers were not lost");
}

#[test]
#[ignore = "long, or wants a machine of its own: `make test-all`"]
fn at_least_once_killed_under_load_it_repeats_only_what_was_on_its_way() {
    let mut scene = with_keys("at-least-once", "delivery: at_least_once", 3);
    scene.start();
    scene.load("bj", "orders", 1_000);
    until_more(&mut scene, "sh", "orders", 1_000);
    let mut random = Random::new(2);
    let kills = 10;
    for _ in 0..kills {
        std::thread::sleep(Duration::from_millis(200 + random.below(800)));
        scene.dock(DOCK).kill();
        scene.dock(DOCK).restart();
        until_more(&mut scene, "sh", "orders", 200);
    }
    scene.stop_load();
    scene.until_caught_up();
    // What is read and not acknowledged: 64 MiB of records, which are never smaller than this.
    let in_flight = (64 << 20) / 100;
    scene.verdict_of_replays(kills * in_flight).assert_exact();
}

#[test]
#[ignore = "long, or wants a machine of its own: `make test-all`"]
fn told_to_stop_with_a_slow_target_it_ends_in_order_and_copies_nothing_again() {
    let mut scene = one_way("stopped-slow", 2);
    scene.proxy("sh");
    scene.start();
    scene.load("bj", "orders", 500);
    until_more(&mut scene, "sh", "orders", 500);
    scene.proxy("sh").slow(Slow {
        latency: Duration::from_secs(1),
        ..Slow::default()
    });
    std::thread::sleep(Duration::from_secs(2));
    let (status, took) = scene.dock(DOCK).terminate(Duration::from_secs(90));
    println!("ended after {took:?}");
    assert!(status.success(), "{status}");
    scene.proxy("sh").flow();
    scene.dock(DOCK).restart();
    until_more(&mut scene, "sh", "orders", 500);
    judge(&mut scene);
}

#[test]
#[ignore = "long, or wants a machine of its own: `make test-all`"]
fn instances_that_come_and_go_every_two_seconds_copy_everything_once() {
    let mut scene = one_way("storm", 6);
    scene.start_as("steady", &[]);
    scene.load("bj", "orders", 500);
    until_more(&mut scene, "sh", "orders", 500);
    let mut random = Random::new(58);
    for round in 0..10 {
        let name = format!("guest-{}", round % 4);
        scene.start_as(&name, &[]);
        std::thread::sleep(Duration::from_secs(2));
        if random.below(2) == 0 {
            scene.dock(&name).kill();
        } else {
            scene.dock(&name).terminate(Duration::from_secs(60));
        }
        scene.forget(&name);
    }
    let behind = scene.logs("sh", "orders");
    scene.until_all_grow("sh", "orders", &behind, Duration::from_secs(120));
    judge(&mut scene);
}

#[test]
#[ignore = "long, or wants a machine of its own: `make test-all`"]
fn out_of_file_handles_it_says_so_and_loses_nothing() {
    let mut scene = one_way("handles", 2);
    scene.produce("bj", "orders", 1_000);
    scene.start();
    scene.until_caught_up();
    scene.dock(DOCK).limit_files(24);
    // Everything that was open is closed: it must open anew what it may not.
    scene.broker("bj").kill();
    scene.broker("bj").restart();
    scene.produce("bj", "orders", 1_000);
    scene.dock(DOCK).limit_files(4_096);
    judge(&mut scene);
}

#[test]
fn notes_of_another_version_are_read_by_the_words_that_are_known() {
    let mut scene = one_way("versions", 1);
    scene.produce("bj", "orders", 100);
    scene.run_once();
    let group = format!("crossdock.{}.bj-to-sh", scene.topology());
    let address = scene.address("sh");
    let changes: [fn(&str) -> String; 3] = [
        |note| note.replace("v1 ", "v9 shard=3 ") + " future",
        |_| "what somebody else has noted".to_owned(),
        |_| String::new(),
    ];
    for change in changes {
        let noted = consumer::committed(&address, &group, "orders", 1);
        let (offset, note) = &noted[&0];
        assert!(note.starts_with("v1 "), "{note}");
        consumer::commit_with(&address, &group, "orders", &[(0, *offset)], &change(note));
        scene.produce("bj", "orders", 50);
        scene.run_once();
    }
    assert_eq!(scene.count("sh", "orders"), 250);
    scene.verdict().assert_exact();
}
