//! The monitor: looks at every edge each second, remembers an hour, and holds what it saw against what
//! is expected.
//!
//! Everything that is shown of a running process (status, metrics, `/alarmz`, the dashboard) is shown
//! from here, so that all of it says the same.

mod history;

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use crossdock_model::expect::{ERROR_WINDOW, Health, Sample, Standing, gravest, judge};
use serde::Serialize;

use crate::clock;
use crate::fleet::Fleet;
use crate::worker::{EdgeSnapshot, State};
use history::History;
pub use history::{Point, Recent};

/// Between two looks.
const INTERVAL: Duration = Duration::from_secs(1);

/// Samples that are kept: those of the longest window, and one before it.
const SAMPLES_MAX: usize = ERROR_WINDOW.as_secs() as usize + 2;

/// Between two log lines that an edge is worth a look, at least.
const WARNED_EVERY: Duration = Duration::from_secs(60);

/// Events that are kept.
const EVENTS_MAX: usize = 200;

/// An edge as it is shown.
#[derive(Clone, Debug, Serialize)]
pub struct EdgeView {
    /// What its worker tells.
    #[serde(flatten)]
    pub edge: EdgeSnapshot,
    /// Whether it does what is expected of it.
    pub health: Health,
    /// Why not.
    pub concerns: Vec<String>,
    /// How it did lately.
    #[serde(flatten)]
    pub recent: Recent,
}

/// Something that happened to an edge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Event {
    /// When, in milliseconds since the epoch.
    pub at_ms: i64,
    /// Which edge.
    pub edge: String,
    /// How grave.
    pub health: Health,
    /// What.
    pub text: String,
}

/// Watches a fleet.
pub struct Monitor {
    /// What it watches.
    pub fleet: Arc<Fleet>,
    born: Instant,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    edges: BTreeMap<String, Watched>,
    events: VecDeque<Event>,
}

#[derive(Default)]
struct Watched {
    samples: VecDeque<Sample>,
    history: History,
    health: Health,
    concerns: Vec<String>,
    state: Option<State>,
    /// When the log was told last that something is worth a look.
    warned: Option<Duration>,
}

impl Monitor {
    /// Starts to watch, until nobody holds it any more.
    ///
    /// # Errors
    /// The system has no thread left.
    pub fn start(fleet: Arc<Fleet>) -> std::io::Result<Arc<Self>> {
        let monitor = Arc::new(Self {
            fleet,
            born: Instant::now(),
            inner: Mutex::default(),
        });
        let watching: Weak<Self> = Arc::downgrade(&monitor);
        std::thread::Builder::new()
            .name("monitor".to_owned())
            .spawn(move || {
                while let Some(monitor) = watching.upgrade() {
                    monitor.look();
                    drop(monitor);
                    std::thread::sleep(INTERVAL);
                }
            })?;
        Ok(monitor)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn look(&self) {
        let at = self.born.elapsed();
        let edges = self.fleet.snapshot();
        let mut inner = self.lock();
        inner
            .edges
            .retain(|name, _| edges.iter().any(|edge| edge.name == *name));
        for edge in &edges {
            let watched = inner.edges.entry(edge.name.clone()).or_default();
            let events = watched.look(edge, at);
            inner.events.extend(events);
        }
        let surplus = inner.events.len().saturating_sub(EVENTS_MAX);
        inner.events.drain(..surplus);
    }

    /// All edges as they are now.
    pub fn edges(&self) -> Vec<EdgeView> {
        let edges = self.fleet.snapshot();
        let inner = self.lock();
        let view = |edge: EdgeSnapshot| match inner.edges.get(&edge.name) {
            Some(watched) => EdgeView {
                health: watched.health,
                concerns: watched.concerns.clone(),
                recent: watched.history.recent(),
                edge,
            },
            None => EdgeView {
                health: Health::Ok,
                concerns: Vec::new(),
                recent: Recent::default(),
                edge,
            },
        };
        edges.into_iter().map(view).collect()
    }

    /// The last hour of an edge, oldest first; `None` where there is no such edge.
    pub fn history(&self, edge: &str) -> Option<Vec<Point>> {
        Some(self.lock().edges.get(edge)?.history.points())
    }

    /// What happened lately, oldest first.
    pub fn events(&self) -> Vec<Event> {
        self.lock().events.iter().cloned().collect()
    }
}

impl Watched {
    /// Whether the log is to be told that something is worth a look: not each time that a figure trembles
    /// about its threshold, and not while an alarm passes.
    fn may_warn(&mut self, at: Duration) -> bool {
        let is_news = self.health == Health::Ok
            && self
                .warned
                .is_none_or(|before| at.saturating_sub(before) >= WARNED_EVERY);
        if is_news {
            self.warned = Some(at);
        }
        is_news
    }

    /// Takes a look at the edge, and tells what has changed.
    fn look(&mut self, edge: &EdgeSnapshot, at: Duration) -> Vec<Event> {
        self.samples.push_back(sample(edge, at));
        if self.samples.len() > SAMPLES_MAX {
            self.samples.pop_front();
        }
        self.history.saw(edge, at);
        let concerns = judge(&edge.expect, self.samples.make_contiguous());
        let health = gravest(&concerns);
        self.concerns = concerns.into_iter().map(|c| c.text).collect();
        let mut events = Vec::new();
        // That an edge catches up and falls behind is its everyday life.
        let class = |state| match state {
            State::Running => State::CaughtUp,
            other => other,
        };
        if self
            .state
            .is_some_and(|before| class(before) != class(edge.state))
        {
            let why = edge.reason.as_ref().map(|why| format!(": {why}"));
            let text = format!("{}{}", edge.state.as_str(), why.unwrap_or_default());
            events.push(event(edge, health, text));
        }
        if health != self.health {
            let why = self.concerns.join("; ");
            match health {
                Health::Alarm => tracing::error!(edge = edge.name, "Alarm: {why}."),
                Health::Warn if self.may_warn(at) => {
                    tracing::warn!(edge = edge.name, "Worth a look: {why}.");
                }
                _ if self.health == Health::Alarm => {
                    tracing::info!(edge = edge.name, "The alarm is over.");
                }
                _ => tracing::debug!(edge = edge.name, "Health is {health} now: {why}."),
            }
            if health == Health::Alarm || self.health == Health::Alarm {
                events.push(event(edge, health, format!("{health}: {why}")));
            }
        }
        self.health = health;
        self.state = Some(edge.state);
        events
    }
}

fn event(edge: &EdgeSnapshot, health: Health, text: String) -> Event {
    Event {
        at_ms: clock::now_ms(),
        edge: edge.name.clone(),
        health,
        text: text.trim_end_matches(": ").to_owned(),
    }
}

fn sample(edge: &EdgeSnapshot, at: Duration) -> Sample {
    Sample {
        at,
        lag_records: u64::try_from(edge.lag_records).unwrap_or(0),
        wait: Duration::from_secs_f64(edge.wait_seconds),
        records: edge.records_total,
        bytes: edge.bytes_total,
        read: edge.counts.read(),
        refused: edge.refused_total,
        standing: match edge.state {
            State::Running | State::CaughtUp | State::Paused => Standing::Going,
            State::Starting => Standing::Starting,
            State::Retrying => Standing::Trying,
            State::Halted => Standing::Halted,
        },
        share: edge.share,
    }
}
