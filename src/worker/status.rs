//! What an edge's worker tells of itself: written by its streams, read by HTTP, metrics and `--once`.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crossdock_model::edge::Edge;
use serde::Serialize;

use crate::clock;
use crate::kafka::{Error, ErrorKind, TopicPartition};
use crate::stream::{Report, Tally, Twin};

/// Evidence older than this proves nothing: without news of the source's log ends, no edge is caught up.
const EVIDENCE_MAX_AGE: Duration = Duration::from_secs(5);

/// What the group said longer ago than this has passed.
const GROUP_TROUBLE_AGE_MAX: Duration = Duration::from_secs(15);

/// A stream whose lease is stale for longer than this has a trouble to tell.
const STALE_MAX: Duration = Duration::from_secs(3);

/// State of an edge or a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Connecting, or joining its group.
    Starting,
    /// Copies, and is behind.
    Running,
    /// Everything that is stable at the source is final at the target.
    CaughtUp,
    /// Stands because somebody said so.
    Paused,
    /// Does not get on, and tries again by itself.
    Retrying,
    /// Stands until a person decides.
    Halted,
}

impl State {
    /// The state as the API writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Running => "running",
            Self::CaughtUp => "caught_up",
            Self::Paused => "paused",
            Self::Retrying => "retrying",
            Self::Halted => "halted",
        }
    }
}

/// One edge as `/api/v1/status` tells it.
#[derive(Clone, Debug, Serialize)]
pub struct EdgeSnapshot {
    /// Name of the edge.
    pub name: String,
    /// Alias of the cluster that is read.
    pub source: String,
    /// Alias of the cluster that is written.
    pub target: String,
    /// State of the edge.
    pub state: State,
    /// Why, where it is not running.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Records stable at the source and not yet final at the target, over the partitions held here.
    pub lag_records: i64,
    /// Age of the oldest of them, in seconds.
    pub lag_seconds: f64,
    /// Records copied since the start of this process.
    pub records_total: u64,
    /// Their keys and values, in bytes.
    pub bytes_total: u64,
    /// Records not copied since the start of this process, by reason.
    pub dropped_total: Dropped,
    /// Offsets lost at the source that this process went on behind, since its start.
    pub lost_total: u64,
    /// Headers of the provenance header's name that are none, since the start of this process.
    pub foreign_headers_total: u64,
    /// The partitions held here.
    pub partitions: Vec<PartitionSnapshot>,
    /// Whether all streams have joined their group.
    #[serde(skip)]
    pub is_ready: bool,
}

/// Records not copied, by reason.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Dropped {
    /// They have been at the target before.
    #[serde(rename = "loop")]
    pub loops: u64,
    /// `forward: local`, and they were not produced on the source itself.
    pub replica: u64,
}

/// One partition as `/api/v1/status` tells it.
#[derive(Clone, Debug, Serialize)]
pub struct PartitionSnapshot {
    /// Source topic.
    pub topic: String,
    /// Partition.
    pub partition: i32,
    /// Target topic.
    pub target_topic: String,
    /// Next source offset to copy: everything before it is final at the target.
    pub position: Option<i64>,
    /// Last stable offset of the source, as last seen.
    pub log_end_offset: Option<i64>,
    /// State of the partition.
    pub state: State,
    /// Why, where it is not running.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

#[derive(Clone, Debug)]
struct Partition {
    twin: Twin,
    position: Option<i64>,
    end: Option<i64>,
    last_timestamp: i64,
    is_twinless: bool,
    trouble: Option<(State, String)>,
}

#[derive(Debug, Default)]
struct Inner {
    trouble: Option<(State, String)>,
    is_paused: bool,
    has_topics: bool,
    topic_trouble: BTreeMap<String, String>,
    is_surveyed: bool,
    orphans: Option<String>,
    group_trouble: Option<(Instant, String)>,
    joined: Vec<bool>,
    waits: Vec<Option<(Instant, String)>>,
    ends_seen: Option<Instant>,
    partitions: BTreeMap<TopicPartition, Partition>,
    totals: Tally,
    lost: u64,
}

/// The status of one edge, shared by all who write and read it.
#[derive(Debug)]
pub struct Status {
    name: String,
    source: String,
    target: String,
    inner: Mutex<Inner>,
}

impl Status {
    /// An edge that starts.
    pub fn new(edge: &Edge) -> Self {
        let inner = Inner {
            joined: vec![false; edge.streams],
            waits: vec![None; edge.streams],
            ..Inner::default()
        };
        Self {
            name: edge.name.to_string(),
            source: edge.source.to_string(),
            target: edge.target.to_string(),
            inner: Mutex::new(inner),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The edge as a whole does not get on; a halt stays.
    pub fn trouble(&self, state: State, reason: impl Into<String>) {
        let mut inner = self.lock();
        if !matches!(inner.trouble, Some((State::Halted, _))) {
            inner.trouble = Some((state, reason.into()));
        }
    }

    /// The edge as a whole gets on again.
    pub fn untroubled(&self) {
        let mut inner = self.lock();
        inner.trouble.take_if(|(state, _)| *state != State::Halted);
    }

    /// Whether somebody must decide before anything goes on.
    pub fn is_halted(&self) -> bool {
        matches!(self.lock().trouble, Some((State::Halted, _)))
    }

    /// Somebody said that it stands, or goes on.
    pub fn paused(&self, is_paused: bool) {
        self.lock().is_paused = is_paused;
    }

    /// The topics of both clusters have been looked at; `has_topics`: there is something to copy.
    pub fn surveyed(&self, has_topics: bool) {
        let mut inner = self.lock();
        inner.is_surveyed = true;
        inner.has_topics = has_topics;
    }

    /// Source topics that cannot be copied now, and why.
    pub fn topic_trouble(&self, trouble: &BTreeMap<String, String>) {
        let mut inner = self.lock();
        for (topic, reason) in trouble {
            if inner.topic_trouble.get(topic) != Some(reason) {
                tracing::warn!(edge = self.name, topic, "{reason}.");
            }
        }
        inner.topic_trouble.clone_from(trouble);
    }

    /// Why a stream has not got on for so long, if one has not.
    pub fn stuck_for(&self, long: Duration) -> Option<String> {
        let inner = self.lock();
        let (since, reason) = inner
            .waits
            .iter()
            .flatten()
            .min_by_key(|(since, _)| *since)?;
        (since.elapsed() > long).then(|| reason.clone())
    }

    /// What the group said last; it counts as long as it is fresh.
    pub fn group_trouble(&self, error: &Error) {
        tracing::debug!(edge = self.name, "{error}.");
        self.lock().group_trouble = Some((Instant::now(), error.to_string()));
    }

    /// What no instance holds, if there is anything.
    pub fn orphans(&self, reason: Option<String>) {
        self.lock().orphans = reason;
    }

    /// A stream has joined its group, or lost it.
    pub fn joined(&self, stream: usize, has_joined: bool) {
        if let Some(joined) = self.lock().joined.get_mut(stream) {
            *joined = has_joined;
        }
    }

    /// The source's last stable offsets.
    pub fn ends(&self, ends: &BTreeMap<TopicPartition, i64>) {
        let mut inner = self.lock();
        inner.ends_seen = Some(Instant::now());
        for (place, end) in ends {
            if let Some(partition) = inner.partitions.get_mut(place) {
                partition.end = Some(*end);
            }
        }
    }

    /// A partition that no stream can hold.
    pub fn without_twin(&self, twin: &Twin, reason: String) {
        let partition = Partition {
            twin: twin.clone(),
            position: None,
            end: None,
            last_timestamp: 0,
            is_twinless: true,
            trouble: Some((State::Halted, reason)),
        };
        self.lock().partitions.insert(twin.source(), partition);
    }

    /// Takes the notes back of partitions that are not among those without twin any more.
    pub fn forget_twinless(&self, but: &[Twin]) {
        self.lock()
            .partitions
            .retain(|_, p| !p.is_twinless || but.contains(&p.twin));
    }

    /// The source partitions held here, with their positions.
    pub fn positions(&self) -> BTreeMap<TopicPartition, Option<i64>> {
        self.lock()
            .partitions
            .iter()
            .map(|(place, p)| (place.clone(), p.position))
            .collect()
    }

    /// Whether a source partition is held here and stands until a person decides.
    pub fn partition_halt(&self, source: &TopicPartition) -> Option<String> {
        match &self.lock().partitions.get(source)?.trouble {
            Some((State::Halted, reason)) => Some(reason.clone()),
            _ => None,
        }
    }

    fn with(&self, twin: &Twin, change: impl FnOnce(&mut Partition)) {
        let mut inner = self.lock();
        let partition = inner
            .partitions
            .entry(twin.source())
            .or_insert_with(|| Partition {
                twin: twin.clone(),
                position: None,
                end: None,
                last_timestamp: 0,
                is_twinless: false,
                trouble: None,
            });
        change(partition);
    }

    /// The edge as it is now.
    pub fn snapshot(&self) -> EdgeSnapshot {
        let inner = self.lock();
        let partitions: Vec<_> = inner.partitions.values().map(Partition::snapshot).collect();
        let (state, reason) = inner.state(&partitions);
        EdgeSnapshot {
            name: self.name.clone(),
            source: self.source.clone(),
            target: self.target.clone(),
            state,
            reason,
            lag_records: inner.partitions.values().map(Partition::lag).sum(),
            lag_seconds: inner
                .partitions
                .values()
                .map(Partition::lag_seconds)
                .fold(0.0, f64::max),
            records_total: inner.totals.records,
            bytes_total: inner.totals.bytes,
            dropped_total: Dropped {
                loops: inner.totals.dropped_loop,
                replica: inner.totals.dropped_replica,
            },
            lost_total: inner.lost,
            foreign_headers_total: inner.totals.foreign_headers,
            partitions,
            is_ready: inner.is_ready(),
        }
    }
}

impl Inner {
    fn is_ready(&self) -> bool {
        self.is_surveyed && (!self.has_topics || self.joined.iter().all(|joined| *joined))
    }

    fn state(&self, partitions: &[PartitionSnapshot]) -> (State, Option<String>) {
        let of = |state| partitions.iter().filter(move |p| p.state == state);
        if let Some((State::Halted, reason)) = &self.trouble {
            return (State::Halted, Some(reason.clone()));
        }
        if self.is_paused {
            return (State::Paused, Some("paused by request".to_owned()));
        }
        if let Some(first) = of(State::Halted).next() {
            let count = of(State::Halted).count();
            let reason = first.reason.clone().unwrap_or_default();
            return (
                State::Halted,
                Some(format!(
                    "{count} of {} partitions: {reason}",
                    partitions.len()
                )),
            );
        }
        if let Some((state, reason)) = &self.trouble {
            return (*state, Some(reason.clone()));
        }
        if let Some((_, reason)) = self.waits.iter().flatten().next() {
            return (State::Retrying, Some(reason.clone()));
        }
        if let Some(first) = of(State::Retrying).next() {
            return (State::Retrying, first.reason.clone());
        }
        if let Some((topic, reason)) = self.topic_trouble.iter().next() {
            return (State::Retrying, Some(format!("topic {topic}: {reason}")));
        }
        if let Some(reason) = &self.orphans {
            return (State::Retrying, Some(reason.clone()));
        }
        if let Some((since, reason)) = &self.group_trouble
            && !self.is_ready()
            && since.elapsed() < GROUP_TROUBLE_AGE_MAX
        {
            return (State::Retrying, Some(reason.clone()));
        }
        if !self.is_ready() || of(State::Starting).next().is_some() {
            return (State::Starting, Some("joining its group".to_owned()));
        }
        if self.has_topics
            && self
                .ends_seen
                .is_none_or(|seen| seen.elapsed() > EVIDENCE_MAX_AGE)
        {
            return (
                State::Retrying,
                Some("the source does not tell its log ends".to_owned()),
            );
        }
        match of(State::Running).next() {
            Some(_) => (State::Running, None),
            None if !self.has_topics => (
                State::CaughtUp,
                Some("no topic of the source matches".to_owned()),
            ),
            None if partitions.is_empty() => (
                State::CaughtUp,
                Some("other instances hold all partitions".to_owned()),
            ),
            None => (State::CaughtUp, Some("nothing left to copy".to_owned())),
        }
    }
}

impl Partition {
    fn lag(&self) -> i64 {
        match (self.end, self.position) {
            (Some(end), Some(position)) => (end - position).max(0),
            _ => 0,
        }
    }

    fn lag_seconds(&self) -> f64 {
        if self.lag() == 0 || self.last_timestamp <= 0 {
            return 0.0;
        }
        let age = clock::now_ms() - self.last_timestamp;
        Duration::from_millis(u64::try_from(age).unwrap_or(0)).as_secs_f64()
    }

    fn snapshot(&self) -> PartitionSnapshot {
        let (state, reason) = match (&self.trouble, self.position, self.end) {
            (Some((state, reason)), _, _) => (*state, Some(reason.clone())),
            (None, None, _) => (State::Starting, Some("finding its position".to_owned())),
            (None, Some(position), Some(end)) if position >= end => {
                (State::CaughtUp, Some("nothing left to copy".to_owned()))
            }
            (None, Some(_), _) => (State::Running, None),
        };
        PartitionSnapshot {
            topic: self.twin.source_topic.to_string(),
            partition: self.twin.partition,
            target_topic: self.twin.target_topic.to_string(),
            position: self.position,
            log_end_offset: self.end,
            state,
            reason,
        }
    }
}

/// What one stream tells.
#[derive(Clone)]
pub struct StreamReport {
    /// Where it is told.
    pub status: Arc<Status>,
    /// Number of the stream within its edge.
    pub stream: usize,
}

impl Report for StreamReport {
    fn committed(&self, twin: &Twin, position: i64, tally: &Tally) {
        self.status.lock().totals.add(tally);
        self.status.with(twin, |partition| {
            partition.position = Some(position);
            if tally.last_timestamp > 0 {
                partition.last_timestamp = tally.last_timestamp;
            }
        });
    }

    fn end_seen(&self, twin: &Twin, end: i64) {
        self.status.with(twin, |partition| {
            partition.end = Some(partition.end.unwrap_or(end).max(end))
        });
    }

    fn came(&self, twin: &Twin) {
        self.status
            .with(twin, |partition| partition.position = None);
    }

    fn lost(&self, twin: &Twin, from: i64, to: i64) {
        tracing::error!(
            edge = self.status.name,
            topic = &*twin.source_topic,
            partition = twin.partition,
            "Offsets [{from}, {to}) are lost."
        );
        self.status.lock().lost += u64::try_from(to - from).unwrap_or(0);
    }

    fn going(&self, twin: &Twin) {
        self.status.with(twin, |partition| partition.trouble = None);
    }

    fn retrying(&self, twin: &Twin, reason: &str) {
        tracing::warn!(edge = self.status.name, "{reason}.");
        self.status.with(twin, |partition| {
            partition.trouble = Some((State::Retrying, reason.to_owned()))
        });
    }

    fn halted(&self, twin: &Twin, reason: &str) {
        tracing::error!(
            edge = self.status.name,
            topic = &*twin.source_topic,
            partition = twin.partition,
            "{reason}."
        );
        self.status.with(twin, |partition| {
            partition.trouble = Some((State::Halted, reason.to_owned()))
        });
    }

    fn gone(&self, twin: &Twin) {
        self.status.lock().partitions.remove(&twin.source());
    }

    fn waits(&self, why: Option<(&Error, Duration)>) {
        let mut inner = self.status.lock();
        let Some(waits) = inner.waits.get_mut(self.stream) else {
            return;
        };
        match why {
            None => *waits = None,
            // A rebalance in between is the group's everyday life.
            Some((error, backoff)) if error.kind == ErrorKind::Stale && backoff < STALE_MAX => {
                tracing::debug!(
                    edge = self.status.name,
                    stream = self.stream,
                    "{error}; next try in {backoff:?}."
                );
            }
            Some((error, backoff)) => {
                tracing::warn!(
                    edge = self.status.name,
                    stream = self.stream,
                    "{error}; next try in {backoff:?}."
                );
                let since = waits
                    .as_ref()
                    .map_or_else(Instant::now, |(since, _)| *since);
                *waits = Some((since, error.to_string()));
            }
        }
    }
}
