//! The fleet: all workers of this process. Starting is a reload from nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};
use std::time::Duration;

use anyhow::{Context, Result};
use crossdock_model::edge::Edge;
use crossdock_model::name::{Alias, EdgeName};
use crossdock_model::topology::{Cluster as Declared, Topology};

use crate::kafka::{Cluster, Embedded, Error};
use crate::worker::{self, EdgeSnapshot, Ending, Handle, NamesNow, Setup, settings};

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
    /// Between two rounds in which groups follow.
    pub groups_interval: Duration,
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
    options: Options,
    is_stopping: AtomicBool,
    running: RwLock<Running>,
}

struct Running {
    topology: Arc<Topology>,
    workers: Vec<Arc<Worker>>,
    /// The name rules that all workers go by: a reload puts new ones in their place.
    names: Arc<NamesNow>,
}

/// One worker, and what it was started for.
struct Worker {
    order: Order,
    handle: Handle,
}

/// Everything that a worker's run depends on: while it stays the same, a reload leaves it alone.
#[derive(Clone, PartialEq)]
struct Order {
    edge: Edge,
    source: BTreeMap<String, String>,
    target: BTreeMap<String, String>,
}

/// What becomes of an edge in a reload.
enum Next {
    /// It goes on.
    Kept(Arc<Worker>),
    /// A worker is to be started.
    New(Box<Order>, Box<Setup>),
}

/// What runs: the topology, and those of its edges that run here.
pub struct Manifest {
    /// The topology.
    pub topology: Arc<Topology>,
    /// Names of the edges.
    pub edges: BTreeSet<EdgeName>,
}

/// What a reload did, by the names of edges.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reloaded {
    /// Started.
    pub added: Vec<String>,
    /// Drained and started again.
    pub changed: Vec<String>,
    /// Drained.
    pub removed: Vec<String>,
    /// Left alone.
    pub untouched: usize,
}

impl Fleet {
    /// Starts a worker for each of these edges: a reload from nothing.
    ///
    /// # Errors
    /// A client property that librdkafka refuses, or no thread is left.
    pub fn start(topology: &Topology, edges: &[&Edge], options: &Options) -> Result<Self> {
        let fleet = Self {
            options: options.clone(),
            is_stopping: AtomicBool::new(false),
            running: RwLock::new(Running {
                topology: Arc::new(topology.clone()),
                workers: Vec::new(),
                names: Arc::new(NamesNow::new(topology)),
            }),
        };
        fleet.reload(topology, edges)?;
        Ok(fleet)
    }

    /// Makes these edges of the topology the ones that run. Workers whose orders stay the same go on;
    /// those that change or go drain first, so that whoever comes after them goes on at the exact
    /// position. Blocks until it is done.
    ///
    /// # Errors
    /// As [`Self::start`]: nothing has changed where a client cannot be set up; an edge that no thread is
    /// left for does not run then.
    pub fn reload(&self, topology: &Topology, edges: &[&Edge]) -> Result<Reloaded> {
        let orders: Vec<Order> = edges
            .iter()
            .map(|edge| self.order(topology, edge))
            .collect();
        let (before, names) = {
            let running = self.read();
            (running.workers.clone(), running.names.clone())
        };
        let (kept, gone): (Vec<_>, Vec<_>) = before
            .into_iter()
            .partition(|worker| orders.contains(&worker.order));
        // What may fail comes before anything is stopped.
        let mut clusters = BTreeMap::new();
        let prepare = |order| match kept.iter().find(|worker| worker.order == order) {
            Some(worker) => Ok(Next::Kept(worker.clone())),
            None => self.prepare(topology, order, names.clone(), &mut clusters),
        };
        let next: Vec<Next> = orders.into_iter().map(prepare).collect::<Result<_>>()?;
        gone.iter().for_each(|worker| worker.handle.stop());
        for worker in &gone {
            worker.handle.join();
        }
        names.set(topology);
        let (workers, mut done, failed) = begin(next, &gone);
        let is_gone = |worker: &&Arc<Worker>| {
            !workers
                .iter()
                .any(|w| w.order.edge.name == worker.order.edge.name)
        };
        done.removed = gone
            .iter()
            .filter(is_gone)
            .map(|worker| worker.order.edge.name.to_string())
            .collect();
        self.put(topology, workers);
        failed.map_or(Ok(done), Err)
    }

    fn order(&self, topology: &Topology, edge: &Edge) -> Order {
        let properties = |alias| declared(topology, alias, &self.options).properties;
        Order {
            // Where in the file it stands makes no difference.
            edge: Edge {
                places: BTreeMap::new(),
                ..edge.clone()
            },
            source: properties(&edge.source),
            target: properties(&edge.target),
        }
    }

    fn prepare(
        &self,
        topology: &Topology,
        order: Order,
        names: Arc<NamesNow>,
        clusters: &mut BTreeMap<Alias, Arc<Cluster>>,
    ) -> Result<Next> {
        let edge = &order.edge;
        let ends = || -> Result<Setup> {
            let source = connect(topology, &edge.source, &self.options, clusters)?;
            let target = connect(topology, &edge.target, &self.options, clusters)?;
            setup(topology, edge, names, (source, target), &self.options)
        };
        let setup = ends().with_context(|| format!("cannot start edge {}", edge.name))?;
        Ok(Next::New(Box::new(order), Box::new(setup)))
    }

    fn put(&self, topology: &Topology, workers: Vec<Arc<Worker>>) {
        let mut running = self.running.write().unwrap_or_else(PoisonError::into_inner);
        running.topology = Arc::new(topology.clone());
        running.workers = workers;
    }

    /// What runs now.
    pub fn manifest(&self) -> Manifest {
        let running = self.read();
        let edges = running.workers.iter().map(|w| w.order.edge.name.clone());
        Manifest {
            topology: running.topology.clone(),
            edges: edges.collect(),
        }
    }

    /// Whether it has been asked to stop.
    pub fn is_stopping(&self) -> bool {
        self.is_stopping.load(Ordering::Acquire)
    }

    fn read(&self) -> RwLockReadGuard<'_, Running> {
        self.running.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn workers(&self) -> Vec<Arc<Worker>> {
        self.read().workers.clone()
    }

    /// All edges as they are now.
    pub fn snapshot(&self) -> Vec<EdgeSnapshot> {
        let workers = self.workers();
        workers
            .iter()
            .map(|worker| worker.handle.status.snapshot())
            .collect()
    }

    /// Lets an edge stand or go on. `false` when there is no such edge.
    pub fn pause(&self, edge: &str, is_paused: bool) -> bool {
        let workers = self.workers();
        let found = workers.iter().find(|w| w.order.edge.name.as_str() == edge);
        found
            .inspect(|worker| worker.handle.pause(is_paused))
            .is_some()
    }

    /// Whether all workers have ended. Without any, a reload may bring some, until it is to stop.
    pub fn is_finished(&self) -> bool {
        let workers = self.workers();
        match workers.is_empty() {
            true => self.is_stopping(),
            false => workers.iter().all(|worker| worker.handle.is_finished()),
        }
    }

    /// Asks all workers to end their transactions and stop.
    pub fn stop(&self) {
        self.is_stopping.store(true, Ordering::Release);
        self.workers()
            .iter()
            .for_each(|worker| worker.handle.stop());
    }

    /// Waits for all of them, and tells how each ended.
    pub fn endings(&self) -> Vec<(String, Ending)> {
        let name = |worker: &Worker| worker.order.edge.name.to_string();
        let workers = self.workers();
        workers
            .iter()
            .map(|worker| (name(worker), worker.handle.join()))
            .collect()
    }
}

/// Starts what is new; what could not be started is told last.
fn begin(
    next: Vec<Next>,
    gone: &[Arc<Worker>],
) -> (Vec<Arc<Worker>>, Reloaded, Option<anyhow::Error>) {
    let mut done = Reloaded::default();
    let mut failed = None;
    let mut workers = Vec::new();
    for next in next {
        let (order, setup) = match next {
            Next::Kept(worker) => {
                workers.push(worker);
                done.untouched += 1;
                continue;
            }
            Next::New(order, setup) => (order, setup),
        };
        let name = order.edge.name.to_string();
        let former = gone
            .iter()
            .find(|worker| worker.order.edge.name == order.edge.name);
        match worker::start(*setup) {
            Ok(handle) => {
                // What a person has paused stays paused.
                if former.is_some_and(|former| former.handle.is_paused()) {
                    handle.pause(true);
                }
                workers.push(Arc::new(Worker {
                    order: *order,
                    handle,
                }));
                match former {
                    Some(_) => done.changed.push(name),
                    None => done.added.push(name),
                }
            }
            Err(error) => {
                failed =
                    Some(anyhow::Error::from(error).context(format!("cannot start edge {name}")));
            }
        }
    }
    (workers, done, failed)
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

/// Everything that a worker of an edge needs.
///
/// # Errors
/// None so far.
pub fn setup(
    topology: &Topology,
    edge: &Edge,
    names: Arc<NamesNow>,
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
        process: options.process.clone(),
        once: options.once,
        groups_interval: options.groups_interval,
    })
}
