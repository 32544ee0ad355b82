//! The proof against a simulator of records, on random topologies.
//!
//! `CROSSDOCK_SEED` chooses others, `CROSSDOCK_COUNT` more.

mod flows;
mod metamorphic;
mod simulator;
#[path = "../support/mod.rs"]
mod support;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};

use crossdock_model::finding::Code;
use crossdock_model::graph::verdicts;
use flows::{Random, flows, words};
use simulator::{Flow, Place, Seen, Simulator};
use support::draft;

/// Unoptimised it takes thirty times as long.
const TOPOLOGIES: u64 = if cfg!(debug_assertions) { 200 } else { 10_000 };

/// Every name over `a`, `b` and `-` of up to four characters.
fn names() -> Vec<String> {
    let mut names = vec![String::new()];
    let mut level = names.clone();
    for _ in 0..4 {
        let longer = |n: &String| ["a", "b", "-"].map(|c| format!("{n}{c}"));
        level = level.iter().flat_map(longer).collect();
        names.extend(level.iter().cloned());
    }
    names
}

fn simulate(clusters: usize, flows: &[Flow], names: &[String], told: &[Place]) -> Seen {
    let mut simulator = Simulator::new(flows);
    for site in 0..clusters {
        for name in names {
            simulator.produce(&(site, name.clone()));
        }
    }
    for place in told {
        simulator.produce_behind(place);
        simulator.produce(place);
    }
    simulator.close()
}

fn told(clusters: usize, flows: &[Flow]) -> (Seen, Vec<Place>) {
    let aliases: Vec<String> = (0..clusters).map(|c| format!("c{c}")).collect();
    let lines = words(flows);
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let report = verdicts(&draft(&aliases.join(" "), &lines));
    let codes: BTreeSet<Code> = report.findings.iter().map(|f| f.code).collect();
    let steps = report.findings.iter().flat_map(|f| &f.witness);
    let places = steps.filter_map(|step| {
        let (topic, alias) = step.split_once('@')?;
        Some((alias[1..].parse().ok()?, topic.to_owned()))
    });
    let seen = Seen {
        loops: codes.contains(&Code::RecordLoop),
        twice: codes.contains(&Code::DuplicateDelivery),
        collision: codes.contains(&Code::TopicCollision),
        merged: codes.contains(&Code::MergedTopic),
        grows: codes.contains(&Code::NameLoop),
    };
    (seen, places.collect())
}

/// What came of some topologies.
#[derive(Default)]
struct Outcome {
    /// Loops, duplicates, collisions, merges, growth.
    counts: [usize; 5],
    /// Growth that is seen and not proved.
    unproved: usize,
    wrong: Vec<String>,
}

impl Outcome {
    fn compare(&mut self, seed: u64, names: &[String]) {
        let (clusters, flows) = flows(&mut Random::new(seed));
        let (mut told, places) = told(clusters, &flows);
        let mut seen = simulate(clusters, &flows, names, &places);
        let flags = [
            seen.loops,
            seen.twice,
            seen.collision,
            seen.merged,
            seen.grows,
        ];
        let counted = self.counts.iter_mut().zip(flags);
        counted.for_each(|(count, flag)| *count += usize::from(flag));
        // Beside a collision, which of its edges also merge elsewhere is not asked.
        if seen.collision && told.collision {
            (seen.merged, told.merged) = (false, false);
        }
        // Names that grow only behind names that others make are more than the proof follows.
        if seen.grows && !told.grows {
            self.unproved += 1;
            told.grows = true;
        }
        if seen != told {
            let words = words(&flows).join("\n  ");
            self.wrong.push(format!(
                "seed {seed}\n  seen {seen:?}\n  told {told:?}\n  {words}"
            ));
        }
    }

    fn add(&mut self, other: Self) {
        let counts = self.counts.iter_mut().zip(other.counts);
        counts.for_each(|(count, more)| *count += more);
        self.unproved += other.unproved;
        self.wrong.extend(other.wrong);
    }
}

fn asked(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|text| text.parse().ok())
}

#[test]
fn the_proof_agrees_with_a_simulation() {
    let first = asked("CROSSDOCK_SEED").unwrap_or(1);
    let end = first + asked("CROSSDOCK_COUNT").unwrap_or(TOPOLOGIES);
    let names = names();
    let next = AtomicU64::new(first);
    let work = || {
        let mut outcome = Outcome::default();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= end {
                return outcome;
            }
            outcome.compare(seed, &names);
        }
    };
    let mut all = Outcome::default();
    std::thread::scope(|scope| {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        for worker in workers {
            all.add(worker.join().expect("a worker ends"));
        }
    });
    println!("{} topologies from seed {first}", end - first);
    println!("loops, twice, collisions, merges, growth: {:?}", all.counts);
    println!("growth not proved: {}", all.unproved);
    let (count, first) = (all.wrong.len(), all.wrong.iter().take(6).cloned());
    let first: Vec<String> = first.collect();
    assert!(first.is_empty(), "{count} differ\n{}", first.join("\n"));
}
