//! Verify: what was tampered with is told by its exact places, and nothing else is.

mod kinds;
mod times;

use std::fs::File;
use std::process::{Child, Command};
use std::time::Duration;

use crossdock_testbed::record::{PartitionLog, Record, VIA};
use crossdock_testbed::scene::Scene;
use crossdock_testbed::spawn::{self, Signal};
use crossdock_testbed::{dump, http, wait};
use serde_json::{Value, json};

use crate::scenes::{ONE_WAY, one_way, scene, two_way};

/// How long a watch may take to see something.
const PATIENCE: Duration = Duration::from_secs(60);

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
    fake(&mut scene, cases, records);
    scene
}

/// Writes the copies of what lies in these topics by hand, tampered with.
fn fake(scene: &mut Scene, cases: &[(&str, Tamper)], records: usize) {
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
        set_position(scene, topic, records);
    }
}

/// A topic, what is done to its copies, what that counts as, and the first differences.
const CASES: [(&str, Tamper, [u64; 5], &str); 12] = [
    ("clean", |_| {}, [0; 5], ""),
    (
        "missing",
        |c| drop(c.drain(701..703)),
        [2, 0, 0, 0, 0],
        "missing 701>-, missing 702>-",
    ),
    (
        "duplicated",
        |c| c.push(c[701].clone()),
        [0, 1, 0, 0, 0],
        "duplicated 701>2000",
    ),
    (
        "reordered",
        |c| c.swap(701, 702),
        [0, 0, 1, 0, 0],
        "reordered 701>702",
    ),
    (
        "value",
        |c| c[701].value = Some(b"tampered".to_vec()),
        [0, 0, 0, 1, 0],
        "altered value 701>701",
    ),
    (
        "key",
        |c| c[701].key = None,
        [0, 0, 0, 1, 0],
        "altered key 701>701",
    ),
    (
        "timestamp",
        |c| c[701].timestamp = Some(1_234_567),
        [0, 0, 0, 1, 0],
        "altered timestamp 701>701",
    ),
    (
        "headers",
        |c| c[701].headers.insert(0, (b"more".to_vec(), None)),
        [0, 0, 0, 1, 0],
        "altered headers 701>701",
    ),
    (
        "appended",
        |c| c[701].headers.push((b"later".to_vec(), None)),
        [0, 0, 0, 1, 0],
        "altered headers 701>701",
    ),
    (
        "future",
        |c| c.push(relabelled(&c[701], 5_000_000)),
        [0, 0, 0, 0, 1],
        "unexpected 5000000>2000",
    ),
    (
        "others",
        |c| {
            c.insert(
                0,
                Record {
                    headers: Vec::new(),
                    ..c[701].clone()
                },
            )
        },
        [0; 5],
        "",
    ),
    (
        "once",
        |c| {
            c[701].value = None;
            c.swap(10, 11);
            c.truncate(1_999)
        },
        [1, 0, 1, 1, 0],
        "reordered 10>11, altered value 701>701, missing 1999>-",
    ),
];

/// The first differences of a partition, as `CASES` has them.
fn first(partition: &Value) -> String {
    let told = |d: &Value| {
        let place = |name: &str| d[name].as_i64().map_or("-".to_owned(), |o| o.to_string());
        let what = d["what"]
            .as_str()
            .map(|w| format!(" {w}"))
            .unwrap_or_default();
        let kind = d["kind"].as_str().expect("a kind");
        format!(
            "{kind}{what} {}>{}",
            place("source_offset"),
            place("target_offset")
        )
    };
    let all = partition["first"].as_array().expect("a list");
    all.iter().map(told).collect::<Vec<_>>().join(", ")
}

#[test]
#[allow(clippy::print_stderr, reason = "a test says what it has proved")]
fn every_kind_of_tampering_is_told_by_its_place() {
    let tampers: Vec<(&str, Tamper)> = CASES.iter().map(|(t, tamper, ..)| (*t, *tamper)).collect();
    let scene = tampered("tampered", &tampers, 2_000);
    let (status, report) = verify(&scene, &[]);
    assert_eq!(
        (status, &report["verdict"]),
        (Some(1), &json!("different")),
        "{report:#}"
    );
    for (topic, _, should, first_ones) in &CASES {
        let found = partition(&report, topic);
        assert_eq!(counts(found), *should, "{topic}: {found:#}");
        assert_eq!(first(found), *first_ones, "{topic}");
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
        "{} topics of 2000 records, tampered with: told exactly",
        CASES.len()
    );
}

/// A copy that says it is of another record.
fn relabelled(copy: &Record, offset: i64) -> Record {
    let mut copy = copy.clone();
    let (_, value) = copy.headers.last_mut().expect("the hop");
    let text = String::from_utf8_lossy(value.as_deref().unwrap_or_default()).into_owned();
    let (before, _) = text.rsplit_once('/').expect("a hop");
    *value = Some(format!("{before}/{offset}").into_bytes());
    copy
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

#[test]
fn missing_records_are_sent_again_once_where_the_order_of_their_key_permits() {
    // Keys come again after 7 records; the last ones of each key have no later one.
    let case: (&str, Tamper) = ("gaps", |c| {
        c.drain(95..97);
        drop(c.drain(10..12));
    });
    let text = ONE_WAY.replace("orders|users|products", case.0);
    let mut scene = scene("repair", &["bj", "sh"], &text);
    scene.topic("bj", "gaps", 1);
    scene.topic("sh", "gaps", 1);
    let record = |i: u32| Record {
        key: Some((i % 7).to_string().into_bytes()),
        value: Some(i.to_string().into_bytes()),
        timestamp: Some(1_750_000_000_000 + i64::from(i)),
        ..Record::default()
    };
    scene.produce_records("bj", "gaps", (0..100).map(record));
    fake(&mut scene, &[case], 100);
    let repair = |scene: &Scene| {
        let output = scene.command("verify", &["--repair", "--yes"]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        (output.status.code(), said)
    };
    let (status, said) = repair(&scene);
    assert_eq!(
        status,
        Some(1),
        "what was overtaken is still missing: {said}"
    );
    assert!(said.contains("2 records: 95-96"), "{said}");
    assert!(
        said.contains("not 2 records: 10-11: a later record"),
        "{said}"
    );
    assert!(said.contains("2 records were sent again"), "{said}");
    let (_, report) = verify(&scene, &[]);
    let found = partition(&report, "gaps");
    assert_eq!(
        (counts(found), &found["excused"]["repaired"]),
        ([2, 0, 0, 0, 0], &json!(2)),
        "{found:#}"
    );
    // Done again, and while the edge runs, nothing is sent twice.
    scene.start();
    scene.produce_records("bj", "gaps", (100..150).map(record));
    scene.until_caught_up();
    let (_, said) = repair(&scene);
    assert!(!said.contains("were sent again"), "{said}");
    let (_, report) = verify(&scene, &["--from-offset", "90"]);
    let found = partition(&report, "gaps");
    assert_eq!(
        (counts(found), &found["compared"]),
        ([0; 5], &json!(60)),
        "{found:#}"
    );
}

#[test]
fn a_watch_tells_up_to_where_both_ends_are_equal() {
    let mut scene = one_way("verify-watch", 1);
    scene.produce("bj", "orders", 2_000);
    scene.run_once();
    let arguments = ["--watch", "--every", "200ms", "--limit", "1000000"];
    let mut watch = Watch::start(&scene, &arguments);
    watch.until("crossdock_verify_equal_offset", 2_000.0);
    scene.produce("bj", "orders", 500);
    scene.run_once();
    watch.until("crossdock_verify_equal_offset", 2_500.0);
    // A copy of a record that was never there.
    let forged = {
        let id = scene.broker("bj").cluster_id().to_owned();
        let hop = format!("bj/{id}/orders/0/2500");
        Record {
            value: Some(b"forged".to_vec()),
            timestamp: Some(1_750_000_000_000),
            headers: vec![(VIA.to_vec(), Some(hop.into_bytes()))],
            ..Record::default()
        }
    };
    scene.produce_records("sh", "orders", [forged]);
    scene.produce("bj", "orders", 10);
    scene.run_once();
    watch.until("crossdock_verify_compared_offset", 2_510.0);
    assert!(watch.figure("crossdock_verify_equal_offset") <= 2_500.0);
    assert!(watch.figure("crossdock_verify_differences_total") >= 1.0);
    assert_eq!(watch.stop(), Some(1), "something was different");
}

/// A `verify --watch` of a scene.
struct Watch {
    child: Child,
    address: String,
}

impl Watch {
    fn start(scene: &Scene, arguments: &[&str]) -> Self {
        let log = scene.folder().join("watch.log");
        let mut command = Command::new(env!("CARGO_BIN_EXE_crossdock"));
        command
            .arg("verify")
            .arg(scene.file())
            .args(["--listen", "127.0.0.1:0"])
            .args(arguments)
            .envs(scene.environment())
            .stderr(File::create(&log).expect("the folder can be written"));
        let child = spawn::spawn(command).expect("crossdock runs");
        let address = wait::until("the watch listens", PATIENCE, || {
            let said = std::fs::read_to_string(&log).unwrap_or_default();
            let address = said
                .split("http://")
                .nth(1)
                .and_then(|s| s.split('/').next());
            address.map(str::to_owned).ok_or(said.clone())
        });
        Self { child, address }
    }

    /// The sum of a metric's series.
    fn figure(&self, name: &str) -> f64 {
        let page = http::request("GET", &self.address, "/metrics");
        let (_, page) = page.unwrap_or_default();
        let series = page
            .lines()
            .filter(|line| line.starts_with(&format!("{name}{{")));
        series
            .filter_map(|l| l.rsplit_once(' ')?.1.parse::<f64>().ok())
            .sum()
    }

    fn until(&self, name: &str, least: f64) {
        wait::until(name, PATIENCE, || match self.figure(name) {
            found if found >= least => Ok(()),
            found => Err(format!("{found} of {least}")),
        });
    }

    fn stop(&mut self) -> Option<i32> {
        spawn::signal(&self.child, Signal::Terminate);
        self.child.wait().expect("it can be waited for").code()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.child.kill().ok();
    }
}
