//! Clusters shared by the tests of a run: lent to one scene at a time, emptied in between.

use std::collections::BTreeMap;
use std::ops::{Deref, DerefMut};
use std::sync::{Condvar, Mutex};
use std::thread;

use crate::cluster::{Cluster, Size};
use crate::{admin, dump};

/// As many of one node as the largest scene needs, and room for small scenes beside it: they mostly
/// wait. Of three nodes, what the soak needs.
const fn most(size: Size) -> usize {
    match size {
        Size::One => 9,
        Size::Three => 3,
    }
}

static POOLS: Mutex<BTreeMap<Size, Pool>> = Mutex::new(BTreeMap::new());
static RETURNED: Condvar = Condvar::new();

#[derive(Default)]
struct Pool {
    idle: Vec<Cluster>,
    alive: usize,
}

/// A cluster on loan. Returned when dropped.
#[derive(Debug)]
pub struct Lease {
    cluster: Option<Cluster>,
    /// Whether it came from the pool; one with properties of its own did not.
    shared: bool,
}

/// Lends clusters of these sizes at once; waits for other scenes to return theirs.
pub fn lend(sizes: &[Size]) -> Vec<Lease> {
    let wanted = |size: Size| sizes.iter().filter(|s| **s == size).count();
    let both = [Size::One, Size::Three].map(|size| (size, wanted(size)));
    for (size, count) in both {
        let most = most(size);
        assert!(count <= most, "a scene may have {most} of {size:?}");
    }
    let mut pools = POOLS.lock().expect("no one panics with the pools");
    // All at once or none: two scenes that wait for each other's would wait for ever.
    while both.iter().any(|(size, count)| {
        let Pool { idle, alive } = pools.entry(*size).or_default();
        idle.len() + (most(*size) - *alive) < *count
    }) {
        pools = RETURNED.wait(pools).expect("no one panics with the pools");
    }
    let mut taken = BTreeMap::new();
    let mut promises = Vec::new();
    for (size, count) in both {
        let pool = pools.entry(size).or_default();
        let clusters = pool
            .idle
            .split_off(pool.idle.len() - count.min(pool.idle.len()));
        let missing = count - clusters.len();
        pool.alive += missing;
        // Where one cannot start, nobody else is to wait for it.
        promises.extend((0..missing).map(|_| Promise(size)));
        taken.insert(size, clusters);
    }
    drop(pools);
    let start = |size: Size| (size, thread::spawn(move || Cluster::start(size, &[])));
    let starting: Vec<_> = promises.iter().map(|promise| start(promise.0)).collect();
    for (size, cluster) in starting {
        let cluster = cluster.join().expect("the cluster starts");
        taken.entry(size).or_default().push(cluster);
    }
    promises.into_iter().for_each(std::mem::forget);
    let mut give = |size: &Size| taken.get_mut(size).and_then(Vec::pop);
    sizes
        .iter()
        .map(|size| Lease {
            cluster: give(size),
            shared: true,
        })
        .collect()
}

/// A cluster that is being started; dropped if that panics.
struct Promise(Size);

impl Drop for Promise {
    fn drop(&mut self) {
        forget(self.0);
    }
}

fn forget(size: Size) {
    if let Ok(mut pools) = POOLS.lock() {
        pools.entry(size).or_default().alive -= 1;
    }
    RETURNED.notify_all();
}

// === impl Lease ===

impl Lease {
    /// A cluster of one node of the scene's own, with server properties.
    pub fn own(properties: &[(&str, &str)]) -> Self {
        Self::own_of(Size::One, properties)
    }

    /// A cluster of the scene's own, with server properties.
    pub fn own_of(size: Size, properties: &[(&str, &str)]) -> Self {
        Self {
            cluster: Some(Cluster::start(size, properties)),
            shared: false,
        }
    }
}

impl Deref for Lease {
    type Target = Cluster;

    fn deref(&self) -> &Cluster {
        self.cluster
            .as_ref()
            .expect("a lease has its cluster until it ends")
    }
}

impl DerefMut for Lease {
    fn deref_mut(&mut self) -> &mut Cluster {
        self.cluster
            .as_mut()
            .expect("a lease has its cluster until it ends")
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let Some(mut cluster) = self.cluster.take().filter(|_| self.shared) else {
            return;
        };
        let size = cluster.size();
        // After a failure nobody knows what state it is in; and nothing may panic here.
        if thread::panicking() || !cluster.is_running() {
            return forget(size);
        }
        // The end of a transaction is written to its topics by name: to the next scene's, if it came late.
        if !dump::has_no_open_transactions(&cluster.bootstrap()) {
            return forget(size);
        }
        admin::clear(&cluster.bootstrap());
        if let Ok(mut pools) = POOLS.lock() {
            pools.entry(size).or_default().idle.push(cluster);
        }
        RETURNED.notify_all();
    }
}
