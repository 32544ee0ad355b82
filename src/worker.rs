//! A worker: what runs an edge.
//!
//! Options ([`Setup`]) → [`start`] → a [`Handle`] that can be cloned. Its thread connects to both
//! clusters, keeps target topics in step, and runs the edge's streams; it never gives up, and says in
//! its [`Status`] what it waits for. Each stream has two threads: one follows the group and is never
//! blocked by a produce or a commit, the other copies.

pub mod catalog;
mod copy;
mod follow;
mod goals;
mod groups;
mod held;
mod limit;
mod orphans;
mod run;
pub mod settings;
pub mod status;
mod streams;
mod watch;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::thread::JoinHandle;

use crossdock_model::edge::Edge;
use crossdock_model::graph::{Names, Take};
use crossdock_model::topology::Topology;

use crate::kafka::{Cluster, Error, Properties};
pub use held::held;
pub use status::{EdgeSnapshot, PartitionSnapshot, State, Status};

/// Everything a worker needs.
#[derive(Clone)]
pub struct Setup {
    /// Name of the topology.
    pub topology: String,
    /// The topology's file, for the commands that messages name.
    pub file: String,
    /// The edge.
    pub edge: Edge,
    /// Decides what is taken.
    pub names: Arc<NamesNow>,
    /// Cluster that is read.
    pub source: Arc<Cluster>,
    /// Cluster that is written.
    pub target: Arc<Cluster>,
    /// How the source is read.
    pub reader: Properties,
    /// How the target is written.
    pub writer: Properties,
    /// How the members follow their group.
    pub member: Properties,
    /// Name of this process among those that run the topology.
    pub instance: String,
    /// What no other process is called; the client ids of its members end with it.
    pub process: String,
    /// Whether the worker stops when it has caught up with what was there.
    pub once: bool,
    /// Between two rounds in which groups follow.
    pub groups_interval: std::time::Duration,
}

/// A topology and its name rules.
#[derive(Debug)]
pub struct RulesNow {
    /// The topology.
    pub topology: Topology,
    /// What its edges do with topics.
    pub names: Arc<Names>,
}

/// The rules as they are now: workers that a reload leaves alone go by the new ones.
#[derive(Debug)]
pub struct NamesNow(RwLock<Arc<RulesNow>>);

impl NamesNow {
    /// The rules to begin with.
    pub fn new(topology: &Topology) -> Self {
        Self(RwLock::new(Arc::new(RulesNow::new(topology))))
    }

    /// Puts new rules in place of the old.
    pub fn set(&self, topology: &Topology) {
        let rules = Arc::new(RulesNow::new(topology));
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = rules;
    }

    /// The rules of now.
    pub fn get(&self) -> Arc<RulesNow> {
        let rules = self.0.read().unwrap_or_else(PoisonError::into_inner);
        rules.clone()
    }

    /// What an edge does with a topic of its source, by the rules of now.
    pub fn take(&self, edge: &Edge, topic: &str) -> Take {
        self.get().names.take(edge, topic)
    }
}

impl RulesNow {
    fn new(topology: &Topology) -> Self {
        Self {
            topology: topology.clone(),
            names: Arc::new(Names::new(topology.draft())),
        }
    }
}

/// How a worker ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It was stopped.
    Stopped,
    /// Everything that was there is at the target.
    CaughtUp,
    /// It cannot catch up until a person decides.
    Halted(String),
    /// A cluster did not answer, or refused.
    Cluster(Error),
}

/// What others may ask of a running worker.
#[derive(Debug, Default)]
pub struct Control {
    is_stopping: AtomicBool,
    is_paused: AtomicBool,
}

impl Control {
    fn stop(&self) {
        self.is_stopping.store(true, Ordering::Release);
    }

    /// Whether it is to end.
    pub fn is_stopping(&self) -> bool {
        self.is_stopping.load(Ordering::Acquire)
    }

    /// Whether it is to stand.
    pub fn is_paused(&self) -> bool {
        self.is_paused.load(Ordering::Acquire)
    }
}

/// A running worker.
pub struct Handle {
    /// What it tells.
    pub status: Arc<Status>,
    control: Arc<Control>,
    thread: Mutex<Option<JoinHandle<Ending>>>,
}

impl Handle {
    /// Asks it to end its transactions and stop.
    pub fn stop(&self) {
        self.control.stop();
    }

    /// Ends its transactions and lets it stand, or lets it go on.
    pub fn pause(&self, is_paused: bool) {
        self.control.is_paused.store(is_paused, Ordering::Release);
        self.status.paused(is_paused);
    }

    /// Whether a person lets it stand.
    pub fn is_paused(&self) -> bool {
        self.control.is_paused()
    }

    /// Whether it has ended.
    pub fn is_finished(&self) -> bool {
        self.lock().as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// Waits for its end; only the first to ask is told how it was.
    pub fn join(&self) -> Ending {
        match self.lock().take().map(JoinHandle::join) {
            Some(Ok(ending)) => ending,
            Some(Err(_)) => Ending::Halted("the worker ended by a panic: a bug".to_owned()),
            None => Ending::Stopped,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<JoinHandle<Ending>>> {
        self.thread.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Starts a worker.
///
/// # Errors
/// The system has no thread left.
pub fn start(setup: Setup) -> std::io::Result<Handle> {
    let status = Arc::new(Status::new(&setup));
    let control = Arc::new(Control::default());
    let (for_thread, its_control) = (status.clone(), control.clone());
    let thread = std::thread::Builder::new()
        .name(format!("edge-{}", setup.edge.name))
        .spawn(move || run::Worker::new(setup, for_thread, its_control).run())?;
    Ok(Handle {
        status,
        control,
        thread: Mutex::new(Some(thread)),
    })
}
