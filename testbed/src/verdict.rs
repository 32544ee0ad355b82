//! The verdict on a scene: is what lies in the logs exactly what should?
//!
//! Pure functions of dumps, journal and routes, so that they can be tested themselves: with dumps
//! that were tampered with, each check must fire where it should and no other.

mod births;
mod claims;
mod keys;
mod positions;
mod routes;
#[cfg(test)]
mod tests;
mod views;
mod world;
mod writers;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::record::ClusterDump;
use crate::segments::Batch;
use crate::writer::Birth;
pub use claims::Claim;
pub use positions::Sample;

/// One topic copied by one edge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// Name of the edge.
    pub edge: String,
    /// Alias of the source cluster.
    pub source: String,
    /// Topic there.
    pub topic: String,
    /// Alias of the target cluster.
    pub target: String,
    /// Topic there.
    pub target_topic: String,
    /// `forward: local`: only records that were born at the source.
    pub local_only: bool,
}

/// Everything a verdict is given on.
#[derive(Clone, Debug, Default)]
pub struct Evidence {
    /// All logs, by cluster alias.
    pub clusters: BTreeMap<String, ClusterDump>,
    /// The journal of every producer.
    pub births: Vec<Birth>,
    /// What is copied where.
    pub routes: Vec<Route>,
    /// The topics that should be on each cluster.
    pub topics: BTreeMap<String, BTreeSet<String>>,
    /// The consumer groups that may be on each cluster.
    pub groups: BTreeMap<String, BTreeSet<String>>,
    /// Logs that still grew after the load had ended and all was said to be caught up.
    pub moved: Vec<String>,
    /// All logs once more, read uncommitted; a cluster that was not read so is not judged by it.
    pub uncommitted: BTreeMap<String, ClusterDump>,
    /// What edges say of themselves, where they were started once.
    pub claims: Vec<Claim>,
    /// Positions as they were seen while it ran.
    pub samples: Vec<Sample>,
    /// The batches of partitions that one edge alone writes in transactions: cluster, topic, partition.
    pub batches: BTreeMap<(String, String, usize), Vec<Batch>>,
    /// Of clusters that are read only, everything but records that could be changed there: before,
    /// and after.
    pub untouched: BTreeMap<String, [Vec<String>; 2]>,
    /// How many records lay in all logs before and after restarts without news.
    pub restarts: Vec<[u64; 2]>,
    /// Where edges deliver at least once: how many records they may have repeated in all. A repeat must
    /// then be a replay: from somewhere before, on in order, without a gap.
    pub replays_max: Option<u64>,
    /// Seed of the run.
    pub seed: u64,
}

/// What can be found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Check {
    /// A record that was written is not in the log it was written to, or not as it was.
    Birth,
    /// A record is missing at the target.
    Completeness,
    /// Order of a partition is not that of its source.
    Order,
    /// Key, value, timestamp or headers differ.
    Content,
    /// A header names something other than the record that was read.
    Provenance,
    /// A record is there twice.
    Duplicate,
    /// A repeat that is no replay, or more of them than there may be.
    Replay,
    /// A record came back to a cluster it has been on.
    Return,
    /// A record of no producer and no edge, or of an aborted transaction.
    Invention,
    /// A topic or group that should not be, or one that is missing.
    World,
    /// A log still grows though nobody produces.
    Rest,
    /// Records of one key are not in the order in which they were born.
    KeyOrder,
    /// A position was recorded for what the target did not hold.
    Position,
    /// Two owners wrote one partition at a time, or an old one after a new one.
    Writer,
    /// What can be read differs between the isolation levels by more than what was aborted.
    Isolation,
    /// A cluster that is only read was changed.
    Source,
    /// A restart without news wrote something.
    Restart,
    /// An edge says something of itself that is not so.
    Metrics,
    /// An edge does not account for everything that it has read.
    Accounting,
    /// A cluster holds more or less than was born there and brought.
    Conservation,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which check fired.
    pub check: Check,
    /// Where, and what is there.
    pub text: String,
}

/// What was found, and how much was looked at.
#[derive(Clone, Debug, Default)]
pub struct Verdict {
    violations: Vec<Violation>,
    births: usize,
    copies: usize,
    logs: usize,
    replayed: u64,
    may_replay: bool,
    /// Identities that users' own producers wrote twice.
    doubled: BTreeSet<Vec<u8>>,
    copies_of: BTreeMap<String, usize>,
    /// Records of edges' transactions that were aborted.
    hidden: usize,
    samples: usize,
    seed: u64,
}

/// Judges the evidence.
pub fn judge(evidence: &Evidence) -> Verdict {
    let mut verdict = Verdict {
        seed: evidence.seed,
        may_replay: evidence.replays_max.is_some(),
        births: evidence.births.len(),
        logs: evidence
            .clusters
            .values()
            .flat_map(|c| c.topics.values())
            .map(Vec::len)
            .sum(),
        ..Verdict::default()
    };
    births::check(evidence, &mut verdict);
    routes::check(evidence, &mut verdict);
    world::check(evidence, &mut verdict);
    keys::check(evidence, &mut verdict);
    positions::check(evidence, &mut verdict);
    writers::check(evidence, &mut verdict);
    views::check(evidence, &mut verdict);
    claims::check(evidence, &mut verdict);
    verdict.samples = evidence.samples.len();
    verdict
}

// === impl Verdict ===

impl Verdict {
    /// Everything that is wrong.
    pub fn violations(&self) -> &[Violation] {
        &self.violations
    }

    /// How many copies were found and compared.
    pub fn copies(&self) -> usize {
        self.copies
    }

    /// How many records users' own producers wrote twice: broker and client have their failures, too.
    pub fn doubled(&self) -> usize {
        self.doubled.len()
    }

    /// Panics unless every record is where it should be, once, in order, as it was.
    #[allow(clippy::print_stderr, reason = "a test says what it has proved")]
    pub fn assert_exact(&self) {
        assert!(self.violations.is_empty(), "{self}");
        eprintln!("{self}");
    }

    fn add(&mut self, check: Check, text: impl Into<String>) {
        self.violations.push(Violation {
            check,
            text: text.into(),
        });
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            violations,
            births,
            copies,
            logs,
            replayed,
            may_replay,
            doubled,
            hidden,
            samples,
            seed,
            ..
        } = self;
        let mut scale = format!("{births} records born, {copies} copies, {logs} logs, seed {seed}");
        if *may_replay {
            scale.push_str(&format!(", {replayed} repeated"));
        }
        if *hidden > 0 || *samples > 0 {
            scale.push_str(&format!(
                ", {hidden} in aborted attempts, {samples} positions seen"
            ));
        }
        if !doubled.is_empty() {
            scale.push_str(&format!(", {} doubled by users", doubled.len()));
        }
        if violations.is_empty() {
            return write!(f, "exact: {scale}");
        }
        writeln!(f, "NOT exact: {} violations; {scale}", violations.len())?;
        let mut counts = BTreeMap::<Check, usize>::new();
        for Violation { check, text } in violations {
            let count = counts.entry(*check).or_default();
            *count += 1;
            if *count <= 5 {
                writeln!(f, "  {check:?}: {text}")?;
            }
        }
        write!(f, "  {counts:?}")
    }
}
