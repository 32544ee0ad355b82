//! One node of a real Apache Kafka cluster, broker and controller in one, as a child process.

mod files;

use std::fs::{self, File};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use crate::jars::{self, Tuning};
use crate::random::crc32;
use crate::spawn::{self, Signal};
use crate::{process, wait, workdir};
use files::Ports;

/// How long a broker may take on a machine that does other things too.
const UP_WITHIN: Duration = Duration::from_secs(240);

/// A broker process, its data and its ports. Dropped, it is killed.
#[derive(Debug)]
pub struct Broker {
    cluster: String,
    folder: PathBuf,
    ports: Ports,
    heap: &'static str,
    tuning: Tuning,
    process: Option<Child>,
    /// How long its log was when it was launched last.
    log_before: usize,
}

impl Broker {
    /// Formats and starts a cluster of one node, with `properties` on top of the usual.
    pub fn start_as(heap: &'static str, tuning: Tuning, properties: &[(&str, &str)]) -> Self {
        let [mut broker] = Self::prepare(heap, tuning, properties);
        broker.restart();
        broker
    }

    /// The nodes of a new cluster, formatted and not yet launched. No one of several is up before
    /// most are.
    pub fn prepare<const NODES: usize>(
        heap: &'static str,
        tuning: Tuning,
        properties: &[(&str, &str)],
    ) -> [Self; NODES] {
        let cluster = files::new_id();
        let ports = [(); NODES].map(|()| Ports::new());
        std::array::from_fn(|index| {
            let folder = workdir::new_folder("broker");
            let node = index + 1;
            files::format(&folder, &cluster, node);
            let text = files::server_properties(&folder, &ports, node, properties);
            fs::write(folder.join("server.properties"), text).expect("the folder can be written");
            Self {
                cluster: cluster.clone(),
                folder,
                ports: ports[index].clone(),
                heap,
                tuning,
                process: None,
                log_before: 0,
            }
        })
    }

    /// The id of its cluster.
    pub fn cluster_id(&self) -> &str {
        &self.cluster
    }

    /// Where clients find it.
    pub fn bootstrap(&self) -> String {
        format!("localhost:{}", self.ports.direct)
    }

    /// The listener behind a proxy: where the proxy is to forward to.
    pub fn behind_proxy(&self) -> u16 {
        self.ports.inner
    }

    /// The port that clients of the listener behind a proxy are told: where the proxy must listen.
    pub fn proxy_port(&self) -> u16 {
        self.ports.proxied
    }

    /// The process id, while it runs.
    pub fn pid(&self) -> Option<u32> {
        self.process.as_ref().map(Child::id)
    }

    /// What the broker has logged.
    pub fn log(&self) -> PathBuf {
        self.folder.join("server.log")
    }

    /// kill -9: the machine is gone; what it had written stays.
    pub fn kill(&mut self) {
        self.end(Signal::Kill);
    }

    /// SIGTERM, waited for.
    pub fn stop(&mut self) {
        self.end(Signal::Terminate);
    }

    /// Sends a signal, and waits for nothing.
    pub fn signal(&self, signal: Signal) {
        self.process
            .iter()
            .for_each(|process| spawn::signal(process, signal));
    }

    /// SIGSTOP: it stands still, its connections stay open.
    pub fn pause(&self) {
        self.signal(Signal::Pause);
    }

    /// SIGCONT.
    pub fn resume(&self) {
        self.signal(Signal::Resume);
    }

    /// Whether its process is there.
    pub fn is_running(&mut self) -> bool {
        self.process
            .as_mut()
            .is_some_and(|process| matches!(process.try_wait(), Ok(None)))
    }

    /// Starts it (again) with the same data and ports; ready when it returns.
    pub fn restart(&mut self) {
        self.launch();
        self.until_up();
    }

    /// Starts its process, and does not wait.
    pub fn launch(&mut self) {
        self.kill();
        let log = File::options().create(true).append(true).open(self.log());
        let log = log.expect("the folder can be written");
        let mut command = jars::java(self.heap, self.tuning);
        command
            .arg("kafka.Kafka")
            .arg(self.folder.join("server.properties"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log);
        self.log_before = fs::read(self.log()).map_or(0, |text| text.len());
        self.process = Some(spawn::spawn(command).expect("java can be started"));
    }

    /// Waits until a process that was launched takes requests.
    pub fn until_up(&mut self) {
        wait::until("a broker answers", UP_WITHIN, || self.answers());
    }

    /// No file of it may grow beyond this many bytes, as on a disk that is full; until it is launched
    /// again.
    pub fn limit_file_size(&self, most: u64) {
        if let Some(pid) = self.pid() {
            process::limit(pid, process::Limit::FileSize, most);
        }
    }

    /// Turns over one bit of a partition's first log file, at a share of its length. It must not run.
    pub fn corrupt(&self, topic: &str, partition: usize, share: f64) {
        let folder = self.data().join(format!("{topic}-{partition}"));
        let path = folder.join("00000000000000000000.log");
        let mut bytes = fs::read(&path).expect("the log is there");
        let place = (bytes.len() as f64 * share) as usize;
        bytes[place] ^= 1;
        fs::write(&path, bytes).expect("the log can be written");
    }

    /// The folder of its logs: one folder a partition.
    pub fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    fn answers(&mut self) -> Result<(), String> {
        let process = self.process.as_mut().ok_or("not started")?;
        if let Ok(Some(status)) = process.try_wait() {
            panic!("the broker ended ({status}):\n{}", tail(&self.log(), 20));
        }
        let said = fs::read(self.log()).unwrap_or_default();
        let said = String::from_utf8_lossy(said.get(self.log_before..).unwrap_or_default());
        // Its port is open long before it takes requests; this line is logged when it does.
        let is_up = said.contains("Kafka Server started");
        if !is_up || TcpStream::connect(("127.0.0.1", self.ports.direct)).is_err() {
            return Err(tail(&self.log(), 3));
        }
        Ok(())
    }

    fn end(&mut self, signal: Signal) {
        let Some(mut process) = self.process.take() else {
            return;
        };
        spawn::signal(&process, Signal::Resume); // one that stands still hears no SIGTERM
        spawn::signal(&process, signal);
        process.wait().expect("a child can be waited for");
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.kill();
        fs::remove_dir_all(&self.folder).ok();
    }
}

/// The last `lines` of a file.
pub fn tail(path: &Path, lines: usize) -> String {
    let text = fs::read(path).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let all: Vec<&str> = text.lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}

/// A port that nobody listens on, below the range from which outgoing connections take theirs: it
/// must still be free when the broker comes back.
pub fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    const FIRST: u16 = 15_000;
    const COUNT: u16 = 16_000;
    let start = crc32(&std::process::id().to_le_bytes()) % u32::from(COUNT);
    for _ in 0..COUNT {
        let step = u32::from(NEXT.fetch_add(1, Ordering::Relaxed));
        let port = FIRST + ((start + step) % u32::from(COUNT)) as u16;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
    panic!("no free port from {FIRST} on");
}
