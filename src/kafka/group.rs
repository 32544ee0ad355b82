//! A group's committed offsets, seen and set from outside of the group.

use std::collections::BTreeMap;
use std::time::Duration;

use rdkafka::client::ClientContext;
use rdkafka::consumer::{
    BaseConsumer, CommitMode, Consumer, ConsumerContext, ConsumerGroupMetadata,
};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use super::client::Context;
use super::{Cluster, Error, ErrorKind, TopicPartition};

/// How long the coordinator has to answer one question.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// Characters of a UUID.
const UUID_LENGTH: usize = 36;

/// A position to commit: the partition, the next offset to read, and a note.
pub type Position = (TopicPartition, i64, String);

/// A committed offset with its metadata string.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fetched {
    /// `None` where nothing is committed.
    pub offset: Option<i64>,
    /// What was noted with it.
    pub metadata: String,
}

/// A member of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupMember {
    /// The id that the coordinator gave it; each join of a static member gets a new one.
    pub id: String,
    /// `group.instance.id`; `None` where it is no static member.
    pub instance: Option<String>,
    /// `client.id`, of whoever was the first of this instance: the coordinator keeps it for those who take its
    /// place.
    pub client: String,
    /// Where it connects from.
    pub host: String,
}

impl GroupMember {
    /// A broker names static members `<instance>-<uuid>`, and others `<client>-<uuid>`.
    fn new(id: &str, client: &str, host: &str) -> Self {
        let at = id.len().saturating_sub(UUID_LENGTH + 1);
        let name = id.get(..at).filter(|_| id[at..].starts_with('-'));
        Self {
            id: id.to_owned(),
            instance: name.filter(|n| *n != client).map(str::to_owned),
            client: client.to_owned(),
            host: host.trim_start_matches('/').to_owned(),
        }
    }
}

/// The committed offsets of a group that this client is no member of.
pub struct Group {
    name: String,
    consumer: BaseConsumer<Context>,
    context: Context,
}

impl Group {
    /// Prepares a client for the group. What it fetches does not wait for an open transaction: a
    /// predecessor that was killed may have left one, which only its stream's successor ends.
    ///
    /// # Errors
    /// A property that librdkafka refuses.
    pub fn new(cluster: &Cluster, group: &str) -> Result<Self, Error> {
        Self::reading(cluster, group, "read_uncommitted")
    }

    /// The same for a group whose last transaction must have ended before its offsets count.
    ///
    /// # Errors
    /// A property that librdkafka refuses.
    pub fn settled(cluster: &Cluster, group: &str) -> Result<Self, Error> {
        Self::reading(cluster, group, "read_committed")
    }

    fn reading(cluster: &Cluster, group: &str, isolation: &str) -> Result<Self, Error> {
        let context = Context::new(cluster.alias(), "group");
        let properties = cluster
            .properties()
            .clone()
            .set("group.id", group)
            .set("enable.auto.commit", "false")
            .set("isolation.level", isolation);
        let consumer = properties
            .config()
            .create_with_context(context.clone())
            .map_err(|e| context.failed("set up a client for the group", &e))?;
        Ok(Self {
            name: group.to_owned(),
            consumer,
            context,
        })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What a transaction needs to commit offsets of this group without being a member of it.
    pub(super) fn metadata(&self) -> Option<ConsumerGroupMetadata> {
        self.consumer.group_metadata()
    }

    /// Its committed offsets.
    ///
    /// # Errors
    /// The coordinator does not answer or refuses.
    pub fn committed(
        &self,
        partitions: &[TopicPartition],
    ) -> Result<BTreeMap<TopicPartition, Fetched>, Error> {
        committed(&self.consumer, &self.context, partitions, ANSWER_WITHIN)
    }

    /// Its members now.
    ///
    /// # Errors
    /// The coordinator does not answer or refuses.
    pub fn members(&self) -> Result<Vec<GroupMember>, Error> {
        let found = self
            .consumer
            .fetch_group_list(Some(&self.name), ANSWER_WITHIN)
            .map_err(|e| self.context.failed("describe the group", &e))?;
        let members = found.groups().iter().flat_map(|g| g.members());
        Ok(members
            .map(|m| GroupMember::new(m.id(), m.client_id(), m.client_host()))
            .collect())
    }

    /// Commits positions while the group has no members, all of them or an error: a broker may refuse single
    /// partitions, such as those of a topic that it does not know yet. `false` when it has some.
    ///
    /// # Errors
    /// The coordinator does not answer or refuses, or did not take every position.
    pub fn commit_all(&self, positions: &[Position]) -> Result<bool, Error> {
        if !self.commit(positions)? {
            return Ok(false);
        }
        let places: Vec<_> = positions
            .iter()
            .map(|(place, _, _)| place.clone())
            .collect();
        let taken = self.committed(&places)?;
        let is_taken = |(place, offset, _): &Position| {
            taken.get(place).and_then(|f| f.offset) == Some(*offset)
        };
        match positions.iter().find(|position| !is_taken(position)) {
            None => Ok(true),
            Some(((topic, partition), _, _)) => {
                let reason = format!("the position of {topic}-{partition} was not taken");
                Err(self.context.plain(ErrorKind::Other, reason))
            }
        }
    }

    /// The same, of which a broker may refuse some.
    ///
    /// # Errors
    /// The coordinator does not answer or refuses.
    pub fn commit(&self, positions: &[Position]) -> Result<bool, Error> {
        if positions.is_empty() {
            return Ok(true);
        }
        match commit(&self.consumer, positions) {
            Ok(()) => Ok(true),
            Err(error) => match error.rdkafka_error_code() {
                Some(
                    RDKafkaErrorCode::UnknownMemberId
                    | RDKafkaErrorCode::IllegalGeneration
                    | RDKafkaErrorCode::RebalanceInProgress,
                ) => Ok(false),
                _ => Err(self.context.failed("commit offsets", &error)),
            },
        }
    }
}

pub(super) fn committed<C: ConsumerContext + ClientContext>(
    consumer: &BaseConsumer<C>,
    context: &Context,
    partitions: &[TopicPartition],
    within: Duration,
) -> Result<BTreeMap<TopicPartition, Fetched>, Error> {
    if partitions.is_empty() {
        return Ok(BTreeMap::new());
    }
    let mut list = TopicPartitionList::with_capacity(partitions.len());
    for (topic, partition) in partitions {
        list.add_partition(topic, *partition);
    }
    let doing = "fetch the committed offsets";
    let found = consumer
        .committed_offsets(list, within)
        .map_err(|e| context.failed(doing, &e))?;
    let mut fetched = BTreeMap::new();
    for element in found.elements() {
        element.error().map_err(|e| context.failed(doing, &e))?;
        let offset = match element.offset() {
            Offset::Offset(offset) => Some(offset),
            _ => None,
        };
        let metadata = element.metadata().to_owned();
        fetched.insert(
            (element.topic().into(), element.partition()),
            Fetched { offset, metadata },
        );
    }
    context.answered();
    Ok(fetched)
}

pub(super) fn commit<C: ConsumerContext>(
    consumer: &BaseConsumer<C>,
    positions: &[Position],
) -> Result<(), KafkaError> {
    consumer.commit(&position_list(positions)?, CommitMode::Sync)
}

/// Positions as librdkafka wants them, without leader epoch.
pub(super) fn position_list(positions: &[Position]) -> Result<TopicPartitionList, KafkaError> {
    let mut list = TopicPartitionList::with_capacity(positions.len());
    for ((topic, partition), offset, metadata) in positions {
        let mut element = list.add_partition(topic, *partition);
        element.set_offset(Offset::Offset(*offset))?;
        element.set_metadata(metadata);
    }
    Ok(list)
}
