//! The state machine under every order of events: a source, a target with transactions, and a group
//! that gives and takes, all in memory, driven from seeds.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::time::Duration;

use crossdock_model::latency::Ages;
use crossdock_model::name::Alias;
use crossdock_model::note::Epoch;

use super::engine::{Engine, Origin, Step, Tally, Twin};
use super::machine::{Pace, Stream};
use super::seams::{Fate, Outlook, Positions, Report};
use crate::kafka::{CommitError, Error, ErrorKind, Position, Refusal, Refused, TopicPartition};

/// Records of each source partition.
const RECORDS: i64 = 40;
const PARTITIONS: i32 = 3;

/// What the topic was called on the target before, and what is noted there when its progress leaves.
const FORMER: &str = "former";
const PARTING: &str = "moved";

/// What both streams see: the group's generation, the target's logs and the committed positions.
#[derive(Default)]
struct World {
    generation: u64,
    owner_epoch: BTreeMap<usize, u64>,
    log: BTreeMap<i32, Vec<i64>>,
    /// Dead letters.
    letters: BTreeMap<i32, Vec<i64>>,
    /// Records that the target refuses for good.
    poison: BTreeSet<(i32, i64)>,
    set_aside: usize,
    /// A target partition that may not be written now: it fails the transactions that hold it.
    ailing: Option<i32>,
    ailed: usize,
    committed: BTreeMap<i32, i64>,
    /// Progress that is kept under a former name of the topic, and what of it another instance holds.
    former: BTreeMap<i32, i64>,
    held: BTreeSet<i32>,
    parted: BTreeSet<i32>,
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
    pending_letters: Vec<(i32, i64)>,
    aside: BTreeSet<(i32, i64)>,
}

fn broken() -> Error {
    Error {
        cluster: Alias::new("sh"),
        kind: ErrorKind::Other,
        reason: "broken on purpose".to_owned(),
    }
}

fn refused((partition, source_offset): (i32, i64)) -> Refused {
    Refused {
        topic: "orders".into(),
        partition,
        source_offset,
        bytes: 1,
        why: Refusal::Oversize,
        error: broken(),
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
        for (partition, offset) in self.pending_letters.drain(..) {
            world.letters.entry(partition).or_default().push(offset);
        }
        for ((topic, partition), offset, note) in positions {
            if &**topic == FORMER {
                assert_eq!(note, PARTING);
                world.parted.insert(*partition);
            } else {
                let end = world.log.get(partition).map_or(0, Vec::len);
                assert_eq!(
                    note,
                    &end.to_string(),
                    "what is noted is where the log ends"
                );
                world.committed.insert(*partition, *offset);
            }
        }
        world.commits += 1;
    }
}

impl Engine for FakeEngine {
    type Lease = u64;

    fn open(&mut self, slot: usize, twin: &Twin, position: i64, _: &Origin) -> Result<(), Error> {
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
            let place = (twin.partition, *next);
            let mut tally = Tally::default();
            if !self.world.borrow().poison.contains(&place) {
                self.pending.push(place);
                tally.records = 1;
            } else if self.aside.contains(&place) {
                self.pending_letters.push(place);
                tally.dead_letters = 1;
            } else {
                return Err(CommitError::Refused(vec![refused(place)]));
            }
            *next += 1;
            steps.push(Step::Moved {
                slot: *slot,
                next: *next,
                tally,
                ages: Ages::default(),
                epoch: None,
            });
        }
        if std::mem::take(&mut self.faults.borrow_mut().copy) {
            Err(CommitError::Renew(broken()))
        } else {
            Ok(())
        }
    }

    fn set_aside(&mut self, twin: &Twin, refused: &Refused) -> Fate {
        self.aside.insert((twin.partition, refused.source_offset));
        self.world.borrow_mut().set_aside += 1;
        Fate::DeadLetter
    }

    fn commit(&mut self, lease: &u64, positions: &[Position]) -> Result<(), CommitError> {
        if self.is_fenced() {
            return Err(CommitError::Renew(broken()));
        }
        if *lease != self.world.borrow().generation {
            self.world.borrow_mut().refused += 1;
            return Err(CommitError::Abort(broken()));
        }
        let ailing = self.world.borrow().ailing;
        if self
            .pending
            .iter()
            .any(|(partition, _)| Some(*partition) == ailing)
        {
            self.world.borrow_mut().ailed += 1;
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
        self.pending_letters.clear();
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
        self.pending_letters.clear();
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
                return Ok(Outlook::Halt("progress_lost".to_owned()));
            }
            let former = world.former.get(&twin.partition);
            match (world.committed.get(&twin.partition), former) {
                (Some(position), _) => Ok(Outlook::Resume(*position)),
                (None, Some(_)) if world.held.contains(&twin.partition) => Err(broken()),
                (None, Some(position)) => {
                    let place = (FORMER.into(), twin.partition);
                    Ok(Outlook::TakeOver(*position, place))
                }
                (None, None) => Ok(Outlook::Begin(0)),
            }
        };
        Ok(twins.iter().map(of).collect())
    }

    fn out_of_range(&self, _: &Twin, position: i64, _: Option<i64>) -> Result<Outlook, Error> {
        Ok(Outlook::Resume(position))
    }

    fn origin(&self, twin: &Twin) -> Origin {
        let world = self.0.borrow();
        let end = world.log.get(&twin.partition).map_or(0, Vec::len);
        Origin {
            target_end: i64::try_from(end).ok(),
            ..Origin::default()
        }
    }

    fn ailing(&self, twins: &[Twin]) -> Result<Vec<Option<String>>, Error> {
        let world = self.0.borrow();
        let of = |twin: &Twin| {
            let is_ailing = world.ailing == Some(twin.partition);
            is_ailing.then(|| "may not WRITE".to_owned())
        };
        Ok(twins.iter().map(of).collect())
    }

    fn note(&self, _: &Twin, _: Option<Epoch>, target_end: Option<i64>) -> String {
        target_end.map(|end| end.to_string()).unwrap_or_default()
    }

    fn parting_note(&self, _: &Twin) -> String {
        PARTING.to_owned()
    }
}

struct Silent;

impl Report for Silent {
    fn pending(&self, _: &Twin, _: i64) {}
    fn committed(&self, _: &Twin, _: i64, _: &Tally, _: &Ages) {}
    fn ended(&self, _: bool) {}
    fn refused(&self, _: &Twin, _: u64) {}
    fn set_aside(&self, _: &Twin, _: &Refused, _: Fate) {}
    fn end_seen(&self, _: &Twin, _: i64) {}
    fn came(&self, _: &Twin) {}
    fn lost(&self, _: &Twin, _: i64, _: i64) {}
    fn by_hand(&self, _: &Twin, _: i64) {}
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
                pending_letters: Vec::new(),
                aside: BTreeSet::new(),
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
        match random.below(15) {
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
            9 => self.world.borrow_mut().ailing = Some(random.below(3) as i32),
            10 | 11 => self.world.borrow_mut().ailing = None,
            12 => {
                let topics = BTreeSet::from(["orders".to_owned()]);
                self.faults[stream].borrow_mut().commit =
                    Some(CommitError::Recreated(topics, broken()));
            }
            _ => {}
        }
    }

    fn is_done(&self) -> bool {
        (0..PARTITIONS).all(|p| self.world.borrow().committed.get(&p) == Some(&RECORDS))
    }
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

#[test]
fn a_target_that_may_not_be_written_stops_its_partition_alone_until_it_may() {
    let world = Shared::default();
    world.borrow_mut().ailing = Some(1);
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
    let mut stream =
        Stream::new(engine, FakePositions(world.clone(), None), Silent, pace).impatient();
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
