//! The state machine itself, over any engine and any source of positions.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::engine::{Engine, Step, Tally, Twin};
use crate::kafka::{CommitError, Error, ErrorKind, Refusal, Refused, TopicPartition};

/// How long copying waits for a record before it looks at the group again.
const COPY_WAIT: Duration = Duration::from_millis(50);

/// Back-off between tries of something that failed: doubled up to so many times its beginning.
const BACKOFF_UNIT: Duration = Duration::from_millis(100);
const BACKOFF_UNITS_MAX: u32 = 50;

/// A partition that cannot be read is tried again after so many units.
const RETRY_UNITS: u32 = 10;

/// Who was fenced waits longer than the group needs to tell that another process has this instance's
/// name, which it must not fence in turn: so many units.
const FENCED_UNITS: u32 = 40;

/// Where a partition goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outlook {
    /// From a position that is committed already.
    Resume(i64),
    /// From a position that is to be committed first.
    Begin(i64),
    /// From there, behind offsets that are lost.
    Skip(i64),
    /// Not at all, and why.
    Halt(String),
}

/// Where positions come from, and what is noted with them.
pub trait Positions {
    /// Where each of these goes on, in their order; one may fail while others do not.
    ///
    /// # Errors
    /// The target does not answer.
    fn outlook(&self, twins: &[Twin]) -> Result<Vec<Result<Outlook, Error>>, Error>;

    /// What to do about a position that is outside of the source's log.
    ///
    /// # Errors
    /// The source does not answer.
    fn out_of_range(&self, twin: &Twin, position: i64) -> Result<Outlook, Error>;

    /// What to note with a committed position.
    fn note(&self, twin: &Twin) -> String;
}

/// What a stream tells while it runs.
pub trait Report {
    /// Everything before `position` is final at the target; `tally` is what was done since the last time.
    fn committed(&self, twin: &Twin, position: i64, tally: &Tally);
    /// The source's last stable offset was seen there.
    fn end_seen(&self, twin: &Twin, end: i64);
    /// The partition came to this stream; its position is not known yet.
    fn came(&self, twin: &Twin);
    /// These offsets of the source are lost, from the first to before the second.
    fn lost(&self, twin: &Twin, from: i64, to: i64);
    /// The partition goes on.
    fn going(&self, twin: &Twin);
    /// The partition is tried again later.
    fn retrying(&self, twin: &Twin, reason: &str);
    /// The partition stands until a person decides.
    fn halted(&self, twin: &Twin, reason: &str);
    /// The partition belongs to this stream no more.
    fn gone(&self, twin: &Twin);
    /// The stream as a whole waits for so long, and why; `None` when it works.
    fn waits(&self, why: Option<(&Error, Duration)>);
}

/// How fast a stream commits.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Between the first record of a transaction and its commit.
    pub commit_interval: Duration,
}

struct Partition {
    twin: Twin,
    committed: Option<i64>,
    next: i64,
    tally: Tally,
    phase: Phase,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Phase {
    /// Its position is not known yet.
    New,
    /// Its position is known; it is not read yet.
    Ready,
    Open,
    Waiting(Instant),
    Halted,
}

/// The stream.
pub struct Stream<E: Engine, P, R> {
    engine: E,
    positions: P,
    report: R,
    pace: Pace,
    lease: Option<E::Lease>,
    partitions: BTreeMap<usize, Partition>,
    next_slot: usize,
    dirty_since: Option<Instant>,
    renew_at: Option<Instant>,
    backoff: Duration,
    /// The shortest wait; the longer ones are multiples of it.
    backoff_unit: Duration,
    wait_until: Option<Instant>,
    steps: Vec<Step>,
    spent: Tally,
}

impl<E: Engine, P: Positions, R: Report> Stream<E, P, R> {
    /// A stream without partitions: they come with a lease.
    pub fn new(engine: E, positions: P, report: R, pace: Pace) -> Self {
        Self {
            engine,
            positions,
            report,
            pace,
            lease: None,
            partitions: BTreeMap::new(),
            next_slot: 0,
            dirty_since: None,
            // The engine takes its first epoch only when there is something to copy.
            renew_at: Some(Instant::now()),
            backoff: BACKOFF_UNIT,
            backoff_unit: BACKOFF_UNIT,
            wait_until: None,
            steps: Vec::new(),
            spent: Tally::default(),
        }
    }

    /// A stream that tries again at once, for tests that have no time.
    #[cfg(test)]
    pub(super) fn impatient(mut self) -> Self {
        self.backoff_unit = Duration::ZERO;
        self.backoff = Duration::ZERO;
        self
    }

    /// Takes a new lease and the partitions that came with it. What is open is ended under the old one.
    pub fn grant(&mut self, lease: E::Lease, twins: Vec<Twin>) {
        self.end_transaction();
        self.lease = Some(lease);
        for twin in twins {
            self.release(|held| *held == twin);
            self.adopt(vec![twin]);
        }
        self.wait_until = None;
    }

    /// Takes partitions that had no twin when they were granted.
    pub fn adopt(&mut self, twins: Vec<Twin>) {
        for twin in twins {
            self.report.came(&twin);
            let partition = Partition {
                twin,
                committed: None,
                next: 0,
                tally: Tally::default(),
                phase: Phase::New,
            };
            self.partitions.insert(self.next_slot, partition);
            self.next_slot += 1;
        }
    }

    /// Ends the transaction, then gives partitions up.
    pub fn revoke(&mut self, targets: &[TopicPartition]) {
        self.end_transaction();
        self.release(|twin| targets.contains(&twin.target()));
    }

    /// Partitions are somebody else's already: aborts, and gives them up with the lease.
    pub fn lose(&mut self, targets: &[TopicPartition]) {
        self.lease = None;
        self.undo();
        self.release(|twin| targets.contains(&twin.target()));
    }

    fn release(&mut self, goes: impl Fn(&Twin) -> bool) {
        let slots: Vec<usize> = self
            .partitions
            .iter()
            .filter(|(_, p)| goes(&p.twin))
            .map(|(s, _)| *s)
            .collect();
        for slot in slots {
            if let Some(partition) = self.partitions.remove(&slot) {
                self.engine.close(&partition.twin);
                self.report.gone(&partition.twin);
            }
        }
    }

    /// Looks at a topic's partitions anew: it was created again at the source.
    pub fn reconsider(&mut self, source_topic: &str) {
        if self
            .partitions
            .values()
            .any(|p| *p.twin.source_topic == *source_topic)
        {
            self.undo();
        }
        for partition in self
            .partitions
            .values_mut()
            .filter(|p| *p.twin.source_topic == *source_topic)
        {
            self.engine.close(&partition.twin);
            partition.phase = Phase::New;
        }
    }

    /// Ends the transaction and reads no further; [`Self::work`] starts again.
    pub fn pause(&mut self) {
        self.end_transaction();
        for partition in self
            .partitions
            .values_mut()
            .filter(|p| p.phase == Phase::Open)
        {
            self.engine.close(&partition.twin);
            partition.phase = Phase::Ready;
        }
    }

    /// Ends the transaction, for good.
    pub fn finish(mut self) {
        self.end_transaction();
    }

    /// Whether it has a lease: it has joined its group.
    pub fn has_joined(&self) -> bool {
        self.lease.is_some()
    }

    /// One round: opens what can be opened, copies what has arrived, commits when it is time. Returns
    /// whether there is anything to copy at all.
    pub fn work(&mut self) -> bool {
        if self.partitions.is_empty() {
            self.report.waits(None);
        }
        if self.lease.is_none() || self.partitions.is_empty() || self.is_waiting() {
            return false;
        }
        if !self.has_epoch() || !self.open_new() {
            return false;
        }
        self.reopen();
        self.copy();
        self.commit_in_time();
        self.partitions.values().any(|p| p.phase == Phase::Open)
    }

    /// Commits when it is time, also while nothing is copied.
    pub fn commit_in_time(&mut self) {
        if self
            .dirty_since
            .is_some_and(|since| since.elapsed() >= self.pace.commit_interval)
        {
            self.commit();
        }
    }

    /// What was copied since the last call, committed or not.
    pub fn take_spent(&mut self) -> Tally {
        std::mem::take(&mut self.spent)
    }

    fn is_waiting(&self) -> bool {
        self.wait_until.is_some_and(|until| Instant::now() < until)
    }

    /// Takes a new epoch if there is need to, reads the committed positions back, and rewinds there.
    fn has_epoch(&mut self) -> bool {
        let Some(at) = self.renew_at else { return true };
        if Instant::now() < at {
            return false;
        }
        if let Err(error) = self.engine.renew() {
            let wait = self.fenced_wait(&error);
            self.back_off(&error);
            self.renew_at = Some(Instant::now() + wait);
            return false;
        }
        self.renew_at = None;
        self.dirty_since = None;
        self.report.waits(None);
        for partition in self.partitions.values_mut() {
            partition.tally = Tally::default();
            partition.next = partition.committed.unwrap_or(partition.next);
            if matches!(partition.phase, Phase::Open | Phase::Ready) {
                self.engine.close(&partition.twin);
                partition.phase = Phase::New;
            }
        }
        true
    }

    /// Finds the positions of new partitions, and commits those that are not yet.
    fn open_new(&mut self) -> bool {
        self.wake();
        let new: Vec<usize> = self.slots(|p| p.phase == Phase::New);
        if new.is_empty() {
            return true;
        }
        // Positions are committed apart from records: a new partition must not ride on an old one's.
        self.commit();
        let twins: Vec<Twin> = new
            .iter()
            .filter_map(|slot| Some(self.partitions.get(slot)?.twin.clone()))
            .collect();
        let outlooks = match self.positions.outlook(&twins) {
            Ok(outlooks) => outlooks,
            Err(error) => {
                self.back_off(&error);
                return false;
            }
        };
        self.report.waits(None);
        let mut begins = false;
        for (slot, outlook) in new.iter().zip(outlooks) {
            match outlook {
                Ok(outlook) => {
                    begins |= matches!(outlook, Outlook::Begin(_));
                    self.settle_in(*slot, outlook);
                }
                Err(error) => self.retry_later(*slot, &error.to_string()),
            }
        }
        if begins {
            self.dirty_since.get_or_insert_with(Instant::now);
            return self.commit();
        }
        true
    }

    /// Partitions that have waited long enough find their position anew, once nothing of them is open.
    fn wake(&mut self) {
        let now = Instant::now();
        for partition in self.partitions.values_mut() {
            let is_settled = partition
                .committed
                .is_none_or(|committed| committed == partition.next);
            if matches!(partition.phase, Phase::Waiting(until) if until <= now && is_settled) {
                partition.phase = Phase::New;
            }
        }
    }

    fn settle_in(&mut self, slot: usize, outlook: Outlook) {
        let Some(partition) = self.partitions.get_mut(&slot) else {
            return;
        };
        partition.tally = Tally::default();
        match outlook {
            Outlook::Resume(position) => {
                partition.committed = Some(position);
                partition.next = position;
                partition.phase = Phase::Ready;
                self.report
                    .committed(&partition.twin, position, &Tally::default());
            }
            Outlook::Begin(position) | Outlook::Skip(position) => {
                partition.committed = None;
                partition.next = position;
                partition.phase = Phase::Ready;
            }
            Outlook::Halt(reason) => self.halt(slot, &reason),
        }
    }

    fn halt(&mut self, slot: usize, reason: &str) {
        if let Some(partition) = self.partitions.get_mut(&slot) {
            partition.phase = Phase::Halted;
            self.engine.close(&partition.twin);
            self.report.halted(&partition.twin, reason);
        }
    }

    fn slots(&self, is: impl Fn(&Partition) -> bool) -> Vec<usize> {
        self.partitions
            .iter()
            .filter(|(_, p)| is(p))
            .map(|(slot, _)| *slot)
            .collect()
    }

    fn reopen(&mut self) {
        let due = self.slots(|p| match p.phase {
            Phase::Ready => p.committed.is_some(),
            _ => false,
        });
        for slot in due {
            let Some(partition) = self.partitions.get_mut(&slot) else {
                continue;
            };
            match self.engine.open(slot, &partition.twin, partition.next) {
                Ok(()) => {
                    partition.phase = Phase::Open;
                    self.report.going(&partition.twin);
                }
                Err(error) => self.retry_later(slot, &error.to_string()),
            }
        }
    }

    fn retry_later(&mut self, slot: usize, reason: &str) {
        if let Some(partition) = self.partitions.get_mut(&slot) {
            self.engine.close(&partition.twin);
            partition.phase = Phase::Waiting(Instant::now() + self.backoff_unit * RETRY_UNITS);
            self.report.retrying(&partition.twin, reason);
        }
    }

    fn copy(&mut self) {
        let mut steps = std::mem::take(&mut self.steps);
        let copied = self
            .engine
            .copy(COPY_WAIT.min(self.pace.commit_interval), &mut steps);
        for step in steps.drain(..) {
            self.take(step);
        }
        self.steps = steps;
        if let Err(error) = copied {
            self.undo_because(error);
        }
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Moved { slot, next, tally } => {
                if let Some(partition) = self.partitions.get_mut(&slot) {
                    partition.next = next;
                    partition.tally.add(&tally);
                    self.spent.add(&tally);
                    self.dirty_since.get_or_insert_with(Instant::now);
                }
            }
            Step::End { slot, position } => {
                let Some(partition) = self.partitions.get_mut(&slot) else {
                    return;
                };
                if position > partition.next {
                    partition.next = position;
                    self.dirty_since.get_or_insert_with(Instant::now);
                }
                self.report.end_seen(&partition.twin, position);
            }
            Step::OutOfRange { slot } => self.out_of_range(slot),
            Step::Failed { slot, error } => self.retry_later(slot, &error.to_string()),
        }
    }

    fn out_of_range(&mut self, slot: usize) {
        let Some(partition) = self.partitions.get(&slot) else {
            return;
        };
        match self.positions.out_of_range(&partition.twin, partition.next) {
            Ok(outlook) => {
                // What was copied before the gap is committed with the position behind it.
                self.engine.close(&partition.twin);
                match outlook {
                    Outlook::Resume(position)
                    | Outlook::Begin(position)
                    | Outlook::Skip(position) => {
                        if let Outlook::Skip(_) = outlook {
                            self.report.lost(&partition.twin, partition.next, position);
                        }
                        if let Some(partition) = self.partitions.get_mut(&slot) {
                            partition.next = position;
                            partition.phase = Phase::Ready;
                            self.dirty_since.get_or_insert_with(Instant::now);
                        }
                    }
                    Outlook::Halt(reason) => self.halt(slot, &reason),
                }
            }
            Err(error) => self.retry_later(slot, &error.to_string()),
        }
    }

    /// Commits what has moved. Returns whether nothing is left in doubt.
    fn commit(&mut self) -> bool {
        if self.renew_at.is_some() {
            return false;
        }
        match self.try_commit() {
            Ok(()) => true,
            Err(error) => {
                self.undo_because(error);
                false
            }
        }
    }

    /// Commits what has moved, or undoes it: under a lease whose generation is over, that is how a
    /// transaction ends.
    fn end_transaction(&mut self) {
        if self.renew_at.is_some() {
            return;
        }
        match self.try_commit() {
            Ok(()) => {}
            Err(CommitError::Abort(error)) => {
                tracing::debug!("A transaction ends with its lease, to be copied again: {error}.");
                self.undo();
            }
            Err(other) => self.undo_because(other),
        }
    }

    fn try_commit(&mut self) -> Result<(), CommitError> {
        if self.dirty_since.is_none() {
            return Ok(());
        }
        // A halted partition without a committed position has none to commit.
        let moved = self.slots(|p| match p.phase {
            Phase::New => false,
            Phase::Halted => p.committed.is_some_and(|committed| committed != p.next),
            _ => p.committed != Some(p.next),
        });
        let positions: Vec<_> = moved
            .iter()
            .filter_map(|slot| self.partitions.get(slot))
            .map(|p| (p.twin.target(), p.next, self.positions.note(&p.twin)))
            .collect();
        let Some(lease) = &self.lease else {
            self.undo();
            return Ok(());
        };
        self.engine.commit(lease, &positions)?;
        for slot in moved {
            if let Some(partition) = self.partitions.get_mut(&slot) {
                partition.committed = Some(partition.next);
                self.report.committed(
                    &partition.twin,
                    partition.next,
                    &std::mem::take(&mut partition.tally),
                );
            }
        }
        self.dirty_since = None;
        self.backoff = self.backoff_unit;
        self.report.waits(None);
        Ok(())
    }

    fn undo_because(&mut self, error: CommitError) {
        match error {
            CommitError::Abort(error) => {
                self.undo();
                self.back_off(&error);
            }
            CommitError::Renew(error) => self.renew_because(&error),
            CommitError::Refused(refused) => self.refuse(&refused),
        }
    }

    /// The target refused records. One that is too large stops its partition; for anything else the
    /// stream tries again.
    fn refuse(&mut self, refused: &[Refused]) {
        self.undo();
        let mut by_partition: BTreeMap<TopicPartition, (&Refused, usize)> = BTreeMap::new();
        for record in refused {
            by_partition
                .entry((record.topic.clone(), record.partition))
                .or_insert((record, 0))
                .1 += 1;
        }
        let mut passing = None;
        for (place, (first, count)) in by_partition {
            let Some(slot) = self
                .slots(|p| p.twin.target() == place && p.phase != Phase::Halted)
                .pop()
            else {
                continue;
            };
            let error = &first.error;
            match first.why {
                Refusal::Oversize => {
                    self.halt(
                        slot,
                        &format!("oversize: {error}; raise max.message.bytes of the target topic"),
                    );
                }
                Refusal::Invalid => self.halt(slot, &format!("refused: {error}")),
                Refusal::Passing => {
                    let more = if count > 1 {
                        format!(", and {} more", count - 1)
                    } else {
                        String::new()
                    };
                    self.retry_later(slot, &format!("{error}{more}"));
                    passing = Some(error);
                }
            }
        }
        if let Some(error) = passing {
            // The idempotent producer's sequence has a hole now: only a new one is sure to go on.
            self.renew_because(error);
        }
    }

    fn renew_because(&mut self, error: &Error) {
        let wait = self.fenced_wait(error);
        self.back_off(error);
        self.renew_at = Some(Instant::now() + wait);
    }

    /// Aborts, and rewinds every partition that had moved to its committed position.
    fn undo(&mut self) {
        if self.renew_at.is_some() {
            return;
        }
        if let Err(error) = self.engine.abort() {
            self.renew_because(&error);
            return;
        }
        self.dirty_since = None;
        for partition in self.partitions.values_mut() {
            partition.tally = Tally::default();
            if partition.committed == Some(partition.next) {
                continue;
            }
            if matches!(
                partition.phase,
                Phase::Open | Phase::Ready | Phase::Waiting(_)
            ) {
                self.engine.close(&partition.twin);
                partition.phase = partition.committed.map_or(Phase::New, |_| Phase::Ready);
            }
            partition.next = partition.committed.unwrap_or(partition.next);
        }
    }

    fn fenced_wait(&self, error: &Error) -> Duration {
        match error.kind {
            ErrorKind::Fenced => self.backoff_unit * FENCED_UNITS,
            _ => Duration::ZERO,
        }
    }

    fn back_off(&mut self, error: &Error) {
        self.report.waits(Some((error, self.backoff)));
        self.wait_until = Some(Instant::now() + self.backoff);
        self.backoff = (self.backoff * 2).min(self.backoff_unit * BACKOFF_UNITS_MAX);
    }
}
