//! The worker's own thread: connect, survey, stream, watch.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use crossdock_model::edge::Delivery;

use super::catalog::{Catalog, survey};
use super::orphans::Orphans;
use super::status::{State, Status};
use super::streams::{Shared, Streams};
use super::{Control, Ending, Setup};
use crate::kafka::{Error, ErrorKind, Group, Position, TopicPartition};
use crate::stream::Twin;
use crate::stream::positions::{Facts, Rules};
use crate::stream::records::Recipe;

/// Between two looks at the topics of both clusters, at least.
const SURVEY_INTERVAL_MIN: Duration = Duration::from_secs(2);

/// And at most, however long looking takes.
const SURVEY_INTERVAL_MAX: Duration = Duration::from_secs(60);

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
    /// Since when each task has not been answered.
    silent_since: BTreeMap<Task, Instant>,
    reporter: Option<Group>,
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
            silent_since: BTreeMap::new(),
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
        let ending = self.watch(&shared, &mut streams, &goals);
        self.control.stop();
        streams.join();
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
        let (mut backoff, backoff_max) = CONNECT_BACKOFF;
        loop {
            match attempt(self) {
                Ok(value) => {
                    self.silent_since.clear();
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
                    let silent = self
                        .silent_since
                        .entry(Task::Start)
                        .or_insert_with(Instant::now)
                        .elapsed();
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
        let target_ends = target.known_ends(&targets)?;
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

    /// Keeps both sides in step while the streams copy.
    fn watch(&mut self, shared: &Shared, streams: &mut Streams, goals: &Goals) -> Ending {
        let mut due = Due::default();
        let mut survey_interval = SURVEY_INTERVAL_MIN;
        let mut orphans = Orphans::default();
        while !self.control.is_stopping() {
            if due.survey(survey_interval) {
                let begun = Instant::now();
                self.attend(Task::Survey, Self::look);
                survey_interval = (begun.elapsed() * SURVEY_SHARE)
                    .clamp(SURVEY_INTERVAL_MIN, SURVEY_INTERVAL_MAX);
                if self.silent_since.contains_key(&Task::Survey) {
                    survey_interval = SURVEY_INTERVAL_MIN;
                }
                self.settle_untwinned();
                streams.topics_changed(&self.facts);
            }
            if due.ends(ENDS_INTERVAL) {
                self.attend(Task::Ends, Self::list_ends);
                if let Err(error) = streams.revive(shared) {
                    self.status.trouble(State::Retrying, error.to_string());
                }
            }
            if due.report(REPORT_INTERVAL) {
                self.report();
                self.attend(Task::Orphans, |worker| {
                    worker.find_orphans(shared, streams, &mut orphans)
                });
            }
            if self.setup.once
                && due.goals(GOAL_INTERVAL)
                && let Some(ending) = self.reached(shared, goals).or_else(|| self.given_up())
            {
                return ending;
            }
            std::thread::sleep(TICK);
        }
        Ending::Stopped
    }

    /// `--once` waits no longer for a cluster that does not answer, or that refuses.
    fn given_up(&self) -> Option<Ending> {
        let unreachable = |reason: String| Error {
            cluster: self.setup.edge.target.clone(),
            kind: ErrorKind::Unreachable,
            reason,
        };
        let is_silent = self
            .silent_since
            .values()
            .any(|since| since.elapsed() > ONCE_ANSWER_WITHIN);
        let stuck = self.status.stuck_for(ONCE_ANSWER_WITHIN);
        let reason = stuck
            .or_else(|| is_silent.then(|| self.status.snapshot().reason.unwrap_or_default()))?;
        Some(Ending::Cluster(unreachable(reason)))
    }

    /// What is not held here must get on elsewhere.
    fn find_orphans(
        &mut self,
        shared: &Shared,
        streams: &Streams,
        orphans: &mut Orphans,
    ) -> Result<(), Trouble> {
        let held = self.status.positions();
        let mut elsewhere = self.catalog().twins();
        elsewhere.retain(|twin| !held.contains_key(&twin.source()));
        if elsewhere.is_empty() || self.control.is_paused() {
            self.status.orphans(None);
            return Ok(());
        }
        let group = Group::new(&self.setup.target, &shared.group)?;
        let found = orphans.among(&elsewhere, &group, &self.setup.source)?;
        let reason = found.first().map(|(topic, partition)| {
            format!(
                "{topic}-{partition} has no owner in the group, and {} more; joining anew",
                found.len() - 1
            )
        });
        if let Some(reason) = &reason
            && orphans.should_rejoin()
        {
            tracing::warn!(edge = self.setup.edge.name.as_str(), "{reason}.");
            streams.rejoin();
        }
        self.status.orphans(reason);
        Ok(())
    }

    /// Does something that may fail and will be done again.
    fn attend(&mut self, task: Task, attempt: impl FnOnce(&mut Self) -> Result<(), Trouble>) {
        match attempt(self) {
            Ok(()) => {
                self.silent_since.remove(&task);
                if self.silent_since.is_empty() {
                    self.status.untroubled();
                }
            }
            Err(Trouble::Retry(error)) => {
                self.silent_since.entry(task).or_insert_with(Instant::now);
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
        self.status.ends(&self.setup.source.known_ends(&held)?);
        Ok(())
    }

    /// Commits the positions to `report_group` at the source, for whoever looks at its lag there. It is
    /// for the eyes only: that it fails stops nothing.
    fn report(&self) {
        let Some(group) = &self.reporter else { return };
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
        let speaks = |twin: &Twin| {
            held.get(&(twin.source_topic.clone(), 0))
                .is_some_and(Option::is_some)
        };
        let mut without = self.catalog().without_twin();
        without.retain(speaks);
        self.status.forget_twinless(&without);
        for twin in without {
            let Twin {
                target_topic,
                partition,
                ..
            } = &twin;
            let target = &self.setup.edge.target;
            let reason = format!(
                "no target partition: {target_topic} has no partition {partition} on cluster `{target}`"
            );
            self.status.without_twin(&twin, reason);
        }
    }

    /// Whether everything that was there when the worker started is at the target.
    fn reached(&self, shared: &Shared, goals: &Goals) -> Option<Ending> {
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
            return self.left_out();
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

    /// Everything that can be copied has been; what cannot be is no success.
    fn left_out(&self) -> Option<Ending> {
        let catalog = self.catalog();
        if let Some(twin) = catalog.without_twin().first() {
            let Twin {
                source_topic,
                partition,
                ..
            } = twin;
            return Some(Ending::Halted(format!(
                "no target partition for {source_topic}-{partition}"
            )));
        }
        if let Some((topic, reason)) = catalog.trouble.iter().next() {
            return Some(Ending::Halted(format!("topic {topic}: {reason}")));
        }
        Some(Ending::CaughtUp)
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

/// The last stable offsets that `--once` must reach.
type Goals = BTreeMap<TopicPartition, i64>;

/// What the worker asks the clusters again and again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Task {
    Start,
    Survey,
    Ends,
    Orphans,
}

/// When each thing was last done.
#[derive(Default)]
struct Due([Option<Instant>; 4]);

impl Due {
    fn is_due(&mut self, which: usize, interval: Duration) -> bool {
        let is_due = self.0[which].is_none_or(|at| at.elapsed() > interval);
        if is_due {
            self.0[which] = Some(Instant::now());
        }
        is_due
    }

    fn survey(&mut self, interval: Duration) -> bool {
        self.is_due(0, interval)
    }

    fn ends(&mut self, interval: Duration) -> bool {
        self.is_due(1, interval)
    }

    fn report(&mut self, interval: Duration) -> bool {
        self.is_due(2, interval)
    }

    fn goals(&mut self, interval: Duration) -> bool {
        self.is_due(3, interval)
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
