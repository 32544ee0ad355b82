//! `crossdock plan`: what `apply` would do.

use std::path::PathBuf;

use crossdock_model::finding::Severity;
use serde_json::json;

use crate::commands::Format;
use crate::exit::{Failure, Outcome};
use crate::output;
use crate::rollout::saved::Saved;
use crate::rollout::{Rollout, text};

/// Reads the clusters and prints what `apply` would do
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  crossdock plan topology.yaml --out topology.plan")]
pub struct Args {
    /// The topology file
    pub file: PathBuf,
    /// Ends with 1 where changes are pending
    #[arg(long)]
    pub exit_code: bool,
    /// Writes the plan to this file, for `apply --plan`
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// Runs the command.
pub fn main(args: &Args) -> Outcome {
    let rollout = Rollout::of_file(&args.file)?;
    match args.format {
        Format::Text => output::data(&text::plan(&rollout.plan, output::stdout_takes_colour()))?,
        Format::Json => output::json(&json(&rollout)?)?,
    }
    if let Some(path) = &args.out {
        Saved::of(&rollout)?.write(path)?;
    }
    rollout.verdict(args.exit_code)
}

/// The plan for programs.
///
/// # Errors
/// It cannot be written as JSON: a bug.
pub(super) fn json(rollout: &Rollout) -> Result<serde_json::Value, Failure> {
    let mut object = serde_json::to_value(&rollout.plan).map_err(Failure::cannot_start)?;
    let findings = &rollout.plan.findings;
    let count = |severity| findings.iter().filter(|f| f.severity == severity).count();
    object["summary"] = json!({
        "changes": rollout.plan.changes.len(),
        "errors": count(Severity::Error),
        "warnings": count(Severity::Warning),
        "notes": count(Severity::Note),
    });
    Ok(object)
}
