//! A topology that was applied lives at home: every instance follows it, history keeps it, rollback
//! brings it back.

use std::process::Output;
use std::time::Duration;

use crossdock_testbed::scene::{DOCK, Scene};
use crossdock_testbed::wait;
use serde_json::Value;

use crate::scenes::{ONE_WAY, scene};

const FOLLOWS_WITHIN: Duration = Duration::from_secs(120);

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout)
}

/// ONE_WAY with its home in bj.
fn at_home(name: &str) -> Scene {
    let text = ONE_WAY.replace("clusters:", "home: bj\nclusters:");
    let mut scene = scene(name, &["bj", "sh"], &text);
    scene.topic("bj", "orders", 2);
    scene.plan("bj", "crossdock.topology");
    scene.route("bj-to-sh", "orders", "orders");
    scene
}

fn apply(scene: &Scene, expected: i32) -> String {
    let output = scene.command("apply", &["--yes"]);
    assert_eq!(output.status.code(), Some(expected), "{}", said(&output));
    said(&output)
}

fn edit(scene: &Scene, from: &str, to: &str) {
    let text = std::fs::read_to_string(scene.file()).expect("it is there");
    assert!(text.contains(from), "`{from}` is not in {text}");
    std::fs::write(scene.file(), text.replace(from, to)).expect("it can be written");
}

fn history(scene: &Scene) -> Vec<Value> {
    told(&scene.command("history", &["--format", "json"]))
}

fn ids(revisions: &[Value]) -> Vec<&Value> {
    revisions.iter().map(|revision| &revision["uuid"]).collect()
}

fn told(output: &Output) -> Vec<Value> {
    assert_eq!(output.status.code(), Some(0), "{}", said(output));
    serde_json::from_slice(&output.stdout).expect("it is JSON")
}

/// Where home is, and what is kept there.
fn place(scene: &mut Scene) -> [String; 4] {
    let bootstrap = scene.broker("bj").bootstrap();
    let topology = scene.topology().to_owned();
    [
        "--home".to_owned(),
        bootstrap,
        "--topology".to_owned(),
        topology,
    ]
}

/// `run --home` of the scene's topology, as this instance.
fn start_as(scene: &mut Scene, instance: &str) {
    let place = place(scene);
    let state = scene.folder().join(format!("state-{instance}"));
    scene.start_without_file(
        instance,
        &place.each_ref().map(String::as_str),
        &[("STATE_DIRECTORY", state.to_str().expect("a path is text"))],
    );
}

fn start(scene: &mut Scene) {
    start_as(scene, DOCK);
}

fn until_said(scene: &mut Scene, words: &str) {
    until_said_by(scene, DOCK, words);
}

fn until_said_by(scene: &mut Scene, instance: &str, words: &str) {
    wait::until(words, FOLLOWS_WITHIN, || {
        match scene.dock(instance).log().contains(words) {
            true => Ok(()),
            false => Err(scene.dock(instance).log_tail(3)),
        }
    });
}

#[test]
fn what_is_applied_runs_everywhere_is_kept_and_comes_back() {
    let mut scene = at_home("home");
    assert!(apply(&scene, 0).contains("revision 1 of the topology"));
    assert!(
        apply(&scene, 0).contains("Applied: 0 changes."),
        "the second apply is empty"
    );
    for instance in [DOCK, "second"] {
        start_as(&mut scene, instance);
    }
    scene.produce("bj", "orders", 500);
    scene.until_caught_up();

    edit(&scene, "products }", "products, streams: 2 }");
    assert!(apply(&scene, 0).contains("revision 2 of the topology"));
    for instance in [DOCK, "second"] {
        until_said_by(&mut scene, instance, "changed: bj-to-sh; removed: none");
    }
    scene.produce("bj", "orders", 500);
    scene.until_caught_up();

    let revisions = history(&scene);
    let numbers: Vec<_> = revisions.iter().map(|r| r["revision"].as_u64()).collect();
    assert_eq!(numbers, [Some(2), Some(1)]);
    for key in ["uuid", "checksum", "who", "when", "text"] {
        assert!(
            revisions[0][key].as_str().is_some_and(|v| !v.is_empty()),
            "{key}"
        );
    }
    let text = revisions[1]["text"].as_str().unwrap_or_default();
    assert!(
        text.contains("${BJ_BOOTSTRAP}"),
        "variables stay references: {text}"
    );

    let file = scene.file();
    let file = file.to_str().expect("a path is text");
    let back = scene.bare_command(&["rollback", "1", file, "--yes"]);
    assert_eq!(back.status.code(), Some(0), "{}", said(&back));
    let revisions = history(&scene);
    assert_eq!(revisions.len(), 3);
    assert_eq!(revisions[0]["checksum"], revisions[2]["checksum"]);
    for instance in [DOCK, "second"] {
        until_said_by(&mut scene, instance, "Revision 3 of topology");
    }
    scene.until_caught_up();
    // Whoever has no file goes by home alone.
    let place = place(&mut scene);
    let place = place.each_ref().map(String::as_str);
    let asked = [&["history"][..], &place, &["--format", "json"]].concat();
    assert_eq!(
        ids(&told(&scene.bare_command(&asked))),
        ids(&history(&scene))
    );
    let back = scene.bare_command(&[&["rollback", "2", "--yes"][..], &place].concat());
    assert_eq!(back.status.code(), Some(0), "{}", said(&back));
    let revisions = history(&scene);
    assert_eq!(
        (revisions.len(), &revisions[0]["checksum"]),
        (4, &revisions[2]["checksum"])
    );
    for instance in [DOCK, "second"] {
        until_said_by(&mut scene, instance, "Revision 4 of topology");
    }
    scene.produce("bj", "orders", 500);
    scene.until_caught_up();
    scene.verdict().assert_exact();
}

#[test]
fn with_home_down_it_starts_from_its_copy() {
    let mut scene = at_home("home-down");
    apply(&scene, 0);
    start(&mut scene);
    scene.produce("bj", "orders", 100);
    scene.until_caught_up();
    scene.dock(DOCK).kill();
    scene.broker("bj").kill();
    scene.dock(DOCK).restart();
    until_said(&mut scene, "Starting with the copy");
    scene.broker("bj").restart();
    let before = scene.end_sum("sh", "orders");
    scene.produce("bj", "orders", 100);
    scene.until_copied("sh", "orders", before + 100);
    scene.until_caught_up();
    scene.verdict().assert_exact();
}

#[test]
fn a_plan_that_somebody_overtook_is_refused() {
    let mut scene = at_home("home-overtaken");
    apply(&scene, 0);
    let path = scene.folder().join("saved.plan");
    let path = path.to_str().expect("a path is text").to_owned();
    edit(&scene, "products }", "products, streams: 2 }");
    let plan = scene.command("plan", &["--out", &path]);
    assert_eq!(plan.status.code(), Some(0), "{}", said(&plan));
    edit(&scene, "streams: 2", "streams: 3");
    apply(&scene, 0);
    let late = scene.bare_command(&["apply", "--yes", "--plan", &path]);
    assert_eq!(late.status.code(), Some(1), "{}", said(&late));
    assert!(
        said(&late).contains("changed since the plan"),
        "{}",
        said(&late)
    );
    assert_eq!(history(&scene).len(), 2);
    scene.broker("bj");
}

#[test]
fn of_two_who_apply_at_once_each_revision_is_seen_by_the_next() {
    let scene = at_home("home-race");
    apply(&scene, 0);
    let text = std::fs::read_to_string(scene.file()).expect("it is there");
    let file = |number: usize| {
        let path = scene.folder().join(format!("{number}.yaml"));
        let streams = format!("products, streams: {} }}", number + 2);
        std::fs::write(&path, text.replace("products }", &streams)).expect("it can be written");
        path.to_str().expect("a path is text").to_owned()
    };
    let files: Vec<String> = (0..6).map(file).collect();
    let codes: Vec<Option<i32>> = std::thread::scope(|scope| {
        let one = |file: &String| {
            let arguments = ["apply", "--yes", file.as_str()];
            scene.bare_command(&arguments).status.code()
        };
        let all: Vec<_> = files
            .iter()
            .map(|file| scope.spawn(move || one(file)))
            .collect();
        all.into_iter()
            .map(|t| t.join().expect("it ends"))
            .collect()
    });
    let applied = codes.iter().filter(|code| **code == Some(0)).count();
    println!("{applied} of 6 were applied, the others refused: {codes:?}");
    assert!(codes.iter().all(|c| matches!(c, Some(0 | 1))), "{codes:?}");
    let revisions = history(&scene);
    let numbers: Vec<_> = revisions
        .iter()
        .filter_map(|r| r["revision"].as_u64())
        .collect();
    assert_eq!(numbers.len(), applied + 1);
    assert!(
        numbers.iter().rev().copied().eq(1..=applied as u64 + 1),
        "{numbers:?}"
    );
}

#[test]
fn a_secret_in_the_file_is_not_published() {
    let scene = at_home("home-secret");
    edit(&scene, "bj: {", "bj: { sasl.password: geheim-4711,");
    let said = apply(&scene, 1);
    assert!(said.contains("holds a secret"), "{said}");
    assert!(!said.contains("geheim"), "{said}");
}
