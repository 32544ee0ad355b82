//! A running topology follows its file: only what differs is touched, and nothing is lost or copied
//! again.

use std::path::Path;
use std::time::Duration;

use crossdock_testbed::scene::{DOCK, Scene};
use crossdock_testbed::wait;

use crate::scenes::{ONE_WAY, one_way, scene};

const FOLLOWS_WITHIN: Duration = Duration::from_secs(30);

/// Two edges: what is done to one must not touch the other.
const FORK: &str = r#"
topology: fork
clusters:
  bj: { bootstrap.servers: "${BJ_BOOTSTRAP}" }
  sh: { bootstrap.servers: "${SH_BOOTSTRAP}" }
  gz: { bootstrap.servers: "${GZ_BOOTSTRAP}" }
edges:
  - { from: bj, to: sh, topics: orders }
  - { from: bj, to: gz, topics: orders }
"#;

fn write(path: &Path, text: &str) {
    // As editors and configuration management do it: as a whole.
    let part = path.with_extension("new");
    std::fs::write(&part, text).expect("the folder can be written");
    std::fs::rename(&part, path).expect("the file can be replaced");
}

fn change(scene: &Scene, from: &str, to: &str) {
    let text = std::fs::read_to_string(scene.file()).expect("it is there");
    assert!(text.contains(from), "`{from}` is not in {text}");
    write(&scene.file(), &text.replace(from, to));
}

fn reloads(scene: &mut Scene) -> usize {
    let log = scene.dock(DOCK).log();
    log.matches("The topology was reloaded").count()
}

fn until_reloaded(scene: &mut Scene, before: usize) {
    wait::until("the new topology runs", FOLLOWS_WITHIN, || {
        match reloads(scene) > before {
            true => Ok(()),
            false => Err(scene.dock(DOCK).log_tail(3)),
        }
    });
}

#[test]
fn a_changed_edge_drains_and_goes_on_and_the_other_is_left_alone() {
    let mut scene = scene("reload-fork", &["bj", "sh", "gz"], FORK);
    scene.topic("bj", "orders", 3);
    scene.route("bj-to-sh", "orders", "orders");
    scene.route("bj-to-gz", "orders", "orders");
    scene.start();
    scene.load("bj", "orders", 1_000);
    scene.until_copied("sh", "orders", 1_000);
    scene.until_copied("gz", "orders", 1_000);
    let generation = |scene: &mut Scene| scene.dock(DOCK).log();
    change(
        &scene,
        "to: gz, topics: orders",
        "to: gz, topics: orders, streams: 2",
    );
    until_reloaded(&mut scene, 0);
    let log = generation(&mut scene);
    assert!(
        log.contains("changed: bj-to-gz; removed: none; untouched: 1"),
        "{log}"
    );
    scene.stop_load();
    scene.until_caught_up();
    scene.verdict().assert_exact();
}

#[test]
fn an_invalid_file_is_refused_loudly_and_what_runs_goes_on() {
    let mut scene = one_way("reload-invalid", 1);
    scene.start();
    scene.produce("bj", "orders", 100);
    scene.until_copied("sh", "orders", 99);
    for wrong in ["topics: '['", "topcs: orders", "\u{0}"] {
        let good = std::fs::read_to_string(scene.file()).expect("it is there");
        let refusals = |scene: &mut Scene| scene.dock(DOCK).log().matches("is refused").count();
        let before = refusals(&mut scene);
        write(
            &scene.file(),
            &good.replace("topics: orders|users|products", wrong),
        );
        wait::until("it is refused", FOLLOWS_WITHIN, || {
            match refusals(&mut scene) > before {
                true => Ok(()),
                false => Err("not yet"),
            }
        });
        write(&scene.file(), &good);
        scene.produce("bj", "orders", 100);
    }
    scene.until_caught_up();
    scene.verdict().assert_exact();
}

#[test]
fn edges_are_added_and_removed_and_come_back_where_they_were() {
    let mut scene = scene("reload-edges", &["bj", "sh", "gz"], FORK);
    scene.topic("bj", "orders", 2);
    scene.route("bj-to-sh", "orders", "orders");
    scene.route("bj-to-gz", "orders", "orders");
    scene.start();
    scene.produce("bj", "orders", 1_000);
    scene.until_caught_up();
    let whole = std::fs::read_to_string(scene.file()).expect("it is there");
    change(&scene, "  - { from: bj, to: gz, topics: orders }\n", "");
    until_reloaded(&mut scene, 0);
    scene.produce("bj", "orders", 500);
    scene.until_caught_up();
    assert_eq!(
        scene.count("gz", "orders"),
        1_000,
        "a removed edge copies nothing"
    );
    write(&scene.file(), &whole);
    until_reloaded(&mut scene, 1);
    scene.until_caught_up();
    scene.verdict().assert_exact();
}

#[test]
fn a_changed_rename_goes_on_under_the_new_name_and_copies_nothing_again() {
    let mut scene = one_way("reload-rename", 2);
    scene.start();
    scene.produce("bj", "orders", 1_000);
    scene.until_caught_up();
    change(&scene, "products }", "products, rename: suffix }");
    until_reloaded(&mut scene, 0);
    scene.produce("bj", "orders", 300);
    wait::until("the rest arrives", FOLLOWS_WITHIN, || {
        match scene.end_sum("sh", "orders-bj") {
            0 => Err("nothing yet"),
            _ => Ok(()),
        }
    });
    scene.until_caught_up();
    assert_eq!(
        (scene.count("sh", "orders"), scene.count("sh", "orders-bj")),
        (1_000, 300)
    );
    scene.dock(DOCK).kill();
    scene.dock(DOCK).restart();
    scene.produce("bj", "orders", 10);
    scene.until_copied("sh", "orders-bj", scene.end_sum("sh", "orders-bj"));
    scene.until_caught_up();
    assert_eq!(scene.count("sh", "orders-bj"), 310);
}

#[test]
fn a_symlink_that_is_swapped_and_a_hangup_are_followed() {
    let mut scene = one_way("reload-symlink", 1);
    // As Kubernetes mounts a config map: file -> ..data/file, ..data -> a folder that is swapped.
    let folder = scene.folder().to_owned();
    let text = std::fs::read_to_string(scene.file()).expect("it is there");
    for (version, content) in [
        ("v1", text.clone()),
        ("v2", text.replace("products }", "products, streams: 2 }")),
    ] {
        std::fs::create_dir(folder.join(version)).expect("it can be made");
        std::fs::write(folder.join(version).join("topology.yaml"), content)
            .expect("it can be written");
    }
    let link = |to: &str, name: &str| {
        let part = folder.join("..tmp");
        std::os::unix::fs::symlink(to, &part).expect("it can be linked");
        std::fs::rename(&part, folder.join(name)).expect("it can be swapped");
    };
    link("v1", "..data");
    link("..data/topology.yaml", "topology.yaml");
    scene.start();
    scene.produce("bj", "orders", 100);
    scene.until_caught_up();
    link("v2", "..data");
    until_reloaded(&mut scene, 0);
    scene.dock(DOCK).hang_up();
    until_reloaded(&mut scene, 1);
    let log = scene.dock(DOCK).log();
    assert!(
        log.contains("changed: none; removed: none; untouched: 1"),
        "{log}"
    );
    scene.until_caught_up();
    scene.verdict().assert_exact();
}

#[test]
fn a_hundred_quick_reloads_under_load_lose_and_repeat_nothing() {
    let mut scene = scene("reload-hundred", &["bj", "sh"], ONE_WAY);
    scene.topic("bj", "orders", 3);
    scene.route("bj-to-sh", "orders", "orders");
    scene.start();
    scene.load("bj", "orders", 1_000);
    scene.until_copied("sh", "orders", 1_000);
    let text = std::fs::read_to_string(scene.file()).expect("it is there");
    for number in 0..100 {
        let streams = 1 + number % 2;
        write(
            &scene.file(),
            &text.replace("products }", &format!("products, streams: {streams} }}")),
        );
        // By itself it looks twice a second: this is as quick as it gets.
        scene.dock(DOCK).hang_up();
        std::thread::sleep(Duration::from_millis(150));
    }
    scene.stop_load();
    scene.until_caught_up();
    println!("{} reloads were carried out", reloads(&mut scene));
    assert!(reloads(&mut scene) >= 10);
    scene.verdict().assert_exact();
}
