//! From a path to a checked topology: reads the file and the variables, runs the check.

use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use crossdock_model::finding::{Finding, Severity};
use crossdock_model::graph::{self, Cycle};
use crossdock_model::topology::{Draft, Topology};

use crate::exit::Failure;
use crate::{output, report};

/// Longest file that is read; what is longer is no topology.
const LENGTH_MAX: u64 = 64 << 20;

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
    /// There are more cycles than are listed.
    pub is_capped: bool,
    /// There are more names or ways than the check followed.
    pub is_partial: bool,
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
    let text = read(path).map_err(Failure::CannotStart)?;
    Ok(check_text(path.to_owned(), text, env))
}

/// Checks a text that is, or will be, the file of that path.
pub fn check_text(path: PathBuf, text: String, env: bool) -> Checked {
    let variables: Option<&dyn crossdock_model::file::Variables> = env.then_some(&Environment);
    let (draft, mut findings) = crossdock_model::file::read(&text, variables);
    let (mut cycles, mut is_capped, mut is_partial) = (Vec::new(), false, false);
    if let Some(draft) = &draft {
        let report = graph::check(draft);
        findings.extend(report.findings);
        (cycles, is_capped, is_partial) = (report.cycles, report.is_capped, report.is_partial);
    }
    findings.sort_by_key(|f| f.span.start);
    Checked {
        path,
        text,
        draft,
        findings,
        cycles,
        is_capped,
        is_partial,
    }
}

/// The topology of a file, for commands that need one without errors. What is found is told.
///
/// # Errors
/// [`Failure::Findings`] where the file holds errors, which have been told; [`Failure::CannotStart`]
/// where it cannot be read or is not YAML at all.
pub fn topology(path: &Path) -> Result<Topology, Failure> {
    proved(&check(path, true)?)
}

/// The same, with everything that is found as `validate --format json` has it.
///
/// # Errors
/// As [`topology`].
pub fn topology_with_findings(path: &Path) -> Result<(Topology, serde_json::Value), Failure> {
    let checked = check(path, true)?;
    let topology = proved(&checked)?;
    Ok((topology, report::json(&checked)["findings"].take()))
}

/// The topology of a text that was checked. What is found is told.
///
/// # Errors
/// As [`topology`].
pub fn proved(checked: &Checked) -> Result<Topology, Failure> {
    tell(checked, Severity::Warning);
    let Some(draft) = &checked.draft else {
        return Err(no_yaml(&checked.path));
    };
    if checked.has_errors() {
        return Err(Failure::Findings);
    }
    graph::prove(draft.clone())
        .map(|(topology, _)| topology)
        .map_err(|_| Failure::Findings)
}

/// Tells findings of a severity, and graver ones, on stderr.
pub fn tell(checked: &Checked, least: Severity) {
    for finding in checked.findings.iter().filter(|f| f.severity <= least) {
        let in_colour = output::stderr_takes_colour();
        output::say(&report::finding(checked, finding, in_colour));
    }
}

/// A file that is no topology at all: nothing can start with it.
pub fn no_yaml(path: &Path) -> Failure {
    Failure::CannotStart(anyhow!("{} is not YAML", path.display()))
}

/// The text of a file.
///
/// # Errors
/// It cannot be read, is far too large, or no text.
pub fn read(path: &Path) -> anyhow::Result<String> {
    let what = || format!("cannot read {}", path.display());
    let length = std::fs::metadata(path).with_context(what)?.len();
    if length > LENGTH_MAX {
        return Err(anyhow!("it is larger than {} MiB", LENGTH_MAX >> 20)).with_context(what);
    }
    let bytes = std::fs::read(path).with_context(what)?;
    crossdock_model::file::decode(bytes).with_context(what)
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
