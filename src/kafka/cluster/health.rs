//! Whether a cluster can serve its topics: brokers, leaders, replicas in sync.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::Cluster;
use crate::kafka::{Error, TopicPartition};

/// Brokers that answer for a cluster, and how partitions are kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Health {
    /// Brokers that are there: number and address.
    pub brokers: BTreeMap<i32, String>,
    /// Partitions of the topics that were asked for.
    pub partitions: BTreeMap<TopicPartition, Replicas>,
}

/// How a partition is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Replicas {
    /// The broker that leads it; `None` where there is none, and it can be neither read nor written.
    pub leader: Option<i32>,
    /// Replicas that it should have.
    pub assigned: usize,
    /// Replicas that hold all of it.
    pub in_sync: usize,
}

impl Cluster {
    /// Its brokers, and how it keeps these topics; topics that are not there are left out.
    ///
    /// # Errors
    /// It does not answer, or refuses.
    pub fn health(&self, topics: &BTreeSet<&str>) -> Result<Health, Error> {
        let metadata = self.metadata(None, "ask for its brokers and leaders")?;
        let brokers = metadata.brokers().iter();
        let mut health = Health {
            brokers: brokers
                .map(|b| (b.id(), format!("{}:{}", b.host(), b.port())))
                .collect(),
            partitions: BTreeMap::new(),
        };
        for topic in metadata
            .topics()
            .iter()
            .filter(|t| topics.contains(t.name()))
        {
            let name: Arc<str> = topic.name().into();
            for partition in topic.partitions() {
                let replicas = Replicas {
                    leader: Some(partition.leader()).filter(|id| *id >= 0),
                    assigned: partition.replicas().len(),
                    in_sync: partition.isr().len(),
                };
                health
                    .partitions
                    .insert((name.clone(), partition.id()), replicas);
            }
        }
        Ok(health)
    }
}
