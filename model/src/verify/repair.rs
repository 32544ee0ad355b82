//! What `verify --repair` may honestly do about missing records.
//!
//! A log is only ever appended to: what is missing in the middle cannot be put in its place any more.
//! Sent again, it comes after records that it should come before. Kafka's promise that applications
//! build on is the order of one key; so a record is sent again only where no later record of its key
//! has been copied. Where one has, an old value would come after a newer one: that is left to a person.

use std::collections::HashMap;

use super::{Fate, SourceRecord};

/// Records of one partition that are looked at in one go; what is more waits for the next repair.
const SENT_MAX: usize = 1_000_000;

/// Sorts out which of the missing records may be sent again.
#[derive(Clone, Debug, Default)]
pub struct Remedy {
    /// Missing source offsets, as runs in order.
    missing: Vec<(i64, i64)>,
    at: usize,
    /// Missing records by their key, of which no later record has come yet.
    waiting: HashMap<u64, Vec<i64>>,
    send: Vec<i64>,
    overtaken: Vec<i64>,
    found: usize,
}

impl Remedy {
    /// For missing source offsets, as runs in order: from, and to before.
    pub fn new(missing: Vec<(i64, i64)>) -> Self {
        Self {
            missing,
            ..Self::default()
        }
    }

    /// The source's next record, in order, from the first missing one up to the edge's position.
    pub fn source(&mut self, record: &SourceRecord) {
        if record.fate != Fate::Copied {
            return;
        }
        let key = record.digest.key;
        if !self.is_missing(record.offset) {
            // A later record of the key is at the target already.
            self.overtaken
                .extend(self.waiting.remove(&key).into_iter().flatten());
        } else if self.found < SENT_MAX {
            self.found += 1;
            if record.digest.has_no_key() {
                self.send.push(record.offset);
            } else {
                self.waiting.entry(key).or_default().push(record.offset);
            }
        } else {
            // What is not sent now must not be overtaken by what is.
            self.overtaken
                .extend(self.waiting.remove(&key).into_iter().flatten());
        }
    }

    fn is_missing(&mut self, offset: i64) -> bool {
        while self
            .missing
            .get(self.at)
            .is_some_and(|(_, to)| *to <= offset)
        {
            self.at += 1;
        }
        self.missing
            .get(self.at)
            .is_some_and(|(from, _)| *from <= offset)
    }

    /// The source offsets to send, and those that later records of their keys have overtaken; both in
    /// order.
    pub fn finish(mut self) -> (Vec<i64>, Vec<i64>) {
        self.send.extend(self.waiting.into_values().flatten());
        self.send.sort_unstable();
        self.overtaken.sort_unstable();
        (self.send, self.overtaken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verify::{Digest, HeaderFold};

    /// A record for each key, `.` for none; those in upper case are missing.
    fn remedied(keys: &str) -> (Vec<i64>, Vec<i64>) {
        let all = || (0..).zip(keys.chars());
        let is_missing = |c: char| c.is_uppercase() || c == '!';
        let missing = all().filter(|(_, c)| is_missing(*c));
        let mut remedy = Remedy::new(missing.map(|(at, _)| (at, at + 1)).collect());
        for (offset, key) in all() {
            let key = key.to_ascii_lowercase().to_string();
            let key = (key != "." && key != "!").then_some(key.as_bytes());
            remedy.source(&SourceRecord {
                offset,
                digest: Digest::new(key, Some(b"v"), HeaderFold::default(), 0),
                fate: Fate::Copied,
            });
        }
        remedy.finish()
    }

    #[test]
    fn a_record_is_sent_again_where_the_order_of_its_key_permits() {
        let cases: [(&str, &[i64], &[i64]); 6] = [
            ("abc", &[], &[]),
            ("aBc", &[1], &[]),
            ("aBcb", &[], &[1]),
            ("aBcBd", &[1, 3], &[]),
            ("aBcBbAd", &[5], &[1, 3]),
            ("a!.b!", &[1, 4], &[]),
        ];
        for (keys, send, overtaken) in cases {
            assert_eq!(
                remedied(keys),
                (send.to_vec(), overtaken.to_vec()),
                "{keys}"
            );
        }
    }
}
