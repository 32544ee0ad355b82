//! Transactions: those of users at the source, and the edge's own.

use std::time::Duration;

use crossdock_testbed::pool::Lease;
use crossdock_testbed::proxy::api;
use crossdock_testbed::scene::{DOCK, Scene};

use super::{judge, until_more, with_keys};
use crate::scenes::{ONE_WAY, one_way};

#[test]
#[ignore = "long, or wants a machine of its own: `make test-all`"]
fn markers_at_the_end_of_a_log_are_no_lag() {
    let mut scene = one_way("markers", 2);
    scene.start();
    scene.produce_in_transactions("bj", "orders", 150);
    scene.until_caught_up();
    let status = scene.dock(DOCK).status().expect("it runs");
    assert_eq!(status["edges"][0]["lag_records"], 0, "{status}");
    scene.verdict().assert_exact();
}

#[test]
#[ignore = "long, or wants a machine of its own: `make test-all`"]
fn a_target_away_for_longer_than_a_transaction_may_last_misses_nothing() {
    let keys = "producer: { transaction.timeout.ms: 5000 }";
    let mut scene = with_keys("outlasted", keys, 2);
    scene.proxy("sh");
    scene.start();
    scene.load("bj", "orders", 500);
    until_more(&mut scene, "sh", "orders", 500);
    for _ in 0..2 {
        // Records get there, the end of their transaction does not, until the broker ends it itself.
        scene
            .proxy("sh")
            .hold(&[api::END_TXN, api::TXN_OFFSET_COMMIT]);
        std::thread::sleep(Duration::from_secs(12));
        scene.proxy("sh").flow();
        until_more(&mut scene, "sh", "orders", 500);
    }
    judge(&mut scene);
}

#[test]
#[ignore = "long, or wants a machine of its own: `make test-all`"]
fn of_transactions_that_are_mostly_aborted_only_the_committed_arrive() {
    let mut scene = one_way("mostly-aborted", 2);
    scene.start();
    scene.produce_mostly_aborted("bj", "orders", 3_000);
    judge(&mut scene);
}

#[test]
#[ignore = "long, or wants a machine of its own: `make test-all`"]
fn a_producer_that_the_target_has_forgotten_while_idle_goes_on() {
    let forgets = [
        ("producer.id.expiration.ms", "2000"),
        ("producer.id.expiration.check.interval.ms", "500"),
        ("transactional.id.expiration.ms", "4000"),
        (
            "transaction.remove.expired.transaction.cleanup.interval.ms",
            "1000",
        ),
    ];
    for delivery in ["exactly_once", "at_least_once"] {
        let clusters = [("bj", &[][..]), ("sh", &forgets[..])]
            .map(|(alias, properties)| (alias.to_owned(), Lease::own(properties)));
        let binary = env!("CARGO_BIN_EXE_crossdock");
        let text = ONE_WAY.replace("products }", &format!("products, delivery: {delivery} }}"));
        let mut scene = Scene::with_clusters(binary, "forgotten", clusters.into(), &text);
        scene.topic("bj", "orders", 2);
        scene.route("bj-to-sh", "orders", "orders");
        scene.start();
        for _ in 0..2 {
            scene.produce("bj", "orders", 500);
            scene.until_caught_up();
            std::thread::sleep(Duration::from_secs(7));
        }
        scene.produce("bj", "orders", 500);
        judge(&mut scene);
    }
}
