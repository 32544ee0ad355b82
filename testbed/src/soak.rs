//! The soak: a topology under load and under the nemesis, for as long as wanted.
//!
//! It goes in rounds, so that memory and disk are bounded however long it lasts: load and faults from
//! the round's own seed; then the load ends, all is healed, the edges catch up, and every record of
//! the round is judged, at every place where it should be. Then the round is forgotten.

mod report;
mod set;

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::nemesis::{Counts, Nemesis, heal};
use crate::scene::{Ended, Scene};
use crate::verdict::Verdict;
use crate::writer::Outcome;
pub use report::page;
pub use set::Set;

/// What is run.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The binary of crossdock.
    pub binary: PathBuf,
    /// The topology.
    pub set: Set,
    /// Faults and records follow from it.
    pub seed: u64,
    /// For how long, without the time that starting takes.
    pub length: Duration,
    /// How long load and faults last in a round.
    pub round: Duration,
    /// Between two faults, on average.
    pub pause: Duration,
    /// Records a second, in all.
    pub rate: usize,
}

/// What was run, and found.
#[derive(Clone, Debug, Default)]
pub struct Outcomes {
    /// Rounds that were judged.
    pub rounds: u32,
    /// How long all of it took.
    pub took: Duration,
    /// Records that users wrote and were told so.
    pub written: u64,
    /// Records of users' transactions that were aborted.
    pub aborted: u64,
    /// Records of which users do not know.
    pub unknown: u64,
    /// Copies that were compared with their originals.
    pub copies: u64,
    /// Records that users' own producers wrote twice.
    pub doubled: u64,
    /// How transactions of edges ended, as a partition of each topic has it.
    pub of_edges: Ended,
    /// How transactions of users ended, as a partition of each topic has it.
    pub of_users: Ended,
    /// Faults by kind.
    pub faults: Counts,
    /// From the healing to the end of catching up, at worst.
    pub slowest: Duration,
    /// What was found wrong, with the round's number.
    pub violations: Vec<(u32, crate::verdict::Violation)>,
    /// A round that did not come to its end, and why.
    pub failure: Option<String>,
}

/// Runs a plan to its end, or to the first round that is not exact. What it has come to is told after
/// each round.
///
/// # Panics
/// Where a round does not come to rest: what was told before is what was found.
pub fn run(plan: &Plan, mut told: impl FnMut(&Outcomes)) -> Outcomes {
    let mut scene = {
        // One after the other: a machine has few cores, and every broker wants one to start.
        static STARTING: Mutex<()> = Mutex::new(());
        let starting = STARTING.lock().unwrap_or_else(PoisonError::into_inner);
        let scene = plan.set.scene(plan);
        drop(starting);
        scene
    };
    let mut nemesis = Nemesis::new(&scene, plan.set.stage());
    let mut outcomes = Outcomes::default();
    let begun = Instant::now();
    while begun.elapsed() < plan.length && outcomes.violations.is_empty() {
        outcomes.rounds += 1;
        let seed = plan.seed.wrapping_mul(1_000) + u64::from(outcomes.rounds);
        plan.set.load(&mut scene, plan.rate);
        nemesis.rage(&mut scene, seed, plan.round, plan.pause);
        let verdict = rest(&mut scene, &mut outcomes);
        note(&mut outcomes, &mut scene, &verdict);
        outcomes.faults.clone_from(nemesis.counts());
        outcomes.took = begun.elapsed();
        told(&outcomes);
        scene.next_round();
    }
    outcomes
}

/// Ends the load, waits until all is copied, and judges.
fn rest(scene: &mut Scene, outcomes: &mut Outcomes) -> Verdict {
    scene.stop_load();
    heal(scene);
    let healed = Instant::now();
    scene.until_caught_up();
    outcomes.slowest = outcomes.slowest.max(healed.elapsed());
    scene.verdict()
}

fn note(outcomes: &mut Outcomes, scene: &mut Scene, verdict: &Verdict) {
    for birth in scene.births() {
        *match birth.outcome {
            Outcome::Written => &mut outcomes.written,
            Outcome::Aborted => &mut outcomes.aborted,
            Outcome::Unknown => &mut outcomes.unknown,
        } += 1;
    }
    outcomes.copies += verdict.copies() as u64;
    outcomes.doubled += verdict.doubled() as u64;
    outcomes.of_edges.add(scene.edges_transactions());
    outcomes.of_users.add(scene.users_transactions());
    let round = outcomes.rounds;
    let found = verdict.violations().iter().cloned();
    outcomes.violations.extend(found.map(|v| (round, v)));
}
