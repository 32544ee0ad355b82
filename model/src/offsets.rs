//! Offset translation: the target's records say where they were read, so the target *is* the map.
//!
//! [`Search`] finds the first record of an edge at or after a source offset with few small looks;
//! [`Runs`] remembers what they have shown, so that the next question needs none;
//! [`answer`] says what that means for whoever asked; [`group`] is the rule for topics that hold
//! records of other births too.

mod answer;
pub mod group;
mod incarnation;
mod runs;
mod search;

pub use answer::{Answer, Copied, Ends, backward, beyond, forward};
pub use incarnation::{BEFORE_ALL, counted_offset, topic_id};
pub use runs::{First, Runs};
pub use search::{Search, Stretch};

/// A record of an edge: where it lies on the target, and where it was read on the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Offset of the copy.
    pub target: i64,
    /// Offset of the record that was read.
    pub source: i64,
}
