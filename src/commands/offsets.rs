//! `crossdock offsets`: translates offsets.

mod group;
mod set;

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::anyhow;
use crossdock_model::edge::Edge;
use crossdock_model::graph::Names;
use crossdock_model::name::EdgeName;
use crossdock_model::topology::Topology;
use serde::Serialize;

use crate::commands::Format;
use crate::connect::Clusters;
use crate::exit::{Failure, Outcome, Verdict};
use crate::stream::Twin;
use crate::translate::{GroupTranslator, Translated, Translator, twin_of_source, twin_of_target};
use crate::{load, logging, output};

/// Translates offsets between source and target, or moves an edge's position
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  crossdock offsets topology.yaml --edge bj-to-sh --topic orders --partition 0 --offset 150
  crossdock offsets topology.yaml --edge bj-to-sh --topic orders --partition 0 --offset 161 --reverse
  crossdock offsets topology.yaml --group billing
  crossdock offsets topology.yaml --edge bj-to-sh --topic orders --partition 0 --offset 150 --set")]
pub struct Args {
    /// The topology file
    pub file: PathBuf,
    /// Name of the edge
    #[arg(long, value_name = "NAME")]
    pub edge: Option<String>,
    /// Topic, by its name where the offset is from
    #[arg(long, value_name = "NAME")]
    pub topic: Option<String>,
    /// Partition
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(i32).range(0..))]
    pub partition: Option<i32>,
    /// Offset to translate; several are answered by a list
    #[arg(long, value_name = "NUMBER", value_delimiter = ',', value_parser = clap::value_parser!(i64).range(0..))]
    pub offset: Vec<i64>,
    /// Translates every position of this consumer group
    #[arg(long, value_name = "NAME", conflicts_with_all = ["topic", "partition", "offset", "set"])]
    pub group: Option<String>,
    /// Asks by target offset and answers the source offset
    #[arg(long, conflicts_with = "set")]
    pub reverse: bool,
    /// Moves the edge's own position there, to copy again or to skip
    #[arg(long)]
    pub set: bool,
    /// Does not ask
    #[arg(long)]
    pub yes: bool,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// One translated offset, as it is printed.
#[derive(Debug, Serialize)]
struct Line {
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<String>,
    edge: String,
    topic: String,
    partition: i32,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_offset: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    target_topic: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    target_offset: Option<i64>,
    exact: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    group_offset: Option<i64>,
    /// Of what lies behind the place of a group: how much it may have read already, at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    repeats_max: Option<i64>,
    /// For people.
    #[serde(skip)]
    note: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

/// Runs the command.
pub fn main(args: Args) -> Outcome {
    logging::start_quietly();
    if let Some(name) = &args.group {
        return group::main(&args, name);
    }
    let (Some(edge), Some(topic), Some(partition), [offset, more @ ..]) =
        (&args.edge, &args.topic, args.partition, &args.offset[..])
    else {
        return Err(Failure::cannot_start(anyhow!(
            "give --edge, --topic, --partition and --offset, or --group"
        )));
    };
    let topology = load::topology(&args.file)?;
    let edge = find_edge(&topology, edge, &args)?;
    let names = Arc::new(Names::new(topology.draft()));
    let twin = if args.reverse {
        twin_of_target(&names, edge, topic, partition)
    } else {
        twin_of_source(&names, edge, topic, partition)
    };
    let twin = twin.map_err(|why| Failure::cannot_start(anyhow!(why)))?;
    if args.set && more.is_empty() {
        return set::set(&topology, edge, &twin.target(), *offset, args.yes);
    } else if args.set {
        return Err(Failure::cannot_start(anyhow!("--set takes one --offset")));
    }
    let asked = Asked {
        offsets: &args.offset,
        is_reverse: args.reverse,
    };
    let lines = translate(&topology, &names, edge, &twin, &asked)?;
    match (args.format, &lines[..]) {
        (Format::Json, [line]) => output::json(line)?,
        (Format::Json, lines) => output::json(&lines)?,
        (Format::Text, lines) => {
            let texts: Vec<_> = lines.iter().map(|line| line.text(args.reverse)).collect();
            output::data(&texts.concat())?;
        }
    }
    Ok(Verdict::found(
        lines.iter().any(|line| line.reason.is_some()),
    ))
}

/// What is to be translated.
struct Asked<'a> {
    offsets: &'a [i64],
    is_reverse: bool,
}

fn find_edge<'t>(topology: &'t Topology, name: &str, args: &Args) -> Result<&'t Edge, Failure> {
    let edge = topology.edge(&EdgeName::new(name)).ok_or_else(|| {
        Failure::cannot_start(anyhow!("no edge `{name}` in {}", args.file.display()))
    })?;
    if !edge.provenance && !args.set {
        return Err(Failure::cannot_start(anyhow!(without_provenance(edge))));
    }
    Ok(edge)
}

fn without_provenance(edge: &Edge) -> String {
    format!(
        "edge {} has `provenance: false`: its records do not say where they were read, so nothing can be translated",
        edge.name
    )
}

fn translate(
    topology: &Topology,
    names: &Arc<Names>,
    edge: &Edge,
    twin: &Twin,
    asked: &Asked<'_>,
) -> Result<Vec<Line>, Failure> {
    let mut clusters = Clusters::new(topology);
    let target = clusters.get(&edge.target).map_err(Failure::cluster)?;
    let source = clusters.get(&edge.source).map_err(Failure::cluster)?;
    // A source that is gone is no reason not to answer: the target holds the map.
    let source_id = source.id().ok().map(|id| id.to_string());
    let mut groups = match &source_id {
        Some(_) if !asked.is_reverse => {
            let made = GroupTranslator::new(topology, names, edge, (&source, &target));
            Some(made.map_err(Failure::cluster)?)
        }
        _ => None,
    };
    let is_there = source_id.is_some();
    let mut translator = Translator::new(topology.name(), edge, source_id, &target)
        .map_err(Failure::cannot_start)?;
    if is_there {
        translator = translator.with_source(&source);
    }
    let seen = translator
        .see(std::slice::from_ref(twin))
        .map_err(Failure::cluster)?;
    let mut lines = Vec::new();
    for offset in asked.offsets.iter().copied() {
        let translated = if asked.is_reverse {
            translator.backward(twin, offset, &seen)
        } else {
            translator.forward(twin, offset, &seen)
        };
        let translated = translated.map_err(Failure::cluster)?;
        let mut line = Line::new(edge, twin, (offset, asked.is_reverse), translated);
        if let Some(groups) = groups.as_mut().filter(|_| line.target_offset.is_some()) {
            let position = groups.position(twin, offset, &seen);
            let position = position.map_err(Failure::cluster)?.ok();
            let position = position.filter(|a| Some(a.offset) != line.target_offset);
            line.group_offset = position.as_ref().map(|answer| answer.offset);
            line.repeats_max = position.map(|answer| answer.repeats_max);
        }
        lines.push(line);
    }
    tracing::debug!(
        "{} small reads for {} offsets.",
        translator.looks(),
        lines.len()
    );
    Ok(lines)
}

impl Line {
    fn new(
        edge: &Edge,
        twin: &Twin,
        (asked, is_reverse): (i64, bool),
        translated: Translated,
    ) -> Self {
        let (answer, reason) = match translated {
            Ok(answer) => (Some(answer), None),
            Err(reason) => (None, Some(reason)),
        };
        let offset = answer.as_ref().map(|a| a.offset);
        let (source_offset, target_offset) = if is_reverse {
            (offset, Some(asked))
        } else {
            (Some(asked), offset)
        };
        Self {
            group: None,
            edge: edge.name.to_string(),
            topic: twin.source_topic.to_string(),
            partition: twin.partition,
            source_offset,
            target_topic: Some(twin.target_topic.to_string()),
            target_offset,
            exact: answer.as_ref().is_some_and(|a| a.is_exact),
            group_offset: None,
            repeats_max: None,
            note: answer.and_then(|a| a.note),
            reason,
        }
    }

    fn text(&self, is_reverse: bool) -> String {
        let place = |topic: &str, offset: Option<i64>| {
            let offset = offset.map_or("?".to_owned(), |o| o.to_string());
            format!("{topic}-{} {offset}", self.partition)
        };
        let source = place(&self.topic, self.source_offset);
        let target = place(
            self.target_topic.as_deref().unwrap_or("?"),
            self.target_offset,
        );
        let (from, to) = if is_reverse {
            (target, source)
        } else {
            (source, target)
        };
        let group = self
            .group
            .as_ref()
            .map(|g| format!("group {g}, "))
            .unwrap_or_default();
        let mut text = format!("{group}edge {}: {from} -> {to}", self.edge);
        if self.exact {
            text += " (exact)";
        }
        if let Some(why) = self.reason.as_ref().or(self.note.as_ref()) {
            text = format!("{text}: {why}");
        }
        if let Some(offset) = self.group_offset {
            text = format!("{text}; a group goes on at {offset}, before which nothing is unread");
        }
        if let Some(repeats @ 1..) = self.repeats_max {
            text = format!("{text}; it may read {repeats} records again, at most");
        }
        text + "\n"
    }
}
