//! The clusters of a rehearsal: embedded ones, or real scratch clusters.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::{Context, Result, anyhow, bail};
use crossdock_model::edge::Filter;
use crossdock_model::name::Alias;
use crossdock_model::topology::{Draft, Topology};

use crate::kafka::{Cluster, Embedded, Properties, TopicPartition, TopicSettings};

use super::script::Script;

/// Partitions of each topic of a rehearsal.
pub const PARTITIONS: i32 = 3;

/// The clusters, by alias in the file's order.
pub struct Lab {
    /// Those that run in this process; empty on real scratch clusters.
    pub embedded: BTreeMap<Alias, Embedded>,
    /// Where each is found.
    pub addresses: Vec<(Alias, String)>,
    clusters: Vec<Arc<Cluster>>,
}

impl Lab {
    /// Starts an embedded cluster for each declared one.
    ///
    /// # Errors
    /// One cannot be started.
    pub fn embedded(topology: &Topology) -> Result<Self> {
        let mut lab = Self {
            embedded: BTreeMap::new(),
            addresses: Vec::new(),
            clusters: Vec::new(),
        };
        for declared in topology.clusters() {
            let alias = &declared.alias;
            let embedded = Embedded::start()
                .map_err(|why| anyhow!("cannot start an embedded cluster for `{alias}`: {why}"))?;
            lab.add(
                alias,
                embedded.bootstrap_servers().to_owned(),
                Some(embedded),
            )?;
        }
        Ok(lab)
    }

    /// Uses real clusters; each declared cluster must have an address.
    ///
    /// # Errors
    /// One has no address, or an address is for none.
    pub fn real(topology: &Topology, addresses: &BTreeMap<String, String>) -> Result<Self> {
        let declared: Vec<_> = topology
            .clusters()
            .iter()
            .map(|c| c.alias.clone())
            .collect();
        if let Some(unknown) = addresses
            .keys()
            .find(|a| !declared.iter().any(|d| d.as_str() == *a))
        {
            bail!("--on: no cluster `{unknown}` in the topology");
        }
        let mut lab = Self {
            embedded: BTreeMap::new(),
            addresses: Vec::new(),
            clusters: Vec::new(),
        };
        for alias in declared {
            let address = addresses.get(alias.as_str());
            let address =
                address.with_context(|| format!("--on: cluster `{alias}` has no address"))?;
            lab.add(&alias, address.clone(), None)?;
        }
        Ok(lab)
    }

    fn add(&mut self, alias: &Alias, address: String, embedded: Option<Embedded>) -> Result<()> {
        let properties = Properties::default()
            .set("bootstrap.servers", &*address)
            .set("allow.auto.create.topics", "false")
            .set("fetch.wait.max.ms", "10")
            // A commit to a cluster that has died is given up this soon.
            .set("session.timeout.ms", "6000");
        self.clusters
            .push(Arc::new(Cluster::new(alias, properties, embedded.clone())?));
        self.addresses.push((alias.clone(), address));
        self.embedded.extend(embedded.map(|e| (alias.clone(), e)));
        Ok(())
    }

    /// Whether its clusters have transactions: delivery is exactly once.
    pub fn is_exactly_once(&self) -> bool {
        self.clusters.iter().all(|c| c.capabilities().transactions)
    }

    /// The clusters, in the file's order.
    pub fn clusters(&self) -> &[Arc<Cluster>] {
        &self.clusters
    }

    /// The cluster of an alias.
    ///
    /// # Errors
    /// There is none.
    pub fn cluster(&self, alias: &Alias) -> Result<&Arc<Cluster>> {
        self.clusters
            .iter()
            .find(|c| c.alias() == alias)
            .with_context(|| format!("no cluster `{alias}`"))
    }

    /// The declared topology with this lab's addresses, and nothing of its security.
    pub fn rewire(&self, topology: &Topology) -> Draft {
        let mut draft = topology.draft().clone();
        for cluster in &mut draft.clusters {
            let address = self
                .addresses
                .iter()
                .find(|(alias, _)| *alias == cluster.alias);
            let servers =
                address.map(|(_, address)| ("bootstrap.servers".to_owned(), address.clone()));
            cluster.properties = servers.into_iter().collect();
        }
        // Where records go is what is rehearsed, not which of them.
        for edge in &mut draft.edges {
            edge.sample = None;
            edge.filter = Filter::default();
        }
        draft
    }

    /// Creates the topics that records are born in.
    ///
    /// # Errors
    /// A topic of the rehearsal is there already: these are no scratch clusters.
    pub fn create_topics(&self, script: &Script) -> Result<()> {
        for cluster in &self.clusters {
            let there = if cluster.capabilities().admin {
                cluster.topics()?
            } else {
                BTreeMap::new()
            };
            if let Some(topic) = script
                .topics_on(cluster.alias())
                .find(|topic| there.contains_key(*topic))
            {
                bail!(
                    "topic {topic} is on cluster `{}` already: a rehearsal wants scratch clusters",
                    cluster.alias()
                );
            }
        }
        for birth in &script.births {
            self.cluster(&birth.cluster)?.create_topic(
                &birth.topic,
                PARTITIONS,
                &TopicSettings::default(),
            )?;
        }
        Ok(())
    }

    /// Every partition of every topic on a cluster but Kafka's own.
    ///
    /// # Errors
    /// The cluster does not answer.
    pub fn partitions(cluster: &Cluster) -> Result<Vec<TopicPartition>> {
        let topics = cluster
            .topics()?
            .into_iter()
            .filter(|(topic, _)| !topic.starts_with("__"));
        let each = |(topic, count): (String, i32)| {
            let topic: Arc<str> = topic.into();
            (0..count).map(move |partition| (topic.clone(), partition))
        };
        Ok(topics.flat_map(each).collect())
    }
}
