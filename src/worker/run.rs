//! The worker's own thread: connect, survey, begin; then it watches ([`super::watch`]).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use crossdock_model::dead_letter;
use crossdock_model::edge::Delivery;
use crossdock_model::select::Selection;

use super::catalog::{Catalog, survey};
use super::goals::Goals;
use super::status::{State, Status};
use super::streams::{Shared, Streams};
use super::{Control, Ending, Setup, groups};
use crate::backoff::Backoff;
use crate::kafka::{Error, ErrorKind, Group};
use crate::stream::Twin;
use crate::stream::positions::{Facts, Rules};
use crate::stream::records::Recipe;

/// Between two looks at whether somebody wants the worker to stop.
pub(super) const TICK: Duration = Duration::from_millis(50);

/// Back-off between tries to connect: from the shortest to the longest.
const CONNECT_BACKOFF: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(10));

/// Tries that are repeated sooner than this are not worth a warning.
const NOTEWORTHY_BACKOFF: Duration = Duration::from_millis(800);

/// How long `--once` waits for a cluster that does not answer.
pub(super) const ONCE_ANSWER_WITHIN: Duration = Duration::from_secs(30);

pub(super) struct Worker {
    pub(super) setup: Setup,
    pub(super) status: Arc<Status>,
    pub(super) control: Arc<Control>,
    catalog: Arc<RwLock<Catalog>>,
    pub(super) facts: Arc<RwLock<Facts>>,
    /// Since when each task has not been answered, and what was said last.
    pub(super) silent: BTreeMap<Task, (Instant, Error)>,
    pub(super) reporter: Option<Group>,
}

/// What is known after connecting.
struct Connected {
    rules: Rules,
    recipe: Recipe,
    group: String,
}

impl Worker {
    pub(super) fn new(setup: Setup, status: Arc<Status>, control: Arc<Control>) -> Self {
        Self {
            setup,
            status,
            control,
            catalog: Arc::default(),
            facts: Arc::default(),
            silent: BTreeMap::new(),
            reporter: None,
        }
    }

    pub(super) fn run(mut self) -> Ending {
        let connected = match self.until(Self::connect) {
            Ok(connected) => connected,
            Err(ending) => return self.ended(ending),
        };
        if let Err(ending) = self.until(|worker| worker.look()) {
            return self.ended(ending);
        }
        let goals = match self.until(|worker| worker.begin(&connected)) {
            Ok(goals) => goals,
            Err(ending) => return self.ended(ending),
        };
        let Connected {
            rules,
            recipe,
            group,
        } = connected;
        let shared = Shared {
            setup: self.setup.clone(),
            status: self.status.clone(),
            control: self.control.clone(),
            catalog: self.catalog.clone(),
            rules,
            recipe,
            group,
        };
        let mut streams = match Streams::start(&shared) {
            Ok(streams) => streams,
            Err(error) => return self.ended(Ending::Halted(error.to_string())),
        };
        let groups = match groups::start(&self.setup, &self.status, &self.control) {
            Ok(groups) => groups,
            Err(error) => return self.ended(Ending::Halted(error.to_string())),
        };
        let ending = self.watch(&shared, &mut streams, &goals);
        if ending == Ending::CaughtUp {
            groups::once(&self.setup, &self.status, &self.control);
        }
        self.control.stop();
        streams.join();
        if groups.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!(
                edge = self.setup.edge.name.as_str(),
                "Keeping groups in step ended by a panic: a bug."
            );
        }
        self.ended(ending)
    }

    /// Tells how it ended. Without `--once` the worker stays to tell it until it is stopped.
    fn ended(&self, ending: Ending) -> Ending {
        match &ending {
            Ending::Halted(reason) => self.status.trouble(State::Halted, reason.clone()),
            Ending::Cluster(error) => self.status.trouble(State::Retrying, error.to_string()),
            Ending::Stopped | Ending::CaughtUp => return ending,
        }
        if !self.setup.once {
            // It ends when somebody stops it.
            self.wait(Duration::MAX).ok();
        }
        ending
    }

    /// Tries until it works, or somebody wants the worker to stop.
    fn until<T>(&mut self, attempt: impl Fn(&mut Self) -> Result<T, Trouble>) -> Result<T, Ending> {
        let mut backoff = Backoff::new(CONNECT_BACKOFF.0, CONNECT_BACKOFF.1);
        loop {
            match attempt(self) {
                Ok(value) => {
                    self.silent.clear();
                    self.status.untroubled();
                    return Ok(value);
                }
                Err(Trouble::Halt(reason)) => {
                    tracing::error!(edge = self.setup.edge.name.as_str(), "{reason}.");
                    self.status.trouble(State::Halted, reason.clone());
                    if self.setup.once {
                        return Err(Ending::Halted(reason));
                    }
                    self.wait(Duration::MAX)?;
                }
                Err(Trouble::Retry(error)) => {
                    let edge = self.setup.edge.name.as_str();
                    let wait = backoff.next_wait();
                    // A cluster that was just changed needs a moment to agree with itself.
                    if wait < NOTEWORTHY_BACKOFF {
                        tracing::debug!(edge, "{error}; next try in {wait:?}.");
                    } else {
                        tracing::warn!(edge, "{error}; next try in {wait:?}.");
                    }
                    self.status.trouble(State::Retrying, error.to_string());
                    self.status.count(|counts| counts.retry(error.kind));
                    let silent = self.silent(Task::Start, &error);
                    if self.setup.once
                        && (error.kind == ErrorKind::Refused || silent > ONCE_ANSWER_WITHIN)
                    {
                        return Err(Ending::Cluster(error));
                    }
                    self.wait(wait)?;
                }
            }
        }
    }

    /// Notes that a task was not answered, and tells since when.
    pub(super) fn silent(&mut self, task: Task, error: &Error) -> Duration {
        let (since, last) = self
            .silent
            .entry(task)
            .or_insert_with(|| (Instant::now(), error.clone()));
        last.clone_from(error);
        since.elapsed()
    }

    fn wait(&self, long: Duration) -> Result<(), Ending> {
        let since = Instant::now();
        while since.elapsed() < long {
            if self.control.is_stopping() {
                return Err(Ending::Stopped);
            }
            std::thread::sleep(TICK.min(long));
        }
        Ok(())
    }

    fn connect(&mut self) -> Result<Connected, Trouble> {
        let Setup {
            topology,
            edge,
            source,
            target,
            ..
        } = &self.setup;
        let (source_id, target_id) = (source.id()?, target.id()?);
        if source_id == target_id {
            return Err(Trouble::Halt(format!(
                "same-cluster: `{}` and `{}` are one cluster (id {source_id}); nothing is copied",
                edge.source, edge.target
            )));
        }
        let is_transactional =
            edge.delivery == Delivery::ExactlyOnce && target.capabilities().transactions;
        let group = format!("crossdock.{topology}.{}", edge.name);
        let rules = Rules {
            edge: edge.name.to_string(),
            group: group.clone(),
            file: self.setup.file.clone(),
            process: self.setup.process.clone(),
            source: source.clone(),
            source_id: source_id.to_string(),
            target: target.clone(),
            provenance: edge.provenance,
            start: edge.start,
            on_gap: edge.on_gap,
            on_recreated: edge.on_recreated,
            facts: self.facts.clone(),
        };
        let recipe = Recipe {
            source: source.clone(),
            source_hop: format!("{}/{source_id}", edge.source),
            target: target.clone(),
            target_id: target_id.to_string(),
            provenance: edge.provenance,
            is_rebuild: edge.homeward.as_ref().is_some_and(|h| h.is_rebuild),
            is_local_only: edge.forward == crossdock_model::edge::Forward::Local,
            selection: Selection::of(edge).map(Arc::new),
            on_oversize: edge.on_oversize,
            dead_letter_topic: dead_letter::topic(topology, edge.name.as_str()),
            consumer: self.setup.reader.clone(),
            producer: self.setup.writer.clone(),
            batch_records_max: super::limit::batch_records_max(edge.limit),
            transactional_id: is_transactional.then(|| format!("{group}.{}", self.setup.instance)),
        };
        Ok(Connected {
            rules,
            recipe,
            group,
        })
    }

    /// Looks at both clusters and notes what there is.
    pub(super) fn look(&mut self) -> Result<(), Trouble> {
        let Setup {
            edge,
            names,
            source,
            target,
            ..
        } = &self.setup;
        let before = self.catalog();
        let found = survey(edge, names, (source, target), &before)?;
        let topics: Vec<&str> = found.pairs.values().map(|p| &*p.source_topic).collect();
        let topic_ids = source.topic_ids(&topics)?;
        let target_topics: Vec<&str> = found.pairs.keys().map(|topic| &**topic).collect();
        let target_ids = target.topic_ids(&target_topics)?;
        let targets: Vec<_> = found.twins().iter().map(Twin::target).collect();
        let target_ends = target.known_high_watermarks(&targets)?;
        *self.facts.write().unwrap_or_else(PoisonError::into_inner) = Facts {
            topic_ids,
            target_ids,
            target_ends,
        };
        let sources = |catalog: &Catalog| -> BTreeSet<_> {
            catalog.twins().iter().map(Twin::source).collect()
        };
        let (known, all) = (sources(&before), sources(&found));
        if !before.pairs.is_empty() {
            let new = all.difference(&known).cloned().collect();
            self.status.newcomers(new, &all);
        }
        self.status.surveyed(!found.pairs.is_empty(), all);
        self.status.topic_trouble(&found.trouble);
        self.status.source_gone(&found.gone);
        *self.catalog.write().unwrap_or_else(PoisonError::into_inner) = found;
        Ok(())
    }

    pub(super) fn catalog(&self) -> Catalog {
        self.catalog
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Gives the edge its starting positions, and `--once` its goals.
    fn begin(&mut self, connected: &Connected) -> Result<Goals, Trouble> {
        let twins = self.catalog().twins();
        let group = Group::new(&self.setup.target, &connected.group)?;
        if let Some(old) = &self.setup.edge.renamed_from {
            let old = format!("crossdock.{}.{old}", self.setup.topology);
            connected.rules.carry_over(
                &Group::settled(&self.setup.target, &old)?,
                &group,
                &twins,
            )?;
        }
        connected.rules.begin_first_run(&group, &twins)?;
        if let Some(name) = &self.setup.edge.report_group {
            self.reporter = Some(Group::new(&self.setup.source, name)?);
        }
        let sources: Vec<_> = twins.iter().map(Twin::source).collect();
        let ends = self.setup.source.end_offsets(&sources)?;
        Ok(if self.setup.once { ends } else { Goals::new() })
    }
}

/// What the worker asks the clusters again and again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Task {
    Start,
    Survey,
    Ends,
    Orphans,
}

/// Why a step of the worker did not work.
pub(super) enum Trouble {
    Retry(Error),
    Halt(String),
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        Self::Retry(error)
    }
}
