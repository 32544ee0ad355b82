//! What one stream tells its edge's status, and the log.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{Elsewhere, Partition, State, Status};
use crossdock_model::latency::Ages;

use crate::clock;
use crate::kafka::{Error, ErrorKind, Refused};
use crate::stream::{Fate, Report, Tally, Twin};

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
    fn pending(&self, twin: &Twin, timestamp: i64) {
        self.status
            .with(twin, |partition| partition.pending = Some(timestamp));
    }

    fn committed(&self, twin: &Twin, position: i64, tally: &Tally, ages: &Ages) {
        let now_ms = clock::now_ms();
        let mut inner = self.status.lock();
        inner.counts.done.add(tally);
        inner.counts.latency.observe_all(ages, now_ms);
        let total = inner.tallies.entry(twin.source()).or_default();
        if total.zero_timestamps == 0 && tally.zero_timestamps > 0 {
            tracing::warn!(
                edge = self.status.name,
                topic = &*twin.source_topic,
                partition = twin.partition,
                "Records have timestamp 0, which librdkafka takes for none: they get the present time."
            );
        }
        total.add(tally);
        drop(inner);
        let at = self.status.born.elapsed();
        self.status.with(twin, |partition| {
            if partition.position.is_none_or(|before| before < position) {
                partition.progress = Instant::now();
            }
            partition.position = Some(position);
            partition.pending = None;
            partition.looked(at);
        });
    }

    fn ended(&self, is_committed: bool) {
        let word = if is_committed { "Committed" } else { "Undone" };
        tracing::debug!(
            edge = self.status.name,
            stream = self.stream,
            "{word} a transaction."
        );
        self.status.count(|counts| match is_committed {
            true => counts.committed += 1,
            false => counts.aborted += 1,
        });
    }

    fn refused(&self, _: &Twin, records: u64) {
        self.status.count(|counts| counts.refused += records);
    }

    fn set_aside(&self, twin: &Twin, refused: &Refused, fate: Fate) {
        let Refused {
            source_offset: offset,
            bytes,
            error,
            ..
        } = refused;
        let what = match fate {
            Fate::DeadLetter => "it goes to the dead-letter topic",
            _ => "it is left out",
        };
        tracing::error!(
            edge = self.status.name,
            topic = &*twin.source_topic,
            partition = twin.partition,
            offset,
            bytes,
            "The target refused the record at offset {offset} of {}-{}, {bytes} bytes: {what}: {error}.",
            twin.source_topic,
            twin.partition
        );
        self.status.count(|counts| counts.set_aside += 1);
    }

    fn end_seen(&self, twin: &Twin, end: i64) {
        let at = self.status.born.elapsed();
        self.status.with(twin, |partition| {
            partition.end = Some(partition.end.unwrap_or(end).max(end));
            partition.looked(at);
        });
    }

    fn came(&self, twin: &Twin) {
        self.status
            .with(twin, |partition| *partition = Partition::new(twin));
        self.status.begun(|place| *place == twin.source());
    }

    fn lost(&self, twin: &Twin, from: i64, to: i64) {
        tracing::error!(
            edge = self.status.name,
            topic = &*twin.source_topic,
            partition = twin.partition,
            offset = from,
            "Offsets [{from}, {to}) are lost."
        );
        self.status.count(|counts| {
            counts.lost_offsets += u64::try_from(to - from).unwrap_or(0);
            counts.lost_ranges += 1;
        });
    }

    fn by_hand(&self, twin: &Twin, position: i64) {
        tracing::warn!(
            edge = self.status.name,
            topic = &*twin.source_topic,
            partition = twin.partition,
            offset = position,
            "The position was set to {position} by hand."
        );
        self.status
            .with(twin, |partition| partition.by_hand = Some(position));
    }

    fn going(&self, twin: &Twin) {
        self.status.with(twin, |partition| partition.trouble = None);
    }

    fn retrying(&self, twin: &Twin, reason: &str) {
        tracing::warn!(
            edge = self.status.name,
            topic = &*twin.source_topic,
            partition = twin.partition,
            "{reason}."
        );
        self.status.count(|counts| counts.retry(ErrorKind::Other));
        self.status.with(twin, |partition| {
            partition.trouble = Some((State::Retrying, reason.to_owned()))
        });
    }

    fn halted(&self, twin: &Twin, reason: &str) {
        let mut offset = None;
        self.status.with(twin, |partition| {
            partition.trouble = Some((State::Halted, reason.to_owned()));
            offset = partition.position;
        });
        tracing::error!(
            edge = self.status.name,
            topic = &*twin.source_topic,
            partition = twin.partition,
            offset,
            "{reason}."
        );
    }

    fn gone(&self, twin: &Twin) {
        let mut inner = self.status.lock();
        inner.partitions.remove(&twin.source());
        inner.elsewhere = Elsewhere::Unknown;
    }

    fn waits(&self, why: Option<(&Error, Duration)>) {
        let mut inner = self.status.lock();
        if let Some((error, _)) = why {
            inner.counts.retry(error.kind);
        }
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
