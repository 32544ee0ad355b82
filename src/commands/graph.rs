//! `crossdock graph`: draws a topology.

use std::path::PathBuf;

use anyhow::anyhow;
use crossdock_model::finding::Severity;
use crossdock_model::name::Alias;
use crossdock_model::topology::Draft;

use crate::exit::{Failure, Outcome, Verdict};
use crate::load::{self, Checked};
use crate::{output, report};

mod draw;
mod routes;
mod svg;
mod trace;

/// Draws the edges of a topology, or follows one topic through it
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  crossdock graph topology.yaml
  crossdock graph topology.yaml --format mermaid
  crossdock graph topology.yaml --trace orders@bj")]
pub struct Args {
    /// The topology file
    pub file: PathBuf,
    /// How to draw
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
    /// Prints everywhere this topic goes, and why it stops
    #[arg(long, value_name = "TOPIC@ALIAS")]
    pub trace: Option<String>,
    /// Leaves variables as they are: none needs to be set
    #[arg(long)]
    pub no_env: bool,
}

/// How a topology is drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people
    #[default]
    Text,
    /// For programs
    Json,
    /// For Markdown
    Mermaid,
    /// For Graphviz
    Dot,
    /// A picture
    Svg,
}

/// Runs the command: what can be understood is drawn, and what is wrong is told.
pub fn main(args: &Args) -> Outcome {
    let checked = load::check(&args.file, !args.no_env)?;
    load::tell(&checked, Severity::Error);
    let Some(draft) = &checked.draft else {
        return Err(load::no_yaml(&args.file));
    };
    match &args.trace {
        Some(asked) => {
            let (topic, cluster) = start(draft, asked)?;
            match args.format {
                Format::Text => output::data(&trace::text(draft, &topic, &cluster))?,
                Format::Json => output::json(&trace::json(draft, &topic, &cluster))?,
                _ => {
                    let error = anyhow!("a trace is printed as text or json");
                    return Err(Failure::CannotStart(error));
                }
            }
        }
        None => print(args.format, &checked, draft)?,
    }
    Ok(Verdict::found(checked.has_errors()))
}

fn print(format: Format, checked: &Checked, draft: &Draft) -> Result<(), Failure> {
    let drawing = match format {
        Format::Json => {
            let mut object = report::json(checked);
            object["routes"] = routes::json(draft);
            return output::json(&object);
        }
        Format::Text => draw::text(draft, &checked.cycles),
        Format::Mermaid => draw::mermaid(draft),
        Format::Dot => draw::dot(draft),
        Format::Svg if draft.edges.len() > svg::EDGES_MAX => {
            let (edges, most) = (draft.edges.len(), svg::EDGES_MAX);
            let why = format!("{edges} edges make no picture ({most} do): use `--format dot`");
            return Err(Failure::CannotStart(anyhow!(why)));
        }
        Format::Svg => svg::svg(draft),
    };
    output::data(&drawing)
}

/// `orders@bj`: the topic and the cluster to begin at.
fn start(draft: &Draft, asked: &str) -> Result<(String, Alias), Failure> {
    let refuse = |why: String| Err(Failure::CannotStart(anyhow!(why)));
    let Some((topic, alias)) = asked.rsplit_once('@') else {
        return refuse(format!("`{asked}` is no place: write `orders@bj`"));
    };
    match draft.clusters.iter().find(|c| c.alias.as_str() == alias) {
        Some(cluster) => Ok((topic.to_owned(), cluster.alias.clone())),
        None => refuse(format!("there is no cluster `{alias}`")),
    }
}
