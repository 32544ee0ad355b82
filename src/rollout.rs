//! Rolling a topology out: read the clusters, plan, carry the plan out.

pub mod carry_out;
pub mod saved;
pub mod text;

use std::path::Path;
use std::sync::Arc;

use anyhow::anyhow;
use crossdock_model::finding::{Code, Severity};
use crossdock_model::graph::Names;
use crossdock_model::name::CONTROL_TOPIC;
use crossdock_model::plan::{self, Plan};
use crossdock_model::topology::Topology;

use crate::exit::{Failure, Outcome, Verdict};
use crate::home::{Home, checksum};
use crate::inventory::{self, Look, Read};
use crate::kafka::ErrorKind;
use crate::load::{self, Checked};
use crate::output;
use crate::progress::Progress;

/// A topology, the clusters as they are, and what is to be done.
pub struct Rollout {
    /// The file, as it was given.
    pub file: String,
    /// Its text: what is published.
    pub text: String,
    /// Whether a secret stands in it.
    pub holds_secrets: bool,
    /// What it says.
    pub topology: Topology,
    /// What was read.
    pub read: Read,
    /// What is to be done.
    pub plan: Plan,
}

impl Rollout {
    /// Reads the clusters of a topology file and plans.
    ///
    /// # Errors
    /// The file cannot be read, is no YAML, or holds errors. Clusters that do not answer are findings.
    pub fn of_file(path: &Path) -> Result<Self, Failure> {
        Self::of_checked(&load::check(path, true)?)
    }

    /// The same for a text that was checked already.
    ///
    /// # Errors
    /// It is no YAML, or holds errors.
    pub fn of_checked(checked: &Checked) -> Result<Self, Failure> {
        let topology = load::proved(checked)?;
        let names = Names::new(topology.draft());
        let steps = inventory::STEPS * topology.clusters().len() as u64;
        let progress = Progress::new("read the clusters", "steps", steps);
        let mut read = inventory::read(&topology, &names, Look::Whole, &progress);
        progress.finish();
        find_published(&topology, &mut read);
        let sum = checksum(&checked.text);
        let plan = plan::plan(&topology, &names, &read.inventory, &sum);
        let is_secret = |f: &crossdock_model::finding::Finding| f.code == Code::PlaintextSecret;
        Ok(Self {
            file: checked.path.display().to_string(),
            text: checked.text.clone(),
            holds_secrets: checked.findings.iter().any(is_secret),
            topology,
            read,
            plan,
        })
    }

    /// Where the topology is published; `None` without a home that answers.
    pub fn home(&self) -> Option<Home> {
        let cluster = self.read.clusters.get(self.topology.home()?)?;
        Some(Home::new(Arc::clone(cluster), self.topology.name()))
    }

    /// How a command ends that was to plan only: a cluster that does not answer is graver than an
    /// error, and an error than a change.
    ///
    /// # Errors
    /// [`Failure::Cluster`] where one does not answer.
    pub fn verdict(&self, counts_changes: bool) -> Outcome {
        if let Some((alias, why)) = self.read.inventory.unreachable.iter().next() {
            return Err(Failure::cluster(anyhow!("cluster `{alias}`: {why}")));
        }
        let is_pending = counts_changes && !self.plan.changes.is_empty();
        Ok(Verdict::found(self.plan.has_errors() || is_pending))
    }

    /// Refuses to carry out what cannot end well. Findings have been told.
    ///
    /// # Errors
    /// A cluster does not answer, the plan has errors, or a secret would be published.
    pub fn admit(&self) -> Result<(), Failure> {
        self.verdict(false)?;
        if self.plan.has_errors() {
            let errors = self.plan.findings.iter();
            let errors = errors.filter(|f| f.severity == Severity::Error).count();
            output::say(&format!("Nothing was done: the plan has {errors} errors."));
            return Err(Failure::Findings);
        }
        if self.topology.home().is_some() && self.holds_secrets {
            output::say(&format!(
                "Nothing was done: {} holds a secret, and whoever may read topic crossdock.topology would see it. \
                 Write ${{NAME}} or ${{file:PATH}} in its place.",
                self.file
            ));
            return Err(Failure::Findings);
        }
        Ok(())
    }
}

/// The newest revision on the home cluster. A home that does not answer to this is unreachable.
fn find_published(topology: &Topology, read: &mut Read) {
    let Some(home) = topology.home() else { return };
    let Some(cluster) = read.clusters.get(home).cloned() else {
        return;
    };
    let state = read.inventory.clusters.get(home);
    let control = state.and_then(|c| c.topics.get(CONTROL_TOPIC)?.operations.as_ref());
    if control.is_some_and(|all| !all.contains("READ") && !all.contains("ALL")) {
        // The plan tells that it may not be read.
        return;
    }
    match Home::new(cluster, topology.name()).entry() {
        Ok(entry) => read.inventory.published = entry.map(|e| e.newest.published()),
        // The plan tells that it may not be described.
        Err(error) if error.kind == ErrorKind::Refused => {
            let state = read.inventory.clusters.entry(home.clone()).or_default();
            state.hidden.insert(CONTROL_TOPIC.to_owned());
        }
        Err(error) => {
            read.inventory
                .unreachable
                .insert(home.clone(), error.reason);
        }
    }
}
