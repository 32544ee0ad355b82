//! A stream: the state machine of lease, copy, commit, abort and rewind.
//!
//! It guarantees, for every partition it holds (invariants 1, 2 and 5):
//! * one transaction holds records and positions of one lease; a lease that was lost never commits;
//! * a position is committed for a partition before its first record is copied;
//! * whatever is in doubt is undone, and copied again from the committed position;
//! * a partition that cannot go on stops alone, and says so.
//!
//! It does not know how records are copied: that is the business of an [`engine::Engine`].

pub mod engine;
mod machine;
pub mod positions;
pub mod records;
mod renamed;
mod seams;

pub use engine::{Tally, Twin};
pub use machine::{Pace, Stream};
pub use seams::{Fate, Report};

#[cfg(test)]
mod tests;
