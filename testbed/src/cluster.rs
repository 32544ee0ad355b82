//! A real Kafka cluster of one node or of three, each a child process.

use crate::broker::Broker;
use crate::jars::Tuning;

/// Small: many run at a time on a small machine.
const HEAP: &str = "384m";

/// Of three, each holds every record too.
const HEAP_OF_THREE: &str = "256m";

/// Its nodes. With three, every topic has three replicas, and two of them acknowledge a record.
#[derive(Debug)]
pub struct Cluster {
    nodes: Vec<Broker>,
}

/// How many nodes a cluster has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Size {
    /// One: its death is an outage.
    One,
    /// Three: one may die.
    Three,
}

impl Cluster {
    /// Formats and starts one with `properties` on top of the usual; ready when it returns.
    pub fn start(size: Size, properties: &[(&str, &str)]) -> Self {
        let nodes = match size {
            Size::One => Vec::from(Broker::prepare::<1>(HEAP, Tuning::Start, properties)),
            Size::Three => Vec::from(Broker::prepare::<3>(
                HEAP_OF_THREE,
                Tuning::Start,
                properties,
            )),
        };
        let mut cluster = Self { nodes };
        cluster.restart();
        cluster
    }

    /// Its id.
    pub fn cluster_id(&self) -> &str {
        self.nodes[0].cluster_id()
    }

    /// Where clients find it: all nodes.
    pub fn bootstrap(&self) -> String {
        let all: Vec<String> = self.nodes.iter().map(Broker::bootstrap).collect();
        all.join(",")
    }

    /// Where clients find it that come through proxies.
    pub fn proxied_bootstrap(&self) -> String {
        let address = |node: &Broker| format!("localhost:{}", node.proxy_port());
        let all: Vec<String> = self.nodes.iter().map(address).collect();
        all.join(",")
    }

    /// Of each node, the port where a proxy must listen, and where it must forward to.
    pub fn doors(&self) -> Vec<(u16, u16)> {
        let door = |node: &Broker| (node.proxy_port(), node.behind_proxy());
        self.nodes.iter().map(door).collect()
    }

    /// Its size.
    pub fn size(&self) -> Size {
        match self.nodes.len() {
            1 => Size::One,
            _ => Size::Three,
        }
    }

    /// Its nodes. The id of each is its place, from 1.
    pub fn nodes(&mut self) -> &mut [Broker] {
        &mut self.nodes
    }

    /// The node with this id.
    pub fn node(&mut self, id: usize) -> &mut Broker {
        &mut self.nodes[id - 1]
    }

    /// The process id of its first node, while it runs.
    pub fn pid(&self) -> Option<u32> {
        self.nodes[0].pid()
    }

    /// Whether all nodes run.
    pub fn is_running(&mut self) -> bool {
        self.nodes.iter_mut().all(Broker::is_running)
    }

    /// kill -9 of all nodes.
    pub fn kill(&mut self) {
        self.nodes.iter_mut().for_each(Broker::kill);
    }

    /// SIGTERM to all nodes, one after the other.
    pub fn stop(&mut self) {
        self.nodes.iter_mut().for_each(Broker::stop);
    }

    /// SIGSTOP of all nodes.
    pub fn pause(&self) {
        self.nodes.iter().for_each(Broker::pause);
    }

    /// SIGCONT of all nodes.
    pub fn resume(&self) {
        self.nodes.iter().for_each(Broker::resume);
    }

    /// Starts all nodes (again) with the same data and ports; ready when it returns.
    pub fn restart(&mut self) {
        self.nodes.iter_mut().for_each(Broker::launch);
        self.nodes.iter_mut().for_each(Broker::until_up);
    }

    /// Starts the nodes that are not there; ready when it returns.
    pub fn revive(&mut self) {
        for node in &mut self.nodes {
            if !node.is_running() {
                node.launch();
            }
        }
        self.nodes.iter_mut().for_each(Broker::until_up);
    }

    /// Each node stopped and started, one after the other: as an upgrade does it.
    pub fn roll(&mut self) {
        for node in &mut self.nodes {
            node.stop();
            node.restart();
        }
    }
}
