//! The streams of an edge: for each, a thread that follows the group and a thread that copies.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crossdock_model::properties::commit_interval_ms;

use super::catalog::Catalog;
use super::status::{State, Status, StreamReport};
use super::{Control, Setup};
use crate::kafka::{Error, ErrorKind, Member, Membership, TopicPartition};
use crate::stream::positions::{EdgePositions, Facts, Rules};
use crate::stream::records::{Recipe, RecordEngine};
use crate::stream::{Pace, Stream, Twin};

/// How long a thread waits for news before it looks around.
const LOOK_AROUND: Duration = Duration::from_millis(100);

/// What all streams of an edge share.
#[derive(Clone)]
pub(super) struct Shared {
    pub(super) setup: Setup,
    pub(super) status: Arc<Status>,
    pub(super) control: Arc<Control>,
    pub(super) catalog: Arc<RwLock<Catalog>>,
    pub(super) rules: Rules,
    pub(super) recipe: Recipe,
    pub(super) group: String,
}

/// The running streams of an edge.
pub(super) struct Streams {
    threads: Vec<JoinHandle<()>>,
    changes: Vec<Sender<String>>,
    known_ids: Mutex<BTreeMap<String, String>>,
}

type Copier = Stream<RecordEngine, EdgePositions, StreamReport>;

impl Streams {
    /// Starts all of them.
    ///
    /// # Errors
    /// A client cannot be set up.
    pub(super) fn start(shared: &Shared) -> Result<Self, Error> {
        let (mut threads, mut changes) = (Vec::new(), Vec::new());
        for stream in 0..shared.setup.edge.streams {
            let (events, inbox) = channel();
            let (change, changed) = channel();
            let instance = format!("{}.{stream}", shared.setup.instance);
            let Setup { target, member, .. } = &shared.setup;
            let member = Arc::new(Member::new(
                target,
                member,
                &shared.group,
                &instance,
                events,
            )?);
            let life = Arc::new(Life::default());
            threads.push(spawn(shared, stream, "group", {
                let (shared, member, life) = (shared.clone(), member.clone(), life.clone());
                move || follow(&shared, &member, &life)
            })?);
            threads.push(spawn(shared, stream, "copy", {
                let shared = shared.clone();
                move || copy(&shared, stream, &member, &life, inbox, &changed)
            })?);
            changes.push(change);
        }
        Ok(Self {
            threads,
            changes,
            known_ids: Mutex::default(),
        })
    }

    /// Tells the streams which source topics were created again since the last time.
    pub(super) fn topics_changed(&self, facts: &RwLock<Facts>) {
        let now = facts
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .topic_ids
            .clone();
        let mut known = self
            .known_ids
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        for (topic, id) in &now {
            if known.get(topic).is_some_and(|before| before != id) {
                for change in &self.changes {
                    // A stream that has stopped has nothing to reconsider.
                    change.send(topic.clone()).ok();
                }
            }
        }
        known.extend(now);
    }

    /// Waits until all transactions have ended and the members have left.
    pub(super) fn join(self) {
        for thread in self.threads {
            if thread.join().is_err() {
                tracing::error!("A stream ended by a panic: a bug.");
            }
        }
    }
}

fn spawn(
    shared: &Shared,
    stream: usize,
    role: &str,
    body: impl FnOnce() + Send + 'static,
) -> Result<JoinHandle<()>, Error> {
    let name = format!("{role}-{}-{stream}", shared.setup.edge.name);
    thread::Builder::new()
        .name(name)
        .spawn(body)
        .map_err(|e| Error {
            cluster: shared.setup.edge.target.clone(),
            kind: ErrorKind::Other,
            reason: format!("cannot start a thread: {e}"),
        })
}

/// What the two threads of a stream tell each other.
struct Life {
    born: Instant,
    beat_ms: AtomicU64,
    copier_is_done: AtomicBool,
    member_is_out: AtomicBool,
}

impl Default for Life {
    fn default() -> Self {
        Self {
            born: Instant::now(),
            beat_ms: AtomicU64::new(0),
            copier_is_done: AtomicBool::new(false),
            member_is_out: AtomicBool::new(false),
        }
    }
}

impl Life {
    fn now_ms(&self) -> u64 {
        u64::try_from(self.born.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn beat(&self) {
        self.beat_ms.store(self.now_ms(), Ordering::Release);
    }

    fn silence(&self) -> Duration {
        Duration::from_millis(
            self.now_ms()
                .saturating_sub(self.beat_ms.load(Ordering::Acquire)),
        )
    }
}

/// Follows the group until the copier is done. A copier that makes no progress gives its partitions
/// up: its member leaves, and comes back when the copier does.
fn follow(shared: &Shared, member: &Member, life: &Life) {
    let patience = shared
        .setup
        .member
        .get("max.poll.interval.ms")
        .and_then(|ms| ms.parse().ok());
    let patience = Duration::from_millis(patience.unwrap_or(300_000));
    let mut subscribed: Vec<Arc<str>> = Vec::new();
    let name = shared.setup.edge.name.as_str();
    while !life.copier_is_done.load(Ordering::Acquire) {
        if life.silence() > patience {
            if !subscribed.is_empty() {
                tracing::error!(
                    edge = name,
                    "A stream has made no progress for {patience:?}; it gives its partitions up."
                );
                member.leave();
                subscribed.clear();
            }
        } else if let Some(topics) = topics_to_subscribe(shared, &subscribed) {
            let names: Vec<&str> = topics.iter().map(|t| &**t).collect();
            match member.subscribe(&names) {
                Ok(()) => subscribed = topics,
                Err(error) => tracing::warn!(edge = name, "{error}."),
            }
        }
        match member.poll(LOOK_AROUND) {
            Ok(()) => {}
            Err(error) if error.kind == ErrorKind::Fenced => {
                let reason = format!(
                    "another process runs as instance `{}`: {error}; give each its own --instance",
                    shared.setup.instance
                );
                tracing::error!(edge = name, "{reason}.");
                shared.status.trouble(State::Halted, reason);
                life.member_is_out.store(true, Ordering::Release);
                return;
            }
            Err(error) => tracing::debug!(edge = name, "{error}."),
        }
    }
}

fn topics_to_subscribe(shared: &Shared, subscribed: &[Arc<str>]) -> Option<Vec<Arc<str>>> {
    let catalog = shared
        .catalog
        .read()
        .unwrap_or_else(PoisonError::into_inner);
    let is_same = catalog.pairs.len() == subscribed.len()
        && catalog.pairs.keys().zip(subscribed).all(|(a, b)| a == b);
    (!is_same && !catalog.pairs.is_empty()).then(|| catalog.pairs.keys().cloned().collect())
}

/// Copies until the worker stops, or another process has taken this instance's place.
fn copy(
    shared: &Shared,
    stream: usize,
    member: &Arc<Member>,
    life: &Life,
    inbox: Receiver<Membership>,
    changed: &Receiver<String>,
) {
    let mut copier = copier(shared, stream, member);
    let mut is_paused = false;
    let mut limiter =
        super::limit::Limiter::new(shared.setup.edge.limit, shared.setup.edge.streams);
    loop {
        life.beat();
        if shared.control.is_stopping() || life.member_is_out.load(Ordering::Acquire) {
            break;
        }
        while let Ok(event) = inbox.try_recv() {
            obey(shared, &mut copier, event);
        }
        while let Ok(topic) = changed.try_recv() {
            copier.reconsider(&topic);
        }
        shared.status.joined(stream, copier.has_joined());
        let wants_pause = shared.control.is_paused();
        if wants_pause && !is_paused {
            copier.pause();
        }
        is_paused = wants_pause;
        let is_busy = !is_paused && limiter.allows() && copier.work();
        copier.commit_in_time();
        limiter.spent(copier.take_spent());
        if !is_busy && let Ok(event) = inbox.recv_timeout(limiter.wait().min(LOOK_AROUND)) {
            obey(shared, &mut copier, event);
        }
    }
    copier.finish();
    // The member, when it goes, must find nobody to wait for.
    drop(inbox);
    shared.status.joined(stream, false);
    life.copier_is_done.store(true, Ordering::Release);
}

fn copier(shared: &Shared, stream: usize, member: &Arc<Member>) -> Copier {
    let mut recipe = shared.recipe.clone();
    recipe.transactional_id = recipe.transactional_id.map(|id| format!("{id}.{stream}"));
    let positions = EdgePositions {
        rules: shared.rules.clone(),
        member: member.clone(),
    };
    let report = StreamReport {
        status: shared.status.clone(),
        stream,
    };
    let pace = Pace {
        commit_interval: Duration::from_millis(commit_interval_ms(shared.setup.edge.profile)),
    };
    Stream::new(
        RecordEngine::new(recipe, member.clone()),
        positions,
        report,
        pace,
    )
}

fn obey(shared: &Shared, copier: &mut Copier, event: Membership) {
    match event {
        Membership::Granted { lease, partitions } => {
            let twins = twins(shared, &partitions);
            tracing::debug!(
                edge = shared.setup.edge.name.as_str(),
                "The group gives {} partitions.",
                twins.len()
            );
            copier.grant(lease, twins);
        }
        Membership::Revoked { partitions, done } => {
            copier.revoke(&partitions);
            drop(done);
        }
        Membership::Lost { partitions, done } => {
            copier.lose(&partitions);
            drop(done);
        }
    }
}

/// A surplus target partition has no twin, and is left idle.
fn twins(shared: &Shared, partitions: &[TopicPartition]) -> Vec<Twin> {
    let catalog = shared
        .catalog
        .read()
        .unwrap_or_else(PoisonError::into_inner);
    partitions
        .iter()
        .filter_map(|(topic, partition)| catalog.twin(topic, *partition))
        .collect()
}
