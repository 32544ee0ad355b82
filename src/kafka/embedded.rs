//! Embedded brokers: librdkafka's mock cluster, in this process, for rehearsals.
//!
//! It has neither transactions nor admin calls, so topics are made through this handle.

use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};

use rdkafka::mocking::MockCluster;

/// Partitions bigger than this lose their oldest records (librdkafka's mock brokers).
pub const PARTITION_BYTES_MAX: usize = 5 * 1024 * 1024;

/// The number of its only broker.
const BROKER: i32 = 1;

enum Request {
    CreateTopic {
        name: String,
        partitions: i32,
        done: SyncSender<Result<(), String>>,
    },
    SetUp {
        is_up: bool,
        done: SyncSender<Result<(), String>>,
    },
}

/// A handle to one embedded cluster; it lives as long as its last handle.
#[derive(Clone, Debug)]
pub struct Embedded {
    requests: Sender<Request>,
    bootstrap_servers: String,
}

impl Embedded {
    /// Starts a cluster of one broker on a free port of the loopback interface.
    ///
    /// # Errors
    /// Why it cannot be started.
    pub fn start() -> Result<Self, String> {
        let (requests, received) = channel();
        let (ready, started) = sync_channel(1);
        // The mock cluster is not `Send`: the thread that made it owns it.
        std::thread::Builder::new()
            .name("embedded-cluster".to_owned())
            .spawn(move || serve(&ready, &received))
            .map_err(|e| e.to_string())?;
        let bootstrap_servers = started.recv().map_err(|e| e.to_string())??;
        Ok(Self {
            requests,
            bootstrap_servers,
        })
    }

    /// Where other clients, of other processes too, find it.
    pub fn bootstrap_servers(&self) -> &str {
        &self.bootstrap_servers
    }

    /// Creates a topic; that it exists already is fine.
    ///
    /// # Errors
    /// Why it cannot be created.
    pub fn create_topic(&self, name: &str, partitions: i32) -> Result<(), String> {
        let name = name.to_owned();
        self.ask(|done| Request::CreateTopic {
            name,
            partitions,
            done,
        })
    }

    /// Lets its broker answer, or not: what it holds stays.
    ///
    /// # Errors
    /// Why it cannot be.
    pub fn set_up(&self, is_up: bool) -> Result<(), String> {
        self.ask(|done| Request::SetUp { is_up, done })
    }

    fn ask(
        &self,
        request: impl FnOnce(SyncSender<Result<(), String>>) -> Request,
    ) -> Result<(), String> {
        let (done, answer) = sync_channel(1);
        self.requests
            .send(request(done))
            .map_err(|_| "the embedded cluster has stopped")?;
        answer
            .recv()
            .map_err(|_| "the embedded cluster has stopped")?
    }
}

fn serve(ready: &SyncSender<Result<String, String>>, requests: &Receiver<Request>) {
    let cluster = match MockCluster::new(1) {
        Ok(cluster) => cluster,
        Err(e) => {
            // Nobody waits for the answer when the starter is gone already.
            ready.send(Err(e.to_string())).ok();
            return;
        }
    };
    ready.send(Ok(cluster.bootstrap_servers())).ok();
    let mut created = std::collections::BTreeSet::new();
    while let Ok(request) = requests.recv() {
        let (name, partitions, done) = match request {
            Request::CreateTopic {
                name,
                partitions,
                done,
            } => (name, partitions, done),
            Request::SetUp { is_up, done } => {
                let set = if is_up {
                    cluster.broker_up(BROKER)
                } else {
                    cluster.broker_down(BROKER)
                };
                done.send(set.map_err(|e| e.to_string())).ok();
                continue;
            }
        };
        let answer = if created.contains(&name) {
            Ok(())
        } else {
            cluster
                .create_topic(&name, partitions, 1)
                .map_err(|e| e.to_string())
        };
        if answer.is_ok() {
            created.insert(name);
        }
        done.send(answer).ok();
    }
}
