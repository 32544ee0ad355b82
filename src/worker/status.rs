//! What an edge's worker tells of itself: written by its streams, read by HTTP, metrics and `--once`.

mod counts;
mod elsewhere;
mod groups;
mod report;
mod snapshot;
mod state;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crossdock_model::edge::Expect;
use crossdock_model::waiting::Waiting;

use super::Setup;
use crate::kafka::{Error, Pulse, TopicPartition};
use crate::stream::{Tally, Twin};
pub use counts::{Counts, KINDS};
pub use elsewhere::Elsewhere;
pub use groups::GroupsSnapshot;
pub use report::StreamReport;
pub use snapshot::{Dropped, EdgeSnapshot, Ends, PartitionSnapshot, State};

#[derive(Clone, Debug)]
struct Partition {
    twin: Twin,
    position: Option<i64>,
    end: Option<i64>,
    /// The high watermark.
    high: Option<i64>,
    /// Timestamp of the first record that was handed to the target and is not final.
    pending: Option<i64>,
    waiting: Waiting,
    /// When it last got on, or had nothing to copy.
    progress: Instant,
    /// A transaction that is open at the source, while records wait behind it.
    open: Option<Open>,
    is_twinless: bool,
    /// Where a person has set it to go on, when it began here.
    by_hand: Option<i64>,
    trouble: Option<(State, String)>,
}

/// A transaction that has not ended at the source.
#[derive(Clone, Debug)]
struct Open {
    /// Its first record: the last stable offset.
    at: i64,
    seen: Instant,
    /// When that record was written, in milliseconds since the epoch, once it was looked at.
    since_ms: Option<i64>,
}

/// A transaction that was open for so long is looked at.
const OPEN_MIN: Duration = Duration::from_secs(5);

#[derive(Debug, Default)]
struct Inner {
    trouble: Option<(State, String)>,
    is_paused: bool,
    has_topics: bool,
    topic_trouble: BTreeMap<String, String>,
    source_gone: BTreeSet<String>,
    is_surveyed: bool,
    /// At the source, whoever holds them.
    partitions_of_edge: BTreeSet<TopicPartition>,
    elsewhere: Elsewhere,
    orphans: Option<String>,
    /// Source partitions that are new, and of which it is not known that anybody has begun them.
    newcomers: BTreeSet<TopicPartition>,
    group_trouble: Option<(Instant, String)>,
    joined: Vec<bool>,
    waits: Vec<Option<(Instant, Error)>>,
    ends_seen: Option<Instant>,
    partitions: BTreeMap<TopicPartition, Partition>,
    counts: Counts,
    /// Dead letters that were replayed, ever, as the group knows it.
    replayed: u64,
    /// What was done by partition, also of those that are elsewhere now.
    tallies: BTreeMap<TopicPartition, Tally>,
    /// The groups, where the file names some.
    groups: Option<groups::Kept>,
}

/// The status of one edge, shared by all who write and read it.
#[derive(Debug)]
pub struct Status {
    name: String,
    source: String,
    target: String,
    expect: Expect,
    is_limited: bool,
    born: Instant,
    /// The source's and the target's.
    pulses: [Arc<Pulse>; 2],
    inner: Mutex<Inner>,
}

impl Status {
    /// An edge that starts.
    pub fn new(setup: &Setup) -> Self {
        let edge = &setup.edge;
        let inner = Inner {
            joined: vec![false; edge.streams],
            waits: vec![None; edge.streams],
            groups: edge.sync.groups.as_ref().map(|_| groups::Kept::default()),
            ..Inner::default()
        };
        Self {
            name: edge.name.to_string(),
            source: edge.source.to_string(),
            target: edge.target.to_string(),
            expect: edge.expect,
            is_limited: edge.limit.is_some(),
            born: Instant::now(),
            pulses: [setup.source.pulse(), setup.target.pulse()],
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
        let mut inner = self.lock();
        inner.is_paused = is_paused;
        let now = Instant::now();
        inner.partitions.values_mut().for_each(|p| p.progress = now);
    }

    /// Counts something.
    pub fn count(&self, what: impl FnOnce(&mut Counts)) {
        what(&mut self.lock().counts);
    }

    /// So many dead letters of the edge have been replayed by hand, ever.
    pub fn replayed(&self, total: u64) {
        let mut inner = self.lock();
        if total > inner.replayed {
            tracing::info!(
                edge = self.name,
                "{total} dead letters have been replayed by hand so far."
            );
            inner.replayed = total;
        }
    }

    /// The topics of both clusters have been looked at; `has_topics`: there is something to copy, in these
    /// source partitions.
    pub fn surveyed(&self, has_topics: bool, partitions: BTreeSet<TopicPartition>) {
        let mut inner = self.lock();
        inner.is_surveyed = true;
        inner.has_topics = has_topics;
        inner.partitions_of_edge = partitions;
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

    /// Source topics that were copied and are deleted by now. What of them was not copied yet is lost.
    pub fn source_gone(&self, topics: &BTreeSet<String>) {
        let mut inner = self.lock();
        for topic in topics.difference(&inner.source_gone.clone()) {
            let (edge, source, target) = (&self.name, &self.source, &self.target);
            tracing::warn!(
                edge,
                topic,
                "Source gone: topic {topic} was deleted on cluster `{source}`; its copy on `{target}` stays."
            );
            let Inner {
                partitions, counts, ..
            } = &mut *inner;
            for ((name, number), partition) in partitions.iter() {
                if **name == **topic && partition.lag() > 0 {
                    let (from, to) = (partition.position.unwrap_or(0), partition.end.unwrap_or(0));
                    tracing::error!(
                        edge,
                        topic,
                        partition = number,
                        "Offsets [{from}, {to}) are lost: the topic was deleted before they were copied."
                    );
                    counts.lost_offsets += u64::try_from(to - from).unwrap_or(0);
                    counts.lost_ranges += 1;
                }
            }
        }
        inner.source_gone.clone_from(topics);
    }

    /// Why a stream has not got on for so long, if one has not.
    pub fn stuck_for(&self, long: Duration) -> Option<Error> {
        let inner = self.lock();
        let (since, error) = inner
            .waits
            .iter()
            .flatten()
            .min_by_key(|(since, _)| *since)?;
        (since.elapsed() > long).then(|| error.clone())
    }

    /// What the group said last; it counts as long as it is fresh.
    pub fn group_trouble(&self, error: &Error) {
        tracing::debug!(edge = self.name, "{error}.");
        self.lock().group_trouble = Some((Instant::now(), error.to_string()));
    }

    /// These partitions are new: the edge has not caught up before somebody has begun them. Of those that were,
    /// the ones that are not among `all` any more are forgotten.
    pub fn newcomers(&self, new: BTreeSet<TopicPartition>, all: &BTreeSet<TopicPartition>) {
        let mut inner = self.lock();
        let held = |place: &TopicPartition| inner.partitions.contains_key(place);
        let new: Vec<_> = new.into_iter().filter(|place| !held(place)).collect();
        inner.newcomers.extend(new);
        inner.newcomers.retain(|place| all.contains(place));
    }

    /// Somebody has begun the new partitions that this says so of.
    pub fn begun(&self, is_begun: impl Fn(&TopicPartition) -> bool) {
        self.lock().newcomers.retain(|place| !is_begun(place));
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
                partition.looked(self.born.elapsed());
            }
        }
    }

    /// The source's high watermarks.
    pub fn highs(&self, highs: &BTreeMap<TopicPartition, i64>) {
        let mut inner = self.lock();
        for (place, high) in highs {
            if let Some(partition) = inner.partitions.get_mut(place) {
                partition.high = Some(*high);
                partition.note_open();
            }
        }
    }

    /// Source partitions whose records have waited behind an open transaction for a while, nobody knows since
    /// when, with its first offset and the high watermark.
    pub fn open_unknown(&self) -> Vec<(TopicPartition, (i64, i64))> {
        let inner = self.lock();
        let unknown = inner.partitions.iter().filter_map(|(place, partition)| {
            let open = partition.open.as_ref()?;
            let is_unknown = open.since_ms.is_none() && open.seen.elapsed() >= OPEN_MIN;
            is_unknown.then(|| (place.clone(), (open.at, partition.high.unwrap_or(open.at))))
        });
        unknown.collect()
    }

    /// When the first record of an open transaction was written.
    pub fn open_since(&self, place: &TopicPartition, at: i64, since_ms: i64) {
        let mut inner = self.lock();
        let Some(partition) = inner.partitions.get_mut(place) else {
            return;
        };
        if let Some(open) = partition.open.as_mut().filter(|open| open.at == at) {
            open.since_ms = Some(since_ms);
            if let Some(reason) = partition.blocked() {
                tracing::warn!(edge = self.name, "{reason}.");
            }
        }
    }

    /// A partition that no stream can hold.
    pub fn without_twin(&self, twin: &Twin, reason: String) {
        let trouble = Some((State::Halted, reason));
        let partition = Partition {
            is_twinless: true,
            trouble,
            ..Partition::new(twin)
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
        change(
            self.lock()
                .partitions
                .entry(twin.source())
                .or_insert_with(|| Partition::new(twin)),
        );
    }
}

impl Partition {
    fn new(twin: &Twin) -> Self {
        Self {
            twin: twin.clone(),
            position: None,
            end: None,
            high: None,
            pending: None,
            waiting: Waiting::default(),
            progress: Instant::now(),
            open: None,
            is_twinless: false,
            by_hand: None,
            trouble: None,
        }
    }

    /// The last stable offset stands before the high watermark: a transaction is open there.
    fn note_open(&mut self) {
        match (self.end, self.high) {
            (Some(end), Some(high)) if high > end => {
                if self.open.as_ref().is_none_or(|open| open.at != end) {
                    self.open = Some(Open {
                        at: end,
                        seen: Instant::now(),
                        since_ms: None,
                    });
                }
            }
            _ => self.open = None,
        }
    }

    /// Behind what records of the source wait, once that is known.
    fn blocked(&self) -> Option<String> {
        let open = self.open.as_ref()?;
        let since = jiff::Timestamp::from_millisecond(open.since_ms?).ok()?;
        let Twin {
            source_topic,
            partition,
            ..
        } = &self.twin;
        Some(format!(
            "{} records of {source_topic}-{partition} wait for a transaction that is open at the source from offset {} on, since {since}; \
             its producer is told by `kafka-transactions.sh --bootstrap-server … describe-producers --topic {source_topic} --partition {partition}`",
            self.unstable(),
            open.at
        ))
    }

    /// The end or the position is news; `at` is the time since the edge's birth.
    fn looked(&mut self, at: Duration) {
        let Some(end) = self.end else { return };
        self.waiting.saw(end, at);
        let Some(position) = self.position else {
            return;
        };
        self.waiting.passed(position);
        if position >= end {
            self.progress = Instant::now();
            self.pending = None;
        }
    }
}
