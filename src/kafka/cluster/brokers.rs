//! The brokers of a cluster, each by itself, and how new its records are: for whoever looks for a fault.

use std::time::{Duration, Instant};

use rdkafka::consumer::Consumer;
use rdkafka::error::KafkaError;

use super::{ANSWER_WITHIN, Cluster, connect};
use crate::kafka::admin::{self, Spec};
use crate::kafka::client::Context;
use crate::kafka::{Error, TopicPartition};

/// Questions of which the quickest answer counts: what else the machine does is not the broker's.
const QUESTIONS: usize = 5;

/// How long a broker may take to be connected to and to answer.
const BROKER_WITHIN: Duration = Duration::from_secs(5);

/// A broker, as it tells clients to find it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broker {
    /// Its node id.
    pub id: i32,
    /// `host:port` of the listener that this client is sent to.
    pub address: String,
}

impl Cluster {
    /// The brokers that are there, by id.
    ///
    /// # Errors
    /// It does not answer, or refuses.
    pub fn brokers(&self) -> Result<Vec<Broker>, Error> {
        let metadata = self.metadata(None, "list its brokers")?;
        let mut brokers: Vec<Broker> = metadata
            .brokers()
            .iter()
            .map(|b| Broker {
                id: b.id(),
                address: format!("{}:{}", b.host(), b.port()),
            })
            .collect();
        brokers.sort_by_key(|b| b.id);
        Ok(brokers)
    }

    /// How long one broker takes to answer, connecting left out.
    ///
    /// # Errors
    /// It cannot be connected to where it says that it is, or does not answer.
    pub fn round_trip(&self, broker: &Broker) -> Result<Duration, Error> {
        let context = Context::new(self.alias(), "broker");
        let properties = self
            .properties()
            .clone()
            .set("bootstrap.servers", &broker.address);
        let client = connect(&properties, &context, None)?;
        let ask = || {
            client.poll(Duration::ZERO);
            admin::ping(client.client().native_ptr(), BROKER_WITHIN)
        };
        let failed = |e: &KafkaError| {
            client.poll(Duration::ZERO);
            context.failed(&format!("connect to {}", broker.address), e)
        };
        ask().map_err(|e| failed(&e))?;
        let mut quickest = BROKER_WITHIN;
        for _ in 0..QUESTIONS {
            let begun = Instant::now();
            ask().map_err(|e| failed(&e))?;
            quickest = quickest.min(begun.elapsed());
        }
        Ok(quickest)
    }

    /// The latest timestamp in these partitions, in milliseconds since the epoch (KIP-734); `None` where
    /// there is no record.
    ///
    /// # Errors
    /// It does not answer, or refuses.
    pub fn newest_timestamp(&self, partitions: &[TopicPartition]) -> Result<Option<i64>, Error> {
        if partitions.is_empty() {
            return Ok(None);
        }
        let client = self.client();
        let listed = admin::list_offsets(
            client.client().native_ptr(),
            partitions,
            Spec::Newest,
            ANSWER_WITHIN,
        );
        let listed = listed.map_err(|e| self.failed("ask for the newest records", &e))?;
        Ok(listed.newest)
    }
}
