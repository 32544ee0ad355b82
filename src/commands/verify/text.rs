//! A report for people: a table, the first differences, what was excused, and the verdict.

use crossdock_model::verify::{Difference, Kind};

use crate::output;
use crate::verify::{Line, Options, Report, Stretch};

const HEADS: [&str; 9] = [
    "EDGE",
    "PARTITION",
    "TARGET TOPIC",
    "COMPARED",
    "MISSING",
    "DUPLICATED",
    "REORDERED",
    "ALTERED",
    "UNEXPECTED",
];

/// The report.
pub(super) fn report(report: &Report, options: &Options) -> String {
    let rows: Vec<Vec<String>> = report.partitions.iter().map(cells).collect();
    let mut text = output::table(&HEADS, &rows);
    let differences: Vec<String> = report.partitions.iter().flat_map(differences).collect();
    if !differences.is_empty() {
        text += "\nFirst differences, by source and target offsets:\n";
        text += &differences.concat();
    }
    let excused: Vec<String> = report.partitions.iter().flat_map(excused).collect();
    if !excused.is_empty() {
        text += "\nNo differences:\n";
        text += &excused.concat();
    }
    text + "\n" + &verdict(report) + &proved(report, options)
}

fn cells(line: &Line) -> Vec<String> {
    let mut cells = vec![
        line.edge.clone(),
        format!("{}-{}", line.topic, line.partition),
        line.target_topic.clone(),
        line.row.compared.to_string(),
    ];
    cells.extend(Kind::ALL.map(|kind| line.row.count(kind).to_string()));
    cells
}

fn place(line: &Line) -> String {
    format!("  {} {}-{}: ", line.edge, line.topic, line.partition)
}

fn differences(line: &Line) -> Vec<String> {
    let shown = line.row.first.iter();
    let mut told: Vec<String> = shown
        .map(|difference| place(line) + &difference_text(difference))
        .collect();
    let all: u64 = Kind::ALL.iter().map(|kind| line.row.count(*kind)).sum();
    let more = all.saturating_sub(line.row.first.len() as u64);
    if more > 0 {
        told.push(format!("{}and {more} more\n", place(line)));
    }
    told
}

fn difference_text(difference: &Difference) -> String {
    let mut text = difference.kind.as_str().to_owned();
    if let Some(what) = &difference.what {
        text += &format!(" {what}");
    }
    match (difference.source_offset, difference.target_offset) {
        (Some(source), Some(target)) => text += &format!(": {source} -> {target}"),
        (Some(source), None) => text += &format!(": {source}"),
        (None, Some(target)) => text += &format!(": -> {target}"),
        (None, None) => {}
    }
    text + "\n"
}

fn excused(line: &Line) -> Vec<String> {
    let each = line.row.excused.iter();
    each.map(|(excuse, count)| format!("{}{count} {}\n", place(line), excuse.words()))
        .collect()
}

fn verdict(report: &Report) -> String {
    let all = format!(
        "{} records of {} compared",
        report.compared(),
        match report.partitions.len() {
            1 => "1 partition".to_owned(),
            count => format!("{count} partitions"),
        }
    );
    if report.is_equal() {
        return format!("Equal: {all}.\n");
    }
    let found = Kind::ALL.map(|kind| (kind, report.count(kind)));
    let found: Vec<_> = found
        .iter()
        .filter(|(_, count)| *count > 0)
        .map(|(kind, count)| format!("{count} {}", kind.as_str()))
        .collect();
    format!("Different: {}; {all}.\n", found.join(", "))
}

/// A part of the records proves less than all of them.
fn proved(report: &Report, options: &Options) -> String {
    match options.stretch {
        Stretch::Whole => String::new(),
        Stretch::Offsets(..) | Stretch::Times(..) => {
            "Only the given part of each partition was compared.\n".to_owned()
        }
        Stretch::Sample(sample, seed) => {
            let mut text = format!(
                "About {sample} of the records were read, in stretches (--seed {seed} reads the same again), always with the newest ones.\n"
            );
            if report.is_equal() {
                text += &format!(
                    "If more than {} records, anywhere and each by itself, were different, one of them would have been read with a probability of 95%; a few could hide, and so could many next to each other.\n",
                    sample.may_hide()
                );
            }
            text
        }
    }
}
