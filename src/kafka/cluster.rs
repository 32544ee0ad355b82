//! A cluster: its id, its topics and their settings, and what crossdock creates there.

mod brokers;
mod describe;
mod groups;
mod health;
mod offsets;
mod pulse;
mod sample;
mod topics;

use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::time::Duration;

use crossdock_model::name::{Alias, ClusterId};
use rdkafka::admin::AdminClient;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::metadata::Metadata;

use super::client::Context;
use super::embedded::Embedded;
use super::{Error, Properties};

pub use brokers::Broker;
pub(super) use describe::{Described, Holder};
pub use describe::{GroupDescribed, TopicDescribed, partitions_of};
pub use groups::{Committed, Offsets};
pub use health::{Health, Replicas};
pub use pulse::Pulse;
pub use topics::TopicSettings;

/// How long a cluster has to answer one question.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// Who is asked every second, and dead, is connected to twice in this time at most: by its default of 100 ms
/// a client tries twenty times a second, and takes half a core.
const RECONNECT_MS: &str = "1000";

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

/// One cluster: admin and metadata through a single client, shared by all edges.
pub struct Cluster {
    alias: Alias,
    properties: Properties,
    client: RwLock<Arc<BaseConsumer<Context>>>,
    /// The group that the client says it is of, once it was asked about one.
    group: OnceLock<String>,
    context: Context,
    embedded: Option<Embedded>,
    pulse: Arc<Pulse>,
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
        let client = RwLock::new(Arc::new(connect(&properties, &context, None)?));
        Ok(Self {
            alias: alias.clone(),
            properties,
            client,
            group: OnceLock::new(),
            context,
            embedded,
            pulse: Arc::default(),
        })
    }

    /// When it was heard of last.
    pub fn pulse(&self) -> Arc<Pulse> {
        self.pulse.clone()
    }

    /// What the topology calls it.
    pub fn alias(&self) -> &Alias {
        &self.alias
    }

    /// How its clients connect.
    pub fn properties(&self) -> &Properties {
        &self.properties
    }

    /// Whom its ACLs know this process as.
    pub fn principal(&self) -> String {
        let property = |name: &str| self.properties.get(name).unwrap_or_default();
        let protocol = property("security.protocol").to_ascii_uppercase();
        match (protocol.as_str(), property("sasl.username")) {
            ("SASL_SSL" | "SASL_PLAINTEXT", "") => "the SASL principal".to_owned(),
            ("SASL_SSL" | "SASL_PLAINTEXT", user) => format!("User:{user}"),
            ("SSL", _) => "the principal of the client certificate".to_owned(),
            _ => "User:ANONYMOUS".to_owned(),
        }
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
        let group = self.group.get().map(String::as_str);
        let fresh = connect(&self.properties, &self.context, group)?;
        *self.client.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(fresh);
        Ok(())
    }

    /// The client, for questions about the offsets of groups. When a coordinator answers that it is none any
    /// more, librdkafka (2.12) looks for the coordinator of the client's own group, and dies where it has
    /// none: so it has one, which it never joins.
    fn client_of_groups(&self, asked: &str) -> Result<Arc<BaseConsumer<Context>>, Error> {
        let mut client = self.client.write().unwrap_or_else(PoisonError::into_inner);
        if self.group.get().is_none() {
            let fresh = connect(&self.properties, &self.context, Some(asked))?;
            *client = Arc::new(fresh);
            self.group.get_or_init(|| asked.to_owned());
        }
        Ok(client.clone())
    }

    /// Serves log lines and errors: they say why a question was not answered.
    fn serve_events(&self) {
        let client = self.client();
        // One call serves at most one of them.
        for _ in 0..100 {
            client.poll(Duration::ZERO);
        }
        self.context.tend(client.client().native_ptr());
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
}

fn connect(
    properties: &Properties,
    context: &Context,
    group: Option<&str>,
) -> Result<BaseConsumer<Context>, Error> {
    let mut properties = properties.clone().or("reconnect.backoff.ms", RECONNECT_MS);
    if let Some(group) = group {
        properties = properties
            .set("group.id", group)
            .set("enable.auto.commit", "false");
    }
    let client = properties.config().create_with_context(context.clone());
    client.map_err(|e| context.failed("set up the client", &e))
}
