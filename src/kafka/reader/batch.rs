//! What arrived: records, ends of partitions, and what is wrong, in runs of one partition.
#![expect(
    unsafe_code,
    reason = "messages stay in librdkafka's memory, and are destroyed with the batch"
)]

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ffi::CStr;

use rdkafka::bindings as sys;
use rdkafka::error::RDKafkaErrorCode;

use super::record::Record;
use crate::kafka::Error;
use crate::kafka::client::{Context, kind_of, words};

/// What arrived for a partition.
pub enum Received<'a> {
    /// A record.
    Record(Record<'a>),
    /// Everything up to this offset, the last stable one, has been read.
    End(i64),
    /// The position is outside of the log: records were removed or the log was cut.
    OutOfRange,
    /// The partition cannot be read now; librdkafka or a later try may.
    Failed(Error),
}

/// A batch of what arrived: destroyed, with what was not looked at, when it goes.
pub struct Batch<'a> {
    pub(super) recreated: BTreeSet<String>,
    pub(super) slots: &'a HashMap<(usize, i32), usize>,
    pub(super) context: &'a Context,
    pub(super) messages: &'a mut Vec<*mut sys::rd_kafka_message_t>,
    pub(super) last: Option<(usize, i32, usize)>,
}

impl Batch<'_> {
    /// Where logs were cut, by slot, though what lay behind has been read (KIP-320): of those that are out of
    /// range in this batch.
    pub fn cuts(&self) -> BTreeMap<usize, i64> {
        let failed = self.messages.iter().filter_map(|native| {
            // SAFETY: the message is alive until the batch is dropped.
            let message = unsafe { &**native };
            let is_error = RDKafkaErrorCode::from(message.err) == RDKafkaErrorCode::AutoOffsetReset;
            let slot = || self.slots.get(&(message.rkt as usize, message.partition));
            is_error.then(|| Some((*slot()?, cut_at(message)?)))?
        });
        failed.collect()
    }

    /// Topics that were deleted and created again: what is in this batch may be of either.
    pub fn recreated(&self) -> &BTreeSet<String> {
        &self.recreated
    }

    /// Hands each thing that arrived to `take`, with the slot of its partition, in order.
    pub fn for_each(mut self, mut take: impl FnMut(usize, Received<'_>)) {
        for i in 0..self.messages.len() {
            let native = self.messages[i];
            // SAFETY: the message is alive until the batch is dropped.
            let message = unsafe { &*native };
            let Some(slot) = self.slot(message) else {
                continue;
            };
            let received = match RDKafkaErrorCode::from(message.err) {
                RDKafkaErrorCode::NoError => Received::Record(Record::of(native)),
                RDKafkaErrorCode::PartitionEOF => Received::End(message.offset),
                RDKafkaErrorCode::OffsetOutOfRange | RDKafkaErrorCode::AutoOffsetReset => {
                    Received::OutOfRange
                }
                code => Received::Failed(self.failure(message, code)),
            };
            take(slot, received);
        }
    }

    /// Records of one partition come in runs: the last answer is nearly always right.
    fn slot(&mut self, message: &sys::rd_kafka_message_t) -> Option<usize> {
        let key = (message.rkt as usize, message.partition);
        match self.last {
            Some((topic, partition, slot)) if (topic, partition) == key => Some(slot),
            _ => {
                let slot = *self.slots.get(&key)?;
                self.last = Some((key.0, key.1, slot));
                Some(slot)
            }
        }
    }

    fn failure(&self, message: &sys::rd_kafka_message_t, code: RDKafkaErrorCode) -> Error {
        // SAFETY: the topic handle of a message is alive as long as the message.
        let topic =
            unsafe { CStr::from_ptr(sys::rd_kafka_topic_name(message.rkt)) }.to_string_lossy();
        let place = format!("{topic}-{} at offset {}", message.partition, message.offset);
        self.context.plain(
            kind_of(code),
            format!("cannot read {place}: {}", words(code)),
        )
    }
}

/// Where a log was cut, from `Partition log truncation detected at …: broker end offset is N (…`.
fn cut_at(message: &sys::rd_kafka_message_t) -> Option<i64> {
    if message.payload.is_null() {
        return None;
    }
    // SAFETY: the payload of an error is its text.
    let text = unsafe { std::slice::from_raw_parts(message.payload.cast::<u8>(), message.len) };
    cut_in(&String::from_utf8_lossy(text))
}

fn cut_in(text: &str) -> Option<i64> {
    let (_, rest) = text
        .split_once("truncation detected")?
        .1
        .split_once("end offset is ")?;
    let digits = rest.find(|c: char| !c.is_ascii_digit());
    rest[..digits.unwrap_or(rest.len())].parse().ok()
}

impl Drop for Batch<'_> {
    fn drop(&mut self) {
        for message in self.messages.drain(..) {
            // SAFETY: each message is ours, and destroyed once.
            unsafe { sys::rd_kafka_message_destroy(message) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_a_log_was_cut_is_in_the_words_of_the_client() {
        let said = "Partition log truncation detected at offset 40 (leader epoch 2): broker end offset is 25 \
                    (offset leader epoch 2). Reset to INVALID.: Local: Log truncation (broker 1)";
        assert_eq!(cut_in(said), Some(25));
        assert_eq!(
            cut_in("fetch failed due to requested offset not available"),
            None
        );
    }
}
