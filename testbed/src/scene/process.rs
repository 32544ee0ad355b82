//! A scene's crossdock processes.

use std::process::{Command, ExitStatus, Output};

use super::{DOCK, Scene};
use crate::dock::{Dock, Line};

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
        Command::new(&self.binary)
            .arg(name)
            .arg(self.file())
            .args(arguments)
            .envs(self.environment())
            .output()
            .expect("crossdock runs")
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
