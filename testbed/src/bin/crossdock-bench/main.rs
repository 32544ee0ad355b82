//! crossdock against MirrorMaker 2, taking turns on real brokers of this machine.
//!
//! One source topic of 6 partitions with N records of 200 B, written by Kafka's own
//! ProducerPerformance. Each run has a new target broker, so that neither system finds anything of
//! an earlier run there. crossdock copies exactly once, MirrorMaker 2 as it does by default (at
//! least once). Told are the medians of the rounds.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program for people: the table is its output, progress goes to stderr"
)]

mod measure;
mod report;
mod systems;

use std::path::PathBuf;

use crossdock_testbed::admin;
use crossdock_testbed::broker::Broker;
use crossdock_testbed::jars::{self, Tuning};

use measure::Run;
use systems::{Crossdock, MirrorMaker, System};

/// What is measured; all of it can be said on the command line.
struct Options {
    records: u64,
    size: u32,
    partitions: usize,
    rounds: usize,
    crossdock: PathBuf,
    out: PathBuf,
}

const USAGE: &str = "crossdock-bench [--records 3000000] [--size 200] [--partitions 6] \
                     [--rounds 3] [--crossdock target/release/crossdock] [--out target/bench.json]";

fn main() {
    let options = match options() {
        Ok(options) => options,
        Err(what) => {
            eprintln!("{what}\n{USAGE}");
            std::process::exit(2);
        }
    };
    eprintln!(
        "starting the source, writing {} records to it",
        options.records
    );
    let source = broker();
    admin::create_topic(&source.bootstrap(), "orders", options.partitions, &[]);
    fill(&source, &options);
    let crossdock = Crossdock {
        binary: options.crossdock.clone(),
    };
    let systems: [&dyn System; 2] = [&crossdock, &MirrorMaker];
    let mut runs: Vec<Run> = Vec::new();
    for round in 1..=options.rounds {
        for system in systems {
            let target = broker();
            let run = measure::run(system, &source, &target, options.records);
            eprintln!("round {round}: {}", report::line(&run));
            runs.push(run);
        }
    }
    println!(
        "{}",
        report::table(&runs, options.records, options.size, options.partitions)
    );
    let json = report::json(&runs, options.records, options.size, options.partitions);
    if let Err(error) = std::fs::write(&options.out, json) {
        eprintln!("{}: {error}", options.out.display());
        std::process::exit(3);
    }
    // A copy that is not exact makes every other number worthless.
    if runs
        .iter()
        .any(|r| r.system == "crossdock" && r.found != options.records)
    {
        std::process::exit(1);
    }
}

fn options() -> Result<Options, String> {
    let mut options = Options {
        records: 3_000_000,
        size: 200,
        partitions: 6,
        rounds: 3,
        crossdock: "target/release/crossdock".into(),
        out: "target/bench.json".into(),
    };
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        let value = arguments
            .next()
            .ok_or_else(|| format!("{name} wants a value"))?;
        let number = || {
            value
                .parse::<u32>()
                .map_err(|e| format!("{name} {value}: {e}"))
        };
        match name.as_str() {
            "--records" => options.records = number()?.into(),
            "--size" => options.size = number()?,
            "--partitions" => options.partitions = number()? as usize,
            "--rounds" => options.rounds = number()? as usize,
            "--crossdock" => options.crossdock = value.into(),
            "--out" => options.out = value.into(),
            _ => return Err(format!("unknown: {name}")),
        }
    }
    Ok(options)
}

fn broker() -> Broker {
    Broker::start_as("1g", Tuning::Throughput, &[])
}

fn fill(source: &Broker, options: &Options) {
    let status = jars::java("512m", Tuning::Throughput)
        .args([
            "org.apache.kafka.tools.ProducerPerformance",
            "--topic",
            "orders",
        ])
        .args(["--num-records", &options.records.to_string()])
        .args(["--record-size", &options.size.to_string()])
        .args(["--throughput", "-1", "--producer-props"])
        .arg(format!("bootstrap.servers={}", source.bootstrap()))
        .args([
            "compression.type=lz4",
            "batch.size=65536",
            "linger.ms=20",
            "acks=all",
        ])
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .status();
    assert!(
        status.is_ok_and(|s| s.success()),
        "ProducerPerformance failed"
    );
}
