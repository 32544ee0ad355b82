//! How transactions end: committed, undone and rewound, or left to a new epoch.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::{Phase, Stream};
use crate::kafka::{CommitError, Error, ErrorKind, Refusal, Refused, TopicPartition};
use crate::stream::engine::Engine;
use crate::stream::seams::{Positions, Report};

/// Back-off is doubled up to so many times its shortest.
const BACKOFF_UNITS_MAX: u32 = 50;

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
                    &std::mem::take(&mut partition.ages),
                );
            }
        }
        self.report.ended(true);
        self.dirty_since = None;
        self.backoff = self.backoff_unit;
        self.report.waits(None);
        Ok(())
    }

    pub(super) fn undo_because(&mut self, error: CommitError) {
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
            if first.why != Refusal::Passing
                && let Some(partition) = self.partitions.get(&slot)
            {
                self.report.refused(&partition.twin, count as u64);
            }
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

    pub(super) fn fenced_wait(&self, error: &Error) -> Duration {
        match error.kind {
            ErrorKind::Fenced => self.backoff_unit * FENCED_UNITS,
            _ => Duration::ZERO,
        }
    }

    pub(super) fn back_off(&mut self, error: &Error) {
        self.report.waits(Some((error, self.backoff)));
        self.wait_until = Some(Instant::now() + self.backoff);
        self.backoff = (self.backoff * 2).min(self.backoff_unit * BACKOFF_UNITS_MAX);
    }
}
