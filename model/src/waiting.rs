//! For how long the oldest record of a partition has waited, told from log ends alone.
//!
//! A record's timestamp is its producer's word, and says nothing of when the record came. But a log end
//! that was seen at a time proves that every record before it was there by then.

use std::collections::VecDeque;
use std::time::Duration;

/// Log ends that are remembered; beyond that every second one is forgotten.
const MARKS_MAX: usize = 64;

/// Log ends of one partition, and when each was seen first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Waiting {
    marks: VecDeque<(i64, Duration)>,
}

impl Waiting {
    /// Notes that the log ended there, by a clock that never goes back.
    pub fn saw(&mut self, end: i64, at: Duration) {
        if self.marks.back().is_none_or(|(last, _)| *last < end) {
            self.marks.push_back((end, at));
        }
        if self.marks.len() > MARKS_MAX {
            let mut number = 0;
            self.marks.retain(|_| {
                number += 1;
                number % 2 == 1
            });
        }
    }

    /// Notes that everything before the position is dealt with.
    pub fn passed(&mut self, position: i64) {
        while self.marks.front().is_some_and(|(end, _)| *end <= position) {
            self.marks.pop_front();
        }
    }

    /// Since when at least one record has waited; `None` where none does.
    pub fn since(&self) -> Option<Duration> {
        self.marks.front().map(|(_, at)| *at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn the_oldest_waits_since_an_end_beyond_it_was_seen() {
        let mut waiting = Waiting::default();
        assert_eq!(waiting.since(), None);
        for (end, at) in [(100, 1), (100, 2), (150, 3), (200, 4)] {
            waiting.saw(end, s(at));
        }
        for (position, since) in [
            (0, Some(s(1))),
            (99, Some(s(1))),
            (100, Some(s(3))),
            (199, Some(s(4))),
            (200, None),
        ] {
            waiting.passed(position);
            assert_eq!(waiting.since(), since, "at {position}");
        }
    }

    #[test]
    fn what_stands_still_keeps_its_first_mark_and_few_others() {
        let mut waiting = Waiting::default();
        (1..=10_000).for_each(|n| waiting.saw(n, s(n.unsigned_abs())));
        assert_eq!(waiting.since(), Some(s(1)));
        assert!(waiting.marks.len() <= MARKS_MAX + 1);
    }
}
