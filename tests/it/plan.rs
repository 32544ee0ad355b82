//! Plan and apply on real clusters: a pair of files and clusters before, the plan, the clusters after,
//! and a second plan that is empty.

use std::os::unix::fs::MetadataExt;
use std::process::Output;
use std::time::Duration;

use crossdock_testbed::dump;
use crossdock_testbed::scene::Scene;
use serde_json::Value;

use crate::scenes::{ONE_WAY, one_way, scene};

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The text of a plan, its amounts of bytes left out: they depend on the records' shapes.
pub(crate) fn plan_of(scene: &Scene) -> String {
    let output = scene.command("plan", &[]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let cut = |line: &str| match line.split_once(", about ") {
        Some((head, rest)) => {
            let (_, rest) = rest.split_once(" sampled)").expect("it says by how many");
            format!("{head}{rest}\n")
        }
        None => format!("{line}\n"),
    };
    text(&output).lines().map(cut).collect()
}

pub(crate) fn apply(scene: &Scene) {
    let output = scene.command("apply", &["--yes"]);
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}{}",
        text(&output),
        said(&output)
    );
}

/// Nothing is left to do, and that is what the exit status says.
pub(crate) fn assert_done(scene: &Scene) {
    let output = scene.command("plan", &["--exit-code"]);
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}{}",
        text(&output),
        said(&output)
    );
    assert!(text(&output).contains("No changes: "), "{}", text(&output));
    let again = scene.command("apply", &["--yes"]);
    assert_eq!(again.status.code(), Some(0));
    assert!(
        said(&again).contains("Applied: 0 changes."),
        "{}",
        said(&again)
    );
}

fn json(scene: &Scene, arguments: &[&str]) -> Value {
    let output = scene.command("plan", &[&["--format", "json"], arguments].concat());
    serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {}", said(&output)))
}

fn codes(plan: &Value) -> Vec<String> {
    let findings = plan["findings"].as_array().into_iter().flatten();
    findings
        .filter_map(|f| f["code"].as_str().map(str::to_owned))
        .collect()
}

#[test]
fn new_topics_are_planned_made_and_then_there() {
    let mut scene = scene("plan-new", &["bj", "sh"], ONE_WAY);
    scene.topic_with(
        "bj",
        "orders",
        2,
        &[("segment.ms", "86400000"), ("min.insync.replicas", "1")],
    );
    scene.topic("bj", "users", 1);
    scene.produce("bj", "orders", 100);
    let before = scene.command("plan", &["--exit-code"]);
    assert_eq!(before.status.code(), Some(1), "{}", said(&before));
    let ends: Vec<i64> = scene
        .logs("bj", "orders")
        .iter()
        .map(|(_, end)| *end)
        .collect();
    assert_eq!(
        plan_of(&scene),
        format!(
            "edge bj-to-sh: bj -> sh, first run
  orders -> orders (new): 2 partitions, 100 records
    partition 0: from offset 0, end {}
    partition 1: from offset 0, end {}
  users -> users (new): 1 partitions, 0 records
    partition 0: from offset 0, end 0
  to copy: 100 records

+ topic orders on `sh`: 2 partitions, replication factor: 1
      max.message.bytes = 1064972
      segment.ms = 86400000
+ topic users on `sh`: 1 partitions, replication factor: 1
      max.message.bytes = 1064972

Plan: 2 to create, 0 to change, 0 to delete; 0 errors, 0 warnings.
",
            ends[0], ends[1]
        )
    );
    apply(&scene);
    assert_eq!(scene.config("sh", "orders", "segment.ms"), "86400000");
    assert_done(&scene);
    for topic in ["orders", "users"] {
        scene.route("bj-to-sh", topic, topic);
    }
    scene.run_once();
    assert_done(&scene);
    scene.verdict().assert_exact();
}

#[test]
fn partitions_and_configs_that_differ_are_brought_in_step() {
    let mut scene = scene("plan-differ", &["bj", "sh"], ONE_WAY);
    scene.topic_with(
        "bj",
        "orders",
        3,
        &[("retention.ms", "1000000"), ("cleanup.policy", "compact")],
    );
    scene.topic_with(
        "sh",
        "orders",
        1,
        &[("retention.ms", "2000000"), ("segment.ms", "5000000")],
    );
    assert_eq!(
        plan_of(&scene),
        "edge bj-to-sh: bj -> sh, first run
  orders -> orders: 3 partitions, 0 records
    partition 0: from offset 0, end 0
    partition 1: from offset 0, end 0
    partition 2: from offset 0, end 0
  to copy: 0 records

~ topic orders on `sh`: partitions 1 -> 3
~ topic orders on `sh`: configs
      cleanup.policy: delete -> compact
      retention.ms: 2000000 -> 1000000

note[not-synced]: edge bj-to-sh: topic orders on `sh` keeps segment.ms=5000000 (604800000 there)
  = help: these do not follow: MirrorMaker 2's default excludes, values set on the target alone, `sync.configs: false`, or a topic that others write first

Plan: 0 to create, 2 to change, 0 to delete; 0 errors, 0 warnings.
"
    );
    apply(&scene);
    let config = |key| scene.config("sh", "orders", key);
    assert_eq!(
        [
            config("cleanup.policy"),
            config("retention.ms"),
            config("segment.ms")
        ],
        ["compact", "1000000", "5000000"]
    );
    assert_eq!(scene.logs("sh", "orders").len(), 3);
    assert_done(&scene);
}

#[test]
fn a_saved_plan_is_refused_when_the_clusters_have_changed() {
    let mut scene = one_way("plan-saved", 1);
    let path = scene.folder().join("saved.plan");
    let path = path.to_str().expect("a path is text").to_owned();
    // One that others may read is there already.
    std::fs::write(&path, "").expect("it can be written");
    let plan = scene.command("plan", &["--out", &path]);
    assert_eq!(plan.status.code(), Some(0), "{}", said(&plan));
    let mode = std::fs::metadata(&path).expect("it was written").mode();
    assert_eq!(mode & 0o777, 0o600, "for its owner alone");
    scene.grow("bj", "orders", 2);
    let refused = scene.bare_command(&["apply", "--yes", "--plan", &path]);
    assert_eq!(refused.status.code(), Some(1), "{}", said(&refused));
    assert!(
        said(&refused).contains("the clusters have changed"),
        "{}",
        said(&refused)
    );
    assert!(scene.logs("sh", "orders").is_empty(), "nothing was made");
    scene.command("plan", &["--out", &path]);
    let applied = scene.bare_command(&["apply", "--yes", "--plan", &path]);
    assert_eq!(applied.status.code(), Some(0), "{}", said(&applied));
    assert_eq!(scene.logs("sh", "orders").len(), 2);
    assert_done(&scene);
}

#[test]
fn without_a_yes_nothing_is_done() {
    let scene = one_way("plan-no", 1);
    let asked = scene.command("apply", &[]);
    assert_eq!(asked.status.code(), Some(1), "{}", said(&asked));
    assert!(said(&asked).contains("Type yes"), "{}", said(&asked));
    assert!(scene.logs("sh", "orders").is_empty());
}

#[test]
fn a_change_that_a_cluster_refuses_stops_the_rest_and_is_told() {
    let mut scene = scene("plan-refused", &["bj", "sh"], ONE_WAY);
    // Two names that differ in `.` and `_` only: Kafka makes one of them.
    let text = std::fs::read_to_string(scene.file()).expect("it is there");
    let text = text.replace("orders|users|products", "'a.b|c'");
    std::fs::write(scene.file(), text).expect("it can be written");
    scene.topic("bj", "a.b", 1);
    scene.topic("bj", "c", 1);
    scene.topic("sh", "a_b", 1);
    let refused = scene.command("apply", &["--yes"]);
    let told = said(&refused);
    assert_eq!(refused.status.code(), Some(3), "{told}");
    for word in ["topic a.b", "`sh`", "not done: topic c", "after 0 of 2"] {
        assert!(told.contains(word), "`{word}` is not in {told}");
    }
}

#[test]
fn a_cluster_that_does_not_answer_is_named_and_the_status_says_so() {
    let file = ONE_WAY.replace("${SH_BOOTSTRAP}", "localhost:1");
    let mut scene = scene("plan-silent", &["bj"], &file);
    scene.topic("bj", "orders", 1);
    for command in ["plan", "apply"] {
        let output = scene.command(command, &[]);
        assert_eq!(output.status.code(), Some(3), "{}", said(&output));
        assert!(said(&output).contains("`sh`"), "{}", said(&output));
        assert!(
            text(&output).contains("unreachable-cluster"),
            "{}",
            text(&output)
        );
    }
}

#[test]
fn one_of_several_bootstrap_servers_may_be_down() {
    let text = ONE_WAY.replace("\"${SH_BOOTSTRAP}\"", "\"localhost:1,${SH_BOOTSTRAP}\"");
    let mut scene = scene("plan-one-down", &["bj", "sh"], &text);
    scene.topic("bj", "orders", 1);
    let output = scene.command("plan", &[]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
}

#[test]
fn what_would_go_wrong_is_told_before_it_does() {
    let text = r#"
topology: trouble
clusters:
  bj: { bootstrap.servers: "${BJ_BOOTSTRAP}" }
  sh: { bootstrap.servers: "${SH_BOOTSTRAP}" }
edges:
  - { from: bj, to: sh, topics: ['o.*', 'nothing.*', heartbeats], sync: { configs: false, partitions: false } }
"#;
    let mut scene = scene("plan-trouble", &["bj", "sh"], text);
    scene.topic_with("bj", "orders", 3, &[("max.message.bytes", "2000000")]);
    scene.topic("bj", "heartbeats", 1);
    scene.topic_with(
        "sh",
        "orders",
        1,
        &[("message.timestamp.type", "LogAppendTime")],
    );
    scene.produce("sh", "orders", 10);
    let plan = json(&scene, &[]);
    let found = codes(&plan);
    for code in [
        "matches-nothing",
        "other-replicator",
        "existing-topic",
        "fewer-partitions",
        "message-size",
        "log-append-time",
    ] {
        assert!(
            found.iter().any(|c| c == code),
            "{code} is not in {found:?}"
        );
    }
    assert_eq!(plan["summary"]["errors"], 0);
}

#[test]
fn where_each_partition_goes_on_is_told_as_it_will_be() {
    let mut scene = one_way("plan-starts", 2);
    scene.topic("bj", "users", 1);
    scene.route("bj-to-sh", "users", "users");
    scene.produce("bj", "orders", 100);
    scene.produce("bj", "users", 10);
    scene.run_once();
    scene.forget_progress("bj-to-sh", "orders");
    scene.empty("sh", "orders", 1);
    scene.produce("bj", "orders", 20);
    let plan = json(&scene, &[]);
    let of = |number: usize| plan["edges"][0]["topics"][0]["partitions"][number].clone();
    let told = |p: Value| {
        (
            p["start"].clone(),
            p["start_offset"].as_i64(),
            p["records"].as_i64(),
        )
    };
    assert_eq!(
        told(of(0)),
        ("last_copy".into(), Some(50), Some(10)),
        "{plan}"
    );
    assert_eq!(
        told(of(1)),
        ("progress_lost".into(), Some(60), Some(0)),
        "{plan}"
    );
    let text = text(&scene.command("plan", &[]));
    for line in [
        "partition 0: from offset 50, behind the last copy at the target, end 60",
        "partition 1: halts, its progress is lost (`crossdock offsets --set` decides), end 60",
        "partition 0: from offset 10, end 10",
    ] {
        assert!(text.contains(line), "`{line}` is not in {text}");
    }
    scene.start();
    scene.until_partition("orders", 1, "halted");
    scene.until_partition("orders", 0, "caught_up");
    assert_eq!(scene.count("sh", "orders"), 60, "as it was told");

    // Another file that copies the same, and what another replicator has left at the target.
    scene.topic("sh", "mm2-offsets.bj.internal", 1);
    let file = std::fs::read_to_string(scene.file()).expect("it is there");
    let other = file.replace(scene.topology(), "another-team");
    std::fs::write(scene.file(), other).expect("it can be written");
    let plan = json(&scene, &[]);
    let found = codes(&plan);
    for code in ["foreign-replica", "other-replicator"] {
        assert!(
            found.iter().any(|c| c == code),
            "{code} is not in {found:?}"
        );
    }
    let said = plan["findings"].to_string();
    let words = format!("edge bj-to-sh of topology {} copies", scene.topology());
    assert!(said.contains(&words), "{said}");
    std::fs::write(scene.file(), file).expect("it can be written");
}

#[test]
fn on_a_terminal_a_plan_is_coloured_and_a_typed_yes_carries_it_out() {
    let mut scene = one_way("plan-typed", 1);
    let mut terminal = scene.in_terminal("apply", &[], (24, 100));
    let limit = Duration::from_secs(60);
    terminal.until("it asks", limit, |screen| screen.contains("Type yes"));
    let written = terminal.written();
    assert!(
        written.contains("\u{1b}[32m+ topic orders on `sh`"),
        "{written}"
    );
    assert!(scene.logs("sh", "orders").is_empty(), "not before a yes");
    terminal.press("yes\r");
    assert_eq!(terminal.ended(limit), 0, "{}", terminal.screen());
    assert_eq!(scene.logs("sh", "orders").len(), 1);
    scene.topic("bj", "users", 1);
    let applied = scene.command("apply", &["--yes", "--format", "json"]);
    let report: Value = serde_json::from_slice(&applied.stdout).expect("it is JSON");
    assert_eq!(report["done"][0]["topic"], "users", "{report}");
    assert_eq!(report["not_done"], Value::Array(Vec::new()), "{report}");
    assert_done(&scene);
}

#[test]
fn two_aliases_of_one_cluster_are_an_error_and_nothing_is_done() {
    let file = ONE_WAY.replace("${SH_BOOTSTRAP}", "${BJ_BOOTSTRAP:-x},localhost:1");
    let mut scene = scene("plan-same", &["bj"], &file);
    scene.topic("bj", "orders", 1);
    for command in ["plan", "apply"] {
        let output = scene.command(command, &[]);
        assert_eq!(output.status.code(), Some(1), "{}", said(&output));
        let told = text(&output) + &said(&output);
        assert!(told.contains("same-cluster"), "{told}");
    }
}

#[test]
fn an_edge_that_went_away_leaves_a_word_and_a_renamed_one_takes_its_progress() {
    let mut scene = one_way("plan-gone", 1);
    scene.produce("bj", "orders", 50);
    scene.run_once();
    let file = std::fs::read_to_string(scene.file()).expect("it is there");
    let renamed = file.replace("{ from: bj", "{ name: new, from: bj");
    std::fs::write(scene.file(), &renamed).expect("it can be written");
    let plan = json(&scene, &[]);
    assert!(codes(&plan).contains(&"left-behind".to_owned()), "{plan}");
    let renamed = file.replace(
        "{ from: bj",
        "{ name: new, renamed_from: bj-to-sh, from: bj",
    );
    std::fs::write(scene.file(), &renamed).expect("it can be written");
    let plan = json(&scene, &[]);
    let edge = &plan["edges"][0];
    assert_eq!(edge["records"], 0, "its progress is taken over: {edge}");
    assert!(
        edge["carries_over"]
            .as_str()
            .is_some_and(|g| g.ends_with(".bj-to-sh"))
    );
}

#[test]
fn a_changed_rename_is_planned_applied_and_then_done() {
    let mut scene = one_way("plan-rename", 1);
    scene.produce("bj", "orders", 50);
    scene.run_once();
    let file = std::fs::read_to_string(scene.file()).expect("it is there");
    let file = file.replace("products }", "products, rename: suffix }");
    std::fs::write(scene.file(), file).expect("it can be written");
    assert_eq!(
        plan_of(&scene),
        "edge bj-to-sh: bj -> sh, has run before
  orders -> orders-bj (was orders): 1 partitions, 0 records
    partition 0: from offset 50, end 50
  to copy: 0 records

+ topic orders-bj on `sh`: 1 partitions, replication factor: 1
      max.message.bytes = 1064972

warning[renamed]: edge bj-to-sh: topic orders was orders on `sh` and becomes orders-bj; copying goes on where it was, what was copied stays in orders
  = help: `crossdock offsets --set` copies it again from an offset, if that is wanted

Plan: 1 to create, 0 to change, 0 to delete; 0 errors, 1 warnings.
"
    );
    apply(&scene);
    assert_done(&scene);
    scene.produce("bj", "orders", 10);
    scene.run_once();
    let counts = (scene.count("sh", "orders"), scene.count("sh", "orders-bj"));
    assert_eq!(counts, (50, 10), "nothing is copied again");
}

#[test]
fn an_edge_that_is_replaced_by_its_way_back_leaves_what_it_made() {
    let mut scene = one_way("plan-turned", 1);
    scene.produce("bj", "orders", 50);
    scene.run_once();
    let file = std::fs::read_to_string(scene.file()).expect("it is there");
    let file = file.replace(
        "from: bj, to: sh, topics: orders|users|products",
        "from: sh, to: bj, topics: carts",
    );
    std::fs::write(scene.file(), file).expect("it can be written");
    scene.topic("sh", "carts", 2);
    let group = format!("crossdock.{}.bj-to-sh", scene.topology());
    assert_eq!(
        plan_of(&scene),
        format!(
            "edge sh-to-bj: sh -> bj, first run
  carts -> carts (new): 2 partitions, 0 records
    partition 0: from offset 0, end 0
    partition 1: from offset 0, end 0
  to copy: 0 records

+ topic carts on `bj`: 2 partitions, replication factor: 1
      max.message.bytes = 1064972
- edge bj-to-sh is not in the file any more; its group {group} and its topics stay on `sh`: orders
      if it has a new name, write `renamed_from: bj-to-sh`; else delete them by hand when nobody needs them

Plan: 1 to create, 0 to change, 0 to delete; 0 errors, 1 warnings.
"
        )
    );
    apply(&scene);
    assert_eq!(scene.logs("bj", "carts").len(), 2);
    assert_eq!(scene.count("sh", "orders"), 50, "nothing is deleted");
    assert_done(&scene);
}

#[test]
fn the_bytes_to_copy_are_told_by_a_sample_that_comes_near() {
    let mut scene = one_way("plan-bytes", 3);
    scene.produce("bj", "orders", 3_000);
    let plan = json(&scene, &[]);
    let edge = &plan["edges"][0];
    let (told, sampled) = (edge["bytes"].as_f64(), edge["sampled"].as_u64());
    let broker = scene.broker("bj");
    let dump = dump::dump(broker.cluster_id(), &broker.bootstrap());
    let size = |part: &Option<Vec<u8>>| part.as_ref().map_or(0, Vec::len);
    let records = dump.topics["orders"].iter().flat_map(|log| &log.records);
    let bytes: usize = records.map(|r| size(&r.key) + size(&r.value)).sum();
    println!("{told:?} bytes told by {sampled:?} records, {bytes} there");
    assert!(sampled >= Some(300), "{sampled:?}");
    let ratio = told.expect("it is told") / bytes as f64;
    assert!((0.75..1.33).contains(&ratio), "{ratio}");
}
