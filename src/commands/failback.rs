//! `crossdock failback`: guided switch-back.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::anyhow;
use crossdock_model::edge::Start;
use crossdock_model::switch::{Begin, Options, State, Way, begin};

use crate::commands::failover::print;
use crate::commands::{Format, confirm};
use crate::exit::{Failure, Outcome, Verdict};
use crate::switch::failback::Failback;
use crate::switch::{Keeper, Stage, drive};
use crate::{clock, load, logging, output};

/// Switches back after a failover, step by step
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  crossdock failback topology.yaml --from bj --to sh --dry-run
  crossdock failback topology.yaml --from bj --to sh              home to bj
  crossdock failback topology.yaml --from bj --to sh --rebuild    bj came back empty

--from and --to are those of the failover. Killed at any step, it goes on when it is run again.")]
pub struct Args {
    /// The topology file
    pub file: PathBuf,
    /// Home: the cluster that was left
    #[arg(long, value_name = "ALIAS")]
    pub from: String,
    /// Cluster that took over
    #[arg(long, value_name = "ALIAS")]
    pub to: String,
    /// Home came back empty: it gets everything that the other cluster holds
    #[arg(long)]
    pub rebuild: bool,
    /// What was written before this time is at home already: the first way back begins there
    #[arg(long, value_name = "TIME")]
    pub since: Option<String>,
    /// How long it waits for producers to stop
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
    let ask = if args.yes {
        |_: &str| Ok(true)
    } else {
        confirm
    };
    let (since, patience) = (start(args)?, args.patience);
    let failback = Failback::new(&stage, args.rebuild, since, patience, args.dry_run, ask)?;
    let options = Options {
        rebuild: args.rebuild,
        ..Options::default()
    };
    let wanted = State::new(
        topology.name(),
        ends,
        Way::Failback,
        options,
        clock::now_ms(),
    );
    let (mut keeper, last) = Keeper::open(&stage, args.dry_run)?;
    let mut state = match begin(last, wanted) {
        Begin::Fresh(state) | Begin::Already(state) => state,
        Begin::Resume(state) => {
            output::say(&format!(
                "Going on with the failback of {}.",
                clock::text(state.begun_ms)
            ));
            state
        }
        Begin::Refused(why) => return Err(Failure::cannot_start(anyhow!(why))),
    };
    let question = format!(
        "What was written at `{}` goes home to `{}`; then the edges go on as before.",
        args.to, args.from
    );
    if !args.dry_run && !args.yes && !confirm(&question)? {
        output::say("Nothing was done.");
        return Ok(Verdict::Found);
    }
    if !args.dry_run {
        output::say(&format!("The state is kept in {}.", keeper.place()));
    }
    let keep = (!args.dry_run).then_some(&mut keeper);
    drive(&mut state, keep, |step, state| failback.act(step, state))?;
    print(&state, &stage, args.dry_run, args.format)
}

fn start(args: &Args) -> Result<Start, Failure> {
    let Some(text) = &args.since else {
        return Ok(Start::Earliest);
    };
    let time: jiff::Timestamp = text.parse().map_err(|error| {
        Failure::cannot_start(anyhow!(
            "--since {text}: {error}; write it like 2026-11-25T22:00:00Z"
        ))
    })?;
    Ok(Start::Timestamp(time.as_millisecond()))
}
