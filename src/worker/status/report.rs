//! What one stream tells its edge's status, and the log.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{Partition, State, Status};
use crate::kafka::{Error, ErrorKind};
use crate::stream::{Report, Tally, Twin};

/// A stream whose lease is stale for longer than this has a trouble to tell.
const STALE_MAX: Duration = Duration::from_secs(3);

/// What one stream tells.
#[derive(Clone)]
pub struct StreamReport {
    /// Where it is told.
    pub status: Arc<Status>,
    /// Number of the stream within its edge.
    pub stream: usize,
}

impl Report for StreamReport {
    fn committed(&self, twin: &Twin, position: i64, tally: &Tally) {
        self.status.lock().totals.add(tally);
        self.status.with(twin, |partition| {
            partition.position = Some(position);
            if tally.last_timestamp > 0 {
                partition.last_timestamp = tally.last_timestamp;
            }
        });
    }

    fn end_seen(&self, twin: &Twin, end: i64) {
        self.status.with(twin, |partition| {
            partition.end = Some(partition.end.unwrap_or(end).max(end))
        });
    }

    fn came(&self, twin: &Twin) {
        self.status
            .with(twin, |partition| *partition = Partition::new(twin));
    }

    fn lost(&self, twin: &Twin, from: i64, to: i64) {
        tracing::error!(
            edge = self.status.name,
            topic = &*twin.source_topic,
            partition = twin.partition,
            "Offsets [{from}, {to}) are lost."
        );
        self.status.lock().lost += u64::try_from(to - from).unwrap_or(0);
    }

    fn going(&self, twin: &Twin) {
        self.status.with(twin, |partition| partition.trouble = None);
    }

    fn retrying(&self, twin: &Twin, reason: &str) {
        tracing::warn!(edge = self.status.name, "{reason}.");
        self.status.with(twin, |partition| {
            partition.trouble = Some((State::Retrying, reason.to_owned()))
        });
    }

    fn halted(&self, twin: &Twin, reason: &str) {
        tracing::error!(
            edge = self.status.name,
            topic = &*twin.source_topic,
            partition = twin.partition,
            "{reason}."
        );
        self.status.with(twin, |partition| {
            partition.trouble = Some((State::Halted, reason.to_owned()))
        });
    }

    fn gone(&self, twin: &Twin) {
        self.status.lock().partitions.remove(&twin.source());
    }

    fn waits(&self, why: Option<(&Error, Duration)>) {
        let mut inner = self.status.lock();
        let Some(waits) = inner.waits.get_mut(self.stream) else {
            return;
        };
        match why {
            None => *waits = None,
            // A rebalance in between is the group's everyday life.
            Some((error, backoff)) if error.kind == ErrorKind::Stale && backoff < STALE_MAX => {
                tracing::debug!(
                    edge = self.status.name,
                    stream = self.stream,
                    "{error}; next try in {backoff:?}."
                );
            }
            Some((error, backoff)) => {
                tracing::warn!(
                    edge = self.status.name,
                    stream = self.stream,
                    "{error}; next try in {backoff:?}."
                );
                let since = waits
                    .as_ref()
                    .map_or_else(Instant::now, |(since, _)| *since);
                *waits = Some((since, error.clone()));
            }
        }
    }
}
