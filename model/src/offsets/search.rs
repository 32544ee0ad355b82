//! The search: which target offsets to look at next, until one record is known to be the first.

use super::Place;

/// A window this small is read from its start: no guess is better.
const SMALL_WINDOW: i64 = 64;

/// A guess aims so far before the place it expects, so that one look sees both sides of the boundary.
const AIM_BEFORE: i64 = 32;

/// What one look at a target partition has shown: every record of the edge in `[from, upto)`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stretch {
    /// First target offset that was looked at.
    pub from: i64,
    /// First target offset that was not.
    pub upto: i64,
    /// The edge's records between the two, in target order. There may be none.
    pub places: Vec<Place>,
}

/// Looks for the first record of an edge whose source offset is at least the wanted one.
///
/// Between two records of an edge that lie next to each other, the edge has left nothing out that it
/// copies: so everything from the boundary on is safe to read from there, also where an edge that
/// delivers at least once has gone back.
#[derive(Clone, Debug)]
pub struct Search {
    wanted: i64,
    /// Every record before it was read before `wanted`.
    low: i64,
    /// The edge's first record at or behind it is `found`; none where that is `None`.
    high: i64,
    /// The last look that has not yet met a record of the edge: where it began, and how far it is.
    chain: Option<(i64, i64)>,
    before: Option<Place>,
    found: Option<Place>,
    /// Where two source offsets may lie: it only chooses where to look.
    guide: Option<(Place, Place)>,
    looks: usize,
}

impl Search {
    /// A search for `wanted` between the log start offset and the end of the target partition.
    pub fn new(wanted: i64, (start, end): (i64, i64)) -> Self {
        Self {
            wanted,
            low: start,
            high: end.max(start),
            chain: None,
            before: None,
            found: None,
            guide: None,
            looks: 0,
        }
    }

    /// A search in what is left between two places that are known: every record before `low` was read
    /// before `wanted`, and the first record at or behind `high` is `found`.
    pub(super) fn knowing(
        wanted: i64,
        (low, high): (i64, i64),
        (before, found): (Option<Place>, Option<Place>),
    ) -> Self {
        Self {
            before,
            found,
            ..Self::new(wanted, (low, high))
        }
    }

    /// A guess of where two source offsets lie on the target: it only chooses where to look, as long as
    /// nothing is known.
    #[must_use]
    pub fn guided(mut self, before: Place, after: Place) -> Self {
        self.guide = Some((before, after));
        self
    }

    /// Where to look next; `None` when the answer is known.
    pub fn next_look(&mut self) -> Option<i64> {
        if let Some((_, upto)) = self.chain {
            return Some(upto);
        }
        let guess = self.interpolate();
        if self.low >= self.high {
            return None;
        }
        let window = self.high - self.low;
        if window <= SMALL_WINDOW {
            return Some(self.low);
        }
        let middle = self.low + window / 2;
        // A guess from both sides brackets the place; one that is wrong again and again must not cost
        // more than halving does.
        let margin = window.isqrt() * 2;
        let at = match (guess, self.looks % 3) {
            (Some(guess), 0) => guess - margin.min(AIM_BEFORE),
            (Some(guess), 1) => guess + margin,
            (Some(guess), _) if self.looks < 9 => guess - margin,
            _ => middle,
        };
        Some(at.clamp(self.low, self.high - 1))
    }

    fn interpolate(&self) -> Option<i64> {
        let guide = self.guide.unzip();
        let (before, after) = (self.before.or(guide.0)?, self.found.or(guide.1)?);
        let (source, target) = (after.source - before.source, after.target - before.target);
        if source <= 0 || target < 0 {
            return None;
        }
        let share =
            i128::from(self.wanted - before.source) * i128::from(target) / i128::from(source);
        let ahead = i64::try_from(share).ok()?;
        Some(
            before
                .target
                .saturating_add(ahead)
                .saturating_sub(AIM_BEFORE),
        )
    }

    /// Takes in what a look has shown.
    pub fn see(&mut self, stretch: &Stretch) {
        let from = self.chain.take().map_or(stretch.from, |(from, _)| from);
        self.looks += 1;
        let within = stretch.places.iter().take_while(|p| p.target < self.high);
        let mut last = None;
        for place in within {
            if place.source >= self.wanted {
                self.found = Some(*place);
                // With its neighbour on the other side, or the whole way to it, the boundary is known.
                self.high = if last.is_some() || from <= self.low {
                    self.low
                } else {
                    from
                };
                self.before = last.or(self.before);
                return;
            }
            last = Some(*place);
        }
        let upto = stretch.upto.min(self.high);
        if last.is_some() || from <= self.low {
            self.before = last.or(self.before);
            self.low = upto;
        } else if upto >= self.high {
            self.high = from;
        } else {
            self.chain = Some((from, upto));
        }
    }

    /// The first record of the edge at or after the wanted offset, once [`Search::next_look`] is `None`.
    pub fn found(&self) -> Option<Place> {
        self.found
    }

    /// The record of the edge before it, where one was seen.
    pub fn before(&self) -> Option<Place> {
        self.before
    }

    /// How many looks it took.
    pub fn looks(&self) -> usize {
        self.looks
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Looks at a partition as a reader would: `size` records at most.
    fn look(log: &[(i64, Option<i64>)], from: i64, end: i64, size: usize) -> Stretch {
        let seen: Vec<_> = log.iter().filter(|(t, _)| *t >= from).take(size).collect();
        let upto = match seen.last() {
            Some((target, _)) if seen.len() == size => target + 1,
            _ => end,
        };
        let ours = seen.into_iter().filter_map(|(target, source)| {
            Some(Place {
                target: *target,
                source: (*source)?,
            })
        });
        Stretch {
            from,
            upto,
            places: ours.collect(),
        }
    }

    /// A target partition with gaps on both sides; `None` is a record of somebody else.
    fn log(seed: u64, count: usize, others: u64) -> (Vec<(i64, Option<i64>)>, i64) {
        let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let mut random = |below: u64| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state % below
        };
        let (mut target, mut source) = (random(1_000) as i64, random(1_000) as i64);
        let mut log = Vec::new();
        for _ in 0..count {
            target += 1 + if random(10) == 0 {
                random(50) as i64
            } else {
                0
            };
            source += 1 + if random(7) == 0 {
                random(200) as i64
            } else {
                0
            };
            let ours = random(100) >= others;
            log.push((target, ours.then_some(source)));
        }
        (log, target + 1 + random(3) as i64)
    }

    #[test]
    fn whatever_is_wanted_the_first_record_at_or_after_it_is_found() {
        let (mut asked, mut most) = (0, 0);
        for seed in 1..=200 {
            let others = [0, 0, 10, 90, 100][seed as usize % 5];
            let (log, end) = log(seed, 3_000, others);
            let start = log[0].0 - seed as i64 % 3;
            let sources: Vec<i64> = log.iter().filter_map(|(_, s)| *s).collect();
            let (least, last) = (
                sources.first().copied().unwrap_or(0),
                sources.last().copied().unwrap_or(10),
            );
            for step in 0..40 {
                let wanted = least - 2 + (last - least + 4) * step / 39;
                let truth = log.iter().find(|(_, s)| s.is_some_and(|s| s >= wanted));
                let guess = (
                    Place {
                        target: start,
                        source: least,
                    },
                    Place {
                        target: end,
                        source: last,
                    },
                );
                let mut search = Search::new(wanted, (start, end)).guided(guess.0, guess.1);
                while let Some(from) = search.next_look() {
                    assert!((start..end).contains(&from));
                    search.see(&look(&log, from, end, 50));
                }
                let found = search.found().map(|p| (p.target, Some(p.source)));
                assert_eq!(found, truth.copied(), "seed {seed}, wanted {wanted}");
                if others < 50 {
                    most = most.max(search.looks());
                }
                asked += 1;
            }
        }
        println!("{asked} offsets found, at most {most} looks where most records are the edge's");
        assert!(most <= 20, "{most} looks");
    }

    #[test]
    fn in_a_million_records_twenty_looks_are_enough() {
        let (log, end) = log(7, 1_000_000, 0);
        let mut most = 0;
        for step in 0..200 {
            let wanted = log[step * 4_999].1.unwrap() + 1;
            let mut search = Search::new(wanted, (0, end));
            while let Some(from) = search.next_look() {
                search.see(&look(&log, from, end, 200));
            }
            most = most.max(search.looks());
        }
        println!("200 offsets in a million records: at most {most} looks, without a guess");
        assert!(most <= 20, "{most} looks");
    }

    #[test]
    fn after_a_replay_nothing_unread_is_skipped() {
        // 0 to 99, then again from 60 on, as at-least-once delivery may leave it.
        let log: Vec<(i64, Option<i64>)> = (0..100)
            .chain(60..200)
            .enumerate()
            .map(|(target, source)| (target as i64, Some(source)))
            .collect();
        for wanted in 0..200 {
            let mut search = Search::new(wanted, (0, 240));
            while let Some(from) = search.next_look() {
                search.see(&look(&log, from, 240, 10));
            }
            let from = search.found().expect("it was copied").target;
            let read: std::collections::BTreeSet<i64> = log
                .iter()
                .filter(|(t, _)| *t >= from)
                .filter_map(|(_, s)| *s)
                .collect();
            assert!(
                (wanted..200).all(|s| read.contains(&s)),
                "wanted {wanted}, from {from}"
            );
        }
    }
}
