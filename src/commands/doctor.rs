//! `crossdock doctor`: what a person who helps would ask for, in one piece, without secrets.

mod archive;
mod clusters;
mod told;

use std::path::PathBuf;

use crossdock_model::finding::Code;
use serde_json::{Value, json};

use crate::client::Client;
use crate::commands::validate::effective;
use crate::commands::{Format, SERVER};
use crate::exit::Outcome;
use crate::load::Checked;
use crate::rollout::Rollout;
use crate::{clock, load, logging, output, report};

/// Collects what a person who helps would ask for: versions, brokers, clocks, permissions, settings
/// (masked), status, events
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  crossdock doctor topology.yaml
  crossdock doctor topology.yaml --out doctor.tar.gz")]
pub struct Args {
    /// The topology file
    pub file: PathBuf,
    /// Where a running one listens, if one runs: its status and events are told as well
    #[arg(long, value_name = "URL", default_value = SERVER)]
    pub server: String,
    /// Writes everything to one archive, to be sent to whoever helps
    #[arg(long, value_name = "FILE.tar.gz")]
    pub out: Option<PathBuf>,
    /// How to print; json has every setting in force and the whole status
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// What was found.
struct Findings {
    /// For people.
    text: String,
    /// The whole, for programs.
    whole: Value,
    /// What the running one serves as metrics.
    metrics: Option<String>,
}

/// Runs the command.
pub fn main(args: &Args) -> Outcome {
    logging::start_quietly();
    let checked = load::check(&args.file, true)?;
    let rollout = Rollout::of_checked(&checked)?;
    let found = collect(&checked, &rollout, &Client::new(&args.server))?;
    match (&args.out, args.format) {
        (Some(path), _) => {
            archive::write(path, &checked, &rollout, &found)?;
            output::say(&format!("Everything is in {}.", path.display()));
        }
        (None, Format::Text) => output::data(&found.text)?,
        (None, Format::Json) => output::json(&found.whole)?,
    }
    // What a plan finds is told; only a cluster that does not answer is a failure here.
    rollout.verdict(false).map(|_| crate::exit::Verdict::Fine)
}

fn collect(
    checked: &Checked,
    rollout: &Rollout,
    client: &Client,
) -> Result<Findings, crate::exit::Failure> {
    let clusters = clusters::look(rollout);
    let status = client.status();
    let running = match status {
        Ok(status) => json!({
            "status": status,
            "events": client.events().unwrap_or_default(),
            "clock_ahead_seconds": client.clock_ahead_seconds().ok(),
        }),
        Err(error) => json!({ "error": format!("{error:#}") }),
    };
    let whole = json!({
        "crossdock": env!("CARGO_PKG_VERSION"),
        "librdkafka": rdkafka::util::get_rdkafka_version().1,
        "system": format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
        "at": clock::now_text(),
        "topology": rollout.topology.name(),
        "clusters": clusters,
        "findings": report::json(checked)["findings"],
        "plan": crate::commands::plan::json(rollout)?,
        "settings": effective::json(checked),
        "running": running,
    });
    Ok(Findings {
        text: told::text(&whole, checked, rollout),
        metrics: client.metrics().ok(),
        whole,
    })
}

/// The file's text, with every secret that stands in it masked.
fn masked(checked: &Checked) -> String {
    let mut text = checked.text.clone();
    let secrets = checked.findings.iter();
    let mut spans: Vec<_> = secrets
        .filter(|f| f.code == Code::PlaintextSecret)
        .map(|f| f.span)
        .collect();
    spans.sort_by_key(|span| std::cmp::Reverse(span.start));
    for span in spans {
        if text.get(span.start..span.end).is_some() {
            text.replace_range(span.start..span.end, "\"****\"");
        }
    }
    text
}
