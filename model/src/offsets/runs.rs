//! What is known of a partition: stretches every offset of which was looked at, kept from one question
//! to the next. Between them nothing is assumed.

use super::search::{Search, Stretch};
use super::{Ends, Place};

/// Runs that are kept of one partition: 12 KiB.
const RUNS_MAX: usize = 512;

/// Places that lie next to each other on both sides: they grow alike, offset by offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Run {
    first: Place,
    count: i64,
}

/// A stretch with the edge's places in it, as runs.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Known {
    from: i64,
    upto: i64,
    runs: Vec<Run>,
    /// When it was of use last, by the count of questions.
    used: u64,
    /// When it last held a whole answer.
    answered: u64,
}

/// The stretches that are known of one partition.
#[derive(Clone, Debug, Default)]
pub struct Runs {
    /// By offset; they neither overlap nor touch.
    stretches: Vec<Known>,
    questions: u64,
}

/// What is known of the first place at or after an offset of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum First {
    /// It is this one.
    Is(Place),
    /// There is none before the end.
    None,
    /// That is to be looked at, from here on.
    Unknown(i64),
}

impl Run {
    fn last(&self) -> Place {
        self.at(self.count - 1)
    }

    fn at(&self, number: i64) -> Place {
        Place {
            target: self.first.target + number,
            source: self.first.source + number,
        }
    }

    /// What of it lies in `[from, upto)`.
    fn within(&self, from: i64, upto: i64) -> Option<Self> {
        let skipped = (from - self.first.target).max(0);
        let end = (upto - self.first.target).min(self.count);
        (skipped < end).then(|| Self {
            first: self.at(skipped),
            count: end - skipped,
        })
    }
}

impl Known {
    fn of(stretch: &Stretch, used: u64) -> Self {
        let mut runs: Vec<Run> = Vec::new();
        for place in &stretch.places {
            let next = |run: &Run| run.at(run.count) == *place;
            match runs.last_mut().filter(|run| next(run)) {
                Some(run) => run.count += 1,
                None => runs.push(Run {
                    first: *place,
                    count: 1,
                }),
            }
        }
        Self {
            from: stretch.from,
            upto: stretch.upto,
            runs,
            used,
            answered: 0,
        }
    }

    /// Takes in what another one knows behind the end of this one.
    fn extend(&mut self, other: &Self) {
        for run in &other.runs {
            let Some(rest) = run.within(self.upto, i64::MAX) else {
                continue;
            };
            match self.runs.last_mut().filter(|l| l.at(l.count) == rest.first) {
                Some(last) => last.count += rest.count,
                None => self.runs.push(rest),
            }
        }
        self.upto = self.upto.max(other.upto);
        self.used = self.used.max(other.used);
        self.answered = self.answered.max(other.answered);
    }

    /// Keeps at most half of what may be kept, around an offset.
    fn shrink_around(&mut self, offset: i64) {
        const MOST: usize = RUNS_MAX / 2;
        let Some(surplus) = self.runs.len().checked_sub(MOST + 1) else {
            return;
        };
        let before = self
            .runs
            .iter()
            .take_while(|run| run.last().target < offset);
        let first = before.count().saturating_sub(MOST / 2).min(surplus + 1);
        let from = match first {
            0 => self.from,
            _ => self.runs[first].first.target,
        };
        let behind = self.runs.get(first + MOST);
        let upto = behind.map_or(self.upto, |run| run.first.target);
        self.clip(from, upto);
    }

    fn clip(&mut self, from: i64, upto: i64) {
        let runs = self.runs.iter().filter_map(|run| run.within(from, upto));
        self.runs = runs.collect();
        (self.from, self.upto) = (self.from.max(from), self.upto.min(upto));
    }
}

impl Runs {
    /// Takes in what a look has shown.
    pub fn remember(&mut self, stretch: &Stretch) {
        if stretch.from >= stretch.upto {
            return;
        }
        let touches = |k: &Known| k.from <= stretch.upto && stretch.from <= k.upto;
        let (mut parts, apart): (Vec<_>, Vec<_>) = std::mem::take(&mut self.stretches)
            .into_iter()
            .partition(touches);
        self.stretches = apart;
        parts.push(Known::of(stretch, self.questions));
        parts.sort_by_key(|k| k.from);
        let mut parts = parts.into_iter();
        if let Some(mut merged) = parts.next() {
            parts.for_each(|part| merged.extend(&part));
            self.stretches.push(merged);
        }
        self.stretches.sort_by_key(|k| k.from);
        self.shrink(stretch.from);
    }

    /// Forgets what is outside of the log; all of it, where the log ends before what was seen.
    pub fn clip(&mut self, ends: Ends) {
        if self.stretches.iter().any(|k| k.upto > ends.end) {
            self.stretches.clear();
        }
        self.stretches.retain(|k| k.upto > ends.start);
        let cut = |k: &mut Known| k.clip(ends.start, ends.end);
        self.stretches
            .iter_mut()
            .filter(|k| k.from < ends.start)
            .for_each(cut);
    }

    /// Keeps what was looked at just now, what holds answers, and of the rest what was of use last.
    fn shrink(&mut self, looked_at: i64) {
        let is_new = |k: &Known| (k.from..k.upto).contains(&looked_at);
        if let Some(new) = self.stretches.iter_mut().find(|k| is_new(k)) {
            new.shrink_around(looked_at);
        }
        let count = |all: &[Known]| all.iter().map(|k| k.runs.len().max(1)).sum::<usize>();
        while count(&self.stretches) > RUNS_MAX {
            let others = (0..self.stretches.len()).filter(|i| !is_new(&self.stretches[*i]));
            let oldest = others.min_by_key(|i| {
                let known = &self.stretches[*i];
                (known.answered, known.used)
            });
            let Some(oldest) = oldest else { return };
            self.stretches.remove(oldest);
        }
    }

    /// A search for the first place whose source offset is at least `wanted`, that begins with what is
    /// known.
    pub fn search(&mut self, wanted: i64, ends: Ends) -> Search {
        self.questions += 1;
        let (mut low, mut before) = (ends.start, None);
        for known in &mut self.stretches {
            let first = known
                .runs
                .iter()
                .position(|run| run.last().source >= wanted);
            if let Some(number) = first {
                known.used = self.questions;
                let run = known.runs[number];
                let skipped = (wanted - run.first.source).max(0);
                let found = Some(run.at(skipped));
                let previous = match (skipped, number) {
                    (0, 0) => None,
                    (0, _) => Some(known.runs[number - 1].last()),
                    (_, _) => Some(run.at(skipped - 1)),
                };
                // With its neighbour the boundary is known; else it lies between two stretches.
                let high = if previous.is_some() { low } else { known.from };
                if high <= low {
                    known.answered = self.questions;
                }
                let before = previous.or(before);
                return Search::knowing(wanted, (low.min(high), high), (before, found));
            }
            if let Some(last) = known.runs.last() {
                known.used = self.questions;
                before = Some(last.last());
                low = low.max(known.upto);
            } else if known.from <= low {
                low = low.max(known.upto);
            }
        }
        let last = self.stretches.iter_mut().find(|k| k.upto == low);
        if let Some(last) = last.filter(|_| low >= ends.end) {
            last.answered = self.questions;
        }
        Search::knowing(wanted, (low, ends.end), (before, None))
    }

    /// The first place at or after an offset of the log.
    pub fn first_at(&mut self, offset: i64, end: i64) -> First {
        self.questions += 1;
        let mut at = offset;
        for known in &mut self.stretches {
            if known.upto <= at {
                continue;
            }
            if known.from > at {
                break;
            }
            (known.used, known.answered) = (self.questions, self.questions);
            let rest = known.runs.iter().find_map(|run| run.within(at, i64::MAX));
            if let Some(run) = rest {
                return First::Is(run.first);
            }
            at = known.upto;
        }
        if at >= end {
            First::None
        } else {
            First::Unknown(at)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Random(u64);

    impl Random {
        fn below(&mut self, below: u64) -> u64 {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            self.0 % below
        }
    }

    /// A log with gaps on both sides that grows: places by offset, and the end.
    struct Log {
        places: Vec<Place>,
        ends: Ends,
        source: i64,
    }

    impl Log {
        fn grow(&mut self, random: &mut Random, count: u64) {
            for _ in 0..count {
                self.ends.end += 1 + if random.below(8) == 0 {
                    random.below(30) as i64
                } else {
                    0
                };
                self.source += 1 + if random.below(9) == 0 {
                    random.below(20) as i64
                } else {
                    0
                };
                if random.below(5) > 0 {
                    self.places.push(Place {
                        target: self.ends.end - 1,
                        source: self.source,
                    });
                }
            }
        }

        fn look(&self, from: i64, size: usize) -> Stretch {
            let behind = self.places.iter().filter(|p| p.target >= from);
            let places: Vec<_> = behind.take(size).copied().collect();
            let upto = match places.last() {
                Some(last) if places.len() == size => last.target + 1,
                _ => self.ends.end,
            };
            Stretch { from, upto, places }
        }
    }

    #[test]
    fn what_is_remembered_never_changes_an_answer_and_asks_nothing_twice() {
        let (mut asked, mut cold, mut again) = (0, 0, 0);
        for seed in 1..=200u64 {
            let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
            let start = random.below(100) as i64;
            let mut log = Log {
                places: Vec::new(),
                ends: Ends { start, end: start },
                source: 0,
            };
            let mut runs = Runs::default();
            for _ in 0..40 {
                let grown = random.below(15);
                log.grow(&mut random, grown);
                if random.below(6) == 0 {
                    log.ends.start += random.below(20) as i64;
                    log.ends.start = log.ends.start.min(log.ends.end);
                    let start = log.ends.start;
                    log.places.retain(|p| p.target >= start);
                }
                runs.clip(log.ends);
                let wanted = random.below(log.source as u64 + 5) as i64;
                let truth = log.places.iter().find(|p| p.source >= wanted).copied();
                for round in 0..2 {
                    let mut search = runs.search(wanted, log.ends);
                    while let Some(from) = search.next_look() {
                        let stretch = log.look(from, 1 + random.below(30) as usize);
                        runs.remember(&stretch);
                        search.see(&stretch);
                        if round == 0 { cold += 1 } else { again += 1 }
                    }
                    assert_eq!(search.found(), truth, "seed {seed}, wanted {wanted}");
                    asked += 1;
                }
                let at = log.ends.start
                    + random.below((log.ends.end - log.ends.start + 1) as u64) as i64;
                let truth = log.places.iter().find(|p| p.target >= at).copied();
                let is = loop {
                    match runs.first_at(at, log.ends.end) {
                        First::Is(place) => break Some(place),
                        First::None => break None,
                        First::Unknown(from) => runs.remember(&log.look(from, 7)),
                    }
                };
                assert_eq!(is, truth, "seed {seed}, at {at}");
            }
        }
        println!("{asked} questions, {cold} looks for the first time, {again} for the second");
        assert_eq!(again, 0);
    }

    #[test]
    fn a_log_that_ends_before_what_was_seen_is_another_one() {
        let mut runs = Runs::default();
        let places = vec![Place {
            target: 5,
            source: 50,
        }];
        runs.remember(&Stretch {
            from: 0,
            upto: 10,
            places,
        });
        runs.clip(Ends { start: 0, end: 3 });
        assert_eq!(runs.first_at(0, 3), First::Unknown(0));
    }

    #[test]
    fn memory_has_a_bound() {
        let mut runs = Runs::default();
        for i in 0..10_000 {
            // Every other offset is somebody else's.
            let places = vec![Place {
                target: i * 4,
                source: i * 7,
            }];
            runs.remember(&Stretch {
                from: i * 4,
                upto: i * 4 + 2,
                places,
            });
        }
        let count: usize = runs.stretches.iter().map(|k| k.runs.len()).sum();
        assert!(count <= RUNS_MAX, "{count}");
        // Of one long stretch what was looked at last is kept.
        let mut runs = Runs::default();
        for from in [0, 20_000] {
            let places = (0..10_000).map(|i| Place {
                target: from + i * 2,
                source: (from + i * 2) * 2,
            });
            let places: Vec<_> = places.collect();
            let first = First::Is(places[0]);
            runs.remember(&Stretch {
                from,
                upto: from + 20_000,
                places,
            });
            let count: usize = runs.stretches.iter().map(|k| k.runs.len()).sum();
            assert!(count <= RUNS_MAX, "{count}");
            assert_eq!(runs.first_at(from, 40_000), first);
        }
    }
}
