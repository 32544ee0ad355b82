//! One real Apache Kafka cluster of one node, as a child process.

use std::fs::{self, File};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU16, Ordering};
use std::thread;
use std::time::Duration;

use crate::jars::{self, Tuning};
use crate::random::{Random, crc32};
use crate::spawn::{self, Signal};
use crate::{wait, workdir};

/// How long a broker may take on a machine that does other things too.
const UP_WITHIN: Duration = Duration::from_secs(90);

/// A broker process, its data and its ports. Dropped, it is killed.
#[derive(Debug)]
pub struct Broker {
    id: String,
    folder: PathBuf,
    port: u16,
    inner_port: u16,
    proxy_port: u16,
    heap: &'static str,
    tuning: Tuning,
    process: Option<Child>,
}

impl Broker {
    /// Formats and starts a broker, with `properties` on top of the usual; ready when it returns.
    pub fn start(properties: &[(&str, &str)]) -> Self {
        Self::start_as("384m", Tuning::Start, properties)
    }

    /// The same with a heap and a tuning of the JVM.
    pub fn start_as(heap: &'static str, tuning: Tuning, properties: &[(&str, &str)]) -> Self {
        let folder = workdir::new_folder("broker");
        let [port, inner_port, proxy_port, controller] = [(); 4].map(|()| free_port());
        let id = format(&folder);
        let text = server_properties(
            &folder, port, inner_port, proxy_port, controller, properties,
        );
        fs::write(folder.join("server.properties"), text).expect("the folder can be written");
        let process = None;
        let mut broker = Self {
            id,
            folder,
            port,
            inner_port,
            proxy_port,
            heap,
            tuning,
            process,
        };
        broker.restart();
        broker
    }

    /// Starts several at once.
    pub fn start_many(count: usize) -> Vec<Self> {
        let starting: Vec<_> = (0..count)
            .map(|_| thread::spawn(|| Self::start(&[])))
            .collect();
        starting
            .into_iter()
            .map(|b| b.join().expect("the broker starts"))
            .collect()
    }

    /// The id of its cluster.
    pub fn cluster_id(&self) -> &str {
        &self.id
    }

    /// Where clients find it.
    pub fn bootstrap(&self) -> String {
        format!("localhost:{}", self.port)
    }

    /// The listener behind a proxy: where the proxy is to forward to.
    pub fn behind_proxy(&self) -> u16 {
        self.inner_port
    }

    /// The port that clients of the listener behind a proxy are told: where the proxy must listen.
    pub fn proxy_port(&self) -> u16 {
        self.proxy_port
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

    /// SIGSTOP: it stands still, its connections stay open.
    pub fn pause(&self) {
        self.process
            .iter()
            .for_each(|p| spawn::signal(p, Signal::Pause));
    }

    /// SIGCONT.
    pub fn resume(&self) {
        self.process
            .iter()
            .for_each(|p| spawn::signal(p, Signal::Resume));
    }

    /// Starts it (again) with the same data and ports; ready when it returns.
    pub fn restart(&mut self) {
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
        self.process = Some(spawn::spawn(command).expect("java can be started"));
        wait::until("a broker answers", UP_WITHIN, || self.answers());
    }

    fn answers(&mut self) -> Result<(), String> {
        let process = self.process.as_mut().ok_or("not started")?;
        if let Ok(Some(status)) = process.try_wait() {
            panic!("the broker ended ({status}):\n{}", tail(&self.log(), 20));
        }
        let up = fs::read_to_string(self.log()).unwrap_or_default();
        // Its port is open long before it takes requests; this line is logged when it does.
        let starts = up.matches("Kafka Server started").count();
        let begun = up
            .matches("starting (kafka.server.KafkaRaftServer)")
            .count()
            .max(1);
        if starts < begun || TcpStream::connect(("127.0.0.1", self.port)).is_err() {
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

/// Gives the folder a formatted log directory of a new cluster, and says its id.
///
/// Kafka's own tool formats one directory a run; the others are copies of it under ids of their
/// own, which saves a JVM each.
fn format(folder: &Path) -> String {
    static TEMPLATE: OnceLock<PathBuf> = OnceLock::new();
    let template = TEMPLATE.get_or_init(|| {
        let folder = workdir::new_folder("format");
        let text = server_properties(&folder, 1, 2, 3, 4, &[]);
        fs::write(folder.join("server.properties"), text).expect("the folder can be written");
        let mut command = jars::java("64m", Tuning::Start);
        command.args(["kafka.tools.StorageTool", "format", "-t", &new_id(), "-c"]);
        command.arg(folder.join("server.properties"));
        let output = command.output().expect("java can be started");
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.success(),
            "Kafka's storage tool failed: {error}"
        );
        folder.join("data")
    });
    let (id, data) = (new_id(), folder.join("data"));
    fs::create_dir_all(&data).expect("the folder can be written");
    for entry in fs::read_dir(template)
        .expect("the template is there")
        .flatten()
    {
        fs::copy(entry.path(), data.join(entry.file_name())).expect("a file can be copied");
    }
    let meta = format!(
        "version=1\ncluster.id={id}\nnode.id=1\ndirectory.id={}\n",
        new_id()
    );
    fs::write(data.join("meta.properties"), meta).expect("the folder can be written");
    id
}

/// A random id as Kafka writes them: 16 bytes in base64 for URLs.
fn new_id() -> String {
    static COUNT: AtomicU16 = AtomicU16::new(0);
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let now = now.expect("it is after 1970").as_nanos() as u64;
    let count = u64::from(COUNT.fetch_add(1, Ordering::Relaxed));
    let mut random = Random::new(now ^ (u64::from(std::process::id()) << 32) ^ (count << 48));
    let letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
    // Neither may it begin with `-`, which tools take for an option; the last holds two bits only.
    let first = char::from(letters[random.below(62) as usize]);
    let mut id = String::from(first);
    id.extend((0..20).map(|_| char::from(letters[random.below(64) as usize])));
    id.push(char::from(b"AQgw"[random.below(4) as usize]));
    id
}

fn server_properties(
    folder: &Path,
    port: u16,
    inner_port: u16,
    proxy_port: u16,
    controller: u16,
    properties: &[(&str, &str)],
) -> String {
    let data = folder.join("data");
    let mut text = format!(
        "process.roles=broker,controller\n\
         node.id=1\n\
         controller.quorum.voters=1@localhost:{controller}\n\
         listeners=DIRECT://localhost:{port},PROXIED://localhost:{inner_port},CONTROLLER://localhost:{controller}\n\
         advertised.listeners=DIRECT://localhost:{port},PROXIED://localhost:{proxy_port}\n\
         controller.listener.names=CONTROLLER\n\
         inter.broker.listener.name=DIRECT\n\
         listener.security.protocol.map=DIRECT:PLAINTEXT,PROXIED:PLAINTEXT,CONTROLLER:PLAINTEXT\n\
         log.dirs={}\n",
        data.display()
    );
    // A broker that was killed is let in again only when its old session is over: 9 s by default.
    text.push_str("broker.session.timeout.ms=4000\nbroker.heartbeat.interval.ms=1000\n");
    // Odd timestamps must not expire while they are being judged: no retention by age.
    text.push_str(
        "log.retention.ms=-1\n\
         offsets.topic.replication.factor=1\n\
         offsets.topic.num.partitions=4\n\
         transaction.state.log.replication.factor=1\n\
         transaction.state.log.min.isr=1\n\
         transaction.state.log.num.partitions=4\n\
         share.coordinator.state.topic.replication.factor=1\n\
         group.initial.rebalance.delay.ms=0\n\
         log.cleaner.dedupe.buffer.size=8388608\n\
         num.network.threads=2\n\
         num.io.threads=2\n\
         auto.create.topics.enable=false\n",
    );
    for (name, value) in properties {
        text.push_str(&format!("{name}={value}\n"));
    }
    text
}
