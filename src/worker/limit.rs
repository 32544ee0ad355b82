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
    pub(super) fn new(limit: Option<Limit>, streams: usize, now: Instant) -> Self {
        let share = |amount: u64| amount as f64 / streams.max(1) as f64;
        let per_second = limit.map(|limit| match limit {
            Limit::Bytes(amount) | Limit::Records(amount) => (limit, share(amount)),
        });
        Self {
            per_second,
            allowance: 0.0,
            filled: now,
        }
    }

    /// Whether a batch may be copied now.
    pub(super) fn allows(&mut self, now: Instant) -> bool {
        let Some((_, rate)) = self.per_second else {
            return true;
        };
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

#[cfg(test)]
mod tests {
    use super::*;

    /// What goes in a minute, in units of the limit's rate.
    fn share(limit: Limit, streams: usize, batch: impl Fn(u64) -> Tally) -> f64 {
        let mut now = Instant::now();
        let end = now + Duration::from_secs(60);
        let mut limiter = Limiter::new(Some(limit), streams, now);
        let (mut amount, mut number) = (0, 0);
        while now < end {
            if !limiter.allows(now) {
                now += limiter.wait().max(Duration::from_micros(1));
                continue;
            }
            let tally = batch(number);
            number += 1;
            amount += match limit {
                Limit::Bytes(_) => tally.bytes,
                Limit::Records(_) => tally.records,
            };
            limiter.spent(tally);
            // Copying takes a moment, and now and then nothing has come.
            now += Duration::from_millis(if number % 7 == 0 { 60 } else { 3 });
        }
        let (Limit::Bytes(rate) | Limit::Records(rate)) = limit;
        amount as f64 / (rate as f64 / streams as f64 * 60.0)
    }

    #[test]
    fn a_limit_holds_within_a_twentieth_whatever_the_size_of_records() {
        let records = |n: u64| Tally {
            records: 1 + n * 7 % 1_000,
            ..Tally::default()
        };
        let bytes = |n: u64| Tally {
            bytes: [200, 90_000, 1_000_000][(n % 3) as usize],
            ..Tally::default()
        };
        for streams in [1, 4] {
            let held = [
                share(Limit::Records(20_000), streams, records),
                share(Limit::Bytes(20 << 20), streams, bytes),
            ];
            assert!(held.iter().all(|h| (0.95..=1.05).contains(h)), "{held:?}");
        }
    }
}
