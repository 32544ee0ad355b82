//! What a switch is about: two clusters of a topology, the edges between them, and their topics.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::anyhow;
use crossdock_model::edge::Edge;
use crossdock_model::graph::Names;
use crossdock_model::name::Alias;
use crossdock_model::topology::{Cluster as Declared, Topology};

use crate::exit::Failure;
use crate::kafka::{Cluster, Embedded, Error, ErrorKind};
use crate::stream::Twin;
use crate::twins::sides;
use crate::worker::settings;

/// Two clusters of a topology: home, which is left and come back to, and the one that takes over.
pub struct Stage {
    /// The topology.
    pub topology: Topology,
    /// Its name rules.
    pub names: Arc<Names>,
    /// Its file.
    pub file: PathBuf,
    /// The cluster that is left: home.
    pub home: Alias,
    /// The cluster that takes over.
    pub away: Alias,
    /// Embedded clusters that stand in for declared ones.
    pub embedded: BTreeMap<Alias, Embedded>,
    clusters: BTreeMap<Alias, Arc<Cluster>>,
}

impl Stage {
    /// The stage of a switch between two clusters. Nothing is asked of them yet.
    ///
    /// # Errors
    /// One is not declared, no enabled edge leads from the first to the second, or a client property
    /// that librdkafka refuses.
    pub fn new(
        topology: &Topology,
        file: &Path,
        (from, to): (&str, &str),
        embedded: &BTreeMap<Alias, Embedded>,
    ) -> Result<Self, Failure> {
        let known = |alias: &str| {
            let found = topology
                .clusters()
                .iter()
                .find(|c| c.alias.as_str() == alias);
            let all: Vec<_> = topology
                .clusters()
                .iter()
                .map(|c| c.alias.as_str())
                .collect();
            found.map(|c| c.alias.clone()).ok_or_else(|| {
                Failure::cannot_start(anyhow!(
                    "no cluster `{alias}`; there are {}",
                    all.join(", ")
                ))
            })
        };
        let (home, away) = (known(from)?, known(to)?);
        let mut clusters = BTreeMap::new();
        for declared in topology.clusters() {
            let alias = &declared.alias;
            let stand_in = embedded.get(alias).cloned();
            let cluster = Cluster::new(alias, settings::admin(declared), stand_in);
            clusters.insert(
                alias.clone(),
                Arc::new(cluster.map_err(Failure::cannot_start)?),
            );
        }
        let stage = Self {
            topology: topology.clone(),
            names: Arc::new(Names::new(topology.draft())),
            file: file.to_owned(),
            home,
            away,
            embedded: embedded.clone(),
            clusters,
        };
        if stage.pair().is_empty() {
            return Err(Failure::cannot_start(anyhow!(
                "no enabled edge leads from `{from}` to `{to}`: nothing of `{from}` is at `{to}`"
            )));
        }
        Ok(stage)
    }

    /// The same with other edges.
    pub fn with_topology(&self, topology: Topology) -> Self {
        Self {
            names: Arc::new(Names::new(topology.draft())),
            topology,
            file: self.file.clone(),
            home: self.home.clone(),
            away: self.away.clone(),
            embedded: self.embedded.clone(),
            clusters: self.clusters.clone(),
        }
    }

    /// The client of a cluster.
    ///
    /// # Errors
    /// It is not declared.
    pub fn cluster(&self, alias: &Alias) -> Result<&Arc<Cluster>, Error> {
        self.clusters.get(alias).ok_or_else(|| Error {
            cluster: alias.clone(),
            kind: ErrorKind::Other,
            reason: "it is not declared".to_owned(),
        })
    }

    /// How a cluster is declared.
    ///
    /// # Errors
    /// It is not.
    pub fn declared(&self, alias: &Alias) -> Result<&Declared, Error> {
        self.topology.cluster(alias).ok_or_else(|| Error {
            cluster: alias.clone(),
            kind: ErrorKind::Other,
            reason: "it is not declared".to_owned(),
        })
    }

    /// Home.
    ///
    /// # Errors
    /// As [`Self::cluster`].
    pub fn home(&self) -> Result<&Arc<Cluster>, Error> {
        self.cluster(&self.home)
    }

    /// The cluster that takes over.
    ///
    /// # Errors
    /// As [`Self::cluster`].
    pub fn away(&self) -> Result<&Arc<Cluster>, Error> {
        self.cluster(&self.away)
    }

    /// Every enabled edge of the file out of home.
    pub fn out(&self) -> Vec<&Edge> {
        let edges = self.topology.edges().iter();
        edges
            .filter(|e| e.enabled && e.source == self.home && e.homeward.is_none())
            .collect()
    }

    /// Those of them that lead to the cluster that takes over.
    pub fn pair(&self) -> Vec<&Edge> {
        let mut out = self.out();
        out.retain(|e| e.target == self.away);
        out
    }

    /// Where addresses of a cluster are, for commands that are printed.
    pub fn bootstrap(&self, alias: &Alias) -> String {
        let declared = self.topology.cluster(alias);
        let servers = declared.and_then(|c| c.properties.get("bootstrap.servers"));
        servers.cloned().unwrap_or_default()
    }

    /// The group that holds an edge's progress.
    pub fn group(&self, edge: &Edge) -> String {
        format!("crossdock.{}.{}", self.topology.name(), edge.name)
    }

    /// Every partition that an edge has on its target, with its twin: home need not answer.
    ///
    /// # Errors
    /// The target does not answer.
    pub fn twins(&self, edge: &Edge) -> Result<Vec<Twin>, Error> {
        let mut twins = Vec::new();
        for (topic, count) in self.cluster(&edge.target)?.topics()? {
            for source_topic in self.names.sources(edge, &topic) {
                let (source_topic, target_topic): (Arc<str>, Arc<str>) =
                    (source_topic.into(), topic.as_str().into());
                twins.extend((0..count).map(|partition| Twin {
                    source_topic: source_topic.clone(),
                    target_topic: target_topic.clone(),
                    partition,
                }));
            }
        }
        Ok(twins)
    }

    /// Partitions that an edge takes and that its target has not, nor their topic, it may be: nothing of them is
    /// there. Only its source knows them.
    ///
    /// # Errors
    /// One of the two does not answer.
    pub fn alone(&self, edge: &Edge) -> Result<Vec<Twin>, Error> {
        let ends = (self.cluster(&edge.source)?, self.cluster(&edge.target)?);
        Ok(sides(edge, &self.names, (ends.0, ends.1), |_| true)?.alone)
    }
}
