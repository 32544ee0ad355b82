//! The state machine under every order of events: a source, a target with transactions, and a group
//! that gives and takes, all in memory, driven from seeds.

mod group;
mod world;

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::time::Duration;

use super::machine::{Pace, Stream};
use group::{Group, Random, twin};
use world::*;

/// The engine of a stream that has the world for itself, and commits whenever it can.
fn alone(world: &Shared) -> (FakeEngine, Pace) {
    let engine = FakeEngine {
        world: world.clone(),
        faults: Rc::default(),
        stream: 0,
        epoch: 0,
        open: BTreeMap::new(),
        pending: Vec::new(),
        pending_letters: Vec::new(),
        aside: BTreeSet::new(),
    };
    let pace = Pace {
        commit_interval: Duration::ZERO,
    };
    (engine, pace)
}

#[test]
fn every_record_arrives_once_and_in_order_whatever_happens() {
    let (mut commits, mut aborts, mut refused, mut set_aside, mut ailed) = (0, 0, 0, 0, 0);
    let seeds = 1..=3_000_u64;
    for seed in seeds.clone() {
        let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let mut group = Group::new();
        let poison: BTreeSet<(i32, i64)> = (0..random.below(4))
            .map(|_| (random.below(3) as i32, random.below(RECORDS as u64) as i64))
            .collect();
        group.world.borrow_mut().poison = poison.clone();
        for _ in 0..400 {
            group.strike(&mut random);
            for stream in &mut group.streams {
                stream.work();
            }
        }
        group.world.borrow_mut().ailing = None;
        for _ in 0..2_000 {
            if group.is_done() {
                break;
            }
            for stream in &mut group.streams {
                stream.work();
            }
        }
        let world = group.world.borrow();
        for partition in 0..PARTITIONS {
            let of =
                |log: &BTreeMap<i32, Vec<i64>>| log.get(&partition).cloned().unwrap_or_default();
            let (dead, alive): (Vec<i64>, Vec<i64>) =
                (0..RECORDS).partition(|offset| poison.contains(&(partition, *offset)));
            assert_eq!(of(&world.log), alive, "seed {seed}, partition {partition}");
            assert_eq!(
                of(&world.letters),
                dead,
                "seed {seed}, partition {partition}"
            );
        }
        assert_eq!(
            world.begun_without_position, 0,
            "seed {seed}: copied before a position was committed"
        );
        commits += world.commits;
        aborts += world.aborts;
        refused += world.refused;
        set_aside += world.set_aside;
        ailed += world.ailed;
    }
    println!(
        "{} seeds: {commits} commits, {aborts} aborts, {refused} commits of zombies refused, {set_aside} records set aside, {ailed} failed by one ailing target",
        seeds.count()
    );
    assert!(
        aborts > 1_000 && refused > 1_000 && set_aside > 3_000 && ailed > 1_000,
        "the faults must have been hit"
    );
}

#[test]
fn a_partition_that_halts_at_once_commits_no_position() {
    let world = Shared::default();
    let (engine, pace) = alone(&world);
    let mut stream = Stream::new(
        engine,
        FakePositions(world.clone(), Some(1)),
        Held::default(),
        pace,
    )
    .impatient();
    stream.grant(0, (0..PARTITIONS).map(twin).collect());
    for _ in 0..200 {
        stream.work();
    }
    let committed = world.borrow().committed.clone();
    assert_eq!(
        committed,
        BTreeMap::from([(0, RECORDS), (2, RECORDS)]),
        "its neighbours went on alone"
    );
}

#[test]
fn a_target_that_may_not_be_written_stops_its_partition_alone_until_it_may() {
    let world = Shared::default();
    world.borrow_mut().ailing = Some(1);
    let (engine, pace) = alone(&world);
    let mut stream = Stream::new(
        engine,
        FakePositions(world.clone(), None),
        Held::default(),
        pace,
    )
    .impatient();
    stream.grant(0, (0..PARTITIONS).map(twin).collect());
    for _ in 0..500 {
        stream.work();
    }
    let all: Vec<i64> = (0..RECORDS).collect();
    let log = |partition| {
        world
            .borrow()
            .log
            .get(&partition)
            .cloned()
            .unwrap_or_default()
    };
    assert_eq!((log(0), log(1), log(2)), (all.clone(), vec![], all.clone()));
    assert_eq!(
        world.borrow().ailed,
        1,
        "it fails its neighbours once, not again and again"
    );
    world.borrow_mut().ailing = None;
    for _ in 0..200 {
        stream.work();
    }
    assert_eq!(log(1), all, "it goes on by itself, from where it was");
}

#[test]
fn what_was_sent_into_a_topic_that_is_another_by_now_is_undone_and_copied_again() {
    let mut group = Group::new();
    group.world.borrow_mut().is_created_again = true;
    for _ in 0..100 {
        group.streams[0].work();
    }
    let world = group.world.borrow();
    assert_eq!(world.aborts, 1);
    for partition in 0..PARTITIONS {
        let copied = &world.log[&partition];
        assert_eq!(*copied, (0..RECORDS).collect::<Vec<_>>(), "{partition}");
    }
}

/// A partition that waits for who holds its progress must not ride on the commit of one that does not.
#[test]
fn progress_under_a_former_name_is_taken_over_partition_by_partition() {
    let mut group = Group::new();
    {
        let mut world = group.world.borrow_mut();
        world.former = (0..PARTITIONS).map(|p| (p, 10)).collect();
        world.held = BTreeSet::from([1]);
    }
    for _ in 0..100 {
        group.streams[0].work();
    }
    {
        let mut world = group.world.borrow_mut();
        assert_eq!(
            world.committed.get(&1),
            None,
            "nobody knows where it goes on"
        );
        assert_eq!(world.parted, BTreeSet::from([0, 2]));
        world.held.clear();
    }
    for _ in 0..100 {
        group.streams[0].work();
    }
    let world = group.world.borrow();
    assert_eq!(world.parted, BTreeSet::from([0, 1, 2]));
    for partition in 0..PARTITIONS {
        let copied = &world.log[&partition];
        assert_eq!(*copied, (10..RECORDS).collect::<Vec<_>>(), "{partition}");
    }
}

#[test]
fn who_is_put_out_of_its_group_holds_nothing_any_more() {
    let world = Shared::default();
    let (engine, pace) = alone(&world);
    let held = Held::default();
    let mut stream =
        Stream::new(engine, FakePositions(world, None), held.clone(), pace).impatient();
    stream.grant(0, (0..PARTITIONS).map(twin).collect());
    stream.work();
    stream.revoke(&[twin(1).target()]);
    assert_eq!(held.0.borrow().iter().copied().collect::<Vec<_>>(), [0, 2]);
    stream.hand_over();
    assert!(held.0.borrow().is_empty(), "others may hold them by now");
}
