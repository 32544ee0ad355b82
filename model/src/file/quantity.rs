//! Quantities as people write them: `64MiB`, `20MiB/s`, `5000 records/s`, `0.1%`, `5s`.
//!
//! Every error is a clause that says how the quantity is written.

use std::time::Duration;

use crate::edge::{Limit, Start};

/// Least and most of `max_in_flight`: below, one large record would not fit; above, it is a slip.
const IN_FLIGHT: (u64, u64) = (64 << 10, 64 << 30);

/// A number of bytes for `max_in_flight`, such as `64MiB`.
pub(super) fn in_flight(text: &str) -> Result<u64, String> {
    let bytes = size(text)?;
    if (IN_FLIGHT.0..=IN_FLIGHT.1).contains(&bytes) {
        return Ok(bytes);
    }
    Err("it is from 64KiB to 64GiB".to_owned())
}

/// A size in bytes, such as `64MiB`.
fn size(text: &str) -> Result<u64, String> {
    let size: Result<bytesize::ByteSize, _> = text.trim().parse();
    size.map(|size| size.as_u64())
        .map_err(|_| "a size is written like `64MiB`".to_owned())
}

/// A rate, such as `20MiB/s` or `5000 records/s`.
pub(super) fn rate(text: &str) -> Result<Limit, String> {
    let form = "a rate is written like `20MiB/s` or `5000 records/s`";
    let amount = text
        .trim()
        .strip_suffix("/s")
        .map(str::trim_end)
        .ok_or_else(|| form.to_owned())?;
    let records = ["records", "record"]
        .into_iter()
        .find_map(|unit| amount.strip_suffix(unit));
    let limit = match records {
        Some(number) => {
            let number = number.trim().replace('_', "");
            Limit::Records(number.parse().map_err(|_| form.to_owned())?)
        }
        None if amount.ends_with(|c: char| c.is_ascii_digit()) => return Err(form.to_owned()),
        None => Limit::Bytes(size(amount).map_err(|_| form.to_owned())?),
    };
    match limit {
        Limit::Bytes(0) | Limit::Records(0) => {
            Err("nothing would ever go: `enabled: false` stops an edge".to_owned())
        }
        _ => Ok(limit),
    }
}

/// A duration, such as `5s`.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let form = || "a duration is written like `5s` or `500ms`".to_owned();
    let duration = humantime::parse_duration(text.trim()).map_err(|_| form())?;
    if duration.is_zero() || duration > Duration::from_secs(366 * 24 * 3_600) {
        return Err("it is above 0 and at most a year".to_owned());
    }
    Ok(duration)
}

/// A share, such as `0.1%`: 0.001.
pub(super) fn share(text: &str) -> Result<f64, String> {
    let form = || "a share is written like `0.1%`".to_owned();
    let number = text.trim().strip_suffix('%').ok_or_else(form)?.trim_end();
    let percent: f64 = number.parse().map_err(|_| form())?;
    if (0.0..=100.0).contains(&percent) {
        return Ok(percent / 100.0);
    }
    Err("it is from 0% to 100%".to_owned())
}

/// A number of records.
pub(super) fn records(text: &str) -> Result<u64, String> {
    let number = text.trim().replace('_', "");
    number
        .parse()
        .map_err(|_| "it is a number of records, such as `10000`".to_owned())
}

/// Most parallel streams of an edge.
pub(super) const STREAMS_MAX: usize = 1_024;

/// How many parallel streams.
pub(super) fn streams(text: &str) -> Result<usize, String> {
    let number: Option<usize> = text.trim().parse().ok();
    number
        .filter(|n| (1..=STREAMS_MAX).contains(n))
        .ok_or_else(|| format!("it is a whole number from 1 to {STREAMS_MAX}"))
}

/// `earliest`, `latest` or a time of RFC 3339.
pub(super) fn start(text: &str) -> Result<Start, String> {
    match text {
        "earliest" => Ok(Start::Earliest),
        "latest" => Ok(Start::Latest),
        _ => {
            let time: Result<jiff::Timestamp, _> = text.parse();
            time.map(|time| Start::Timestamp(time.as_millisecond()))
                .map_err(|_| {
                    "it is `earliest`, `latest` or a time like `2026-01-31T08:00:00+08:00`"
                        .to_owned()
                })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_are_read_as_people_write_them() {
        assert_eq!(in_flight("64MiB"), Ok(64 << 20));
        assert_eq!(in_flight("64 MB"), Ok(64_000_000));
        assert_eq!(rate("20MiB/s"), Ok(Limit::Bytes(20 << 20)));
        assert_eq!(rate("5000 records/s"), Ok(Limit::Records(5_000)));
        assert_eq!(rate("5_000records/s"), Ok(Limit::Records(5_000)));
        assert_eq!(share("0.1%"), Ok(0.001));
        assert_eq!(duration("5s"), Ok(Duration::from_secs(5)));
        assert_eq!(duration("1m 30s"), Ok(Duration::from_secs(90)));
        assert_eq!(
            start("1970-01-01T08:00:01+08:00"),
            Ok(Start::Timestamp(1_000))
        );
        assert_eq!(records("10000"), Ok(10_000));
    }

    #[test]
    fn what_is_no_quantity_says_how_one_is_written() {
        for text in ["", "fast", "64", "0MiB", "-1MiB", "1e400MiB", "20MiB/s"] {
            assert!(in_flight(text).is_err(), "{text}");
        }
        for text in ["20", "20/s", "0MiB/s", "x records/s", "20MiB", "20MiB/h"] {
            assert!(rate(text).is_err(), "{text}");
        }
        for text in ["5", "0s", "-5s", "2years"] {
            assert!(duration(text).is_err(), "{text}");
        }
        for text in ["0.1", "101%", "NaN%", "-1%"] {
            assert!(share(text).is_err(), "{text}");
        }
        for text in ["now", "2026-01-31", "2026-01-31T08:00:00", "yesterday"] {
            assert!(start(text).is_err(), "{text}");
        }
    }
}
