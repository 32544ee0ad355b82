//! An edge as it is told: its state is worked out from evidence, never remembered.

use std::time::Duration;

use crossdock_model::edge::Expect;
use serde::Serialize;

use super::{Counts, GroupsSnapshot, Partition, Status, groups};
use crate::clock;
use crate::stream::Tally;

/// A cluster that is asked every second and silent for longer than this does not answer.
const SILENCE_MAX: Duration = Duration::from_secs(5);

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
    /// Their keys and values in bytes, the sum of the partitions'.
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
    /// How much of the edge is held here, by partitions.
    #[serde(skip)]
    pub share: f64,
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
    /// Their keys and values in bytes, by the mean size of what was copied of the partition, else of the
    /// edge.
    pub lag_bytes: u64,
    /// Age of the oldest of them, as of the edge.
    pub lag_seconds: f64,
    /// Seconds since it got on, or had nothing to copy.
    pub progress_seconds: f64,
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
        let done = inner.counts.done;
        let partitions: Vec<_> = inner
            .partitions
            .iter()
            .map(|(place, p)| p.snapshot(&now, inner.tallies.get(place), &done))
            .collect();
        let [source, target] = &self.pulses;
        let (state, reason) = inner.state(&partitions, self.silent());
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
            lag_bytes: partitions.iter().map(|p| p.lag_bytes).sum(),
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
            share: inner.share(),
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
pub(super) struct Now {
    /// Since the edge's birth.
    pub(super) at: Duration,
    /// Milliseconds since the epoch.
    pub(super) ms: i64,
    /// With a rate limit, a partition may wait for its turn.
    pub(super) is_limited: bool,
}

/// Records in bytes, by the mean size of those that were copied.
pub(super) fn bytes_of(records: i64, done: &Tally) -> u64 {
    let records = u64::try_from(records).unwrap_or(0);
    records.saturating_mul(done.bytes) / done.records.max(1)
}
