//! How long to wait before something that failed is tried again: longer each time, never the same for two
//! that failed together, and without an end.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};

/// Waits between tries.
#[derive(Debug)]
pub struct Backoff {
    shortest: Duration,
    longest: Duration,
    waits: ExponentialBackoff,
}

impl Backoff {
    /// Waits that double from the shortest up to the longest, each with up to as much again by chance.
    pub fn new(shortest: Duration, longest: Duration) -> Self {
        Self {
            shortest,
            longest,
            waits: waits(shortest, longest),
        }
    }

    /// The next wait.
    pub fn next_wait(&mut self) -> Duration {
        if self.shortest.is_zero() {
            return Duration::ZERO;
        }
        self.waits.next().unwrap_or(self.longest)
    }

    /// It worked: the next wait is the shortest.
    pub fn reset(&mut self) {
        self.waits = waits(self.shortest, self.longest);
    }
}

fn waits(shortest: Duration, longest: Duration) -> ExponentialBackoff {
    ExponentialBuilder::new()
        .with_min_delay(shortest)
        .with_max_delay(longest)
        .with_factor(2.0)
        .with_jitter()
        .without_max_times()
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_up_to_a_bound_without_an_end_and_begin_anew() {
        let (shortest, longest) = (Duration::from_millis(100), Duration::from_secs(5));
        let mut backoff = Backoff::new(shortest, longest);
        let waits: Vec<Duration> = (0..1_000).map(|_| backoff.next_wait()).collect();
        assert!(
            waits[0] >= shortest && waits[0] <= shortest * 3,
            "{:?}",
            waits[0]
        );
        assert!(
            waits[999] >= longest && waits[999] <= longest * 2 + shortest,
            "{:?}",
            waits[999]
        );
        backoff.reset();
        assert!(backoff.next_wait() <= shortest * 3);
        assert_eq!(
            Backoff::new(Duration::ZERO, Duration::ZERO).next_wait(),
            Duration::ZERO
        );
    }
}
