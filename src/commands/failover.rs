//! `crossdock failover`: guided switch-over.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::anyhow;
use crossdock_model::switch::{Begin, Options, State, Way, begin};

use crate::commands::{Format, confirm};
use crate::exit::{Failure, Outcome, Verdict};
use crate::switch::failover::Failover;
use crate::switch::{Keeper, Stage, drive, text};
use crate::{clock, load, logging, output};

/// Switches over from one cluster to another, step by step
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  crossdock failover topology.yaml --from bj --to sh --dry-run
  crossdock failover topology.yaml --from bj --to sh
  crossdock failover topology.yaml --from bj --to sh --planned    both are well: nothing is lost

Killed at any step, it goes on when it is run again; run twice, it is as once.")]
pub struct Args {
    /// The topology file
    pub file: PathBuf,
    /// Cluster that is left
    #[arg(long, value_name = "ALIAS")]
    pub from: String,
    /// Cluster that takes over
    #[arg(long, value_name = "ALIAS")]
    pub to: String,
    /// Both are well: waits until producers have stopped and all is copied, so that nothing is lost
    #[arg(long)]
    pub planned: bool,
    /// A migration: planned, and there is no way back
    #[arg(long)]
    pub for_good: bool,
    /// How long a planned one waits for producers to stop and for the rest to be copied
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = humantime::parse_duration)]
    pub patience: Duration,
    /// Only looks: changes nothing, records nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Does not ask
    #[arg(long)]
    pub yes: bool,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// Runs the command.
pub fn main(args: &Args) -> Outcome {
    logging::start_quietly();
    let topology = load::topology(&args.file)?;
    let ends = (args.from.as_str(), args.to.as_str());
    let stage = Stage::new(&topology, &args.file, ends, &BTreeMap::new())?;
    let options = Options {
        planned: args.planned || args.for_good,
        for_good: args.for_good,
        rebuild: false,
    };
    let wanted = State::new(
        topology.name(),
        ends,
        Way::Failover,
        options,
        clock::now_ms(),
    );
    let (mut keeper, last) = Keeper::open(&stage, args.dry_run)?;
    let mut state = match begin(last, wanted) {
        Begin::Fresh(state) => state,
        Begin::Resume(state) => {
            output::say(&format!(
                "Going on with the failover of {}.",
                clock::text(state.begun_ms)
            ));
            state
        }
        Begin::Already(state) => return already(&state, &stage, args.format),
        Begin::Refused(why) => return Err(Failure::cannot_start(anyhow!(why))),
    };
    let question = format!(
        "`{}` takes over from `{}`: its edges are stopped until a failback.",
        args.to, args.from
    );
    if !args.dry_run && !args.yes && !confirm(&question)? {
        output::say("Nothing was done.");
        return Ok(Verdict::Found);
    }
    if !args.dry_run {
        output::say(&format!("The state is kept in {}.", keeper.place()));
    }
    let failover = Failover {
        stage: &stage,
        patience: args.patience,
        is_look: args.dry_run,
        is_home_dead: Cell::new(false),
    };
    let keep = (!args.dry_run).then_some(&mut keeper);
    drive(&mut state, keep, |step, state| failover.act(step, state))?;
    print(&state, &stage, args.dry_run, args.format)
}

/// It was done: the report is printed again, nothing is done.
fn already(state: &State, stage: &Stage, format: Format) -> Outcome {
    output::say(&format!(
        "`{}` took over from `{}` at {} already; nothing is left to do.\n{}",
        state.to,
        state.from,
        clock::text(state.ended_ms().unwrap_or(state.begun_ms)),
        text::recorded(state).trim_end()
    ));
    print(state, stage, false, format)
}

/// Prints the report.
pub(super) fn print(state: &State, stage: &Stage, is_look: bool, format: Format) -> Outcome {
    match format {
        Format::Json => output::json(&text::json(state, stage, is_look))?,
        Format::Text => output::data(&text::report(state, stage, is_look))?,
    }
    Ok(Verdict::found(state.findings().next().is_some()))
}
