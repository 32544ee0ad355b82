//! The worker's own thread: connect, survey, stream, watch.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use crossdock_model::edge::Delivery;

use super::catalog::{Catalog, survey};
use super::status::{State, Status};
use super::streams::{Shared, Streams};
use super::{Control, Ending, Setup};
use crate::kafka::{Error, ErrorKind, Group, Position, TopicPartition};
use crate::stream::Twin;
use crate::stream::positions::{Facts, Rules};
use crate::stream::records::Recipe;

/// Between two looks at the topics of both clusters, at least.
const SURVEY_INTERVAL_MIN: Duration = Duration::from_secs(2);

/// Looking takes at most one part in so many of the time, however many topics there are.
const SURVEY_SHARE: u32 = 20;

/// Between two commits to the report group.
const REPORT_INTERVAL: Duration = Duration::from_secs(5);

/// Between two looks at the source's log ends.
const ENDS_INTERVAL: Duration = Duration::from_secs(1);

/// Between two looks at whether `--once` has reached its goals.
const GOAL_INTERVAL: Duration = Duration::from_millis(300);

/// Between two looks at whether somebody wants the worker to stop.
const TICK: Duration = Duration::from_millis(50);

/// Back-off between tries to connect: doubled up to the maximum.
const CONNECT_BACKOFF: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(10));

/// Tries that are repeated sooner than this are not worth a warning.
const NOTEWORTHY_BACKOFF: Duration = Duration::from_millis(800);

/// How long `--once` waits for a cluster that does not answer.
const ONCE_ANSWER_WITHIN: Duration = Duration::from_secs(30);

pub(super) struct Worker {
    setup: Setup,
    status: Arc<Status>,
    control: Arc<Control>,
    catalog: Arc<RwLock<Catalog>>,
    facts: Arc<RwLock<Facts>>,
    silent_since: Option<Instant>,
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
            silent_since: None,
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
        let streams = match Streams::start(&shared) {
            Ok(streams) => streams,
            Err(error) => return self.ended(Ending::Cluster(error)),
        };
        let ending = self.watch(&shared, &streams, &goals);
        self.control.stop();
        streams.join();
        self.ended(ending)
    }

    fn ended(&self, ending: Ending) -> Ending {
        match &ending {
            Ending::Halted(reason) => self.status.trouble(State::Halted, reason.clone()),
            Ending::Cluster(error) => self.status.trouble(State::Retrying, error.to_string()),
            Ending::Stopped | Ending::CaughtUp => {}
        }
        ending
    }

    /// Tries until it works, or somebody wants the worker to stop.
    fn until<T>(&mut self, attempt: impl Fn(&mut Self) -> Result<T, Trouble>) -> Result<T, Ending> {
        let (mut backoff, backoff_max) = CONNECT_BACKOFF;
        loop {
            match attempt(self) {
                Ok(value) => {
                    self.silent_since = None;
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
                    // A cluster that was just changed needs a moment to agree with itself.
                    if backoff < NOTEWORTHY_BACKOFF {
                        tracing::debug!(edge, "{error}; next try in {backoff:?}.");
                    } else {
                        tracing::warn!(edge, "{error}; next try in {backoff:?}.");
                    }
                    self.status.trouble(State::Retrying, error.to_string());
                    let silent = self.silent_since.get_or_insert_with(Instant::now).elapsed();
                    if self.setup.once
                        && (error.kind == ErrorKind::Refused || silent > ONCE_ANSWER_WITHIN)
                    {
                        return Err(Ending::Cluster(error));
                    }
                    self.wait(backoff)?;
                    backoff = (backoff * 2).min(backoff_max);
                }
            }
        }
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
            file: self.setup.file.clone(),
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
            is_local_only: edge.forward == crossdock_model::edge::Forward::Local,
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
    fn look(&mut self) -> Result<(), Trouble> {
        let Setup {
            edge,
            names,
            source,
            target,
            ..
        } = &self.setup;
        let found = survey(edge, names, source, target)?;
        let topics: Vec<&str> = found.pairs.values().map(|p| &*p.source_topic).collect();
        let topic_ids = source.topic_ids(&topics)?;
        let targets: Vec<_> = found.twins().iter().map(Twin::target).collect();
        let target_ends = target.end_offsets(&targets)?;
        *self.facts.write().unwrap_or_else(PoisonError::into_inner) = Facts {
            topic_ids,
            target_ends,
        };
        self.status.surveyed(!found.pairs.is_empty());
        self.status.topic_trouble(&found.trouble);
        *self.catalog.write().unwrap_or_else(PoisonError::into_inner) = found;
        Ok(())
    }

    fn catalog(&self) -> Catalog {
        self.catalog
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Gives the edge its starting positions, and `--once` its goals.
    fn begin(&mut self, connected: &Connected) -> Result<BTreeMap<TopicPartition, i64>, Trouble> {
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
        let sources: Vec<_> = twins.iter().map(Twin::source).collect();
        let ends = self.setup.source.end_offsets(&sources)?;
        Ok(if self.setup.once {
            ends
        } else {
            BTreeMap::new()
        })
    }

    /// Keeps both sides in step while the streams copy.
    fn watch(
        &mut self,
        shared: &Shared,
        streams: &Streams,
        goals: &BTreeMap<TopicPartition, i64>,
    ) -> Ending {
        let (mut surveyed, mut listed, mut reported) =
            (Instant::now(), None::<Instant>, Instant::now());
        let mut checked = Instant::now();
        let mut survey_interval = SURVEY_INTERVAL_MIN;
        let reporter = match self
            .setup
            .edge
            .report_group
            .as_deref()
            .map(|name| Group::new(&self.setup.source, name))
        {
            Some(Ok(group)) => Some(group),
            Some(Err(error)) => return Ending::Cluster(error),
            None => None,
        };
        loop {
            if self.control.is_stopping() {
                return Ending::Stopped;
            }
            if surveyed.elapsed() > survey_interval {
                let begun = Instant::now();
                self.attend(Self::look);
                self.settle_untwinned();
                streams.topics_changed(&self.facts);
                surveyed = Instant::now();
                survey_interval = SURVEY_INTERVAL_MIN.max((surveyed - begun) * SURVEY_SHARE);
            }
            if listed.is_none_or(|at| at.elapsed() > ENDS_INTERVAL) {
                self.attend(Self::list_ends);
                listed = Some(Instant::now());
            }
            if let Some(reporter) = &reporter
                && reported.elapsed() > REPORT_INTERVAL
            {
                self.report(reporter);
                reported = Instant::now();
            }
            if self.setup.once && checked.elapsed() > GOAL_INTERVAL {
                checked = Instant::now();
                match self.reached(shared, goals) {
                    Some(ending) => return ending,
                    None if self
                        .silent_since
                        .is_some_and(|since| since.elapsed() > ONCE_ANSWER_WITHIN) =>
                    {
                        let reason = self.status.snapshot().reason.unwrap_or_default();
                        let error = Error {
                            cluster: self.setup.edge.target.clone(),
                            kind: ErrorKind::Unreachable,
                            reason,
                        };
                        return Ending::Cluster(error);
                    }
                    None => {}
                }
            }
            std::thread::sleep(TICK);
        }
    }

    /// Does something that may fail and will be done again.
    fn attend(&mut self, attempt: impl Fn(&mut Self) -> Result<(), Trouble>) {
        match attempt(self) {
            Ok(()) => {
                self.silent_since = None;
                self.status.untroubled();
            }
            Err(Trouble::Retry(error)) => {
                self.silent_since.get_or_insert_with(Instant::now);
                self.status.trouble(State::Retrying, error.to_string());
            }
            Err(Trouble::Halt(reason)) => self.status.trouble(State::Halted, reason),
        }
    }

    fn list_ends(&mut self) -> Result<(), Trouble> {
        let held: Vec<_> = self
            .status
            .positions()
            .into_iter()
            .filter(|(_, p)| p.is_some())
            .map(|(place, _)| place)
            .collect();
        self.status.ends(&self.setup.source.end_offsets(&held)?);
        Ok(())
    }

    /// Commits the positions to `report_group` at the source, for whoever looks at its lag there. It is
    /// for the eyes only: that it fails stops nothing.
    fn report(&self, group: &Group) {
        let held = self.status.positions().into_iter();
        let positions: Vec<Position> = held
            .filter_map(|(place, at)| Some((place, at?, String::new())))
            .collect();
        match group.commit(&positions) {
            Ok(true) => {}
            Ok(false) => tracing::warn!(
                edge = self.setup.edge.name.as_str(),
                "The report group has members of its own; it is left alone."
            ),
            Err(error) => tracing::warn!(
                edge = self.setup.edge.name.as_str(),
                "Cannot report the position: {error}."
            ),
        }
    }

    /// The group hands out target partitions only: who holds a topic's first one speaks for the source
    /// partitions that have none.
    fn settle_untwinned(&self) {
        let held = self.status.positions();
        for twin in self.catalog().without_twin() {
            let speaks = held
                .get(&(twin.source_topic.clone(), 0))
                .is_some_and(Option::is_some);
            if speaks {
                let reason = format!(
                    "no target partition: {} has no partition {} on cluster `{}`",
                    twin.target_topic, twin.partition, self.setup.edge.target
                );
                self.status.without_twin(&twin, reason);
            } else {
                self.status.forget(&twin.source());
            }
        }
    }

    /// Whether everything that was there when the worker started is at the target.
    fn reached(&self, shared: &Shared, goals: &BTreeMap<TopicPartition, i64>) -> Option<Ending> {
        let held = self.status.positions();
        let behind = |place: &TopicPartition, goal: i64| !matches!(held.get(place), Some(Some(position)) if *position >= goal);
        let open: Vec<_> = goals
            .iter()
            .filter(|(place, goal)| behind(place, **goal))
            .collect();
        if let Some(reason) = open
            .iter()
            .find_map(|(place, _)| self.status.partition_halt(place))
        {
            return Some(Ending::Halted(reason));
        }
        if self.status.is_halted() {
            return Some(Ending::Halted(
                self.status.snapshot().reason.unwrap_or_default(),
            ));
        }
        if open.is_empty() {
            return Some(Ending::CaughtUp);
        }
        // What other instances hold is seen in the group's committed offsets.
        let is_elsewhere = |place: &TopicPartition| !held.contains_key(place);
        if open.iter().all(|(place, _)| is_elsewhere(place)) {
            return self
                .reached_elsewhere(shared, &open)
                .then_some(Ending::CaughtUp);
        }
        None
    }

    fn reached_elsewhere(&self, shared: &Shared, open: &[(&TopicPartition, &i64)]) -> bool {
        let Ok(group) = Group::new(&self.setup.target, &shared.group) else {
            return false;
        };
        let twins = self.catalog().twins();
        let target_of = |place: &TopicPartition| {
            twins
                .iter()
                .find(|t| t.source() == *place)
                .map(Twin::target)
        };
        let targets: Vec<_> = open
            .iter()
            .filter_map(|(place, _)| target_of(place))
            .collect();
        let Ok(committed) = group.committed(&targets) else {
            return false;
        };
        open.iter().all(|(place, goal)| {
            let found = target_of(place).and_then(|target| committed.get(&target)?.offset);
            found.is_some_and(|offset| offset >= **goal)
        })
    }
}

/// Why a step of the worker did not work.
enum Trouble {
    Retry(Error),
    Halt(String),
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        Self::Retry(error)
    }
}
