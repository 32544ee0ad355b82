//! An hour of an edge, and how it did lately.

use std::collections::VecDeque;
use std::time::Duration;

use crossdock_model::latency::Histogram;
use serde::Serialize;

use crate::clock;
use crate::worker::EdgeSnapshot;

/// Between two points.
const STEP: Duration = Duration::from_secs(10);

/// Points of an hour.
const POINTS_MAX: usize = 360;

/// Steps that make up a minute: over so many, latencies are shown.
const STEPS_OF_A_MINUTE: usize = 6;

/// Over how long a rate is measured, at least.
const RATE_OVER: Duration = Duration::from_secs(5);

/// Looks that are kept to measure rates from: twice as many as needed.
const LOOKS_MAX: usize = 10;

/// An edge at one time of the last hour.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Point {
    /// When, in milliseconds since the epoch.
    pub at_ms: i64,
    /// Records not yet final at the target, the most that was seen since the point before.
    pub lag_records: i64,
    /// Records copied, a second.
    pub records_per_second: f64,
    /// Bytes copied, a second.
    pub bytes_per_second: f64,
}

/// How an edge did lately.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Recent {
    /// Records copied, a second.
    pub records_per_second: f64,
    /// Bytes copied, a second.
    pub bytes_per_second: f64,
    /// Latency of the last minute's records; `None` where there were none.
    pub latency_seconds: Option<Latency>,
}

/// Latencies that half, and nearly all, of the records stayed within, in seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Latency {
    /// Half of them.
    pub p50: f64,
    /// 99 of 100.
    pub p99: f64,
}

/// What is remembered of an edge.
#[derive(Default)]
pub(super) struct History {
    points: VecDeque<Point>,
    looks: VecDeque<Look>,
    /// The look that the last point was made of.
    last: Option<Look>,
    lag_max: i64,
    /// The histogram as it was at the last points, oldest first.
    latencies: VecDeque<Histogram>,
    latency: Option<Latency>,
}

#[derive(Clone, Copy)]
struct Look {
    at: Duration,
    records: u64,
    bytes: u64,
}

impl Look {
    /// Records and bytes a second since an earlier look.
    fn rates(self, earlier: Self) -> (f64, f64) {
        let seconds = self.at.saturating_sub(earlier.at).as_secs_f64().max(0.001);
        let rate = |now: u64, before: u64| now.saturating_sub(before) as f64 / seconds;
        (
            rate(self.records, earlier.records),
            rate(self.bytes, earlier.bytes),
        )
    }
}

impl History {
    pub(super) fn saw(&mut self, edge: &EdgeSnapshot, at: Duration) {
        let look = Look {
            at,
            records: edge.records_total,
            bytes: edge.bytes_total,
        };
        self.looks.push_back(look);
        if self.looks.len() > LOOKS_MAX {
            self.looks.pop_front();
        }
        self.lag_max = self.lag_max.max(edge.lag_records);
        self.see_latency(&edge.counts.latency);
        let last = *self.last.get_or_insert(look);
        if at.saturating_sub(last.at) < STEP {
            return;
        }
        let (records_per_second, bytes_per_second) = look.rates(last);
        self.points.push_back(Point {
            at_ms: clock::now_ms(),
            lag_records: self.lag_max,
            records_per_second,
            bytes_per_second,
        });
        if self.points.len() > POINTS_MAX {
            self.points.pop_front();
        }
        self.last = Some(look);
        self.lag_max = edge.lag_records;
        self.latencies.push_back(edge.counts.latency.clone());
        if self.latencies.len() > STEPS_OF_A_MINUTE {
            self.latencies.pop_front();
        }
    }

    fn see_latency(&mut self, now: &Histogram) {
        let lately = match self.latencies.front() {
            Some(before) => now.since(before),
            None => now.clone(),
        };
        self.latency = lately
            .quantile(0.5)
            .zip(lately.quantile(0.99))
            .map(|(p50, p99)| Latency { p50, p99 });
    }

    pub(super) fn recent(&self) -> Recent {
        let rates = || {
            let now = *self.looks.back()?;
            let enough = |look: &&Look| now.at.saturating_sub(look.at) >= RATE_OVER;
            let earlier = self.looks.iter().rev().find(enough);
            Some(now.rates(*earlier.or_else(|| self.looks.front())?))
        };
        let (records_per_second, bytes_per_second) = rates().unwrap_or_default();
        Recent {
            records_per_second,
            bytes_per_second,
            latency_seconds: self.latency,
        }
    }

    pub(super) fn points(&self) -> Vec<Point> {
        self.points.iter().copied().collect()
    }
}
