//! Whether a cluster is alive: asked every second for a sign of life, whatever edges do meanwhile.
//!
//! That is how an idle edge proves that it could copy, without a heartbeat topic on anybody's cluster.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use rdkafka::consumer::Consumer;

use super::Cluster;
use crate::kafka::admin;

/// Between two questions.
const INTERVAL: Duration = Duration::from_secs(1);

/// How long the answer may take.
const ANSWER_WITHIN: Duration = Duration::from_secs(3);

/// When a cluster was heard of last, and how long a round trip takes.
#[derive(Debug)]
pub struct Pulse {
    born: Instant,
    /// Milliseconds from birth to the last answer.
    heard_ms: AtomicU64,
    round_trip_us: AtomicU64,
    is_kept: AtomicBool,
}

impl Default for Pulse {
    fn default() -> Self {
        Self {
            born: Instant::now(),
            heard_ms: AtomicU64::new(0),
            round_trip_us: AtomicU64::new(0),
            is_kept: AtomicBool::new(false),
        }
    }
}

impl Pulse {
    /// For how long nothing was heard; from the beginning where nothing ever was.
    pub fn silence(&self) -> Duration {
        let heard = Duration::from_millis(self.heard_ms.load(Ordering::Acquire));
        self.born.elapsed().saturating_sub(heard)
    }

    /// How long the last answer took; `None` before the first one.
    pub fn round_trip(&self) -> Option<Duration> {
        let micros = self.round_trip_us.load(Ordering::Acquire);
        (micros > 0).then(|| Duration::from_micros(micros))
    }

    fn answered(&self, took: Duration) {
        let now = u64::try_from(self.born.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.heard_ms.store(now, Ordering::Release);
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.round_trip_us.store(micros.max(1), Ordering::Release);
    }
}

impl Cluster {
    /// Asks for signs of life, on a thread of its own, as long as somebody uses the cluster. Done again
    /// it changes nothing.
    ///
    /// # Errors
    /// The system has no thread left.
    pub fn keep_pulse(self: &Arc<Self>) -> std::io::Result<()> {
        if self.pulse.is_kept.swap(true, Ordering::AcqRel) {
            return Ok(());
        }
        let cluster: Weak<Self> = Arc::downgrade(self);
        std::thread::Builder::new()
            .name(format!("pulse-{}", self.alias))
            .spawn(move || {
                while let Some(cluster) = cluster.upgrade() {
                    cluster.ping();
                    drop(cluster);
                    std::thread::sleep(INTERVAL);
                }
            })
            .map(drop)
    }

    fn ping(&self) {
        let begun = Instant::now();
        // That it did not answer is told by the silence.
        if admin::ping(self.client().client().native_ptr(), ANSWER_WITHIN).is_ok() {
            self.pulse.answered(begun.elapsed());
        } else {
            self.serve_events();
        }
    }
}
