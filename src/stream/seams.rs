//! What a stream asks of others and tells them: where partitions go on, and what becomes of them.

use std::time::Duration;

use crossdock_model::latency::Ages;
use crossdock_model::note::Epoch;

use super::engine::{Origin, Tally, Twin};
use crate::kafka::{CommitError, Error, Refused, TopicPartition};

/// Where a partition goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outlook {
    /// From a position that is committed already.
    Resume(i64),
    /// From a position that is committed already, by hand.
    ByHand(i64),
    /// From a position that is to be committed first.
    Begin(i64),
    /// The same, taken over from the place where it is kept so far, which counts no more from then on.
    TakeOver(i64, TopicPartition),
    /// From there, behind offsets that are lost.
    Skip(i64),
    /// Not at all, and why.
    Halt(String),
}

/// What becomes of a record that the target refused for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Its partition stands.
    Stands,
    /// It goes to the dead-letter topic.
    DeadLetter,
    /// It is left out.
    Skipped,
}

/// Where positions come from, and what is noted with them.
pub trait Positions {
    /// Where each of these goes on, in their order; one may fail while others do not.
    ///
    /// # Errors
    /// The target does not answer.
    fn outlook(&self, twins: &[Twin]) -> Result<Vec<Result<Outlook, Error>>, Error>;

    /// What to do about a position that is outside of the source's log, or whose log was `cut` before it.
    ///
    /// # Errors
    /// The source does not answer.
    fn out_of_range(&self, twin: &Twin, position: i64, cut: Option<i64>) -> Result<Outlook, Error>;

    /// What is known of the position that was found last for a partition.
    fn origin(&self, twin: &Twin) -> Origin;

    /// Why each of these cannot be written now, by the target's own word; `None` where it says nothing
    /// against it.
    ///
    /// # Errors
    /// The target does not answer.
    fn ailing(&self, twins: &[Twin]) -> Result<Vec<Option<String>>, Error>;

    /// Checks that the target topics of these partitions are still those that their positions were found for.
    /// One that is deleted and created again between two batches takes the second as if nothing had happened,
    /// without an error, and without the records before it: only its id tells.
    ///
    /// # Errors
    /// `Recreated` where one is another now; `Abort` where the target does not answer.
    fn check_targets(&self, twins: &[Twin]) -> Result<(), CommitError>;

    /// What to note with a committed position, where the target's log ends at `target_end` at least once that
    /// is committed.
    fn note(&self, twin: &Twin, epoch: Option<Epoch>, target_end: Option<i64>) -> String;

    /// What to note with a position whose progress was taken over by this partition.
    fn parting_note(&self, twin: &Twin) -> String;
}

/// What a stream tells while it runs.
pub trait Report {
    /// Records were handed to the target, the first of them with this timestamp; they are not final.
    fn pending(&self, twin: &Twin, timestamp: i64);
    /// Everything before `position` is final at the target; `tally` is what was done since the last time,
    /// with these timestamps.
    fn committed(&self, twin: &Twin, position: i64, tally: &Tally, ages: &Ages);
    /// A transaction, or what stands for one at least once, has ended: committed, or undone.
    fn ended(&self, is_committed: bool);
    /// The target refused records of this partition for good.
    fn refused(&self, twin: &Twin, records: u64);
    /// A refused record is gone on without.
    fn set_aside(&self, twin: &Twin, refused: &Refused, fate: Fate);
    /// The source's last stable offset was seen there.
    fn end_seen(&self, twin: &Twin, end: i64);
    /// The partition came to this stream; its position is not known yet.
    fn came(&self, twin: &Twin);
    /// These offsets of the source are lost, from the first to before the second.
    fn lost(&self, twin: &Twin, from: i64, to: i64);
    /// Its position was set by hand.
    fn by_hand(&self, twin: &Twin, position: i64);
    /// The partition goes on.
    fn going(&self, twin: &Twin);
    /// The partition is tried again later.
    fn retrying(&self, twin: &Twin, reason: &str);
    /// The partition stands until a person decides.
    fn halted(&self, twin: &Twin, reason: &str);
    /// The partition belongs to this stream no more.
    fn gone(&self, twin: &Twin);
    /// The stream as a whole waits for so long, and why; `None` when it works.
    fn waits(&self, why: Option<(&Error, Duration)>);
}
