//! Watches, while a scene runs, what edges have committed, and what the target held then.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::dump::{Progress, Watch};
use crate::verdict::Sample;

/// Between two looks.
const INTERVAL: Duration = Duration::from_millis(250);

/// Looks again and again until it is stopped.
#[derive(Debug)]
pub struct Sampler {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Vec<Sample>>,
}

/// One edge's progress in one target topic.
#[derive(Clone, Debug)]
pub struct Place {
    /// Name of the edge.
    pub edge: String,
    /// Its group.
    pub group: String,
    /// The target's address.
    pub bootstrap: String,
    /// The topic there.
    pub target_topic: String,
}

impl Sampler {
    /// Starts to look; the topics must be there.
    pub fn start(places: Vec<Place>) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let thread = thread::spawn(move || {
            let client = |place: Place| {
                let progress = Progress::new(&place.bootstrap, &place.group, &place.target_topic);
                let ends = Watch::uncommitted(&place.bootstrap);
                (place, progress, ends)
            };
            let clients: Vec<_> = places.into_iter().map(client).collect();
            let mut samples = Vec::new();
            while !stopped.load(Ordering::Relaxed) {
                for (place, progress, ends) in &clients {
                    // In this order: the log may have grown in between, which proves less, not more.
                    let positions = progress.positions();
                    let ends = ends.ends(&place.target_topic);
                    for (partition, (position, target_end)) in
                        positions.into_iter().zip(ends).enumerate()
                    {
                        if let (Some(position), Some(target_end)) = (position, target_end) {
                            samples.push(Sample {
                                edge: place.edge.clone(),
                                target_topic: place.target_topic.clone(),
                                partition,
                                position,
                                target_end,
                            });
                        }
                    }
                }
                thread::sleep(INTERVAL);
            }
            samples
        });
        Self { stop, thread }
    }

    /// Everything that was seen.
    pub fn stop(self) -> Vec<Sample> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().expect("the sampler did not panic")
    }
}
