//! Unclean elections: a cluster forgets what it had acknowledged.

use crossdock_testbed::admin;
use crossdock_testbed::cluster::Size;
use crossdock_testbed::pool::Lease;
use crossdock_testbed::scene::{DOCK, Scene};

use super::{assert_says, judge};
use crate::scenes::ONE_WAY;

/// `orders` on nodes 1 and 2 of `forgetful`, which may elect whoever is there.
fn forgetful(name: &str, forgetful: &str) -> Scene {
    let unclean = [
        ("unclean.leader.election.enable", "true"),
        ("min.insync.replicas", "1"),
    ];
    let lease = |alias: &str| match alias == forgetful {
        true => Lease::own_of(Size::Three, &unclean),
        false => Lease::own(&[]),
    };
    let clusters = ["bj", "sh"].map(|alias| (alias.to_owned(), lease(alias)));
    let binary = env!("CARGO_BIN_EXE_crossdock");
    let mut scene = Scene::with_clusters(binary, name, clusters.into(), ONE_WAY);
    for alias in ["bj", "sh"] {
        let bootstrap = scene.address(alias);
        if alias == forgetful {
            admin::create_topic_on(&bootstrap, "orders", &[1, 2]);
        } else {
            admin::create_topic(&bootstrap, "orders", 1, &[]);
        }
        scene.plan(alias, "orders");
    }
    scene.route("bj-to-sh", "orders", "orders");
    scene
}

/// Node 2 is away while node 1 takes `write`; then 1 dies, and 2 leads with what it has.
fn forget(scene: &mut Scene, alias: &str, write: impl FnOnce(&mut Scene)) {
    scene.broker(alias).node(2).kill();
    write(scene);
    scene.broker(alias).node(1).kill();
    scene.broker(alias).node(2).restart();
    crossdock_testbed::wait::until(
        "2 leads",
        std::time::Duration::from_secs(90),
        || match scene.leader(alias, "orders", 0) {
            2 => Ok(()),
            other => Err(format!("{other} leads")),
        },
    );
    scene.broker(alias).node(1).restart();
}

#[test]
fn a_source_that_forgot_what_was_copied_is_told_and_never_copied_over() {
    let mut scene = forgetful("source-forgot", "bj");
    scene.start();
    scene.produce("bj", "orders", 200);
    scene.until_caught_up();
    forget(&mut scene, "bj", |scene| {
        scene.produce("bj", "orders", 100);
        scene.until_caught_up();
    });
    assert_eq!(scene.count("bj", "orders"), 200, "the source has forgotten");
    assert_eq!(scene.count("sh", "orders"), 300, "the target has not");
    // Offsets 200 to 299 are others now, and the log is longer than what was copied.
    scene.produce("bj", "orders", 150);
    let reason = scene.until_partition("orders", 0, "halted");
    assert_says(&reason, &["orders-0", "`bj`", "200"]);
    assert_eq!(scene.count("sh", "orders"), 300, "nothing was mixed in");
    scene.dock(DOCK).kill();
    scene.dock(DOCK).restart();
    let reason = scene.until_partition("orders", 0, "halted");
    assert_says(&reason, &["orders-0", "`bj`"]);
}

#[test]
#[ignore = "long, or wants a machine of its own: `make test-all`"]
fn a_target_that_forgot_what_it_acknowledged_gets_it_again() {
    let mut scene = forgetful("target-forgot", "sh");
    scene.start();
    scene.produce("bj", "orders", 200);
    scene.until_caught_up();
    forget(&mut scene, "sh", |scene| {
        scene.produce("bj", "orders", 100);
        scene.until_caught_up();
    });
    assert!(
        scene.count("sh", "orders") < 300,
        "the target has forgotten"
    );
    scene.produce("bj", "orders", 50);
    scene.until_copied("sh", "orders", 349);
    judge(&mut scene);
}
