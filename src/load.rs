//! From a path to a checked topology: reads the file and the variables, runs the check.

use std::path::{Path, PathBuf};

use anyhow::Context;
use crossdock_model::finding::{Finding, Severity};
use crossdock_model::graph::{self, Cycle};
use crossdock_model::topology::{Draft, Topology};

use crate::exit::Failure;

/// What the check of a file says.
#[derive(Debug)]
pub struct Checked {
    /// As given.
    pub path: PathBuf,
    /// Its text.
    pub text: String,
    /// What could be read; `None` where it is not YAML at all.
    pub draft: Option<Draft>,
    /// All findings, in the file's order.
    pub findings: Vec<Finding>,
    /// Cycles of edges, and what cuts them.
    pub cycles: Vec<Cycle>,
}

impl Checked {
    /// Whether a finding keeps the topology from running.
    pub fn has_errors(&self) -> bool {
        self.findings.iter().any(|f| f.severity == Severity::Error)
    }
}

/// Reads and checks a topology file. Without `env`, variables stay as they are.
///
/// # Errors
/// [`Failure::CannotStart`] where it cannot be read.
pub fn check(path: &Path, env: bool) -> Result<Checked, Failure> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("cannot read {}", path.display()))
        .map_err(Failure::CannotStart)?;
    let variables: Option<&dyn crossdock_model::file::Variables> = env.then_some(&Environment);
    let (draft, mut findings) = crossdock_model::file::read(&text, variables);
    let mut cycles = Vec::new();
    if let Some(draft) = &draft {
        let report = graph::check(draft);
        findings.extend(report.findings);
        cycles = report.cycles;
    }
    findings.sort_by_key(|f| f.span);
    Ok(Checked {
        path: path.to_owned(),
        text,
        draft,
        findings,
        cycles,
    })
}

/// The topology of a file, for commands that need one without errors. Warnings are told.
///
/// # Errors
/// [`Failure::Findings`] where the file holds errors, which have been told; [`Failure::CannotStart`]
/// where it cannot be read or is not YAML at all.
pub fn topology(path: &Path) -> Result<Topology, Failure> {
    let checked = check(path, true)?;
    let is_wrong = checked.has_errors();
    match checked.draft {
        None => Err(Failure::CannotStart(anyhow::anyhow!(
            "{} is not YAML",
            path.display()
        ))),
        Some(draft) if !is_wrong => match graph::prove(draft) {
            Ok((topology, _)) => Ok(topology),
            Err(_) => Err(Failure::Findings),
        },
        Some(_) => Err(Failure::Findings),
    }
}

/// Variables of the process.
struct Environment;

impl crossdock_model::file::Variables for Environment {
    fn environment(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }

    fn file(&self, path: &str) -> Result<String, String> {
        std::fs::read_to_string(path).map_err(|error| error.to_string())
    }
}
