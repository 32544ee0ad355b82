//! A star: what happens to one leaf is that leaf's affair.

use crate::scenes::{STAR, scene};
use crate::verify::assert_equal;

const LEAVES: [&str; 3] = ["north", "east", "south"];

#[test]
fn one_leaf_dead_the_others_go_on_and_it_catches_up_when_it_is_back() {
    let mut scene = scene("star", &["hq", "north", "east", "south"], STAR);
    for leaf in LEAVES {
        scene.topic(leaf, "sales", 2);
        scene.route(&format!("{leaf}-to-hq"), "sales", &format!("sales-{leaf}"));
        scene.produce(leaf, "sales", 2_000);
    }
    scene.start();
    scene.until_caught_up();
    scene.produce("east", "sales", 2_000);
    scene.broker("east").kill();

    for leaf in ["north", "south"] {
        scene.produce(leaf, "sales", 3_000);
    }
    scene.until_copied("hq", "sales-north", 4_999);
    scene.until_copied("hq", "sales-south", 4_999);
    scene.until_caught_up_where(|edge| edge != "east-to-hq");

    scene.broker("east").restart();
    scene.produce("east", "sales", 1_000);
    scene.until_caught_up();
    scene.verdict_on_claims().assert_exact();
}

#[test]
fn the_hub_dead_and_back_nothing_is_lost_or_repeated() {
    let mut scene = scene("hub", &["hq", "north", "east", "south"], STAR);
    for leaf in LEAVES {
        scene.topic(leaf, "sales", 2);
        scene.route(&format!("{leaf}-to-hq"), "sales", &format!("sales-{leaf}"));
        scene.load(leaf, "sales", 500);
    }
    scene.start();
    scene.until_copied("hq", "sales-north", 500);
    scene.broker("hq").kill();
    scene.broker("hq").restart();
    let copied = scene.end_sum("hq", "sales-south");
    scene.until_copied("hq", "sales-south", copied + 1_000);
    scene.stop_load();
    scene.until_caught_up();
    scene.verdict().assert_exact();
    assert_equal(&scene);
}
