//! A small log on one partition: read from its beginning, written by one at a time.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka::admin::{NewTopic, TopicReplication};
use rdkafka::error::KafkaError;
use rdkafka::producer::{BaseProducer, BaseRecord, DeliveryResult, Producer, ProducerContext};

use super::client::Context;
use super::reader::{BATCH_RECORDS_MAX, Reader, Received};
use super::{Cluster, Error, ErrorKind};

/// How long one step of a transaction may take.
const STEP_WITHIN: Duration = Duration::from_secs(30);

/// How long the log may stay silent while it is read.
const SILENCE_MAX: Duration = Duration::from_secs(10);

/// Largest record, in bytes.
const RECORD_BYTES_MAX: &str = "8388608";

/// Replicas of the log, where there are brokers for them.
const REPLICAS_MAX: usize = 3;

/// The values of all records of a topic's first partition, in order; `None` when it is not there.
///
/// # Errors
/// The cluster does not answer, or refuses.
pub fn read_log(cluster: &Cluster, topic: &str) -> Result<Option<Vec<Vec<u8>>>, Error> {
    if cluster.partitions(topic)?.is_none() {
        return Ok(None);
    }
    let topic: Arc<str> = topic.into();
    let place = [(topic.clone(), 0)];
    let start = cluster.start_offsets(&place)?.into_values().next();
    let properties = cluster
        .properties()
        .clone()
        .set("isolation.level", "read_committed")
        .set("fetch.message.max.bytes", RECORD_BYTES_MAX);
    let mut reader = Reader::new(cluster, &properties)?;
    reader.start(0, &topic, 0, start.unwrap_or(0))?;
    let (mut values, mut is_done, mut failed) = (Vec::new(), false, None);
    let mut heard = Instant::now();
    while !is_done {
        reader
            .receive(Duration::from_millis(100), BATCH_RECORDS_MAX)
            .for_each(|_, received| {
                heard = Instant::now();
                match received {
                    Received::Record(record) => values.extend(record.value().map(<[u8]>::to_vec)),
                    Received::End(_) | Received::OutOfRange => is_done = true,
                    Received::Failed(error) => failed = Some(error),
                }
            });
        if heard.elapsed() > SILENCE_MAX || failed.is_some() {
            let context = Context::new(cluster.alias(), "reader");
            let silent = || {
                let reason = format!("no answer while reading topic `{topic}`");
                context.plain(ErrorKind::Unreachable, reason)
            };
            return Err(failed.unwrap_or_else(silent));
        }
    }
    Ok(Some(values))
}

/// Writes to a log: only one pen of a name writes, the one that was taken last.
pub struct Pen {
    producer: BaseProducer<Context>,
    context: Context,
}

impl ProducerContext for Context {
    type DeliveryOpaque = ();

    /// The commit of its transaction says whether a record has arrived.
    fn delivery(&self, _result: &DeliveryResult<'_>, _opaque: ()) {}
}

impl Pen {
    /// Takes the pen: whoever had it before can write no more.
    ///
    /// # Errors
    /// The cluster does not answer, or refuses.
    pub fn take(cluster: &Cluster, name: &str) -> Result<Self, Error> {
        let context = Context::new(cluster.alias(), "pen");
        let properties = cluster
            .properties()
            .clone()
            .set("transactional.id", name)
            .set("compression.codec", "zstd")
            .set("message.max.bytes", RECORD_BYTES_MAX);
        let producer: BaseProducer<Context> = properties
            .config()
            .create_with_context(context.clone())
            .map_err(|e| context.failed("set up a producer", &e))?;
        producer
            .init_transactions(STEP_WITHIN)
            .map_err(|e| context.failed("begin to write", &e))?;
        Ok(Self { producer, context })
    }

    /// Writes one record to the topic's first partition.
    ///
    /// # Errors
    /// [`ErrorKind::Fenced`] when somebody else has taken the pen; the cluster does not answer, or
    /// refuses.
    pub fn write(&self, topic: &str, key: &str, value: &[u8]) -> Result<(), Error> {
        let doing = format!("write to topic `{topic}`");
        let failed = |e: KafkaError| self.context.failed(&doing, &e);
        self.producer.begin_transaction().map_err(failed)?;
        let record = BaseRecord::to(topic).partition(0).key(key).payload(value);
        self.producer.send(record).map_err(|(e, _)| failed(e))?;
        self.producer
            .commit_transaction(STEP_WITHIN)
            .map_err(failed)
    }
}

impl Cluster {
    /// Whether this principal may use a transactional id. No cluster tells; so one of this prefix is begun
    /// to be used, with which nothing is ever written: nobody who works under another one is fenced.
    ///
    /// # Errors
    /// The cluster does not answer.
    pub fn may_use_id(&self, prefix: &str) -> Result<bool, Error> {
        match Pen::take(self, &format!("{prefix}.plan")) {
            Ok(_) => Ok(true),
            Err(error) if error.kind == ErrorKind::Refused => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Makes a compacted topic of one partition, replicated as far as there are brokers; that it is
    /// there already is fine.
    ///
    /// # Errors
    /// The cluster does not answer, or refuses.
    pub fn make_log(&self, topic: &str) -> Result<(), Error> {
        let replicas = self.describe()?.brokers.clamp(1, REPLICAS_MAX);
        let replicas = TopicReplication::Fixed(i32::try_from(replicas).unwrap_or(1));
        let log = NewTopic::new(topic, 1, replicas)
            .set("cleanup.policy", "compact")
            .set("max.message.bytes", RECORD_BYTES_MAX);
        self.create_if_missing(topic, &log)?;
        let deadline = Instant::now() + SILENCE_MAX;
        while self.partitions(topic)?.is_none() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }
}
