//! Producers in the background, while something is done to the scene.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::writer::{Birth, PATIENCE, Writer};

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

    /// Stops it and gives its journal.
    pub fn stop(self) -> Vec<Birth> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().expect("the load did not panic")
    }
}
