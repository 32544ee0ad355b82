//! A running topology follows its file: only what differs is touched, and nothing is lost or copied
//! again.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crossdock_testbed::dump;
use crossdock_testbed::scene::{DOCK, Scene};
use crossdock_testbed::wait;

use crate::scenes::{ONE_WAY, one_way, scene, until_it_copies};

const FOLLOWS_WITHIN: Duration = Duration::from_secs(120);

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
    let topics = "topics: orders|users|products";
    // What only a client finds out, too: nothing has stopped by then.
    let (plain, nowhere) = (
        "bj: { ",
        "bj: { security.protocol: SSL, ssl.ca.location: /nowhere/ca.pem, ",
    );
    for (right, wrong) in [
        (topics, "topics: '['"),
        (topics, "topcs: orders"),
        (topics, "\u{0}"),
        (plain, nowhere),
    ] {
        let good = std::fs::read_to_string(scene.file()).expect("it is there");
        let refusals = |scene: &mut Scene| scene.dock(DOCK).log().matches("is refused").count();
        let before = refusals(&mut scene);
        assert!(good.contains(right));
        write(&scene.file(), &good.replace(right, wrong));
        wait::until("it is refused", FOLLOWS_WITHIN, || {
            match refusals(&mut scene) > before {
                true => Ok(()),
                false => Err("not yet"),
            }
        });
        scene.produce("bj", "orders", 100);
        scene.until_caught_up();
        write(&scene.file(), &good);
    }
    scene.verdict().assert_exact();
}

#[test]
fn a_file_that_is_gone_or_no_text_is_told_once_and_followed_again() {
    let mut scene = one_way("reload-gone", 1);
    scene.start();
    scene.produce("bj", "orders", 100);
    scene.until_copied("sh", "orders", 99);
    let file = scene.file();
    let good = std::fs::read_to_string(&file).expect("it is there");
    let told = |scene: &mut Scene| {
        let log = scene.dock(DOCK).log();
        log.matches("cannot be followed").count()
    };
    for (number, harm) in (1..).zip([
        |file: &std::path::Path| std::fs::remove_file(file),
        |file: &std::path::Path| std::fs::write(file, [b'a', 0xff, 0xfe, b'b']),
    ]) {
        harm(&file).expect("it can be harmed");
        wait::until("it is told", FOLLOWS_WITHIN, || match told(&mut scene) {
            count if count == number => Ok(()),
            count => Err(format!("{count} times, not {number}")),
        });
        scene.produce("bj", "orders", 100);
        scene.until_caught_up();
        let before = reloads(&mut scene);
        let further = good.replace(
            "products }",
            &format!("products, streams: {} }}", number + 1),
        );
        write(&file, &further);
        until_reloaded(&mut scene, before);
    }
    // UTF-16 is text.
    let before = reloads(&mut scene);
    let wide = std::iter::once(0xfeff).chain(good.encode_utf16());
    let wide: Vec<u8> = wide.flat_map(u16::to_le_bytes).collect();
    std::fs::write(&file, wide).expect("the file can be written");
    until_reloaded(&mut scene, before);
    assert_eq!(told(&mut scene), 2, "once each: {}", scene.dock(DOCK).log());
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
    let before = scene.end_sum("sh", "orders-bj");
    scene.produce("bj", "orders", 10);
    scene.until_copied("sh", "orders-bj", before + 10);
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
    let mut changes = 0;
    while reloads(&mut scene) < 100 {
        changes += 1;
        assert!(changes < 2_000, "{} reloads", reloads(&mut scene));
        let streams = 1 + changes % 2;
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
    let done = reloads(&mut scene);
    println!("{changes} changes, {done} reloads were carried out");
    scene.verdict().assert_exact();
}

#[test]
fn edges_that_come_and_go_and_change_under_load_lose_and_repeat_nothing() {
    let text = r#"
topology: reload-edges
clusters:
  bj: { bootstrap.servers: "${BJ_BOOTSTRAP}" }
  sh: { bootstrap.servers: "${SH_BOOTSTRAP}" }
  gz: { bootstrap.servers: "${GZ_BOOTSTRAP}" }
edges:
  - { from: bj, to: sh, topics: orders }
"#;
    let mut scene = scene("reload-edges", &["bj", "sh", "gz"], text);
    for (edge, topic) in [("bj-to-sh", "orders"), ("bj-to-gz", "users")] {
        scene.topic("bj", topic, 2);
        scene.route(edge, topic, topic);
    }
    let one = std::fs::read_to_string(scene.file()).expect("it is there");
    let two = one.clone() + "  - { from: bj, to: gz, topics: users }\n";
    // What it leaves out there is none of: every record goes on.
    let other = two.replace(
        "topics: orders }",
        "topics: orders, drop_headers: nobody-has-this }",
    );
    scene.start();
    scene.load("bj", "orders", 300);
    scene.load("bj", "users", 300);
    let mut before = reloads(&mut scene);
    for text in [&two, &other, &one, &two, &other, &two, &one, &two] {
        let copied = scene.end_sum("sh", "orders");
        write(&scene.file(), text);
        scene.dock(DOCK).hang_up();
        until_reloaded(&mut scene, before);
        before = reloads(&mut scene);
        scene.until_copied("sh", "orders", copied + 300);
    }
    scene.stop_load();
    scene.until_caught_up();
    scene.verdict().assert_exact();
}

#[test]
fn an_instance_that_has_no_edge_left_stands_by() {
    let mut scene = scene("reload-none", &["bj", "sh", "gz"], FORK);
    scene.topic("bj", "orders", 2);
    scene.route("bj-to-gz", "orders", "orders");
    scene.start_as(DOCK, &["--edges", "bj-to-gz"]);
    scene.produce("bj", "orders", 500);
    scene.until_caught_up();
    let whole = std::fs::read_to_string(scene.file()).expect("it is there");
    change(&scene, "  - { from: bj, to: gz, topics: orders }\n", "");
    until_reloaded(&mut scene, 0);
    let log = scene.dock(DOCK).log();
    for words in [
        "removed: bj-to-gz",
        "no edge `bj-to-gz`",
        "nothing is copied",
    ] {
        assert!(log.contains(words), "`{words}` is not in {log}");
    }
    scene.produce("bj", "orders", 500);
    assert!(
        scene.dock(DOCK).is_running(),
        "it waits for another revision"
    );
    assert_eq!(
        scene.count("gz", "orders"),
        500,
        "what is gone copies nothing"
    );
    write(&scene.file(), &whole);
    until_reloaded(&mut scene, 1);
    scene.until_copied("gz", "orders", 999);
    scene.until_caught_up();
    scene.verdict().assert_exact();
}

/// Starts two instances, each with a file of its own, and load that both copy; the second's file.
fn start_two(scene: &mut Scene) -> PathBuf {
    scene.start();
    let file = scene.folder().join("late.yaml");
    std::fs::copy(scene.file(), &file).expect("it can be copied");
    let path = file.to_str().expect("a path is text").to_owned();
    scene.start_without_file("late", &[&path], &[]);
    scene.load("bj", "orders", 500);
    for instance in [DOCK, "late"] {
        until_it_copies(scene, instance);
    }
    file
}

/// The first, whose file has changed, says for whom it waits, and copies once the second's has, too.
fn assert_waits_and_goes_on(mut scene: Scene, late: &Path, words: &str) {
    until_reloaded(&mut scene, 0);
    wait::until("it waits and says for whom", FOLLOWS_WITHIN, || {
        let status = scene.dock(DOCK).status()?.to_string();
        match status.contains(words) {
            true => Ok(()),
            false => Err(status),
        }
    });
    let copied = scene.end_sum("sh", "orders");
    scene.until_copied("sh", "orders", copied + 500);
    std::fs::copy(scene.file(), late).expect("it can be copied");
    scene.until_copied("sh", "orders-bj", 500);
    scene.stop_load();
    scene.until_caught_up();
    assert_each_copied_once(&mut scene, &["orders", "orders-bj"]);
}

/// The places that the records of these topics of sh were copied from: each once, and as many as there
/// are records in bj.
#[allow(clippy::print_stdout, reason = "a test says what it has proved")]
fn assert_each_copied_once(scene: &mut Scene, topics: &[&str]) {
    let broker = scene.broker("sh");
    let dump = dump::dump(broker.cluster_id(), &broker.bootstrap());
    let logs = topics.iter().filter_map(|topic| dump.topics.get(*topic));
    let records = logs.flatten().flat_map(|log| &log.records);
    let hops: Vec<(usize, i64)> = records
        .filter_map(|record| record.last_hop())
        .map(|hop| (hop.partition, hop.offset))
        .collect();
    let once: BTreeSet<_> = hops.iter().collect();
    let born = usize::try_from(scene.count("bj", "orders")).expect("it fits");
    println!(
        "{born} records, {} copies of {} places",
        hops.len(),
        once.len()
    );
    assert_eq!((hops.len(), once.len()), (born, born));
}

#[test]
fn of_two_instances_the_one_that_hears_of_a_new_rename_first_waits_for_the_other() {
    let mut scene = one_way("reload-two", 4);
    let late = start_two(&mut scene);
    change(&scene, "products }", "products, rename: suffix }");
    assert_waits_and_goes_on(scene, &late, "is still held by instance `late.0`");
}

#[test]
fn an_edge_gets_another_name_while_it_runs_and_waits_for_whoever_runs_it_under_the_old_one() {
    let mut scene = scene("reload-named", &["bj", "sh"], ONE_WAY);
    scene.topic("bj", "orders", 4);
    change(&scene, "{ from: bj", "{ name: old, from: bj");
    let late = start_two(&mut scene);
    // And another name for its topics, in one go.
    change(
        &scene,
        "{ name: old, from: bj",
        "{ name: new, renamed_from: old, rename: suffix, from: bj",
    );
    assert_waits_and_goes_on(scene, &late, "old still has a member, instance `late.0`");
}
