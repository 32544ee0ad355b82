//! How a command ends: the exit status is the same everywhere, and decided in one place.

use std::process::ExitCode;

use crate::output;

/// What a command that ran to its end says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Fine, nothing found.
    Fine,
    /// Something found: errors, differences, a rehearsal that is not exact, pending changes.
    Found,
}

impl Verdict {
    /// [`Verdict::Found`] where something was found.
    pub fn found(is_found: bool) -> Self {
        if is_found { Self::Found } else { Self::Fine }
    }
}

/// Why a command did not run to its end.
#[derive(Debug)]
pub enum Failure {
    /// The topology file holds errors; they have been told.
    Findings,
    /// Usage, file unreadable, not YAML at all.
    CannotStart(anyhow::Error),
    /// A cluster could not be reached or refused.
    Cluster(anyhow::Error),
}

/// What the main function of a command returns.
pub type Outcome = Result<Verdict, Failure>;

// === impl Failure ===

impl Failure {
    /// A start that is impossible, with what to do about it.
    pub fn cannot_start(error: impl Into<anyhow::Error>) -> Self {
        Self::CannotStart(error.into())
    }

    /// A cluster that could not be reached or refused.
    pub fn cluster(error: impl Into<anyhow::Error>) -> Self {
        Self::Cluster(error.into())
    }
}

/// Tells a failure, and turns an outcome into the status of the process.
pub fn code(outcome: Outcome) -> ExitCode {
    let status = match outcome {
        Ok(Verdict::Fine) => 0,
        Ok(Verdict::Found) | Err(Failure::Findings) => 1,
        Err(Failure::CannotStart(error)) => tell(&error, 2),
        Err(Failure::Cluster(error)) => tell(&error, 3),
    };
    ExitCode::from(status)
}

/// Causes are joined by colons: what happened, where, why.
fn tell(error: &anyhow::Error, status: u8) -> u8 {
    output::say(&format!("error: {error:#}"));
    status
}
