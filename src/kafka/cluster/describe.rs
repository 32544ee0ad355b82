//! What a plan must know of a cluster, and what it changes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crossdock_model::plan::{Acl, Config};
use rdkafka::admin::{ConfigSource, NewTopic, ResourceSpecifier, TopicReplication};
use rdkafka::consumer::Consumer;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use super::topics::options;
use super::{ANSWER_WITHIN, Cluster};
use crate::kafka::admin;
use crate::kafka::client::{kind_of, words};
use crate::kafka::{Error, TopicPartition};

/// Topics whose configs one request asks for.
const CONFIGS_A_REQUEST: usize = 200;

/// A cluster as it describes itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Described {
    /// Its id.
    pub id: String,
    /// Brokers that are there.
    pub brokers: usize,
    /// What this principal may do with it, in Kafka's words; `None` where it is not told.
    pub operations: Option<BTreeSet<String>>,
}

/// A consumer group as its cluster describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupDescribed {
    /// Whether what is told of its members holds: not while it rebalances.
    pub is_settled: bool,
    /// Its members.
    pub holders: Vec<Holder>,
    /// What this principal may do with it.
    pub operations: Option<BTreeSet<String>>,
}

/// A member of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// What its client calls itself.
    pub client: String,
    /// Its `group.instance.id`; empty where it has none.
    pub instance: String,
    /// What it holds.
    pub partitions: BTreeSet<TopicPartition>,
}

/// A topic as its cluster describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicDescribed {
    /// Its id.
    pub id: String,
    /// What this principal may do with it.
    pub operations: Option<BTreeSet<String>>,
}

impl Cluster {
    /// Its id, its brokers, and what this principal may do with it.
    ///
    /// # Errors
    /// It does not answer, or refuses.
    pub fn describe(&self) -> Result<Described, Error> {
        self.serve_events();
        let found = admin::describe::cluster(self.client().client().native_ptr(), ANSWER_WITHIN);
        let described = found.map_err(|e| self.failed("connect", &e))?;
        self.context.answered();
        Ok(described)
    }

    /// Its topics with partition counts and replication factors.
    ///
    /// # Errors
    /// It does not answer, or refuses.
    pub fn topics_in_full(&self) -> Result<BTreeMap<String, (usize, usize)>, Error> {
        let metadata = self.metadata(None, "list its topics")?;
        let there = metadata.topics().iter().filter(|t| t.error().is_none());
        Ok(there
            .map(|t| {
                let replicas = t.partitions().first().map_or(0, |p| p.replicas().len());
                (t.name().to_owned(), (t.partitions().len(), replicas))
            })
            .collect())
    }

    /// Ids of topics, and what this principal may do with them; `Err` for those that may not be
    /// described. Those that are not there are left out.
    ///
    /// # Errors
    /// It does not answer, or refuses.
    pub fn describe_topics(
        &self,
        topics: &[&str],
    ) -> Result<BTreeMap<String, Result<TopicDescribed, String>>, Error> {
        if topics.is_empty() {
            return Ok(BTreeMap::new());
        }
        let found =
            admin::describe::topics(self.client().client().native_ptr(), topics, ANSWER_WITHIN);
        let found = found.map_err(|e| self.failed("describe topics", &e))?;
        Ok(found
            .into_iter()
            .map(|(name, topic)| (name, topic.map_err(words)))
            .collect())
    }

    /// Every config of topics; `None` for those that may not be read.
    ///
    /// # Errors
    /// It does not answer, or refuses.
    pub fn topic_configs(
        &self,
        topics: &[&str],
    ) -> Result<BTreeMap<String, Option<BTreeMap<String, Config>>>, Error> {
        let mut all = BTreeMap::new();
        for some in topics.chunks(CONFIGS_A_REQUEST) {
            let asked: Vec<_> = some.iter().map(|t| ResourceSpecifier::Topic(t)).collect();
            let doing = "describe the configs of topics";
            let answer = pollster::block_on(self.admin()?.describe_configs(&asked, &options()));
            let answer = answer.map_err(|e| self.failed(doing, &e))?;
            for (name, resource) in some.iter().zip(answer) {
                let configs = resource.ok().map(|resource| {
                    let entries = resource.entries.into_iter();
                    entries.map(|e| (e.name.clone(), config(e))).collect()
                });
                all.insert((*name).to_owned(), configs);
            }
        }
        Ok(all)
    }

    /// The configs of one of its brokers; empty where they may not be read.
    ///
    /// # Errors
    /// It does not answer.
    pub fn broker_configs(&self) -> Result<BTreeMap<String, String>, Error> {
        let metadata = self.metadata(None, "list its brokers")?;
        let Some(broker) = metadata.brokers().first() else {
            return Ok(BTreeMap::new());
        };
        let asked = [ResourceSpecifier::Broker(broker.id())];
        let answer = pollster::block_on(self.admin()?.describe_configs(&asked, &options()));
        let answer = answer.map_err(|e| self.failed("describe the configs of a broker", &e))?;
        let entries = answer.into_iter().filter_map(Result::ok);
        Ok(entries
            .flat_map(|resource| resource.entries)
            .filter_map(|e| Some((e.name, e.value?)))
            .collect())
    }

    /// Names of the groups that begin with a prefix.
    ///
    /// # Errors
    /// It does not answer, or refuses.
    pub fn groups(&self, prefix: &str) -> Result<Vec<String>, Error> {
        admin::describe::groups(self.client().client().native_ptr(), prefix, ANSWER_WITHIN)
            .map_err(|e| self.failed("list its groups", &e))
    }

    /// Who holds what of a group, and what this principal may do with it; `None` where it may not even
    /// be described.
    ///
    /// # Errors
    /// It does not answer.
    pub fn describe_group(&self, group: &str) -> Result<Option<GroupDescribed>, Error> {
        let doing = format!("describe group `{group}`");
        let found =
            admin::describe::group(self.client().client().native_ptr(), group, ANSWER_WITHIN);
        match found.map_err(|e| self.failed(&doing, &e))? {
            Ok(described) => Ok(Some(described)),
            Err(RDKafkaErrorCode::GroupAuthorizationFailed) => Ok(None),
            // Newer brokers tell a group that is not there from an empty one.
            Err(RDKafkaErrorCode::GroupIdNotFound) => Ok(Some(GroupDescribed {
                is_settled: true,
                holders: Vec::new(),
                operations: None,
            })),
            Err(code) => Err(self.failed(&doing, &KafkaError::AdminOp(code))),
        }
    }

    /// ACLs of topics, by literal name.
    ///
    /// # Errors
    /// It does not answer, refuses, or has no authorizer.
    pub fn topic_acls(&self) -> Result<BTreeSet<Acl>, Error> {
        admin::acls::topic_acls(self.client().client().native_ptr(), ANSWER_WITHIN)
            .map_err(|e| self.failed("describe ACLs", &e))
    }

    /// Makes an ACL; that it is there already is fine.
    ///
    /// # Errors
    /// It does not answer, or refuses.
    pub fn create_acl(&self, acl: &Acl) -> Result<(), Error> {
        let doing = format!("make an ACL of topic `{}`", acl.topic);
        let answer =
            admin::acls::create_acl(self.client().client().native_ptr(), acl, ANSWER_WITHIN);
        self.obeyed(&doing, answer)
    }

    /// Sets configs of a topic, each by itself: all others stay.
    ///
    /// # Errors
    /// It does not answer, or refuses a value or the permission.
    pub fn set_topic_configs(&self, topic: &str, configs: &[(&str, &str)]) -> Result<(), Error> {
        let doing = format!("set configs of topic `{topic}`");
        let client = self.client();
        let answer = admin::alter::set_topic_configs(
            client.client().native_ptr(),
            topic,
            configs,
            ANSWER_WITHIN,
        );
        self.obeyed(&doing, answer)
    }

    /// Makes a topic; that it exists already is an error here.
    ///
    /// # Errors
    /// It does not answer, or refuses the name, a config or the permission.
    pub fn make_topic(
        &self,
        name: &str,
        partitions: usize,
        replication_factor: Option<i32>,
        configs: &BTreeMap<String, String>,
    ) -> Result<(), Error> {
        let doing = format!("make topic `{name}`");
        let count = i32::try_from(partitions).unwrap_or(i32::MAX);
        // −1: the cluster's own default replication factor (KIP-464).
        let replicas = TopicReplication::Fixed(replication_factor.unwrap_or(-1));
        let mut topic = NewTopic::new(name, count, replicas);
        for (key, value) in configs {
            topic = topic.set(key, value);
        }
        let answer = pollster::block_on(self.admin()?.create_topics(&[topic], &options()));
        let results = answer.map_err(|e| self.failed(&doing, &e))?;
        match results.into_iter().find_map(Result::err) {
            Some((_, code)) => Err(self.refused(&doing, code, "")),
            None => Ok(()),
        }
    }

    /// Which of these topics this principal may not make: asked of the cluster, nothing is made.
    ///
    /// # Errors
    /// It does not answer.
    pub fn may_not_make(&self, topics: &[&str]) -> Result<BTreeSet<String>, Error> {
        let mut refused = BTreeSet::new();
        for some in topics.chunks(CONFIGS_A_REQUEST) {
            let asked: Vec<_> = some
                .iter()
                .map(|topic| NewTopic::new(topic, 1, TopicReplication::Fixed(-1)))
                .collect();
            let try_only = options().validate_only(true);
            let answer = pollster::block_on(self.admin()?.create_topics(&asked, &try_only));
            let answer = answer.map_err(|e| self.failed("ask which topics may be made", &e))?;
            refused.extend(answer.into_iter().filter_map(|result| match result {
                Err((
                    topic,
                    RDKafkaErrorCode::TopicAuthorizationFailed
                    | RDKafkaErrorCode::ClusterAuthorizationFailed,
                )) => Some(topic),
                _ => None,
            }));
        }
        Ok(refused)
    }

    /// The last stable and log start offsets of whole topics, and those at a time, where asked.
    ///
    /// # Errors
    /// It does not answer, or one of the partitions is not there.
    pub fn spans(
        &self,
        places: &[TopicPartition],
    ) -> Result<BTreeMap<TopicPartition, (i64, i64)>, Error> {
        let ends = self.known_ends(places)?;
        let led: Vec<TopicPartition> = ends.keys().cloned().collect();
        let starts = self.start_offsets(&led)?;
        let span = |(place, end): (TopicPartition, i64)| {
            let start = starts.get(&place).copied().unwrap_or(end);
            (place, (start, end))
        };
        Ok(ends.into_iter().map(span).collect())
    }

    fn obeyed(
        &self,
        doing: &str,
        answer: Result<Result<(), admin::alter::Refusal>, KafkaError>,
    ) -> Result<(), Error> {
        match answer.map_err(|e| self.failed(doing, &e))? {
            Ok(()) => Ok(()),
            Err((code, said)) => Err(self.refused(doing, code, &said)),
        }
    }

    /// What the cluster says, in its own words where it has some.
    fn refused(&self, doing: &str, code: RDKafkaErrorCode, said: &str) -> Error {
        let why = match said {
            "" => words(code),
            said => said.to_owned(),
        };
        self.context
            .plain(kind_of(code), format!("cannot {doing}: {why}"))
    }
}

fn config(entry: rdkafka::admin::ConfigEntry) -> Config {
    Config {
        is_own: entry.source == ConfigSource::DynamicTopic,
        is_fixed: entry.is_read_only || entry.is_sensitive,
        value: entry.value.unwrap_or_default(),
    }
}

/// Every partition of topics with so many partitions.
pub fn partitions_of<'a>(
    topics: impl IntoIterator<Item = (&'a str, usize)>,
) -> Vec<TopicPartition> {
    let of = |(topic, count): (&str, usize)| {
        let topic: Arc<str> = topic.into();
        (0..i32::try_from(count).unwrap_or(0)).map(move |p| (topic.clone(), p))
    };
    topics.into_iter().flat_map(of).collect()
}
