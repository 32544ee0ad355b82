//! `crossdock apply`: carries a plan out.

use std::path::PathBuf;

use anyhow::anyhow;
use crossdock_model::plan::Change;
use serde_json::json;

use crate::commands::{Format, confirm};
use crate::exit::{Failure, Outcome, Verdict};
use crate::output;
use crate::rollout::carry_out::{Stopped, carry_out};
use crate::rollout::saved::Saved;
use crate::rollout::{Rollout, text};

/// Does what `plan` prints, after a yes
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  crossdock apply topology.yaml")]
pub struct Args {
    /// The topology file
    #[arg(required_unless_present = "plan", conflicts_with = "plan")]
    pub file: Option<PathBuf>,
    /// Carries out just this plan
    #[arg(long, value_name = "FILE")]
    pub plan: Option<PathBuf>,
    /// Does not ask
    #[arg(long)]
    pub yes: bool,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// Runs the command.
pub fn main(args: &Args) -> Outcome {
    let rollout = match (&args.plan, &args.file) {
        (Some(path), _) => {
            let saved = Saved::read(path)?;
            let rollout = Rollout::of_checked(&saved.checked())?;
            rollout.verdict(false)?;
            saved.hold_against(&rollout)?;
            rollout
        }
        (None, Some(file)) => Rollout::of_file(file)?,
        (None, None) => return Err(Failure::CannotStart(anyhow!("no topology file is given"))),
    };
    roll_out(&rollout, args.yes, args.format)
}

/// Shows the plan, asks, and carries it out.
///
/// # Errors
/// A cluster does not answer or refuses, the plan has errors, or somebody else was faster.
pub(super) fn roll_out(rollout: &Rollout, yes: bool, format: Format) -> Outcome {
    if format == Format::Text {
        output::data(&text::plan(&rollout.plan, output::stdout_takes_colour()))?;
    }
    rollout.admit()?;
    let changes = &rollout.plan.changes;
    let question = format!("{} changes will be made.", changes.len());
    if !changes.is_empty() && !yes && !confirm(&question)? {
        output::say("Nothing was done.");
        return Ok(Verdict::Found);
    }
    let (made, stopped) = carry_out(rollout, |change| {
        if format == Format::Text {
            output::say(&format!("done: {}", text::describe_change(change)));
        }
    });
    if format == Format::Json {
        let mut object = super::plan::json(rollout)?;
        object["done"] = json!(&changes[..made]);
        object["not_done"] = json!(&changes[made..]);
        output::json(&object)?;
    }
    end(changes, made, stopped)
}

/// What was done and what was not.
fn end(changes: &[Change], made: usize, stopped: Option<Stopped>) -> Outcome {
    let Some(stopped) = stopped else {
        output::say(&format!("Applied: {made} changes."));
        return Ok(Verdict::Fine);
    };
    for change in &changes[made..] {
        output::say(&format!("not done: {}", text::describe_change(change)));
    }
    output::say(&format!(
        "Stopped after {made} of {} changes; apply again when the cause is gone.",
        changes.len()
    ));
    match stopped {
        Stopped::Cluster(error) => Err(Failure::cluster(error)),
        Stopped::Overtaken(by) => {
            output::say(&format!(
                "Another revision was published since the plan was made: {by}. Look at it with `crossdock history`, and plan again."
            ));
            Err(Failure::Findings)
        }
    }
}
