//! A plan in a file: `plan --out`, `apply --plan`.

use std::fs::{OpenOptions, Permissions};
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use anyhow::{Context, anyhow};
use serde::{Deserialize, Serialize};

use super::Rollout;
use crate::exit::Failure;
use crate::load::{self, Checked};
use crate::output;

/// What the file holds: the text that was planned, and what came of it.
#[derive(Serialize, Deserialize)]
pub struct Saved {
    version: u32,
    file: String,
    text: String,
    changes: serde_json::Value,
    basis: Vec<String>,
}

/// The version of the format.
const VERSION: u32 = 1;

impl Saved {
    /// Of a plan.
    ///
    /// # Errors
    /// It cannot be written as JSON: a bug.
    pub fn of(rollout: &Rollout) -> Result<Self, Failure> {
        Ok(Self {
            version: VERSION,
            file: rollout.file.clone(),
            text: rollout.text.clone(),
            changes: serde_json::to_value(&rollout.plan.changes).map_err(Failure::cannot_start)?,
            basis: rollout.plan.basis.clone(),
        })
    }

    /// Writes it, for the owner's eyes only: the topology's text may hold a password.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), Failure> {
        let text = serde_json::to_string_pretty(self).map_err(Failure::cannot_start)?;
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o600);
        let written = options.open(path).and_then(|mut file| {
            // One that was there before keeps its mode.
            file.set_permissions(Permissions::from_mode(0o600))?;
            file.write_all((text + "\n").as_bytes())
        });
        written
            .with_context(|| format!("cannot write {}", path.display()))
            .map_err(Failure::CannotStart)
    }

    /// Reads one.
    ///
    /// # Errors
    /// The file cannot be read, or is no plan.
    pub fn read(path: &Path) -> Result<Self, Failure> {
        let read = || -> anyhow::Result<Self> {
            let text = std::fs::read_to_string(path)?;
            let saved: Self = serde_json::from_str(&text).context("it is no plan")?;
            if saved.version != VERSION {
                return Err(anyhow!("it is a plan of version {}", saved.version));
            }
            Ok(saved)
        };
        read()
            .with_context(|| format!("cannot read {}", path.display()))
            .map_err(Failure::CannotStart)
    }

    /// The topology that was planned, checked anew.
    pub fn checked(&self) -> Checked {
        load::check_text(self.file.clone().into(), self.text.clone(), true)
    }

    /// Refuses where the clusters, and with them the plan, are not what they were.
    ///
    /// # Errors
    /// [`Failure::Findings`], with every difference told.
    pub fn hold_against(&self, rollout: &Rollout) -> Result<(), Failure> {
        let now = Self::of(rollout)?;
        if now.basis == self.basis && now.changes == self.changes {
            return Ok(());
        }
        output::say("Nothing was done: the clusters have changed since the plan was made.");
        for line in self.basis.iter().filter(|l| !now.basis.contains(l)) {
            output::say(&format!("  then: {line}"));
        }
        for line in now.basis.iter().filter(|l| !self.basis.contains(l)) {
            output::say(&format!("  now:  {line}"));
        }
        output::say(&format!(
            "Plan again: crossdock plan {} --out FILE",
            self.file
        ));
        Err(Failure::Findings)
    }
}
