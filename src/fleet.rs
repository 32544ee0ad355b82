//! The fleet: all workers of this process. Starting is a diff from nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::{Context, Result};
use crossdock_model::edge::Edge;
use crossdock_model::graph::Names;
use crossdock_model::name::Alias;
use crossdock_model::topology::{Cluster as Declared, Topology};

use crate::kafka::{Cluster, Embedded, Error};
use crate::worker::{self, EdgeSnapshot, Ending, Handle, Setup, settings};

/// How the workers of this process are to run.
#[derive(Clone, Debug)]
pub struct Options {
    /// The topology's file, for the commands that messages name.
    pub file: String,
    /// Name of this process among those that run the topology.
    pub instance: String,
    /// What no other process is called, to tell whether a member is one's own.
    pub process: String,
    /// Whether workers stop when they have caught up with what was there.
    pub once: bool,
    /// Embedded clusters that stand in for declared ones.
    pub embedded: BTreeMap<Alias, Embedded>,
}

impl Options {
    /// A name for this process that no other one has.
    pub fn new_process() -> String {
        uuid::Uuid::new_v4().simple().to_string().split_off(24)
    }
}

/// The running workers, in the file's order.
pub struct Fleet {
    workers: Vec<(String, Handle)>,
}

impl Fleet {
    /// Starts a worker for each of these edges.
    ///
    /// # Errors
    /// A client property that librdkafka refuses, or no thread is left.
    pub fn start(topology: &Topology, edges: &[&Edge], options: &Options) -> Result<Self> {
        let names = Arc::new(Names::new(topology.draft()));
        let mut clusters = BTreeMap::new();
        let mut workers = Vec::new();
        for edge in edges {
            let source = connect(topology, &edge.source, options, &mut clusters)?;
            let target = connect(topology, &edge.target, options, &mut clusters)?;
            let setup = setup(topology, edge, names.clone(), (source, target), options)?;
            let handle =
                worker::start(setup).with_context(|| format!("cannot start edge {}", edge.name))?;
            workers.push((edge.name.to_string(), handle));
        }
        Ok(Self { workers })
    }

    /// All edges as they are now.
    pub fn snapshot(&self) -> Vec<EdgeSnapshot> {
        self.workers
            .iter()
            .map(|(_, worker)| worker.status.snapshot())
            .collect()
    }

    /// Lets an edge stand or go on. `false` when there is no such edge.
    pub fn pause(&self, edge: &str, is_paused: bool) -> bool {
        let found = self.workers.iter().find(|(name, _)| name == edge);
        found
            .inspect(|(_, worker)| worker.pause(is_paused))
            .is_some()
    }

    /// Whether all workers have ended.
    pub fn is_finished(&self) -> bool {
        self.workers.iter().all(|(_, worker)| worker.is_finished())
    }

    /// Asks all workers to end their transactions and stop.
    pub fn stop(&self) {
        for (_, worker) in &self.workers {
            worker.stop();
        }
    }

    /// Waits for all of them, and tells how each ended.
    pub fn endings(&self) -> Vec<(String, Ending)> {
        self.workers
            .iter()
            .map(|(name, worker)| (name.clone(), worker.join()))
            .collect()
    }
}

/// One client for each cluster, shared by all edges.
fn connect(
    topology: &Topology,
    alias: &Alias,
    options: &Options,
    clusters: &mut BTreeMap<Alias, Arc<Cluster>>,
) -> Result<Arc<Cluster>, Error> {
    if let Some(cluster) = clusters.get(alias) {
        return Ok(cluster.clone());
    }
    let declared = declared(topology, alias, options);
    let embedded = options.embedded.get(alias).cloned();
    let cluster = Arc::new(Cluster::new(alias, settings::admin(&declared), embedded)?);
    if let Err(error) = cluster.keep_pulse() {
        tracing::warn!(
            cluster = alias.as_str(),
            "Cannot follow its pulse: {error}."
        );
    }
    clusters.insert(alias.clone(), cluster.clone());
    Ok(cluster)
}

/// A cluster as declared; an embedded one that stands in for it has nothing of its security.
fn declared(topology: &Topology, alias: &Alias, options: &Options) -> Declared {
    if let Some(embedded) = options.embedded.get(alias) {
        let servers = (
            "bootstrap.servers".to_owned(),
            embedded.bootstrap_servers().to_owned(),
        );
        return Declared {
            alias: alias.clone(),
            properties: BTreeMap::from([servers]),
            places: BTreeMap::new(),
        };
    }
    let nothing = || Declared {
        alias: alias.clone(),
        properties: BTreeMap::new(),
        places: BTreeMap::new(),
    };
    topology.cluster(alias).cloned().unwrap_or_else(nothing)
}

fn setup(
    topology: &Topology,
    edge: &Edge,
    names: Arc<Names>,
    (source, target): (Arc<Cluster>, Arc<Cluster>),
    options: &Options,
) -> Result<Setup> {
    let is_classic = target.capabilities().classic_groups;
    let (from, to) = (
        declared(topology, &edge.source, options),
        declared(topology, &edge.target, options),
    );
    // Quotas and broker logs can tell edges apart by it.
    let client = format!("crossdock.{}.{}", topology.name(), edge.name);
    Ok(Setup {
        topology: topology.name().to_owned(),
        file: options.file.clone(),
        reader: settings::reader(&from, edge).named(&client),
        writer: settings::writer(&to, edge, target.capabilities().transactions).named(&client),
        member: settings::member(&to, edge, is_classic)
            .set("client.id", format!("{client}.{}", options.process)),
        edge: edge.clone(),
        names,
        source,
        target,
        instance: options.instance.clone(),
        once: options.once,
    })
}
