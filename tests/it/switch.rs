//! Failover and failback: nothing that was written on either side is lost, doubled or overwritten.

use std::process::Output;
use std::time::Duration;

use crossdock_testbed::admin;
use crossdock_testbed::pool::Lease;
use crossdock_testbed::record::{Header, Record, VIA};
use crossdock_testbed::scene::{DOCK, Scene};
use crossdock_testbed::writer::Outcome;
use serde_json::Value;

use crate::scenes::{one_way, scene, two_way};
use crate::verify::{assert_equal, verify};

const SAID_WITHIN: Duration = Duration::from_secs(120);

const BETWEEN: [&str; 4] = ["--from", "bj", "--to", "sh"];

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout)
}

fn run(scene: &Scene, command: &str, more: &[&str], expected: i32) -> Output {
    let arguments: Vec<&str> = BETWEEN.iter().chain(more).copied().collect();
    let output = scene.command(command, &arguments);
    assert_eq!(output.status.code(), Some(expected), "{}", said(&output));
    output
}

/// Runs it to its end, and returns its report.
#[allow(clippy::print_stdout, reason = "a test says what it has proved")]
fn switch(scene: &Scene, command: &str, more: &[&str]) -> Value {
    let more: Vec<&str> = ["--yes", "--format", "json"]
        .iter()
        .chain(more)
        .copied()
        .collect();
    let output = run(scene, command, &more, 0);
    let report: Value = serde_json::from_slice(&output.stdout).expect("it is JSON");
    assert_eq!(report["finished"], true, "{}", said(&output));
    println!("{command}: {} ms, {}", report["took_ms"], report["loss"]);
    report
}

fn not_copied(report: &Value) -> Option<i64> {
    report["loss"]["offsets"].as_i64()
}

/// ONE_WAY, with the way home.
fn there_and_back(name: &str, partitions: usize) -> Scene {
    let mut scene = one_way(name, partitions);
    scene.way_home("bj-to-sh", "orders", "orders");
    scene
}

#[test]
fn killed_under_load_it_fails_over_and_back_and_every_record_is_on_both_sides_once() {
    let mut scene = there_and_back("failover", 3);
    scene.start();
    scene.load("bj", "orders", 1_000);
    scene.until_copied("sh", "orders", 3_000);
    scene.broker("bj").kill();
    let over = switch(&scene, "failover", &[]);
    assert_eq!(not_copied(&over), None, "who is dead cannot be asked");
    assert!(over["loss"]["copied_up_to_ms"].is_i64(), "{over}");
    let twice = switch(&scene, "failover", &[]);
    assert_eq!(twice["steps"], over["steps"], "run twice it is as once");

    scene.produce("sh", "orders", 2_000);
    // What its producers still had in hand comes late: nobody copies it before the failback.
    scene.broker("bj").restart();
    scene.stop_load();
    let fenced = scene.progress("bj-to-sh", "orders").sum();
    scene.produce("bj", "orders", 500);
    assert_eq!(
        scene.progress("bj-to-sh", "orders").sum(),
        fenced,
        "a fenced edge stands"
    );

    let back = switch(&scene, "failback", &[]);
    assert!(not_copied(&back) >= Some(500), "the tail is listed: {back}");
    scene.until_caught_up();
    scene.verdict().assert_exact();
    switch(&scene, "failback", &[]);
    scene.until_caught_up();
    scene.verdict().assert_exact();
}

#[test]
fn killed_at_every_step_and_run_again_it_is_exact() {
    let mut scene = there_and_back("failover-killed", 2);
    scene.start();
    scene.load("bj", "orders", 500);
    scene.until_copied("sh", "orders", 1_000);
    scene.broker("bj").kill();
    let arguments: Vec<&str> = BETWEEN.iter().chain(&["--yes"]).copied().collect();
    let mut kills = 0;
    for step in ["reach", "ready", "fence", "measure", "groups"] {
        let mut begun = scene.begin("failover", &arguments);
        kills += usize::from(begun.kill_when_said(&format!(", {step} …"), SAID_WITHIN));
    }
    switch(&scene, "failover", &[]);
    scene.produce("sh", "orders", 1_000);
    scene.broker("bj").restart();
    scene.stop_load();
    let steps = [
        "reach", "tail", "prepare", "carry", "quiet", "rest", "lift", "settle", "groups", "verify",
    ];
    for step in steps {
        let mut begun = scene.begin("failback", &arguments);
        kills += usize::from(begun.kill_when_said(&format!(", {step} …"), SAID_WITHIN));
    }
    switch(&scene, "failback", &[]);
    scene.until_caught_up();
    scene.verdict().assert_exact();
    println!("{kills} kills at 15 steps");
    assert!(kills >= 12, "the kills must hit: {kills}");
}

#[test]
fn two_ways_under_one_name_both_sides_written_meanwhile_is_exact() {
    let mut scene = two_way("failover-two-way", 2);
    scene.start();
    scene.load("bj", "orders", 500);
    scene.load("sh", "orders", 500);
    scene.until_copied("sh", "orders", 3_000);
    scene.dock(DOCK).kill();
    scene.start();
    // Half alive: it takes records, and nobody copies them.
    let over = switch(&scene, "failover", &[]);
    assert!(not_copied(&over).is_some(), "{over}");
    scene.produce("bj", "orders", 300);
    scene.produce("sh", "orders", 300);
    scene.stop_load();
    switch(&scene, "failback", &[]);
    scene.until_caught_up();
    scene.verdict().assert_exact();
}

#[test]
fn what_was_written_in_a_renamed_topic_goes_home_under_its_own_name() {
    let text = r#"
topology: renamed
home: sh
clusters:
  bj: { bootstrap.servers: "${BJ_BOOTSTRAP}" }
  sh: { bootstrap.servers: "${SH_BOOTSTRAP}" }
edges:
  - { from: bj, to: sh, both_ways: true, topics: "orders.*", rename: suffix }
"#;
    let mut scene = scene("failover-renamed", &["bj", "sh"], text);
    for (here, there) in [("bj", "sh"), ("sh", "bj")] {
        scene.topic(here, "orders", 2);
        let edge = format!("{here}-to-{there}");
        scene.route(&edge, "orders", &format!("orders-{here}"));
    }
    scene.way_home("bj-to-sh", "orders-bj", "orders");
    scene.plan("sh", "crossdock.topology");
    scene.start();
    scene.produce("bj", "orders", 1_000);
    scene.produce("sh", "orders", 1_000);
    scene.until_caught_up();
    scene.broker("bj").kill();
    let report = switch(&scene, "failover", &[]);
    let next = report["next"].to_string();
    assert!(next.contains("orders-bj (was orders)"), "{next}");
    scene.produce("sh", "orders-bj", 700);
    scene.produce("sh", "orders", 300);
    scene.broker("bj").restart();
    switch(&scene, "failback", &[]);
    scene.until_caught_up();
    scene.verdict().assert_exact();
}

#[test]
fn planned_nothing_is_lost_and_a_look_changes_nothing() {
    let mut scene = there_and_back("failover-planned", 2);
    scene.start();
    scene.produce("bj", "orders", 2_000);
    scene.until_caught_up();
    let before = scene.progress("bj-to-sh", "orders").sum();
    let look = run(&scene, "failover", &["--dry-run"], 0);
    assert!(
        said(&look).contains("nothing was changed"),
        "{}",
        said(&look)
    );
    assert_eq!(
        scene.progress("bj-to-sh", "orders").sum(),
        before,
        "only a look"
    );
    scene.produce("bj", "orders", 500);
    scene.until_caught_up();
    assert!(
        scene.progress("bj-to-sh", "orders").sum() > before,
        "a look fences nobody"
    );
    let over = switch(&scene, "failover", &["--planned"]);
    assert_eq!(not_copied(&over), Some(0), "{over}");
    scene.produce("sh", "orders", 500);
    let look = run(&scene, "failback", &["--dry-run"], 0);
    assert!(said(&look).contains("would bring home"), "{}", said(&look));
    let back = switch(&scene, "failback", &[]);
    assert_eq!(not_copied(&back), Some(0), "{back}");
    scene.until_caught_up();
    scene.verdict().assert_exact();

    let good = switch(&scene, "failover", &["--for-good"]);
    assert!(good["next"].to_string().contains("for good"), "{good}");
    let refused = run(&scene, "failback", &["--yes"], 2);
    assert!(said(&refused).contains("for good"), "{}", said(&refused));
    scene.dock(DOCK).kill();
}

#[test]
fn what_the_target_has_no_place_for_is_counted_as_not_replicated() {
    let text = r#"
topology: without-place
clusters:
  bj: { bootstrap.servers: "${BJ_BOOTSTRAP}" }
  sh: { bootstrap.servers: "${SH_BOOTSTRAP}" }
edges:
  - { from: bj, to: sh, topics: orders|users|elsewhere, sync: { topics: false, partitions: false } }
"#;
    let mut scene = scene("without-place", &["bj", "sh"], text);
    scene.topic("bj", "orders", 3);
    scene.topic("sh", "orders", 1);
    scene.topic("bj", "users", 1);
    // All that another file has brought from sh is nothing that sh lacks.
    scene.topic("bj", "elsewhere", 1);
    let via = format!("sh/{}/elsewhere/0/0", scene.broker("sh").cluster_id());
    let foreign = Record {
        value: Some(b"born in sh".to_vec()),
        headers: vec![(VIA.to_owned(), Some(via.into_bytes()))],
        ..Record::default()
    };
    scene.produce_forged("bj", "elsewhere", [foreign]);
    scene.produce("bj", "orders", 300);
    scene.produce("bj", "users", 70);
    scene.start();
    scene.until_partition("orders", 0, "caught_up");

    let planned = run(&scene, "failover", &["--planned", "--dry-run"], 1);
    let words = said(&planned);
    for place in ["orders-1 (100", "orders-2 (100", "users-0 (70"] {
        assert!(words.contains(place), "`{place}` is not in: {words}");
    }
    assert!(!words.contains("elsewhere"), "{words}");
    let (status, report) = verify(&scene, &[]);
    let left = |p: &Value| p["excused"]["not_copied_yet"].as_u64();
    let partitions = report["partitions"].as_array().expect("it has partitions");
    let left: Vec<_> = partitions.iter().map(left).collect();
    assert_eq!(
        (status, left),
        (Some(0), vec![None, Some(100), Some(100), Some(70)]),
        "{report}"
    );
    let over = switch(&scene, "failover", &[]);
    assert_eq!(not_copied(&over), Some(270), "{over}");
    assert!(over["loss"]["since_ms"].is_i64(), "{over}");
    let plan = scene.command("plan", &[]);
    assert!(
        said(&plan).contains("edge bj-to-sh: bj -> sh, fenced by a failover since 20"),
        "{}",
        said(&plan)
    );
}

/// What a record keeps wherever it goes.
type Content = (Option<Vec<u8>>, Option<Vec<u8>>, Option<i64>, Vec<Header>);

fn content(record: Record) -> Content {
    let mut headers = record.headers;
    headers.retain(|(name, _)| name != VIA);
    (record.key, record.value, record.timestamp, headers)
}

/// Everything in `orders`, partition after partition.
fn contents(scene: &Scene, alias: &str) -> Vec<Content> {
    let records = scene.records(alias, "orders").into_iter();
    records.map(content).collect()
}

/// Both sides hold what was written anywhere, once, in one order.
#[allow(clippy::print_stdout, reason = "a test says what it has proved")]
fn assert_rebuilt(scene: &Scene) {
    let [at_home, away] = ["bj", "sh"].map(|alias| contents(scene, alias));
    assert!(at_home == away, "{} and {}", at_home.len(), away.len());
    let written = scene.births().iter();
    let written = written.filter(|b| b.outcome == Outcome::Written);
    let mut born: Vec<Content> = written.map(|b| content(b.record.clone())).collect();
    let mut found = at_home;
    born.sort();
    found.sort();
    assert!(born == found, "{} born, {} there", born.len(), found.len());
    println!("rebuilt: {} records, each once on both sides", born.len());
}

/// Home has lost everything, and is filled from the cluster that took over.
fn rebuilt(name: &str, lose: fn(&mut Scene)) {
    let mut scene = there_and_back(name, 2);
    scene.start();
    scene.produce_in_transactions("bj", "orders", 1_500);
    scene.produce("bj", "orders", 1_000);
    scene.until_caught_up();
    let refused = run(&scene, "failback", &["--rebuild", "--dry-run"], 1);
    let said_so = said(&refused).contains("`bj` is not empty");
    assert!(said_so, "{}", said(&refused));
    scene.broker("bj").kill();
    switch(&scene, "failover", &[]);
    scene.produce("sh", "orders", 700);
    scene.dock(DOCK).kill();
    lose(&mut scene);
    let refused = run(&scene, "failback", &["--yes"], 1);
    let words = said(&refused);
    assert!(
        words.contains("came back empty") && words.contains("--rebuild"),
        "{words}"
    );
    switch(&scene, "failback", &["--rebuild"]);
    assert_rebuilt(&scene);
    // The pair is as before: what is written at home follows, and only that.
    scene.start();
    scene.produce("bj", "orders", 500);
    scene.until_caught_up();
    assert_rebuilt(&scene);
    assert_equal(&scene);
}

#[test]
fn a_home_whose_topics_are_gone_is_rebuilt() {
    rebuilt("rebuilt", |scene| {
        scene.broker("bj").restart();
        admin::delete_topic(&scene.address("bj"), "orders");
    });
}

#[test]
fn a_home_that_is_another_cluster_now_is_rebuilt() {
    rebuilt("rebuilt-anew", |scene| {
        *scene.broker("bj") = Lease::own(&[]);
    });
}

#[test]
fn without_provenance_there_is_no_way_home() {
    let text = r#"
topology: blind
clusters:
  bj: { bootstrap.servers: "${BJ_BOOTSTRAP}" }
  sh: { bootstrap.servers: "${SH_BOOTSTRAP}" }
edges:
  - { from: bj, to: sh, topics: orders, provenance: false }
"#;
    let scene = scene("failback-blind", &["bj", "sh"], text);
    let refused = run(&scene, "failback", &["--yes"], 2);
    assert!(
        said(&refused).contains("edge bj-to-sh has `provenance: false`"),
        "{}",
        said(&refused)
    );
}
