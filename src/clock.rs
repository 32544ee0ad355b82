//! The wall clock, for ages of records and for who did what when: time-outs go by the monotonic clock.

use std::time::{SystemTime, UNIX_EPOCH};

/// Milliseconds since the epoch.
pub fn now_ms() -> i64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// A time in milliseconds since the epoch as RFC 3339, in UTC and whole seconds.
pub fn text(ms: i64) -> String {
    let at = jiff::Timestamp::from_second(ms / 1000);
    at.unwrap_or(jiff::Timestamp::UNIX_EPOCH).to_string()
}

/// The time now as RFC 3339, in UTC and whole seconds.
pub fn now_text() -> String {
    text(now_ms())
}
