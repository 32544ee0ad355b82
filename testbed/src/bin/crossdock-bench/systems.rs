//! The two systems, and how each is set up to copy `orders` from one cluster to the other.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crossdock_testbed::broker::Broker;
use crossdock_testbed::jars::{self, Tuning};
use crossdock_testbed::spawn;

/// Something that copies.
pub(crate) trait System {
    /// What it is called.
    fn name(&self) -> &'static str;
    /// The topic it writes on the target.
    fn target_topic(&self) -> &'static str;
    /// Starts it, with `folder` for its files.
    fn start(&self, source: &Broker, target: &Broker, folder: &Path) -> Child;
}

/// `crossdock run --once`, exactly once.
pub(crate) struct Crossdock {
    /// The binary.
    pub(crate) binary: PathBuf,
}

/// MirrorMaker 2 in dedicated mode, as its quick start has it, with two tasks for two cores.
pub(crate) struct MirrorMaker;

impl Crossdock {
    /// Its topology file.
    fn file(&self, source: &Broker, target: &Broker, folder: &Path) -> PathBuf {
        let file = folder.join("topology.yaml");
        let text = format!(
            "topology: bench\n\
             clusters:\n  \
               bj: {{ bootstrap.servers: \"{}\" }}\n  \
               sh: {{ bootstrap.servers: \"{}\" }}\n\
             defaults: {{ profile: throughput }}\n\
             edges:\n  - {{ from: bj, to: sh, topics: orders }}\n",
            source.bootstrap(),
            target.bootstrap()
        );
        fs::write(&file, text).expect("the folder can be written");
        file
    }

    /// Begins to hold both sides against each other.
    pub(crate) fn verify(&self, source: &Broker, target: &Broker, folder: &Path) -> Child {
        let file = self.file(source, target, folder);
        let mut command = Command::new(&self.binary);
        command.arg("verify").arg(file).args(["--format", "json"]);
        start(command, folder)
    }
}

impl System for Crossdock {
    fn name(&self) -> &'static str {
        "crossdock"
    }

    fn target_topic(&self) -> &'static str {
        "orders"
    }

    fn start(&self, source: &Broker, target: &Broker, folder: &Path) -> Child {
        let file = self.file(source, target, folder);
        let mut command = Command::new(&self.binary);
        command
            .arg("run")
            .arg(file)
            .args(["--once", "--listen", "127.0.0.1:0"]);
        start(command, folder)
    }
}

impl System for MirrorMaker {
    fn name(&self) -> &'static str {
        "MirrorMaker 2"
    }

    fn target_topic(&self) -> &'static str {
        "bj.orders"
    }

    fn start(&self, source: &Broker, target: &Broker, folder: &Path) -> Child {
        let file = folder.join("mm2.properties");
        let text = format!(
            "clusters = bj, sh\n\
             bj.bootstrap.servers = {}\n\
             sh.bootstrap.servers = {}\n\
             bj->sh.enabled = true\n\
             bj->sh.topics = orders\n\
             sh->bj.enabled = false\n\
             tasks.max = 2\n\
             replication.factor = 1\n\
             checkpoints.topic.replication.factor = 1\n\
             heartbeats.topic.replication.factor = 1\n\
             offset-syncs.topic.replication.factor = 1\n\
             offset.storage.replication.factor = 1\n\
             status.storage.replication.factor = 1\n\
             config.storage.replication.factor = 1\n\
             offset.storage.partitions = 1\n\
             status.storage.partitions = 1\n\
             bj->sh.emit.heartbeats.enabled = false\n\
             bj->sh.consumer.auto.offset.reset = earliest\n",
            source.bootstrap(),
            target.bootstrap()
        );
        fs::write(&file, text).expect("the folder can be written");
        // The heap that Kafka's own start script gives it.
        let mut command = jars::java("2g", Tuning::Throughput);
        command
            .arg("org.apache.kafka.connect.mirror.MirrorMaker")
            .arg(file);
        start(command, folder)
    }
}

fn start(mut command: Command, folder: &Path) -> Child {
    let log = File::create(folder.join("log")).expect("the folder can be written");
    let said = File::create(folder.join("said")).expect("the folder can be written");
    command.stdin(Stdio::null()).stdout(said).stderr(log);
    spawn::spawn(command).expect("the system can be started")
}
