//! Two streams of one group, and what happens to them, drawn from a seed.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::time::Duration;

use super::world::*;
use crate::kafka::{CommitError, TopicPartition};
use crate::stream::engine::Twin;
use crate::stream::machine::{Pace, Stream};

/// A small generator, so that a seed tells the whole run (xorshift64).
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

/// Two streams of one group: each partition belongs to one of them, and moves.
pub(super) struct Group {
    pub(super) world: Shared,
    pub(super) streams: Vec<Stream<FakeEngine, FakePositions, Held>>,
    pub(super) faults: Vec<Rc<RefCell<Faults>>>,
    pub(super) owner: Vec<usize>,
}

pub(super) fn twin(partition: i32) -> Twin {
    Twin {
        source_topic: "orders".into(),
        target_topic: "orders".into(),
        partition,
    }
}

pub(super) fn target(partition: usize) -> TopicPartition {
    ("orders".into(), i32::try_from(partition).unwrap_or(0))
}

impl Group {
    pub(super) fn new() -> Self {
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
                Held::default(),
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
    pub(super) fn deal(&mut self, owners: &[usize]) {
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
    pub(super) fn usurp(&mut self, stream: usize) {
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

    pub(super) fn strike(&mut self, random: &mut Random) {
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
                self.world.borrow_mut().is_created_again = true;
            }
            _ => {}
        }
    }

    pub(super) fn is_done(&self) -> bool {
        (0..PARTITIONS).all(|p| self.world.borrow().committed.get(&p) == Some(&RECORDS))
    }
}
