//! An edge as it is told: its state is worked out from evidence, never remembered.

use std::time::{Duration, Instant};

use serde::Serialize;

use super::{Inner, Partition, Status};
use crate::clock;

/// Evidence older than this proves nothing: without news of the source's log ends, no edge is caught up.
const EVIDENCE_MAX_AGE: Duration = Duration::from_secs(5);

/// What the group said longer ago than this has passed.
const GROUP_TROUBLE_AGE_MAX: Duration = Duration::from_secs(15);

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

impl Status {
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

    /// The gravest thing that is known, with its reason.
    fn state(&self, partitions: &[PartitionSnapshot]) -> (State, Option<String>) {
        let halted = |state: &State| *state == State::Halted;
        if let Some((state, reason)) = self.trouble.as_ref().filter(|(state, _)| halted(state)) {
            return (*state, Some(reason.clone()));
        }
        if self.is_paused {
            return (State::Paused, Some("paused by request".to_owned()));
        }
        let of = |state| partitions.iter().filter(move |p| p.state == state);
        if let Some(first) = of(State::Halted).next() {
            let (count, all) = (of(State::Halted).count(), partitions.len());
            let reason = first.reason.as_deref().unwrap_or_default();
            return (
                State::Halted,
                Some(format!("{count} of {all} partitions: {reason}")),
            );
        }
        let retrying = of(State::Retrying).next().and_then(|p| p.reason.clone());
        if let Some(reason) = self.hindrance(retrying) {
            return (State::Retrying, Some(reason));
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
        if of(State::Running).next().is_some() {
            return (State::Running, None);
        }
        let reason = match (self.has_topics, partitions.is_empty()) {
            (false, _) => "no topic of the source matches",
            (true, true) => "other instances hold all partitions",
            (true, false) => "nothing left to copy",
        };
        (State::CaughtUp, Some(reason.to_owned()))
    }

    /// What keeps the edge from getting on, though it tries.
    fn hindrance(&self, partition: Option<String>) -> Option<String> {
        let whole = self.trouble.as_ref().map(|(_, reason)| reason.clone());
        let stream = || {
            self.waits
                .iter()
                .flatten()
                .next()
                .map(|(_, error)| error.to_string())
        };
        let topic = || {
            self.topic_trouble
                .iter()
                .next()
                .map(|(topic, why)| format!("topic {topic}: {why}"))
        };
        let joins = |since: &Instant| !self.is_ready() && since.elapsed() < GROUP_TROUBLE_AGE_MAX;
        let group = || {
            self.group_trouble
                .as_ref()
                .filter(|(since, _)| joins(since))
                .map(|(_, why)| why.clone())
        };
        whole
            .or_else(stream)
            .or(partition)
            .or_else(topic)
            .or_else(|| self.orphans.clone())
            .or_else(group)
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
