//! Writes to the target: records, and with them, in one transaction, the progress.
#![expect(
    unsafe_code,
    reason = "records pass their headers on without a copy: rd_kafka_producev and rd_kafka_flush are called directly"
)]

mod ending;
mod parcel;
mod refused;

use std::collections::HashMap;
use std::ffi::{CStr, CString};
use std::ptr;
use std::sync::Arc;
use std::time::Duration;

use rdkafka::bindings as sys;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{BaseProducer, Producer};

use super::client::{Context, kind_of};
use super::reader::Record;
use super::{Cluster, Error, ErrorKind, Properties};
pub use parcel::{Drops, Stamp};
use parcel::{Parcel, add_header, produce, stamped};
use refused::WriterContext;
pub use refused::{CommitError, REFUSED_MAX, Refusal, Refused};

/// The provenance header's name ([`crossdock_model::provenance::HEADER`]) as librdkafka wants it.
pub const VIA: &CStr = c"crossdock-via";

/// How long one step of a commit has before its outcome counts as unknown.
const STEP_WITHIN: Duration = Duration::from_secs(15);

/// How much longer a step may take than it was told to, before nothing is expected of its client any more.
const STEP_GRACE: Duration = Duration::from_secs(1);

/// How long the report of a refused record is waited for once its transaction is in error.
const REPORTED_WITHIN: Duration = Duration::from_secs(1);

/// How long a full queue is given to drain before it is looked at again.
const QUEUE_FULL_WAIT: Duration = Duration::from_millis(5);

/// Writes to one cluster. With a transactional id, everything between two commits becomes visible at
/// once, together with the progress, or not at all.
pub struct Writer {
    // Declared first, destroyed first: the topics belong to the producer.
    topics: HashMap<Arc<str>, Topic>,
    producer: Arc<BaseProducer<WriterContext>>,
    context: Context,
    is_transactional: bool,
    in_transaction: bool,
}

struct Topic(*mut sys::rd_kafka_topic_t);

impl Drop for Topic {
    fn drop(&mut self) {
        // SAFETY: made by `Writer::topic`, destroyed here only.
        unsafe { sys::rd_kafka_topic_destroy(self.0) }
    }
}

// SAFETY: librdkafka's handles are thread-safe; the writer is used by one thread at a time.
unsafe impl Send for Writer {}

impl Writer {
    /// Makes a writer; with a transactional id it takes a new epoch, which fences every earlier writer
    /// of that id and ends its open transaction.
    ///
    /// # Errors
    /// A property that librdkafka refuses; or the cluster does not answer, or refuses.
    pub fn new(
        cluster: &Cluster,
        overrides: &Properties,
        transactional_id: Option<&str>,
    ) -> Result<Self, Error> {
        let context = Context::new(cluster.alias(), "writer");
        let mut properties = overrides
            .clone()
            .set("delivery.report.only.error", "true")
            // A topic that was deleted must not come back by itself.
            .set("allow.auto.create.topics", "false")
            // What is too large is for the target to say, topic by topic.
            .set("message.max.bytes", "1000000000");
        if let Some(id) = transactional_id {
            properties = properties
                .set("transactional.id", id)
                .set("enable.idempotence", "true");
        } else if properties.get("message.timeout.ms").is_none()
            && properties.get("delivery.timeout.ms").is_none()
        {
            // What is not acknowledged by then is undone and read again; nobody waits for it longer.
            properties = properties.set("message.timeout.ms", "30000");
        }
        let shared = WriterContext::new(context.clone());
        let producer: BaseProducer<WriterContext> = properties
            .config()
            .create_with_context(shared)
            .map_err(|e| context.failed("set up the writer", &e))?;
        let writer = Self {
            topics: HashMap::new(),
            producer: Arc::new(producer),
            context,
            is_transactional: transactional_id.is_some(),
            in_transaction: false,
        };
        if writer.is_transactional {
            let initialised = writer.producer.init_transactions(STEP_WITHIN);
            initialised.map_err(|e| writer.error("take a producer epoch", &e))?;
        }
        Ok(writer)
    }

    /// An error of this producer; a fatal one tells its cause.
    fn error(&self, doing: &str, error: &KafkaError) -> Error {
        match self.producer.client().fatal_error() {
            Some((code, words)) => self
                .context
                .plain(kind_of(code), format!("cannot {doing}: {words}")),
            None => self.context.failed(doing, error),
        }
    }

    fn topic(&mut self, name: &Arc<str>) -> *mut sys::rd_kafka_topic_t {
        if let Some(topic) = self.topics.get(name) {
            return topic.0;
        }
        // A topic name has no NUL: the target has accepted it.
        let native_name = CString::new(&**name).unwrap_or_default();
        // SAFETY: the name lives through the call; the handle is destroyed by `Topic`.
        let topic = unsafe {
            sys::rd_kafka_topic_new(
                self.producer.client().native_ptr(),
                native_name.as_ptr(),
                ptr::null_mut(),
            )
        };
        self.topics.insert(name.clone(), Topic(topic));
        topic
    }

    /// Hands a record over, stamped. Waits while the queue is full: that is the back-pressure
    /// (invariant 4).
    ///
    /// # Errors
    /// The producer can send no more; `Refused` where records sent before are the reason.
    pub fn send(
        &mut self,
        to: &Arc<str>,
        partition: i32,
        record: &mut Record<'_>,
        stamp: &Stamp<'_>,
    ) -> Result<(), CommitError> {
        let headers = stamped(record, stamp);
        let (value, key) = record.raw();
        let parcel = Parcel {
            value,
            key,
            timestamp: stamp.timestamp.unwrap_or_else(|| record.timestamp()),
            headers,
            source_offset: record.offset(),
        };
        self.hand_over(to, partition, &parcel)
    }

    /// Writes a record that says something by a header alone.
    ///
    /// # Errors
    /// As [`Self::send`].
    pub fn note(
        &mut self,
        to: &Arc<str>,
        partition: i32,
        (name, value): (&str, &str),
    ) -> Result<(), CommitError> {
        // SAFETY: the headers are ours; name and value are copied by the call.
        let headers = unsafe { sys::rd_kafka_headers_new(1) };
        add_header(headers, name, value.as_bytes());
        let parcel = Parcel {
            value: (ptr::null_mut(), 0),
            key: (ptr::null_mut(), 0),
            timestamp: 0,
            headers,
            source_offset: 0,
        };
        self.hand_over(to, partition, &parcel)
    }

    fn begin(&mut self) -> Result<(), CommitError> {
        if self.is_transactional && !self.in_transaction {
            self.producer
                .begin_transaction()
                .map_err(|e| CommitError::Renew(self.error("begin a transaction", &e)))?;
            self.in_transaction = true;
        }
        Ok(())
    }

    fn hand_over(
        &mut self,
        to: &Arc<str>,
        partition: i32,
        parcel: &Parcel,
    ) -> Result<(), CommitError> {
        if let Err(error) = self.begin() {
            parcel.discard();
            return Err(error);
        }
        let topic = self.topic(to);
        loop {
            match produce(
                self.producer.client().native_ptr(),
                topic,
                partition,
                parcel,
            ) {
                RDKafkaErrorCode::NoError => return Ok(()),
                RDKafkaErrorCode::QueueFull if self.producer.in_flight_count() > 0 => {
                    self.producer.poll(QUEUE_FULL_WAIT);
                }
                code => {
                    parcel.discard();
                    let place = format!(
                        "write to {to}-{partition} the record of source offset {}",
                        parcel.source_offset
                    );
                    // A refused record ends the transaction before its commit says so.
                    let refused = self.refused_before(code);
                    if !refused.is_empty() {
                        return Err(CommitError::Refused(refused));
                    }
                    if code == RDKafkaErrorCode::QueueFull {
                        let bytes = parcel.bytes();
                        let reason = format!(
                            "cannot {place}: its {bytes} bytes are more than a quarter of one stream's `max_in_flight`; raise it"
                        );
                        return Err(CommitError::Refused(vec![Refused {
                            topic: to.clone(),
                            partition,
                            source_offset: parcel.source_offset,
                            bytes,
                            why: Refusal::Oversize,
                            error: self.context.plain(ErrorKind::Other, reason),
                        }]));
                    }
                    return Err(CommitError::Renew(
                        self.error(&place, &KafkaError::MessageProduction(code)),
                    ));
                }
            }
        }
    }
}
