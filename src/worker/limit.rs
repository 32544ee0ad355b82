//! The rate limit of an edge: a bucket that may be overdrawn by one batch, and is then waited for.

use std::time::{Duration, Instant};

use crossdock_model::edge::Limit;

use crate::kafka::BATCH_RECORDS_MAX;
use crate::stream::Tally;

/// Records to take at once, so that one batch does not overdraw the limit by much.
pub(super) fn batch_records_max(limit: Option<Limit>) -> usize {
    match limit {
        None => BATCH_RECORDS_MAX,
        Some(Limit::Records(rate)) => usize::try_from(rate / 20)
            .unwrap_or(BATCH_RECORDS_MAX)
            .max(1),
        // Sizes are not known before: records of a kilobyte are a usual guess.
        Some(Limit::Bytes(rate)) => usize::try_from(rate / 20 / 1024)
            .unwrap_or(BATCH_RECORDS_MAX)
            .max(1),
    }
}

/// One stream's share of the edge's limit.
pub(super) struct Limiter {
    per_second: Option<(Limit, f64)>,
    /// What may be copied now; negative after a batch that was larger than that.
    allowance: f64,
    filled: Instant,
}

impl Limiter {
    pub(super) fn new(limit: Option<Limit>, streams: usize) -> Self {
        let share = |amount: u64| amount as f64 / streams.max(1) as f64;
        let per_second = limit.map(|limit| match limit {
            Limit::Bytes(amount) | Limit::Records(amount) => (limit, share(amount)),
        });
        Self {
            per_second,
            allowance: 0.0,
            filled: Instant::now(),
        }
    }

    /// Whether a batch may be copied now.
    pub(super) fn allows(&mut self) -> bool {
        let Some((_, rate)) = self.per_second else {
            return true;
        };
        let now = Instant::now();
        // A quiet second is not saved up: the limit is for every second.
        self.allowance =
            (self.allowance + rate * (now - self.filled).as_secs_f64()).min(rate / 10.0);
        self.filled = now;
        self.allowance >= 0.0
    }

    /// Notes what was copied.
    pub(super) fn spent(&mut self, tally: Tally) {
        match self.per_second {
            Some((Limit::Bytes(_), _)) => self.allowance -= tally.bytes as f64,
            Some((Limit::Records(_), _)) => self.allowance -= tally.records as f64,
            None => {}
        }
    }

    /// How long until a batch may be copied.
    pub(super) fn wait(&self) -> Duration {
        match self.per_second {
            Some((_, rate)) if self.allowance < 0.0 => {
                Duration::try_from_secs_f64(-self.allowance / rate).unwrap_or(Duration::MAX)
            }
            _ => Duration::MAX,
        }
    }
}
