//! One run: what arrives at the target, and what the process takes for it.

use std::fs;
use std::process::Child;
use std::time::{Duration, Instant};

use crossdock_testbed::broker::{Broker, tail};
use crossdock_testbed::dump::Watch;
use crossdock_testbed::{dump, spawn, workdir};

use crate::systems::{Crossdock, System};

/// How long a run may go without anything new.
const PATIENCE: Duration = Duration::from_secs(120);

/// Nothing more comes after this pause: the last record was the last.
const QUIET: Duration = Duration::from_secs(3);

/// What one run took.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    /// The system's name.
    pub(crate) system: &'static str,
    /// Records at the target, read back one by one after the run.
    pub(crate) found: u64,
    /// Per second, from the first to the last record at the target.
    pub(crate) records_per_second: f64,
    /// CPU of the whole process, from its start to the last record.
    pub(crate) cpu_micros_per_record: f64,
    /// The same from the first record on: without what starting costs.
    pub(crate) copying_cpu_micros_per_record: f64,
    /// Most memory it ever had (VmHWM).
    pub(crate) memory_mb: f64,
    /// From the start of the process to the first record.
    pub(crate) first_after: Duration,
}

/// What was seen at one moment.
#[derive(Clone, Copy)]
struct Seen {
    at: Instant,
    end: i64,
    cpu: f64,
}

/// Runs `system` from `source` to `target` until `records` have arrived and nothing more comes.
pub(crate) fn run(system: &dyn System, source: &Broker, target: &Broker, records: u64) -> Run {
    let folder = workdir::new_folder("run");
    let start = Instant::now();
    let mut process = system.start(source, target, &folder);
    let watch = Watch::new(&target.bootstrap());
    let (mut first, mut last): (Option<Seen>, Option<Seen>) = (None, None);
    let (mut cpu, mut memory) = (0.0, 0.0);
    loop {
        // Read while it lives: of one that has ended only the last reading is left.
        if let Some(now) = cpu_seconds(process.id()) {
            cpu = now;
        }
        if let Some(now) = peak_memory_mb(process.id()) {
            memory = now;
        }
        let seen = Seen {
            at: Instant::now(),
            end: watch.end_sum(system.target_topic()),
            cpu,
        };
        if seen.end > last.map_or(0, |l| l.end) {
            first = first.or(Some(seen));
            last = Some(seen);
        }
        let quiet = last.map_or(start, |l| l.at).elapsed();
        let complete = last.is_some_and(|l| l.end >= records.cast_signed());
        if (complete && quiet > QUIET) || quiet > PATIENCE {
            break;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    end(&mut process);
    let (Some(first), Some(last)) = (first, last) else {
        panic!(
            "{} copied nothing:\n{}",
            system.name(),
            tail(&folder.join("log"), 20)
        );
    };
    let found = dump::count(&target.bootstrap(), system.target_topic());
    let seconds = (last.at - first.at).as_secs_f64();
    let copied = (last.end - first.end) as f64;
    Run {
        system: system.name(),
        found,
        // What was there when it was first seen had come before that: it does not count.
        records_per_second: copied / seconds * (found as f64 / last.end as f64),
        cpu_micros_per_record: last.cpu * 1e6 / found as f64,
        copying_cpu_micros_per_record: (last.cpu - first.cpu) * 1e6 / copied,
        memory_mb: memory,
        first_after: first.at - start,
    }
}

/// What it took to hold both sides against each other.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Verified {
    /// Records that were compared, each with its copy.
    pub(crate) compared: u64,
    /// From the start of the process to its end.
    pub(crate) seconds: f64,
    /// CPU of the whole process.
    pub(crate) cpu_seconds: f64,
    /// Most memory it ever had.
    pub(crate) memory_mb: f64,
}

/// Runs `crossdock verify`; both sides must come out equal.
pub(crate) fn verify(crossdock: &Crossdock, source: &Broker, target: &Broker) -> Verified {
    let folder = workdir::new_folder("verify");
    let start = Instant::now();
    let mut process = crossdock.verify(source, target, &folder);
    let (mut cpu, mut memory) = (0.0, 0.0);
    let status = loop {
        if let Some(now) = cpu_seconds(process.id()) {
            cpu = now;
        }
        if let Some(now) = peak_memory_mb(process.id()) {
            memory = now;
        }
        if let Some(status) = process.try_wait().expect("a child can be waited for") {
            break status;
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    let seconds = start.elapsed().as_secs_f64();
    let said = fs::read_to_string(folder.join("said")).unwrap_or_default();
    assert!(status.success(), "verify: {said}");
    let report: serde_json::Value = serde_json::from_str(&said).expect("it is JSON");
    let partitions = report["partitions"].as_array().into_iter().flatten();
    Verified {
        compared: partitions.filter_map(|p| p["compared"].as_u64()).sum(),
        seconds,
        cpu_seconds: cpu,
        memory_mb: memory,
    }
}

fn end(process: &mut Child) {
    spawn::signal(process, spawn::Signal::Kill);
    process.wait().expect("a child can be waited for");
}

/// User and system time of a process and the children it has waited for.
fn cpu_seconds(pid: u32) -> Option<f64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The second field is a name in parentheses, which may hold anything.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks: u64 = fields
        .get(11..15)?
        .iter()
        .filter_map(|f| f.parse::<u64>().ok())
        .sum();
    (ticks > 0).then_some(ticks as f64 / 100.0)
}

fn peak_memory_mb(pid: u32) -> Option<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find(|l| l.starts_with("VmHWM:"))?;
    line.split_whitespace()
        .nth(1)?
        .parse::<f64>()
        .ok()
        .map(|kib| kib / 1024.0)
}
