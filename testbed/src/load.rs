//! Producers in the background, while something is done to the scene.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::random::Random;
use crate::writer::{Birth, PATIENCE, Place, Writer};

/// A producer that goes on until it is stopped.
#[derive(Debug)]
pub struct Load {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Vec<Birth>>,
}

impl Load {
    /// Writes `rate` records a second.
    pub fn start(mut writer: Writer, rate: usize) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let thread = thread::spawn(move || {
            let start = Instant::now();
            let mut written = 0;
            while !stopped.load(Ordering::Relaxed) {
                // By the clock, not by counting pauses: a busy machine must not thin the load out.
                let due = (start.elapsed().as_secs_f64() * rate as f64) as usize;
                writer.write(due.saturating_sub(written).min(rate));
                written = written.max(due);
                thread::sleep(Duration::from_millis(5));
            }
            writer.finish(PATIENCE)
        });
        Self { stop, thread }
    }

    /// Writes some `rate` records a second in transactions, a fifth of them aborted, under the
    /// transactional id `id`; whatever fails is tried anew.
    pub fn in_transactions(place: Place, seed: u64, first: u64, id: String, rate: usize) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let thread = thread::spawn(move || {
            let (mut births, mut sequence) = (Vec::new(), first);
            while !stopped.load(Ordering::Relaxed) {
                let made = Writer::lasting_transactional(place.clone(), seed, sequence, &id);
                if let Ok(mut writer) = made {
                    transactions(&mut writer, rate, &stopped);
                    sequence = writer.sequence();
                    births.extend(writer.finish(Duration::ZERO));
                }
            }
            births
        });
        Self { stop, thread }
    }

    /// Stops it and gives its journal.
    pub fn stop(self) -> Vec<Birth> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().expect("the load did not panic")
    }
}

/// Goes on until one does not work, or it is stopped.
fn transactions(writer: &mut Writer, rate: usize, stopped: &AtomicBool) {
    let mut random = Random::new(writer.sequence());
    while !stopped.load(Ordering::Relaxed) {
        let size = 1 + random.below(rate as u64 / 2) as usize;
        if writer
            .write_transaction(size, random.below(5) == 0)
            .is_err()
        {
            return;
        }
        thread::sleep(Duration::from_secs(1) * size as u32 / rate as u32);
    }
}
