//! Soaks crossdock: one-way, two-way and star on real brokers, under load and under faults from a
//! seed, at the same time. A page to stdout; exit status 1 where anything was not exact.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "the page is what it is run for, and a person waits for it"
)]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::process::ExitCode;
use std::str::FromStr;
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use clap::Parser;
use crossdock_testbed::soak::{Outcomes, Plan, Set, page, run};

/// Soaks crossdock under load and faults from a seed
#[derive(Parser)]
struct Options {
    /// How long
    #[arg(long, default_value_t = 600)]
    seconds: u64,
    /// What the faults are drawn from
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// one-way, two-way, star, or all of them at once
    #[arg(long, default_value = "all")]
    topology: Sets,
    /// Seconds from one verdict to the next
    #[arg(long, default_value_t = 90)]
    round: u64,
    /// Milliseconds between two faults
    #[arg(long, default_value_t = 4_000, value_parser = clap::value_parser!(u64).range(1..))]
    pause_ms: u64,
    /// Records a second that each user writes
    #[arg(long, default_value_t = 3_000)]
    rate: usize,
    /// The crossdock that is soaked
    #[arg(long, default_value = "target/release/crossdock")]
    crossdock: PathBuf,
    /// Where the page goes
    #[arg(long, default_value = "target/soak.md")]
    out: PathBuf,
}

/// What is soaked.
#[derive(Clone)]
struct Sets(Vec<Set>);

impl FromStr for Sets {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "all" => Ok(Self(Set::ALL.to_vec())),
            name => Set::named(name)
                .map(|set| Self(vec![set]))
                .ok_or("it is one-way, two-way, star or all"),
        }
    }
}

fn main() -> ExitCode {
    let options = Options::parse();
    eprintln!("seed {}, {} s", options.seed, options.seconds);
    let soaking: Vec<_> = options
        .topology
        .0
        .iter()
        .map(|set| plan(&options, *set))
        .collect();
    let soaking: Vec<_> = soaking
        .into_iter()
        .map(|plan| thread::spawn(move || soak(plan)))
        .collect();
    let runs: Vec<_> = soaking
        .into_iter()
        .map(|thread| thread.join().expect("panics are caught within"))
        .collect();
    let text = page(&runs);
    println!("{text}");
    if let Err(error) = std::fs::write(&options.out, &text) {
        eprintln!("{}: {error}", options.out.display());
    }
    let exact = |o: &Outcomes| o.violations.is_empty() && o.failure.is_none() && o.rounds > 0;
    match runs.iter().all(|(_, outcomes)| exact(outcomes)) {
        true => ExitCode::SUCCESS,
        false => ExitCode::from(1),
    }
}

/// Runs to the end; what a panic says is part of what was found.
fn soak(plan: Plan) -> (Plan, Outcomes) {
    let last = Mutex::new(Outcomes::default());
    let name = plan.set.name();
    let ended = catch_unwind(AssertUnwindSafe(|| {
        run(&plan, |outcomes| {
            eprintln!(
                "{name}: round {} after {} s: {} records, {} copies exact so far, {} violations",
                outcomes.rounds,
                outcomes.took.as_secs(),
                outcomes.written,
                outcomes.copies,
                outcomes.violations.len()
            );
            if let Ok(mut last) = last.lock() {
                last.clone_from(outcomes);
            }
        })
    }));
    let outcomes = ended.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|s| (*s).to_owned()));
        let last = last.into_inner().unwrap_or_default();
        Outcomes {
            failure: Some(text.unwrap_or_else(|| "a panic without words".into())),
            ..last
        }
    });
    (plan, outcomes)
}

fn plan(options: &Options, set: Set) -> Plan {
    Plan {
        binary: options.crossdock.clone(),
        set,
        // Each its own faults, all from one number.
        seed: options.seed * 10 + set as u64,
        length: Duration::from_secs(options.seconds),
        round: Duration::from_secs(options.round.min(options.seconds)),
        pause: Duration::from_millis(options.pause_ms),
        rate: options.rate,
    }
}
