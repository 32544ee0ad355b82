//! A group that moves from one side to the other and back.

use std::collections::BTreeSet;
use std::time::Duration;

use crossdock_testbed::consumer::{Consumer, Protocol};
use crossdock_testbed::random::{Random, seed_of};
use crossdock_testbed::scene::{DOCK, Scene};
use serde_json::Value;

use super::many::spent;
use super::{QUICK, TOPIC, committed, until_next_rounds};
use crate::scenes::{TWO_WAY, scene};
use crate::truth::Truth;

#[test]
fn both_ways_the_idle_side_is_written_and_the_group_loses_nothing() {
    let text = TWO_WAY.replace(
        "topics: orders }",
        "topics: orders, sync: { groups: billing } }",
    );
    let mut scene = scene("groups-two-way", &["bj", "sh"], &text);
    for alias in ["bj", "sh"] {
        scene.topic(alias, TOPIC, 2);
    }
    scene.route("bj-to-sh", TOPIC, TOPIC);
    scene.route("sh-to-bj", TOPIC, TOPIC);
    scene.group("bj", "billing");
    scene.group("sh", "billing");
    scene.start_as(DOCK, &QUICK);
    scene.load("bj", TOPIC, 400);
    scene.load("sh", TOPIC, 400);
    let mut random = Random::new(seed_of("groups-two-way"));
    let mut processed: Vec<Vec<u8>> = Vec::new();
    let (mut side, mut there) = ("bj", "sh");
    for turn in 0..5 {
        let bootstrap = scene.broker(side).bootstrap();
        let protocol = [Protocol::Classic, Protocol::Consumer][turn % 2];
        let told = repeats_told(&mut scene, there, side, "billing");
        let member = Consumer::start(&bootstrap, "billing", TOPIC, protocol);
        member.until_read(200 + random.below(1_500) as usize);
        take(&mut processed, member.stop(), told);
        // Moved at any moment: what has not come over is read again.
        (side, there) = (there, side);
    }
    scene.stop_load();
    scene.until_caught_up();
    let bootstrap = scene.broker(side).bootstrap();
    let told = repeats_told(&mut scene, there, side, "billing");
    let member = Consumer::start(&bootstrap, "billing", TOPIC, Protocol::Classic);
    member.until_idle(Duration::from_secs(10));
    take(&mut processed, member.stop(), told);
    assert_union(&mut scene, processed);
    until_next_rounds(&mut scene);
    let (once, _) = spent(&mut scene);
    until_next_rounds(&mut scene);
    let (again, _) = spent(&mut scene);
    assert_eq!(again, once, "what was answered once costs no read");
    scene.verdict().assert_exact();
}

/// How many records a group may read again, at most, that moves from one side to the other now:
/// as `offsets` tells of its place there, and what of the way to that place was not committed yet.
fn repeats_told(scene: &mut Scene, from: &str, to: &str, group: &str) -> i64 {
    let edge = format!("{from}-to-{to}");
    let asked = ["--group", group, "--edge", &edge, "--format", "json"];
    let output = scene.command("offsets", &asked);
    let told: Value = serde_json::from_slice(&output.stdout).expect("it is JSON");
    let stands = committed(scene, to, group, 2);
    let of = |line: &Value| {
        let partition = line["partition"].as_u64().expect("a number") as usize;
        let place = line["target_offset"].as_i64();
        let place = place.unwrap_or_else(|| panic!("no place: {line}"));
        let again = line["repeats_max"].as_i64().expect("a number");
        again + (place - stands[partition].unwrap_or(0)).max(0)
    };
    told.as_array().expect("a list").iter().map(of).sum()
}

/// What a member has read is processed: no more of it again than was told.
#[allow(clippy::print_stderr, reason = "a test says what it has proved")]
fn take(processed: &mut Vec<Vec<u8>>, read: Vec<Vec<u8>>, told: i64) {
    let known: BTreeSet<_> = processed.iter().filter(|uid| !uid.is_empty()).collect();
    let again = read.iter().filter(|uid| known.contains(uid)).count();
    eprintln!(
        "{} read, {again} of them again; told: at most {told}",
        read.len()
    );
    assert!(again as i64 <= told, "{again} read again, told: {told}");
    processed.extend(read);
}

/// Every record was processed; how many twice.
#[allow(clippy::print_stderr, reason = "a test says what it has proved")]
fn assert_union(scene: &mut Scene, processed: Vec<Vec<u8>>) {
    let truth = Truth::read(scene, TOPIC);
    let named: Vec<_> = processed
        .into_iter()
        .filter(|uid| !uid.is_empty())
        .collect();
    let count = named.len();
    let processed: BTreeSet<_> = named.into_iter().collect();
    let logs = truth.source.iter().flat_map(|log| &log.records);
    let all: BTreeSet<Vec<u8>> = logs.filter_map(|r| r.uid().map(<[u8]>::to_vec)).collect();
    let missed = all.difference(&processed).count();
    eprintln!(
        "{} records, each processed; {} processed twice or more",
        all.len(),
        count - processed.len()
    );
    assert_eq!(missed, 0, "records that nobody has processed");
}
