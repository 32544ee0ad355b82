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
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use crossdock_testbed::soak::{Outcomes, Plan, Set, page, run};

struct Options {
    seconds: u64,
    seed: u64,
    sets: Vec<Set>,
    round: u64,
    pause_ms: u64,
    rate: usize,
    crossdock: PathBuf,
    out: PathBuf,
}

fn main() -> ExitCode {
    let options = match options() {
        Ok(options) => options,
        Err(error) => {
            eprintln!("crossdock-soak: {error}");
            return ExitCode::from(2);
        }
    };
    eprintln!("seed {}, {} s", options.seed, options.seconds);
    let soaking: Vec<_> = options
        .sets
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

fn options() -> Result<Options, String> {
    let mut options = Options {
        seconds: 600,
        seed: 1,
        sets: Set::ALL.to_vec(),
        round: 90,
        pause_ms: 4_000,
        rate: 3_000,
        crossdock: "target/release/crossdock".into(),
        out: "target/soak.md".into(),
    };
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        let value = arguments
            .next()
            .ok_or_else(|| format!("{name} wants a value"))?;
        let number = || {
            value
                .parse::<u64>()
                .map_err(|e| format!("{name} {value}: {e}"))
        };
        match name.as_str() {
            "--seconds" => options.seconds = number()?,
            "--seed" => options.seed = number()?,
            "--round" => options.round = number()?,
            "--pause-ms" => options.pause_ms = number()?.max(1),
            "--rate" => options.rate = number()? as usize,
            "--topology" if value == "all" => options.sets = Set::ALL.to_vec(),
            "--topology" => {
                let set = Set::named(&value).ok_or("it is one-way, two-way, star or all")?;
                options.sets = vec![set];
            }
            "--crossdock" => options.crossdock = value.into(),
            "--out" => options.out = value.into(),
            _ => return Err(format!("unknown: {name}")),
        }
    }
    Ok(options)
}
