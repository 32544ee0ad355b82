//! Offsets of partitions and of groups.

use std::collections::BTreeMap;
use std::time::Duration;

use rdkafka::consumer::Consumer;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use super::Cluster;
use crate::kafka::admin::{self, Listed, Spec};
use crate::kafka::{Error, Fetched, TopicPartition};

/// How long it has for offsets: asked every second, they are the evidence that an edge is alive.
const OFFSETS_WITHIN: Duration = Duration::from_secs(5);

impl Cluster {
    /// The last stable offsets of partitions.
    ///
    /// # Errors
    /// It does not answer, or one of the partitions is not there.
    pub fn end_offsets(
        &self,
        partitions: &[TopicPartition],
    ) -> Result<BTreeMap<TopicPartition, i64>, Error> {
        self.offsets(partitions, Spec::End, "list end offsets")
    }

    /// The high watermarks of partitions: the ends of what is replicated, open transactions included.
    ///
    /// # Errors
    /// It does not answer, or one of the partitions is not there.
    pub fn high_watermarks(
        &self,
        partitions: &[TopicPartition],
    ) -> Result<BTreeMap<TopicPartition, i64>, Error> {
        self.offsets(partitions, Spec::HighWatermark, "list high watermarks")
    }

    /// The log start offsets of partitions.
    ///
    /// # Errors
    /// It does not answer, or one of the partitions is not there.
    pub fn start_offsets(
        &self,
        partitions: &[TopicPartition],
    ) -> Result<BTreeMap<TopicPartition, i64>, Error> {
        self.offsets(partitions, Spec::Start, "list log start offsets")
    }

    /// The offsets of the first records at or after a time (milliseconds since the epoch); the last
    /// stable offset where there is none.
    ///
    /// # Errors
    /// It does not answer, or one of the partitions is not there.
    pub fn offsets_at(
        &self,
        partitions: &[TopicPartition],
        timestamp: i64,
    ) -> Result<BTreeMap<TopicPartition, i64>, Error> {
        let ends = self.end_offsets(partitions)?;
        let mut found = self.offsets(partitions, Spec::At(timestamp), "list offsets by time")?;
        for (partition, offset) in &mut found {
            if *offset < 0 {
                *offset = ends.get(partition).copied().unwrap_or(0);
            }
        }
        Ok(found)
    }

    /// The last stable offsets of those partitions that have a leader.
    ///
    /// # Errors
    /// The cluster does not answer, or none of them has one.
    pub fn known_ends(
        &self,
        partitions: &[TopicPartition],
    ) -> Result<BTreeMap<TopicPartition, i64>, Error> {
        self.known(partitions, Spec::End, "list end offsets")
    }

    /// The high watermarks of those partitions that have a leader.
    ///
    /// # Errors
    /// The cluster does not answer, or none of them has one.
    pub fn known_high_watermarks(
        &self,
        partitions: &[TopicPartition],
    ) -> Result<BTreeMap<TopicPartition, i64>, Error> {
        self.known(partitions, Spec::HighWatermark, "list high watermarks")
    }

    fn known(
        &self,
        partitions: &[TopicPartition],
        spec: Spec,
        doing: &str,
    ) -> Result<BTreeMap<TopicPartition, i64>, Error> {
        match self.list(partitions, spec, doing)? {
            Listed {
                offsets,
                failed: Some(error),
                ..
            } if offsets.is_empty() => Err(self.failed(doing, &error)),
            Listed { offsets, .. } => Ok(offsets),
        }
    }

    fn offsets(
        &self,
        partitions: &[TopicPartition],
        spec: Spec,
        doing: &str,
    ) -> Result<BTreeMap<TopicPartition, i64>, Error> {
        let Listed {
            offsets, failed, ..
        } = self.list(partitions, spec, doing)?;
        match failed {
            None => Ok(offsets),
            Some(error) => {
                let missing = partitions
                    .iter()
                    .filter(|place| !offsets.contains_key(place));
                let named: Vec<_> = missing.take(3).map(|(t, p)| format!("{t}-{p}")).collect();
                Err(self.failed(&format!("{doing} of {}", named.join(", ")), &error))
            }
        }
    }

    fn list(
        &self,
        partitions: &[TopicPartition],
        spec: Spec,
        doing: &str,
    ) -> Result<Listed, Error> {
        if partitions.is_empty() {
            return Ok(Listed {
                offsets: BTreeMap::new(),
                failed: None,
                newest: None,
            });
        }
        let ask = || {
            admin::list_offsets(
                self.client().client().native_ptr(),
                partitions,
                spec,
                OFFSETS_WITHIN,
            )
            .map_err(|e| self.failed(doing, &e))
        };
        let listed = ask()?;
        let Some(KafkaError::AdminOp(
            RDKafkaErrorCode::FencedLeaderEpoch | RDKafkaErrorCode::UnknownLeaderEpoch,
        )) = listed.failed
        else {
            return Ok(listed);
        };
        // librdkafka keeps a leader epoch in its cache that a restarted broker has left behind, and no
        // metadata request brings it up to date: a new client has an empty cache.
        self.renew_client()?;
        ask()
    }

    /// Every committed offset of a group, of whatever topic. Empty where the cluster has no admin calls.
    ///
    /// # Errors
    /// It does not answer, or refuses.
    pub fn group_offsets(&self, group: &str) -> Result<BTreeMap<TopicPartition, i64>, Error> {
        let positions = self.group_positions(group)?.into_iter();
        Ok(positions
            .filter_map(|(place, fetched)| Some((place, fetched.offset?)))
            .collect())
    }

    /// The same, with what was noted with each.
    ///
    /// # Errors
    /// It does not answer, or refuses.
    pub fn group_positions(&self, group: &str) -> Result<BTreeMap<TopicPartition, Fetched>, Error> {
        if !self.capabilities().admin {
            return Ok(BTreeMap::new());
        }
        let found = self.offsets_of_groups(&[group])?.pop();
        found.unwrap_or_else(|| Ok(BTreeMap::new()))
    }
}
