//! When which fault begins and ends. Pure: one seed, one schedule.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Fault;
use crate::random::Random;

/// What faults can be done to.
#[derive(Clone, Debug, Default)]
pub struct Stage {
    /// The crossdocks.
    pub docks: Vec<String>,
    /// Alias and number of nodes of each cluster.
    pub clusters: Vec<(String, usize)>,
    /// The clusters that an edge writes.
    pub targets: Vec<String>,
    /// The clusters that have a proxy.
    pub proxied: Vec<String>,
}

/// A fault begins, or is undone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// From the beginning of the round.
    pub at: Duration,
    /// Which fault.
    pub fault: Fault,
    /// Whether it begins.
    pub begins: bool,
}

/// Faults for `length`, one every `pause` on average, all undone at its end. At one victim there is one
/// at a time, so that a cluster of three never loses two of its nodes to them.
pub fn schedule(stage: &Stage, seed: u64, length: Duration, pause: Duration) -> Vec<Event> {
    let mut random = Random::new(seed);
    let mut busy: BTreeMap<(&'static str, String), u64> = BTreeMap::new();
    let mut events = Vec::new();
    let (end, pause) = (length.as_millis() as u64, pause.as_millis() as u64);
    let mut now = 500 + random.below(pause);
    while now < end {
        let (fault, longest) = draw(stage, &mut random);
        let (kind, victim) = fault.victim();
        let key = (kind, victim.to_owned());
        let until = (now + 200 + random.below(longest)).min(end);
        if busy.get(&key).is_none_or(|until| *until < now) {
            // A moment of rest, in which what was harmed may come back.
            busy.insert(key, until + 1_000);
            for (at, begins) in [(now, true), (until, false)] {
                let (at, fault) = (Duration::from_millis(at), fault.clone());
                events.push(Event { at, fault, begins });
            }
        }
        now += pause / 4 + random.below(pause * 3 / 2);
    }
    events.sort_by_key(|event| event.at);
    events
}

/// A fault, and how many milliseconds it lasts at most.
fn draw(stage: &Stage, random: &mut Random) -> (Fault, u64) {
    let mut one_of = |all: &[String]| all[random.below(all.len() as u64) as usize].clone();
    let (dock, target, proxied) = (
        one_of(&stage.docks),
        one_of(&stage.targets),
        one_of(&stage.proxied),
    );
    let (cluster, nodes) =
        stage.clusters[random.below(stage.clusters.len() as u64) as usize].clone();
    let node = 1 + random.below(nodes as u64) as usize;
    // Beyond the session's time-out, and beyond that of a transaction: 10 s and 20 s.
    let (short, session, transaction) = (3_000, 13_000, 25_000);
    match random.below(40) {
        0..9 => (Fault::KillDock(dock), short),
        9 => (Fault::StopDock(dock), short),
        10..12 => (Fault::PauseDock(dock), transaction),
        12..16 => (Fault::KillNode(cluster, node), short),
        16 => (Fault::KillCoordinator(target), short),
        17 => (Fault::StopNode(cluster, node), short),
        18..20 => (Fault::PauseNode(cluster, node), session),
        20..25 => (Fault::Cut(proxied), session),
        25..27 => (Fault::LoseRequests(proxied), session),
        27..30 => (Fault::LoseResponses(proxied), session),
        30..32 => (Fault::Slow(proxied), session),
        32..34 => (Fault::Reset(proxied), short),
        34..37 => (Fault::LoseCommit(proxied), short),
        37 => (Fault::HoldProduce(proxied), transaction),
        _ => (Fault::HoldCommit(proxied), transaction),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn stage() -> Stage {
        let names = |all: &[&str]| all.iter().map(|name| (*name).to_owned()).collect();
        Stage {
            docks: names(&["a", "b"]),
            clusters: vec![("bj".into(), 1), ("sh".into(), 3)],
            targets: names(&["sh"]),
            proxied: names(&["bj", "sh"]),
        }
    }

    fn of(seed: u64) -> Vec<Event> {
        let (length, pause) = (Duration::from_secs(3_000), Duration::from_secs(3));
        schedule(&stage(), seed, length, pause)
    }

    #[test]
    fn one_seed_gives_one_schedule_with_every_kind_of_fault() {
        let events = of(1);
        assert_eq!(events, of(1));
        assert_ne!(events, of(2));
        let kinds: BTreeSet<_> = events.iter().map(|event| event.fault.kind()).collect();
        assert_eq!(kinds.len(), 15, "{kinds:?}");
    }

    #[test]
    fn every_fault_is_undone_and_no_victim_has_two() {
        for seed in 0..20 {
            let mut at_work = BTreeMap::new();
            for Event { fault, begins, .. } in of(seed) {
                let (kind, victim) = fault.victim();
                let key = (kind, victim.to_owned());
                if begins {
                    assert_eq!(at_work.insert(key, fault), None, "seed {seed}");
                } else {
                    assert_eq!(at_work.remove(&key), Some(fault), "seed {seed}");
                }
            }
            assert_eq!(at_work.len(), 0, "seed {seed}");
        }
    }
}
