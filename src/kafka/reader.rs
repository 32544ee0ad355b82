//! Reads source partitions, by hand: no group, no committed offset, nothing written (invariant 6).
//!
//! Records come in batches and stay in librdkafka's memory: nothing is copied or allocated per record.
#![expect(unsafe_code, reason = "rdkafka has no batch consume")]

mod batch;
mod record;

use std::collections::HashMap;
use std::ffi::CString;
use std::ptr;
use std::sync::Arc;
use std::time::Duration;

use rdkafka::bindings as sys;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use super::client::Context;
use super::{Cluster, Error, ErrorKind, Properties};
pub use batch::{Batch, Received};
pub use record::{HeaderIter, Record};

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
