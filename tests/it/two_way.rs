//! Both directions at once: no record comes back, none is lost between the two.

use crate::scenes::{scene, two_way};
use crate::verify::assert_equal;

#[test]
fn two_ways_under_load_from_both_sides_every_record_is_on_both_once() {
    let mut scene = two_way("two-way", 3);
    scene.produce("bj", "orders", 5_000);
    scene.produce("sh", "orders", 5_000);
    scene.start();
    scene.load("bj", "orders", 2_000);
    scene.load("sh", "orders", 2_000);
    scene.until_copied("sh", "orders", 25_000);
    scene.stop_load();
    scene.until_caught_up();
    scene.verdict_on_claims().assert_exact();
    assert_equal(&scene);
}

#[test]
fn two_ways_with_suffixes_names_do_not_grow() {
    let text = r#"
topology: suffixes
clusters:
  bj: { bootstrap.servers: "${BJ_BOOTSTRAP}" }
  sh: { bootstrap.servers: "${SH_BOOTSTRAP}" }
edges:
  - { from: bj, to: sh, both_ways: true, topics: "orders.*", rename: suffix }
"#;
    let mut scene = scene("suffixes", &["bj", "sh"], text);
    for (here, there) in [("bj", "sh"), ("sh", "bj")] {
        scene.topic(here, "orders", 2);
        scene.route(
            &format!("{here}-to-{there}"),
            "orders",
            &format!("orders-{here}"),
        );
    }
    scene.start();
    scene.produce("bj", "orders", 5_000);
    scene.produce("sh", "orders", 5_000);
    scene.until_copied("sh", "orders-bj", 4_999);
    scene.until_copied("bj", "orders-sh", 4_999);
    scene.until_caught_up();
    scene.verdict().assert_exact();
}

#[test]
fn in_a_ring_of_three_every_record_is_everywhere_once() {
    let text = r#"
topology: ring
clusters:
  bj: { bootstrap.servers: "${BJ_BOOTSTRAP}" }
  sh: { bootstrap.servers: "${SH_BOOTSTRAP}" }
  gz: { bootstrap.servers: "${GZ_BOOTSTRAP}" }
edges:
  - { from: bj, to: sh, topics: orders }
  - { from: sh, to: gz, topics: orders }
  - { from: gz, to: bj, topics: orders }
"#;
    let mut scene = scene("ring", &["bj", "sh", "gz"], text);
    for (here, there) in [("bj", "sh"), ("sh", "gz"), ("gz", "bj")] {
        scene.topic(here, "orders", 2);
        scene.route(&format!("{here}-to-{there}"), "orders", "orders");
    }
    scene.start();
    for alias in ["bj", "sh", "gz"] {
        scene.produce(alias, "orders", 2_000);
    }
    for alias in ["bj", "sh", "gz"] {
        scene.until_copied(alias, "orders", 5_999);
    }
    scene.until_caught_up();
    scene.verdict().assert_exact();
}
