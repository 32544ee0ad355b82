//! The state machine itself, over any engine and any source of positions.

mod ending;
mod opening;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crossdock_model::latency::Ages;
use crossdock_model::note::Epoch;

use super::engine::{Engine, Step, Tally, Twin};
use super::seams::{Outlook, Positions, Report};
use crate::backoff::Backoff;
use crate::kafka::TopicPartition;

/// How long copying waits for a record before it looks at the group again.
const COPY_WAIT: Duration = Duration::from_millis(50);

/// The shortest back-off between tries of something that failed.
const BACKOFF_UNIT: Duration = Duration::from_millis(100);

/// A stream's back-off is doubled up to so many units.
const BACKOFF_UNITS_MAX: u32 = 50;

/// A partition that cannot be read or written is tried again after so many units, then more.
const RETRY_UNITS: (u32, u32) = (10, 100);

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
    /// The last record before each of the two, where the source tells.
    epochs: Epochs,
    /// Where the target's log ends at least: what was committed lies before. A log that is shorter was cut.
    target_end: Option<i64>,
    tally: Tally,
    ages: Ages,
    phase: Phase,
    retries: Backoff,
    /// Where its progress is kept until the next commit.
    former: Option<TopicPartition>,
    /// Its target was found ailing: it is asked before it is written again.
    is_ailing: bool,
}

#[derive(Clone, Copy, Debug, Default)]
struct Epochs {
    committed: Option<Epoch>,
    next: Option<Epoch>,
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

impl Partition {
    /// Where the target's log ends at least when what was done is committed.
    fn target_end(&self) -> Option<i64> {
        let done = i64::try_from(self.tally.records).unwrap_or(i64::MAX);
        self.target_end.map(|end| end.saturating_add(done))
    }

    /// What was done since the last commit was undone.
    fn forget_done(&mut self) {
        self.tally = Tally::default();
        self.ages = Ages::default();
        self.epochs.next = self.epochs.committed;
    }
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
    backoff: Backoff,
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
            backoff: Backoff::new(BACKOFF_UNIT, BACKOFF_UNIT * BACKOFF_UNITS_MAX),
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
        self.backoff = Backoff::new(Duration::ZERO, Duration::ZERO);
        self
    }

    /// Takes a new lease and the partitions that came with it. What is open is ended under the old one.
    pub fn grant(&mut self, lease: E::Lease, twins: Vec<Twin>) {
        self.end_transaction();
        self.lease = Some(lease);
        self.release(|held| twins.contains(held));
        self.adopt(twins);
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
                epochs: Epochs::default(),
                target_end: None,
                tally: Tally::default(),
                ages: Ages::default(),
                phase: Phase::New,
                retries: Backoff::new(
                    self.backoff_unit * RETRY_UNITS.0,
                    self.backoff_unit * RETRY_UNITS.1,
                ),
                former: None,
                is_ailing: false,
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
        self.find_anew(|twin| *twin.source_topic == *source_topic);
    }

    /// Closes partitions, and finds out where they go on; nothing of them may be open.
    fn find_anew(&mut self, is_it: impl Fn(&Twin) -> bool) {
        for partition in self.partitions.values_mut().filter(|p| is_it(&p.twin)) {
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

    /// The same for one that is out of its group: who takes its place may get other partitions.
    pub fn hand_over(mut self) {
        self.end_transaction();
        self.release(|_| true);
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
            Step::Moved {
                slot,
                next,
                tally,
                ages,
                epoch,
            } => {
                if let Some(partition) = self.partitions.get_mut(&slot) {
                    if let (None, Some(first)) = (partition.ages.first(), ages.first()) {
                        self.report.pending(&partition.twin, first);
                    }
                    partition.next = next;
                    partition.epochs.next = epoch.or(partition.epochs.next);
                    partition.tally.add(&tally);
                    partition.ages.append(ages);
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
            Step::OutOfRange { slot, cut } => self.out_of_range(slot, cut),
            Step::Recreated { slot } => self.look_again(slot),
            Step::Failed { slot, error } => self.retry_later(slot, &error.to_string()),
        }
    }

    /// What was copied so far is of the old topic, and good; the new one begins somewhere else.
    fn look_again(&mut self, slot: usize) {
        if let Some(partition) = self.partitions.get_mut(&slot) {
            self.engine.close(&partition.twin);
            partition.phase = Phase::Waiting(Instant::now());
        }
    }

    fn out_of_range(&mut self, slot: usize, cut: Option<i64>) {
        let Some(partition) = self.partitions.get(&slot) else {
            return;
        };
        let found = self
            .positions
            .out_of_range(&partition.twin, partition.next, cut);
        match found {
            Ok(outlook) => {
                // What was copied before the gap is committed with the position behind it.
                self.engine.close(&partition.twin);
                match outlook {
                    Outlook::Resume(position)
                    | Outlook::ByHand(position)
                    | Outlook::Begin(position)
                    | Outlook::TakeOver(position, _)
                    | Outlook::Skip(position) => {
                        if let Outlook::Skip(_) = outlook {
                            let (from, to) =
                                (partition.next.min(position), partition.next.max(position));
                            self.report.lost(&partition.twin, from, to);
                        }
                        if let Some(partition) = self.partitions.get_mut(&slot) {
                            if !matches!(outlook, Outlook::Resume(_)) {
                                partition.epochs.next = None;
                            }
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
}
