//! Switching over and back: which step follows, what each leaves as evidence, what the whole amounts to.
//!
//! Nothing that keeps records safe rests on the written state of a switch. A fence lies beside the
//! progress that it fences ([`fence`]); what goes home is told by the records themselves; so every step
//! may be done again, and a switch that was killed at any instant goes on with the first step that is
//! not recorded as done. The state is what a person is told, and what is not asked twice.

pub mod fence;
mod figures;
mod homeward;
mod state;
#[cfg(test)]
mod tests;

pub use figures::{GroupFigures, Loss, PartitionFigures};
pub use homeward::homeward;
pub use state::{Begin, Done, Options, State, Step, Way, begin};
