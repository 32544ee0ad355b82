//! Every fault that can be made on one machine, each once: a scene, the fault, the verdict. Which row
//! of the fault matrix is which test stands in `docs/reliability.md`.

mod access;
mod brokers;
mod elections;
mod logs;
mod matrix;
mod nemesis;
mod network;
mod processes;
mod records;
mod transactions;

use crossdock_testbed::cluster::Size;
use crossdock_testbed::scene::Scene;

use crate::scenes::ONE_WAY;

/// ONE_WAY with `orders` in `partitions` partitions, on clusters of these sizes.
fn sized(name: &str, source: Size, target: Size, partitions: usize) -> Scene {
    let sizes = [("bj", source), ("sh", target)];
    let binary = env!("CARGO_BIN_EXE_crossdock");
    let mut scene = Scene::of_sizes(binary, name, &sizes, ONE_WAY);
    scene.topic("bj", "orders", partitions);
    scene.route("bj-to-sh", "orders", "orders");
    scene
}

/// ONE_WAY with more keys on its edge.
fn with_keys(name: &str, keys: &str, partitions: usize) -> Scene {
    let text = ONE_WAY.replace("products }", &format!("products, {keys} }}"));
    let mut scene = crate::scenes::scene(name, &["bj", "sh"], &text);
    scene.topic("bj", "orders", partitions);
    scene.route("bj-to-sh", "orders", "orders");
    scene
}

/// Ends the load, waits for the last copy, and demands that all is exact.
fn judge(scene: &mut Scene) {
    scene.stop_load();
    scene.until_caught_up();
    scene.verdict().assert_exact();
}

/// Waits until `count` more records have arrived: it goes on.
fn until_more(scene: &mut Scene, alias: &str, topic: &str, count: i64) {
    let now = scene.end_sum(alias, topic);
    scene.until_copied(alias, topic, now + count);
}

fn assert_says(reason: &str, words: &[&str]) {
    for word in words {
        assert!(reason.contains(word), "`{word}` is not in: {reason}");
    }
}
