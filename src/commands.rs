//! The commands, one module each: its arguments, and a main function that returns the outcome.

use crate::exit::Failure;
use crate::output;

pub mod explain;
pub mod graph;
pub mod import;
pub mod schema;
pub mod validate;

pub mod apply;
pub mod diff;
pub mod history;
pub mod plan;
pub mod rehearse;
pub mod rollback;
pub mod run;

pub mod doctor;
pub mod pause;
pub mod resume;
pub mod status;
pub mod top;

pub mod dead_letter;
pub mod offsets;
pub mod verify;

pub mod which;

pub mod drill;
pub mod failback;
pub mod failover;

/// Where a running `crossdock run` listens unless told otherwise.
pub const SERVER: &str = "http://127.0.0.1:8642";

/// How data is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// For programs.
    Json,
}

/// Asks on stderr; only `yes` is a yes.
fn confirm(what: &str) -> Result<bool, Failure> {
    output::say(&format!("{what} Type yes to go on:"));
    let mut answer = String::new();
    std::io::stdin()
        .read_line(&mut answer)
        .map_err(Failure::cannot_start)?;
    Ok(answer.trim() == "yes")
}
