//! Consumer groups that follow their topics: which ones, and what becomes of each of their positions.
//!
//! [`Selection`] says which groups are taken; [`decide`] says of one position what is to be done at the
//! target; [`Report`] sums a group up. What is read and written is the shell's business.

mod decide;
mod note;
mod report;
mod select;

pub use decide::{Committed, Facts, Step, Why, Written, decide};
pub use note::Note;
pub use report::{PositionReport, Report, State};
pub use select::{Choice, Selection, comes_back};
