//! How partitions open: a new epoch where the old one is in doubt, their positions, then reading.

use std::time::Instant;

use crossdock_model::latency::Ages;

use super::{Epochs, Partition, Phase, Stream};
use crate::stream::engine::{Engine, Origin, Tally, Twin};
use crate::stream::seams::{Outlook, Positions, Report};

impl<E: Engine, P: Positions, R: Report> Stream<E, P, R> {
    /// Takes a new epoch if there is need to, reads the committed positions back, and rewinds there.
    pub(super) fn has_epoch(&mut self) -> bool {
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
        if self.dirty_since.take().is_some() {
            self.report.ended(false);
        }
        self.report.waits(None);
        for partition in self.partitions.values_mut() {
            partition.forget_done();
            partition.next = partition.committed.unwrap_or(partition.next);
            if matches!(partition.phase, Phase::Open | Phase::Ready) {
                self.engine.close(&partition.twin);
                partition.phase = Phase::New;
            }
        }
        true
    }

    /// Finds the positions of new partitions, and commits those that are not yet.
    pub(super) fn open_new(&mut self) -> bool {
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
                    begins |= matches!(outlook, Outlook::Begin(_) | Outlook::TakeOver(..));
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
    pub(super) fn wake(&mut self) {
        let now = Instant::now();
        for partition in self.partitions.values_mut() {
            let is_settled = partition
                .committed
                .is_none_or(|committed| committed == partition.next);
            if matches!(partition.phase, Phase::Waiting(until) if until <= now && is_settled) {
                partition.phase = Phase::New;
            }
        }
        self.ask_after_ailing();
    }

    /// Those whose target was found ailing wait until it is so no more.
    fn ask_after_ailing(&mut self) {
        let slots = self.slots(|p| p.phase == Phase::New && p.is_ailing);
        if slots.is_empty() {
            return;
        }
        let twins: Vec<Twin> = slots
            .iter()
            .filter_map(|slot| Some(self.partitions.get(slot)?.twin.clone()))
            .collect();
        let found = match self.positions.ailing(&twins) {
            Ok(found) => found,
            Err(error) => vec![Some(error.to_string()); slots.len()],
        };
        for (slot, reason) in slots.into_iter().zip(found) {
            match (reason, self.partitions.get_mut(&slot)) {
                (Some(reason), _) => self.retry_later(slot, &reason),
                (None, Some(partition)) => partition.is_ailing = false,
                (None, None) => {}
            }
        }
    }

    pub(super) fn settle_in(&mut self, slot: usize, outlook: Outlook) {
        let Some(partition) = self.partitions.get_mut(&slot) else {
            return;
        };
        partition.forget_done();
        partition.former = None;
        partition.target_end = self.positions.origin(&partition.twin).target_end;
        match outlook {
            Outlook::Resume(position) | Outlook::ByHand(position) => {
                if let Outlook::ByHand(_) = outlook {
                    self.report.by_hand(&partition.twin, position);
                }
                let epoch = self.positions.origin(&partition.twin).epoch;
                partition.epochs = Epochs {
                    committed: epoch,
                    next: epoch,
                };
                partition.committed = Some(position);
                partition.next = position;
                partition.phase = Phase::Ready;
                self.report.committed(
                    &partition.twin,
                    position,
                    &Tally::default(),
                    &Ages::default(),
                );
            }
            Outlook::Begin(position) | Outlook::Skip(position) => {
                partition.epochs = Epochs::default();
                partition.committed = None;
                partition.next = position;
                partition.phase = Phase::Ready;
            }
            Outlook::TakeOver(position, former) => {
                partition.former = Some(former);
                partition.epochs = Epochs::default();
                partition.committed = None;
                partition.next = position;
                partition.phase = Phase::Ready;
            }
            Outlook::Halt(reason) => self.halt(slot, &reason),
        }
    }

    pub(super) fn reopen(&mut self) {
        let due = self.slots(|p| match p.phase {
            Phase::Ready => p.committed.is_some(),
            _ => false,
        });
        for slot in due {
            let Some(partition) = self.partitions.get_mut(&slot) else {
                continue;
            };
            let origin = Origin {
                epoch: partition.epochs.next,
                ..self.positions.origin(&partition.twin)
            };
            let opened = self
                .engine
                .open(slot, &partition.twin, partition.next, &origin);
            match opened {
                Ok(()) => {
                    partition.phase = Phase::Open;
                    self.report.going(&partition.twin);
                }
                Err(error) => self.retry_later(slot, &error.to_string()),
            }
        }
    }

    pub(super) fn retry_later(&mut self, slot: usize, reason: &str) {
        if let Some(partition) = self.partitions.get_mut(&slot) {
            self.engine.close(&partition.twin);
            partition.phase = Phase::Waiting(Instant::now() + partition.retries.next_wait());
            self.report.retrying(&partition.twin, reason);
        }
    }

    pub(super) fn halt(&mut self, slot: usize, reason: &str) {
        if let Some(partition) = self.partitions.get_mut(&slot) {
            partition.phase = Phase::Halted;
            self.engine.close(&partition.twin);
            self.report.halted(&partition.twin, reason);
        }
    }

    pub(super) fn slots(&self, is: impl Fn(&Partition) -> bool) -> Vec<usize> {
        self.partitions
            .iter()
            .filter(|(_, p)| is(p))
            .map(|(slot, _)| *slot)
            .collect()
    }
}
