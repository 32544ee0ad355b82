//! Runs an edge of a switch until it has caught up with what was there, in this process: by the same
//! worker as every edge, so that it is exactly once, and goes on where it was killed.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crossdock_model::edge::Edge;

use super::Stage;
use crate::exit::Failure;
use crate::fleet::{self, Options};
use crate::output;
use crate::worker::{self, Ending, NamesNow};

/// The name of this process among those that run the edge.
const INSTANCE: &str = "switch";

/// Between two rounds in which groups follow: those of a switch follow by its own step.
const GROUPS_INTERVAL: Duration = Duration::from_secs(3600);

/// Between two looks at the worker.
const LOOK: Duration = Duration::from_millis(100);

/// Between two words about how far it is.
const TELL: Duration = Duration::from_secs(5);

/// What was carried.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Carried {
    /// Records that were copied.
    pub(super) records: u64,
    /// Records that had been on the other side already.
    pub(super) known: u64,
}

/// Runs an edge until it has caught up.
///
/// # Errors
/// A cluster does not answer; or the edge halts, which is told.
pub(super) fn run(stage: &Stage, edge: &Edge) -> Result<Carried, Failure> {
    let options = Options {
        file: stage.file.display().to_string(),
        instance: INSTANCE.to_owned(),
        process: Options::new_process(),
        once: true,
        groups_interval: GROUPS_INTERVAL,
        embedded: stage.embedded.clone(),
    };
    let names = Arc::new(NamesNow::new(&stage.topology));
    let ends = (
        stage
            .cluster(&edge.source)
            .map_err(Failure::cluster)?
            .clone(),
        stage
            .cluster(&edge.target)
            .map_err(Failure::cluster)?
            .clone(),
    );
    // Nobody has asked them for a while: that is no silence of theirs.
    for cluster in [&ends.0, &ends.1] {
        cluster.keep_pulse().map_err(Failure::cannot_start)?;
    }
    // Groups have a step of their own.
    let mut records_only = edge.clone();
    records_only.sync.groups = None;
    let setup = fleet::setup(&stage.topology, &records_only, names, ends, &options);
    let handle = worker::start(setup.map_err(Failure::CannotStart)?);
    let handle = handle.map_err(Failure::cannot_start)?;
    let mut told = Instant::now();
    while !handle.is_finished() {
        std::thread::sleep(LOOK);
        if told.elapsed() > TELL {
            told = Instant::now();
            let now = handle.status.snapshot();
            let reason = now
                .reason
                .map(|why| format!(" ({why})"))
                .unwrap_or_default();
            output::say(&format!(
                "  edge {}: {} records copied, {} behind{reason}",
                edge.name, now.records_total, now.lag_records
            ));
        }
    }
    let ending = handle.join();
    let now = handle.status.snapshot();
    match ending {
        Ending::CaughtUp => Ok(Carried {
            records: now.records_total,
            known: now.dropped_total.loops,
        }),
        Ending::Cluster(error) => Err(Failure::cluster(error)),
        Ending::Halted(reason) => {
            output::say(&format!("edge {} stands: {reason}", edge.name));
            Err(Failure::Findings)
        }
        Ending::Stopped => {
            output::say(&format!("edge {} was stopped", edge.name));
            Err(Failure::Findings)
        }
    }
}
