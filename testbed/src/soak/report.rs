//! One page: what was done, what was found.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::{Outcomes, Plan};
use crate::nemesis::{Count, Counts};
use crate::verdict::Check;

/// A figure of a run.
type Figure<'a> = &'a dyn Fn(&Plan, &Outcomes) -> u64;

/// The page, in Markdown.
pub fn page(runs: &[(Plan, Outcomes)]) -> String {
    let mut text = String::new();
    // Writing to a String does not fail.
    write_page(&mut text, runs).ok();
    text
}

fn write_page(text: &mut String, runs: &[(Plan, Outcomes)]) -> std::fmt::Result {
    let kills = |faults: &Counts, kinds: &[&str]| -> u64 {
        let of = |kind: &&str| faults.get(*kind).map_or(0, |count| count.done);
        kinds.iter().map(of).sum()
    };
    let rows: [(&str, Figure<'_>); 19] = [
        ("seed", &|plan, _| plan.seed),
        ("seconds", &|_, o| o.took.as_secs()),
        ("rounds", &|_, o| o.rounds.into()),
        ("records written by users", &|_, o| o.written),
        ("records of aborted transactions of users", &|_, o| {
            o.aborted
        }),
        ("records of unknown outcome", &|_, o| o.unknown),
        ("copies compared", &|_, o| o.copies),
        ("records that users' producers wrote twice", &|_, o| {
            o.doubled
        }),
        ("transactions of users, aborted", &|_, o| o.of_users.aborted),
        ("transactions of edges, committed", &|_, o| {
            o.of_edges.committed
        }),
        ("transactions of edges, aborted", &|_, o| o.of_edges.aborted),
        ("processes killed", &|_, o| {
            kills(&o.faults, &["crossdock killed (SIGKILL)"])
        }),
        ("brokers killed", &|_, o| {
            kills(
                &o.faults,
                &["broker killed (SIGKILL)", "coordinator killed (SIGKILL)"],
            )
        }),
        ("networks cut", &|_, o| kills(&o.faults, &["network cut"])),
        ("slowest catching up, seconds", &|_, o| o.slowest.as_secs()),
        ("**lost**", &|_, o| found(o, &[Check::Completeness])),
        ("**duplicated**", &|_, o| found(o, &[Check::Duplicate])),
        ("**reordered**", &|_, o| found(o, &[Check::Order])),
        ("**anything else**", &|_, o| {
            let named = [Check::Completeness, Check::Duplicate, Check::Order];
            o.violations.len() as u64 - found(o, &named) + u64::from(o.failure.is_some())
        }),
    ];
    let names: Vec<&str> = runs.iter().map(|(plan, _)| plan.set.name()).collect();
    writeln!(text, "| | {} | all |", names.join(" | "))?;
    writeln!(text, "|---|{}---:|", "---:|".repeat(runs.len()))?;
    for (name, value) in rows {
        let each: Vec<u64> = runs.iter().map(|(p, o)| value(p, o)).collect();
        let all = match name {
            "seed" => String::new(),
            "slowest catching up, seconds" => each.iter().max().unwrap_or(&0).to_string(),
            _ => each.iter().sum::<u64>().to_string(),
        };
        let each: Vec<String> = each.iter().map(u64::to_string).collect();
        writeln!(text, "| {name} | {} | {all} |", each.join(" | "))?;
    }
    write_faults(text, runs, &names)?;
    for (plan, outcomes) in runs {
        let name = plan.set.name();
        if let Some(failure) = &outcomes.failure {
            writeln!(text, "\n{name}: did not come to its end: {failure}")?;
        }
        for (round, violation) in outcomes.violations.iter().take(10) {
            let (check, what) = (violation.check, &violation.text);
            writeln!(text, "\n{name}, round {round}: {check:?}: {what}")?;
        }
    }
    Ok(())
}

fn found(outcomes: &Outcomes, checks: &[Check]) -> u64 {
    let all = outcomes.violations.iter();
    all.filter(|(_, v)| checks.contains(&v.check)).count() as u64
}

/// Each kind of fault: how often, and how often while a transaction of an edge was open.
fn write_faults(text: &mut String, runs: &[(Plan, Outcomes)], names: &[&str]) -> std::fmt::Result {
    writeln!(
        text,
        "\n| fault (of them in an open transaction) | {} | all |",
        names.join(" | ")
    )?;
    writeln!(text, "|---|{}---:|", "---:|".repeat(runs.len()))?;
    let mut kinds = BTreeMap::<&str, Vec<Count>>::new();
    for (index, (_, outcomes)) in runs.iter().enumerate() {
        for (kind, count) in &outcomes.faults {
            kinds
                .entry(kind)
                .or_insert_with(|| vec![Count::default(); runs.len()])[index] = *count;
        }
    }
    let show = |count: &Count| format!("{} ({})", count.done, count.in_transaction);
    let sum = |counts: &[Count]| Count {
        done: counts.iter().map(|count| count.done).sum(),
        in_transaction: counts.iter().map(|count| count.in_transaction).sum(),
    };
    for (kind, counts) in &kinds {
        let each: Vec<String> = counts.iter().map(show).collect();
        writeln!(
            text,
            "| {kind} | {} | {} |",
            each.join(" | "),
            show(&sum(counts))
        )?;
    }
    let columns: Vec<Vec<Count>> = (0..runs.len())
        .map(|index| kinds.values().map(|counts| counts[index]).collect())
        .collect();
    let each: Vec<Count> = columns.iter().map(|column| sum(column)).collect();
    let shown: Vec<String> = each.iter().map(show).collect();
    writeln!(
        text,
        "| all | {} | {} |",
        shown.join(" | "),
        show(&sum(&each))
    )
}
