//! Keeps the state of a switch: in the control topic of the topology's home where that answers, else in
//! a file beside the topology file. Of two that are found, the one that was written later counts.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, anyhow};
use crossdock_model::name::CONTROL_TOPIC;
use crossdock_model::switch::State;

use super::Stage;
use crate::exit::Failure;
use crate::kafka::{Cluster, ErrorKind, Pen, read_log};
use crate::output;

/// Where the state of one switch is kept.
pub struct Keeper {
    home: Option<AtHome>,
    path: PathBuf,
    /// Held as long as this lives: two commands at once would contradict each other.
    _lock: Option<File>,
}

struct AtHome {
    cluster: Arc<Cluster>,
    key: String,
    pen: Option<Pen>,
}

impl Keeper {
    /// Takes hold of the state, and tells what there is; a look changes nothing and takes no hold.
    ///
    /// # Errors
    /// Another command holds it, or the file cannot be read.
    pub fn open(stage: &Stage, is_look: bool) -> Result<(Self, Option<State>), Failure> {
        let lock = if is_look {
            None
        } else {
            Some(lock(&stage.file)?)
        };
        let (from, to) = (stage.home.as_str(), stage.away.as_str());
        let name = stage.topology.name();
        let path = beside(&stage.file, from, to);
        let mut found = vec![read(&path)?];
        let mut home = None;
        if let Some(alias) = stage.topology.home() {
            let cluster = stage.cluster(alias).map_err(Failure::cluster)?.clone();
            match read_log(&cluster, CONTROL_TOPIC) {
                Ok(values) => {
                    let states = values.unwrap_or_default();
                    found.extend(states.iter().map(|v| serde_json::from_slice(v).ok()));
                    let key = format!("{name}.switch.{from}-to-{to}");
                    let pen = None;
                    home = Some(AtHome { cluster, key, pen });
                }
                Err(error) => output::say(&format!(
                    "Home does not answer ({error}); the state of this switch is kept in {}.",
                    path.display()
                )),
            }
        }
        let of_this = found
            .into_iter()
            .flatten()
            .filter(|s: &State| s.is_of(name, from, to));
        let last = of_this.max_by_key(|s| s.written);
        let _lock = lock;
        Ok((Self { home, path, _lock }, last))
    }

    /// Where the state is kept.
    pub fn place(&self) -> String {
        match &self.home {
            Some(home) => format!(
                "topic {CONTROL_TOPIC} on cluster `{}`, under {}",
                home.cluster.alias(),
                home.key
            ),
            None => self.path.display().to_string(),
        }
    }

    /// Writes the state, before the next step begins.
    ///
    /// # Errors
    /// It cannot be written anywhere, or another command has taken over.
    pub fn keep(&mut self, state: &mut State) -> Result<(), Failure> {
        state.written += 1;
        if let Some(home) = &mut self.home {
            match home.write(state) {
                Ok(()) => return Ok(()),
                Err(error) if error.kind == ErrorKind::Fenced => {
                    return Err(Failure::cluster(
                        anyhow!(error).context("another failover or failback goes on elsewhere"),
                    ));
                }
                Err(error) => output::say(&format!(
                    "Home does not answer any more ({error}); the state of this switch is kept in {}.",
                    self.path.display()
                )),
            }
            self.home = None;
        }
        write(&self.path, state).map_err(Failure::CannotStart)
    }
}

impl AtHome {
    fn write(&mut self, state: &State) -> Result<(), crate::kafka::Error> {
        let pen = match self.pen.take() {
            Some(pen) => pen,
            None => {
                self.cluster.make_log(CONTROL_TOPIC)?;
                Pen::take(&self.cluster, &format!("crossdock.{}", self.key))?
            }
        };
        let value = serde_json::to_vec(state).unwrap_or_default();
        pen.write(CONTROL_TOPIC, &self.key, &value)?;
        self.pen = Some(pen);
        Ok(())
    }
}

/// One switch at a time from one file.
fn lock(file: &Path) -> Result<File, Failure> {
    let what = || format!("cannot lock {}", file.display());
    let held = File::open(file).with_context(what);
    let held = held.map_err(Failure::CannotStart)?;
    match held.try_lock() {
        Ok(()) => Ok(held),
        Err(TryLockError::WouldBlock) => Err(Failure::cannot_start(anyhow!(
            "another failover or failback of {} goes on",
            file.display()
        ))),
        Err(TryLockError::Error(error)) => {
            Err(Failure::cannot_start(anyhow!(error).context(what())))
        }
    }
}

fn beside(file: &Path, from: &str, to: &str) -> PathBuf {
    let stem = file.file_stem().unwrap_or_default().to_string_lossy();
    file.with_file_name(format!("{stem}.switch-{from}-to-{to}.json"))
}

fn read(path: &Path) -> Result<Option<State>, Failure> {
    let what = || {
        format!(
            "cannot read {}: it holds the state of a switch",
            path.display()
        )
    };
    match std::fs::read(path) {
        Ok(bytes) => {
            let state = serde_json::from_slice(&bytes).with_context(what);
            state.map(Some).map_err(Failure::CannotStart)
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Failure::cannot_start(anyhow!(error).context(what()))),
    }
}

/// Writes it so that it is there as a whole or not at all.
fn write(path: &Path, state: &State) -> anyhow::Result<()> {
    let what = || format!("cannot write {}", path.display());
    let part = path.with_extension("json.part");
    let text = serde_json::to_string_pretty(state)?;
    let mut file = File::create(&part).with_context(what)?;
    std::io::Write::write_all(&mut file, text.as_bytes()).with_context(what)?;
    file.sync_all().with_context(what)?;
    std::fs::rename(&part, path).with_context(what)
}
