//! Thousands of positions: what it costs to keep them in step.

use crossdock_testbed::random::{Random, seed_of};
use crossdock_testbed::scene::{DOCK, Scene};
use crossdock_testbed::wait;
use serde_json::Value;

use super::{PATIENCE, TOPIC, commit, one_way_with_groups, until_next_rounds};

/// Records that are written in transactions, for gaps between offsets; more of them only take longer.
const IN_TRANSACTIONS: usize = 5_000;

/// Commits random positions for many groups in a topic that is copied already, and starts with a memory
/// that is empty.
fn many_groups(name: &str, groups: usize, partitions: usize, records: usize) -> Scene {
    let mut scene = one_way_with_groups(name, "many-.*", partitions);
    scene.produce_in_transactions("bj", TOPIC, IN_TRANSACTIONS);
    scene.produce("bj", TOPIC, records - IN_TRANSACTIONS);
    scene.run_once();
    let ends: Vec<i64> = scene
        .logs("bj", TOPIC)
        .iter()
        .map(|(_, end)| *end)
        .collect();
    let mut random = Random::new(seed_of(name));
    for number in 0..groups {
        let draw = |end: &i64| random.below(*end as u64 + 1) as i64;
        let offsets: Vec<i64> = ends.iter().map(draw).collect();
        commit(&mut scene, "bj", &format!("many-{number}"), &offsets);
    }
    scene.start_as(DOCK, &["--groups-interval", "1s"]);
    wait::until("all groups are in step", PATIENCE * 2, || {
        // Once for all groups: what is asked costs the process that is measured.
        let status = scene.dock(DOCK).status()?;
        let said = status["edges"][0]["group_sync"]["groups"].as_array();
        let is_synced = |s: &&Value| s["state"] == "synced";
        let synced = said.into_iter().flatten().filter(is_synced).count();
        if synced == groups {
            Ok(())
        } else {
            Err(format!("{synced} of {groups}"))
        }
    });
    scene
}

/// Small reads and processor seconds so far.
pub(super) fn spent(scene: &mut Scene) -> (u64, f64) {
    let status = scene.dock(DOCK).status().expect("it runs");
    let looks = status["edges"][0]["group_sync"]["looks_total"].as_u64();
    let (_, metrics) = scene.dock(DOCK).get("/metrics").expect("it runs");
    let cpu = metrics
        .lines()
        .find_map(|line| line.strip_prefix("crossdock_process_cpu_seconds_total "))
        .and_then(|figure| figure.parse().ok());
    (looks.expect("a number"), cpu.expect("a number"))
}

#[allow(clippy::print_stderr, reason = "a test says what it has proved")]
fn assert_cheap(scene: &mut Scene, groups: usize, partitions: usize) -> [f64; 2] {
    let positions = (groups * partitions) as u64;
    until_next_rounds(scene);
    let (cold, before) = spent(scene);
    until_next_rounds(scene);
    let (warm, after) = spent(scene);
    let cpu = (after - before) / 2.0;
    eprintln!(
        "{positions} positions: {cold} small reads cold, {:.1} each, {before:.2} s of processor with the start of the process; {} warm, {cpu:.2} s a round",
        cold as f64 / positions as f64,
        warm - cold
    );
    assert!(cold > 0 && cold <= positions * 20, "{cold}");
    assert_eq!(warm, cold, "what was answered once costs no read");
    [before, cpu]
}

#[test]
fn places_are_found_with_few_small_reads_and_known_from_then_on() {
    let mut scene = many_groups("groups-many", 20, 10, 10_000);
    assert_cheap(&mut scene, 20, 10);
}

#[test]
fn ten_thousand_positions_are_kept_in_step_within_five_seconds_of_processor() {
    let mut scene = many_groups("groups-10000", 100, 100, 200_000);
    let [cold, warm] = assert_cheap(&mut scene, 100, 100);
    // The first round searches and commits all of them.
    assert!(cold < 5.0 && warm < 5.0, "{cold} and {warm} s of processor");
}
