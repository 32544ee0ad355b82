//! A source, a target with transactions, and a group that gives and takes, all in memory.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::time::Duration;

use crossdock_model::latency::Ages;
use crossdock_model::name::Alias;
use crossdock_model::note::Epoch;

use crate::kafka::{CommitError, Error, ErrorKind, Position, Refusal, Refused};
use crate::stream::engine::{Check, Engine, Origin, Step, Tally, Twin};
use crate::stream::seams::{Fate, Outlook, Positions, Report};

/// Records of each source partition.
pub(super) const RECORDS: i64 = 40;
pub(super) const PARTITIONS: i32 = 3;

/// What the topic was called on the target before, and what is noted there when its progress leaves.
pub(super) const FORMER: &str = "former";
pub(super) const PARTING: &str = "moved";

/// What both streams see: the group's generation, the target's logs and the committed positions.
#[derive(Default)]
pub(super) struct World {
    pub(super) generation: u64,
    pub(super) owner_epoch: BTreeMap<usize, u64>,
    pub(super) log: BTreeMap<i32, Vec<i64>>,
    /// Dead letters.
    pub(super) letters: BTreeMap<i32, Vec<i64>>,
    /// Records that the target refuses for good.
    pub(super) poison: BTreeSet<(i32, i64)>,
    pub(super) set_aside: usize,
    /// A target partition that may not be written now: it fails the transactions that hold it.
    pub(super) ailing: Option<i32>,
    pub(super) ailed: usize,
    pub(super) committed: BTreeMap<i32, i64>,
    /// Progress that is kept under a former name of the topic, and what of it another instance holds.
    pub(super) former: BTreeMap<i32, i64>,
    pub(super) held: BTreeSet<i32>,
    pub(super) parted: BTreeSet<i32>,
    /// The target's topic was deleted and created again, once.
    pub(super) is_created_again: bool,
    pub(super) commits: usize,
    pub(super) aborts: usize,
    pub(super) refused: usize,
    pub(super) begun_without_position: usize,
}

pub(super) type Shared = Rc<RefCell<World>>;

/// What may go wrong at the next step, drawn from the seed.
#[derive(Default)]
pub(super) struct Faults {
    pub(super) commit: Option<CommitError>,
    /// The commit happened, and its answer was lost.
    pub(super) is_answer_lost: bool,
    pub(super) copy: bool,
    pub(super) renew: bool,
}

pub(super) struct FakeEngine {
    pub(super) world: Shared,
    pub(super) faults: Rc<RefCell<Faults>>,
    pub(super) stream: usize,
    pub(super) epoch: u64,
    pub(super) open: BTreeMap<usize, (Twin, i64)>,
    pub(super) pending: Vec<(i32, i64)>,
    pub(super) pending_letters: Vec<(i32, i64)>,
    pub(super) aside: BTreeSet<(i32, i64)>,
}

pub(super) fn broken() -> Error {
    Error {
        cluster: Alias::new("sh"),
        kind: ErrorKind::Other,
        reason: "broken on purpose".to_owned(),
    }
}

pub(super) fn refused((partition, source_offset): (i32, i64)) -> Refused {
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
    pub(super) fn is_fenced(&self) -> bool {
        self.world.borrow().owner_epoch.get(&self.stream) != Some(&self.epoch)
    }

    pub(super) fn make_valid(&mut self, positions: &[Position]) {
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

    fn commit(
        &mut self,
        lease: &u64,
        positions: &[Position],
        check: Check<'_>,
    ) -> Result<(), CommitError> {
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
        check()?;
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
pub(super) struct FakePositions(pub(super) Shared, pub(super) Option<i32>);

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

    fn check_targets(&self, twins: &[Twin]) -> Result<(), CommitError> {
        if !std::mem::take(&mut self.0.borrow_mut().is_created_again) {
            return Ok(());
        }
        let topics = twins.iter().map(|twin| twin.target_topic.to_string());
        Err(CommitError::Recreated(topics.collect(), broken()))
    }

    fn note(&self, _: &Twin, _: Option<Epoch>, target_end: Option<i64>) -> String {
        target_end.map(|end| end.to_string()).unwrap_or_default()
    }

    fn parting_note(&self, _: &Twin) -> String {
        PARTING.to_owned()
    }
}

/// Knows which partitions are held, as a status does.
#[derive(Clone, Default)]
pub(super) struct Held(pub(super) Rc<RefCell<BTreeSet<i32>>>);

impl Report for Held {
    fn pending(&self, _: &Twin, _: i64) {}
    fn committed(&self, _: &Twin, _: i64, _: &Tally, _: &Ages) {}
    fn ended(&self, _: bool) {}
    fn refused(&self, _: &Twin, _: u64) {}
    fn set_aside(&self, _: &Twin, _: &Refused, _: Fate) {}
    fn end_seen(&self, _: &Twin, _: i64) {}
    fn came(&self, twin: &Twin) {
        self.0.borrow_mut().insert(twin.partition);
    }
    fn lost(&self, _: &Twin, _: i64, _: i64) {}
    fn by_hand(&self, _: &Twin, _: i64) {}
    fn going(&self, _: &Twin) {}
    fn retrying(&self, _: &Twin, _: &str) {}
    fn halted(&self, _: &Twin, _: &str) {}
    fn gone(&self, twin: &Twin) {
        self.0.borrow_mut().remove(&twin.partition);
    }
    fn waits(&self, _: Option<(&Error, Duration)>) {}
}
