//! Brokers shared by the tests of a run: lent to one scene at a time, emptied in between.

use std::ops::{Deref, DerefMut};
use std::sync::{Condvar, Mutex};
use std::thread;

use crate::admin;
use crate::broker::Broker;

/// As many as the largest scene needs, and room for small scenes beside it: they mostly wait.
const MOST: usize = 9;

static POOL: Mutex<Pool> = Mutex::new(Pool {
    idle: Vec::new(),
    alive: 0,
});
static RETURNED: Condvar = Condvar::new();

struct Pool {
    idle: Vec<Broker>,
    alive: usize,
}

/// A broker on loan. Returned when dropped.
#[derive(Debug)]
pub struct Lease {
    broker: Option<Broker>,
    /// Whether it came from the pool; one with properties of its own did not.
    shared: bool,
}

/// Lends `count` brokers at once; waits for other scenes to return theirs.
pub fn lend(count: usize) -> Vec<Lease> {
    assert!(count <= MOST, "a scene may have {MOST} clusters");
    let mut pool = POOL.lock().expect("no one panics with the pool");
    // All at once or none: two scenes that wait for each other's would wait for ever.
    while pool.idle.len() + (MOST - pool.alive) < count {
        pool = RETURNED.wait(pool).expect("no one panics with the pool");
    }
    let from = pool.idle.len() - count.min(pool.idle.len());
    let mut brokers = pool.idle.split_off(from);
    let missing = count - brokers.len();
    pool.alive += missing;
    drop(pool);
    // Where one cannot start, nobody else is to wait for it.
    let promise = Promise(missing);
    brokers.extend(Broker::start_many(missing));
    std::mem::forget(promise);
    brokers
        .into_iter()
        .map(|b| Lease {
            broker: Some(b),
            shared: true,
        })
        .collect()
}

/// Brokers that are being started; dropped if that panics.
struct Promise(usize);

impl Drop for Promise {
    fn drop(&mut self) {
        if let Ok(mut pool) = POOL.lock() {
            pool.alive -= self.0;
        }
        RETURNED.notify_all();
    }
}

// === impl Lease ===

impl Lease {
    /// A broker of the scene's own, with server properties.
    pub fn own(properties: &[(&str, &str)]) -> Self {
        Self {
            broker: Some(Broker::start(properties)),
            shared: false,
        }
    }
}

impl Deref for Lease {
    type Target = Broker;

    fn deref(&self) -> &Broker {
        self.broker
            .as_ref()
            .expect("a lease has its broker until it ends")
    }
}

impl DerefMut for Lease {
    fn deref_mut(&mut self) -> &mut Broker {
        self.broker
            .as_mut()
            .expect("a lease has its broker until it ends")
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let Some(broker) = self.broker.take().filter(|_| self.shared) else {
            return;
        };
        // After a failure nobody knows what state it is in; and nothing may panic here.
        let returned = (!thread::panicking() && broker.pid().is_some()).then(|| {
            admin::clear(&broker.bootstrap());
            broker
        });
        if let Ok(mut pool) = POOL.lock() {
            match returned {
                Some(broker) => pool.idle.push(broker),
                None => pool.alive -= 1,
            }
        }
        RETURNED.notify_all();
    }
}
