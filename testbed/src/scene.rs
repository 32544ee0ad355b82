//! A scene: a topology on real brokers, records of odd shapes, crossdock as a process of its own.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::dock::{self, Dock, Line};
use crate::load::Load;
use crate::pool::{self, Lease};
use crate::proxy::Proxy;
use crate::random::seed_of;
use crate::verdict::{Evidence, Route, Verdict, judge};
use crate::writer::{PATIENCE, Place, Writer};
use crate::{admin, dump, wait, workdir};

/// How long a replicator may take to copy what a scene produces.
const CAUGHT_UP_WITHIN: Duration = Duration::from_secs(90);

/// How long all logs must stand still to be at rest.
const REST: Duration = Duration::from_millis(1500);

/// The name under which a scene's only crossdock runs.
pub const DOCK: &str = "dock";

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
}

impl Scene {
    /// A scene with a shared broker for each of `aliases`, and `text` as its topology file. In it
    /// `${BJ_BOOTSTRAP}` is the address of `bj`. Its `topology:` gets a name of its own: groups
    /// stay on shared brokers.
    pub fn new(binary: &str, name: &str, aliases: &[&str], text: &str) -> Self {
        let leases = pool::lend(aliases.len());
        let clusters = aliases
            .iter()
            .map(|a| (*a).to_owned())
            .zip(leases)
            .collect();
        Self::with_clusters(binary, name, clusters, text)
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
        let broker = &self.clusters[alias];
        let (port, to) = (broker.proxy_port(), broker.behind_proxy());
        self.proxies
            .entry(alias.to_owned())
            .or_insert_with(|| Proxy::start(port, to))
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

    /// Says that `name` should be there at the end, though not made by the scene.
    pub fn plan(&mut self, alias: &str, name: &str) {
        self.known
            .topics
            .entry(alias.to_owned())
            .or_default()
            .insert(name.to_owned());
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

    /// Produces `count` records of all shapes, and waits until they are acknowledged.
    pub fn produce(&mut self, alias: &str, topic: &str, count: usize) {
        let mut writer = self.writer(alias, topic, Writer::new);
        writer.write(count);
        self.known.births.extend(writer.finish(PATIENCE));
    }

    /// The same in transactions, a third of them aborted.
    pub fn produce_in_transactions(&mut self, alias: &str, topic: &str, count: usize) {
        let mut writer = self.writer(alias, topic, Writer::transactional);
        writer.write_in_transactions(count);
        self.known.births.extend(writer.finish(PATIENCE));
    }

    /// Produces records of the test's own to partition 0.
    pub fn produce_records(
        &mut self,
        alias: &str,
        topic: &str,
        records: impl IntoIterator<Item = crate::record::Record>,
    ) {
        let mut writer = self.writer(alias, topic, Writer::new);
        records.into_iter().for_each(|r| writer.write_record(0, r));
        self.known.births.extend(writer.finish(PATIENCE));
    }

    /// Produces `rate` records a second until `stop_load`.
    pub fn load(&mut self, alias: &str, topic: &str, rate: usize) {
        let writer = self.writer(alias, topic, Writer::new);
        self.loads.push(Load::start(writer, rate));
    }

    /// Ends all load, and waits until what was produced is acknowledged.
    pub fn stop_load(&mut self) {
        for load in self.loads.drain(..) {
            self.known.births.extend(load.stop());
        }
    }

    fn writer(&mut self, alias: &str, topic: &str, make: fn(Place, u64, u64) -> Writer) -> Writer {
        let bootstrap = self.bootstrap(alias);
        let partitions = dump::topics(&bootstrap)[topic];
        let (cluster, topic) = (alias.to_owned(), topic.to_owned());
        self.sequence += 1_000_000_000;
        let place = Place {
            cluster,
            bootstrap,
            topic,
            partitions,
        };
        make(place, self.known.seed, self.sequence)
    }

    /// Starts the scene's crossdock.
    pub fn start(&mut self) -> &mut Dock {
        self.start_as(DOCK, &[])
    }

    /// Starts a crossdock under `--instance NAME`, with further arguments.
    pub fn start_as(&mut self, instance: &str, arguments: &[&str]) -> &mut Dock {
        self.start_twin(instance, instance, arguments)
    }

    /// Starts a crossdock that the scene knows by `name`, whatever instance it says it is.
    pub fn start_twin(&mut self, name: &str, instance: &str, arguments: &[&str]) -> &mut Dock {
        let line = Line {
            binary: self.binary.clone(),
            file: self.file(),
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

    /// Runs `crossdock run --once` to its end.
    pub fn run_once(&mut self) -> ExitStatus {
        self.start_as("once", &["--once"]);
        let status = self.dock("once").ended(CAUGHT_UP_WITHIN);
        if !status.success() {
            panic!(
                "`run --once` ended with {status}:\n{}",
                self.dock("once").log_tail(30)
            );
        }
        self.docks.remove("once");
        status
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
                true => format!("localhost:{}", broker.proxy_port()),
                false => broker.bootstrap(),
            };
            (format!("{name}_BOOTSTRAP"), address)
        };
        self.clusters.keys().map(variable).collect()
    }

    /// Waits until every running crossdock says that it has caught up, and the logs agree.
    pub fn until_caught_up(&mut self) {
        self.until_caught_up_where(|_| true);
        let (mut since, mut last) = (Instant::now(), self.ends());
        wait::until("all logs at rest", CAUGHT_UP_WITHIN, || {
            self.all_caught_up(&|_| true)?;
            let now = self.ends();
            if now != last {
                (since, last) = (Instant::now(), now);
            }
            if since.elapsed() >= REST {
                Ok(())
            } else {
                Err("logs still grow".to_owned())
            }
        });
    }

    /// Waits until the logs stand still and one of the crossdocks says that it has caught up.
    pub fn until_one_caught_up(&mut self) {
        let (mut since, mut last) = (Instant::now(), self.ends());
        wait::until("all logs at rest", CAUGHT_UP_WITHIN, || {
            let mut said = Err("no crossdock runs".to_owned());
            for dock in self.docks.values_mut() {
                let status = dock.status().and_then(|s| dock::caught_up(&s, &|_| true));
                said = said.or(status);
            }
            said?;
            let now = self.ends();
            if now != last {
                (since, last) = (Instant::now(), now);
            }
            if since.elapsed() >= REST {
                Ok(())
            } else {
                Err("logs still grow".to_owned())
            }
        });
    }

    /// Waits until the edges that are `asked` for say so.
    pub fn until_caught_up_where(&mut self, asked: impl Fn(&str) -> bool) {
        wait::until("caught up", CAUGHT_UP_WITHIN, || self.all_caught_up(&asked));
    }

    fn all_caught_up(&mut self, asked: &dyn Fn(&str) -> bool) -> Result<(), String> {
        self.assert_running();
        for (name, dock) in &mut self.docks {
            let status = dock.status().map_err(|e| format!("{name}: {e}"))?;
            dock::caught_up(&status, asked).map_err(|e| format!("{name}: {e}"))?;
        }
        Ok(())
    }

    /// One that has ended copies nothing any more: no need to wait until time runs out.
    fn assert_running(&mut self) {
        for (name, dock) in &mut self.docks {
            assert!(
                dock.is_running(),
                "{name} has ended:\n{}",
                dock.log_tail(20)
            );
        }
    }

    /// Waits until more than `count` records lie in `topic`: the fault comes in the middle of it.
    pub fn until_copied(&mut self, alias: &str, topic: &str, count: i64) {
        let bootstrap = self.bootstrap(alias);
        wait::until("records arrive", CAUGHT_UP_WITHIN, || {
            self.assert_running();
            let ends = dump::ends(&bootstrap);
            let found: i64 = ends
                .get(topic)
                .into_iter()
                .flatten()
                .map(|(_, end)| end)
                .sum();
            if found > count {
                Ok(())
            } else {
                Err(format!("{found} of {count} in {topic}"))
            }
        });
    }

    /// Log start and last stable offset of each partition.
    pub fn logs(&self, alias: &str, topic: &str) -> Vec<(i64, i64)> {
        dump::ends(&self.bootstrap(alias))
            .remove(topic)
            .unwrap_or_default()
    }

    /// Waits until every partition has grown beyond `before`: each has an owner who copies.
    pub fn until_all_grow(&self, alias: &str, topic: &str, before: &[(i64, i64)], limit: Duration) {
        wait::until("every partition grows", limit, || {
            let now = self.logs(alias, topic);
            let all = now
                .iter()
                .zip(before)
                .all(|((_, now), (_, before))| now > before);
            if all {
                Ok(())
            } else {
                Err(format!("{before:?}, now {now:?}"))
            }
        });
    }

    /// Panics unless some partition stands still while others grow: that the fault has hit somebody.
    pub fn assert_some_stand_still(&mut self, alias: &str, topic: &str) {
        // What was on its way when the fault came has arrived by then.
        let now = self.end_sum(alias, topic);
        self.until_copied(alias, topic, now + 1_000);
        let before = self.logs(alias, topic);
        self.until_copied(alias, topic, now + 2_000);
        let after = self.logs(alias, topic);
        let still = before
            .iter()
            .zip(&after)
            .any(|(before, after)| before == after);
        assert!(still, "the fault hit nobody: {before:?}, {after:?}");
    }

    /// How far an edge has come: its committed offsets on its target.
    pub fn progress(&self, edge: &str, target_topic: &str) -> dump::Progress {
        let (_, target) = edge.split_once("-to-").expect("an edge is called A-to-B");
        let group = format!("crossdock.{}.{edge}", self.topology);
        dump::Progress::new(&self.bootstrap(target), &group, target_topic)
    }

    /// How many records lie in `topic`, markers included.
    pub fn end_sum(&self, alias: &str, topic: &str) -> i64 {
        let ends = dump::ends(&self.bootstrap(alias));
        ends.get(topic)
            .into_iter()
            .flatten()
            .map(|(_, end)| end)
            .sum()
    }

    /// Reads every log of every cluster and judges.
    pub fn verdict(&mut self) -> Verdict {
        assert!(
            self.loads.is_empty(),
            "a verdict is given on what has come to rest"
        );
        let mut evidence = self.known.clone();
        let (begun, before) = (Instant::now(), self.ends());
        for (alias, broker) in &self.clusters {
            let dump = dump::dump(broker.cluster_id(), &broker.bootstrap());
            evidence.clusters.insert(alias.clone(), dump);
        }
        // Records that go round come back within this time.
        thread::sleep(REST.saturating_sub(begun.elapsed()));
        for ((alias, topic), end) in self.ends() {
            if before.get(&(alias.clone(), topic.clone())) != Some(&end) {
                evidence
                    .moved
                    .push(format!("{topic} on {alias} still grows"));
            }
        }
        judge(&evidence)
    }

    fn ends(&self) -> BTreeMap<(String, String), Vec<(i64, i64)>> {
        let of = |(alias, broker): (&String, &Lease)| {
            let alias = alias.clone();
            let ends = dump::ends(&broker.bootstrap());
            ends.into_iter()
                .map(move |(topic, ends)| ((alias.clone(), topic), ends))
        };
        self.clusters.iter().flat_map(of).collect()
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
