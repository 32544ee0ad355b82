//! Where a running topology comes from, and how it follows: a file, or what was applied at home.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, anyhow};

use crate::exit::Failure;
use crate::home::{Entry, Home};
use crate::kafka::Cluster;
use crate::load::{self, Checked};

/// Between two looks at the file or at home.
pub const LOOK_INTERVAL: Duration = Duration::from_millis(500);

/// Between two questions to a home that does not answer.
const HOME_AGAIN: Duration = Duration::from_secs(5);

/// Where the topology comes from.
pub enum Origin {
    /// A file, followed by looking at it: symlinks are followed each time, as Kubernetes swaps them.
    File(File),
    /// The topic `crossdock.topology` of a home cluster.
    AtHome(AtHome),
}

/// A topology file.
pub struct File {
    path: PathBuf,
    /// What was loaded last.
    text: String,
    seen: Option<Stamp>,
    /// Why it could not be read, as long as it cannot.
    trouble: Option<String>,
}

/// What tells that a file may have changed: looked at through symlinks.
type Stamp = (PathBuf, Option<SystemTime>, u64);

/// An applied topology.
pub struct AtHome {
    home: Home,
    topology: String,
    copy: PathBuf,
    uuid: String,
    silent_since: Option<Instant>,
}

impl Origin {
    /// The path that messages name, and that other commands take.
    pub fn path(&self) -> &Path {
        match self {
            Self::File(file) => &file.path,
            Self::AtHome(at_home) => &at_home.copy,
        }
    }

    /// The topology anew, whether or not it has changed: variables and secret files may have.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn again(&mut self) -> Result<Checked, Failure> {
        let checked = load::check(self.path(), true)?;
        if let Self::File(file) = self {
            file.text.clone_from(&checked.text);
        }
        Ok(checked)
    }

    /// The topology, if there is a new one. A file counts when it has come to rest: not one that is
    /// being written.
    pub fn changed(&mut self) -> Option<Checked> {
        match self {
            Self::File(file) => file.changed(),
            Self::AtHome(at_home) => at_home.changed(),
        }
    }
}

impl File {
    /// A file that was loaded with this text.
    pub fn new(path: &Path, text: &str) -> Self {
        Self {
            path: path.to_owned(),
            text: text.to_owned(),
            seen: stamp(path),
            trouble: None,
        }
    }

    fn changed(&mut self) -> Option<Checked> {
        let now = stamp(&self.path);
        // A file that was replaced, or changed while nobody looked, has the same stamp twice; so has one that
        // is gone for good.
        if std::mem::replace(&mut self.seen, now.clone()) != now {
            return None;
        }
        let text = match load::read(&self.path) {
            Ok(text) => text,
            Err(error) => {
                self.complain(format!("{error:#}"));
                return None;
            }
        };
        self.trouble = None;
        if text == self.text {
            return None;
        }
        self.text.clone_from(&text);
        Some(load::check_text(self.path.clone(), text, true))
    }

    /// Once, as long as it is so.
    fn complain(&mut self, why: String) {
        if self.trouble.as_ref() != Some(&why) {
            tracing::error!(
                "The topology file cannot be followed: {why}. What runs goes on as it was."
            );
            self.trouble = Some(why);
        }
    }
}

fn stamp(path: &Path) -> Option<Stamp> {
    let target = std::fs::canonicalize(path).ok()?;
    let about = std::fs::metadata(&target).ok()?;
    Some((target, about.modified().ok(), about.len()))
}

impl AtHome {
    /// The newest revision at home; where home does not answer, the copy that was kept of the last
    /// one. Says which it is.
    ///
    /// # Errors
    /// Neither is to be had, or nothing was ever applied.
    pub fn begin(cluster: Arc<Cluster>, topology: &str) -> Result<(Self, Checked), Failure> {
        let home = Home::new(cluster, topology);
        let copy = folder().join(format!("{topology}.yaml"));
        let mut at_home = Self {
            home,
            topology: topology.to_owned(),
            copy,
            uuid: String::new(),
            silent_since: None,
        };
        let checked = match at_home.home.entry() {
            Ok(Some(entry)) => {
                tracing::info!(
                    "Following revision {} of topology {topology}.",
                    entry.newest.revision
                );
                at_home.take(entry)
            }
            Ok(None) => {
                return Err(Failure::cannot_start(anyhow!(
                    "topology {topology} was never applied at this home; `crossdock apply FILE` does"
                )));
            }
            Err(error) => {
                let checked = load::check(&at_home.copy, true).map_err(|_| {
                    Failure::cluster(anyhow!(
                        "{error}; and there is no copy of an earlier revision"
                    ))
                })?;
                tracing::warn!(
                    "Home does not answer: {error}. Starting with the copy at {}.",
                    at_home.copy.display()
                );
                at_home.silent_since = Some(Instant::now());
                checked
            }
        };
        Ok((at_home, checked))
    }

    fn changed(&mut self) -> Option<Checked> {
        if self
            .silent_since
            .is_some_and(|since| since.elapsed() < HOME_AGAIN)
        {
            return None;
        }
        match self.home.entry() {
            Ok(Some(entry)) if entry.newest.uuid != self.uuid => {
                self.silent_since = None;
                let before = std::fs::read_to_string(&self.copy).unwrap_or_default();
                let is_known = before == entry.newest.text && self.uuid.is_empty();
                tracing::info!(
                    "Revision {} of topology {} by {}.",
                    entry.newest.revision,
                    self.topology,
                    entry.newest.who
                );
                let checked = self.take(entry);
                (!is_known).then_some(checked)
            }
            Ok(_) => {
                self.silent_since = None;
                None
            }
            Err(error) => {
                tracing::warn!("Home does not answer: {error}; the running revision goes on.");
                self.silent_since = Some(Instant::now());
                None
            }
        }
    }

    /// Keeps a copy, for starting while home is down; not of what could not start here.
    fn take(&mut self, entry: Entry) -> Checked {
        self.uuid = entry.newest.uuid;
        let checked = load::check_text(self.copy.clone(), entry.newest.text, true);
        if !checked.has_errors()
            && let Err(error) = keep(&self.copy, &checked.text)
        {
            tracing::warn!("No copy is kept for starting while home is down: {error:#}.");
        }
        checked
    }
}

/// Writes a file so that it is there as a whole or not at all.
fn keep(path: &Path, text: &str) -> anyhow::Result<()> {
    let what = || format!("cannot write {}", path.display());
    let folder = path.parent().with_context(what)?;
    std::fs::create_dir_all(folder).with_context(what)?;
    let part = path.with_extension("part");
    std::fs::write(&part, text).with_context(what)?;
    std::fs::rename(&part, path).with_context(what)
}

/// Where copies are kept: systemd's `STATE_DIRECTORY`, else the user's state folder.
fn folder() -> PathBuf {
    let variable = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty());
    if let Some(folder) = variable("STATE_DIRECTORY") {
        return folder.into();
    }
    let state = variable("XDG_STATE_HOME").map(PathBuf::from);
    let home = || variable("HOME").map(|home| PathBuf::from(home).join(".local/state"));
    let state = state.or_else(home).unwrap_or_else(std::env::temp_dir);
    state.join("crossdock")
}
