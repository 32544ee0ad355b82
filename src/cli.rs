//! The command line: which command was asked for, with what.

use clap::{Parser, Subcommand};

use crate::commands;
use crate::exit::Outcome;
use crate::logging;

/// Replicates between Apache Kafka clusters: one file, proved free of loops, exactly once.
#[derive(Debug, Parser)]
#[command(name = "crossdock", version, arg_required_else_help = true)]
#[command(after_help = "\
Exit status: 0 fine, 1 something found, 2 could not start, 3 a cluster could not be reached.

Example:
  crossdock validate topology.yaml && crossdock run topology.yaml")]
struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    logging: logging::Options,
}

/// In the order of a topology's life: write, check, try, run, watch, switch over.
#[derive(Debug, Subcommand)]
enum Command {
    Validate(commands::validate::Args),
    Graph(commands::graph::Args),
    Explain(commands::explain::Args),
    Import(commands::import::Args),
    Schema(commands::schema::Args),
    Rehearse(commands::rehearse::Args),
    Diff(commands::diff::Args),
    Plan(commands::plan::Args),
    Apply(commands::apply::Args),
    History(commands::history::Args),
    Rollback(commands::rollback::Args),
    Run(commands::run::Args),
    Status(commands::status::Args),
    Top(commands::top::Args),
    Doctor(commands::doctor::Args),
    Pause(commands::pause::Args),
    Resume(commands::resume::Args),
    Verify(commands::verify::Args),
    Offsets(commands::offsets::Args),
    DeadLetter(commands::dead_letter::Args),
    Failover(commands::failover::Args),
    Failback(commands::failback::Args),
    Drill(commands::drill::Args),
}

/// Reads the command line and runs the command. Wrong usage ends the process with status 2.
pub fn main() -> Outcome {
    let Cli { command, logging } = Cli::parse();
    logging::configure(logging)?;
    match command {
        Command::Validate(args) => commands::validate::main(&args),
        Command::Graph(args) => commands::graph::main(&args),
        Command::Explain(args) => commands::explain::main(&args),
        Command::Import(args) => commands::import::main(&args),
        Command::Schema(args) => commands::schema::main(&args),
        Command::Rehearse(args) => commands::rehearse::main(args),
        Command::Diff(args) => commands::diff::main(&args),
        Command::Plan(args) => commands::plan::main(&args),
        Command::Apply(args) => commands::apply::main(&args),
        Command::History(args) => commands::history::main(&args),
        Command::Rollback(args) => commands::rollback::main(&args),
        Command::Run(args) => commands::run::main(args),
        Command::Status(args) => commands::status::main(args),
        Command::Top(args) => commands::top::main(args),
        Command::Doctor(args) => commands::doctor::main(&args),
        Command::Pause(args) => commands::pause::main(args),
        Command::Resume(args) => commands::resume::main(args),
        Command::Verify(args) => commands::verify::main(args),
        Command::Offsets(args) => commands::offsets::main(args),
        Command::DeadLetter(args) => commands::dead_letter::main(&args),
        Command::Failover(args) => commands::failover::main(&args),
        Command::Failback(args) => commands::failback::main(&args),
        Command::Drill(args) => commands::drill::main(&args),
    }
}
