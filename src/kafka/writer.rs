//! Writes to the target: records, and with them, in one transaction, the progress.
#![expect(
    unsafe_code,
    reason = "records pass their headers on without a copy: rd_kafka_producev and rd_kafka_flush are called directly"
)]

mod refused;

use std::collections::HashMap;
use std::ffi::{CStr, CString, c_void};
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crossdock_model::provenance::HEADER;
use rdkafka::bindings as sys;
use rdkafka::consumer::ConsumerGroupMetadata;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{BaseProducer, Producer};

use super::client::{Context, kind_of};
use super::group::{Group, Position, position_list};
use super::member::Lease;
use super::reader::Record;
use super::{Cluster, Error, ErrorKind, Properties};
use refused::WriterContext;
pub use refused::{CommitError, REFUSED_MAX, Refusal, Refused};

/// The provenance header's name ([`crossdock_model::provenance::HEADER`]) as librdkafka wants it.
pub const VIA: &CStr = c"crossdock-via";

/// How long one step of a commit has before its outcome counts as unknown.
const STEP_WITHIN: Duration = Duration::from_secs(15);

/// How long the report of a refused record is waited for once its transaction is in error.
const REPORTED_WITHIN: Duration = Duration::from_secs(1);

/// How long a full queue is given to drain before it is looked at again.
const QUEUE_FULL_WAIT: Duration = Duration::from_millis(5);

/// Events that are served in one go, at most.
const EVENTS_MAX: usize = 100_000;

/// Writes to one cluster. With a transactional id, everything between two commits becomes visible at
/// once, together with the progress, or not at all.
pub struct Writer {
    // Declared first, destroyed first: the topics belong to the producer.
    topics: HashMap<Arc<str>, Topic>,
    producer: BaseProducer<WriterContext>,
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
            .watching_topics()
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
            producer,
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

    /// Waits until the target has acknowledged everything.
    ///
    /// # Errors
    /// `Refused` as soon as one record failed.
    pub fn flush(&mut self) -> Result<(), CommitError> {
        let deadline = Instant::now() + STEP_WITHIN * 4;
        loop {
            // SAFETY: the client is alive. Returns as soon as the queue is empty.
            let flushed = unsafe { sys::rd_kafka_flush(self.producer.client().native_ptr(), 50) };
            self.producer.poll(Duration::ZERO);
            self.context.tend(self.producer.client().native_ptr());
            let refused = self.take_refused();
            if !refused.is_empty() {
                return Err(CommitError::Refused(refused));
            }
            match RDKafkaErrorCode::from(flushed) {
                RDKafkaErrorCode::NoError => return Ok(()),
                code if code != RDKafkaErrorCode::OperationTimedOut
                    || Instant::now() > deadline =>
                {
                    return Err(CommitError::Renew(
                        self.error("get records acknowledged", &KafkaError::Flush(code)),
                    ));
                }
                _ => {}
            }
        }
    }

    /// Where a topic was created again, what was sent to it must not become valid.
    fn check_topics(&self) -> Result<(), CommitError> {
        self.serve_events();
        let topics = self.context.take_recreated();
        if topics.is_empty() {
            return Ok(());
        }
        let reason = "a topic that is written was deleted and created again";
        Err(CommitError::Recreated(
            topics,
            self.context.plain(ErrorKind::Other, reason),
        ))
    }

    fn serve_events(&self) {
        for _ in 0..EVENTS_MAX {
            if self.events() == 0 {
                return;
            }
            self.producer.poll(Duration::ZERO);
        }
    }

    /// Log lines and errors that wait to be served.
    fn events(&self) -> usize {
        // SAFETY: the client is alive; the queue is given back.
        unsafe {
            let main = sys::rd_kafka_queue_get_main(self.producer.client().native_ptr());
            let length = sys::rd_kafka_queue_length(main);
            sys::rd_kafka_queue_destroy(main);
            length
        }
    }

    /// The same, for a lease that must still be good when all is acknowledged.
    ///
    /// # Errors
    /// `Abort` where it is not.
    pub fn settle(&mut self, lease: &Lease) -> Result<(), CommitError> {
        self.flush()?;
        self.check_topics()?;
        if lease.is_dead() {
            return Err(CommitError::Abort(
                self.context
                    .plain(ErrorKind::Stale, "the lease was taken away"),
            ));
        }
        Ok(())
    }

    fn take_refused(&self) -> Vec<Refused> {
        self.producer.context().take_refused()
    }

    /// What was refused before the producer said `code`. A transaction that takes no more is in error
    /// a moment before the report of the record that did it arrives.
    fn refused_before(&self, code: RDKafkaErrorCode) -> Vec<Refused> {
        let wait = match code {
            RDKafkaErrorCode::State => REPORTED_WITHIN,
            _ => Duration::ZERO,
        };
        let deadline = Instant::now() + wait;
        loop {
            self.producer.poll(QUEUE_FULL_WAIT.min(wait));
            let refused = self.take_refused();
            if !refused.is_empty() || Instant::now() >= deadline {
                return refused;
            }
        }
    }

    /// Commits the open transaction, with source positions in it, under a lease. Begins one for the
    /// positions alone when nothing was sent.
    ///
    /// # Errors
    /// See [`CommitError`].
    pub fn commit(&mut self, group: &Lease, positions: &[Position]) -> Result<(), CommitError> {
        self.begin()?;
        self.flush()?;
        self.check_topics()?;
        let refuse =
            |reason: &str| CommitError::Abort(self.context.plain(ErrorKind::Fenced, reason));
        let lease = group
            .metadata()
            .ok_or_else(|| refuse("the lease names no group"))?;
        if group.is_dead() {
            return Err(refuse("the lease was taken away"));
        }
        self.add_positions(positions, lease)?;
        if group.is_dead() {
            return Err(refuse("the lease was taken away"));
        }
        self.end()
    }

    /// Commits the open transaction with positions of a group that this writer has no lease of: for what
    /// is done by hand, beside the edge's streams.
    ///
    /// # Errors
    /// See [`CommitError`].
    pub fn commit_by_hand(
        &mut self,
        group: &Group,
        positions: &[Position],
    ) -> Result<(), CommitError> {
        self.begin()?;
        self.flush()?;
        let metadata = group.metadata().ok_or_else(|| {
            let reason = "the client has no group";
            CommitError::Abort(self.context.plain(ErrorKind::Other, reason))
        })?;
        self.add_positions(positions, &metadata)?;
        self.end()
    }

    fn add_positions(
        &self,
        positions: &[Position],
        metadata: &ConsumerGroupMetadata,
    ) -> Result<(), CommitError> {
        let list = position_list(positions)
            .map_err(|e| CommitError::Abort(self.error("note the positions", &e)))?;
        self.step("commit the positions", || {
            self.producer
                .send_offsets_to_transaction(&list, metadata, STEP_WITHIN)
        })
    }

    fn end(&mut self) -> Result<(), CommitError> {
        self.step("commit the transaction", || {
            self.producer.commit_transaction(STEP_WITHIN)
        })?;
        self.in_transaction = false;
        Ok(())
    }

    /// Commits the open transaction of records alone: nobody's position is in it.
    ///
    /// # Errors
    /// See [`CommitError`].
    pub fn finish(&mut self) -> Result<(), CommitError> {
        if !self.in_transaction {
            return Ok(());
        }
        self.flush()?;
        self.step("commit the transaction", || {
            self.producer.commit_transaction(STEP_WITHIN)
        })?;
        self.in_transaction = false;
        Ok(())
    }

    /// One step of a commit, tried twice where Kafka says that it may be.
    fn step(
        &self,
        doing: &str,
        attempt: impl Fn() -> Result<(), KafkaError>,
    ) -> Result<(), CommitError> {
        let mut error = match attempt() {
            Ok(()) => return Ok(()),
            Err(error) => error,
        };
        if matches!(&error, KafkaError::Transaction(e) if e.is_retriable() && !e.txn_requires_abort())
        {
            match attempt() {
                Ok(()) => return Ok(()),
                Err(second) => error = second,
            }
        }
        let told = self.error(doing, &error);
        match error {
            KafkaError::Transaction(e) if e.txn_requires_abort() => Err(CommitError::Abort(told)),
            _ => Err(CommitError::Renew(told)),
        }
    }

    /// Aborts the open transaction, or forgets what is queued.
    ///
    /// # Errors
    /// Its outcome is unknown: take a new epoch.
    pub fn abort(&mut self) -> Result<(), Error> {
        if !self.in_transaction {
            self.take_refused();
            return Ok(());
        }
        // Aborting waits for delivery reports, which somebody else must serve meanwhile.
        let ended = AtomicBool::new(false);
        let aborted = std::thread::scope(|scope| {
            scope.spawn(|| {
                while !ended.load(Ordering::Acquire) {
                    self.producer.poll(QUEUE_FULL_WAIT);
                }
            });
            let aborted = self.producer.abort_transaction(STEP_WITHIN);
            ended.store(true, Ordering::Release);
            aborted
        });
        self.take_refused();
        aborted.map_err(|e| self.error("abort the transaction", &e))?;
        self.in_transaction = false;
        Ok(())
    }
}

/// Says of a header's name whether the header stays behind.
pub type Drops<'a> = &'a dyn Fn(&[u8]) -> bool;

/// What is done to a record's headers on its way, in this order.
#[derive(Clone, Copy, Default)]
pub struct Stamp<'a> {
    /// Headers that stay behind.
    pub drop: Option<Drops<'a>>,
    /// Headers that are added.
    pub more: &'a [(&'a str, &'a [u8])],
    /// One more hop.
    pub via: Option<&'a [u8]>,
    /// Another timestamp than its own.
    pub timestamp: Option<i64>,
}

/// A record on its way to librdkafka.
struct Parcel {
    value: (*mut c_void, usize),
    key: (*mut c_void, usize),
    timestamp: i64,
    headers: *mut sys::rd_kafka_headers_t,
    source_offset: i64,
}

impl Parcel {
    fn bytes(&self) -> u64 {
        (self.value.1 + self.key.1) as u64
    }

    /// A produce that failed leaves the headers to us.
    fn discard(&self) {
        if !self.headers.is_null() {
            // SAFETY: nobody else has them; the parcel is not used again.
            unsafe { sys::rd_kafka_headers_destroy(self.headers) };
        }
    }
}

/// The record's own headers, taken over as they are, but for what the stamp says.
fn stamped(record: &mut Record<'_>, stamp: &Stamp<'_>) -> *mut sys::rd_kafka_headers_t {
    let left: Vec<CString> = match stamp.drop {
        None => Vec::new(),
        Some(drops) => {
            let names = record.header_iter().map(|(name, _)| name);
            let left = names.filter(|name| drops(name));
            left.filter_map(|name| CString::new(name).ok()).collect()
        }
    };
    let mut headers = record.detach_headers();
    // SAFETY: the headers are ours.
    unsafe {
        if headers.is_null() && (stamp.via.is_some() || !stamp.more.is_empty()) {
            headers = sys::rd_kafka_headers_new(1);
        }
        for name in left {
            sys::rd_kafka_header_remove(headers, name.as_ptr());
        }
    }
    for (name, value) in stamp.more {
        add_header(headers, name, value);
    }
    if let Some(via) = stamp.via {
        add_header(headers, HEADER, via);
    }
    headers
}

fn add_header(headers: *mut sys::rd_kafka_headers_t, name: &str, value: &[u8]) {
    let size = |bytes: usize| isize::try_from(bytes).unwrap_or(isize::MAX);
    // SAFETY: the headers are ours; name and value are copied by the call.
    unsafe {
        sys::rd_kafka_header_add(
            headers,
            name.as_ptr().cast(),
            size(name.len()),
            value.as_ptr().cast(),
            size(value.len()),
        );
    }
}

fn produce(
    client: *mut sys::rd_kafka_t,
    topic: *mut sys::rd_kafka_topic_t,
    partition: i32,
    parcel: &Parcel,
) -> RDKafkaErrorCode {
    use sys::rd_kafka_vtype_t as V;
    let copy = sys::RD_KAFKA_MSG_F_COPY;
    // SAFETY: the tags say what follows each of them; key and value are copied; the headers change
    // hands only on success.
    let error = unsafe {
        sys::rd_kafka_producev(
            client,
            V::RD_KAFKA_VTYPE_RKT,
            topic,
            V::RD_KAFKA_VTYPE_PARTITION,
            partition,
            V::RD_KAFKA_VTYPE_MSGFLAGS,
            copy,
            V::RD_KAFKA_VTYPE_VALUE,
            parcel.value.0,
            parcel.value.1,
            V::RD_KAFKA_VTYPE_KEY,
            parcel.key.0,
            parcel.key.1,
            V::RD_KAFKA_VTYPE_TIMESTAMP,
            parcel.timestamp,
            V::RD_KAFKA_VTYPE_OPAQUE,
            parcel.source_offset as *mut c_void,
            V::RD_KAFKA_VTYPE_HEADERS,
            parcel.headers,
            V::RD_KAFKA_VTYPE_END,
        )
    };
    RDKafkaErrorCode::from(error)
}
