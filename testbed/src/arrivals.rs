//! A plain consumer that notes when each record can be read, and how old it is then.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::{Message, Offset, TopicPartitionList};

/// Reads a topic from now on, until it is stopped.
#[derive(Debug)]
pub struct Arrivals {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Vec<i64>>,
}

/// Milliseconds since 1970, now.
pub fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.expect("it is later than 1970").as_millis() as i64
}

impl Arrivals {
    /// Starts to read committed records of all partitions of a topic that is there.
    pub fn start(bootstrap: &str, topic: &str, partitions: usize) -> Self {
        let consumer: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", bootstrap)
            .set("group.id", "arrivals")
            .set("isolation.level", "read_committed")
            .set("fetch.wait.max.ms", "10")
            .create()
            .expect("the consumer's settings are valid");
        let mut list = TopicPartitionList::new();
        for partition in 0..partitions {
            list.add_partition_offset(topic, partition as i32, Offset::Beginning)
                .expect("an offset is an offset");
        }
        consumer.assign(&list).expect("partitions can be assigned");
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let thread = thread::spawn(move || {
            let mut ages = Vec::new();
            while !stopped.load(Ordering::Relaxed) {
                if let Some(Ok(message)) = consumer.poll(Duration::from_millis(50)) {
                    let timestamp = message.timestamp().to_millis();
                    ages.push(now_ms() - timestamp.expect("it was produced with one"));
                }
            }
            ages
        });
        Self { stop, thread }
    }

    /// The ages in milliseconds of all records when they arrived, youngest first.
    pub fn stop(self) -> Vec<i64> {
        self.stop.store(true, Ordering::Relaxed);
        let mut ages = self.thread.join().expect("the consumer did not panic");
        ages.sort_unstable();
        ages
    }
}
