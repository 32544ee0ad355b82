//! `verify --counts`: ends and counts of both sides next to each other, without reading a record.

use crossdock_model::topology::Topology;
use serde::Serialize;

use crate::commands::Format;
use crate::exit::{Failure, Outcome, Verdict};
use crate::output;
use crate::verify::{Item, Options, survey};

const HEADS: [&str; 10] = [
    "EDGE",
    "PARTITION",
    "SOURCE START",
    "SOURCE END",
    "SOURCE COUNT",
    "TARGET START",
    "TARGET END",
    "TARGET COUNT",
    "DIFFERENCE",
    "LAG",
];

/// Ends and counts of a partition. Counts are offsets: markers and what was compacted away count too.
#[derive(Debug, Serialize)]
struct Line {
    edge: String,
    topic: String,
    partition: i32,
    target_topic: String,
    source_start: i64,
    source_end: i64,
    source_count: i64,
    target_start: i64,
    target_end: i64,
    target_count: i64,
    difference: i64,
    lag_records: i64,
}

#[derive(Debug, Serialize)]
struct Counts {
    verdict: &'static str,
    partitions: Vec<Line>,
}

/// Prints them. Something is found where an edge has not copied everything yet.
///
/// # Errors
/// A cluster does not answer.
pub(super) fn main(topology: &Topology, options: &Options, format: Format) -> Outcome {
    let items = survey(topology, options).map_err(Failure::cluster)?;
    let lines: Vec<Line> = items.iter().map(Line::new).collect();
    let is_behind = lines.iter().any(|line| line.lag_records > 0);
    let verdict = if is_behind { "behind" } else { "caught_up" };
    match format {
        Format::Json => output::json(&Counts {
            verdict,
            partitions: lines,
        })?,
        Format::Text => output::data(&text(&lines, is_behind))?,
    }
    Ok(Verdict::found(is_behind))
}

fn text(lines: &[Line], is_behind: bool) -> String {
    let rows: Vec<Vec<String>> = lines.iter().map(Line::cells).collect();
    let said = if is_behind {
        "Behind: LAG is what an edge has not copied yet."
    } else {
        "Caught up: every edge has copied what is there."
    };
    format!(
        "{}\n{said}\nCounts are offsets: transaction markers, records of other births and what was compacted away are among them. They prove nothing about contents; `crossdock verify` without --counts does.\n",
        output::table(&HEADS, &rows)
    )
}

impl Line {
    fn new(item: &Item) -> Self {
        let source_end = item.spans.last().map_or(0, |span| span.source_end);
        let (_, target_end) = item.target_span;
        let source_count = source_end - item.source_start;
        let target_count = target_end - item.target_start;
        Self {
            edge: item.edge.name.to_string(),
            topic: item.twin.source_topic.to_string(),
            partition: item.twin.partition,
            target_topic: item.twin.target_topic.to_string(),
            source_start: item.source_start,
            source_end,
            source_count,
            target_start: item.target_start,
            target_end,
            target_count,
            difference: source_count - target_count,
            lag_records: i64::try_from(item.not_copied).unwrap_or(i64::MAX),
        }
    }

    fn cells(&self) -> Vec<String> {
        let mut cells = vec![
            self.edge.clone(),
            format!("{}-{}", self.topic, self.partition),
        ];
        let figures = [
            self.source_start,
            self.source_end,
            self.source_count,
            self.target_start,
            self.target_end,
            self.target_count,
            self.difference,
            self.lag_records,
        ];
        cells.extend(figures.iter().map(i64::to_string));
        cells
    }
}
