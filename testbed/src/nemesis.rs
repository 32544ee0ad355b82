//! The nemesis: faults of all kinds, mixed from a seed, done to a scene and undone again.
//!
//! What it does when follows from the seed alone (see [`schedule`]), so that a run can be done again;
//! how the processes interleave is the machine's.

mod act;
mod schedule;

use std::collections::BTreeMap;
use std::fmt;

pub use act::{Nemesis, heal};
pub use schedule::{Event, Stage, schedule};

/// What is done to a scene.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// kill -9 of a crossdock, started again later.
    KillDock(String),
    /// SIGTERM to a crossdock, started again later.
    StopDock(String),
    /// SIGSTOP of a crossdock, up to beyond its session and its transaction's time-out.
    PauseDock(String),
    /// kill -9 of a broker, by its id.
    KillNode(String, usize),
    /// kill -9 of the broker that coordinates the edge's group or transactions.
    KillCoordinator(String),
    /// SIGTERM to a broker.
    StopNode(String, usize),
    /// SIGSTOP of a broker.
    PauseNode(String, usize),
    /// No connection lives.
    Cut(String),
    /// Requests vanish.
    LoseRequests(String),
    /// Responses vanish.
    LoseResponses(String),
    /// Latency, little bandwidth, now and then a reset.
    Slow(String),
    /// A third of the connections are reset.
    Reset(String),
    /// The broker ends a transaction, and its response is lost.
    LoseCommit(String),
    /// Records stand still, all else passes.
    HoldProduce(String),
    /// The ends of transactions stand still, all else passes.
    HoldCommit(String),
}

/// The kinds that are told apart in a report.
pub type Counts = BTreeMap<&'static str, Count>;

/// How often a kind of fault was done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// In all.
    pub done: u64,
    /// While a transaction of an edge was open.
    pub in_transaction: u64,
}

impl Fault {
    /// Its kind.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::KillDock(_) => "crossdock killed (SIGKILL)",
            Self::StopDock(_) => "crossdock stopped (SIGTERM)",
            Self::PauseDock(_) => "crossdock frozen (SIGSTOP)",
            Self::KillNode(..) => "broker killed (SIGKILL)",
            Self::KillCoordinator(_) => "coordinator killed (SIGKILL)",
            Self::StopNode(..) => "broker bounced (SIGTERM)",
            Self::PauseNode(..) => "broker frozen (SIGSTOP)",
            Self::Cut(_) => "network cut",
            Self::LoseRequests(_) => "half-open: requests lost",
            Self::LoseResponses(_) => "half-open: responses lost",
            Self::Slow(_) => "network slow and resetting",
            Self::Reset(_) => "a third of connections reset",
            Self::LoseCommit(_) => "commit done, response lost",
            Self::HoldProduce(_) => "records held",
            Self::HoldCommit(_) => "commits held",
        }
    }

    /// What it is done to: at one of these, one fault at a time.
    fn victim(&self) -> (&'static str, &str) {
        match self {
            Self::KillDock(dock) | Self::StopDock(dock) | Self::PauseDock(dock) => ("dock", dock),
            Self::KillNode(cluster, _)
            | Self::KillCoordinator(cluster)
            | Self::StopNode(cluster, _)
            | Self::PauseNode(cluster, _) => ("nodes", cluster),
            Self::Cut(cluster)
            | Self::LoseRequests(cluster)
            | Self::LoseResponses(cluster)
            | Self::Slow(cluster)
            | Self::Reset(cluster)
            | Self::LoseCommit(cluster)
            | Self::HoldProduce(cluster)
            | Self::HoldCommit(cluster) => ("network", cluster),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (_, victim) = self.victim();
        match self {
            Self::KillNode(_, id) | Self::StopNode(_, id) | Self::PauseNode(_, id) => {
                write!(f, "{}: {id} of {victim}", self.kind())
            }
            _ => write!(f, "{}: {victim}", self.kind()),
        }
    }
}
