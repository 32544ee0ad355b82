//! Latency as a histogram: from a record's timestamp to its commit at the target.
//!
//! A record's timestamp is at hand when it is read, its latency only when it is committed. In between
//! [`Ages`] keeps what is needed, in a few runs for each batch instead of a number for each record.

/// Parts that each doubling of the latency is divided into: a bound is at most a quarter above the one
/// before it.
const PARTS: usize = 4;

/// Doublings from [`FIRST_MS`] on: the last bound is over an hour.
const DOUBLINGS: usize = 22;

/// The first bound, in milliseconds.
const FIRST_MS: u64 = 1;

/// Buckets; the last one has no upper bound.
const BUCKETS: usize = PARTS * DOUBLINGS + 1;

/// A timestamp is kept with an error of at most one part in so many of the record's age.
const AGE_PRECISION: u64 = 32;

/// Runs that are kept before equal ones are put together.
const RUNS_MAX: usize = 4_096;

/// How many records had which latency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Histogram {
    counts: [u64; BUCKETS],
    sum_ms: u64,
}

/// The timestamps of records that are read and not yet committed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ages {
    /// A timestamp in milliseconds since the epoch, and of how many records it is.
    runs: Vec<(i64, u64)>,
    /// The timestamp of the first of them.
    first: Option<i64>,
}

// === impl Histogram ===

impl Default for Histogram {
    fn default() -> Self {
        Self {
            counts: [0; BUCKETS],
            sum_ms: 0,
        }
    }
}

impl Histogram {
    /// Upper bounds in seconds of all buckets but the last.
    pub fn bounds() -> impl Iterator<Item = f64> {
        (0..BUCKETS - 1).map(|bucket| bound_ms(bucket) / 1000.0)
    }

    /// Counts records that had this latency. Clocks differ: a negative one counts as none.
    pub fn observe(&mut self, latency_ms: i64, records: u64) {
        let latency_ms = u64::try_from(latency_ms).unwrap_or(0);
        self.counts[bucket_of(latency_ms)] += records;
        self.sum_ms = self
            .sum_ms
            .saturating_add(latency_ms.saturating_mul(records));
    }

    /// Counts records that were committed at this time, in milliseconds since the epoch.
    pub fn observe_all(&mut self, ages: &Ages, committed_ms: i64) {
        for (timestamp, records) in &ages.runs {
            self.observe(committed_ms.saturating_sub(*timestamp), *records);
        }
    }

    /// What came since an earlier state of the same histogram.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        let mut difference = Self::default();
        for (bucket, count) in difference.counts.iter_mut().enumerate() {
            *count = self.counts[bucket].saturating_sub(earlier.counts[bucket]);
        }
        difference.sum_ms = self.sum_ms.saturating_sub(earlier.sum_ms);
        difference
    }

    /// How many records were counted.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Their latencies together, in seconds.
    pub fn sum_seconds(&self) -> f64 {
        self.sum_ms as f64 / 1000.0
    }

    /// Records in each bucket, in the order of [`Self::bounds`], the last one without a bound at the end.
    pub fn counts(&self) -> &[u64] {
        &self.counts
    }

    /// The latency in seconds that this share of the records (0 to 1) stayed within, to a quarter at
    /// worst; `None` without records. Beyond the last bound it is that bound.
    pub fn quantile(&self, share: f64) -> Option<f64> {
        let count = self.count();
        if count == 0 {
            return None;
        }
        let wanted = share.clamp(0.0, 1.0) * count as f64;
        let mut below = 0.0;
        for (bucket, count) in self.counts.iter().enumerate() {
            let here = *count as f64;
            if here > 0.0 && below + here >= wanted {
                let lower = bucket.checked_sub(1).map_or(0.0, bound_ms);
                let upper = bound_ms(bucket.min(BUCKETS - 2));
                let part = (wanted - below) / here;
                return Some((lower + (upper - lower).max(0.0) * part) / 1000.0);
            }
            below += here;
        }
        Some(bound_ms(BUCKETS - 2) / 1000.0)
    }
}

/// 1, 1.25, 1.5, 1.75, 2, 2.5 … milliseconds.
fn bound_ms(bucket: usize) -> f64 {
    let doubling = (FIRST_MS << (bucket / PARTS)) as f64;
    doubling * (1.0 + (bucket % PARTS) as f64 / PARTS as f64)
}

/// The first bucket whose bound is not below the latency.
fn bucket_of(latency_ms: u64) -> usize {
    if latency_ms <= FIRST_MS {
        return 0;
    }
    let doubling = (latency_ms / FIRST_MS).ilog2() as usize;
    let first = (doubling * PARTS).min(BUCKETS - 1);
    (first..BUCKETS - 1)
        .find(|bucket| bound_ms(*bucket) >= latency_ms as f64)
        .unwrap_or(BUCKETS - 1)
}

// === impl Ages ===

impl Ages {
    /// Notes a record that was read at `now_ms`, both in milliseconds since the epoch. A record without
    /// a timestamp has no latency.
    pub fn note(&mut self, timestamp: i64, now_ms: i64) {
        if timestamp < 0 {
            return;
        }
        self.first.get_or_insert(timestamp);
        let kept = rounded(timestamp, now_ms);
        match self.runs.last_mut() {
            Some((last, records)) if *last == kept => *records += 1,
            _ => self.push(kept, 1),
        }
    }

    /// Adds what was noted later.
    pub fn append(&mut self, later: Self) {
        self.first = self.first.or(later.first);
        for (timestamp, records) in later.runs {
            match self.runs.last_mut() {
                Some((last, so_far)) if *last == timestamp => *so_far += records,
                _ => self.push(timestamp, records),
            }
        }
    }

    /// The timestamp of the first record noted, in milliseconds since the epoch.
    pub fn first(&self) -> Option<i64> {
        self.first
    }

    fn push(&mut self, timestamp: i64, records: u64) {
        if self.runs.len() >= RUNS_MAX {
            self.merge();
        }
        self.runs.push((timestamp, records));
    }

    /// Puts equal ones together: of records in no order at all, rounded ages leave few.
    fn merge(&mut self) {
        self.runs.sort_unstable();
        self.runs.dedup_by(|later, kept| {
            let is_same = later.0 == kept.0;
            if is_same {
                kept.1 += later.1;
            }
            is_same
        });
    }
}

/// A timestamp with as many digits as the age of its record asks for.
fn rounded(timestamp: i64, now_ms: i64) -> i64 {
    let age = u64::try_from(now_ms.saturating_sub(timestamp)).unwrap_or(0);
    let error = age / AGE_PRECISION;
    if error < 2 {
        return timestamp;
    }
    let step = 1_i64 << error.ilog2();
    (timestamp & !(step - 1)) + step / 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_latency_falls_into_the_bucket_whose_bound_is_just_not_below_it() {
        for latency in (0..20_000).chain([1_000_000, 4_194_303, 4_194_304, 7_340_033, u64::MAX]) {
            let bucket = bucket_of(latency);
            assert!(bucket == BUCKETS - 1 || bound_ms(bucket) >= latency as f64);
            assert!(
                bucket == 0 || bound_ms(bucket - 1) < latency as f64,
                "{latency}"
            );
        }
        let bounds: Vec<_> = Histogram::bounds().collect();
        assert!(bounds.is_sorted_by(|a, b| a < b));
        assert_eq!(
            bounds[..6],
            [0.001, 0.00125, 0.0015, 0.00175, 0.002, 0.0025]
        );
    }

    #[test]
    fn quantiles_are_right_to_a_tenth() {
        let mut histogram = Histogram::default();
        assert_eq!(histogram.quantile(0.5), None);
        for latency in 1..=10_000 {
            histogram.observe(latency, 1);
        }
        for share in [0.01, 0.1, 0.5, 0.9, 0.99, 1.0] {
            let found = histogram.quantile(share).unwrap() * 1000.0;
            let wanted = share * 10_000.0;
            assert!((found - wanted).abs() < wanted / 10.0, "{share}: {found}");
        }
        assert_eq!(histogram.count(), 10_000);
        assert!((histogram.sum_seconds() - 50_005.0).abs() < 0.001);
    }

    #[test]
    fn ages_are_counted_at_commit_with_little_error() {
        let now = 1_700_000_000_000;
        for age in [0, 3, 40, 900, 30_000, 86_400_000] {
            let mut ages = Ages::default();
            (0..1000).for_each(|_| ages.note(now - age, now));
            assert_eq!(ages.runs.len(), 1);
            assert_eq!(ages.first(), Some(now - age));
            let mut histogram = Histogram::default();
            histogram.observe_all(&ages, now + 50);
            let mean = histogram.sum_seconds() * 1000.0 / 1000.0;
            let wanted = (age + 50) as f64;
            assert!((mean - wanted).abs() <= wanted / 30.0, "{age}: {mean}");
        }
    }

    #[test]
    fn records_in_no_order_and_without_timestamps_stay_bounded() {
        let now = 1_700_000_000_000_i64;
        let mut ages = Ages::default();
        let mut number = 1_u64;
        for _ in 0..200_000 {
            number = number
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            ages.note(now - i64::try_from(number >> 30).unwrap(), now);
            ages.note(-1, now);
        }
        assert!(ages.runs.len() <= RUNS_MAX + 1, "{}", ages.runs.len());
        let mut histogram = Histogram::default();
        histogram.observe_all(&ages, now);
        assert_eq!(histogram.count(), 200_000);
        let future = &mut Ages::default();
        future.note(now + 5_000, now);
        histogram.observe_all(future, now);
        assert_eq!(
            histogram.counts()[0],
            1,
            "a clock that is ahead counts as no latency"
        );
    }

    #[test]
    fn what_came_since_is_the_difference() {
        let mut histogram = Histogram::default();
        histogram.observe(10, 5);
        let before = histogram.clone();
        histogram.observe(100, 7);
        let since = histogram.since(&before);
        assert_eq!((since.count(), since.sum_seconds()), (7, 0.7));
    }
}
