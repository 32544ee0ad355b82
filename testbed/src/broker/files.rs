//! What a node needs before it starts: ports, a formatted log directory, its properties.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU16, Ordering};

use super::free_port;
use crate::jars::{self, Tuning};
use crate::random::Random;
use crate::workdir;

/// The ports of one node.
#[derive(Clone, Debug)]
pub(super) struct Ports {
    /// Where scenes and other brokers come in.
    pub(super) direct: u16,
    /// The listener behind a proxy.
    pub(super) inner: u16,
    /// What clients of that listener are told.
    pub(super) proxied: u16,
    /// Where controllers talk.
    controller: u16,
}

impl Ports {
    pub(super) fn new() -> Self {
        let [direct, inner, proxied, controller] = [(); 4].map(|()| free_port());
        Self {
            direct,
            inner,
            proxied,
            controller,
        }
    }
}

/// Gives the folder a formatted log directory of node `node` of `cluster`.
///
/// Kafka's own tool formats one directory a run; the others are copies of it under ids of their
/// own, which saves a JVM each.
pub(super) fn format(folder: &Path, cluster: &str, node: usize) {
    static TEMPLATE: OnceLock<PathBuf> = OnceLock::new();
    let template = TEMPLATE.get_or_init(|| {
        let folder = workdir::new_folder("format");
        let text = server_properties(&folder, &[Ports::new()], 1, &[]);
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
    let data = folder.join("data");
    fs::create_dir_all(&data).expect("the folder can be written");
    for entry in fs::read_dir(template)
        .expect("the template is there")
        .flatten()
    {
        fs::copy(entry.path(), data.join(entry.file_name())).expect("a file can be copied");
    }
    let meta = format!(
        "version=1\ncluster.id={cluster}\nnode.id={node}\ndirectory.id={}\n",
        new_id()
    );
    fs::write(data.join("meta.properties"), meta).expect("the folder can be written");
}

/// A random id as Kafka writes them: 16 bytes in base64 for URLs.
pub(super) fn new_id() -> String {
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

/// The properties of node `node` (from 1) of as many as there are ports.
pub(super) fn server_properties(
    folder: &Path,
    all: &[Ports],
    node: usize,
    properties: &[(&str, &str)],
) -> String {
    let data = folder.join("data");
    let Ports {
        direct,
        inner,
        proxied,
        controller,
    } = &all[node - 1];
    let voters: Vec<String> = (1..)
        .zip(all)
        .map(|(node, ports)| format!("{node}@localhost:{}", ports.controller))
        .collect();
    let voters = voters.join(",");
    let mut text = format!(
        "process.roles=broker,controller\n\
         node.id={node}\n\
         controller.quorum.voters={voters}\n\
         listeners=DIRECT://localhost:{direct},PROXIED://localhost:{inner},CONTROLLER://localhost:{controller}\n\
         advertised.listeners=DIRECT://localhost:{direct},PROXIED://localhost:{proxied}\n\
         controller.listener.names=CONTROLLER\n\
         inter.broker.listener.name=DIRECT\n\
         listener.security.protocol.map=DIRECT:PLAINTEXT,PROXIED:PLAINTEXT,CONTROLLER:PLAINTEXT\n\
         log.dirs={}\n",
        data.display()
    );
    // As far as they go: every record on all nodes, and acknowledged by most.
    let (replicas, insync) = (all.len(), all.len() / 2 + 1);
    text.push_str(&format!(
        "default.replication.factor={replicas}\n\
         min.insync.replicas={insync}\n\
         offsets.topic.replication.factor={replicas}\n\
         transaction.state.log.replication.factor={replicas}\n\
         transaction.state.log.min.isr={insync}\n\
         share.coordinator.state.topic.replication.factor={replicas}\n\
         share.coordinator.state.topic.min.isr={insync}\n"
    ));
    // A broker that was killed is let in again only when its old session is over: 9 s by default.
    text.push_str("broker.session.timeout.ms=4000\nbroker.heartbeat.interval.ms=1000\n");
    // Odd timestamps must not expire while they are being judged: no retention by age.
    text.push_str(
        "log.retention.ms=-1\n\
         offsets.topic.num.partitions=4\n\
         transaction.state.log.num.partitions=4\n\
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
