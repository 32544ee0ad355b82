//! Offsets: the ledger knows where every record went; crossdock must say the same, both ways.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crossdock_testbed::pool::Lease;
use crossdock_testbed::random::{Random, seed_of};
use crossdock_testbed::record::Record;
use crossdock_testbed::scene::{DOCK, Scene};
use crossdock_testbed::{consumer, wait};
use serde_json::Value;

use crate::scenes::{ONE_WAY, one_way, scene, two_way};
use crate::truth::Truth;
use crate::verify::assert_equal;

/// Offsets that are asked for in each partition, in each direction.
const ASKED: usize = 200;

fn ask(
    scene: &Scene,
    (edge, topic): (&str, &str),
    partition: usize,
    offsets: &[i64],
    reverse: &[&str],
) -> Vec<Value> {
    let list: Vec<String> = offsets.iter().map(i64::to_string).collect();
    let (partition, list) = (partition.to_string(), list.join(","));
    let place = ["--edge", edge, "--topic", topic, "--partition", &partition];
    let rest = ["--offset", &list, "--format", "json"];
    let output = scene.command("offsets", &[&place[..], &rest[..], reverse].concat());
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).expect("it is JSON")
}

/// Asks 200 offsets both ways, and holds each answer to the ledger.
fn assert_true(scene: &mut Scene, topic: &str, seed: u64) {
    let truth = Truth::read(scene, topic);
    assert_as_the_ledger_has_it(scene, &truth, topic, seed);
}

#[allow(clippy::print_stderr, reason = "a test says what it has proved")]
fn assert_as_the_ledger_has_it(scene: &Scene, truth: &Truth, topic: &str, seed: u64) {
    let place = (truth.edge.as_str(), topic);
    let (mut checked, mut exact) = (0, 0);
    for partition in 0..truth.source.len() {
        let copies = truth.copies(partition);
        let (source, target) = (&truth.source[partition], &truth.target[partition]);
        let mut random = Random::new(seed ^ partition as u64);
        let mut draw = |from: i64, to: i64| -> Vec<i64> {
            let width = (to - from + 1) as u64;
            (0..ASKED)
                .map(|_| from + random.below(width) as i64)
                .collect()
        };
        let forward = draw(source.start, source.end);
        for (asked, answer) in forward
            .iter()
            .zip(ask(scene, place, partition, &forward, &[]))
        {
            let copy = copies.iter().find(|(source, _)| source >= asked);
            let there = copy.map_or(target.end, |(_, target)| *target);
            let is_own = copy.is_some_and(|(source, _)| source == asked);
            assert_eq!(
                answer["target_offset"], there,
                "{topic}-{partition}: {answer}"
            );
            assert_eq!(answer["exact"], is_own, "{topic}-{partition}: {answer}");
            assert_eq!(answer["source_offset"], *asked);
            (checked, exact) = (checked + 1, exact + usize::from(is_own));
        }
        let backward = draw(target.start, target.end);
        for (asked, answer) in
            backward
                .iter()
                .zip(ask(scene, place, partition, &backward, &["--reverse"]))
        {
            let copy = copies.iter().find(|(_, target)| target >= asked);
            let there = copy.map_or(source.end, |(source, _)| *source);
            let is_own = copy.is_some_and(|(_, target)| target == asked);
            assert_eq!(
                answer["source_offset"], there,
                "{topic}-{partition}: {answer}"
            );
            assert_eq!(answer["exact"], is_own, "{topic}-{partition}: {answer}");
            (checked, exact) = (checked + 1, exact + usize::from(is_own));
        }
    }
    eprintln!(
        "{topic}: {checked} offsets as the ledger has them, {exact} of them exact, seed {seed}"
    );
    assert!(exact > 0);
}

#[test]
fn every_offset_is_translated_as_the_ledger_has_it() {
    let seed = seed_of("offsets");
    let cleaner = [("log.cleaner.backoff.ms", "200")];
    let clusters = ["bj", "sh"].map(|alias| (alias.to_owned(), Lease::own(&cleaner)));
    let mut scene = Scene::with_clusters(
        env!("CARGO_BIN_EXE_crossdock"),
        "offsets",
        BTreeMap::from(clusters),
        &ONE_WAY.replace(
            "orders|users|products",
            "plain|transactional|compacted|trimmed",
        ),
    );
    let compact = [
        ("cleanup.policy", "compact"),
        ("segment.ms", "100"),
        ("min.cleanable.dirty.ratio", "0.01"),
    ];
    for (topic, config) in [
        ("plain", &[][..]),
        ("transactional", &[]),
        ("compacted", &compact),
        ("trimmed", &[]),
    ] {
        scene.topic_with("bj", topic, 2, config);
        scene.route("bj-to-sh", topic, topic);
    }
    scene.produce("bj", "plain", 20_000);
    scene.produce_in_transactions("bj", "transactional", 4_000);
    for round in 0..5 {
        let records = (0..400u32).map(|i| Record {
            key: Some((i % 37).to_string().into_bytes()),
            value: Some(i.to_string().into_bytes()),
            // Segments are closed by the age that timestamps tell.
            timestamp: Some(1_750_000_000_000 + round * 1_000),
            ..Record::default()
        });
        scene.produce_records("bj", "compacted", records);
    }
    scene.produce("bj", "compacted", 500);
    wait::until("the source is compacted", Duration::from_secs(60), || {
        let left = scene.count("bj", "compacted");
        if left < 1_500 {
            Ok(())
        } else {
            Err(format!("{left} records"))
        }
    });
    scene.produce("bj", "trimmed", 6_000);
    scene.trim("bj", "trimmed", 0, 1_000);
    scene.trim("bj", "trimmed", 1, 1);
    scene.run_once();
    // What was copied goes on both sides, not to the same place.
    scene.trim("bj", "trimmed", 0, 1_500);
    scene.trim("sh", "trimmed", 0, 700);
    for topic in ["plain", "transactional", "compacted", "trimmed"] {
        assert_true(&mut scene, topic, seed);
    }
    // Aborted, compacted and trimmed: none of it is a difference.
    assert_equal(&scene);
    // The records themselves are the map: it is there without the edge's progress, too.
    scene.forget_progress("bj-to-sh", "transactional");
    assert_true(&mut scene, "transactional", seed ^ 1);
}

#[test]
fn of_a_merged_topic_each_edge_has_a_map_of_its_own() {
    let text = r#"
topology: merged
clusters:
  bj: { bootstrap.servers: "${BJ_BOOTSTRAP}" }
  gz: { bootstrap.servers: "${GZ_BOOTSTRAP}" }
  sh: { bootstrap.servers: "${SH_BOOTSTRAP}" }
edges:
  - { from: [bj, gz], to: sh, topics: orders, merge: true }
"#;
    let mut scene = scene("offsets-merged", &["bj", "gz", "sh"], text);
    for alias in ["bj", "gz"] {
        scene.topic(alias, "orders", 2);
        scene.produce_in_transactions(alias, "orders", 1_500);
        scene.route(&format!("{alias}-to-sh"), "orders", "orders");
    }
    scene.run_once();
    for edge in ["bj-to-sh", "gz-to-sh"] {
        let truth = Truth::of(&mut scene, edge, "orders");
        assert_as_the_ledger_has_it(&scene, &truth, "orders", seed_of(edge));
    }
    assert_equal(&scene);
}

#[test]
#[allow(clippy::print_stderr, reason = "a test says what it has proved")]
fn at_least_once_nothing_unread_lies_before_the_answer() {
    let text = ONE_WAY.replace(
        "topics: orders|users|products",
        "topics: orders, delivery: at_least_once",
    );
    let mut scene = scene("offsets-repeats", &["bj", "sh"], &text);
    scene.topic("bj", "orders", 1);
    scene.route("bj-to-sh", "orders", "orders");
    scene.start();
    scene.load("bj", "orders", 3_000);
    for kills in 1..=3 {
        scene.until_copied("sh", "orders", kills * 3_000);
        scene.dock(DOCK).restart();
    }
    scene.stop_load();
    scene.until_caught_up();
    let truth = Truth::read(&mut scene, "orders");
    let copies = truth.copies(0);
    let end = truth.source[0].end;
    let mut random = Random::new(seed_of("offsets-repeats"));
    let asked: Vec<i64> = (0..ASKED)
        .map(|_| random.below(end as u64) as i64)
        .collect();
    let answers = ask(&scene, ("bj-to-sh", "orders"), 0, &asked, &[]);
    let (mut repeats, mut most) = (0, 0);
    for (asked, answer) in asked.iter().zip(answers) {
        let place = answer["target_offset"].as_i64().expect("a number");
        let behind: BTreeSet<i64> = copies
            .iter()
            .filter(|(_, target)| *target >= place)
            .map(|(source, _)| *source)
            .collect();
        let unread = copies
            .iter()
            .map(|(source, _)| source)
            .filter(|s| *s >= asked);
        let skipped = unread.filter(|source| !behind.contains(source)).count();
        assert_eq!(skipped, 0, "{answer}");
        let again = behind.iter().filter(|source| *source < asked).count();
        (repeats, most) = (repeats + again, most.max(again));
    }
    let copied_twice = copies.len() - copies.iter().map(|(s, _)| s).collect::<BTreeSet<_>>().len();
    eprintln!(
        "200 offsets: nothing skipped, {repeats} records read again, {most} at most, of {copied_twice} copied twice"
    );
    assert!(most <= copied_twice, "{most} of {copied_twice}");
}

#[test]
fn never_written_emptied_and_not_there() {
    let mut scene = one_way("offsets-empty", 2);
    scene.topic("sh", "orders", 2);
    scene.topic("bj", "users", 1);
    let answer = |scene: &Scene, offset: i64| ask_one(scene, "orders", offset);
    assert_eq!(answer(&scene, 5)["target_offset"], 0, "never written");
    scene.produce("bj", "orders", 1_000);
    scene.run_once();
    let (_, end) = scene.logs("sh", "orders")[0];
    assert_eq!(
        answer(&scene, 100_000)["target_offset"],
        end,
        "past the end"
    );
    scene.empty("sh", "orders", 0);
    let emptied = answer(&scene, 5);
    assert_eq!(
        (&emptied["target_offset"], &emptied["exact"]),
        (&end.into(), &false.into())
    );
}

#[test]
fn of_an_edge_without_provenance_a_groups_positions_are_told_all_the_same() {
    let text = ONE_WAY.replace("products }", "products, provenance: false }");
    let mut scene = scene("offsets-blind", &["bj", "sh"], &text);
    scene.topic("bj", "orders", 2);
    scene.produce("bj", "orders", 100);
    let bj = scene.broker("bj").bootstrap();
    consumer::commit(&bj, "billing", "orders", &[(0, 10), (1, 20)]);
    let output = scene.command("offsets", &["--group", "billing", "--format", "json"]);
    let lines: Vec<Value> = serde_json::from_slice(&output.stdout).expect("it is JSON");
    let told = |line: &Value| {
        let why = line["reason"].as_str().unwrap_or_default();
        assert!(why.contains("`provenance: false`"), "{line}");
        line["source_offset"].as_i64()
    };
    let told: Vec<_> = lines.iter().map(told).collect();
    assert_eq!(told, [Some(10), Some(20)]);
}

#[test]
fn of_a_topic_that_was_made_again_only_the_present_one_counts() {
    let text = ONE_WAY.replace(
        "topics: orders|users|products",
        "topics: orders, on_recreated: restart",
    );
    let mut scene = scene("offsets-recreated", &["bj", "sh"], &text);
    scene.topic("bj", "orders", 1);
    scene.route("bj-to-sh", "orders", "orders");
    scene.produce("bj", "orders", 2_000);
    scene.run_once();
    let before = scene.logs("sh", "orders")[0].1;
    scene.recreate("bj", "orders", 1);
    scene.produce("bj", "orders", 600);
    let not_yet = ask_one(&scene, "orders", 100);
    let reason = not_yet["reason"].to_string();
    assert!(reason.contains("made again"), "{not_yet}");
    scene.start();
    scene.until_copied("sh", "orders", before + 599);
    scene.until_partition("orders", 0, "caught_up");
    let copies = Truth::read(&mut scene, "orders").copies(0);
    let asked: Vec<i64> = (0..600).step_by(5).collect();
    let answers = ask(&scene, ("bj-to-sh", "orders"), 0, &asked, &[]);
    for (asked, answer) in asked.iter().zip(answers) {
        let is_it = |(source, target): &&(i64, i64)| *target >= before && source >= asked;
        let (_, place) = copies.iter().find(is_it).expect("it was copied");
        assert_eq!(answer["target_offset"], *place, "{answer}");
        assert_eq!(answer["exact"], true, "{answer}");
    }
}

fn ask_one(scene: &Scene, topic: &str, offset: i64) -> Value {
    let offset = offset.to_string();
    let place = ["--edge", "bj-to-sh", "--topic", topic, "--partition", "0"];
    let output = scene.command(
        "offsets",
        &[&place[..], &["--offset", &offset, "--format", "json"]].concat(),
    );
    serde_json::from_slice(&output.stdout).expect("it is JSON")
}

#[test]
#[allow(clippy::print_stderr, reason = "a test says what it has proved")]
fn a_group_in_a_two_way_topic_skips_nothing_unread() {
    let mut scene = two_way("offsets-two-way", 1);
    scene.start();
    scene.load("bj", "orders", 1_000);
    scene.load("sh", "orders", 1_500);
    scene.until_copied("bj", "orders", 8_000);
    scene.stop_load();
    scene.until_caught_up();
    // What came from the target has no copy there: the next record has.
    assert_true(&mut scene, "orders", seed_of("offsets-two-way-map"));
    let truth = Truth::read(&mut scene, "orders");
    let (bj, sh) = (&truth.source[0], &truth.target[0]);
    let mut random = Random::new(seed_of("offsets-two-way"));
    let (mut skipped_without, mut repeats) = (0, 0);
    let uid = |record: &Record| record.uid().map(<[u8]>::to_vec);
    let asked: Vec<i64> = (0..200)
        .map(|_| random.below(bj.end as u64) as i64)
        .collect();
    let answers = ask(&scene, ("bj-to-sh", "orders"), 0, &asked, &[]);
    for (asked, answer) in asked.iter().zip(&answers) {
        let read: BTreeSet<_> = bj
            .records
            .iter()
            .filter(|r| r.offset < *asked)
            .filter_map(uid)
            .collect();
        let own = answer["target_offset"].as_i64().expect("a number");
        let safe = answer["group_offset"].as_i64().unwrap_or(own);
        let unread_before = |to: i64| {
            let before = sh.records.iter().filter(|r| r.offset < to);
            before
                .filter_map(uid)
                .filter(|uid| !read.contains(uid))
                .count()
        };
        assert_eq!(unread_before(safe), 0, "{answer}");
        skipped_without += usize::from(unread_before(own) > 0);
        let again = sh
            .records
            .iter()
            .filter(|r| r.offset >= safe)
            .filter_map(uid);
        repeats += again.filter(|uid| read.contains(uid)).count();
    }
    eprintln!(
        "200 positions: none skips a record; {skipped_without} would without the minimum; {repeats} repeats in all"
    );
    assert!(skipped_without > 0, "the scene must be hard enough to tell");
    assert_it_goes_home(&mut scene, bj.end);
}

/// A group at bj goes home to sh. Behind its place come records of bj, which are copied, and then such of sh: by
/// its own edge alone it would go on at the latter, and miss the former.
fn assert_it_goes_home(scene: &mut Scene, at: i64) {
    for alias in ["bj", "sh"] {
        scene.produce(alias, "orders", 20);
        scene.until_caught_up();
    }
    let [here, there] = ["sh", "bj"].map(|alias| scene.records(alias, "orders"));
    let uid = |record: &Record| record.uid().map(<[u8]>::to_vec);
    let read = there.iter().filter(|r| r.offset < at);
    let read: BTreeSet<_> = read.filter_map(uid).collect();
    let unread_before = |to: i64| {
        let before = here.iter().filter(|r| r.offset < to).filter_map(uid);
        before.filter(|uid| !read.contains(uid)).count()
    };
    let own = ask(scene, ("sh-to-bj", "orders"), 0, &[at, at], &["--reverse"]);
    let own = own[0]["source_offset"].as_i64().expect("a number");
    assert!(
        unread_before(own) > 0,
        "the scene must be hard enough to tell"
    );
    consumer::commit(&scene.address("bj"), "homeward", "orders", &[(0, at)]);
    let output = scene.command(
        "offsets",
        &[
            "--group",
            "homeward",
            "--reverse",
            "--edge",
            "sh-to-bj",
            "--format",
            "json",
        ],
    );
    let lines: Value = serde_json::from_slice(&output.stdout).expect("it is JSON");
    let safe = lines[0]["source_offset"].as_i64().expect("a number");
    assert_eq!(unread_before(safe), 0, "{lines}");
}
