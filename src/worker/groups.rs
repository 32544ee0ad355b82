//! The groups of a running edge: a thread of their own keeps them in step, so that a slow round holds
//! nothing up. Each instance does it for the partitions that it holds.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossdock_model::groups::Report;

use super::run::TICK;
use super::status::Status;
use super::{Control, RulesNow, Setup};
use crate::groups::Keeper;
use crate::kafka::{Error, TopicPartition};

/// Keeps them in step until the edge stops.
struct Groups {
    setup: Setup,
    status: Arc<Status>,
    control: Arc<Control>,
    /// The keeper, and the rules that it was made by.
    keeper: Option<(Arc<RulesNow>, Keeper)>,
    /// What was told last of rounds that failed.
    told: Option<String>,
}

/// Starts to keep an edge's groups in step; `None` where it has none.
///
/// # Errors
/// The system has no thread left.
pub(super) fn start(
    setup: &Setup,
    status: &Arc<Status>,
    control: &Arc<Control>,
) -> std::io::Result<Option<JoinHandle<()>>> {
    if setup.edge.sync.groups.is_none() || setup.once {
        return Ok(None);
    }
    let groups = Groups {
        setup: setup.clone(),
        status: status.clone(),
        control: control.clone(),
        keeper: None,
        told: None,
    };
    let thread = std::thread::Builder::new().name(format!("groups-{}", setup.edge.name));
    thread.spawn(move || groups.run()).map(Some)
}

/// Does it once, before a worker ends that has caught up.
pub(super) fn once(setup: &Setup, status: &Arc<Status>, control: &Arc<Control>) {
    if setup.edge.sync.groups.is_some() {
        let mut groups = Groups {
            setup: setup.clone(),
            status: status.clone(),
            control: control.clone(),
            keeper: None,
            told: None,
        };
        groups.round();
    }
}

impl Groups {
    fn run(mut self) {
        while !self.control.is_stopping() {
            let begun = Instant::now();
            if self.held().is_empty() {
                // Those who hold the partitions tell of the groups.
                self.status.groups_kept(Ok(Vec::new()), 0);
            } else {
                self.round();
            }
            let pause = self.setup.groups_interval.saturating_sub(begun.elapsed());
            self.wait(pause.max(TICK));
        }
    }

    fn wait(&self, long: Duration) {
        let since = Instant::now();
        while since.elapsed() < long && !self.control.is_stopping() {
            std::thread::sleep(TICK);
        }
    }

    /// The source partitions held here whose positions are known.
    fn held(&self) -> Vec<TopicPartition> {
        let held = self.status.positions().into_iter();
        held.filter(|(_, position)| position.is_some())
            .map(|(place, _)| place)
            .collect()
    }

    fn round(&mut self) {
        let (done, looks) = match self.attempt() {
            Ok((reports, looks)) => (Ok(reports), looks),
            Err(error) => (Err(error), 0),
        };
        let edge = self.setup.edge.name.as_str();
        match &done {
            Ok(reports) => {
                if self.told.take().is_some() {
                    tracing::info!(edge, "Groups follow again.");
                }
                let positions = reports.iter().flat_map(|r| &r.positions);
                let count = positions.filter(|p| p.was_committed).count();
                tracing::debug!(edge, "{count} positions of groups were committed.");
            }
            Err(error) => {
                let error = error.to_string();
                if self.told.as_ref() != Some(&error) {
                    tracing::warn!(edge, "Groups do not follow: {error}.");
                    self.told = Some(error);
                }
            }
        }
        self.status
            .groups_kept(done.map_err(|e| e.to_string()), looks);
    }

    /// How the groups stand, and the small reads it took.
    fn attempt(&mut self) -> Result<(Vec<Report>, usize), Error> {
        let rules = self.setup.names.get();
        // A reload may have changed what other edges do with the same topics.
        let is_of_now = |(by, _): &(Arc<RulesNow>, Keeper)| Arc::ptr_eq(by, &rules);
        let mut keeper = match self.keeper.take().filter(is_of_now) {
            Some((_, keeper)) => keeper,
            None => self.new_keeper(&rules)?,
        };
        let held = self.held();
        let is_held = |place: &TopicPartition| held.binary_search(place).is_ok();
        let before = keeper.looks();
        let reports = keeper.round(is_held)?;
        let looks = keeper.looks() - before;
        // After a failure its clients begin anew.
        self.keeper = Some((rules, keeper));
        Ok((reports, looks))
    }

    fn new_keeper(&self, rules: &RulesNow) -> Result<Keeper, Error> {
        let Setup {
            edge,
            source,
            target,
            ..
        } = &self.setup;
        let groups = edge.sync.groups.clone().unwrap_or_default();
        Keeper::new(
            &rules.topology,
            &rules.names,
            (edge, &groups),
            (source, target),
        )
    }
}
