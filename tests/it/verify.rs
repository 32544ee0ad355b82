//! Verify: what was tampered with is told by its exact places, and nothing else is.

use crossdock_testbed::dump;
use crossdock_testbed::record::{PartitionLog, Record, VIA};
use crossdock_testbed::scene::Scene;
use serde_json::{Value, json};

use crate::scenes::{ONE_WAY, one_way, scene, two_way};

/// Runs `verify` and returns its exit status and what it says as JSON.
pub(crate) fn verify(scene: &Scene, arguments: &[&str]) -> (Option<i32>, Value) {
    let output = scene.command("verify", &[arguments, &["--format", "json"]].concat());
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let report = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| Value::from(said));
    (output.status.code(), report)
}

/// Panics unless both ends of every edge are equal.
#[allow(clippy::print_stderr, reason = "a test says what it has proved")]
pub(crate) fn assert_equal(scene: &Scene) -> u64 {
    let (status, report) = verify(scene, &[]);
    assert_eq!(
        (status, &report["verdict"]),
        (Some(0), &json!("equal")),
        "{report:#}"
    );
    let compared = report["partitions"].as_array().into_iter().flatten();
    let compared = compared.filter_map(|p| p["compared"].as_u64()).sum();
    eprintln!("verify: {compared} records, equal");
    compared
}

fn partition<'r>(report: &'r Value, topic: &str) -> &'r Value {
    let all = report["partitions"].as_array().expect("partitions");
    all.iter()
        .find(|p| p["topic"] == topic)
        .unwrap_or_else(|| panic!("no {topic}: {report:#}"))
}

/// `missing duplicated reordered altered unexpected`
fn counts(partition: &Value) -> [u64; 5] {
    [
        "missing",
        "duplicated",
        "reordered",
        "altered",
        "unexpected",
    ]
    .map(|kind| partition[kind].as_u64().expect("a count"))
}

/// What is done to the copies of a topic's records before they are written.
type Tamper = fn(&mut Vec<Record>);

/// The copies that an edge from `bj` would write.
fn copies(id: &str, topic: &str, mut log: Vec<PartitionLog>) -> Vec<Record> {
    let copy = |mut record: Record| {
        let hop = format!("bj/{id}/{topic}/0/{}", record.offset);
        record.headers.push((VIA.to_vec(), Some(hop.into_bytes())));
        record
    };
    log.remove(0).records.into_iter().map(copy).collect()
}

fn set_position(scene: &Scene, topic: &str, offset: usize) {
    let offset = offset.to_string();
    let place = ["--edge", "bj-to-sh", "--topic", topic, "--partition", "0"];
    let set = scene.command(
        "offsets",
        &[&place[..], &["--offset", &offset, "--set", "--yes"]].concat(),
    );
    assert!(
        set.status.success(),
        "{}",
        String::from_utf8_lossy(&set.stderr)
    );
}

/// Topics whose copies are written by hand, each tampered with in its way, and their edge's position.
fn tampered(name: &str, cases: &[(&str, Tamper)], records: usize) -> Scene {
    let topics: Vec<&str> = cases.iter().map(|(topic, _)| *topic).collect();
    let text = ONE_WAY.replace("orders|users|products", &topics.join("|"));
    let mut scene = scene(name, &["bj", "sh"], &text);
    for topic in &topics {
        scene.topic("bj", topic, 1);
        scene.topic("sh", topic, 1);
        scene.produce("bj", topic, records);
    }
    let (id, bootstrap) = {
        let broker = scene.broker("bj");
        (broker.cluster_id().to_owned(), broker.bootstrap())
    };
    let mut source = dump::dump("bj", &bootstrap);
    for (topic, tamper) in cases {
        let log = source.topics.remove(*topic).expect("it is there");
        let mut copies = copies(&id, topic, log);
        tamper(&mut copies);
        scene.produce_records("sh", topic, copies);
        set_position(&scene, topic, records);
    }
    scene
}

#[test]
#[allow(clippy::print_stderr, reason = "a test says what it has proved")]
fn every_kind_of_tampering_is_told_by_its_place() {
    let plain = 701;
    let cases: [(&str, Tamper, [u64; 5], Value); 12] = [
        ("clean", |_| {}, [0; 5], json!([])),
        (
            "missing",
            |c| drop(c.drain(701..703)),
            [2, 0, 0, 0, 0],
            json!([{"kind": "missing", "source_offset": 701}, {"kind": "missing", "source_offset": 702}]),
        ),
        (
            "duplicated",
            |c| c.push(c[701].clone()),
            [0, 1, 0, 0, 0],
            json!([{"kind": "duplicated", "source_offset": 701, "target_offset": 2000}]),
        ),
        (
            "reordered",
            |c| c.swap(701, 702),
            [0, 0, 1, 0, 0],
            json!([{"kind": "reordered", "source_offset": 701, "target_offset": 702}]),
        ),
        (
            "value",
            |c| c[701].value = Some(b"tampered".to_vec()),
            [0, 0, 0, 1, 0],
            json!([{"kind": "altered", "what": "value", "source_offset": 701, "target_offset": 701}]),
        ),
        (
            "key",
            |c| c[701].key = None,
            [0, 0, 0, 1, 0],
            json!([{"kind": "altered", "what": "key", "source_offset": 701, "target_offset": 701}]),
        ),
        (
            "timestamp",
            |c| c[701].timestamp = Some(1_234_567),
            [0, 0, 0, 1, 0],
            json!([{"kind": "altered", "what": "timestamp", "source_offset": 701, "target_offset": 701}]),
        ),
        (
            "headers",
            |c| c[701].headers.insert(0, (b"more".to_vec(), None)),
            [0, 0, 0, 1, 0],
            json!([{"kind": "altered", "what": "headers", "source_offset": 701, "target_offset": 701}]),
        ),
        (
            "appended",
            |c| c[701].headers.push((b"later".to_vec(), None)),
            [0, 0, 0, 1, 0],
            json!([{"kind": "altered", "what": "headers", "source_offset": 701, "target_offset": 701}]),
        ),
        (
            "future",
            |c| {
                let mut r = c[701].clone();
                relabel(&mut r, 5_000_000);
                c.push(r)
            },
            [0, 0, 0, 0, 1],
            json!([{"kind": "unexpected", "source_offset": 5_000_000, "target_offset": 2000}]),
        ),
        (
            "others",
            |c| {
                let mut r = c[701].clone();
                r.headers.clear();
                c.insert(0, r)
            },
            [0; 5],
            json!([]),
        ),
        (
            "once",
            |c| {
                c[701].value = None;
                c.swap(10, 11);
                c.truncate(1_999)
            },
            [1, 0, 1, 1, 0],
            json!([{"kind": "reordered", "source_offset": 10, "target_offset": 11}, {"kind": "altered", "what": "value", "source_offset": 701, "target_offset": 701}, {"kind": "missing", "source_offset": 1999}]),
        ),
    ];
    let tampers: Vec<(&str, Tamper)> = cases.iter().map(|(t, tamper, ..)| (*t, *tamper)).collect();
    let scene = tampered("tampered", &tampers, 2_000);
    let (status, report) = verify(&scene, &[]);
    assert_eq!(
        (status, &report["verdict"]),
        (Some(1), &json!("different")),
        "{report:#}"
    );
    for (topic, _, should, first) in &cases {
        let found = partition(&report, topic);
        assert_eq!(counts(found), *should, "{topic}: {found:#}");
        assert_eq!(&found["first"], first, "{topic}");
        assert_eq!(found["compared"], 2_000, "{topic}");
    }
    // A part of it, and what is not in that part.
    let part = |from: &str, to: &str| {
        verify(
            &scene,
            &["--topics", "once", "--from-offset", from, "--to-offset", to],
        )
    };
    let (status, whole) = part("600", "1000");
    assert_eq!(
        (status, counts(partition(&whole, "once"))),
        (Some(1), [0, 0, 0, 1, 0])
    );
    let (status, none) = part("1000", "1900");
    assert_eq!(
        (status, partition(&none, "once")["compared"].clone()),
        (Some(0), json!(900))
    );
    let text = scene.command("verify", &["--topics", "once|clean", "--jobs", "1"]);
    let text = String::from_utf8_lossy(&text.stdout).into_owned();
    for words in [
        "REORDERED",
        "altered value: 701 -> 701",
        "missing: 1999",
        "Different: 1 missing, 1 reordered, 1 altered; 4000 records of 2 partitions compared.",
    ] {
        assert!(text.contains(words), "`{words}` is not in:\n{text}");
    }
    eprintln!(
        "{} topics of 2000 records, tampered at record {plain}: told exactly",
        cases.len()
    );
}

fn relabel(record: &mut Record, offset: i64) {
    let (_, value) = record.headers.last_mut().expect("the hop");
    let text = String::from_utf8_lossy(value.as_deref().unwrap_or_default()).into_owned();
    let (before, _) = text.rsplit_once('/').expect("a hop");
    *value = Some(format!("{before}/{offset}").into_bytes());
}

#[test]
fn while_it_runs_nothing_in_flight_is_called_missing() {
    let mut scene = two_way("verify-running", 2);
    scene.produce("bj", "orders", 5_000);
    scene.start();
    scene.load("bj", "orders", 2_000);
    scene.load("sh", "orders", 2_000);
    let mut compared = Vec::new();
    for round in 1..=4 {
        scene.until_copied("sh", "orders", 6_000 * round);
        compared.push(assert_equal(&scene));
    }
    assert!(
        compared.is_sorted() && compared[3] > compared[0],
        "{compared:?}"
    );
    scene.stop_load();
    scene.until_caught_up();
    let (status, report) = verify(&scene, &[]);
    assert_eq!(status, Some(0), "{report:#}");
    let dropped: u64 = report["partitions"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|p| p["excused"]["loop"].as_u64())
        .sum();
    assert!(
        dropped > 5_000,
        "each side holds the other's records: {dropped}"
    );
    let (status, counts) = verify(&scene, &["--counts"]);
    assert_eq!(
        (status, &counts["verdict"]),
        (Some(0), &json!("caught_up")),
        "{counts:#}"
    );
    let (status, _) = verify(&scene, &["--sample", "10%", "--seed", "7"]);
    assert_eq!(status, Some(0));
}

#[test]
fn without_provenance_order_and_content_are_compared() {
    let text = ONE_WAY.replace("products }", "products, provenance: false }");
    let mut scene = scene("verify-blind", &["bj", "sh"], &text);
    scene.topic("bj", "orders", 2);
    scene.route("bj-to-sh", "orders", "orders");
    scene.produce_in_transactions("bj", "orders", 3_000);
    scene.run_once();
    assert_equal(&scene);
    let other = Record {
        key: Some(b"else".to_vec()),
        value: Some(b"else".to_vec()),
        timestamp: Some(1_700_000_000_000),
        ..Record::default()
    };
    scene.produce_records("sh", "orders", [other]);
    let (status, report) = verify(&scene, &[]);
    assert_eq!(
        (status, counts(&report["partitions"][0])),
        (Some(1), [0, 0, 0, 0, 1]),
        "{report:#}"
    );
    let (status, said) = verify(&scene, &["--sample", "1%"]);
    assert_eq!(status, Some(2));
    assert!(said.to_string().contains("provenance: false"), "{said}");
}

#[test]
fn a_cluster_that_is_not_there_is_status_3() {
    let mut scene = one_way("verify-unreachable", 1);
    scene.proxy("sh");
    scene.proxy("sh").cut();
    let (status, said) = verify(&scene, &[]);
    assert_eq!(status, Some(3), "{said}");
    assert!(said.to_string().contains("`sh`"), "{said}");
}
