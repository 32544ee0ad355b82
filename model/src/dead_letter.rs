//! Dead letters: records that a target refused, kept beside their topic until a person decides.
//!
//! A dead letter is the record as it was, key, value and headers, with a few headers more that say where
//! it was read, where it was to go and why it did not. In the same topic stand the notes of those that
//! were replayed: an empty record with [`REPLAYED`] alone.

use crate::name::DEAD_LETTER_PREFIX;

/// What the headers of a dead letter that are crossdock's begin with.
pub const PREFIX: &str = "crossdock-dead-letter-";

/// Header: where the record was read, written as a hop of the provenance header.
pub const SOURCE: &str = "crossdock-dead-letter-source";

/// Header: where it was to go, as `<topic>/<partition>`.
pub const TARGET: &str = "crossdock-dead-letter-target";

/// Header: its own timestamp, in milliseconds; the dead-letter topic has the time of its arrival.
pub const TIMESTAMP: &str = "crossdock-dead-letter-timestamp";

/// Header: `oversize`, or `invalid` for what the topic does not take.
pub const REASON: &str = "crossdock-dead-letter-reason";

/// Header: Kafka's own words.
pub const ERROR: &str = "crossdock-dead-letter-error";

/// Header of a note: the offset of the dead letter that was replayed.
pub const REPLAYED: &str = "crossdock-dead-letter-replayed";

/// Config of a dead-letter topic that crossdock creates: nothing expires before a person has seen it,
/// nothing is too large that a broker takes at all, and no timestamp is refused.
pub const TOPIC_CONFIGS: [(&str, &str); 4] = [
    ("cleanup.policy", "delete"),
    ("retention.ms", "-1"),
    ("max.message.bytes", "104857600"),
    ("message.timestamp.type", "LogAppendTime"),
];

/// The dead-letter topic of an edge, on its target.
pub fn topic(topology: &str, edge: &str) -> String {
    format!("{DEAD_LETTER_PREFIX}{topology}.{edge}")
}

/// Reads `<topic>/<partition>`.
pub fn parse_target(value: &[u8]) -> Option<(&str, i32)> {
    let (topic, partition) = std::str::from_utf8(value).ok()?.rsplit_once('/')?;
    Some((topic, partition.parse().ok().filter(|p| *p >= 0)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_target_is_read_as_it_is_written() {
        assert_eq!(parse_target(b"orders-bj/12"), Some(("orders-bj", 12)));
        for wrong in [
            &b"orders"[..],
            b"orders/",
            b"orders/-1",
            b"\xff/1",
            b"orders/x",
        ] {
            assert_eq!(parse_target(wrong), None);
        }
        assert_eq!(topic("cn", "bj-to-sh"), "crossdock.dead-letter.cn.bj-to-sh");
    }
}
