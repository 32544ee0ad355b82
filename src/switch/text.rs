//! A switch as it is printed: for people, and as JSON.

use std::collections::BTreeSet;

use crossdock_model::switch::{State, Way};
use serde_json::{Value, json};

use super::Stage;
use crate::clock;

/// Partitions and group positions that a text lists; JSON has all of them.
const LISTED_MAX: usize = 40;

/// The report for programs.
pub fn json(state: &State, stage: &Stage, is_look: bool) -> Value {
    let done = state.done.iter().map(|d| {
        json!({"step": d.step.word(), "at": clock::text(d.at_ms), "evidence": d.evidence, "findings": d.findings})
    });
    json!({
        "switch": state.switch,
        "topology": state.topology,
        "from": state.from,
        "to": state.to,
        "options": state.options,
        "dry_run": is_look,
        "finished": !is_look && state.is_finished(),
        "begun": clock::text(state.begun_ms),
        "took_ms": state.took_ms(),
        "steps": done.collect::<Vec<_>>(),
        "loss": state.loss(),
        "partitions": state.partitions,
        "groups": state.groups,
        "next": next(state, stage),
    })
}

/// The report for people. The steps were told while they were done.
pub fn report(state: &State, stage: &Stage, is_look: bool) -> String {
    let mut text = String::new();
    let (word, file) = (state.switch.word(), &state.topology);
    let what = if is_look {
        "looked at, nothing was changed"
    } else {
        "done"
    };
    text += &format!(
        "{word} of {file} from {} to {}: {what}{}\n",
        state.from,
        state.to,
        state
            .took_ms()
            .map_or_else(String::new, |ms| format!(", in {}", span(ms))),
    );
    recovery_point(&mut text, state);
    partitions(&mut text, state);
    groups(&mut text, state);
    let findings: Vec<&str> = state.findings().collect();
    if !findings.is_empty() {
        text += "\nLook at this:\n";
        findings
            .iter()
            .for_each(|finding| text += &format!("  * {finding}\n"));
    }
    text += "\nNext, by hand:\n";
    for (number, line) in next(state, stage).iter().enumerate() {
        text += &format!("  {}. {line}\n", number + 1);
    }
    text
}

fn recovery_point(text: &mut String, state: &State) {
    if state.switch == Way::Failback && state.partitions.is_empty() {
        return;
    }
    let loss = state.loss();
    let at = |ms: Option<i64>| ms.map_or_else(|| "an unknown time".to_owned(), clock::text);
    let point = match (loss.offsets, state.switch) {
        (Some(0), _) => "nothing was missing: every record was copied".to_owned(),
        (Some(count), Way::Failover) => format!(
            "{count} offsets were not copied, the oldest written at {}, {} before the failover began",
            at(loss.since_ms),
            loss.at_most_ms.map_or_else(|| "?".to_owned(), span)
        ),
        (Some(count), Way::Failback) => format!(
            "{count} offsets had never made it over; they are at {} as they were, and follow to {}",
            state.from, state.to
        ),
        (None, _) => format!(
            "{} cannot be asked; everything up to {} was copied, so at most {} of writes are missing for now",
            state.from,
            at(loss.copied_up_to_ms),
            loss.at_most_ms.map_or_else(|| "?".to_owned(), span)
        ),
    };
    *text += &format!("\nRecovery point: {point}\n");
    if let Some(took) = state.took_ms() {
        *text += &format!(
            "Recovery time: {} from the beginning of the {}\n",
            span(took),
            state.switch.word()
        );
    }
}

fn partitions(text: &mut String, state: &State) {
    if state.partitions.is_empty() {
        return;
    }
    let number = |n: Option<i64>| n.map_or_else(|| "?".to_owned(), |n| n.to_string());
    let time = |ms: Option<i64>| ms.map_or_else(|| "-".to_owned(), clock::text);
    let rows: Vec<[String; 6]> = state
        .partitions
        .iter()
        .take(LISTED_MAX)
        .map(|p| {
            [
                p.edge.clone(),
                format!("{}-{}", p.topic, p.partition),
                number(p.copied_to.or(Some(0))),
                number(p.missing()),
                time(p.copied_up_to_ms),
                time(p.missing_since_ms),
            ]
        })
        .collect();
    let head = [
        "EDGE",
        "PARTITION",
        "COPIED TO",
        "NOT COPIED",
        "NEWEST COPY",
        "MISSING SINCE",
    ];
    *text += &format!("\n{}", table(&head, &rows));
    more(text, state.partitions.len());
}

fn groups(text: &mut String, state: &State) {
    if state.groups.is_empty() {
        return;
    }
    let number = |n: Option<i64>| n.map_or_else(|| "-".to_owned(), |n| n.to_string());
    let rows: Vec<[String; 6]> = state
        .groups
        .iter()
        .take(LISTED_MAX)
        .map(|g| {
            [
                g.group.clone(),
                format!("{}-{}", g.topic, g.partition),
                number(g.stood_at),
                number(g.goes_on_at),
                number(g.repeats_max),
                g.note.clone().unwrap_or_default(),
            ]
        })
        .collect();
    let head = [
        "GROUP",
        "PARTITION",
        "STOOD AT",
        "GOES ON AT",
        "REPEATS AT MOST",
        "NOTE",
    ];
    *text += &format!("\nGroups on {}:\n{}", state.arrival(), table(&head, &rows));
    more(text, state.groups.len());
}

fn more(text: &mut String, count: usize) {
    if count > LISTED_MAX {
        *text += &format!("… and {} more: --format json has all\n", count - LISTED_MAX);
    }
}

/// Columns, each as wide as its longest text; numbers are told by their heads.
fn table<const N: usize>(head: &[&str; N], rows: &[[String; N]]) -> String {
    let mut wide = head.map(str::len);
    for row in rows {
        for (width, text) in wide.iter_mut().zip(row) {
            *width = (*width).max(text.chars().count());
        }
    }
    let line = |cells: Vec<&str>| {
        let padded = cells
            .iter()
            .zip(wide)
            .map(|(cell, width)| format!("{cell:<width$}"));
        let line = padded.collect::<Vec<_>>().join("  ");
        format!("{}\n", line.trim_end())
    };
    let body = rows
        .iter()
        .map(|row| line(row.iter().map(String::as_str).collect()));
    line(head.to_vec()) + &body.collect::<String>()
}

/// What this cannot do itself, with the commands for it.
pub fn next(state: &State, stage: &Stage) -> Vec<String> {
    let (home, away) = (&state.from, &state.to);
    let file = stage.file.display();
    match state.switch {
        Way::Failover => {
            let servers = stage.bootstrap(&stage.away);
            let topics: BTreeSet<String> = state
                .partitions
                .iter()
                .map(|p| renamed(&p.topic, &p.target_topic))
                .collect();
            let groups: BTreeSet<&str> = state.groups.iter().map(|g| g.group.as_str()).collect();
            let mut lines = vec![
                format!(
                    "Stop whatever still writes to {home}: it is not copied any more, and kept there until the failback."
                ),
                format!(
                    "Point clients to {away}: `bootstrap.servers={servers}`, in their configuration, the load balancer, or the DNS name that they use (lower its TTL first)."
                ),
                format!("Topics there: {}.", listed(&topics)),
                format!(
                    "See consumers go on: `kafka-consumer-groups.sh --bootstrap-server {servers} --describe --all-groups`."
                ),
                format!(
                    "Look after room and load: `kafka-log-dirs.sh --bootstrap-server {servers} --describe`."
                ),
                format!(
                    "Tell the teams of {} and of these topics that they are on {away} since {}.",
                    match groups.is_empty() {
                        true => "all consumers".to_owned(),
                        false => format!(
                            "groups {}",
                            groups.into_iter().collect::<Vec<_>>().join(", ")
                        ),
                    },
                    clock::text(state.ended_ms().unwrap_or(state.begun_ms))
                ),
            ];
            lines.push(match state.options.for_good {
                true => format!("This was for good: take the edges out of {home} out of {file}, then switch {home} off."),
                false => format!("Prepare the way back, when {home} is there again: `crossdock failback {file} --from {home} --to {away} --dry-run`."),
            });
            lines
        }
        Way::Failback => {
            let servers = stage.bootstrap(&stage.home);
            vec![
                format!("Point clients to {home} again: `bootstrap.servers={servers}`."),
                format!(
                    "See consumers go on: `kafka-consumer-groups.sh --bootstrap-server {servers} --describe --all-groups`."
                ),
                format!(
                    "If anybody still wrote to {away} meanwhile: run `crossdock failback {file} --from {home} --to {away}` once more; it brings just that."
                ),
                format!("Keep an eye on it: `crossdock verify {file}`."),
            ]
        }
    }
}

fn renamed(topic: &str, target: &str) -> String {
    match topic == target {
        true => topic.to_owned(),
        false => format!("{target} (was {topic})"),
    }
}

fn listed(all: &BTreeSet<String>) -> String {
    let all: Vec<String> = all.iter().cloned().collect();
    super::ready::some(&all)
}

/// The steps of a switch that was done before, as they were recorded.
pub fn recorded(state: &State) -> String {
    let mut text = String::new();
    for step in state.steps() {
        if let Some(done) = state.done(step) {
            text += &format!(
                "  {} {}: {}\n",
                clock::text(done.at_ms),
                step.word(),
                done.evidence.join("; ")
            );
        }
    }
    text
}

/// Milliseconds for people: `4.2 s`, `3 min 20 s`.
fn span(ms: i64) -> String {
    let seconds = ms / 1000;
    match seconds {
        0..60 => format!("{seconds}.{} s", ms % 1000 / 100),
        60..7_200 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}
