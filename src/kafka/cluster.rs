//! A cluster: its id, its topics and their settings, and what crossdock creates there.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use crossdock_model::name::{Alias, ClusterId};
use rdkafka::admin::{
    AdminClient, AdminOptions, ConfigSource, NewPartitions, NewTopic, ResourceSpecifier,
    TopicReplication,
};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::metadata::Metadata;
use rdkafka::types::RDKafkaRespErr;

use super::admin::{self, Listed, Spec};
use super::client::{Context, kind_of, words};
use super::embedded::Embedded;
use super::{Error, ErrorKind, Properties, TopicPartition};

/// How long a cluster has to answer one question.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// How long it has for offsets: asked every second, they are the evidence that an edge is alive.
const OFFSETS_WITHIN: Duration = Duration::from_secs(5);

/// Room in the target's `max.message.bytes` for provenance headers: more than a record gains on
/// dozens of hops, each at most about 400 bytes.
const HEADER_ROOM_BYTES: u64 = 16 * 1024;

/// Kafka's default for `max.message.bytes`.
const MAX_MESSAGE_BYTES_DEFAULT: u64 = 1_048_588;

/// What the target keeps for itself: MirrorMaker 2's default `config.properties.exclude`.
const CONFIGS_NOT_SYNCED: [&str; 6] = [
    "follower.replication.throttled.replicas",
    "leader.replication.throttled.replicas",
    "message.timestamp.difference.max.ms",
    "message.timestamp.type",
    "unclean.leader.election.enable",
    "min.insync.replicas",
];

/// What a cluster can do. Real Kafka can do everything; the embedded brokers cannot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// Transactions mean something: exactly once is possible.
    pub transactions: bool,
    /// Topics can be created and described through admin calls.
    pub admin: bool,
    /// Static members of classic groups resume at once; else the group must use KIP-848.
    pub classic_groups: bool,
}

/// Settings of a topic that follow it to the target.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TopicSettings {
    /// Values set on the topic itself, without those the target keeps for itself.
    pub configs: BTreeMap<String, String>,
}

/// One cluster: admin and metadata through a single client, shared by all edges.
pub struct Cluster {
    alias: Alias,
    properties: Properties,
    client: RwLock<Arc<BaseConsumer<Context>>>,
    context: Context,
    embedded: Option<Embedded>,
}

impl Cluster {
    /// Prepares the client; nothing is asked of the cluster yet.
    ///
    /// # Errors
    /// A property that librdkafka refuses.
    pub fn new(
        alias: &Alias,
        properties: Properties,
        embedded: Option<Embedded>,
    ) -> Result<Self, Error> {
        let context = Context::new(alias, "metadata");
        let client = RwLock::new(Arc::new(connect(&properties, &context)?));
        Ok(Self {
            alias: alias.clone(),
            properties,
            client,
            context,
            embedded,
        })
    }

    /// What the topology calls it.
    pub fn alias(&self) -> &Alias {
        &self.alias
    }

    /// How its clients connect.
    pub fn properties(&self) -> &Properties {
        &self.properties
    }

    /// What it can do.
    pub fn capabilities(&self) -> Capabilities {
        let real = self.embedded.is_none();
        Capabilities {
            transactions: real,
            admin: real,
            classic_groups: real,
        }
    }

    fn client(&self) -> Arc<BaseConsumer<Context>> {
        self.client
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn renew_client(&self) -> Result<(), Error> {
        let fresh = connect(&self.properties, &self.context)?;
        *self.client.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(fresh);
        Ok(())
    }

    /// Serves log lines and errors: they say why a question was not answered.
    fn serve_events(&self) {
        let client = self.client();
        // One call serves at most one of them.
        for _ in 0..100 {
            client.poll(Duration::ZERO);
        }
    }

    fn failed(&self, doing: &str, error: &KafkaError) -> Error {
        self.serve_events();
        self.context.failed(doing, error)
    }

    fn metadata(&self, topic: Option<&str>, doing: &str) -> Result<Metadata, Error> {
        self.serve_events();
        let metadata = self
            .client()
            .fetch_metadata(topic, ANSWER_WITHIN)
            .map_err(|e| self.failed(doing, &e))?;
        self.context.answered();
        Ok(metadata)
    }

    /// A client for calls that change something. It lives for one call: nobody serves its log lines.
    fn admin(&self) -> Result<AdminClient<Context>, Error> {
        self.properties
            .config()
            .set("allow.auto.create.topics", "false")
            .create_with_context(self.context.clone())
            .map_err(|e| self.context.failed("set up the admin client", &e))
    }

    /// Its id, as Kafka itself calls it.
    ///
    /// # Errors
    /// It does not answer, or refuses.
    pub fn id(&self) -> Result<ClusterId, Error> {
        self.serve_events();
        let id = self.client().client().fetch_cluster_id(ANSWER_WITHIN);
        let silence = KafkaError::MetadataFetch(RDKafkaErrorCode::OperationTimedOut);
        id.map(ClusterId::new)
            .ok_or_else(|| self.failed("connect", &silence))
    }

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
        let doing = format!("create topic `{name}`");
        if let Some(embedded) = &self.embedded {
            return embedded.create_topic(name, partitions).map_err(|why| {
                self.context
                    .plain(ErrorKind::Refused, format!("cannot {doing}: {why}"))
            });
        }
        // −1: the cluster's own default replication factor (KIP-464); the source's may not fit.
        let mut topic = NewTopic::new(name, partitions, TopicReplication::Fixed(-1));
        for (key, value) in &settings.configs {
            topic = topic.set(key, value);
        }
        let answer = pollster::block_on(self.admin()?.create_topics(&[topic], &options()));
        self.single(
            &doing,
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
            .get("max.message.bytes")
            .and_then(|e| e.value.as_deref()?.parse().ok());
        let mut configs: BTreeMap<String, String> = resource
            .entries
            .into_iter()
            .filter(|e| {
                e.source == ConfigSource::DynamicTopic && !e.is_read_only && !e.is_sensitive
            })
            .filter(|e| !CONFIGS_NOT_SYNCED.contains(&e.name.as_str()))
            .filter_map(|e| Some((e.name, e.value?)))
            .collect();
        let largest = largest.unwrap_or(MAX_MESSAGE_BYTES_DEFAULT) + HEADER_ROOM_BYTES;
        configs.insert(
            "max.message.bytes".to_owned(),
            largest.min(i32::MAX as u64).to_string(),
        );
        Ok(TopicSettings { configs })
    }

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
        let doing = "list end offsets";
        match self.list(partitions, Spec::End, doing)? {
            Listed {
                offsets,
                failed: Some(error),
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
        let Listed { offsets, failed } = self.list(partitions, spec, doing)?;
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

    /// Whether a group has any committed offset, of whatever topic. `false` where the cluster has no
    /// admin calls.
    ///
    /// # Errors
    /// It does not answer, or refuses.
    pub fn has_offsets(&self, group: &str) -> Result<bool, Error> {
        if !self.capabilities().admin {
            return Ok(false);
        }
        admin::has_offsets(self.client().client().native_ptr(), group, ANSWER_WITHIN)
            .map_err(|e| self.failed("list the offsets of its group", &e))
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

fn connect(properties: &Properties, context: &Context) -> Result<BaseConsumer<Context>, Error> {
    let client = properties.config().create_with_context(context.clone());
    client.map_err(|e| context.failed("set up the client", &e))
}

fn options() -> AdminOptions {
    AdminOptions::new()
        .request_timeout(Some(ANSWER_WITHIN))
        .operation_timeout(Some(ANSWER_WITHIN))
}
