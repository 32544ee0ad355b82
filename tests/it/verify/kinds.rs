//! Merged, compacted and recreated topics: what is right in them is no difference, what is wrong is.

use crossdock_testbed::pool::Lease;
use crossdock_testbed::record::Record;
use crossdock_testbed::scene::{DOCK, Scene};
use crossdock_testbed::wait;
use serde_json::Value;

use super::{PATIENCE, assert_equal, counts, partition, verify};

/// Two edges into one topic, and one for topics that are compacted and made again.
const KINDS: &str = r#"
topology: kinds
clusters:
  bj: { bootstrap.servers: "${BJ_BOOTSTRAP}" }
  gz: { bootstrap.servers: "${GZ_BOOTSTRAP}" }
  sh: { bootstrap.servers: "${SH_BOOTSTRAP}" }
edges:
  - { from: [bj, gz], to: sh, topics: merged, merge: true }
  - { name: more, from: bj, to: sh, topics: again|compacted, on_recreated: restart }
"#;

/// Segments are closed by the age that timestamps tell, a batch at a time.
const COMPACT: [(&str, &str); 3] = [
    ("cleanup.policy", "compact"),
    ("segment.ms", "100"),
    ("min.cleanable.dirty.ratio", "0.01"),
];

/// Keys come again after 50 records.
fn keyed(i: u32) -> Record {
    Record {
        key: Some((i % 50).to_string().into_bytes()),
        value: Some(i.to_string().into_bytes()),
        timestamp: Some(1_750_000_000_000 + i64::from(i) * 10),
        ..Record::default()
    }
}

/// All kinds, copied: one of them twice, since it was made again.
fn copied() -> Scene {
    let cleaner = [("log.cleaner.backoff.ms", "200")];
    let clusters = ["bj", "gz", "sh"].map(|alias| (alias.to_owned(), Lease::own(&cleaner)));
    let binary = env!("CARGO_BIN_EXE_crossdock");
    let mut scene = Scene::with_clusters(binary, "verify-kinds", clusters.into(), KINDS);
    for alias in ["bj", "gz"] {
        scene.topic(alias, "merged", 1);
        scene.produce_in_transactions(alias, "merged", 900);
    }
    scene.topic_with("bj", "compacted", 1, &COMPACT);
    for round in 0..6 {
        let records = (round * 200..round * 200 + 200).map(keyed);
        scene.produce_records("bj", "compacted", records);
    }
    wait::until("the source is compacted", PATIENCE, || {
        match scene.count("bj", "compacted") {
            left if left < 500 => Ok(()),
            left => Err(format!("{left} records")),
        }
    });
    scene.topic("bj", "again", 1);
    scene.produce("bj", "again", 400);
    scene.run_once();
    scene.recreate("bj", "again", 1);
    scene.produce("bj", "again", 250);
    scene.produce_records("bj", "compacted", (1_200..1_400).map(keyed));
    scene.start();
    scene.until_copied("sh", "again", 649);
    scene.until_caught_up();
    scene.dock(DOCK).kill();
    scene
}

/// The last copy of records of `alias` in a topic comes once more.
fn copy_again(scene: &mut Scene, topic: &str, alias: &str) {
    let id = scene.broker(alias).cluster_id().to_owned();
    let copies = scene.records("sh", topic);
    let is_its = |r: &&Record| r.last_hop().is_some_and(|hop| hop.cluster == id);
    let copy = copies.iter().rfind(is_its).expect("it was copied").clone();
    scene.produce_records("sh", topic, [copy]);
}

/// Records are written that the edge passes over.
fn pass_over(scene: &mut Scene, records: std::ops::Range<u32>) {
    scene.produce_records("bj", "compacted", records.map(keyed));
    let end = scene.logs("bj", "compacted")[0].1.to_string();
    let place = ["--edge", "more", "--topic", "compacted", "--partition", "0"];
    let moved = ["--offset", &end, "--set", "--yes"];
    let output = scene.command("offsets", &[&place[..], &moved].concat());
    assert!(output.status.success(), "{output:?}");
}

#[test]
#[allow(clippy::print_stderr, reason = "a test says what it has proved")]
fn merged_compacted_and_recreated_topics_have_just_the_differences_that_there_are() {
    let mut scene = copied();
    assert_equal(&scene);
    let (_, report) = verify(&scene, &[]);
    let again = partition(&report, "again");
    assert_eq!(
        again["compared"], 250,
        "what was copied before lies before it"
    );
    for (topic, alias) in [("merged", "gz"), ("again", "bj"), ("compacted", "bj")] {
        copy_again(&mut scene, topic, alias);
    }
    pass_over(&mut scene, 1_400..1_403);
    let (status, report) = verify(&scene, &[]);
    assert_eq!(status, Some(1), "{report:#}");
    let all = report["partitions"].as_array().expect("partitions");
    let found = |edge: &str, topic: &str| {
        let is_it = |p: &&Value| p["edge"] == edge && p["topic"] == topic;
        counts(all.iter().find(is_it).expect("it was compared"))
    };
    for (edge, topic, should) in [
        ("bj-to-sh", "merged", [0; 5]),
        ("gz-to-sh", "merged", [0, 1, 0, 0, 0]),
        ("more", "again", [0, 1, 0, 0, 0]),
        ("more", "compacted", [3, 1, 0, 0, 0]),
    ] {
        assert_eq!(found(edge, topic), should, "{edge} {topic}: {report:#}");
    }
    eprintln!("a merged, a compacted, a recreated topic: 3 copies again, 3 missing, told exactly");
}
