//! Applications of a drill: producers that note what was acknowledged, consumers that note what they
//! have processed.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::clock;
use crate::kafka::{
    BATCH_RECORDS_MAX, Cluster, ErrorKind, Feeder, Fetched, Group, Position, Reader, Received,
    TopicPartition,
};
use crate::rehearsal::lab::PARTITIONS;

/// Records are written in bursts this far apart, each acknowledged before the next.
const BURST: Duration = Duration::from_millis(50);

/// How long a burst may wait for its acknowledgement; then its producer counts as dead.
const ACKNOWLEDGED_WITHIN: Duration = Duration::from_secs(3);

/// How long a cluster that has come up may take to have a coordinator for every group.
const COORDINATED_WITHIN: Duration = Duration::from_secs(60);

/// A record that was written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sent {
    /// Its number.
    pub(super) uid: u64,
    /// When, in milliseconds since the epoch.
    pub(super) at_ms: i64,
    /// Else nobody knows whether it is there.
    pub(super) is_acknowledged: bool,
}

/// A producer that goes on until it is stopped, or its cluster dies.
pub(super) struct Load {
    first: u64,
    is_stopping: Arc<AtomicBool>,
    count: Arc<AtomicUsize>,
    thread: JoinHandle<Vec<Sent>>,
}

/// The number that a record of a drill carries; `None` for any other.
pub(super) fn uid(value: &[u8]) -> Option<u64> {
    std::str::from_utf8(value)
        .ok()?
        .strip_prefix("drill ")?
        .trim()
        .parse()
        .ok()
}

impl Load {
    /// Writes to all partitions of these topics, from this number on.
    ///
    /// # Errors
    /// A client property that librdkafka refuses, or no thread is left.
    pub(super) fn start(
        cluster: &Cluster,
        topics: &[String],
        rate: u64,
        first: usize,
    ) -> Result<Self> {
        let feeder = Feeder::new(cluster)?;
        let first = first as u64;
        let is_stopping = Arc::new(AtomicBool::new(false));
        let count = Arc::new(AtomicUsize::new(0));
        let (stop, counted, topics) = (is_stopping.clone(), count.clone(), topics.to_vec());
        let thread = std::thread::Builder::new()
            .name("drill-load".to_owned())
            .spawn(move || {
                let (begun, mut sent): (Instant, Vec<Sent>) = (Instant::now(), Vec::new());
                while !stop.load(Ordering::Acquire) {
                    let due = (begun.elapsed().as_secs_f64() * rate as f64) as usize;
                    let from = sent.len();
                    while sent.len() < due && sent.len() - from < rate as usize {
                        let uid = first + sent.len() as u64;
                        let topic = &topics
                            [(uid / PARTITIONS.unsigned_abs() as u64) as usize % topics.len()];
                        let partition = (uid % PARTITIONS.unsigned_abs() as u64) as i32;
                        let value = format!("drill {uid} {:>80}", "");
                        let at_ms = clock::now_ms();
                        if feeder
                            .send(
                                topic,
                                partition,
                                &format!("key-{}", uid % 50),
                                value.trim_end(),
                            )
                            .is_err()
                        {
                            break;
                        }
                        sent.push(Sent {
                            uid,
                            at_ms,
                            is_acknowledged: false,
                        });
                    }
                    if feeder.flush_within(ACKNOWLEDGED_WITHIN).is_err() {
                        break;
                    }
                    sent[from..]
                        .iter_mut()
                        .for_each(|s| s.is_acknowledged = true);
                    counted.store(sent.len(), Ordering::Release);
                    std::thread::sleep(BURST);
                }
                sent
            })?;
        Ok(Self {
            first,
            is_stopping,
            count,
            thread,
        })
    }

    /// The first number that it writes.
    pub(super) fn first(&self) -> u64 {
        self.first
    }

    /// Records that were acknowledged so far.
    pub(super) fn count(&self) -> usize {
        self.count.load(Ordering::Acquire)
    }

    /// Stops it; what it wrote.
    pub(super) fn stop(self) -> Vec<Sent> {
        self.is_stopping.store(true, Ordering::Release);
        self.thread.join().unwrap_or_default()
    }
}

/// A consumer of a group: goes on where the group stands.
pub(super) struct GroupClient {
    is_stopping: Arc<AtomicBool>,
    commits_last: Arc<AtomicBool>,
    shared: Arc<Shared>,
    thread: JoinHandle<()>,
}

#[derive(Default)]
struct Shared {
    processed: Mutex<Vec<u64>>,
    positions: Mutex<BTreeMap<TopicPartition, i64>>,
}

/// Where a group stands. A cluster that has just come up has no coordinator for it yet: like every
/// application, it asks again.
fn stands_at(
    group: &Group,
    places: &[TopicPartition],
) -> Result<BTreeMap<TopicPartition, Fetched>> {
    let since = Instant::now();
    loop {
        match group.committed(places) {
            Err(error)
                if error.kind == ErrorKind::Unreachable && since.elapsed() < COORDINATED_WITHIN =>
            {
                std::thread::sleep(BURST);
            }
            stands => return Ok(stands?),
        }
    }
}

impl GroupClient {
    /// Reads these partitions on behalf of a group, and commits every so often.
    ///
    /// # Errors
    /// The cluster does not answer.
    pub(super) fn start(
        cluster: &Arc<Cluster>,
        name: &str,
        places: &[TopicPartition],
        every: Duration,
    ) -> Result<Self> {
        let group = Group::new(cluster, name)?;
        let committed = stands_at(&group, places)?;
        let starts = cluster.start_offsets(places)?;
        let properties = cluster
            .properties()
            .clone()
            .set("isolation.level", "read_committed");
        let mut reader = Reader::new(cluster, &properties)?;
        let shared = Arc::new(Shared::default());
        for (slot, place) in places.iter().enumerate() {
            let at = committed.get(place).and_then(|f| f.offset);
            let at = at.or(starts.get(place).copied()).unwrap_or(0);
            reader.start(slot, &place.0, place.1, at)?;
            lock(&shared.positions).insert(place.clone(), at);
        }
        let (is_stopping, commits_last) = (
            Arc::new(AtomicBool::new(false)),
            Arc::new(AtomicBool::new(false)),
        );
        let client = Reading {
            group,
            reader,
            places: places.to_vec(),
            every,
            shared: shared.clone(),
        };
        let (stop, last) = (is_stopping.clone(), commits_last.clone());
        let thread = std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || client.run(&stop, &last))?;
        Ok(Self {
            is_stopping,
            commits_last,
            shared,
            thread,
        })
    }

    /// Whether it has processed this record or a later one.
    pub(super) fn has_processed(&self, uid: u64) -> bool {
        lock(&self.shared.processed).iter().any(|at| *at >= uid)
    }

    /// Where it stands.
    pub(super) fn positions(&self) -> BTreeMap<TopicPartition, i64> {
        lock(&self.shared.positions).clone()
    }

    /// Stops it, after a last commit or without; what it has processed. Without, its cluster is dead, and
    /// a commit that waits for it is not waited for.
    pub(super) fn stop(self, commits: bool) -> Vec<u64> {
        self.commits_last.store(commits, Ordering::Release);
        self.is_stopping.store(true, Ordering::Release);
        if commits {
            // A consumer that panicked has processed what it has noted.
            self.thread.join().ok();
        }
        lock(&self.shared.processed).clone()
    }
}

struct Reading {
    group: Group,
    reader: Reader,
    places: Vec<TopicPartition>,
    every: Duration,
    shared: Arc<Shared>,
}

impl Reading {
    fn run(mut self, is_stopping: &AtomicBool, commits_last: &AtomicBool) {
        let mut committed = Instant::now();
        while !is_stopping.load(Ordering::Acquire) {
            let (places, shared) = (&self.places, &self.shared);
            self.reader
                .receive(Duration::from_millis(50), BATCH_RECORDS_MAX)
                .for_each(|slot, received| {
                    let at = match received {
                        Received::Record(record) => {
                            lock(&shared.processed).extend(record.value().and_then(uid));
                            record.offset() + 1
                        }
                        Received::End(offset) => offset,
                        Received::OutOfRange | Received::Failed(_) => return,
                    };
                    if let Some(place) = places.get(slot) {
                        lock(&shared.positions).insert(place.clone(), at);
                    }
                });
            if committed.elapsed() > self.every {
                self.commit();
                committed = Instant::now();
            }
        }
        if commits_last.load(Ordering::Acquire) {
            self.commit();
        }
    }

    fn commit(&self) {
        let positions = lock(&self.shared.positions).clone().into_iter();
        let positions: Vec<Position> = positions
            .map(|(place, at)| (place, at, String::new()))
            .collect();
        // Its cluster may be dead: then it will see records again, and that is counted.
        self.group.commit(&positions).ok();
    }
}

fn lock<T>(of: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}
