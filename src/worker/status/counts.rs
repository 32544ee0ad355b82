//! What an edge has done since the start of this process.

use crossdock_model::latency::Histogram;

use crate::kafka::ErrorKind;
use crate::stream::Tally;

/// Everything that only grows.
#[derive(Clone, Debug, Default)]
pub struct Counts {
    /// What was done with records; final at the target.
    pub done: Tally,
    /// From a record's timestamp to its commit at the target.
    pub latency: Histogram,
    /// Records that the target refused for good.
    pub refused: u64,
    /// Of these, those that the edge has gone on without, final or not.
    pub set_aside: u64,
    /// Source offsets that were lost.
    pub lost_offsets: u64,
    /// In so many ranges.
    pub lost_ranges: u64,
    /// Transactions that were committed; at least once: commits of positions.
    pub committed: u64,
    /// Transactions that were undone.
    pub aborted: u64,
    /// Things that failed and were tried again.
    pub retries: u64,
    /// The errors they failed with, in the order of [`KINDS`].
    pub errors: [u64; KINDS.len()],
    /// Times that the group gave or took partitions.
    pub rebalances: u64,
    /// Streams that were started again.
    pub restarts: u64,
}

/// Kinds of errors, with their words.
pub const KINDS: [(ErrorKind, &str); 5] = [
    (ErrorKind::Unreachable, "unreachable"),
    (ErrorKind::Refused, "refused"),
    (ErrorKind::Fenced, "fenced"),
    (ErrorKind::Stale, "stale"),
    (ErrorKind::Other, "other"),
];

impl Counts {
    /// Something failed, and is tried again.
    pub fn retry(&mut self, kind: ErrorKind) {
        self.retries += 1;
        for (count, (known, _)) in self.errors.iter_mut().zip(KINDS) {
            *count += u64::from(known == kind);
        }
    }

    /// Records read: copied, dropped or refused.
    pub fn read(&self) -> u64 {
        self.done.read() + self.refused - self.set_aside
    }
}
