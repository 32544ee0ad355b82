//! A scene's crossdock processes.

use std::fs::File;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::Duration;

use super::{DOCK, Scene};
use crate::broker::tail;
use crate::dock::{Dock, Line};
use crate::spawn::{self, Signal};
use crate::terminal::Terminal;
use crate::wait;

/// A command that was begun.
#[derive(Debug)]
pub struct Begun {
    process: Child,
    log: PathBuf,
}

impl Begun {
    /// kill -9 as soon as it has said this; `false` where it came to its end before.
    pub fn kill_when_said(&mut self, words: &str, limit: Duration) -> bool {
        wait::until(words, limit, || {
            if matches!(self.process.try_wait(), Ok(Some(_))) {
                return Ok(false);
            }
            let said = self.said();
            if !said.contains(words) {
                return Err(said);
            }
            spawn::signal(&self.process, Signal::Kill);
            self.process.wait().map(|_| true).map_err(|e| e.to_string())
        })
    }

    /// Its exit status, once it has ended; −1 for a signal.
    pub fn ended(&mut self) -> Option<i32> {
        let status = self.process.try_wait().ok().flatten()?;
        Some(status.code().unwrap_or(-1))
    }

    /// Everything it has said so far.
    pub fn said(&self) -> String {
        tail(&self.log, usize::MAX)
    }
}

impl Drop for Begun {
    fn drop(&mut self) {
        if matches!(self.process.try_wait(), Ok(None)) {
            spawn::signal(&self.process, Signal::Kill);
            self.process.wait().ok();
        }
    }
}

impl Scene {
    /// Starts the scene's crossdock.
    pub fn start(&mut self) -> &mut Dock {
        self.start_as(DOCK, &[])
    }

    /// Starts a crossdock under `--instance NAME`, with further arguments.
    pub fn start_as(&mut self, instance: &str, arguments: &[&str]) -> &mut Dock {
        self.start_twin(instance, instance, arguments)
    }

    /// Starts the scene's crossdock with further variables.
    pub fn start_with_environment(&mut self, variables: &[(&str, &str)]) -> &mut Dock {
        let further = variables
            .iter()
            .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()));
        self.further.extend(further);
        self.start()
    }

    /// Starts a crossdock that the scene knows by `name`, whatever instance it says it is.
    pub fn start_twin(&mut self, name: &str, instance: &str, arguments: &[&str]) -> &mut Dock {
        let line = Line {
            binary: self.binary.clone(),
            file: Some(self.file()),
            instance: instance.to_owned(),
            arguments: arguments.iter().map(|a| (*a).to_owned()).collect(),
            environment: self.environment(),
        };
        let dock = Dock::start(line, self.folder.join(format!("{name}.log")));
        self.docks
            .entry(name.to_owned())
            .insert_entry(dock)
            .into_mut()
    }

    /// Starts a crossdock that runs no file, with more environment.
    pub fn start_without_file(
        &mut self,
        name: &str,
        arguments: &[&str],
        environment: &[(&str, &str)],
    ) -> &mut Dock {
        let mut all = self.environment();
        let more = environment.iter();
        all.extend(more.map(|(key, value)| ((*key).to_owned(), (*value).to_owned())));
        let line = Line {
            binary: self.binary.clone(),
            file: None,
            instance: name.to_owned(),
            arguments: arguments.iter().map(|a| (*a).to_owned()).collect(),
            environment: all,
        };
        let dock = Dock::start(line, self.folder.join(format!("{name}.log")));
        self.docks
            .entry(name.to_owned())
            .insert_entry(dock)
            .into_mut()
    }

    /// Runs `crossdock run --once` to its end.
    pub fn run_once(&mut self) -> ExitStatus {
        self.start_as("once", &["--once"]);
        let patience = self.patience;
        let status = self.dock("once").ended(patience);
        if !status.success() {
            panic!(
                "`run --once` ended with {status}:\n{}",
                self.dock("once").log_tail(30)
            );
        }
        self.docks.remove("once");
        status
    }

    /// Runs another command of crossdock on the scene's file, and returns how it ended and what it said.
    pub fn command(&self, name: &str, arguments: &[&str]) -> Output {
        let mut command = self.prepared(name, arguments);
        command.output().expect("crossdock runs")
    }

    /// The same in a terminal of so many rows and columns.
    pub fn in_terminal(&self, name: &str, arguments: &[&str], size: (u16, u16)) -> Terminal {
        Terminal::start(self.prepared(name, arguments), size)
    }

    fn prepared(&self, name: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.binary);
        command
            .arg(name)
            .arg(self.file())
            .args(arguments)
            .envs(self.environment());
        command
    }

    /// Begins another command of crossdock on the scene's file; it is killed when what is returned goes.
    pub fn begin(&self, name: &str, arguments: &[&str]) -> Begun {
        let log = self.folder.join(format!("{name}.begun.log"));
        let file = File::create(&log).expect("the folder can be written");
        let mut command = self.prepared(name, arguments);
        command
            .stdin(Stdio::null())
            .stdout(file.try_clone().expect("a file handle can be copied"))
            .stderr(file);
        let process = spawn::spawn(command).expect("crossdock can be started");
        Begun { process, log }
    }

    /// Runs crossdock with just these arguments.
    pub fn bare_command(&self, arguments: &[&str]) -> Output {
        Command::new(&self.binary)
            .args(arguments)
            .envs(self.environment())
            .output()
            .expect("crossdock runs")
    }

    /// A crossdock that was started.
    pub fn dock(&mut self, instance: &str) -> &mut Dock {
        self.docks
            .get_mut(instance)
            .unwrap_or_else(|| panic!("no crossdock {instance}"))
    }

    /// One that is gone for good: nobody waits for it.
    pub fn forget(&mut self, name: &str) {
        self.docks.remove(name);
    }

    /// Where the clusters are, for the topology file.
    pub fn environment(&self) -> Vec<(String, String)> {
        let variable = |alias: &String| {
            let name: String = alias
                .chars()
                .map(|c| {
                    if c.is_ascii_alphanumeric() {
                        c.to_ascii_uppercase()
                    } else {
                        '_'
                    }
                })
                .collect();
            let broker = &self.clusters[alias];
            let address = match self.proxies.contains_key(alias) {
                true => broker.proxied_bootstrap(),
                false => broker.bootstrap(),
            };
            (format!("{name}_BOOTSTRAP"), address)
        };
        let clusters = self.clusters.keys().map(variable);
        clusters.chain(self.further.iter().cloned()).collect()
    }
}
