//! Topics: what there is, and what is created.

use std::collections::BTreeMap;

use crossdock_model::plan::{MAX_MESSAGE_BYTES, is_synced, with_header_room};
use rdkafka::admin::{
    AdminOptions, ConfigSource, NewPartitions, NewTopic, ResourceSpecifier, TopicReplication,
};
use rdkafka::consumer::Consumer;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::types::RDKafkaRespErr;

use super::{ANSWER_WITHIN, Cluster};
use crate::kafka::client::{kind_of, words};
use crate::kafka::{Error, ErrorKind, admin};

/// Settings of a topic that follow it to the target.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TopicSettings {
    /// Values set on the topic itself, without those the target keeps for itself.
    pub configs: BTreeMap<String, String>,
}

impl Cluster {
    /// Its topics with their partition counts; those that are being deleted or may not be described
    /// are left out.
    ///
    /// # Errors
    /// It does not answer, or refuses.
    pub fn topics(&self) -> Result<BTreeMap<String, i32>, Error> {
        let metadata = self.metadata(None, "list its topics")?;
        let there = metadata.topics().iter().filter(|t| t.error().is_none());
        Ok(there
            .map(|t| {
                (
                    t.name().to_owned(),
                    i32::try_from(t.partitions().len()).unwrap_or(0),
                )
            })
            .collect())
    }

    /// Creates a topic; that it exists already is fine.
    ///
    /// # Errors
    /// It does not answer, or refuses the name, a config or the permission.
    pub fn create_topic(
        &self,
        name: &str,
        partitions: i32,
        settings: &TopicSettings,
    ) -> Result<(), Error> {
        if let Some(embedded) = &self.embedded {
            return embedded.create_topic(name, partitions).map_err(|why| {
                let reason = format!("cannot create topic `{name}`: {why}");
                self.context.plain(ErrorKind::Refused, reason)
            });
        }
        // −1: the cluster's own default replication factor (KIP-464); the source's may not fit.
        let mut topic = NewTopic::new(name, partitions, TopicReplication::Fixed(-1));
        for (key, value) in &settings.configs {
            topic = topic.set(key, value);
        }
        self.create_if_missing(name, &topic)
    }

    /// Creates a topic; that it exists already is fine.
    pub(in crate::kafka) fn create_if_missing(
        &self,
        name: &str,
        topic: &NewTopic<'_>,
    ) -> Result<(), Error> {
        let answer = pollster::block_on(self.admin()?.create_topics([topic], &options()));
        self.single(
            &format!("create topic `{name}`"),
            answer.map(|a| a.into_iter().map(|r| r.map_err(|(_, code)| code)).collect()),
            RDKafkaErrorCode::TopicAlreadyExists,
        )
    }

    /// Adds partitions up to `count`; that there are more already is fine.
    ///
    /// # Errors
    /// It does not answer, or refuses.
    pub fn grow_topic(&self, name: &str, count: i32) -> Result<(), Error> {
        let doing = format!("give topic `{name}` {count} partitions");
        let wanted = usize::try_from(count).unwrap_or(0);
        let answer = pollster::block_on(
            self.admin()?
                .create_partitions(&[NewPartitions::new(name, wanted)], &options()),
        );
        self.single(
            &doing,
            answer.map(|a| a.into_iter().map(|r| r.map_err(|(_, code)| code)).collect()),
            RDKafkaErrorCode::InvalidPartitions,
        )
    }

    fn single(
        &self,
        doing: &str,
        answer: Result<Vec<Result<String, RDKafkaErrorCode>>, KafkaError>,
        fine: RDKafkaErrorCode,
    ) -> Result<(), Error> {
        let results = answer.map_err(|e| self.failed(doing, &e))?;
        match results.into_iter().find_map(Result::err) {
            Some(code) if code != fine => Err(self
                .context
                .plain(kind_of(code), format!("cannot {doing}: {}", words(code)))),
            _ => Ok(()),
        }
    }

    /// The settings of a topic that follow it: what is set on the topic itself, and room for headers.
    ///
    /// # Errors
    /// It does not answer, or refuses to describe the topic's configs.
    pub fn topic_settings(&self, name: &str) -> Result<TopicSettings, Error> {
        if !self.capabilities().admin {
            return Ok(TopicSettings::default());
        }
        let doing = format!("describe the configs of topic `{name}`");
        let answer = pollster::block_on(
            self.admin()?
                .describe_configs([&ResourceSpecifier::Topic(name)], &options()),
        );
        let mut resources = answer.map_err(|e| self.failed(&doing, &e))?;
        let resource = match resources.pop() {
            Some(Ok(resource)) => resource,
            Some(Err(code)) => {
                return Err(self
                    .context
                    .plain(kind_of(code), format!("cannot {doing}: {}", words(code))));
            }
            None => return Ok(TopicSettings::default()),
        };
        let largest = resource
            .get(MAX_MESSAGE_BYTES)
            .and_then(|e| e.value.as_deref()?.parse().ok());
        let mut configs: BTreeMap<String, String> = resource
            .entries
            .into_iter()
            .filter(|e| {
                e.source == ConfigSource::DynamicTopic && !e.is_read_only && !e.is_sensitive
            })
            .filter(|e| is_synced(&e.name))
            .filter_map(|e| Some((e.name, e.value?)))
            .collect();
        let largest = with_header_room(largest).to_string();
        configs.insert(MAX_MESSAGE_BYTES.to_owned(), largest);
        Ok(TopicSettings { configs })
    }

    /// The ids of topics (KIP-516); those that are not there are left out. Empty where the cluster has
    /// no admin calls.
    ///
    /// # Errors
    /// It does not answer.
    pub fn topic_ids(&self, topics: &[&str]) -> Result<BTreeMap<String, String>, Error> {
        if topics.is_empty() || !self.capabilities().admin {
            return Ok(BTreeMap::new());
        }
        admin::topic_ids(self.client().client().native_ptr(), topics, ANSWER_WITHIN)
            .map_err(|e| self.failed("describe topics", &e))
    }

    /// The number of partitions of one topic; `None` when it is not there.
    ///
    /// # Errors
    /// It does not answer, or refuses.
    pub fn partitions(&self, topic: &str) -> Result<Option<i32>, Error> {
        let metadata = self.metadata(Some(topic), &format!("describe topic `{topic}`"))?;
        let found = metadata.topics().iter().find(|t| t.name() == topic);
        Ok(match found.map(|t| (t.error(), t.partitions().len())) {
            Some((None, count)) => i32::try_from(count).ok(),
            Some((Some(RDKafkaRespErr::RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART), _)) | None => None,
            Some((Some(error), _)) => {
                let code = RDKafkaErrorCode::from(error);
                return Err(self.context.plain(
                    kind_of(code),
                    format!("cannot describe topic `{topic}`: {}", words(code)),
                ));
            }
        })
    }
}

pub(super) fn options() -> AdminOptions {
    AdminOptions::new()
        .request_timeout(Some(ANSWER_WITHIN))
        .operation_timeout(Some(ANSWER_WITHIN))
}
