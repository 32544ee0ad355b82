//! How transactions end: committed, undone and rewound, or left to a new epoch.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::{Phase, Stream};
use crate::kafka::{CommitError, Error, ErrorKind, Refusal, Refused, TopicPartition};
use crate::stream::engine::Engine;
use crate::stream::seams::{Fate, Positions, Report};
use crate::wording::and_more;

/// Who was fenced waits longer than the group needs to tell that another process has this instance's
/// name, which it must not fence in turn: so many units.
const FENCED_UNITS: u32 = 40;

impl<E: Engine, P: Positions, R: Report> Stream<E, P, R> {
    /// Commits what has moved. Returns whether nothing is left in doubt.
    pub(super) fn commit(&mut self) -> bool {
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
    pub(super) fn end_transaction(&mut self) {
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

    pub(super) fn try_commit(&mut self) -> Result<(), CommitError> {
        if self.dirty_since.is_none() {
            return Ok(());
        }
        // One that halts or waits, and has no committed position, has none to commit: where it goes on is
        // not known yet.
        let moved = self.slots(|p| match p.phase {
            Phase::New => false,
            Phase::Halted | Phase::Waiting(_) => {
                p.committed.is_some_and(|committed| committed != p.next)
            }
            Phase::Ready | Phase::Open => p.committed != Some(p.next),
        });
        let positions: Vec<_> = moved
            .iter()
            .filter_map(|slot| self.partitions.get(slot))
            .flat_map(|p| {
                let note = self.positions.note(&p.twin, p.epochs.next, p.target_end());
                let parting = p.former.clone();
                let parting = parting.map(|f| (f, p.next, self.positions.parting_note(&p.twin)));
                [(p.twin.target(), p.next, note)].into_iter().chain(parting)
            })
            .collect();
        let Some(lease) = &self.lease else {
            self.undo();
            return Ok(());
        };
        let sent: Vec<_> = moved
            .iter()
            .filter_map(|slot| self.partitions.get(slot))
            .filter(|p| p.tally.records > 0)
            .map(|p| p.twin.clone())
            .collect();
        self.engine
            .commit(lease, &positions, &|| self.positions.check_targets(&sent))?;
        for slot in moved {
            if let Some(partition) = self.partitions.get_mut(&slot) {
                partition.former = None;
                partition.target_end = partition.target_end();
                partition.committed = Some(partition.next);
                partition.epochs.committed = partition.epochs.next;
                partition.retries.reset();
                self.report.committed(
                    &partition.twin,
                    partition.next,
                    &std::mem::take(&mut partition.tally),
                    &std::mem::take(&mut partition.ages),
                );
            }
        }
        self.report.ended(true);
        self.dirty_since = None;
        self.backoff.reset();
        self.report.waits(None);
        Ok(())
    }

    pub(super) fn undo_because(&mut self, error: CommitError) {
        match error {
            CommitError::Abort(error) => {
                self.undo();
                if !self.set_ailing_apart(&error) {
                    self.back_off(&error);
                }
            }
            CommitError::Recreated(topics, _) => {
                self.undo();
                self.find_anew(|twin| topics.contains(&*twin.target_topic));
            }
            CommitError::Again(error) => {
                tracing::debug!("What was copied is copied again, another way: {error}.");
                self.undo();
            }
            CommitError::Renew(error) => {
                if self.set_ailing_apart(&error) {
                    self.renew_at = Some(Instant::now());
                } else {
                    self.renew_because(&error);
                }
            }
            CommitError::Refused(refused) => self.refuse(&refused),
        }
    }

    /// The target refused records. One that would be refused again stops its partition, or is gone on
    /// without; for anything else the stream tries again.
    pub(super) fn refuse(&mut self, refused: &[Refused]) {
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
                Refusal::Oversize | Refusal::Invalid | Refusal::NoDeadLetter => {
                    self.refuse_for_good(slot, first);
                }
                Refusal::Passing | Refusal::Neighbour => {
                    let more = and_more(count - 1);
                    let is_known = self
                        .partitions
                        .get(&slot)
                        .and_then(|p| self.positions.ailing(std::slice::from_ref(&p.twin)).ok())
                        .and_then(|mut found| found.pop().flatten());
                    if let Some(partition) = self.partitions.get_mut(&slot) {
                        partition.is_ailing = is_known.is_some();
                    }
                    let reason = is_known.unwrap_or_else(|| format!("{error}{more}"));
                    self.retry_later(slot, &reason);
                    passing = Some(error);
                }
            }
        }
        if let Some(error) = passing {
            // The idempotent producer's sequence has a hole now: only a new one is sure to go on. The
            // partitions wait, their neighbours do not.
            tracing::debug!("A new epoch, for records were refused: {error}.");
            self.renew_at = Some(Instant::now());
        }
    }

    /// One record of a partition was refused, and would be again: the edge goes on without it, or its
    /// partition stands.
    fn refuse_for_good(&mut self, slot: usize, refused: &Refused) {
        let Some(partition) = self.partitions.get(&slot) else {
            return;
        };
        let fate = self.engine.set_aside(&partition.twin, refused);
        if refused.why != Refusal::NoDeadLetter {
            self.report.refused(&partition.twin, 1);
        }
        if fate != Fate::Stands {
            self.report.set_aside(&partition.twin, refused, fate);
            return;
        }
        let error = &refused.error;
        let reason = match refused.why {
            Refusal::Oversize => {
                format!("oversize: {error}; raise max.message.bytes of the target topic")
            }
            Refusal::NoDeadLetter => {
                format!("oversize: {error}; the dead-letter topic does not take it either")
            }
            _ => format!("refused: {error}"),
        };
        self.halt(slot, &reason);
    }

    pub(super) fn renew_because(&mut self, error: &Error) {
        let wait = self.fenced_wait(error);
        self.back_off(error);
        self.renew_at = Some(Instant::now() + wait);
    }

    /// Aborts, and rewinds every partition that had moved to its committed position.
    pub(super) fn undo(&mut self) {
        if self.renew_at.is_some() {
            return;
        }
        if let Err(error) = self.engine.abort() {
            self.renew_because(&error);
            return;
        }
        if self.dirty_since.take().is_some() {
            self.report.ended(false);
        }
        for partition in self.partitions.values_mut() {
            partition.forget_done();
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

    /// One target topic that cannot be written fails the transaction of all: whether there is one is asked
    /// of the target, and its partitions wait apart. Returns whether some do.
    fn set_ailing_apart(&mut self, error: &Error) -> bool {
        if matches!(
            error.kind,
            ErrorKind::Fenced | ErrorKind::Stale | ErrorKind::Unreachable
        ) {
            return false;
        }
        let slots =
            self.slots(|p| matches!(p.phase, Phase::Open | Phase::Ready | Phase::Waiting(_)));
        let twins: Vec<_> = slots
            .iter()
            .filter_map(|slot| Some(self.partitions.get(slot)?.twin.clone()))
            .collect();
        let Ok(found) = self.positions.ailing(&twins) else {
            return false;
        };
        let mut is_any = false;
        for (slot, reason) in slots.into_iter().zip(found) {
            let Some(partition) = self.partitions.get_mut(&slot) else {
                continue;
            };
            if let Some(reason) = reason
                && !partition.is_ailing
            {
                partition.is_ailing = true;
                self.retry_later(slot, &reason);
                is_any = true;
            }
        }
        is_any
    }

    pub(super) fn fenced_wait(&self, error: &Error) -> Duration {
        match error.kind {
            ErrorKind::Fenced => self.backoff_unit * FENCED_UNITS,
            _ => Duration::ZERO,
        }
    }

    pub(super) fn back_off(&mut self, error: &Error) {
        let wait = self.backoff.next_wait();
        self.report.waits(Some((error, wait)));
        self.wait_until = Some(Instant::now() + wait);
    }
}
