//! While it runs, what `sync` covers is kept in step: configs that change later, too.

use std::time::Duration;

use crossdock_testbed::admin;
use crossdock_testbed::scene::{DOCK, Scene};
use crossdock_testbed::wait;

use crate::scenes::one_way;

fn until_config(scene: &Scene, key: &str, value: &str) {
    wait::until("the config follows", Duration::from_secs(40), || {
        let now = scene.config("sh", "orders", key);
        if now == value {
            Ok(())
        } else {
            Err(format!("{key} is {now}"))
        }
    });
}

#[test]
fn configs_that_change_later_follow_and_what_the_target_sets_itself_stays() {
    let mut scene = one_way("drift", 1);
    let (bj, sh) = (
        scene.broker("bj").bootstrap(),
        scene.broker("sh").bootstrap(),
    );
    scene.start_as(DOCK, &["--sync-interval", "1s"]);
    scene.produce("bj", "orders", 100);
    scene.until_caught_up();
    admin::set_config(&bj, "orders", "retention.bytes", "123456789");
    until_config(&scene, "retention.bytes", "123456789");
    // Excluded, and set on the target alone: both stay.
    admin::set_config(&bj, "orders", "min.insync.replicas", "3");
    admin::set_config(&sh, "orders", "segment.ms", "7000000");
    // On the target by hand: it is brought back.
    admin::set_config(&sh, "orders", "retention.bytes", "5");
    until_config(&scene, "retention.bytes", "123456789");
    assert_eq!(scene.config("sh", "orders", "min.insync.replicas"), "1");
    assert_eq!(scene.config("sh", "orders", "segment.ms"), "7000000");
    wait::until("what stays is told", Duration::from_secs(20), || {
        let log = scene.dock(DOCK).log();
        match log.contains("Not kept in step") && log.contains("min.insync.replicas=1 (3 there)") {
            true => Ok(()),
            false => Err(scene.dock(DOCK).log_tail(5)),
        }
    });
    // Taken out at the source: the target keeps its own value.
    admin::delete_config(&bj, "orders", "retention.bytes");
    // Whoever has seen this has seen that, too.
    admin::set_config(&bj, "orders", "retention.ms", "987654321");
    until_config(&scene, "retention.ms", "987654321");
    assert_eq!(scene.config("sh", "orders", "retention.bytes"), "123456789");
}
