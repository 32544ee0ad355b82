//! Produces a rehearsal's records, as an application of the cluster would.

use std::time::Duration;

use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};

use super::client::Context;
use super::{Cluster, Error};

/// How long the cluster has to acknowledge everything.
const FLUSH_WITHIN: Duration = Duration::from_secs(30);

/// A producer of one cluster.
pub struct Feeder {
    producer: BaseProducer,
    context: Context,
}

impl Feeder {
    /// Prepares the producer.
    ///
    /// # Errors
    /// A property that librdkafka refuses.
    pub fn new(cluster: &Cluster) -> Result<Self, Error> {
        let context = Context::new(cluster.alias(), "producer");
        let properties = cluster
            .properties()
            .clone()
            .set("enable.idempotence", "true")
            .set("linger.ms", "5");
        let producer = properties
            .config()
            .create()
            .map_err(|e| context.failed("set up the producer", &e))?;
        Ok(Self { producer, context })
    }

    /// Produces a record.
    ///
    /// # Errors
    /// The cluster takes no more.
    pub fn send(&self, topic: &str, partition: i32, key: &str, value: &str) -> Result<(), Error> {
        loop {
            let record = BaseRecord::to(topic)
                .partition(partition)
                .key(key)
                .payload(value);
            match self.producer.send(record) {
                Ok(()) => return Ok(()),
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), _)) => {
                    self.producer.poll(Duration::from_millis(10));
                }
                Err((error, _)) => {
                    return Err(self.context.failed(&format!("produce to {topic}"), &error));
                }
            }
        }
    }

    /// Waits until everything is acknowledged.
    ///
    /// # Errors
    /// The cluster does not answer.
    pub fn flush(&self) -> Result<(), Error> {
        self.flush_within(FLUSH_WITHIN)
    }

    /// The same, but for no longer than this.
    ///
    /// # Errors
    /// The cluster does not answer.
    pub fn flush_within(&self, limit: Duration) -> Result<(), Error> {
        self.producer
            .flush(limit)
            .map_err(|e| self.context.failed("produce", &e))
    }
}
