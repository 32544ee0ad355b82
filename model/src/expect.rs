//! What an edge is expected to do, held against what it did: ok, warn or alarm.
//!
//! Decided from samples alone. Thresholds are those of [`Expect`]; whatever them, an edge that stands
//! until a person decides is an alarm, and so is one that has tried in vain for a minute.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

use crate::edge::{Expect, Limit};

/// Over how long lag, latency and throughput are looked at. Lag and latency are an alarm only when they
/// have been above, and not falling, for so long.
pub const WINDOW: Duration = Duration::from_secs(60);

/// Over how long the share of refused records is looked at.
pub const ERROR_WINDOW: Duration = Duration::from_secs(300);

/// Parts of the window whose means tell whether something falls: a sixth, 10 seconds, at each end.
const ENDS: u32 = 6;

/// Less than this share of the window's beginning is falling; what only trembles is not.
const FALLING: f64 = 0.99;

/// What is wanted of the throughput, at least.
const THROUGHPUT_SHARE: f64 = 0.5;

/// What an edge had done, and how it stood, at one time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// When, by a clock that never goes back.
    pub at: Duration,
    /// Records stable at the source and not yet final at the target.
    pub lag_records: u64,
    /// For how long the oldest of them has waited since it was seen at the source.
    pub wait: Duration,
    /// Records copied so far.
    pub records: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Records read so far: copied, dropped or refused.
    pub read: u64,
    /// Records refused or dead-lettered so far.
    pub refused: u64,
    /// Whether it gets on.
    pub standing: Standing,
    /// How much of the edge this process holds, by partitions: other processes copy the rest.
    pub share: f64,
}

/// Whether an edge gets on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It does, or has been told not to.
    Going,
    /// It has not begun yet.
    Starting,
    /// It does not, and tries again by itself.
    Trying,
    /// A person must decide.
    Halted,
}

/// How grave it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Health {
    /// As expected.
    #[default]
    Ok,
    /// Worth a look.
    Warn,
    /// Wakes somebody.
    Alarm,
}

/// One thing that is not as expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Concern {
    /// How grave.
    pub health: Health,
    /// What, with the figures.
    pub text: String,
}

/// The gravest of some concerns.
pub fn gravest(concerns: &[Concern]) -> Health {
    concerns.iter().map(|c| c.health).max().unwrap_or_default()
}

/// Holds samples, oldest first, against what is expected. The last one is now.
pub fn judge(expect: &Expect, samples: &[Sample]) -> Vec<Concern> {
    let Some(now) = samples.last() else {
        return Vec::new();
    };
    let window = since(samples, now.at.saturating_sub(WINDOW));
    let is_whole = now.at.saturating_sub(window[0].at) >= WINDOW;
    let mut concerns = Vec::new();
    concerns.extend(standing(window, is_whole));
    let lag = |s: &Sample| s.lag_records as f64;
    concerns.extend(above(
        "lag",
        (window, is_whole),
        lag,
        (expect.lag.warn, expect.lag.alarm),
        |n| n as f64,
        |n| format!("{n:.0} records"),
    ));
    let wait = |s: &Sample| s.wait.as_secs_f64();
    let latency = above(
        "latency",
        (window, is_whole),
        wait,
        (expect.latency.warn, expect.latency.alarm),
        |d| d.as_secs_f64(),
        |s| format!("{s:.1} s"),
    );
    // What waits in a backlog waits longer and longer until it is reached, though the edge catches up.
    let catches_up = now.standing == Standing::Going && is_falling(window, &lag);
    concerns.extend(latency.map(|concern| Concern {
        health: if catches_up {
            concern.health.min(Health::Warn)
        } else {
            concern.health
        },
        ..concern
    }));
    concerns.extend(error_rate(expect, samples));
    concerns.extend(throughput(expect, window, is_whole));
    concerns
}

/// The samples from the last one at or before `begin` on; never empty where there is one.
fn since(samples: &[Sample], begin: Duration) -> &[Sample] {
    let first = samples.partition_point(|s| s.at <= begin);
    &samples[first.saturating_sub(1)..]
}

fn standing(window: &[Sample], is_whole: bool) -> Option<Concern> {
    let now = window.last()?.standing;
    let lasts = is_whole && window.iter().all(|s| s.standing != Standing::Going);
    let (health, text) = match now {
        Standing::Going => return None,
        Standing::Starting if lasts => (Health::Alarm, "it has not started for a minute"),
        Standing::Starting => return None,
        Standing::Halted => (Health::Alarm, "it is halted: a person must decide"),
        Standing::Trying if lasts => (Health::Alarm, "it has tried in vain for a minute"),
        Standing::Trying => (Health::Warn, "it does not get on, and tries again"),
    };
    Some(Concern {
        health,
        text: text.to_owned(),
    })
}

fn above<T: Copy>(
    what: &str,
    (window, is_whole): (&[Sample], bool),
    of: impl Fn(&Sample) -> f64,
    (warn, alarm): (Option<T>, Option<T>),
    number: impl Fn(T) -> f64,
    show: impl Fn(f64) -> String,
) -> Option<Concern> {
    let now = of(window.last()?);
    let (warn, alarm) = (warn.map(&number), alarm.map(&number));
    if let Some(limit) = alarm.filter(|limit| now > *limit) {
        let lasts = is_whole && window.iter().all(|s| of(s) > limit);
        if lasts && !is_falling(window, &of) {
            return Some(Concern {
                health: Health::Alarm,
                text: format!(
                    "{what} {} is above {}, and has not fallen for {} s",
                    show(now),
                    show(limit),
                    WINDOW.as_secs()
                ),
            });
        }
    }
    // Above the alarm's threshold and catching up is worth a look, also where no `warn` is given.
    let limit = match (warn, alarm) {
        (Some(warn), Some(alarm)) => warn.min(alarm),
        (Some(limit), None) | (None, Some(limit)) => limit,
        (None, None) => return None,
    };
    (now > limit).then(|| Concern {
        health: Health::Warn,
        text: format!("{what} {} is above {}", show(now), show(limit)),
    })
}

fn is_falling(window: &[Sample], of: &impl Fn(&Sample) -> f64) -> bool {
    let (Some(first), Some(last)) = (window.first(), window.last()) else {
        return false;
    };
    let part = WINDOW / ENDS;
    let mean = |is: &dyn Fn(&Sample) -> bool| {
        let values: Vec<f64> = window.iter().filter(|s| is(s)).map(of).collect();
        values.iter().sum::<f64>() / values.len().max(1) as f64
    };
    let before = mean(&|s| s.at <= first.at + part);
    let now = mean(&|s| s.at + part >= last.at);
    now < before * FALLING
}

fn error_rate(expect: &Expect, samples: &[Sample]) -> Option<Concern> {
    let now = samples.last()?;
    let first = since(samples, now.at.saturating_sub(ERROR_WINDOW)).first()?;
    let read = now.read.saturating_sub(first.read);
    let refused = now.refused.saturating_sub(first.refused);
    if refused == 0 {
        return None;
    }
    let rate = refused as f64 / read.max(refused) as f64;
    let is_above = |limit: Option<f64>| limit.is_some_and(|limit| rate > limit);
    let health = match (
        is_above(expect.error_rate.warn),
        is_above(expect.error_rate.alarm),
    ) {
        (_, true) => Health::Alarm,
        (true, false) => Health::Warn,
        (false, false) => return None,
    };
    Some(Concern {
        health,
        text: format!(
            "{refused} of {read} records were refused in {} min, {:.2} %",
            ERROR_WINDOW.as_secs() / 60,
            rate * 100.0
        ),
    })
}

fn throughput(expect: &Expect, window: &[Sample], is_whole: bool) -> Option<Concern> {
    let (first, last) = (window.first()?, window.last()?);
    if !is_whole {
        return None;
    }
    let seconds = last.at.saturating_sub(first.at).as_secs_f64();
    let (moved, wanted, unit) = match expect.throughput? {
        Limit::Records(n) => (last.records.saturating_sub(first.records), n, "records/s"),
        Limit::Bytes(n) => (last.bytes.saturating_sub(first.bytes), n, "bytes/s"),
    };
    let rate = moved as f64 / seconds;
    let ours = wanted as f64 * last.share;
    let of = match last.share < 1.0 {
        true => format!("{ours:.0} {unit}, this process's share of {wanted}"),
        false => format!("{wanted} {unit}"),
    };
    (rate < ours * THROUGHPUT_SHARE).then(|| Concern {
        health: Health::Alarm,
        text: format!("throughput {rate:.0} {unit} is below half of {of}"),
    })
}

// === impl Health ===

impl Health {
    /// The word of status, metrics and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Alarm => "alarm",
        }
    }
}

impl fmt::Display for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edge::Thresholds;

    fn calm(second: u64) -> Sample {
        Sample {
            at: Duration::from_secs(second),
            lag_records: 10,
            wait: Duration::from_millis(300),
            records: second * 100,
            bytes: second * 10_000,
            read: second * 100,
            refused: 0,
            standing: Standing::Going,
            share: 1.0,
        }
    }

    /// Judges the seconds 0 up to and with `last`.
    fn verdict(last: u64, expect: &Expect, of: impl Fn(u64) -> Sample) -> (Health, String) {
        let samples: Vec<_> = (0..=last).map(of).collect();
        let concerns = judge(expect, &samples);
        let texts: Vec<_> = concerns.iter().map(|c| c.text.clone()).collect();
        (gravest(&concerns), texts.join("; "))
    }

    fn lag(of: impl Fn(u64) -> u64) -> impl Fn(u64) -> Sample {
        move |second| Sample {
            lag_records: of(second),
            ..calm(second)
        }
    }

    fn waiting(of: impl Fn(u64) -> u64) -> impl Fn(u64) -> Sample {
        move |second| Sample {
            wait: Duration::from_secs(of(second)),
            ..calm(second)
        }
    }

    #[test]
    fn lag_and_latency_alarm_only_while_above_and_not_falling_for_a_minute() {
        use Health::{Alarm, Ok, Warn};
        let default = Expect::default();
        let check = |last, sample: &dyn Fn(u64) -> Sample, wanted: Health, why: &str| {
            let (found, text) = verdict(last, &default, sample);
            assert_eq!(found, wanted, "{why}: {text}");
        };
        check(200, &calm, Ok, "calm");
        check(200, &lag(|_| 1_000), Ok, "at the threshold is not above it");
        check(200, &lag(|_| 1_001), Warn, "just above");
        check(200, &lag(|_| 10_001), Alarm, "above for long");
        check(59, &lag(|_| 50_000), Warn, "not for a minute yet");
        check(60, &lag(|_| 50_000), Alarm, "for a minute");
        check(
            200,
            &lag(|s| 900_000 - s * 1_000),
            Warn,
            "a backfill that catches up",
        );
        let backlog = |s: u64| Sample {
            wait: Duration::from_secs(s),
            ..lag(|s| 900_000 - s * 1_000)(s)
        };
        check(200, &backlog, Warn, "its oldest waits until it is reached");
        check(200, &lag(|s| 20_000 + s), Alarm, "growing");
        check(
            200,
            &lag(|s| 20_000 + (s * 7919) % 150),
            Alarm,
            "what trembles does not fall",
        );
        check(
            200,
            &lag(|s| if s == 170 { 9_000 } else { 20_000 }),
            Warn,
            "below in between",
        );
        check(200, &lag(|s| if s == 200 { 0 } else { 90_000 }), Ok, "over");
        check(200, &waiting(|_| 6), Warn, "slow");
        check(200, &waiting(|s| s), Alarm, "a partition that stands still");
        check(200, &waiting(|s| 500 - s), Warn, "catching up");
        check(0, &lag(|_| 1_000_000), Warn, "the first look");
    }

    #[test]
    fn an_edge_that_does_not_get_on_is_told_whatever_the_thresholds() {
        let none = Expect {
            lag: Thresholds {
                warn: None,
                alarm: None,
            },
            latency: Thresholds {
                warn: None,
                alarm: None,
            },
            error_rate: Thresholds {
                warn: None,
                alarm: None,
            },
            throughput: None,
        };
        let stands = |standing, from| {
            move |second| Sample {
                standing: if second >= from {
                    standing
                } else {
                    Standing::Going
                },
                lag_records: 1_000_000,
                ..calm(second)
            }
        };
        for (standing, from, wanted) in [
            (Standing::Going, 0, Health::Ok),
            (Standing::Halted, 200, Health::Alarm),
            (Standing::Starting, 141, Health::Ok),
            (Standing::Starting, 140, Health::Alarm),
            (Standing::Trying, 200, Health::Warn),
            (Standing::Trying, 141, Health::Warn),
            (Standing::Trying, 140, Health::Alarm),
        ] {
            let (found, text) = verdict(200, &none, stands(standing, from));
            assert_eq!(found, wanted, "{standing:?} from {from}: {text}");
        }
    }

    #[test]
    fn refused_records_count_against_what_was_read_in_five_minutes() {
        let refused = |at: u64, count| {
            move |second| Sample {
                refused: if second >= at { count } else { 0 },
                ..calm(second)
            }
        };
        let default = Expect::default();
        // 30,000 records in five minutes: 30 are 0.1 %.
        assert_eq!(verdict(400, &default, refused(399, 30)).0, Health::Ok);
        assert_eq!(verdict(400, &default, refused(399, 31)).0, Health::Alarm);
        assert_eq!(
            verdict(400, &default, refused(99, 31)).0,
            Health::Ok,
            "long ago"
        );
        let warn = Expect {
            error_rate: Thresholds {
                warn: Some(0.0),
                alarm: None,
            },
            ..default
        };
        assert_eq!(verdict(400, &warn, refused(399, 1)).0, Health::Warn);
        assert_eq!(
            verdict(3, &default, refused(1, 1)).1,
            "1 of 300 records were refused in 5 min, 0.33 %"
        );
    }

    #[test]
    fn throughput_alarms_below_half_of_what_is_given() {
        let expect = |limit| Expect {
            throughput: Some(limit),
            ..Expect::default()
        };
        for (limit, last, wanted) in [
            (Limit::Records(200), 100, Health::Ok),
            (Limit::Records(201), 100, Health::Alarm),
            (Limit::Records(201), 59, Health::Ok),
            (Limit::Bytes(20_000), 100, Health::Ok),
            (Limit::Bytes(20_100), 100, Health::Alarm),
        ] {
            let (found, text) = verdict(last, &expect(limit), calm);
            assert_eq!(found, wanted, "{limit:?} after {last} s: {text}");
        }
    }

    #[test]
    fn of_several_processes_each_copies_its_share() {
        let expect = Expect {
            throughput: Some(Limit::Records(600)),
            ..Expect::default()
        };
        let holding = |share| {
            move |second| Sample {
                share,
                ..calm(second)
            }
        };
        let share = 100.0 / 300.0;
        assert_eq!(verdict(100, &expect, holding(share)).0, Health::Ok);
        assert_eq!(
            verdict(100, &expect, holding(0.5)).1,
            "throughput 100 records/s is below half of 300 records/s, this process's share of 600"
        );
        let nothing = |second| Sample {
            records: 0,
            ..holding(0.0)(second)
        };
        assert_eq!(verdict(100, &expect, nothing).0, Health::Ok);
    }

    #[test]
    fn nothing_seen_is_nothing_said() {
        assert_eq!(judge(&Expect::default(), &[]), Vec::new());
        assert_eq!(gravest(&[]), Health::Ok);
    }
}
