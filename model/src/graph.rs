//! The proof: clusters and edges as a graph, every possible topic name followed symbolically.

use crate::finding::Finding;
use crate::name::Alias;
use crate::topology::{Draft, Topology};

mod language;
mod pattern;
mod rename;

mod circuits;
mod maps;
mod outline;
mod signature;
mod space;

mod admit;
mod case;
mod common;
mod hazards;
mod homeward;
mod names;
mod repair;
mod rough;
mod rules;
mod sample;
mod walks;

pub use admit::{Admit, admit, admit_path};
pub use names::Names;
pub(crate) use pattern::Whole;
pub use pattern::literals;
pub use sample::{births, sample_topics};
pub use walks::arrivals;

/// How many states of automata, and how many places that names are followed back to, weigh as much as an
/// edge.
const STATES_PER_EDGE: usize = 1_000;
const PLACES_PER_EDGE: usize = 100;

/// What the check of a draft says.
#[derive(Clone, Debug)]
pub struct Report {
    /// Findings about the graph, in the file's order.
    pub findings: Vec<Finding>,
    /// Elementary cycles of edges, and what cuts them.
    pub cycles: Vec<Cycle>,
    /// There are more cycles than are listed.
    pub is_capped: bool,
    /// There are more names or ways than can be followed: what is found holds, more may be there.
    pub is_partial: bool,
    /// What the check has cost, in edges of a plain topology.
    work: usize,
}

/// One elementary cycle of edges, with its shortest topic witness.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Cycle {
    /// Steps `topic@cluster`.
    pub path: Vec<String>,
    /// What cuts it: `None` is a loop.
    pub cut_by: Option<Cut>,
}

/// What cuts a cycle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Cut {
    /// Records are dropped by the path in their headers.
    Provenance,
    /// The topic is not taken, by its lineage.
    Lineage,
}

/// Checks the graph of a draft.
pub fn check(draft: &Draft) -> Report {
    let mut report = verdicts(draft);
    report.findings.extend(hazards::findings(draft, &report));
    repair::help(draft, &mut report.findings, report.is_partial, report.work);
    report.findings.sort_by_key(|f| (f.span, f.code));
    report
}

/// What every rule says about the draft as it is: [`check`] without hazards and repairs.
pub fn verdicts(draft: &Draft) -> Report {
    let names = Names::new(draft);
    let mut case = case::Case::new(draft, &names);
    let loops = rules::loops::find(&case);
    let mut findings = rules::loops::findings(&case, &loops);
    findings.extend(rules::copies::findings(&case));
    findings.extend(rules::collisions::findings(&mut case));
    let chains = rules::chains::findings(&mut case);
    findings.extend(rules::naming::findings(&mut case, &chains));
    findings.extend(rules::metrics::findings(&mut case));
    findings.extend(chains);
    let (cycles, is_capped) = rules::cycles::find(&mut case, &loops);
    Report {
        findings,
        cycles,
        is_capped,
        is_partial: case.is_partial || case.space.store.is_rough,
        work: case.space.store.work / STATES_PER_EDGE + names.traced() / PLACES_PER_EDGE,
    }
}

/// A draft whose findings held no error becomes a topology.
///
/// # Errors
/// The report, when it holds an error.
pub fn prove(draft: Draft) -> Result<(Topology, Report), Report> {
    let report = check(&draft);
    if report
        .findings
        .iter()
        .any(|f| f.severity == crate::finding::Severity::Error)
    {
        return Err(report);
    }
    Ok((Topology::checked(draft), report))
}

/// What an edge does with a topic of its source cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Take {
    /// It is copied into this topic of the target.
    Into(String),
    /// It is not taken.
    Not(Why),
}

/// Why an edge does not take a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// `topics` does not match it.
    NotSelected,
    /// `exclude_topics` matches it.
    Excluded,
    /// Kafka's own, or crossdock's.
    Internal,
    /// It is a replica, and the target is among the clusters that every way to it passes.
    Lineage,
    /// `forward: local`, and it is a replica.
    Replica,
    /// The name it would get is empty, illegal or internal.
    TargetName(String),
}

/// Where a record born in one topic of one cluster arrives, and how often.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Arrival {
    /// The cluster it arrives at.
    pub cluster: Alias,
    /// The topic there.
    pub topic: String,
    /// How many walks lead there: 1 in every topology without errors.
    pub copies: usize,
}
