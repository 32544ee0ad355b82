//! Group sync: positions of consumer groups follow their records, and nobody's own work is undone.

mod many;
mod moving;

use std::collections::BTreeMap;
use std::time::Duration;

use crossdock_testbed::consumer::{self, Consumer, Protocol};
use crossdock_testbed::random::{Random, seed_of};
use crossdock_testbed::scene::{DOCK, Scene};
use crossdock_testbed::wait;
use serde_json::Value;

use crate::acls::{grant, guarded_scene};
use crate::scenes::{ONE_WAY, scene};
use crate::truth::Truth;

/// Rounds in quick succession.
const QUICK: [&str; 2] = ["--groups-interval", "200ms"];

const PATIENCE: Duration = Duration::from_secs(180);

const TOPIC: &str = "orders";

fn one_way_with_groups(name: &str, groups: &str, partitions: usize) -> Scene {
    let text = ONE_WAY.replace(
        "topics: orders|users|products }",
        &format!("topics: orders|users|products, sync: {{ groups: {groups} }} }}"),
    );
    let mut scene = scene(name, &["bj", "sh"], &text);
    scene.topic("bj", TOPIC, partitions);
    scene.route("bj-to-sh", TOPIC, TOPIC);
    scene
}

/// What the status says of a group over an edge.
fn said(scene: &mut Scene, edge: &str, group: &str) -> Option<Value> {
    let status = scene.dock(DOCK).status().ok()?;
    let edges = status["edges"].as_array()?.iter();
    let edge = edges.clone().find(|e| e["name"] == edge)?;
    let groups = edge["group_sync"]["groups"].as_array()?;
    groups.iter().find(|g| g["group"] == group).cloned()
}

fn until_state(scene: &mut Scene, edge: &str, group: &str, state: &str) -> Value {
    wait::until(&format!("{group} is {state}"), PATIENCE, || {
        match said(scene, edge, group) {
            Some(said) if said["state"] == state => Ok(said),
            other => Err(format!("{other:?}")),
        }
    })
}

fn committed(scene: &mut Scene, alias: &str, group: &str, partitions: usize) -> Vec<Option<i64>> {
    let bootstrap = scene.broker(alias).bootstrap();
    let found = consumer::committed(&bootstrap, group, TOPIC, partitions);
    let of = |partition| found.get(&partition).map(|(offset, _)| *offset);
    (0..partitions as i32).map(of).collect()
}

/// Waits until the group's offsets are these.
fn until_at(scene: &mut Scene, alias: &str, group: &str, wanted: &[i64]) {
    let wanted: Vec<_> = wanted.iter().copied().map(Some).collect();
    wait::until(&format!("{group} is at its place"), PATIENCE, || {
        let is = committed(scene, alias, group, wanted.len());
        if is == wanted {
            Ok(())
        } else {
            Err(format!("{is:?}, not {wanted:?}"))
        }
    });
}

fn commit(scene: &mut Scene, alias: &str, group: &str, offsets: &[i64]) {
    let bootstrap = scene.broker(alias).bootstrap();
    let offsets: Vec<_> = (0..).zip(offsets.iter().copied()).collect();
    consumer::commit(&bootstrap, group, TOPIC, &offsets);
}

/// Where the ledger has the places of these source offsets.
fn places(scene: &mut Scene, offsets: &[i64]) -> Vec<i64> {
    let truth = Truth::read(scene, TOPIC);
    let of = |(partition, asked): (usize, &i64)| {
        let copies = truth.copies(partition);
        let copy = copies.iter().find(|(source, _)| source >= asked);
        copy.map_or(truth.target[partition].end, |(_, target)| *target)
    };
    offsets.iter().enumerate().map(of).collect()
}

#[test]
#[allow(clippy::print_stderr, reason = "a test says what it has proved")]
fn groups_follow_wherever_they_stand_and_others_are_left_alone() {
    let seed = seed_of("groups");
    let mut random = Random::new(seed);
    let groups = "{ include: \"mine-.*|crossdock.*\", exclude: mine-not }";
    let mut scene = one_way_with_groups("groups", groups, 3);
    scene.topic("bj", "elsewhere", 1);
    scene.produce_in_transactions("bj", TOPIC, 3_000);
    let bj = scene.broker("bj").bootstrap();
    let ends: Vec<i64> = scene
        .logs("bj", TOPIC)
        .iter()
        .map(|(_, end)| *end)
        .collect();
    let mut wanted: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    for number in 0..10 {
        let draw = |end: &i64| random.below(*end as u64 + 1) as i64;
        wanted.insert(format!("mine-{number}"), ends.iter().map(draw).collect());
    }
    wanted.insert("mine-at-the-end".to_owned(), ends.clone());
    wanted.insert("mine-at-0".to_owned(), vec![0; 3]);
    for (group, offsets) in &wanted {
        commit(&mut scene, "bj", group, offsets);
    }
    commit(&mut scene, "bj", "mine-not", &ends);
    commit(&mut scene, "bj", "others", &ends);
    consumer::commit(&bj, "mine-elsewhere", "elsewhere", &[(0, 0)]);
    scene.start_as(DOCK, &QUICK);
    scene.until_caught_up();
    for (group, offsets) in &wanted {
        let places = places(&mut scene, offsets);
        until_at(&mut scene, "sh", group, &places);
        let said = until_state(&mut scene, "bj-to-sh", group, "synced");
        assert_eq!(
            (&said["partitions"], &said["synced"]),
            (&3.into(), &3.into())
        );
    }
    let excluded = until_state(&mut scene, "bj-to-sh", "mine-not", "excluded");
    assert!(
        excluded["reason"].to_string().contains("exclude"),
        "{excluded}"
    );
    for group in ["others", "mine-elsewhere"] {
        assert_eq!(said(&mut scene, "bj-to-sh", group), None, "{group}");
    }
    for group in ["mine-not", "others", "mine-elsewhere"] {
        assert_eq!(committed(&mut scene, "sh", group, 3), [None; 3], "{group}");
    }
    let sh = scene.broker("sh").bootstrap();
    // Only what it has committed, and also in a topic that comes later.
    scene.topic("bj", "users", 1);
    scene.route("bj-to-sh", "users", "users");
    scene.produce("bj", "users", 50);
    consumer::commit(&bj, "mine-partly", TOPIC, &[(1, 0)]);
    consumer::commit(&bj, "mine-partly", "users", &[(0, 20)]);
    wait::until(
        "a topic that came later joins in",
        PATIENCE,
        || match consumer::committed(&sh, "mine-partly", "users", 1).get(&0) {
            Some((20, _)) => Ok(()),
            other => Err(format!("{other:?}")),
        },
    );
    let partly = committed(&mut scene, "sh", "mine-partly", 3);
    assert_eq!(partly, [None, Some(0), None]);
    let noted = consumer::committed(&sh, "mine-at-the-end", TOPIC, 3);
    assert!(noted[&0].1.starts_with("crossdock v1 origin="), "{noted:?}");
    eprintln!(
        "{} groups of 3 partitions are where the ledger has them, seed {seed}",
        wanted.len()
    );
}

#[test]
fn a_group_that_lives_at_the_target_is_left_alone_and_never_set_back() {
    for protocol in [Protocol::Classic, Protocol::Consumer] {
        let mut scene = one_way_with_groups("groups-alive", "billing", 1);
        scene.produce("bj", TOPIC, 1_000);
        commit(&mut scene, "bj", "billing", &[300]);
        scene.start_as(DOCK, &QUICK);
        scene.until_caught_up();
        let at_300 = places(&mut scene, &[300]);
        until_at(&mut scene, "sh", "billing", &at_300);
        // It goes on from there, at the target.
        let sh = scene.broker("sh").bootstrap();
        let member = Consumer::start(&sh, "billing", TOPIC, protocol);
        member.until_read(700);
        until_state(&mut scene, "bj-to-sh", "billing", "active_on_target");
        commit(&mut scene, "bj", "billing", &[400]);
        until_next_rounds(&mut scene);
        until_state(&mut scene, "bj-to-sh", "billing", "active_on_target");
        assert_eq!(
            member.stop().len(),
            700,
            "{protocol:?}: what it had not read, once"
        );
        let end = scene.logs("sh", TOPIC)[0].1;
        let said = until_state(&mut scene, "bj-to-sh", "billing", "ahead");
        assert_eq!(said["ahead"], 1);
        let is = committed(&mut scene, "sh", "billing", 1);
        assert!(
            is[0].is_some_and(|at| at > end - 5 && at <= end),
            "{is:?} of {end}"
        );
        // At the source it goes back: that is not for the target, where it has lived since.
        commit(&mut scene, "bj", "billing", &[10]);
        until_next_rounds(&mut scene);
        assert_eq!(committed(&mut scene, "sh", "billing", 1), is);
    }
}

/// Waits until two more rounds are over: what is to be done has been done then.
fn until_next_rounds(scene: &mut Scene) {
    let rounds = |scene: &mut Scene| {
        let status = scene.dock(DOCK).status().ok()?;
        status["edges"][0]["group_sync"]["rounds_total"].as_u64()
    };
    let before = wait::until("the status is there", PATIENCE, || {
        rounds(scene).ok_or("not yet")
    });
    wait::until("two more rounds", PATIENCE, || match rounds(scene) {
        Some(now) if now >= before + 2 => Ok(()),
        now => Err(format!("{now:?}")),
    });
}

#[test]
fn a_group_set_back_at_the_source_goes_back_at_the_target_also_after_a_restart() {
    let mut scene = one_way_with_groups("groups-back", "[billing, streams]", 2);
    scene.produce("bj", TOPIC, 2_000);
    let bj = scene.broker("bj").bootstrap();
    commit(&mut scene, "bj", "billing", &[700, 800]);
    consumer::commit_with(&bj, "streams", TOPIC, &[(0, 50), (1, 60)], "AQAAAXjN");
    scene.start_as(DOCK, &QUICK);
    scene.until_caught_up();
    let forward = places(&mut scene, &[700, 800]);
    until_at(&mut scene, "sh", "billing", &forward);
    // A group's own notes go along where nothing brings them back.
    let there = places(&mut scene, &[50, 60]);
    until_at(&mut scene, "sh", "streams", &there);
    let sh = scene.broker("sh").bootstrap();
    assert_eq!(
        consumer::committed(&sh, "streams", TOPIC, 2)[&0].1,
        "AQAAAXjN"
    );
    commit(&mut scene, "bj", "billing", &[100, 800]);
    let back = places(&mut scene, &[100, 800]);
    until_at(&mut scene, "sh", "billing", &back);
    scene.dock(DOCK).terminate(PATIENCE);
    commit(&mut scene, "bj", "billing", &[20, 30]);
    scene.start_as(DOCK, &QUICK);
    let further_back = places(&mut scene, &[20, 30]);
    until_at(&mut scene, "sh", "billing", &further_back);
}

#[test]
fn what_a_member_has_committed_follows_without_the_sources_leader_epoch() {
    let mut scene = one_way_with_groups("groups-epoch", "billing", 1);
    scene.produce("bj", TOPIC, 300);
    let bj = scene.broker("bj").bootstrap();
    let member = Consumer::start(&bj, "billing", TOPIC, Protocol::Classic);
    member.until_read(120);
    member.stop();
    let epochs = consumer::committed_epochs(&bj, "billing", TOPIC, 1);
    assert!(epochs[0] >= 0, "its own commit has one: {epochs:?}");
    let at = committed(&mut scene, "bj", "billing", 1)[0].expect("it has committed");
    scene.start_as(DOCK, &QUICK);
    scene.until_caught_up();
    let wanted = places(&mut scene, &[at]);
    until_at(&mut scene, "sh", "billing", &wanted);
    let sh = scene.broker("sh").bootstrap();
    let epochs = consumer::committed_epochs(&sh, "billing", TOPIC, 1);
    assert_eq!(epochs, [-1]);
}

#[test]
fn with_once_groups_follow_before_it_ends() {
    let mut scene = one_way_with_groups("groups-once", "billing", 2);
    scene.produce("bj", TOPIC, 500);
    commit(&mut scene, "bj", "billing", &[100, 200]);
    scene.run_once();
    let places = places(&mut scene, &[100, 200]);
    until_at(&mut scene, "sh", "billing", &places);
}

#[test]
fn two_instances_share_the_groups_and_do_not_fight() {
    let mut scene = one_way_with_groups("groups-two", "billing", 4);
    scene.produce("bj", TOPIC, 2_000);
    commit(&mut scene, "bj", "billing", &[10, 20, 30, 40]);
    scene.start_as(DOCK, &QUICK);
    scene.start_as("second", &QUICK);
    wait::until("both hold partitions", PATIENCE, || {
        let held = |scene: &mut Scene, name: &str| {
            let status = scene.dock(name).status().ok()?;
            Some(status["edges"][0]["partitions"].as_array()?.len())
        };
        match (held(&mut scene, DOCK), held(&mut scene, "second")) {
            (Some(a), Some(b)) if a > 0 && b > 0 && a + b == 4 => Ok(()),
            other => Err(format!("{other:?}")),
        }
    });
    // Places are looked up in what the target holds.
    scene.until_caught_up();
    let mut last = vec![10, 20, 30, 40];
    for round in 1..=5 {
        last.iter_mut().for_each(|at| *at += round * 10);
        commit(&mut scene, "bj", "billing", &last);
        let wanted = places(&mut scene, &last);
        until_at(&mut scene, "sh", "billing", &wanted);
    }
}

#[test]
fn after_an_outage_of_either_cluster_groups_follow_again() {
    let mut scene = one_way_with_groups("groups-outage", "billing", 1);
    scene.produce("bj", TOPIC, 500);
    scene.start_as(DOCK, &QUICK);
    scene.until_caught_up();
    for (round, alias) in (1..).zip(["bj", "sh"]) {
        scene.broker(alias).kill();
        wait::until("it is told", PATIENCE, || {
            let status = scene.dock(DOCK).status()?;
            match status["edges"][0]["group_sync"]["reason"].as_str() {
                Some(why) if why.contains(alias) => Ok(()),
                other => Err(format!("{other:?}")),
            }
        });
        scene.broker(alias).restart();
        commit(&mut scene, "bj", "billing", &[round * 100]);
        let wanted = places(&mut scene, &[round * 100]);
        until_at(&mut scene, "sh", "billing", &wanted);
    }
}

#[test]
fn reading_is_enough_at_the_source_and_what_the_target_refuses_is_told() {
    let mut scene = guarded_scene("groups-guarded", "groups: billing");
    for (alias, arguments) in [
        (
            "bj",
            &[
                "--operation",
                "Read",
                "--operation",
                "DescribeConfigs",
                "--topic",
                TOPIC,
            ][..],
        ),
        ("bj", &["--operation", "Describe", "--group", "billing"]),
        ("sh", &["--operation", "All", "--cluster", "--force"]),
        (
            "sh",
            &[
                "--operation",
                "All",
                "--topic",
                "orders-bj",
                "--transactional-id",
                "*",
            ],
        ),
        (
            "sh",
            &[
                "--operation",
                "All",
                "--resource-pattern-type",
                "prefixed",
                "--group",
                "crossdock.",
            ],
        ),
    ] {
        grant(&mut scene, alias, arguments);
    }
    scene.produce("bj", TOPIC, 200);
    let bj = scene.broker("bj").bootstrap();
    consumer::commit(&bj, "billing", TOPIC, &[(0, 40), (1, 50)]);
    scene.start_as(DOCK, &QUICK);
    let said = until_state(&mut scene, "bj-to-sh", "billing", "refused");
    assert!(said["reason"].to_string().contains("billing"), "{said}");
    grant(
        &mut scene,
        "sh",
        &["--operation", "Read", "--group", "billing"],
    );
    until_state(&mut scene, "bj-to-sh", "billing", "synced");
    let sh = scene.broker("sh").bootstrap();
    let found = consumer::committed(&sh, "billing", "orders-bj", 2);
    assert!(found[&0].1.ends_with("offset=40"), "{found:?}");
    assert!(found[&1].1.ends_with("offset=50"), "{found:?}");
}
