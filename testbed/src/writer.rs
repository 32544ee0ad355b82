//! Producers that keep a journal: what was written, where it was acknowledged, what is unknown.

use std::ffi::CString;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use rdkafka::ClientContext;
use rdkafka::Message;
use rdkafka::config::ClientConfig;
use rdkafka::message::DeliveryResult;
use rdkafka::producer::{BaseProducer, Producer, ProducerContext};

use crate::ffi;
use crate::random::Random;
use crate::record::Record;
use crate::shapes::{self, Identity};

/// A record that a user produced, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Birth {
    /// Alias of the cluster.
    pub cluster: String,
    /// Its topic.
    pub topic: String,
    /// Its partition.
    pub partition: usize,
    /// What was written; with the offset it was acknowledged at.
    pub record: Record,
    /// What the broker said.
    pub outcome: Outcome,
}

/// What is known of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Acknowledged: it must be there.
    Written,
    /// In a transaction that was aborted: it must not be seen.
    Aborted,
    /// It may be there or not, and proves nothing.
    Unknown,
}

/// Where records are born.
#[derive(Clone, Debug)]
pub struct Place {
    /// Alias of the cluster.
    pub cluster: String,
    /// Its address.
    pub bootstrap: String,
    /// The topic.
    pub topic: String,
    /// How many partitions it has.
    pub partitions: usize,
}

/// Writes records of odd shapes to one topic, evenly over its partitions.
pub struct Writer {
    place: Place,
    topic: CString,
    producer: BaseProducer<Journal>,
    random: Random,
    sequence: u64,
    odd_one_in: u64,
    is_live: bool,
}

/// What became of every record handed to the producer.
struct Journal {
    /// In order; a record's index is its delivery's opaque.
    births: Mutex<Vec<Birth>>,
    /// When the producer last heard of a broker, or was given its brokers again.
    heard: Mutex<Instant>,
}

impl Default for Journal {
    fn default() -> Self {
        Self {
            births: Mutex::default(),
            heard: Mutex::new(Instant::now()),
        }
    }
}

impl ClientContext for Journal {}

impl ProducerContext for Journal {
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult<'_>, index: usize) {
        if let Ok(message) = result {
            *self.heard.lock().expect("no one panics with it") = Instant::now();
            let mut births = self.births.lock().expect("no one panics with the journal");
            births[index].record.offset = message.offset();
            births[index].outcome = Outcome::Written;
        }
    }
}

impl Writer {
    /// A plain idempotent writer. `first` sets the sequence apart from that of earlier writers.
    pub fn new(place: Place, seed: u64, first: u64) -> Self {
        Self::with(place, seed, first, &[])
    }

    /// A writer of records as large as Kafka lets them be.
    pub fn large(place: Place, seed: u64, first: u64) -> Self {
        Self::with(place, seed, first, &[("message.max.bytes", "100000000")])
    }

    /// The same for a load that lasts: larger batches, odd shapes more seldom.
    pub fn lasting(place: Place, seed: u64, first: u64) -> Self {
        let writer = Self::with(place, seed, first, &[("linger.ms", "50")]);
        Self {
            odd_one_in: ODD_ONE_IN_OF_LASTING,
            ..writer
        }
    }

    /// The same, of records that are made now: for who looks at latencies.
    pub fn live(place: Place, seed: u64, first: u64) -> Self {
        Self {
            is_live: true,
            ..Self::lasting(place, seed, first)
        }
    }

    /// A writer in transactions.
    pub fn transactional(place: Place, seed: u64, first: u64) -> Self {
        let id = format!("testbed-{}-{first}-{}", place.topic, std::process::id());
        let writer = Self::with(place, seed, first, &[("transactional.id", &id)]);
        writer
            .producer
            .init_transactions(PATIENCE)
            .expect("transactions can begin");
        writer
    }

    /// A writer in transactions under `id`, on a cluster that may be in trouble. Whatever the last one
    /// of this id left open is aborted.
    ///
    /// # Errors
    /// The cluster does not answer.
    pub fn lasting_transactional(
        place: Place,
        seed: u64,
        first: u64,
        id: &str,
    ) -> Result<Self, String> {
        let settings = [
            ("transactional.id", id),
            ("transaction.timeout.ms", "10000"),
        ];
        let mut writer = Self::with(place, seed, first, &settings);
        writer.odd_one_in = ODD_ONE_IN_OF_LASTING;
        let begun = writer.producer.init_transactions(Duration::from_secs(10));
        begun.map_err(|e| e.to_string())?;
        Ok(writer)
    }

    fn with(place: Place, seed: u64, first: u64, settings: &[(&str, &str)]) -> Self {
        let mut config = ClientConfig::new();
        config
            .set("bootstrap.servers", &place.bootstrap)
            .set("enable.idempotence", "true")
            .set("linger.ms", "5")
            .set("message.max.bytes", "10000000")
            .set(
                "compression.type",
                ["none", "lz4", "gzip", "zstd"][(seed % 4) as usize],
            );
        for (name, value) in settings {
            config.set(*name, *value);
        }
        let producer = config
            .create_with_context(Journal::default())
            .expect("the producer's settings are valid");
        let topic = CString::new(place.topic.as_str()).expect("a topic's name has no NUL");
        let random = Random::new(seed ^ first);
        Self {
            place,
            topic,
            producer,
            random,
            sequence: first,
            odd_one_in: shapes::ODD_ONE_IN,
            is_live: false,
        }
    }

    /// The sequence of its next record.
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    /// Hands over `count` records; they are on their way, not yet acknowledged.
    pub fn write(&mut self, count: usize) {
        self.try_write(count)
            .unwrap_or_else(|error| panic!("{}: {error}", self.place.topic));
    }

    fn try_write(&mut self, count: usize) -> Result<(), String> {
        for _ in 0..count {
            let partition = self.sequence as usize % self.place.partitions;
            let who = Identity {
                origin: &self.place.cluster,
                topic: &self.place.topic,
                partition,
                sequence: self.sequence / self.place.partitions as u64,
            };
            let mut record = shapes::record(&who, self.odd_one_in, &mut self.random);
            if self.is_live {
                record.timestamp = None;
            }
            self.try_write_record(partition, record)?;
            self.sequence += 1;
        }
        self.poll(Duration::ZERO);
        Ok(())
    }

    /// A broker that comes back names no broker while it is fenced, and a producer that is told so asks
    /// nobody any more (librdkafka issue 5301): one that hears nothing is given its brokers again.
    fn poll(&self, limit: Duration) {
        self.producer.poll(limit);
        let mut heard = self.producer.context().heard.lock().expect("no one panics");
        if self.producer.in_flight_count() == 0 {
            *heard = Instant::now();
        } else if heard.elapsed() > SILENCE_MAX {
            ffi::add_brokers(self.producer.client().native_ptr(), &self.place.bootstrap);
            *heard = Instant::now();
        }
    }

    /// Hands over one record of the test's own.
    pub fn write_record(&mut self, partition: usize, record: Record) {
        self.try_write_record(partition, record)
            .unwrap_or_else(|error| panic!("{}: {error}", self.place.topic));
    }

    fn try_write_record(&mut self, partition: usize, record: Record) -> Result<(), String> {
        let index = {
            let mut births = self.births();
            births.push(Birth {
                cluster: self.place.cluster.clone(),
                topic: self.place.topic.clone(),
                partition,
                record: record.clone(),
                outcome: Outcome::Unknown,
            });
            births.len() - 1
        };
        let client = self.producer.client().native_ptr();
        while let Err(error) = ffi::produce(client, &self.topic, partition, &record, index) {
            if !error.contains("Queue full") {
                return Err(error);
            }
            self.poll(Duration::from_millis(10));
        }
        Ok(())
    }

    /// Writes `count` records in one transaction, on a cluster that may be in trouble.
    ///
    /// # Errors
    /// It did not work; the journal says what is known. A new writer is needed.
    pub fn write_transaction(&mut self, count: usize, is_to_abort: bool) -> Result<(), String> {
        let from = self.births().len();
        let written = self.try_transaction(count, is_to_abort);
        let outcome = match (&written, is_to_abort) {
            (Ok(()), false) => return Ok(()),
            (Ok(()), true) => Outcome::Aborted,
            (Err(_), _) => Outcome::Unknown,
        };
        self.births()[from..]
            .iter_mut()
            .for_each(|birth| birth.outcome = outcome);
        written
    }

    fn try_transaction(&mut self, count: usize, is_to_abort: bool) -> Result<(), String> {
        let limit = Duration::from_secs(20);
        let text = |error: rdkafka::error::KafkaError| error.to_string();
        self.producer.begin_transaction().map_err(text)?;
        self.try_write(count)?;
        self.producer.flush(limit).map_err(text)?;
        if is_to_abort {
            self.producer.abort_transaction(limit).map_err(text)
        } else {
            self.producer.commit_transaction(limit).map_err(text)
        }
    }

    /// Writes `count` records in transactions of 50, every third of them aborted.
    pub fn write_in_transactions(&mut self, count: usize) {
        let mut left = count;
        for number in 1.. {
            if left == 0 {
                break;
            }
            let size = left.min(50);
            left -= size;
            let from = self.births().len();
            self.producer
                .begin_transaction()
                .expect("a transaction can begin");
            self.write(size);
            self.producer
                .flush(PATIENCE)
                .expect("records are acknowledged");
            if number % 3 == 0 {
                self.producer
                    .abort_transaction(PATIENCE)
                    .expect("a transaction can be aborted");
                self.births()[from..]
                    .iter_mut()
                    .for_each(|b| b.outcome = Outcome::Aborted);
            } else {
                self.producer
                    .commit_transaction(PATIENCE)
                    .expect("a transaction can commit");
            }
        }
    }

    /// Begins a transaction, and gets `count` records of it acknowledged.
    pub fn leave_open(&mut self, count: usize) {
        self.producer
            .begin_transaction()
            .expect("a transaction can begin");
        self.write(count);
        self.producer
            .flush(PATIENCE)
            .expect("records are acknowledged");
    }

    /// Aborts what was left open, and gives the journal.
    pub fn abort(self) -> Vec<Birth> {
        self.producer
            .abort_transaction(PATIENCE)
            .expect("a transaction can be aborted");
        let aborted = |birth: &mut Birth| birth.outcome = Outcome::Aborted;
        let mut births = self.finish(PATIENCE);
        births.iter_mut().for_each(aborted);
        births
    }

    /// Waits for what is on its way, at most `limit`, and gives the journal.
    pub fn finish(self, limit: Duration) -> Vec<Birth> {
        // What is not acknowledged by then stays `Unknown`, which the journal says.
        let begun = Instant::now();
        while self.producer.in_flight_count() > 0 && begun.elapsed() < limit {
            self.poll(Duration::from_millis(100));
        }
        self.producer.flush(Duration::ZERO).ok();
        std::mem::take(&mut *self.births())
    }

    fn births(&self) -> std::sync::MutexGuard<'_, Vec<Birth>> {
        self.producer
            .context()
            .births
            .lock()
            .expect("no one panics with the journal")
    }
}

/// One record in so many is odd where a load lasts.
const ODD_ONE_IN_OF_LASTING: u64 = 64;

/// After so long without an answer a producer is given its brokers again.
const SILENCE_MAX: Duration = Duration::from_secs(5);

/// How long a healthy broker may take.
pub const PATIENCE: Duration = Duration::from_secs(60);
