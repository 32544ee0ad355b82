//! `verify --repair`: tells what is missing and what could be done about it, asks, and does it.

use crossdock_model::topology::Topology;

use super::text;
use crate::commands::confirm;
use crate::exit::{Failure, Outcome, Verdict};
use crate::output;
use crate::progress::Progress;
use crate::verify::repair::{Proposal, propose, send};
use crate::verify::{Item, Options, Report, run_items, survey};

/// Repairs what `report` of `items` says is missing, after a yes; the verdict is that of a new look.
///
/// # Errors
/// A cluster does not answer, or refuses.
pub(super) fn main(
    topology: &Topology,
    options: &Options,
    (items, report): (&[Item], &Report),
    yes: bool,
) -> Outcome {
    let proposals = propose(items, report).map_err(Failure::cluster)?;
    if proposals.is_empty() {
        output::say(if report.is_equal() {
            "Nothing is missing: there is nothing to send again."
        } else {
            "Nothing is missing: only missing records can be sent again. What is duplicated, reordered, altered or unexpected stays in the log until retention takes it."
        });
        return Ok(Verdict::found(!report.is_equal()));
    }
    output::say(&told(&proposals));
    let count: usize = proposals.iter().map(|p| p.send.len()).sum();
    if count == 0 || (!yes && !confirm(&format!("{count} records would be sent again."))?) {
        return Ok(Verdict::Found);
    }
    let progress = Progress::new("look again", "offsets", 0);
    let sent = send(topology, &proposals, &progress).map_err(Failure::cluster)?;
    progress.finish();
    output::say(&format!("{sent} records were sent again."));
    let items = survey(topology, options).map_err(Failure::cluster)?;
    let progress = Progress::new("verify", "offsets", 0);
    let report = run_items(topology, &items, options, &progress).map_err(Failure::cluster)?;
    output::data(&text::report(&report, options))?;
    Ok(Verdict::found(!report.is_equal()))
}

fn told(proposals: &[Proposal]) -> String {
    let mut text = "\nTo be sent again (a log is only appended to: they come after their neighbours, never after a later record of their key):\n".to_owned();
    for proposal in proposals {
        let item = &proposal.item;
        let place = format!(
            "  {} {}-{}: ",
            item.edge.name, item.twin.source_topic, item.twin.partition
        );
        text += &format!("{place}{}\n", listed(&proposal.send));
        if !proposal.overtaken.is_empty() {
            text += &format!(
                "{place}not {}: a later record of the same key has been copied, and an old value must not follow a newer one\n",
                listed(&proposal.overtaken)
            );
        }
    }
    text
}

/// `3 records: 5-6, 9`
fn listed(offsets: &[i64]) -> String {
    let mut runs: Vec<(i64, i64)> = Vec::new();
    for offset in offsets {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == *offset => *last = *offset,
            _ => runs.push((*offset, *offset)),
        }
    }
    let shown = runs.iter().take(10).map(|(from, to)| match from == to {
        true => from.to_string(),
        false => format!("{from}-{to}"),
    });
    let shown = shown.collect::<Vec<_>>().join(", ");
    let more = if runs.len() > 10 { ", …" } else { "" };
    match offsets.len() {
        0 => "no record".to_owned(),
        1 => format!("1 record: {shown}"),
        count => format!("{count} records: {shown}{more}"),
    }
}
