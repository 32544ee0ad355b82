//! What was found, for people.

use std::fmt::Write;

use serde_json::Value;

use crate::commands::status::table;
use crate::commands::validate::effective;
use crate::load::Checked;
use crate::rollout::{Rollout, text as plan_text};

/// Events that are shown, the latest.
const EVENTS_SHOWN: usize = 20;

pub(super) fn text(whole: &Value, checked: &Checked, rollout: &Rollout) -> String {
    let word = |key: &str| whole[key].as_str().unwrap_or_default();
    let mut text = format!(
        "crossdock {} with librdkafka {} on {}, {}\ntopology {}: {} edges\n\n",
        word("crossdock"),
        word("librdkafka"),
        word("system"),
        word("at"),
        word("topology"),
        rollout.topology.edges().len()
    );
    for each in whole["clusters"].as_array().into_iter().flatten() {
        cluster(&mut text, each);
    }
    text += "\nwhat the file gives; every setting in force is in --format json\n";
    text += &effective::given(checked);
    text += "\n";
    for finding in &rollout.plan.findings {
        text += &plan_text::finding(finding, false);
    }
    text += &plan_text::summary(&rollout.plan);
    text += "\n";
    running(&mut text, &whole["running"]);
    text
}

fn cluster(text: &mut String, cluster: &Value) {
    let alias = cluster["cluster"].as_str().unwrap_or_default();
    if let Some(error) = cluster["error"].as_str() {
        writeln!(text, "cluster {alias}: {error}").ok();
        return;
    }
    let words = |list: &Value| {
        let words: Vec<_> = list.as_array()?.iter().filter_map(Value::as_str).collect();
        Some(words.join(", "))
    };
    writeln!(
        text,
        "cluster {alias}: id {}, {} topics; {} may {}",
        cluster["id"].as_str().unwrap_or_default(),
        cluster["topics"],
        cluster["principal"].as_str().unwrap_or_default(),
        words(&cluster["may"]).unwrap_or_else(|| "do what is not told".to_owned())
    )
    .ok();
    for broker in cluster["brokers"].as_array().into_iter().flatten() {
        let answers = match broker["round_trip_ms"].as_f64() {
            Some(ms) => format!("answers in {ms:.1} ms"),
            None => broker["error"].as_str().unwrap_or_default().to_owned(),
        };
        let address = broker["address"].as_str().unwrap_or_default();
        writeln!(text, "  broker {} at {address}: {answers}", broker["id"]).ok();
    }
    if let Some(ahead) = cluster["newest_record_ahead_seconds"].as_f64() {
        match ahead > 0.0 {
            true => writeln!(
                text,
                "  newest record: {ahead:.1} s in the future: its producer's clock is ahead of this one"
            ),
            false => writeln!(text, "  newest record: {:.1} s old", -ahead),
        }
        .ok();
    }
}

fn running(text: &mut String, running: &Value) {
    if let Some(error) = running["error"].as_str() {
        writeln!(text, "no running one: {error}").ok();
        return;
    }
    if let Some(ahead) = running["clock_ahead_seconds"].as_i64() {
        // It tells whole seconds.
        if ahead.abs() > 1 {
            writeln!(
                text,
                "the running one's clock is {ahead} s ahead of this one"
            )
            .ok();
        }
    }
    *text += &table::text(&running["status"], true);
    let events = running["events"].as_array().map_or(&[][..], Vec::as_slice);
    if !events.is_empty() {
        *text += "\nwhat happened lately\n";
    }
    for event in &events[events.len().saturating_sub(EVENTS_SHOWN)..] {
        let at = jiff::Timestamp::from_second(event["at_ms"].as_i64().unwrap_or(0) / 1000);
        let at = at.unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        let word = |key: &str| event[key].as_str().unwrap_or_default();
        writeln!(text, "  {at} {}: {}", word("edge"), word("text")).ok();
    }
}
