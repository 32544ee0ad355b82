//! How the groups of an edge stand, as its status tells it.

use std::time::Instant;

use crossdock_model::groups::Report;
use serde::Serialize;

use super::Status;

/// What is remembered of the rounds.
#[derive(Debug, Default)]
pub(super) struct Kept {
    reports: Vec<Report>,
    done: Option<Instant>,
    failed: Option<String>,
    rounds_total: u64,
    committed_total: u64,
    looks_total: u64,
}

/// The groups of an edge as `/api/v1/status` tells them.
#[derive(Clone, Debug, Default, Serialize)]
pub struct GroupsSnapshot {
    /// Seconds since they were looked at last; `null` before the first time.
    pub last_round_seconds: Option<f64>,
    /// Why the last round was not done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Rounds that were done since the start of this process.
    pub rounds_total: u64,
    /// Positions committed since the start of this process.
    pub committed_total: u64,
    /// Small reads that it took to find their places since the start of this process.
    pub looks_total: u64,
    /// Each group that the file names and that has positions here.
    pub groups: Vec<Report>,
}

impl Status {
    /// A round is over: how the groups stand, or why that is not known, and the small reads it took.
    pub fn groups_kept(&self, done: Result<Vec<Report>, String>, looks: usize) {
        let mut inner = self.lock();
        let kept = inner.groups.get_or_insert_default();
        kept.looks_total += looks as u64;
        match done {
            Ok(reports) => {
                let positions = reports.iter().flat_map(|r| &r.positions);
                kept.committed_total += positions.filter(|p| p.was_committed).count() as u64;
                kept.rounds_total += 1;
                kept.done = Some(Instant::now());
                kept.failed = None;
                kept.reports = reports;
                // What is shown are the sums.
                kept.reports.iter_mut().for_each(|r| r.positions.clear());
            }
            Err(why) => kept.failed = Some(why),
        }
    }
}

impl Kept {
    pub(super) fn snapshot(&self) -> GroupsSnapshot {
        GroupsSnapshot {
            last_round_seconds: self.done.map(|at| at.elapsed().as_secs_f64()),
            reason: self.failed.clone(),
            rounds_total: self.rounds_total,
            committed_total: self.committed_total,
            looks_total: self.looks_total,
            groups: self.reports.clone(),
        }
    }
}
