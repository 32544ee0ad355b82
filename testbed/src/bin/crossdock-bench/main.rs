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

use clap::Parser;
use crossdock_testbed::admin;
use crossdock_testbed::broker::Broker;
use crossdock_testbed::jars::{self, Tuning};

use measure::Run;
use systems::{Crossdock, MirrorMaker, System};

/// crossdock against MirrorMaker 2, taking turns on two real brokers
#[derive(Parser)]
struct Options {
    /// Records in the source topic
    #[arg(long, default_value_t = 3_000_000)]
    records: u64,
    /// Bytes of each
    #[arg(long, default_value_t = 200)]
    size: u32,
    /// Partitions of the topic
    #[arg(long, default_value_t = 6)]
    partitions: usize,
    /// Runs of each system
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Leaves MirrorMaker 2 out
    #[arg(long)]
    crossdock_only: bool,
    /// The crossdock that is measured
    #[arg(long, default_value = "target/release/crossdock")]
    crossdock: PathBuf,
    /// Where the figures go
    #[arg(long, default_value = "target/bench.json")]
    out: PathBuf,
}

fn main() {
    let options = Options::parse();
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
            if run.system == crossdock.name() {
                let verified = measure::verify(&crossdock, &source, &target);
                eprintln!("round {round}: {}", report::verified(&verified));
            }
            runs.push(run);
            if options.crossdock_only {
                break;
            }
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
