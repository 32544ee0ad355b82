//! Consumers in groups: members that read and commit, and commits made from outside of a group.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _};
use rdkafka::message::BorrowedMessage;
use rdkafka::{Message, Offset, TopicPartitionList};

use crate::record::Record;
use crate::{ffi, wait};

const PATIENCE: Duration = Duration::from_secs(60);

/// Records between two commits of a member.
const COMMIT_EVERY: usize = 50;

/// How a group hands its partitions out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// The one of old.
    Classic,
    /// KIP-848.
    Consumer,
}

/// Commits offsets for a group without members, as a person or a job would.
pub fn commit(bootstrap: &str, group: &str, topic: &str, offsets: &[(i32, i64)]) {
    commit_with(bootstrap, group, topic, offsets, "");
}

/// The same with metadata.
pub fn commit_with(
    bootstrap: &str,
    group: &str,
    topic: &str,
    offsets: &[(i32, i64)],
    metadata: &str,
) {
    let mut list = TopicPartitionList::new();
    for (partition, offset) in offsets {
        let mut element = list.add_partition(topic, *partition);
        element
            .set_offset(Offset::Offset(*offset))
            .expect("an offset of a log");
        element.set_metadata(metadata);
    }
    let consumer = client(bootstrap, group, Protocol::Classic);
    wait::until("the offsets are committed", PATIENCE, || {
        consumer.commit(&list, CommitMode::Sync)
    });
}

/// A group's committed offsets of a topic, each with its metadata.
pub fn committed(
    bootstrap: &str,
    group: &str,
    topic: &str,
    partitions: usize,
) -> BTreeMap<i32, (i64, String)> {
    let consumer = client(bootstrap, group, Protocol::Classic);
    let mut list = TopicPartitionList::new();
    for partition in 0..partitions {
        list.add_partition(topic, partition as i32);
    }
    let found = consumer.committed_offsets(list, PATIENCE);
    let found = found.expect("the coordinator answers");
    let of = |element: &rdkafka::topic_partition_list::TopicPartitionListElem<'_>| {
        let Offset::Offset(offset) = element.offset() else {
            return None;
        };
        Some((element.partition(), (offset, element.metadata().to_owned())))
    };
    found.elements().iter().filter_map(of).collect()
}

/// The leader epochs of a group's committed offsets of a topic; −1 where a commit has none.
pub fn committed_epochs(bootstrap: &str, group: &str, topic: &str, partitions: usize) -> Vec<i32> {
    let consumer = client(bootstrap, group, Protocol::Classic);
    let mut list = TopicPartitionList::new();
    for partition in 0..partitions {
        list.add_partition(topic, partition as i32);
    }
    let found = consumer.committed_offsets(list, PATIENCE);
    ffi::leader_epochs(&found.expect("the coordinator answers"))
}

/// Takes the place of a static member of a group of crossdock's, and is gone without a word: as a client that a
/// broker has heard twice. Nobody keeps it alive, and it does not leave.
pub fn put_out(bootstrap: &str, group: &str, instance: &str, topic: &str) {
    let mut config = config(bootstrap, group);
    config
        .set("group.instance.id", instance)
        .set("partition.assignment.strategy", "cooperative-sticky")
        .set("session.timeout.ms", "10000");
    let consumer: BaseConsumer = config.create().expect("the settings are valid");
    consumer.subscribe(&[topic]).expect("a topic's name");
    wait::until("it has the member's place", PATIENCE, || {
        let polled = consumer.poll(Duration::from_millis(50));
        match consumer.assignment().is_ok_and(|list| list.count() > 0) {
            true => Ok(()),
            false => Err(format!("{:?}", polled.map(|p| p.map(|_| ())))),
        }
    });
}

/// A member of a group: reads, and commits behind what it has read, until it is stopped.
pub struct Consumer {
    stop: Arc<AtomicBool>,
    read: Arc<Mutex<Read>>,
    thread: JoinHandle<()>,
}

#[derive(Default)]
struct Read {
    uids: Vec<Vec<u8>>,
    is_member: bool,
    last: Option<Instant>,
}

impl Consumer {
    /// Joins `group` and reads `topic`.
    pub fn start(bootstrap: &str, group: &str, topic: &str, protocol: Protocol) -> Self {
        let (stop, read) = (Arc::new(AtomicBool::new(false)), Arc::default());
        let consumer = client(bootstrap, group, protocol);
        consumer.subscribe(&[topic]).expect("a topic's name");
        let thread = thread::spawn({
            let (stop, read) = (stop.clone(), Arc::clone(&read));
            move || work(&consumer, &stop, &read)
        });
        Self { stop, read, thread }
    }

    /// Waits until it has partitions.
    pub fn until_member(&self) {
        wait::until("the consumer has partitions", PATIENCE, || {
            match self.read.lock().expect("nobody panics with it").is_member {
                true => Ok(()),
                false => Err("none yet"),
            }
        });
    }

    /// Waits until it has read so many records.
    pub fn until_read(&self, count: usize) {
        wait::until("the consumer reads", PATIENCE, || {
            let read = self.read.lock().expect("nobody panics with it").uids.len();
            if read >= count {
                Ok(())
            } else {
                Err(format!("{read} of {count}"))
            }
        });
    }

    /// Waits until nothing new has come for so long.
    pub fn until_idle(&self, long: Duration) {
        self.until_member();
        let since = Instant::now();
        wait::until("the consumer has read everything", PATIENCE * 2, || {
            let last = self.read.lock().expect("nobody panics with it").last;
            match last.unwrap_or(since).elapsed() > long {
                true => Ok(()),
                false => Err("records still come"),
            }
        });
    }

    /// Lets it commit what it has read and leave the group; the uids of what it has processed, empty
    /// for records without one.
    pub fn stop(self) -> Vec<Vec<u8>> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().expect("the consumer did not panic");
        std::mem::take(&mut self.read.lock().expect("nobody panics with it").uids)
    }
}

fn work(consumer: &BaseConsumer, stop: &AtomicBool, read: &Mutex<Read>) {
    let mut since_commit = 0;
    while !stop.load(Ordering::Relaxed) {
        match consumer.poll(Duration::from_millis(50)) {
            Some(Ok(message)) => {
                note(&message, read);
                since_commit += 1;
            }
            None | Some(Err(_)) => {
                let has_some = consumer.assignment().is_ok_and(|list| list.count() > 0);
                read.lock().expect("nobody panics with it").is_member = has_some;
            }
        }
        if since_commit >= COMMIT_EVERY {
            // What fails here is committed with the next records, or at the end.
            if consumer.commit_consumer_state(CommitMode::Sync).is_ok() {
                since_commit = 0;
            }
        }
    }
    if since_commit > 0 {
        consumer
            .commit_consumer_state(CommitMode::Sync)
            .expect("what it has read is committed");
    }
    consumer.unsubscribe();
}

fn note(message: &BorrowedMessage<'_>, read: &Mutex<Read>) {
    let record = Record {
        value: message.payload().map(<[u8]>::to_vec),
        ..Record::default()
    };
    let mut read = read.lock().expect("nobody panics with it");
    (read.is_member, read.last) = (true, Some(Instant::now()));
    read.uids
        .push(record.uid().map(<[u8]>::to_vec).unwrap_or_default());
}

fn client(bootstrap: &str, group: &str, protocol: Protocol) -> BaseConsumer {
    let mut config = config(bootstrap, group);
    match protocol {
        Protocol::Classic => config.set("session.timeout.ms", "6000"),
        Protocol::Consumer => config.set("group.protocol", "consumer"),
    };
    config.create().expect("the consumer's settings are valid")
}

fn config(bootstrap: &str, group: &str) -> ClientConfig {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", bootstrap)
        .set("group.id", group)
        .set("enable.auto.commit", "false")
        .set("auto.offset.reset", "earliest")
        .set("isolation.level", "read_committed")
        .set("fetch.queue.backoff.ms", "2");
    config
}
