//! The topologies that several tests use, and how they are put on real brokers.

use std::time::Duration;

use crossdock_testbed::scene::Scene;
use crossdock_testbed::wait;

/// bj to sh, names kept.
pub(crate) const ONE_WAY: &str = r#"
topology: one-way
clusters:
  bj: { bootstrap.servers: "${BJ_BOOTSTRAP}" }
  sh: { bootstrap.servers: "${SH_BOOTSTRAP}" }
edges:
  - { from: bj, to: sh, topics: orders|users|products }
"#;

/// bj and sh, both ways, names kept: only the provenance header stands against a loop.
pub(crate) const TWO_WAY: &str = r#"
topology: two-way
clusters:
  bj: { bootstrap.servers: "${BJ_BOOTSTRAP}" }
  sh: { bootstrap.servers: "${SH_BOOTSTRAP}" }
edges:
  - { from: bj, to: sh, both_ways: true, topics: orders }
"#;

/// Three leaves into a hub, under names of their own.
pub(crate) const STAR: &str = r#"
topology: star
clusters:
  hq: { bootstrap.servers: "${HQ_BOOTSTRAP}" }
  north: { bootstrap.servers: "${NORTH_BOOTSTRAP}" }
  east: { bootstrap.servers: "${EAST_BOOTSTRAP}" }
  south: { bootstrap.servers: "${SOUTH_BOOTSTRAP}" }
edges:
  - { from: [north, east, south], to: hq, topics: sales, rename: suffix }
"#;

/// A scene of `text` on shared brokers, one for each alias.
pub(crate) fn scene(name: &str, aliases: &[&str], text: &str) -> Scene {
    Scene::new(env!("CARGO_BIN_EXE_crossdock"), name, aliases, text)
}

/// ONE_WAY with `orders` in `partitions` partitions.
pub(crate) fn one_way(name: &str, partitions: usize) -> Scene {
    let mut scene = scene(name, &["bj", "sh"], ONE_WAY);
    scene.topic("bj", "orders", partitions);
    scene.route("bj-to-sh", "orders", "orders");
    scene
}

/// TWO_WAY with `orders` in `partitions` partitions on both sides.
pub(crate) fn two_way(name: &str, partitions: usize) -> Scene {
    let mut scene = scene(name, &["bj", "sh"], TWO_WAY);
    scene.topic("bj", "orders", partitions);
    scene.topic("sh", "orders", partitions);
    scene.route("bj-to-sh", "orders", "orders");
    scene.route("sh-to-bj", "orders", "orders");
    scene
}

/// Waits until an instance has been given partitions of the first edge and has copied of them.
pub(crate) fn until_it_copies(scene: &mut Scene, instance: &str) {
    wait::until("it copies its share", Duration::from_secs(150), || {
        let status = scene.dock(instance).status()?;
        match status["edges"][0]["records_total"].as_u64() {
            Some(1..) => Ok(()),
            _ => Err(status.to_string()),
        }
    });
}
