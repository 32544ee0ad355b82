//! An edge as it is told: its state is worked out from evidence, never remembered.

use std::time::{Duration, Instant};

use crossdock_model::edge::Expect;
use serde::Serialize;

use super::{Counts, GroupsSnapshot, Inner, Partition, Status, groups};
use crate::clock;
use crate::stream::{Tally, Twin};

/// Evidence older than this proves nothing: without news of the source's log ends, no edge is caught up.
const EVIDENCE_MAX_AGE: Duration = Duration::from_secs(5);

/// A cluster that is asked every second and silent for longer than this does not answer.
const SILENCE_MAX: Duration = Duration::from_secs(5);

/// A partition that is behind and has not moved for longer than this stands still.
const STILL_MAX: Duration = Duration::from_secs(30);

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
    /// Their keys and values in bytes, by the mean size of what was copied so far.
    pub lag_bytes: u64,
    /// Age of the oldest of them, in seconds: by its timestamp where it has been read, else since it was
    /// seen at the source.
    pub lag_seconds: f64,
    /// For how long the oldest of them has waited since it was seen at the source, in seconds.
    pub wait_seconds: f64,
    /// Records behind the source's last stable offset: of transactions that are open there.
    pub unstable_records: i64,
    /// Seconds since the partition that stands longest got on, or had nothing to copy.
    pub progress_seconds: f64,
    /// Seconds since each cluster was heard of.
    pub last_heard_seconds: Ends<f64>,
    /// Records copied since the start of this process.
    pub records_total: u64,
    /// Their keys and values, in bytes.
    pub bytes_total: u64,
    /// Records not copied since the start of this process, by reason.
    pub dropped_total: Dropped,
    /// Records that the target refused for good, since the start of this process.
    pub refused_total: u64,
    /// Dead letters that were replayed by hand, ever.
    pub replayed_total: u64,
    /// Offsets lost at the source that this process went on behind, since its start.
    pub lost_total: u64,
    /// Source topics that were copied and are deleted by now; their copies stay.
    pub source_gone: Vec<String>,
    /// Headers of the provenance header's name that are none, since the start of this process.
    pub foreign_headers_total: u64,
    /// The partitions held here.
    pub partitions: Vec<PartitionSnapshot>,
    /// How consumer groups follow, where the file names some.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group_sync: Option<GroupsSnapshot>,
    /// Whether all streams have joined their group.
    #[serde(skip)]
    pub is_ready: bool,
    /// What it has done.
    #[serde(skip)]
    pub counts: Counts,
    /// What is expected of it.
    #[serde(skip)]
    pub expect: Expect,
}

/// Something of both ends of an edge.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Ends<T> {
    /// Of the cluster that is read.
    pub source: T,
    /// Of the cluster that is written.
    pub target: T,
}

/// Records not copied, by reason.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Dropped {
    /// They have been at the target before.
    #[serde(rename = "loop")]
    pub loops: u64,
    /// `forward: local`, and they were not produced on the source itself.
    pub replica: u64,
    /// Their key is not in the sample.
    pub sample: u64,
    /// They do not pass the filter.
    pub filter: u64,
    /// The target refused them, and `on_oversize` is `skip`.
    pub refused: u64,
    /// The target refused them: they are in the dead-letter topic.
    pub dead_letter: u64,
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
    /// Where a person has set it to go on, when it began here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub set_by_hand: Option<i64>,
    /// Last stable offset of the source, as last seen.
    pub log_end_offset: Option<i64>,
    /// State of the partition.
    pub state: State,
    /// Why, where it is not running.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Records stable at the source and not yet final at the target.
    pub lag_records: i64,
    /// Age of the oldest of them, as of the edge.
    pub lag_seconds: f64,
    /// Records copied since the start of this process.
    pub records_total: u64,
    /// Their keys and values, in bytes.
    pub bytes_total: u64,
    /// The batches they came in.
    pub batches_total: u64,
}

impl Status {
    /// The edge as it is now.
    pub fn snapshot(&self) -> EdgeSnapshot {
        let inner = self.lock();
        let now = Now {
            at: self.born.elapsed(),
            ms: clock::now_ms(),
            is_limited: self.is_limited,
        };
        let partitions: Vec<_> = inner
            .partitions
            .iter()
            .map(|(place, p)| p.snapshot(&now, inner.tallies.get(place)))
            .collect();
        let [source, target] = &self.pulses;
        let (state, reason) = inner.state(&partitions, self.silent());
        let done = inner.counts.done;
        let lag_records = partitions.iter().map(|p| p.lag_records).sum();
        let longest = |of: &dyn Fn(&Partition) -> Duration| {
            let all = inner.partitions.values().map(of);
            all.max().unwrap_or_default().as_secs_f64()
        };
        EdgeSnapshot {
            name: self.name.clone(),
            source: self.source.clone(),
            target: self.target.clone(),
            state,
            reason,
            lag_records,
            lag_bytes: bytes_of(lag_records, &done),
            lag_seconds: partitions.iter().map(|p| p.lag_seconds).fold(0.0, f64::max),
            wait_seconds: longest(&|p| p.wait(&now)),
            unstable_records: inner.partitions.values().map(Partition::unstable).sum(),
            progress_seconds: longest(&|p| p.progress.elapsed()),
            last_heard_seconds: Ends {
                source: source.silence().as_secs_f64(),
                target: target.silence().as_secs_f64(),
            },
            records_total: done.records,
            bytes_total: done.bytes,
            dropped_total: Dropped {
                loops: done.dropped_loop,
                replica: done.dropped_replica,
                sample: done.dropped_sample,
                filter: done.dropped_filter,
                refused: done.dropped_refused,
                dead_letter: done.dead_letters,
            },
            refused_total: inner.counts.refused,
            replayed_total: inner.replayed,
            source_gone: inner.source_gone.iter().cloned().collect(),
            lost_total: inner.counts.lost_offsets,
            foreign_headers_total: done.foreign_headers,
            partitions,
            group_sync: inner.groups.as_ref().map(groups::Kept::snapshot),
            is_ready: inner.is_ready(),
            counts: inner.counts.clone(),
            expect: self.expect,
        }
    }

    /// A cluster that was not heard of for too long.
    fn silent(&self) -> Option<String> {
        let ends = [&self.source, &self.target].into_iter().zip(&self.pulses);
        let silent = ends
            .map(|(alias, pulse)| (alias, pulse.silence()))
            .find(|(_, silence)| *silence > SILENCE_MAX);
        silent.map(|(alias, silence)| {
            format!("cluster `{alias}`: no answer for {} s", silence.as_secs())
        })
    }
}

/// The time of a snapshot.
struct Now {
    /// Since the edge's birth.
    at: Duration,
    /// Milliseconds since the epoch.
    ms: i64,
    /// With a rate limit, a partition may wait for its turn.
    is_limited: bool,
}

/// Why everything stable has been copied and yet some may be missed.
fn nothing_left(unstable: i64) -> String {
    match unstable {
        0 => "nothing left to copy".to_owned(),
        open => format!(
            "nothing left to copy; {open} records wait for a transaction that is open at the source"
        ),
    }
}

/// Records in bytes, by the mean size of those that were copied.
fn bytes_of(records: i64, done: &Tally) -> u64 {
    let records = u64::try_from(records).unwrap_or(0);
    records.saturating_mul(done.bytes) / done.records.max(1)
}

impl Inner {
    fn is_ready(&self) -> bool {
        self.is_surveyed && (!self.has_topics || self.joined.iter().all(|joined| *joined))
    }

    /// The gravest thing that is known, with its reason.
    fn state(
        &self,
        partitions: &[PartitionSnapshot],
        silent: Option<String>,
    ) -> (State, Option<String>) {
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
        if let Some(reason) = self.hindrance(retrying).or(silent) {
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
        let unstable = self.partitions.values().map(Partition::unstable).sum();
        let mut reason = match (self.has_topics, partitions.is_empty()) {
            (false, _) => "no topic of the source matches".to_owned(),
            (true, true) => "other instances hold all partitions".to_owned(),
            (true, false) => {
                let blocked = self.partitions.values().find_map(Partition::blocked);
                blocked.unwrap_or_else(|| nothing_left(unstable))
            }
        };
        if !self.source_gone.is_empty() {
            let gone: Vec<&str> = self.source_gone.iter().map(String::as_str).collect();
            reason = format!("{reason}; source gone: {}", gone.join(", "));
        }
        (State::CaughtUp, Some(reason))
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
    pub(super) fn lag(&self) -> i64 {
        match (self.end, self.position) {
            (Some(end), Some(position)) => (end - position).max(0),
            _ => 0,
        }
    }

    pub(super) fn unstable(&self) -> i64 {
        match (self.end, self.high) {
            (Some(end), Some(high)) => (high - end).max(0),
            _ => 0,
        }
    }

    /// How long records have been seen waiting.
    fn wait(&self, now: &Now) -> Duration {
        let since = self.waiting.since().filter(|_| self.lag() > 0);
        since.map_or(Duration::ZERO, |since| now.at.saturating_sub(since))
    }

    fn lag_seconds(&self, now: &Now) -> f64 {
        if self.lag() == 0 {
            return 0.0;
        }
        let age = self.pending.map_or(0, |timestamp| now.ms - timestamp);
        let age = Duration::from_millis(u64::try_from(age).unwrap_or(0));
        age.max(self.wait(now)).as_secs_f64()
    }

    /// How long it has stood still, if that is too long.
    fn stands_still(&self, now: &Now) -> Option<Duration> {
        let still = self.progress.elapsed();
        (self.lag() > 0 && still > STILL_MAX && !now.is_limited).then_some(still)
    }

    fn state(&self, now: &Now) -> (State, Option<String>) {
        match (&self.trouble, self.position, self.end) {
            (Some((state, reason)), _, _) => (*state, Some(reason.clone())),
            (None, None, _) => (State::Starting, Some("finding its position".to_owned())),
            (None, Some(position), Some(end)) if position >= end => {
                let nothing = || nothing_left(self.unstable());
                (
                    State::CaughtUp,
                    Some(self.blocked().unwrap_or_else(nothing)),
                )
            }
            (None, Some(position), _) => match self.stands_still(now) {
                None => (State::Running, None),
                Some(still) => {
                    let Twin {
                        source_topic,
                        partition,
                        ..
                    } = &self.twin;
                    let reason = format!(
                        "{source_topic}-{partition} has stood at offset {position} for {} s",
                        still.as_secs()
                    );
                    (State::Retrying, Some(reason))
                }
            },
        }
    }

    fn snapshot(&self, now: &Now, done: Option<&Tally>) -> PartitionSnapshot {
        let (state, reason) = self.state(now);
        let done = done.copied().unwrap_or_default();
        PartitionSnapshot {
            topic: self.twin.source_topic.to_string(),
            partition: self.twin.partition,
            target_topic: self.twin.target_topic.to_string(),
            position: self.position,
            set_by_hand: self.by_hand,
            log_end_offset: self.end,
            state,
            reason,
            lag_records: self.lag(),
            lag_seconds: self.lag_seconds(now),
            records_total: done.records,
            bytes_total: done.bytes,
            batches_total: done.batches,
        }
    }
}
