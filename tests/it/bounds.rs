//! What a process takes does not grow with what it copies.

use std::fs;
use std::thread;
use std::time::Duration;

use crossdock_testbed::scene::{DOCK, Scene};

use crate::scenes::scene;

const MANY: &str = r#"
topology: bounds
clusters:
  bj: { bootstrap.servers: "${BJ_BOOTSTRAP}" }
  sh: { bootstrap.servers: "${SH_BOOTSTRAP}" }
edges:
  - { from: bj, to: sh, topics: "many-.*" }
"#;

/// Threads and file handles while it is at rest: the least of some looks, for calls that create something have
/// a client of their own for a moment.
fn taken(scene: &mut Scene) -> (usize, usize) {
    let process = format!("/proc/{}", scene.dock(DOCK).pid().expect("it runs"));
    let count = |what: &str| fs::read_dir(format!("{process}/{what}")).map_or(0, Iterator::count);
    let look = |_| {
        thread::sleep(Duration::from_millis(200));
        (count("task"), count("fd"))
    };
    let looks: Vec<(usize, usize)> = (0..15).map(look).collect();
    let least = |of: fn(&(usize, usize)) -> usize| looks.iter().map(of).min().unwrap_or(0);
    (least(|l| l.0), least(|l| l.1))
}

#[test]
fn threads_and_file_handles_do_not_grow_with_topics_and_partitions() {
    let mut scene = scene("bounds", &["bj", "sh"], MANY);
    let topic = |scene: &mut Scene, number: usize, partitions: usize| {
        let name = format!("many-{number}");
        scene.topic("bj", &name, partitions);
        scene.route("bj-to-sh", &name, &name);
        scene.produce("bj", &name, 20);
    };
    topic(&mut scene, 0, 1);
    scene.start();
    scene.until_caught_up();
    let few = taken(&mut scene);
    for number in 1..=20 {
        topic(&mut scene, number, 10);
    }
    scene.until_topics("sh");
    scene.until_caught_up();
    let many = taken(&mut scene);
    println!("1 partition: {few:?} threads and handles, 201: {many:?}");
    assert!(many.0 <= few.0 + 1, "threads: {few:?}, {many:?}");
    assert!(many.1 <= few.1 + 4, "file handles: {few:?}, {many:?}");
    // Five clients, each with a thread of its own and one for each broker, its bootstrap and its
    // coordinator; four threads of the edge; and the process.
    assert!(few.0 <= 5 * 4 + 4 + 8, "{few:?}");
    scene.verdict().assert_exact();
}
