//! The wall clock, for ages of records and for who did what when: time-outs go by the monotonic clock.

use std::time::{SystemTime, UNIX_EPOCH};

/// Milliseconds since the epoch.
pub fn now_ms() -> i64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// The time now as RFC 3339, in UTC and whole seconds.
pub fn now_text() -> String {
    let now = jiff::Timestamp::from_second(now_ms() / 1000);
    now.unwrap_or(jiff::Timestamp::UNIX_EPOCH).to_string()
}
