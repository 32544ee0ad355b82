//! The numbers as a person reads them, and as a program does.

use crate::measure::{Run, Verified};

/// What a column is called, what it tells of a run, and with how many decimals.
type Column = (&'static str, fn(&Run) -> f64, usize);

const COLUMNS: [Column; 5] = [
    ("records/s", |r| r.records_per_second, 0),
    ("CPU µs/record", |r| r.cpu_micros_per_record, 2),
    ("of it copying", |r| r.copying_cpu_micros_per_record, 2),
    ("peak memory MB", |r| r.memory_mb, 0),
    ("first record s", |r| r.first_after.as_secs_f64(), 1),
];

/// One run in a line.
pub(crate) fn line(run: &Run) -> String {
    let cells: Vec<String> = COLUMNS
        .iter()
        .map(|(name, of, digits)| format!("{:.digits$} {name}", of(run)))
        .collect();
    format!(
        "{}: {}, {} records at the target",
        run.system,
        cells.join(", "),
        run.found
    )
}

/// A comparison in a line.
pub(crate) fn verified(verified: &Verified) -> String {
    let Verified {
        compared,
        seconds,
        cpu_seconds,
        memory_mb,
    } = verified;
    let records = *compared as f64;
    format!(
        "crossdock verify: {compared} records in {seconds:.1} s, {:.2} CPU µs/record, {:.0} records/s of a core, {memory_mb:.0} MB",
        cpu_seconds * 1e6 / records,
        records / cpu_seconds
    )
}

/// Medians of both systems, and their ratios.
pub(crate) fn table(runs: &[Run], records: u64, size: u32, partitions: usize) -> String {
    let mut text = format!("\n{records} records of {size} B, {partitions} partitions; medians\n\n");
    text.push_str(&format!("{:16}", ""));
    COLUMNS
        .iter()
        .for_each(|(name, ..)| text.push_str(&format!("{name:>16}")));
    text.push_str("   at the target\n");
    for system in systems(runs) {
        text.push_str(&format!("{system:16}"));
        for (_, of, digits) in COLUMNS {
            text.push_str(&format!("{:>16.digits$}", median(runs, system, of)));
        }
        let found: Vec<String> = runs
            .iter()
            .filter(|r| r.system == system)
            .map(|r| r.found.to_string())
            .collect();
        text.push_str(&format!("   {}\n", found.join(" ")));
    }
    if let [ours, theirs] = systems(runs)[..] {
        text.push_str(&format!("{:16}", "ratio"));
        for (_, of, _) in COLUMNS {
            text.push_str(&format!(
                "{:>16.3}",
                median(runs, ours, of) / median(runs, theirs, of)
            ));
        }
        text.push('\n');
    }
    text
}

/// Every run and the medians.
pub(crate) fn json(runs: &[Run], records: u64, size: u32, partitions: usize) -> String {
    let one = |r: &Run| {
        serde_json::json!({
            "system": r.system,
            "records": r.found,
            "records_per_second": r.records_per_second,
            "cpu_micros_per_record": r.cpu_micros_per_record,
            "copying_cpu_micros_per_record": r.copying_cpu_micros_per_record,
            "peak_memory_mb": r.memory_mb,
            "first_record_after_seconds": r.first_after.as_secs_f64(),
        })
    };
    let ratio = |of: fn(&Run) -> f64| match systems(runs)[..] {
        [ours, theirs] => Some(median(runs, ours, of) / median(runs, theirs, of)),
        _ => None,
    };
    let report = serde_json::json!({
        "records": records,
        "record_bytes": size,
        "partitions": partitions,
        "runs": runs.iter().map(one).collect::<Vec<_>>(),
        "ratio": {
            "records_per_second": ratio(|r| r.records_per_second),
            "cpu_micros_per_record": ratio(|r| r.cpu_micros_per_record),
            "peak_memory_mb": ratio(|r| r.memory_mb),
        },
    });
    format!("{report:#}\n")
}

fn systems(runs: &[Run]) -> Vec<&'static str> {
    let mut names: Vec<&'static str> = Vec::new();
    for run in runs {
        if !names.contains(&run.system) {
            names.push(run.system);
        }
    }
    names
}

fn median(runs: &[Run], system: &str, of: fn(&Run) -> f64) -> f64 {
    let mut values: Vec<f64> = runs.iter().filter(|r| r.system == system).map(of).collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
