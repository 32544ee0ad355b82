//! A plan as people read it.

use std::fmt::Write;

use bytesize::ByteSize;
use crossdock_model::finding::Severity;
use crossdock_model::plan::{Change, Code, EdgePlan, Finding, Plan, Start, TopicPlan};

/// Partitions of a topic whose offsets are shown one by one.
const PARTITIONS_SHOWN: usize = 12;

/// Consumer groups of an edge that are shown.
const GROUPS_SHOWN: usize = 20;

/// Marks: what is made, what changes, what goes or stays behind.
#[derive(Clone, Copy)]
enum Mark {
    Add,
    Change,
    Leave,
}

/// The whole plan.
pub fn plan(plan: &Plan, in_colour: bool) -> String {
    let mut text = String::new();
    let mut rest: Vec<&Change> = plan.changes.iter().collect();
    let tell = |text: &mut String, changes: &[&Change]| {
        for change in changes {
            let (mark, lines) = describe(change);
            line(text, mark, &lines, in_colour);
        }
    };
    for each in &plan.edges {
        if !text.is_empty() && !text.ends_with("\n\n") {
            text.push('\n');
        }
        edge(&mut text, each);
        // What several edges need is told with the first of them.
        let (its, others): (Vec<_>, Vec<_>) = rest.into_iter().partition(|c| is_for(c, each));
        tell(&mut text, &its);
        rest = others;
    }
    tell(&mut text, &rest);
    let (behind, others): (Vec<_>, Vec<_>) = plan
        .findings
        .iter()
        .partition(|f| f.code == Code::LeftBehind);
    for finding in behind {
        let lines = [finding.message.clone(), format!("    {}", finding.help)];
        line(&mut text, Mark::Leave, &lines, in_colour);
    }
    if !text.is_empty() && !text.ends_with("\n\n") {
        text.push('\n');
    }
    for finding in others {
        text.push_str(&self::finding(finding, in_colour));
    }
    text.push_str(&summary(plan));
    text
}

/// Whether a change is made for what an edge writes.
fn is_for(change: &Change, edge: &EdgePlan) -> bool {
    let topic = match change {
        Change::CreateTopic { topic, .. }
        | Change::AddPartitions { topic, .. }
        | Change::SetConfigs { topic, .. } => topic,
        Change::CreateAcl { acl, .. } => &acl.topic,
        Change::Publish { .. } => return false,
    };
    *change.cluster() == edge.target && edge.topics.iter().any(|t| t.target_topic == *topic)
}

/// One line on what there is to do.
pub fn summary(plan: &Plan) -> String {
    let made = |c: &&Change| !matches!(c, Change::AddPartitions { .. } | Change::SetConfigs { .. });
    let creates = plan.changes.iter().filter(made).count();
    let changes = plan.changes.len() - creates;
    let count = |severity| {
        plan.findings
            .iter()
            .filter(|f| f.severity == severity)
            .count()
    };
    let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
    let todo = if plan.changes.is_empty() {
        "No changes: the clusters are as the topology wants them".to_owned()
    } else {
        format!("Plan: {creates} to create, {changes} to change, 0 to delete")
    };
    format!("{todo}; {errors} errors, {warnings} warnings.\n")
}

/// A change in words, the first line and those below it.
pub fn describe_change(change: &Change) -> String {
    describe(change).1.remove(0)
}

/// A change in words, with all that belongs to it, on one line.
pub fn describe_in_full(change: &Change) -> String {
    let mut lines = describe(change).1.into_iter();
    let first = lines.next().unwrap_or_default();
    let rest: Vec<String> = lines.map(|line| line.trim().to_owned()).collect();
    match rest.is_empty() {
        true => first,
        false => format!("{first} {}", rest.join(", ")),
    }
}

fn describe(change: &Change) -> (Mark, Vec<String>) {
    match change {
        Change::CreateTopic {
            cluster,
            topic,
            partitions,
            replication_factor,
            configs,
        } => {
            let replicas = replication_factor
                .map_or_else(|| format!("the default of `{cluster}`"), |n| n.to_string());
            let mut lines = vec![format!(
                "topic {topic} on `{cluster}`: {partitions} partitions, replication factor: {replicas}"
            )];
            lines.extend(
                configs
                    .iter()
                    .map(|(key, value)| format!("    {key} = {value}")),
            );
            (Mark::Add, lines)
        }
        Change::AddPartitions {
            cluster,
            topic,
            from,
            to,
        } => (
            Mark::Change,
            vec![format!(
                "topic {topic} on `{cluster}`: partitions {from} -> {to}"
            )],
        ),
        Change::SetConfigs {
            cluster,
            topic,
            configs,
        } => {
            let mut lines = vec![format!("topic {topic} on `{cluster}`: configs")];
            lines.extend(configs.iter().map(|(key, change)| {
                let from = change.from.as_deref().unwrap_or("unknown");
                format!("    {key}: {from} -> {}", change.to)
            }));
            (Mark::Change, lines)
        }
        Change::CreateAcl { cluster, acl } => (
            Mark::Add,
            vec![format!(
                "ACL of topic {} on `{cluster}`: {} {} {} from {}",
                acl.topic, acl.permission, acl.principal, acl.operation, acl.host
            )],
        ),
        Change::Publish {
            cluster, revision, ..
        } => (
            Mark::Add,
            vec![format!(
                "revision {revision} of the topology on `{cluster}`"
            )],
        ),
    }
}

fn line(text: &mut String, mark: Mark, lines: &[String], in_colour: bool) {
    let (sign, colour) = match mark {
        Mark::Add => ('+', 32),
        Mark::Change => ('~', 33),
        Mark::Leave => ('-', 31),
    };
    let (on, off) = paint(colour, in_colour);
    for (number, line) in lines.iter().enumerate() {
        let sign = if number == 0 { sign } else { ' ' };
        writeln!(text, "{on}{sign} {line}{off}").ok();
    }
}

fn paint(colour: u8, in_colour: bool) -> (String, &'static str) {
    if in_colour {
        (format!("\u{1b}[{colour}m"), "\u{1b}[0m")
    } else {
        (String::new(), "")
    }
}

fn edge(text: &mut String, edge: &EdgePlan) {
    let state = match (&edge.carries_over, edge.enabled) {
        (_, false) => "disabled".to_owned(),
        _ if let Some(since) = &edge.fenced => {
            format!("fenced by a failover since {since}: it stands until the failback")
        }
        (Some(old), _) => format!("takes over the progress of {old}"),
        (None, _) if edge.has_run => "has run before".to_owned(),
        (None, _) => "first run".to_owned(),
    };
    let EdgePlan {
        name,
        source,
        target,
        ..
    } = edge;
    writeln!(text, "edge {name}: {source} -> {target}, {state}").ok();
    for each in &edge.topics {
        topic(text, each);
    }
    if !edge.groups.is_empty() {
        writeln!(text, "  groups in sync: {}", edge.groups.join(", ")).ok();
        for group in edge.consumer_groups.iter().take(GROUPS_SHOWN) {
            let what = match group.excluded {
                Some(why) => format!("left out, {why}"),
                None => format!("{} partitions", group.partitions),
            };
            writeln!(text, "    {}: {what}", group.group).ok();
        }
        let more = edge.consumer_groups.len().saturating_sub(GROUPS_SHOWN);
        if more > 0 {
            writeln!(text, "    and {more} more").ok();
        }
    }
    let mut total = amount(edge.records, edge.bytes, edge.sampled);
    if let Some(seconds) = edge.seconds_at_limit {
        write!(total, ", at least {seconds} s at its limit").ok();
    }
    writeln!(text, "  to copy: {total}\n").ok();
}

fn topic(text: &mut String, topic: &TopicPlan) {
    let there = match (&topic.was, topic.target_exists, topic.is_held) {
        (Some(was), _, _) => format!(" (was {was})"),
        (None, true, _) => String::new(),
        (None, false, true) => " (made when a first record passes)".to_owned(),
        (None, false, false) => " (new)".to_owned(),
    };
    let TopicPlan {
        topic: name,
        target_topic,
        partitions,
        ..
    } = topic;
    let (count, amount) = (
        partitions.len(),
        amount(topic.records, topic.bytes, topic.sampled),
    );
    writeln!(
        text,
        "  {name} -> {target_topic}{there}: {count} partitions, {amount}"
    )
    .ok();
    for p in partitions.iter().take(PARTITIONS_SHOWN) {
        let (number, start, end) = (p.partition, p.start_offset, p.end_offset);
        let from = match p.start {
            None => format!("from offset {start}"),
            Some(Start::LastCopy) => {
                format!("from offset {start}, behind the last copy at the target")
            }
            Some(Start::ProgressLost) => {
                "halts, its progress is lost (`crossdock offsets --set` decides)".to_owned()
            }
            Some(Start::Recreated) => {
                "halts, the topic was created again (`on_recreated: restart` begins with the new one)"
                    .to_owned()
            }
            Some(Start::Restarted) => {
                format!("from offset {start}, the beginning of the topic that was created again")
            }
            Some(Start::Gap) => {
                "halts, records behind its progress are gone at the source (`on_gap: continue` goes on)"
                    .to_owned()
            }
            Some(Start::BehindGap) => {
                format!("from offset {start}, behind records that are gone at the source")
            }
        };
        writeln!(text, "    partition {number}: {from}, end {end}").ok();
    }
    if count > PARTITIONS_SHOWN {
        writeln!(text, "    and {} more", count - PARTITIONS_SHOWN).ok();
    }
}

fn amount(records: i64, bytes: Option<u64>, sampled: u64) -> String {
    match bytes.filter(|b| *b > 0) {
        Some(bytes) => format!(
            "{records} records, about {} ({sampled} sampled)",
            ByteSize(bytes)
        ),
        None => format!("{records} records"),
    }
}

/// One finding, with its help.
pub fn finding(finding: &Finding, in_colour: bool) -> String {
    let (word, colour) = match finding.severity {
        Severity::Error => ("error", 31),
        Severity::Warning => ("warning", 33),
        Severity::Note => ("note", 36),
    };
    let (on, off) = paint(colour, in_colour);
    let edge = finding.edge.as_ref().map(|e| format!("edge {e}: "));
    let edge = edge.unwrap_or_default();
    let Finding {
        code,
        message,
        help,
        ..
    } = finding;
    format!("{on}{word}[{code}]{off}: {edge}{message}\n  = help: {help}\n\n")
}
