//! `crossdock rollback`: applies an earlier revision again, as a new one.

use anyhow::anyhow;

use crate::commands::Format;
use crate::commands::which::Which;
use crate::exit::{Failure, Outcome};
use crate::load;
use crate::rollout::Rollout;

/// Applies an earlier revision of a topology again, after a yes
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  crossdock rollback 3 topology.yaml
  crossdock rollback 3 --home bj-kafka1:9092 --topology cn-prod --yes")]
pub struct Args {
    /// The revision, as `history` shows it
    pub revision: u64,
    /// Which topology
    #[command(flatten)]
    pub which: Which,
    /// Does not ask
    #[arg(long)]
    pub yes: bool,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// Runs the command.
pub fn main(args: &Args) -> Outcome {
    let entry = args.which.entry()?;
    let Some(earlier) = entry.revision(args.revision) else {
        let kept = std::iter::once(&entry.newest).chain(&entry.earlier);
        let kept: Vec<String> = kept.map(|r| r.revision.to_string()).collect();
        return Err(Failure::cannot_start(anyhow!(
            "there is no revision {}; home keeps {}",
            args.revision,
            kept.join(", ")
        )));
    };
    let name = format!("{} revision {}", entry.topology, earlier.revision);
    let checked = load::check_text(name.into(), earlier.text.clone(), true);
    super::apply::roll_out(&Rollout::of_checked(&checked)?, args.yes, args.format)
}
