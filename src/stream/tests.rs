//! The state machine under every order of events: a source, a target with transactions, and a group
//! that gives and takes, all in memory, driven from seeds.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use crossdock_model::latency::Ages;
use crossdock_model::name::Alias;

use super::engine::{Engine, Step, Tally, Twin};
use super::machine::{Pace, Stream};
use super::seams::{Outlook, Positions, Report};
use crate::kafka::{CommitError, Error, ErrorKind, Position, TopicPartition};

/// Records of each source partition.
const RECORDS: i64 = 40;
const PARTITIONS: i32 = 3;

/// What both streams see: the group's generation, the target's logs and the committed positions.
#[derive(Default)]
struct World {
    generation: u64,
    owner_epoch: BTreeMap<usize, u64>,
    log: BTreeMap<i32, Vec<i64>>,
    committed: BTreeMap<i32, i64>,
    commits: usize,
    aborts: usize,
    refused: usize,
    begun_without_position: usize,
}

type Shared = Rc<RefCell<World>>;

/// What may go wrong at the next step, drawn from the seed.
#[derive(Default)]
struct Faults {
    commit: Option<CommitError>,
    /// The commit happened, and its answer was lost.
    is_answer_lost: bool,
    copy: bool,
    renew: bool,
}

struct FakeEngine {
    world: Shared,
    faults: Rc<RefCell<Faults>>,
    stream: usize,
    epoch: u64,
    open: BTreeMap<usize, (Twin, i64)>,
    pending: Vec<(i32, i64)>,
}

fn broken() -> Error {
    Error {
        cluster: Alias::new("sh"),
        kind: ErrorKind::Unreachable,
        reason: "broken on purpose".to_owned(),
    }
}

impl FakeEngine {
    fn is_fenced(&self) -> bool {
        self.world.borrow().owner_epoch.get(&self.stream) != Some(&self.epoch)
    }

    fn make_valid(&mut self, positions: &[Position]) {
        let mut world = self.world.borrow_mut();
        for (partition, offset) in self.pending.drain(..) {
            world.log.entry(partition).or_default().push(offset);
        }
        for ((_, partition), offset, _) in positions {
            world.committed.insert(*partition, *offset);
        }
        world.commits += 1;
    }
}

impl Engine for FakeEngine {
    type Lease = u64;

    fn open(&mut self, slot: usize, twin: &Twin, position: i64) -> Result<(), Error> {
        let mut world = self.world.borrow_mut();
        if !world.committed.contains_key(&twin.partition) {
            world.begun_without_position += 1;
        }
        self.open.insert(slot, (twin.clone(), position));
        Ok(())
    }

    fn close(&mut self, twin: &Twin) {
        self.open.retain(|_, (open, _)| open != twin);
    }

    fn copy(&mut self, _wait: Duration, steps: &mut Vec<Step>) -> Result<(), CommitError> {
        for (slot, (twin, next)) in &mut self.open {
            if *next >= RECORDS {
                steps.push(Step::End {
                    slot: *slot,
                    position: *next,
                });
                continue;
            }
            self.pending.push((twin.partition, *next));
            *next += 1;
            let tally = Tally {
                records: 1,
                ..Tally::default()
            };
            steps.push(Step::Moved {
                slot: *slot,
                next: *next,
                tally,
                ages: Ages::default(),
            });
        }
        if std::mem::take(&mut self.faults.borrow_mut().copy) {
            Err(CommitError::Renew(broken()))
        } else {
            Ok(())
        }
    }

    fn commit(&mut self, lease: &u64, positions: &[Position]) -> Result<(), CommitError> {
        if self.is_fenced() {
            return Err(CommitError::Renew(broken()));
        }
        if *lease != self.world.borrow().generation {
            self.world.borrow_mut().refused += 1;
            return Err(CommitError::Abort(broken()));
        }
        let fault = self.faults.borrow_mut().commit.take();
        if std::mem::take(&mut self.faults.borrow_mut().is_answer_lost) {
            self.make_valid(positions);
            return Err(CommitError::Renew(broken()));
        }
        match fault {
            Some(error) => Err(error),
            None => {
                self.make_valid(positions);
                Ok(())
            }
        }
    }

    fn abort(&mut self) -> Result<(), Error> {
        self.pending.clear();
        self.world.borrow_mut().aborts += 1;
        if self.is_fenced() {
            Err(broken())
        } else {
            Ok(())
        }
    }

    fn renew(&mut self) -> Result<(), Error> {
        if std::mem::take(&mut self.faults.borrow_mut().renew) {
            return Err(broken());
        }
        self.pending.clear();
        let mut world = self.world.borrow_mut();
        let epoch = world.owner_epoch.entry(self.stream).or_default();
        *epoch += 1;
        self.epoch = *epoch;
        Ok(())
    }
}

/// Where partitions go on; the one of this number halts.
struct FakePositions(Shared, Option<i32>);

impl Positions for FakePositions {
    fn outlook(&self, twins: &[Twin]) -> Result<Vec<Result<Outlook, Error>>, Error> {
        let world = self.0.borrow();
        let of = |twin: &Twin| {
            if Some(twin.partition) == self.1 {
                return Outlook::Halt("progress_lost".to_owned());
            }
            world
                .committed
                .get(&twin.partition)
                .map_or(Outlook::Begin(0), |p| Outlook::Resume(*p))
        };
        Ok(twins.iter().map(of).map(Ok).collect())
    }

    fn out_of_range(&self, _: &Twin, position: i64) -> Result<Outlook, Error> {
        Ok(Outlook::Resume(position))
    }

    fn note(&self, _: &Twin) -> String {
        String::new()
    }
}

struct Silent;

impl Report for Silent {
    fn pending(&self, _: &Twin, _: i64) {}
    fn committed(&self, _: &Twin, _: i64, _: &Tally, _: &Ages) {}
    fn ended(&self, _: bool) {}
    fn refused(&self, _: &Twin, _: u64) {}
    fn end_seen(&self, _: &Twin, _: i64) {}
    fn came(&self, _: &Twin) {}
    fn lost(&self, _: &Twin, _: i64, _: i64) {}
    fn going(&self, _: &Twin) {}
    fn retrying(&self, _: &Twin, _: &str) {}
    fn halted(&self, _: &Twin, _: &str) {}
    fn gone(&self, _: &Twin) {}
    fn waits(&self, _: Option<(&Error, Duration)>) {}
}

/// A small generator, so that a seed tells the whole run (xorshift64).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

/// Two streams of one group: each partition belongs to one of them, and moves.
struct Group {
    world: Shared,
    streams: Vec<Stream<FakeEngine, FakePositions, Silent>>,
    faults: Vec<Rc<RefCell<Faults>>>,
    owner: Vec<usize>,
}

fn twin(partition: i32) -> Twin {
    Twin {
        source_topic: "orders".into(),
        target_topic: "orders".into(),
        partition,
    }
}

fn target(partition: usize) -> TopicPartition {
    ("orders".into(), i32::try_from(partition).unwrap_or(0))
}

impl Group {
    fn new() -> Self {
        let world = Shared::default();
        let faults: Vec<Rc<RefCell<Faults>>> = vec![Rc::default(), Rc::default()];
        let stream = |number: usize| {
            let engine = FakeEngine {
                world: world.clone(),
                faults: faults[number].clone(),
                stream: number,
                epoch: 0,
                open: BTreeMap::new(),
                pending: Vec::new(),
            };
            Stream::new(
                engine,
                FakePositions(world.clone(), None),
                Silent,
                Pace {
                    commit_interval: Duration::ZERO,
                },
            )
            .impatient()
        };
        let streams = vec![stream(0), stream(1)];
        let mut group = Self {
            world,
            streams,
            faults,
            owner: vec![0; PARTITIONS as usize],
        };
        group.deal(&[0; PARTITIONS as usize]);
        group
    }

    /// A rebalance: what goes is given up first, then everyone gets the new generation.
    fn deal(&mut self, owners: &[usize]) {
        for (partition, owner) in owners.iter().enumerate() {
            if self.owner[partition] != *owner {
                self.streams[self.owner[partition]].revoke(&[target(partition)]);
            }
        }
        self.world.borrow_mut().generation += 1;
        let generation = self.world.borrow().generation;
        for stream in 0..2 {
            let comes =
                |p: &usize| owners[*p] == stream && (self.owner[*p] != stream || generation == 1);
            let twins = (0..owners.len())
                .filter(comes)
                .map(|p| twin(i32::try_from(p).unwrap_or(0)))
                .collect();
            self.streams[stream].grant(generation, twins);
        }
        self.owner = owners.to_vec();
    }

    /// A stream is put out without being asked: its partitions go to the other one at once, and it
    /// learns of that only later.
    fn usurp(&mut self, stream: usize) {
        let lost: Vec<usize> = (0..self.owner.len())
            .filter(|p| self.owner[*p] == stream)
            .collect();
        let other = 1 - stream;
        self.world.borrow_mut().generation += 1;
        let generation = self.world.borrow().generation;
        self.streams[other].grant(
            generation,
            lost.iter()
                .map(|p| twin(i32::try_from(*p).unwrap_or(0)))
                .collect(),
        );
        // The zombie works on with its old lease before it hears of its loss.
        for _ in 0..3 {
            self.streams[other].work();
            self.streams[stream].work();
        }
        self.streams[stream].lose(&lost.iter().map(|p| target(*p)).collect::<Vec<_>>());
        self.streams[stream].grant(generation, Vec::new());
        for partition in lost {
            self.owner[partition] = other;
        }
    }

    fn strike(&mut self, random: &mut Random) {
        let stream = usize::try_from(random.below(2)).unwrap_or(0);
        match random.below(12) {
            0 => self.faults[stream].borrow_mut().commit = Some(CommitError::Abort(broken())),
            1 => self.faults[stream].borrow_mut().commit = Some(CommitError::Renew(broken())),
            2 => self.faults[stream].borrow_mut().is_answer_lost = true,
            3 => self.faults[stream].borrow_mut().copy = true,
            4 => self.faults[stream].borrow_mut().renew = true,
            5 => {
                let owners: Vec<usize> = (0..PARTITIONS)
                    .map(|_| usize::try_from(random.below(2)).unwrap_or(0))
                    .collect();
                self.deal(&owners);
            }
            6 => self.usurp(stream),
            7 => self.streams[stream].pause(),
            8 => self.streams[stream].reconsider("orders"),
            _ => {}
        }
    }

    fn is_done(&self) -> bool {
        (0..PARTITIONS).all(|p| self.world.borrow().committed.get(&p) == Some(&RECORDS))
    }
}

#[test]
fn every_record_arrives_once_and_in_order_whatever_happens() {
    let (mut commits, mut aborts, mut refused) = (0, 0, 0);
    let seeds = 1..=3_000_u64;
    for seed in seeds.clone() {
        let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let mut group = Group::new();
        for _ in 0..400 {
            group.strike(&mut random);
            for stream in &mut group.streams {
                stream.work();
            }
        }
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
            let arrived = world.log.get(&partition).cloned().unwrap_or_default();
            assert_eq!(
                arrived,
                (0..RECORDS).collect::<Vec<_>>(),
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
    }
    println!(
        "{} seeds: {commits} commits, {aborts} aborts, {refused} commits of zombies refused",
        seeds.count()
    );
    assert!(
        aborts > 1_000 && refused > 1_000,
        "the faults must have been hit"
    );
}

#[test]
fn a_partition_that_halts_at_once_commits_no_position() {
    let world = Shared::default();
    let engine = FakeEngine {
        world: world.clone(),
        faults: Rc::default(),
        stream: 0,
        epoch: 0,
        open: BTreeMap::new(),
        pending: Vec::new(),
    };
    let pace = Pace {
        commit_interval: Duration::ZERO,
    };
    let mut stream =
        Stream::new(engine, FakePositions(world.clone(), Some(1)), Silent, pace).impatient();
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
