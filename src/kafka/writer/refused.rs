//! What a target refuses: collected from delivery reports, and told by the commit that it undoes.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::Message;
use rdkafka::producer::{DeliveryResult, ProducerContext};

use crate::kafka::Error;
use crate::kafka::client::Context;

/// Refused records that are kept for one commit, at most.
pub const REFUSED_MAX: usize = 1_000;

/// What a refusal is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The record, or its batch, is too large.
    Oversize,
    /// The record itself is not what the topic takes: a null key where it is compacted, a timestamp
    /// out of its range.
    Invalid,
    /// Nothing is wrong with it: a record of the same batch is invalid.
    Neighbour,
    /// It was refused, and the dead-letter topic does not take it either.
    NoDeadLetter,
    /// Something that may pass.
    Passing,
}

fn refusal(code: RDKafkaErrorCode) -> Refusal {
    use RDKafkaErrorCode as Code;
    match code {
        Code::MessageSizeTooLarge | Code::InvalidMessageSize | Code::MessageBatchTooLarge => {
            Refusal::Oversize
        }
        Code::InvalidTimestamp | Code::InvalidRecord => Refusal::Invalid,
        Code::InvalidDifferentRecord => Refusal::Neighbour,
        _ => Refusal::Passing,
    }
}

/// A record that the target refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Target topic.
    pub topic: Arc<str>,
    /// Partition, the same on both sides.
    pub partition: i32,
    /// Offset of the record at the source.
    pub source_offset: i64,
    /// Its key and value, in bytes.
    pub bytes: u64,
    /// Whether trying again is of any use.
    pub why: Refusal,
    /// Kafka's own words.
    pub error: Error,
}

/// Why a commit did not happen, and what must happen before anything else is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CommitError {
    /// Nothing of it became valid: abort and rewind.
    Abort(Error),
    /// Nothing of it became valid, and it is done another way at once: abort and rewind.
    Again(Error),
    /// Its outcome is unknown, or this producer is of no use any more: take a new epoch, read the
    /// committed offsets back and rewind there.
    Renew(Error),
    /// Topics of the target were deleted and created again, and what was sent may lie in the new ones: abort,
    /// and find out where their partitions go on.
    Recreated(BTreeSet<String>, Error),
    /// The target refused records: abort, rewind, and do not send these again.
    Refused(Vec<Refused>),
}

pub(super) struct WriterContext {
    base: Context,
    refused: Mutex<Vec<Refused>>,
}

impl WriterContext {
    pub(super) fn new(base: Context) -> Self {
        Self {
            base,
            refused: Mutex::default(),
        }
    }

    /// What was refused since the last time.
    pub(super) fn take_refused(&self) -> Vec<Refused> {
        std::mem::take(&mut *self.refused())
    }

    fn refused(&self) -> MutexGuard<'_, Vec<Refused>> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ClientContext for WriterContext {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, text: &str) {
        self.base.log(level, facility, text);
    }

    fn stats_raw(&self, _statistics: &[u8]) {}

    fn error(&self, error: KafkaError, reason: &str) {
        ClientContext::error(&self.base, error, reason);
    }
}

impl ProducerContext for WriterContext {
    type DeliveryOpaque = usize;

    /// Called for failures only (`delivery.report.only.error`).
    fn delivery(&self, result: &DeliveryResult<'_>, source_offset: usize) {
        let Err((error, message)) = result else {
            return;
        };
        let code = error.rdkafka_error_code().unwrap_or(RDKafkaErrorCode::Fail);
        if matches!(
            code,
            RDKafkaErrorCode::PurgeQueue | RDKafkaErrorCode::PurgeInflight
        ) {
            return;
        }
        let mut list = self.refused();
        // A whole queue can time out at once: a few tell the story.
        if list.len() >= REFUSED_MAX {
            return;
        }
        let source_offset = i64::try_from(source_offset).unwrap_or(i64::MAX);
        let place = format!(
            "write to {}-{} the record of source offset {source_offset}",
            message.topic(),
            message.partition()
        );
        list.push(Refused {
            topic: message.topic().into(),
            partition: message.partition(),
            source_offset,
            bytes: (message.payload_len() + message.key_len()) as u64,
            why: refusal(code),
            error: self.base.failed(&place, error),
        });
    }
}
