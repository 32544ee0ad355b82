//! Verification on real clusters: what `model::verify` compares is read from both ends.
//!
//! Nothing is written anywhere. Each partition is compared up to the position that its edge had
//! committed when it was looked at, so that nothing in flight is called missing.

mod compare;
mod dead_letters;
mod items;
mod jobs;
mod read;
pub mod repair;
pub mod serve;
pub mod watch;

use crossdock_model::topology::Topology;
use crossdock_model::verify::{Kind, Row, Sample};
use regex::Regex;
use serde::Serialize;

use crate::kafka::Error;
use crate::progress::Progress;

pub use compare::Pace;
pub use items::{Item, survey};
pub use jobs::compare_all;

/// What is compared, and how.
#[derive(Clone, Debug)]
pub struct Options {
    /// Names of edges; all enabled ones where it is empty.
    pub edges: Vec<String>,
    /// Source topics, by their whole names; all where it is empty.
    pub topics: Vec<Regex>,
    /// Which part of each partition.
    pub stretch: Stretch,
    /// Partitions compared at once.
    pub jobs: usize,
    /// Records read per second, of both sides together.
    pub limit: Option<u64>,
}

/// Which part of each partition is compared.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Stretch {
    /// All of it.
    #[default]
    Whole,
    /// Between two source offsets: from, and to before.
    Offsets(Option<i64>, Option<i64>),
    /// Between two times, in milliseconds since the epoch: from, and to before.
    Times(Option<i64>, Option<i64>),
    /// A share of it, in stretches at places that the seed chooses.
    Sample(Sample, u64),
}

/// What was found.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// `equal` or `different`.
    pub verdict: &'static str,
    /// Every partition that was compared.
    pub partitions: Vec<Line>,
}

/// What was found in a partition.
#[derive(Clone, Debug, Serialize)]
pub struct Line {
    /// Edge.
    pub edge: String,
    /// Source topic.
    pub topic: String,
    /// Partition, on both sides.
    pub partition: i32,
    /// Target topic.
    pub target_topic: String,
    /// Counts, first differences and what was excused.
    #[serde(flatten)]
    pub row: Row,
    /// Source offsets that were compared: from, and to before.
    pub source_offsets: [i64; 2],
}

impl Default for Options {
    fn default() -> Self {
        Self {
            edges: Vec::new(),
            topics: Vec::new(),
            stretch: Stretch::Whole,
            jobs: std::thread::available_parallelism().map_or(2, std::num::NonZero::get),
            limit: None,
        }
    }
}

impl Report {
    /// The report of these partitions.
    pub fn new(partitions: Vec<Line>) -> Self {
        let is_equal = partitions.iter().all(|line| line.row.is_equal());
        Self {
            verdict: if is_equal { "equal" } else { "different" },
            partitions,
        }
    }

    /// Whether nothing is different.
    pub fn is_equal(&self) -> bool {
        self.partitions.iter().all(|line| line.row.is_equal())
    }

    /// Records of the source that were held against the target.
    pub fn compared(&self) -> u64 {
        self.partitions.iter().map(|line| line.row.compared).sum()
    }

    /// Differences of a kind, in all partitions.
    pub fn count(&self, kind: Kind) -> u64 {
        self.partitions
            .iter()
            .map(|line| line.row.count(kind))
            .sum()
    }
}

/// Compares, and reports.
///
/// # Errors
/// A cluster does not answer, or refuses.
pub fn run(topology: &Topology, options: &Options, progress: &Progress) -> Result<Report, Error> {
    run_items(topology, &survey(topology, options)?, options, progress)
}

/// The same, for partitions that were looked at already; the report is in their order.
///
/// # Errors
/// As [`run`].
pub fn run_items(
    topology: &Topology,
    items: &[Item],
    options: &Options,
    progress: &Progress,
) -> Result<Report, Error> {
    let compared = compare_all(topology, items, options, progress)?;
    progress.finish();
    Ok(Report::new(jobs::lines(items, compared)))
}
