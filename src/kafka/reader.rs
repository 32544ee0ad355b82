//! Reads source partitions, by hand: no group, no committed offset, nothing written (invariant 6).
//!
//! Records come in batches and stay in librdkafka's memory: nothing is copied or allocated per record.
#![expect(
    unsafe_code,
    reason = "rdkafka has no batch consume, and its header reader panics on names that are not UTF-8"
)]

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ffi::{CStr, CString, c_char, c_void};
use std::ptr;
use std::sync::Arc;
use std::time::Duration;

use rdkafka::bindings as sys;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use super::client::{Context, kind_of, words};
use super::{Cluster, Error, ErrorKind, Properties};

/// Most records of one batch.
pub const BATCH_RECORDS_MAX: usize = 5_000;

/// Events that are served in one go, at most.
const EVENTS_MAX: usize = 100_000;

/// Reads partitions of one cluster, each under a number of the caller's choice.
pub struct Reader {
    // Declared first, destroyed first: the queue and the topics belong to the consumer.
    queue: Queue,
    main: Queue,
    topics: HashMap<Arc<str>, Topic>,
    slots: HashMap<(usize, i32), usize>,
    consumer: BaseConsumer<Context>,
    context: Context,
    batch: Vec<*mut sys::rd_kafka_message_t>,
}

struct Queue(*mut sys::rd_kafka_queue_t);

impl Drop for Queue {
    fn drop(&mut self) {
        // SAFETY: made by `Reader::new`, destroyed here only.
        unsafe { sys::rd_kafka_queue_destroy(self.0) }
    }
}

struct Topic(*mut sys::rd_kafka_topic_t);

impl Drop for Topic {
    fn drop(&mut self) {
        // SAFETY: made by `Reader::topic`, destroyed here only.
        unsafe { sys::rd_kafka_topic_destroy(self.0) }
    }
}

// SAFETY: librdkafka's handles are thread-safe; the reader is used by one thread at a time.
unsafe impl Send for Reader {}

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

impl Reader {
    /// Prepares a reader of the cluster.
    ///
    /// # Errors
    /// A property that librdkafka refuses.
    pub fn new(cluster: &Cluster, overrides: &Properties) -> Result<Self, Error> {
        let context = Context::new(cluster.alias(), "reader");
        let properties = overrides
            .clone()
            .set("enable.partition.eof", "true")
            .set("check.crcs", "true")
            .set("auto.offset.reset", "error")
            .set("enable.auto.offset.store", "false")
            .watching_topics();
        let consumer: BaseConsumer<Context> = properties
            .config()
            .create_with_context(context.clone())
            .map_err(|e| context.failed("set up the reader", &e))?;
        // SAFETY: the consumer outlives the queue (field order).
        let queue = Queue(unsafe { sys::rd_kafka_queue_new(consumer.client().native_ptr()) });
        // SAFETY: as above.
        let main = Queue(unsafe { sys::rd_kafka_queue_get_main(consumer.client().native_ptr()) });
        Ok(Self {
            queue,
            main,
            topics: HashMap::new(),
            slots: HashMap::new(),
            consumer,
            context,
            batch: Vec::with_capacity(BATCH_RECORDS_MAX),
        })
    }

    fn topic(&mut self, name: &Arc<str>) -> Result<*mut sys::rd_kafka_topic_t, Error> {
        if let Some(topic) = self.topics.get(name) {
            return Ok(topic.0);
        }
        let native_name = CString::new(&**name).map_err(|_| {
            self.context
                .plain(ErrorKind::Other, format!("topic name {name:?} has a NUL"))
        })?;
        // SAFETY: the name lives through the call; the handle is destroyed by `Topic`.
        let topic = unsafe {
            sys::rd_kafka_topic_new(
                self.consumer.client().native_ptr(),
                native_name.as_ptr(),
                ptr::null_mut(),
            )
        };
        if topic.is_null() {
            return Err(self.last_error(&format!("open topic `{name}`")));
        }
        self.topics.insert(name.clone(), Topic(topic));
        Ok(topic)
    }

    fn last_error(&self, doing: &str) -> Error {
        // SAFETY: reads this thread's last error code.
        let code = RDKafkaErrorCode::from(unsafe { sys::rd_kafka_last_error() });
        self.context
            .failed(doing, &KafkaError::MessageConsumption(code))
    }

    /// Starts to read a partition at an offset; what was read of it before and not yet received is
    /// dropped. What arrives comes under `slot`.
    ///
    /// # Errors
    /// librdkafka refuses.
    pub fn start(
        &mut self,
        slot: usize,
        topic: &Arc<str>,
        partition: i32,
        offset: i64,
    ) -> Result<(), Error> {
        let handle = self.topic(topic)?;
        if self
            .slots
            .insert((handle as usize, partition), slot)
            .is_some()
        {
            // SAFETY: the handle is alive. Stopping makes everything read so far outdated.
            unsafe { sys::rd_kafka_consume_stop(handle, partition) };
        }
        // SAFETY: the handle and the queue are alive.
        let started =
            unsafe { sys::rd_kafka_consume_start_queue(handle, partition, offset, self.queue.0) };
        if started == -1 {
            self.slots.remove(&(handle as usize, partition));
            return Err(self.last_error(&format!("read {topic}-{partition} at offset {offset}")));
        }
        Ok(())
    }

    /// The same from behind a record on that was written in this leader epoch: a log that was cut before is
    /// told as out of range, with the place where it was cut.
    ///
    /// # Errors
    /// librdkafka refuses.
    pub fn start_behind(
        &mut self,
        slot: usize,
        (topic, partition): (&Arc<str>, i32),
        (offset, leader_epoch): (i64, i32),
    ) -> Result<(), Error> {
        self.start(slot, topic, partition, offset)?;
        self.validate((topic, partition), offset, leader_epoch)
    }

    /// Lets the source say whether its log still is what was read: seeking with a leader epoch does so.
    fn validate(
        &self,
        (topic, partition): (&Arc<str>, i32),
        offset: i64,
        leader_epoch: i32,
    ) -> Result<(), Error> {
        let name = CString::new(&**topic).unwrap_or_default();
        // SAFETY: the list is made and destroyed here; the call copies what it needs. With a time-out of 0
        // it does not wait: whatever comes of it comes as a message.
        let error = unsafe {
            let list = sys::rd_kafka_topic_partition_list_new(1);
            let element = sys::rd_kafka_topic_partition_list_add(list, name.as_ptr(), partition);
            (*element).offset = offset;
            sys::rd_kafka_topic_partition_set_leader_epoch(element, leader_epoch);
            let error = sys::rd_kafka_seek_partitions(self.consumer.client().native_ptr(), list, 0);
            sys::rd_kafka_topic_partition_list_destroy(list);
            error
        };
        if error.is_null() {
            return Ok(());
        }
        // SAFETY: the error is ours.
        let code = unsafe {
            let code = RDKafkaErrorCode::from(sys::rd_kafka_error_code(error));
            sys::rd_kafka_error_destroy(error);
            code
        };
        Err(self.context.failed(
            &format!("read {topic}-{partition} at offset {offset}"),
            &KafkaError::MessageConsumption(code),
        ))
    }

    /// Stops to read a partition; what was read of it and not yet received is dropped.
    pub fn stop(&mut self, topic: &Arc<str>, partition: i32) {
        if let Some(handle) = self.topics.get(topic)
            && self.slots.remove(&(handle.0 as usize, partition)).is_some()
        {
            // SAFETY: the handle is alive.
            unsafe { sys::rd_kafka_consume_stop(handle.0, partition) };
        }
    }

    /// Receives what is there, at most `upto` records, waiting at most `wait` for the first of it.
    pub fn receive(&mut self, wait: Duration, upto: usize) -> Batch<'_> {
        let wait = i32::try_from(wait.as_millis()).unwrap_or(i32::MAX);
        // librdkafka waits until the array is full: wait for one, then take what is there.
        if wait > 0 {
            self.fill(wait, 1);
        }
        if wait == 0 || !self.batch.is_empty() {
            self.fill(0, upto.min(BATCH_RECORDS_MAX));
        }
        if self.batch.is_empty() {
            self.context.tend(self.consumer.client().native_ptr());
        } else {
            self.context.heard();
        }
        self.serve_events();
        Batch {
            recreated: self.context.take_recreated(),
            slots: &self.slots,
            context: &self.context,
            messages: &mut self.batch,
            last: None,
        }
    }

    /// Serves log lines and errors of the whole client, all that are there: that a topic was created again
    /// is said before its first record is fetched.
    fn serve_events(&self) {
        for _ in 0..EVENTS_MAX {
            // SAFETY: the queue is alive.
            if unsafe { sys::rd_kafka_queue_length(self.main.0) } == 0 {
                return;
            }
            self.consumer.poll(Duration::ZERO);
        }
    }

    fn fill(&mut self, wait: i32, upto: usize) {
        let room = upto
            .saturating_sub(self.batch.len())
            .min(self.batch.spare_capacity_mut().len());
        let spare = self.batch.spare_capacity_mut().as_mut_ptr().cast();
        // SAFETY: `spare` has `room` places; librdkafka fills the first `got` of them with messages
        // that are ours to destroy.
        unsafe {
            let got = sys::rd_kafka_consume_batch_queue(self.queue.0, wait, spare, room);
            self.batch
                .set_len(self.batch.len() + usize::try_from(got).unwrap_or(0));
        }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        for (handle, partition) in std::mem::take(&mut self.slots).into_keys() {
            // SAFETY: the handles are destroyed after this.
            unsafe { sys::rd_kafka_consume_stop(handle as *mut _, partition) };
        }
    }
}

/// A batch of what arrived: destroyed, with what was not looked at, when it goes.
pub struct Batch<'a> {
    recreated: BTreeSet<String>,
    slots: &'a HashMap<(usize, i32), usize>,
    context: &'a Context,
    messages: &'a mut Vec<*mut sys::rd_kafka_message_t>,
    last: Option<(usize, i32, usize)>,
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
                RDKafkaErrorCode::NoError => Received::Record(Record {
                    native,
                    headers: Headers::of(native),
                }),
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

/// A record as it was read.
pub struct Record<'a> {
    native: *mut sys::rd_kafka_message_t,
    headers: Headers<'a>,
}

/// The headers of a record.
#[derive(Clone)]
pub struct HeaderIter<'a> {
    headers: *mut sys::rd_kafka_headers_t,
    next: usize,
    record: std::marker::PhantomData<&'a ()>,
}

impl<'a> Iterator for HeaderIter<'a> {
    type Item = (&'a [u8], Option<&'a [u8]>);

    fn next(&mut self) -> Option<Self::Item> {
        if self.headers.is_null() {
            return None;
        }
        let (mut name, mut value, mut size): (*const c_char, *const c_void, usize) =
            (ptr::null(), ptr::null(), 0);
        // SAFETY: the headers belong to the message, and stay while the record is borrowed.
        unsafe {
            let error = sys::rd_kafka_header_get_all(
                self.headers,
                self.next,
                &raw mut name,
                &raw mut value,
                &raw mut size,
            );
            if error != sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR {
                return None;
            }
            self.next += 1;
            let value =
                (!value.is_null()).then(|| std::slice::from_raw_parts(value.cast::<u8>(), size));
            Some((CStr::from_ptr(name).to_bytes(), value))
        }
    }
}

struct Headers<'a>(
    *mut sys::rd_kafka_headers_t,
    std::marker::PhantomData<&'a ()>,
);

impl Headers<'_> {
    fn of(message: *mut sys::rd_kafka_message_t) -> Self {
        let mut headers = ptr::null_mut();
        // SAFETY: the message is alive; without headers the call leaves the pointer null.
        unsafe { sys::rd_kafka_message_headers(message, &raw mut headers) };
        Self(headers, std::marker::PhantomData)
    }
}

impl Record<'_> {
    fn message(&self) -> &sys::rd_kafka_message_t {
        // SAFETY: alive as long as the batch, which this borrows from.
        unsafe { &*self.native }
    }

    /// Its offset.
    pub fn offset(&self) -> i64 {
        self.message().offset
    }

    /// Its key; `None` is null, which is not empty.
    pub fn key(&self) -> Option<&[u8]> {
        let m = self.message();
        // SAFETY: the key lives as long as the message.
        (!m.key.is_null()).then(|| unsafe { std::slice::from_raw_parts(m.key.cast(), m.key_len) })
    }

    /// The leader epoch in which it was written, where the source tells (KIP-101).
    pub fn leader_epoch(&self) -> Option<i32> {
        // SAFETY: the message is alive.
        let epoch = unsafe { sys::rd_kafka_message_leader_epoch(self.native) };
        (epoch >= 0).then_some(epoch)
    }

    /// Its value; `None` is a tombstone.
    pub fn value(&self) -> Option<&[u8]> {
        let m = self.message();
        // SAFETY: the value lives as long as the message.
        (!m.payload.is_null())
            .then(|| unsafe { std::slice::from_raw_parts(m.payload.cast(), m.len) })
    }

    /// Key and value together, in bytes.
    pub fn bytes(&self) -> u64 {
        (self.message().len + self.message().key_len) as u64
    }

    /// Its timestamp, in milliseconds since the epoch; −1 when it has none.
    pub fn timestamp(&self) -> i64 {
        let mut kind = sys::rd_kafka_timestamp_type_t::RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
        // SAFETY: the message is alive.
        unsafe { sys::rd_kafka_message_timestamp(self.native, &raw mut kind) }
    }

    /// Key, value and headers together, in bytes.
    pub fn size(&self) -> u64 {
        let of = |(name, value): (&[u8], Option<&[u8]>)| name.len() + value.map_or(0, <[u8]>::len);
        self.bytes() + self.header_iter().map(of).sum::<usize>() as u64
    }

    /// Its headers, in order: names up to their first NUL, and values, `None` where they are null.
    pub fn header_iter(&self) -> HeaderIter<'_> {
        HeaderIter {
            headers: self.headers.0,
            next: 0,
            record: std::marker::PhantomData,
        }
    }

    /// Hands the value of each header of this name to `see`, in order. A null value is empty here.
    pub fn each_header(&self, name: &CStr, mut see: impl FnMut(&[u8])) {
        let named = self
            .header_iter()
            .filter(|(found, _)| *found == name.to_bytes());
        named.for_each(|(_, value)| see(value.unwrap_or_default()));
    }

    /// Hands name and value of each header to `see`, in order. A name ends at its first NUL.
    pub fn headers(&self, mut see: impl FnMut(&[u8], Option<&[u8]>)) {
        self.header_iter()
            .for_each(|(name, value)| see(name, value));
    }

    /// Takes the headers out of the record, byte for byte, for another one to own; null when it has none.
    pub(super) fn detach_headers(&mut self) -> *mut sys::rd_kafka_headers_t {
        let mut headers = ptr::null_mut();
        // SAFETY: the message gives its headers away; the caller owns them.
        unsafe { sys::rd_kafka_message_detach_headers(self.native, &raw mut headers) };
        self.headers.0 = ptr::null_mut();
        headers
    }

    /// Value and key as they are: null is not empty.
    pub(super) fn raw(&self) -> ((*mut c_void, usize), (*mut c_void, usize)) {
        let m = self.message();
        ((m.payload, m.len), (m.key, m.key_len))
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
