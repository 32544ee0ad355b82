//! The seam: what a stream needs of whatever copies records for it.
//!
//! The stream decides when to open, copy, commit, abort and rewind. An engine knows how records get
//! from a source partition into a target partition: one by one, or in whole batches.

use std::sync::Arc;
use std::time::Duration;

use crossdock_model::latency::Ages;
use crossdock_model::note::Epoch;

use super::seams::Fate;
use crate::kafka::{CommitError, Error, Position, Refused, TopicPartition};

/// A source partition and the target partition it is copied into: the same number on both sides.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Twin {
    /// Topic that is read.
    pub source_topic: Arc<str>,
    /// Topic that is written.
    pub target_topic: Arc<str>,
    /// Partition of both.
    pub partition: i32,
}

impl Twin {
    /// The target partition: progress is kept under it.
    pub fn target(&self) -> TopicPartition {
        (self.target_topic.clone(), self.partition)
    }

    /// The source partition.
    pub fn source(&self) -> TopicPartition {
        (self.source_topic.clone(), self.partition)
    }
}

/// What was done with the records of one partition.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Records handed to the target.
    pub records: u64,
    /// Their keys and values, in bytes.
    pub bytes: u64,
    /// Batches they came in: what was taken from the source in one go.
    pub batches: u64,
    /// Records not copied because they have been at the target before.
    pub dropped_loop: u64,
    /// Records not copied because they were not produced on the source itself (`forward: local`).
    pub dropped_replica: u64,
    /// Records not copied because their key is not in the edge's sample.
    pub dropped_sample: u64,
    /// Records not copied because they do not pass the edge's filter.
    pub dropped_filter: u64,
    /// Records not copied because the target refused them and `on_oversize` is `skip`.
    pub dropped_refused: u64,
    /// Records that are in the dead-letter topic, because the target refused them.
    pub dead_letters: u64,
    /// Headers of the provenance header's name that are none; carried along.
    pub foreign_headers: u64,
    /// Records whose timestamp 0 the target replaces by its own (librdkafka takes 0 for "now").
    pub zero_timestamps: u64,
}

impl Tally {
    /// Adds what was done later.
    pub fn add(&mut self, later: &Self) {
        self.records += later.records;
        self.bytes += later.bytes;
        self.batches += later.batches;
        self.dropped_loop += later.dropped_loop;
        self.dropped_replica += later.dropped_replica;
        self.dropped_sample += later.dropped_sample;
        self.dropped_filter += later.dropped_filter;
        self.dropped_refused += later.dropped_refused;
        self.dead_letters += later.dead_letters;
        self.foreign_headers += later.foreign_headers;
        self.zero_timestamps += later.zero_timestamps;
    }

    /// Records read: copied or not.
    pub fn read(&self) -> u64 {
        self.records
            + self.dropped_loop
            + self.dropped_replica
            + self.dropped_sample
            + self.dropped_filter
            + self.dropped_refused
            + self.dead_letters
    }
}

/// What is known of a position that is read from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// The last record that was read before it: a source whose log was cut before there is told.
    pub epoch: Option<Epoch>,
    /// Id of the source topic, where its offsets have gone back: records say so.
    pub incarnation: Option<String>,
    /// The target's log ends there at least.
    pub target_end: Option<i64>,
}

/// One step of a partition, told by an engine. `slot` is the number it was opened under.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Everything before `next` has been dealt with: handed to the target or dropped.
    Moved {
        /// Which partition.
        slot: usize,
        /// Position: the next offset to read.
        next: i64,
        /// What was done.
        tally: Tally,
        /// Timestamps of the records handed to the target.
        ages: Ages,
        /// The last record's, where the source tells.
        epoch: Option<Epoch>,
    },
    /// The last stable offset has been reached: `position` stands behind transaction markers too.
    End {
        /// Which partition.
        slot: usize,
        /// Position: the next offset to read.
        position: i64,
    },
    /// The position is outside of the source's log.
    OutOfRange {
        /// Which partition.
        slot: usize,
        /// Where the log was cut, though what lay behind was read before.
        cut: Option<i64>,
    },
    /// Its topic was deleted and created again: nothing of the new one has been copied.
    Recreated {
        /// Which partition.
        slot: usize,
    },
    /// The partition cannot be read now.
    Failed {
        /// Which partition.
        slot: usize,
        /// Why.
        error: Error,
    },
}

/// What is asked before a commit is final.
pub type Check<'a> = &'a dyn Fn() -> Result<(), CommitError>;

/// Copies records between two commits.
///
/// What is copied belongs to one open transaction; what an engine without transactions copies becomes
/// visible at once, and its commit alone says how far it got.
pub trait Engine {
    /// What proves the right to commit.
    type Lease;

    /// Copies a twin from a source position on. A twin that is open starts again there: what was read
    /// of it meanwhile is dropped.
    ///
    /// # Errors
    /// The source refuses.
    fn open(
        &mut self,
        slot: usize,
        twin: &Twin,
        position: i64,
        origin: &Origin,
    ) -> Result<(), Error>;

    /// Copies a twin no further.
    fn close(&mut self, twin: &Twin);

    /// Copies what has arrived, waiting at most `wait` for the first of it, and tells the steps.
    ///
    /// # Errors
    /// The target takes no more: see [`CommitError`].
    fn copy(&mut self, wait: Duration, steps: &mut Vec<Step>) -> Result<(), CommitError>;

    /// Goes on without a record that the target refused for good, where the edge's policy is to do so.
    /// What was copied since the last commit has been undone; the record is met again.
    fn set_aside(&mut self, twin: &Twin, refused: &Refused) -> Fate;

    /// Makes everything copied so far final, together with the positions, under a lease, unless `check` has
    /// something against it: it is asked once all is acknowledged, and before anything is final.
    ///
    /// # Errors
    /// See [`CommitError`]: it says what must happen next.
    fn commit(
        &mut self,
        lease: &Self::Lease,
        positions: &[Position],
        check: Check<'_>,
    ) -> Result<(), CommitError>;

    /// Undoes everything copied since the last commit.
    ///
    /// # Errors
    /// Its outcome is unknown: renew.
    fn abort(&mut self) -> Result<(), Error>;

    /// Takes a new epoch at the target: whatever was open is undone, whoever held an older one is
    /// fenced. Must have happened once before anything is copied.
    ///
    /// # Errors
    /// The target does not answer or refuses.
    fn renew(&mut self) -> Result<(), Error>;
}
