//! crossdock itself, as a child process: what a scene starts, watches and kills.

use std::fs::File;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::broker::{free_port, tail};
use crate::spawn::{self, Signal};
use crate::{http, process, wait};

/// A `crossdock run`. Dropped, it is killed.
#[derive(Debug)]
pub struct Dock {
    command: Line,
    listen: String,
    log: PathBuf,
    process: Option<Child>,
}

/// What is run, so that it can be run again.
#[derive(Clone, Debug)]
pub struct Line {
    /// The binary.
    pub binary: PathBuf,
    /// The topology file, if it runs one.
    pub file: Option<PathBuf>,
    /// `--instance`.
    pub instance: String,
    /// Further arguments.
    pub arguments: Vec<String>,
    /// Environment: where the clusters are.
    pub environment: Vec<(String, String)>,
}

impl Dock {
    /// Starts `crossdock run`; its output goes to the file `log`.
    pub fn start(command: Line, log: PathBuf) -> Self {
        let listen = format!("127.0.0.1:{}", free_port());
        let mut dock = Self {
            command,
            listen,
            log,
            process: None,
        };
        dock.restart();
        dock
    }

    /// Starts it again as it was started first.
    pub fn restart(&mut self) {
        self.kill();
        let log = File::options().create(true).append(true).open(&self.log);
        let log = log.expect("the folder can be written");
        let Line {
            binary,
            file,
            instance,
            arguments,
            environment,
        } = &self.command;
        let mut command = Command::new(binary);
        command
            .arg("run")
            .args(file)
            .args(["--listen", &self.listen, "--instance", instance])
            .args(arguments)
            .envs(environment.iter().cloned())
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a file handle can be copied"))
            .stderr(log);
        self.process = Some(spawn::spawn(command).expect("crossdock can be started"));
    }

    /// kill -9.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            spawn::signal(&process, Signal::Kill);
            process.wait().expect("a child can be waited for");
        }
    }

    /// SIGTERM; how it ended, and how long that took.
    pub fn terminate(&mut self, limit: Duration) -> (ExitStatus, Duration) {
        let start = Instant::now();
        self.process
            .iter()
            .for_each(|p| spawn::signal(p, Signal::Terminate));
        (self.ended(limit), start.elapsed())
    }

    /// Waits until it ends by itself.
    pub fn ended(&mut self, limit: Duration) -> ExitStatus {
        let log = self.log.clone();
        let process = self.process.as_mut().expect("it has been started");
        let status = wait::until("crossdock ends", limit, || {
            let ended = process.try_wait().expect("a child can be waited for");
            ended.ok_or_else(|| tail(&log, 5))
        });
        self.process = None;
        status
    }

    /// Sends a signal, and waits for nothing.
    pub fn signal(&self, signal: Signal) {
        self.process
            .iter()
            .for_each(|process| spawn::signal(process, signal));
    }

    /// What it holds in memory, in MiB.
    pub fn memory_mib(&self) -> u64 {
        self.pid().map_or(0, process::memory_mib)
    }

    /// The CPU time it has used.
    pub fn cpu(&self) -> Duration {
        self.pid().map_or(Duration::ZERO, process::cpu)
    }

    /// How many files and sockets it may have open from now on.
    pub fn limit_files(&self, most: u64) {
        if let Some(pid) = self.pid() {
            process::limit(pid, process::Limit::Files, most);
        }
    }

    /// SIGSTOP.
    pub fn pause(&self) {
        self.signal(Signal::Pause);
    }

    /// SIGCONT.
    pub fn resume(&self) {
        self.signal(Signal::Resume);
    }

    /// SIGHUP.
    pub fn hang_up(&self) {
        self.signal(Signal::HangUp);
    }

    /// Whether it is there.
    pub fn is_running(&mut self) -> bool {
        self.process
            .as_mut()
            .is_some_and(|p| matches!(p.try_wait(), Ok(None)))
    }

    /// The process id, while it runs.
    pub fn pid(&self) -> Option<u32> {
        self.process.as_ref().map(Child::id)
    }

    /// `/api/v1/status`.
    pub fn status(&mut self) -> Result<Value, String> {
        if let Some(Ok(Some(status))) = self.process.as_mut().map(Child::try_wait) {
            return Err(format!("crossdock has ended ({status})"));
        }
        let (code, body) = self.get("/api/v1/status")?;
        let json = serde_json::from_str(&body).map_err(|e| format!("{e}: {body}"))?;
        if code == 200 {
            Ok(json)
        } else {
            Err(format!("status {code}: {body}"))
        }
    }

    /// Where it serves: `host:port`.
    pub fn listen(&self) -> &str {
        &self.listen
    }

    /// Everything it has said.
    pub fn log(&self) -> String {
        tail(&self.log, usize::MAX)
    }

    /// Status and body of a GET.
    pub fn get(&self, path: &str) -> Result<(u16, String), String> {
        http::request("GET", &self.listen, path)
    }

    /// Status and body of a POST.
    pub fn post(&self, path: &str) -> Result<(u16, String), String> {
        http::request("POST", &self.listen, path)
    }

    /// The last `lines` of its output; lines that differ in numbers only are told once.
    pub fn log_tail(&self, lines: usize) -> String {
        let text = tail(&self.log, usize::MAX);
        let shape = |line: &str| line.replace(|c: char| c.is_ascii_digit(), "");
        let mut told: Vec<&str> = text.lines().collect();
        told.dedup_by_key(|line| shape(line));
        told[told.len().saturating_sub(lines)..].join("\n")
    }
}

impl Drop for Dock {
    fn drop(&mut self) {
        self.kill();
    }
}

/// `Ok` where every edge of a status that `asked` for is caught up, else what is not.
pub fn caught_up(status: &Value, asked: &dyn Fn(&str) -> bool) -> Result<(), String> {
    let edges = status["edges"]
        .as_array()
        .ok_or("the status has no edges")?;
    let text = |edge: &Value, key: &str| edge[key].as_str().unwrap_or("?").to_owned();
    let behind: Vec<String> = edges
        .iter()
        .filter(|e| asked(&text(e, "name")) && e["state"] != "caught_up")
        .map(|e| {
            let lag = &e["lag_records"];
            format!(
                "{} is {} ({}), lag {lag}",
                text(e, "name"),
                text(e, "state"),
                text(e, "reason")
            )
        })
        .collect();
    if behind.is_empty() && !edges.is_empty() {
        Ok(())
    } else {
        Err(behind.join("; "))
    }
}
