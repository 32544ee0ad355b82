//! Switching over and back, carried out: the steps that `model::switch` orders, done on the clusters.
//!
//! [`Stage`] is what a switch is about; [`failover`] and [`failback`] know what each step does;
//! [`drive`] does them in turn, and has each recorded by a [`Keeper`] before the next one begins.

mod carry;
pub mod failback;
pub mod failover;
pub mod fence;
mod groups;
mod keeper;
mod measure;
mod ready;
mod stage;
pub mod text;

use crossdock_model::switch::{Done, State, Step};

use crate::clock;
use crate::exit::Failure;
use crate::output;

pub use keeper::Keeper;
pub use stage::Stage;

/// What client ids of those end with who take an edge's group over.
const CLIENT: &str = ".switch";

/// Whether a member of an edge's group is a failover or failback that takes it over.
pub fn is_switch(client: &str) -> bool {
    client.ends_with(CLIENT)
}

/// What a step has seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// For the record.
    pub evidence: Vec<String>,
    /// What a person must look at.
    pub findings: Vec<String>,
}

impl Seen {
    /// One thing that was seen.
    pub fn that(what: impl Into<String>) -> Self {
        Self {
            evidence: vec![what.into()],
            findings: Vec::new(),
        }
    }

    /// One more.
    pub fn and(&mut self, what: impl Into<String>) {
        self.evidence.push(what.into());
    }

    /// Something that a person must look at.
    pub fn find(&mut self, what: impl Into<String>) {
        self.findings.push(what.into());
    }
}

/// Does the steps that are not done yet, each recorded before the next begins, and tells of each on
/// stderr. Without a keeper nothing is recorded: it is only looked.
///
/// # Errors
/// What a step could not do; those before it are recorded.
pub fn drive(
    state: &mut State,
    mut keeper: Option<&mut Keeper>,
    mut act: impl FnMut(Step, &mut State) -> Result<Seen, Failure>,
) -> Result<(), Failure> {
    let steps = state.steps();
    while let Some(step) = state.next() {
        let number = steps.iter().position(|s| *s == step).unwrap_or(0) + 1;
        let place = format!("{} of {}, {}", number, steps.len(), step.word());
        output::say(&format!("step {place} …"));
        let Seen { evidence, findings } = act(step, state)?;
        evidence
            .iter()
            .for_each(|what| output::say(&format!("  {what}")));
        findings
            .iter()
            .for_each(|what| output::say(&format!("  look at this: {what}")));
        let done = Done {
            step,
            at_ms: clock::now_ms(),
            evidence,
            findings,
        };
        state
            .record(done)
            .map_err(|why| Failure::cannot_start(anyhow::anyhow!(why)))?;
        if let Some(keeper) = keeper.as_deref_mut() {
            keeper.keep(state)?;
        }
    }
    Ok(())
}
