//! The testbed on real brokers: what the ledger wrote is what a plain consumer reads back.

use crossdock_testbed::scene::Scene;

#[test]
fn what_users_write_is_read_back_byte_for_byte() {
    let mut scene = Scene::new("none", "ledger", &["bj", "sh"], "topology: x\n");
    scene.topic("bj", "orders", 3);
    scene.topic("sh", "payments", 2);
    scene.produce("bj", "orders", 2_000);
    scene.produce_in_transactions("sh", "payments", 1_000);
    scene.verdict().assert_exact();
}

#[test]
fn a_broker_that_was_killed_comes_back_with_its_records() {
    let mut scene = Scene::new("none", "killed", &["bj"], "topology: x\n");
    scene.topic("bj", "orders", 1);
    scene.produce("bj", "orders", 500);
    scene.broker("bj").kill();
    scene.broker("bj").restart();
    scene.produce("bj", "orders", 500);
    scene.verdict().assert_exact();
}
