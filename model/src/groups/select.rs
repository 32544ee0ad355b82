//! Which groups of a source follow.

use std::collections::BTreeSet;

use crate::edge::{Edge, Groups, Pattern};
use crate::graph::Whole;
use crate::topology::Topology;

/// What the names of crossdock's own groups begin with.
const OWN: &str = "crossdock.";

/// Which groups of one cluster follow over one edge.
#[derive(Debug)]
pub struct Selection {
    include: Vec<Whole>,
    exclude: Vec<Whole>,
    /// Groups that crossdock itself commits to there.
    reported: BTreeSet<String>,
}

/// What becomes of a group, by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// It follows.
    Taken,
    /// It does not, though the file names it: why.
    Excluded(&'static str),
    /// The file does not name it.
    NotNamed,
}

impl Selection {
    /// The groups that `sync.groups` selects on the source of an edge.
    pub fn new(topology: &Topology, edge: &Edge, groups: &Groups) -> Self {
        let compile = |patterns: &[Pattern]| patterns.iter().map(Whole::of_any_name).collect();
        let there = topology.edges().iter().filter(|e| e.source == edge.source);
        Self {
            include: compile(&groups.include),
            exclude: compile(&groups.exclude),
            reported: there.filter_map(|e| e.report_group.clone()).collect(),
        }
    }

    /// What becomes of a group.
    pub fn choose(&self, group: &str) -> Choice {
        if !self.include.iter().any(|p| p.matches(group)) {
            Choice::NotNamed
        } else if group.starts_with(OWN) {
            Choice::Excluded("it is crossdock's own")
        } else if self.reported.contains(group) {
            Choice::Excluded("it is the `report_group` of an edge")
        } else if self.exclude.iter().any(|p| p.matches(group)) {
            Choice::Excluded("`sync.groups.exclude` matches it")
        } else {
            Choice::Taken
        }
    }
}

/// Whether positions that follow over an edge may come back to its source over others: then they must
/// say where they were born.
pub fn comes_back(topology: &Topology, edge: &Edge) -> bool {
    let carries = |e: &&Edge| e.enabled && e.sync.groups.is_some();
    let mut reached = BTreeSet::from([&edge.target]);
    loop {
        let before = reached.len();
        for next in topology.edges().iter().filter(carries) {
            if reached.contains(&next.source) {
                reached.insert(&next.target);
            }
        }
        if reached.contains(&edge.source) || reached.len() == before {
            return reached.contains(&edge.source);
        }
    }
}
