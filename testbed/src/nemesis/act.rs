//! Faults done to a scene, and undone.

use std::collections::BTreeMap;
use std::thread;
use std::time::{Duration, Instant};

use super::{Count, Counts, Event, Fault, Stage, schedule};
use crate::dump::OpenTransactions;
use crate::proxy::{Slow, Way, api};
use crate::scene::Scene;
use crate::spawn::Signal;

/// Does what the schedule says, and counts.
pub struct Nemesis {
    stage: Stage,
    open: Vec<OpenTransactions>,
    counts: Counts,
    /// The node that a fault found, to be undone.
    found: BTreeMap<String, usize>,
}

impl Nemesis {
    /// One for `scene`, which has been started.
    pub fn new(scene: &Scene, stage: Stage) -> Self {
        let open = scene.target_topics().into_iter();
        let open =
            open.map(|(alias, topics)| OpenTransactions::new(&scene.address(&alias), &topics));
        Self {
            open: open.collect(),
            stage,
            counts: Counts::new(),
            found: BTreeMap::new(),
        }
    }

    /// Faults from `seed` for `length`, one every `pause` on average; then all is healed.
    pub fn rage(&mut self, scene: &mut Scene, seed: u64, length: Duration, pause: Duration) {
        let begun = Instant::now();
        for event in schedule(&self.stage, seed, length, pause) {
            thread::sleep(event.at.saturating_sub(begun.elapsed()));
            self.act(scene, &event);
        }
        thread::sleep(length.saturating_sub(begun.elapsed()));
        heal(scene);
    }

    /// How often each kind of fault was done.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    fn act(&mut self, scene: &mut Scene, Event { fault, begins, .. }: &Event) {
        if !begins {
            return self.undo(scene, fault);
        }
        let count: &mut Count = self.counts.entry(fault.kind()).or_default();
        count.done += 1;
        if self.open.iter().any(OpenTransactions::are_there) {
            count.in_transaction += 1;
        }
        self.begin(scene, fault);
    }

    fn begin(&mut self, scene: &mut Scene, fault: &Fault) {
        let slow = Slow {
            latency: Duration::from_millis(100),
            bytes_per_second: 375_000,
            reset_one_in: 100,
        };
        match fault {
            Fault::KillDock(dock) => scene.dock(dock).kill(),
            Fault::StopDock(dock) => scene.dock(dock).signal(Signal::Terminate),
            Fault::PauseDock(dock) => scene.dock(dock).pause(),
            Fault::KillNode(alias, id) => scene.broker(alias).node(*id).kill(),
            Fault::KillCoordinator(alias) => {
                let id = scene.coordinator(alias);
                scene.broker(alias).node(id).kill();
                self.found.insert(alias.clone(), id);
            }
            Fault::StopNode(alias, id) => scene.broker(alias).node(*id).signal(Signal::Terminate),
            Fault::PauseNode(alias, id) => scene.broker(alias).node(*id).pause(),
            Fault::Cut(alias) => scene.proxy(alias).cut(),
            Fault::LoseRequests(alias) => scene.proxy(alias).half_open(Way::Requests),
            Fault::LoseResponses(alias) => scene.proxy(alias).half_open(Way::Responses),
            Fault::Slow(alias) => scene.proxy(alias).slow(slow),
            Fault::Reset(alias) => scene.proxy(alias).reset(3),
            Fault::LoseCommit(alias) => scene.proxy(alias).lose_responses(api::END_TXN, 1),
            Fault::HoldProduce(alias) => scene.proxy(alias).hold(&[api::PRODUCE]),
            Fault::HoldCommit(alias) => scene.proxy(alias).hold(&[api::END_TXN]),
        }
    }

    fn undo(&mut self, scene: &mut Scene, fault: &Fault) {
        match fault {
            Fault::KillDock(dock) | Fault::StopDock(dock) => scene.dock(dock).restart(),
            Fault::PauseDock(dock) => scene.dock(dock).resume(),
            Fault::KillNode(alias, id) | Fault::StopNode(alias, id) => {
                scene.broker(alias).node(*id).launch();
            }
            Fault::KillCoordinator(alias) => {
                if let Some(id) = self.found.remove(alias) {
                    scene.broker(alias).node(id).launch();
                }
            }
            Fault::PauseNode(alias, id) => scene.broker(alias).node(*id).resume(),
            Fault::Cut(alias)
            | Fault::LoseRequests(alias)
            | Fault::LoseResponses(alias)
            | Fault::Slow(alias)
            | Fault::Reset(alias)
            | Fault::LoseCommit(alias)
            | Fault::HoldProduce(alias)
            | Fault::HoldCommit(alias) => scene.proxy(alias).flow(),
        }
    }
}

/// Undoes whatever may have been done: every process runs, every network flows.
pub fn heal(scene: &mut Scene) {
    for alias in scene.aliases() {
        let cluster = scene.broker(&alias);
        cluster.resume();
        cluster.revive();
    }
    scene.flow_everywhere();
    for name in scene.dock_names() {
        let dock = scene.dock(&name);
        dock.resume();
        if !dock.is_running() {
            dock.restart();
        }
    }
}
