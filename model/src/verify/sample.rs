//! A sample: which stretches of a partition are read when not all of it is.

use std::fmt;
use std::str::FromStr;

/// Offsets in one stretch: enough that finding it costs little beside reading it.
const STRETCH: i64 = 2_000;

/// The share of the records that is read, in parts of a million: 1 to 1,000,000.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample(u32);

impl Sample {
    /// The share, between 0 and 1.
    pub fn share(self) -> f64 {
        f64::from(self.0) / 1e6
    }

    /// What an equal sample proves: how many records may be different, each by itself and anywhere,
    /// before it becomes improbable (5 %) that none of them was read.
    pub fn may_hide(self) -> u64 {
        if self.0 == 1_000_000 {
            return 0;
        }
        // (1 − share)^n > 0.05
        let n = 0.05f64.ln() / (1.0 - self.share()).ln();
        n.floor() as u64
    }
}

impl FromStr for Sample {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no share: write one such as `1%` or `0.1%`");
        let number = text.strip_suffix('%').ok_or_else(wrong)?;
        let percent: f64 = number.trim().parse().map_err(|_| wrong())?;
        let parts = (percent * 1e4).round();
        if (1.0..=1e6).contains(&parts) {
            Ok(Self(parts as u32))
        } else {
            Err(wrong())
        }
    }
}

impl fmt::Display for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", f64::from(self.0) / 1e4)
    }
}

/// Stretches of `[from, to)` that are read: as many as the share asks for, one at a random place of
/// each part of the partition, the last one at its end. The same seed gives the same stretches.
pub fn stretches((from, to): (i64, i64), sample: Sample, seed: u64) -> Vec<(i64, i64)> {
    let width = to - from;
    if width <= STRETCH || sample.0 == 1_000_000 {
        return vec![(from, to)];
    }
    let wanted = (width as f64 * sample.share() / STRETCH as f64).ceil() as i64;
    let count = wanted.clamp(1, width / STRETCH);
    let part = width / count;
    let mut state = seed;
    let begin = |number: i64| {
        let free = part - STRETCH;
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let at = i64::try_from(mixed(state) % (free.cast_unsigned() + 1)).unwrap_or(0);
        if number + 1 == count {
            to - STRETCH
        } else {
            from + number * part + at
        }
    };
    (0..count)
        .map(begin)
        .map(|begin| (begin, (begin + STRETCH).min(to)))
        .collect()
}

/// SplitMix64's finalizer (Steele, Lea and Flood 2014).
fn mixed(state: u64) -> u64 {
    let mut z = state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
