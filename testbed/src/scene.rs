//! A scene: a topology on real brokers, records of odd shapes, crossdock as a process of its own.

mod birth;
mod ledger;
mod process;
mod rest;
mod round;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use crate::cluster::Size;
use crate::dock::Dock;
use crate::load::Load;
use crate::pool::{self, Lease};
use crate::proxy::Proxy;
use crate::random::seed_of;
use crate::sampler::Sampler;
use crate::verdict::{Evidence, Route};
use crate::writer::PATIENCE;
use crate::{admin, dump, wait, workdir};

/// How long a replicator may take to copy what a scene produces.
const CAUGHT_UP_WITHIN: Duration = Duration::from_secs(180);

/// The name under which a scene's only crossdock runs.
pub const DOCK: &str = "dock";

pub use round::Ended;

/// One topology on real brokers.
pub struct Scene {
    binary: PathBuf,
    folder: PathBuf,
    topology: String,
    clusters: BTreeMap<String, Lease>,
    proxies: BTreeMap<String, Proxy>,
    docks: BTreeMap<String, Dock>,
    loads: Vec<Load>,
    /// What the verdict is given on, but for the dumps.
    known: Evidence,
    sequence: u64,
    /// Variables beside the clusters' addresses.
    further: Vec<(String, String)>,
    /// Where the logs ended when the round began.
    from: BTreeMap<String, dump::Ends>,
    patience: Duration,
    sampler: Option<Sampler>,
    /// What lay on clusters that are only read when the scene began.
    before: BTreeMap<String, Vec<String>>,
    /// Cluster and topic of what users write in transactions under load.
    transactional: BTreeSet<(String, String)>,
}

impl Scene {
    /// A scene with a shared broker for each of `aliases`, and `text` as its topology file. In it
    /// `${BJ_BOOTSTRAP}` is the address of `bj`. Its `topology:` gets a name of its own: groups
    /// stay on shared brokers.
    pub fn new(binary: &str, name: &str, aliases: &[&str], text: &str) -> Self {
        let sizes: Vec<_> = aliases.iter().map(|alias| (*alias, Size::One)).collect();
        Self::of_sizes(binary, name, &sizes, text)
    }

    /// The same with shared clusters of these sizes.
    pub fn of_sizes(binary: &str, name: &str, sizes: &[(&str, Size)], text: &str) -> Self {
        let leases = pool::lend(&sizes.iter().map(|(_, size)| *size).collect::<Vec<_>>());
        let aliases = sizes.iter().map(|(alias, _)| (*alias).to_owned());
        Self::with_clusters(binary, name, aliases.zip(leases).collect(), text)
    }

    /// The same on brokers of the scene's own.
    pub fn with_clusters(
        binary: &str,
        name: &str,
        clusters: BTreeMap<String, Lease>,
        text: &str,
    ) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let topology = format!("scene-{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        let folder = workdir::new_folder(name);
        let renamed = |line: &str| {
            let named = line.starts_with("topology:");
            if named {
                format!("topology: {topology}\n")
            } else {
                format!("{line}\n")
            }
        };
        let text: String = text.lines().map(renamed).collect();
        fs::write(folder.join("topology.yaml"), text).expect("the folder can be written");
        let mut known = Evidence {
            seed: seed_of(name),
            ..Evidence::default()
        };
        for (alias, cluster) in &clusters {
            known.topics.insert(alias.clone(), BTreeSet::new());
            let before = dump::groups(&cluster.bootstrap()).into_iter().collect();
            known.groups.insert(alias.clone(), before);
        }
        Self {
            binary: binary.into(),
            folder,
            topology,
            clusters,
            proxies: BTreeMap::new(),
            docks: BTreeMap::new(),
            loads: Vec::new(),
            known,
            sequence: 0,
            further: Vec::new(),
            from: BTreeMap::new(),
            patience: CAUGHT_UP_WITHIN,
            sampler: None,
            before: BTreeMap::new(),
            transactional: BTreeSet::new(),
        }
    }

    /// The name that its topology got.
    pub fn topology(&self) -> &str {
        &self.topology
    }

    /// Its topology file.
    pub fn file(&self) -> PathBuf {
        self.folder.join("topology.yaml")
    }

    /// The broker of a cluster, to be asked or harmed.
    pub fn broker(&mut self, alias: &str) -> &mut Lease {
        self.clusters
            .get_mut(alias)
            .unwrap_or_else(|| panic!("no cluster {alias}"))
    }

    /// Puts a proxy before a cluster, for every crossdock that is started from now on.
    pub fn proxy(&mut self, alias: &str) -> &Proxy {
        let doors = self.clusters[alias].doors();
        self.proxies
            .entry(alias.to_owned())
            .or_insert_with(|| Proxy::start(&doors))
    }

    /// Makes a topic that users produce to.
    pub fn topic(&mut self, alias: &str, name: &str, partitions: usize) {
        self.topic_with(alias, name, partitions, &[]);
    }

    /// The same with topic configurations.
    pub fn topic_with(
        &mut self,
        alias: &str,
        name: &str,
        partitions: usize,
        config: &[(&str, &str)],
    ) {
        admin::create_topic(&self.bootstrap(alias), name, partitions, config);
        self.plan(alias, name);
    }

    /// Raises a topic's number of partitions.
    pub fn grow(&mut self, alias: &str, name: &str, partitions: usize) {
        admin::grow_topic(&self.bootstrap(alias), name, partitions);
        wait::until("the new partitions are known", PATIENCE, || {
            let now = dump::topics(&self.bootstrap(alias)).get(name).copied();
            if now == Some(partitions) {
                Ok(())
            } else {
                Err(format!("{now:?}"))
            }
        });
    }

    /// The value of a topic's config.
    pub fn config(&self, alias: &str, topic: &str, key: &str) -> String {
        admin::config(&self.bootstrap(alias), topic, key)
    }

    /// Deletes a topic, and makes it again with as many partitions.
    pub fn recreate(&mut self, alias: &str, name: &str, partitions: usize) {
        admin::delete_topic(&self.bootstrap(alias), name);
        admin::create_topic(&self.bootstrap(alias), name, partitions, &[]);
    }

    /// Deletes a topic and makes it again between two batches of whoever writes it.
    pub fn replace(&mut self, alias: &str, name: &str, partitions: usize) {
        admin::replace_topic(&self.bootstrap(alias), name, partitions);
    }

    /// Deletes a topic.
    pub fn delete(&mut self, alias: &str, name: &str) {
        admin::delete_topic_soon(&self.bootstrap(alias), name);
    }

    /// Removes the records of a partition before `offset`, as retention would.
    pub fn trim(&mut self, alias: &str, topic: &str, partition: i32, offset: i64) {
        admin::delete_records(&self.bootstrap(alias), topic, partition, Some(offset));
    }

    /// Removes all records of a partition.
    pub fn empty(&mut self, alias: &str, topic: &str, partition: i32) {
        admin::delete_records(&self.bootstrap(alias), topic, partition, None);
    }

    /// Deletes an edge's committed offsets of a target topic; nobody may run it.
    pub fn forget_progress(&mut self, edge: &str, target_topic: &str) {
        let (_, target) = edge.split_once("-to-").expect("an edge is called A-to-B");
        let group = format!("crossdock.{}.{edge}", self.topology);
        admin::delete_offsets(&self.bootstrap(target), &group, target_topic);
    }

    /// Says that `name` should be there at the end, though not made by the scene.
    pub fn plan(&mut self, alias: &str, name: &str) {
        self.known
            .topics
            .entry(alias.to_owned())
            .or_default()
            .insert(name.to_owned());
    }

    /// Says that a consumer group of users may be there at the end.
    pub fn group(&mut self, alias: &str, name: &str) {
        let groups = self.known.groups.entry(alias.to_owned()).or_default();
        groups.insert(name.to_owned());
    }

    /// Every topic that users have produced to, with its cluster's alias.
    pub fn sources(&self) -> Vec<(String, String)> {
        let born = self
            .known
            .births
            .iter()
            .map(|b| (b.cluster.clone(), b.topic.clone()));
        born.collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// Says what an edge should copy: `topic` to `target_topic`.
    pub fn route(&mut self, edge: &str, topic: &str, target_topic: &str) {
        self.add_route(edge, topic, target_topic, false);
    }

    /// The same for an edge with `forward: local`.
    pub fn local_route(&mut self, edge: &str, topic: &str, target_topic: &str) {
        self.add_route(edge, topic, target_topic, true);
    }

    /// The same for the way home of an edge, as a failback brings it: `topic` of its target to
    /// `home_topic` of its source.
    pub fn way_home(&mut self, edge: &str, topic: &str, home_topic: &str) {
        let (home, away) = edge.split_once("-to-").expect("an edge is called A-to-B");
        let group = format!("crossdock.{}.{edge}-failback", self.topology);
        self.known
            .groups
            .entry(home.to_owned())
            .or_default()
            .insert(group);
        self.known.routes.push(Route {
            edge: format!("{edge}-failback"),
            source: away.to_owned(),
            topic: topic.to_owned(),
            target: home.to_owned(),
            target_topic: home_topic.to_owned(),
            local_only: false,
        });
    }

    fn add_route(&mut self, edge: &str, topic: &str, target_topic: &str, local_only: bool) {
        let (source, target) = edge.split_once("-to-").expect("an edge is called A-to-B");
        self.plan(target, target_topic);
        let group = format!("crossdock.{}.{edge}", self.topology);
        self.known
            .groups
            .entry(target.to_owned())
            .or_default()
            .insert(group);
        self.known.routes.push(Route {
            edge: edge.to_owned(),
            source: source.to_owned(),
            topic: topic.to_owned(),
            target: target.to_owned(),
            target_topic: target_topic.to_owned(),
            local_only,
        });
    }

    /// Where a cluster is, for the scene's own clients.
    pub fn address(&self, alias: &str) -> String {
        self.bootstrap(alias)
    }

    fn bootstrap(&self, alias: &str) -> String {
        self.clusters
            .get(alias)
            .unwrap_or_else(|| panic!("no cluster {alias}"))
            .bootstrap()
    }

    /// The folder with everything that the scene's processes have logged.
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

impl Drop for Scene {
    #[allow(
        clippy::print_stderr,
        reason = "a failed test shows what the product said"
    )]
    fn drop(&mut self) {
        if thread::panicking() {
            for (name, dock) in &mut self.docks {
                eprintln!(
                    "--- crossdock {name}, its last lines:\n{}",
                    dock.log_tail(60)
                );
                eprintln!("--- its status: {:?}", dock.status().map(|s| s.to_string()));
            }
        }
        // First the replicators, then the topics they write to.
        self.docks.clear();
        self.loads.drain(..).for_each(|load| drop(load.stop()));
    }
}
