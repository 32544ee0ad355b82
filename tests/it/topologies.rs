//! The topologies that crossdock ships, each on real brokers: with the load that it is made for.

use crossdock_testbed::scene::Scene;

use crate::scenes::scene;

#[test]
fn one_way_shanghai_has_what_beijing_has() {
    let mut scene = shipped("one-way", &["bj", "sh"]);
    for topic in ["orders", "users", "products"] {
        born(&mut scene, "bj", topic, 3);
        scene.route("bj-to-sh", topic, topic);
    }
    born(&mut scene, "bj", "orders-archive", 1); // a whole-name match: not taken
    judge(&mut scene);
}

#[test]
fn two_way_each_city_has_its_own_and_the_others() {
    let mut scene = shipped("two-way", &["bj", "sh"]);
    for (here, there) in [("bj", "sh"), ("sh", "bj")] {
        born(&mut scene, here, "orders", 3);
        scene.route(
            &format!("{here}-to-{there}"),
            "orders",
            &format!("orders-{here}"),
        );
    }
    judge(&mut scene);
}

#[test]
fn three_cities_every_city_has_its_own_and_two_others_once() {
    let mut scene = shipped("three-cities", &["bj", "sh", "sz"]);
    for topic in ["orders", "users"] {
        for alias in ["bj", "sh", "sz"] {
            born(&mut scene, alias, topic, 2);
        }
        let of = |city: &str| format!("{topic}-{city}");
        scene.route("bj-to-sh", topic, &of("bj"));
        scene.route("sz-to-sh", topic, &of("sz"));
        for (edge, passed_on) in [("sh-to-sz", "bj"), ("sh-to-bj", "sz")] {
            scene.route(edge, topic, &of("sh"));
            scene.route(edge, &of(passed_on), &of(passed_on));
        }
    }
    judge(&mut scene);
}

#[test]
fn star_headquarters_has_every_region_under_its_name() {
    let mut scene = shipped("star", &["north", "east", "south", "hq"]);
    for region in ["north", "east", "south"] {
        for topic in ["orders", "metrics"] {
            born(&mut scene, region, topic, 2);
            scene.route(
                &format!("{region}-to-hq"),
                topic,
                &format!("{topic}-{region}"),
            );
        }
    }
    judge(&mut scene);
}

#[test]
fn disaster_recovery_the_standby_has_all_but_scratch() {
    let mut scene = shipped("disaster-recovery", &["primary", "standby"]);
    for topic in ["orders", "payments.eu", "a"] {
        born(&mut scene, "primary", topic, 2);
        scene.route("primary-to-standby", topic, topic);
    }
    born(&mut scene, "primary", "temp-1", 1);
    born(&mut scene, "primary", "test", 1);
    judge(&mut scene);
}

#[test]
fn migration_two_streams_share_the_work() {
    let mut scene = shipped("migration", &["old", "new"]);
    for topic in ["orders", "users"] {
        born(&mut scene, "old", topic, 4);
        scene.route("old-to-new", topic, topic);
    }
    judge(&mut scene);
}

#[test]
fn production_to_test_at_least_once_without_a_fault_is_once() {
    let mut scene = shipped("prod-to-test", &["prod", "test"]);
    for topic in ["orders", "users"] {
        born(&mut scene, "prod", topic, 2);
        scene.route("prod-to-test", topic, topic);
    }
    judge(&mut scene);
}

fn shipped(name: &str, aliases: &[&str]) -> Scene {
    let file = format!("{}/topologies/{name}.yaml", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(file).expect("the topology is shipped");
    scene(name, aliases, &text)
}

/// A topic with a backlog.
fn born(scene: &mut Scene, alias: &str, topic: &str, partitions: usize) {
    scene.topic(alias, topic, partitions);
    scene.produce(alias, topic, 3_000);
}

/// Copies the backlog and as much again under load, and judges.
fn judge(scene: &mut Scene) {
    scene.start();
    let born: Vec<(String, String)> = scene.sources();
    for (alias, topic) in &born {
        scene.load(alias, topic, 1_000);
    }
    for (alias, topic) in &born {
        scene.until_copied(alias, topic, 6_000);
    }
    scene.stop_load();
    scene.until_caught_up();
    scene.verdict().assert_exact();
}
