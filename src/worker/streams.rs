//! The streams of an edge: for each, a thread that follows the group and a thread that copies.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, PoisonError, RwLock};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::catalog::Catalog;
use super::copy::copy;
use super::follow::{Life, follow};
use super::status::Status;
use super::{Control, Setup};
use crate::kafka::{Error, ErrorKind, Member};
use crate::stream::positions::{Facts, Rules};
use crate::stream::records::Recipe;

/// Before a stream whose member was put out starts again.
const RESTART_AFTER: Duration = Duration::from_secs(1);

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
    running: Vec<Running>,
    known: Facts,
}

/// One stream: its two threads, and how to reach them.
struct Running {
    stream: usize,
    threads: [JoinHandle<()>; 2],
    change: Sender<String>,
    life: Arc<Life>,
    born: Instant,
}

impl Streams {
    /// Starts all of them.
    ///
    /// # Errors
    /// A client cannot be set up.
    pub(super) fn start(shared: &Shared) -> Result<Self, Error> {
        let known = facts_of(&shared.rules.facts);
        let mut streams = Self {
            running: Vec::new(),
            known,
        };
        for stream in 0..shared.setup.edge.streams {
            match start(shared, stream) {
                Ok(running) => streams.running.push(running),
                Err(error) => {
                    shared.control.stop();
                    streams.join();
                    return Err(error);
                }
            }
        }
        Ok(streams)
    }

    /// Starts those again that have ended, though nobody wanted them to.
    ///
    /// # Errors
    /// A client cannot be set up.
    pub(super) fn revive(&mut self, shared: &Shared) -> Result<(), Error> {
        if shared.status.is_halted() {
            return Ok(());
        }
        let has_ended = |r: &Running| {
            r.threads.iter().all(JoinHandle::is_finished) && r.born.elapsed() > RESTART_AFTER
        };
        for number in 0..self.running.len() {
            if has_ended(&self.running[number]) {
                tracing::info!(
                    edge = shared.setup.edge.name.as_str(),
                    "A stream starts again."
                );
                shared.status.count(|counts| counts.restarts += 1);
                let next = start(shared, self.running[number].stream)?;
                std::mem::replace(&mut self.running[number], next).join();
            }
        }
        Ok(())
    }

    /// Lets all members leave the group and come back, so that it hands the partitions out anew.
    pub(super) fn rejoin(&self) {
        for running in &self.running {
            running.life.rejoin();
        }
    }

    /// Tells the streams of which source topics something is not as it was the last time: the topic itself, or
    /// its target, was created again, or the target's log was cut.
    pub(super) fn topics_changed(&mut self, facts: &RwLock<Facts>, catalog: &Catalog) {
        let now = facts_of(facts);
        for topic in changed(&self.known, &now, catalog) {
            for running in &self.running {
                // A stream that has stopped has nothing to reconsider.
                running.change.send(topic.clone()).ok();
            }
        }
        self.known.topic_ids.extend(now.topic_ids);
        self.known.target_ids.extend(now.target_ids);
        self.known.target_ends.extend(now.target_ends);
    }

    /// Waits until all transactions have ended and the members have left.
    pub(super) fn join(self) {
        self.running.into_iter().for_each(Running::join);
    }
}

fn facts_of(facts: &RwLock<Facts>) -> Facts {
    facts.read().unwrap_or_else(PoisonError::into_inner).clone()
}

/// Source topics whose partitions must find out anew where they go on.
fn changed(known: &Facts, now: &Facts, catalog: &Catalog) -> BTreeSet<String> {
    let is_other = |known: &BTreeMap<String, String>,
                    now: &BTreeMap<String, String>,
                    topic: &str| {
        matches!((known.get(topic), now.get(topic)), (Some(then), Some(now)) if then != now)
    };
    let is_cut = |target: &Arc<str>| {
        let whole = (target.clone(), 0)..=(target.clone(), i32::MAX);
        now.target_ends
            .range(whole)
            .any(|(place, end)| known.target_ends.get(place).is_some_and(|then| end < then))
    };
    let pairs = catalog.pairs.iter().filter(|(target, pair)| {
        is_other(&known.topic_ids, &now.topic_ids, &pair.source_topic)
            || is_other(&known.target_ids, &now.target_ids, target)
            || is_cut(target)
    });
    pairs
        .map(|(_, pair)| pair.source_topic.to_string())
        .collect()
}

impl Running {
    fn join(self) {
        for thread in self.threads {
            if thread.join().is_err() {
                tracing::error!("A stream ended by a panic: a bug.");
            }
        }
    }
}

fn start(shared: &Shared, stream: usize) -> Result<Running, Error> {
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
    let follower = spawn(shared, stream, "group", {
        let (shared, member, life) = (shared.clone(), member.clone(), life.clone());
        move || follow(&shared, &instance, &member, &life)
    })?;
    let copier = spawn(shared, stream, "copy", {
        let (shared, life) = (shared.clone(), life.clone());
        move || copy(&shared, stream, &member, &life, inbox, &changed)
    })?;
    Ok(Running {
        stream,
        threads: [follower, copier],
        change,
        life,
        born: Instant::now(),
    })
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
