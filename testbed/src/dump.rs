//! Every log of a cluster, read from its start to its last stable offset by a plain consumer.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::BorrowedMessage;
use rdkafka::topic_partition_list::TopicPartitionListElem;
use rdkafka::{Message, Offset, TopicPartitionList};

use crate::record::{ClusterDump, PartitionLog, Record};
use crate::{ffi, wait};

const PATIENCE: Duration = Duration::from_secs(60);

/// How long one question may take, where it can be asked again.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// Topics that Kafka makes for itself.
pub const INTERNAL: [&str; 2] = ["__consumer_offsets", "__transaction_state"];

/// Log start and last stable offset of each partition, by topic; Kafka's own topics left out.
pub type Ends = BTreeMap<String, Vec<(i64, i64)>>;

/// Reads everything that `bootstrap`'s cluster holds.
pub fn dump(id: &str, bootstrap: &str) -> ClusterDump {
    dump_from(id, bootstrap, &Ends::new())
}

/// Reads what lies behind the ends that were `known` before.
pub fn dump_from(id: &str, bootstrap: &str, known: &Ends) -> ClusterDump {
    dump_by(&consumer(bootstrap), id, bootstrap, known)
}

/// Reads everything, also what belongs to aborted transactions; up to where all is committed or not.
pub fn dump_uncommitted(id: &str, bootstrap: &str) -> ClusterDump {
    let consumer = consumer_at(bootstrap, "read_uncommitted");
    dump_by(&consumer, id, bootstrap, &Ends::new())
}

fn dump_by(consumer: &BaseConsumer, id: &str, bootstrap: &str, known: &Ends) -> ClusterDump {
    let read = |(topic, mut ends): (String, Vec<(i64, i64)>)| {
        let before = known.get(&topic).into_iter().flatten();
        for ((start, _), (_, end)) in ends.iter_mut().zip(before) {
            *start = (*start).max(*end);
        }
        let logs = topic_logs(consumer, &topic, &ends);
        (topic, logs)
    };
    let topics = ends(bootstrap).into_iter().map(read).collect();
    ClusterDump {
        id: id.to_owned(),
        topics,
        groups: groups(bootstrap),
    }
}

/// Reads one topic.
pub fn dump_topic(bootstrap: &str, topic: &str) -> Vec<PartitionLog> {
    let ends = ends(bootstrap).remove(topic).unwrap_or_default();
    topic_logs(&consumer(bootstrap), topic, &ends)
}

fn topic_logs(consumer: &BaseConsumer, topic: &str, ends: &[(i64, i64)]) -> Vec<PartitionLog> {
    let empty = |&(start, end): &(i64, i64)| PartitionLog {
        start,
        end,
        records: Vec::new(),
    };
    let mut logs: Vec<PartitionLog> = ends.iter().map(empty).collect();
    read_topic(consumer, topic, ends, |message| {
        logs[message.partition() as usize]
            .records
            .push(record(message));
    });
    logs
}

/// Reads every partition of a topic from its start to its end.
/// One topic at a time: an end of partition is reported without its topic's name.
fn read_topic(
    consumer: &BaseConsumer,
    topic: &str,
    ends: &[(i64, i64)],
    mut each: impl FnMut(&BorrowedMessage<'_>),
) {
    let mut list = TopicPartitionList::new();
    let mut open = BTreeSet::new();
    for (partition, (start, end)) in (0..).zip(ends) {
        if end > start {
            list.add_partition_offset(topic, partition, Offset::Offset(*start))
                .expect("an offset is valid");
            open.insert(partition);
        }
    }
    consumer.assign(&list).expect("partitions can be assigned");
    let mut last_news = Instant::now();
    while !open.is_empty() {
        assert!(
            last_news.elapsed() < PATIENCE,
            "no news of {topic}, partitions {open:?}"
        );
        match consumer.poll(Duration::from_millis(100)) {
            Some(Ok(message)) if message.topic() == topic => {
                last_news = Instant::now();
                if message.offset() < ends[message.partition() as usize].1 {
                    each(&message);
                }
            }
            // Behind the last record may lie markers, so the offsets alone do not tell the end.
            Some(Err(KafkaError::PartitionEOF(partition))) => {
                open.remove(&partition);
            }
            None | Some(Ok(_) | Err(_)) => {}
        }
    }
}

fn record(message: &BorrowedMessage<'_>) -> Record {
    Record {
        offset: message.offset(),
        timestamp: message.timestamp().to_millis(),
        key: message.key().map(<[u8]>::to_vec),
        value: message.payload().map(<[u8]>::to_vec),
        headers: ffi::headers(message),
    }
}

/// The offsets at which each log starts and is stable up to, now.
pub fn ends(bootstrap: &str) -> Ends {
    // A partition that is new, or whose broker has just come back, has no leader for a moment; and a client
    // that was told of no broker by one that has just come back asks nobody any more.
    wait::until("all leaders answer", PATIENCE, || {
        let consumer = consumer(bootstrap);
        let metadata = consumer.fetch_metadata(None, ANSWER_WITHIN)?;
        let mut ends = Ends::new();
        let users = metadata
            .topics()
            .iter()
            .filter(|t| !INTERNAL.contains(&t.name()));
        for topic in users {
            let of = |partition| consumer.fetch_watermarks(topic.name(), partition, ANSWER_WITHIN);
            let all: Result<_, KafkaError> = (0..topic.partitions().len() as i32).map(of).collect();
            ends.insert(topic.name().to_owned(), all?);
        }
        Ok::<_, KafkaError>(ends)
    })
}

/// The topics of a cluster and how many partitions each has; Kafka's own left out.
pub fn topics(bootstrap: &str) -> BTreeMap<String, usize> {
    let metadata = consumer(bootstrap)
        .fetch_metadata(None, PATIENCE)
        .expect("the cluster answers");
    let known = metadata
        .topics()
        .iter()
        .filter(|t| !INTERNAL.contains(&t.name()));
    known
        .map(|t| (t.name().to_owned(), t.partitions().len()))
        .collect()
}

/// The id of the node that leads a partition, if the cluster says so soon.
pub fn leader(bootstrap: &str, topic: &str, partition: usize) -> Option<usize> {
    let soon = Duration::from_secs(3);
    let metadata = consumer(bootstrap).fetch_metadata(Some(topic), soon).ok()?;
    let partitions = metadata.topics().first()?.partitions();
    usize::try_from(partitions.get(partition)?.leader())
        .ok()
        .filter(|id| *id > 0)
}

/// The names of the consumer groups of a cluster.
pub fn groups(bootstrap: &str) -> Vec<String> {
    let list = consumer(bootstrap)
        .fetch_group_list(None, PATIENCE)
        .expect("the cluster answers");
    let mut names: Vec<String> = list.groups().iter().map(|g| g.name().to_owned()).collect();
    names.sort();
    names
}

/// How many records, markers not counted, lie in a topic.
pub fn count(bootstrap: &str, topic: &str) -> u64 {
    let mut found = 0;
    let consumer = consumer(bootstrap);
    let ends = ends(bootstrap).remove(topic).unwrap_or_default();
    read_topic(&consumer, topic, &ends, |_| found += 1);
    found
}

/// How many records came to a topic between two looks at its ends. Markers are none: the coordinator of a
/// transaction that nobody ended writes one when its time is over, and goes by the topic's name.
pub fn count_since(bootstrap: &str, topic: &str, then: &[(i64, i64)], now: &[(i64, i64)]) -> u64 {
    let since = |(partition, &(start, end)): (usize, &(i64, i64))| {
        let known = then.get(partition).map_or(start, |(_, end)| *end);
        (start.max(known), end)
    };
    let ends: Vec<(i64, i64)> = now.iter().enumerate().map(since).collect();
    if ends.iter().all(|(from, end)| from >= end) {
        return 0;
    }
    let mut found = 0;
    let consumer = consumer_at(bootstrap, "read_uncommitted");
    read_topic(&consumer, topic, &ends, |_| found += 1);
    found
}

/// A topic's ends asked for again and again, by one client.
pub struct Watch(BaseConsumer);

impl Watch {
    /// A client of `bootstrap`'s cluster.
    pub fn new(bootstrap: &str) -> Self {
        Self(consumer(bootstrap))
    }

    /// The same, for ends that count records of open transactions.
    pub fn uncommitted(bootstrap: &str) -> Self {
        Self(consumer_at(bootstrap, "read_uncommitted"))
    }

    /// The end of each partition, as far as their leaders answer soon.
    pub fn ends(&self, topic: &str) -> Vec<Option<i64>> {
        let soon = Duration::from_secs(1);
        let Ok(metadata) = self.0.fetch_metadata(Some(topic), soon) else {
            return Vec::new();
        };
        let partitions = metadata
            .topics()
            .first()
            .map_or(0, |t| t.partitions().len());
        let end = |partition| {
            let marks = self.0.fetch_watermarks(topic, partition as i32, soon);
            marks.ok().map(|(_, end)| end)
        };
        (0..partitions).map(end).collect()
    }

    /// The sum of the last stable offsets; 0 where there is no such topic yet.
    pub fn end_sum(&self, topic: &str) -> i64 {
        let Ok(metadata) = self.0.fetch_metadata(Some(topic), PATIENCE) else {
            return 0;
        };
        let partitions = metadata
            .topics()
            .first()
            .map_or(0, |t| t.partitions().len());
        let end = |partition| {
            let marks = self.0.fetch_watermarks(topic, partition as i32, PATIENCE);
            marks.map_or(0, |(_, end)| end)
        };
        (0..partitions).map(end).sum()
    }
}

/// A group's committed offsets asked for again and again, by one client.
pub struct Progress(BaseConsumer, TopicPartitionList);

impl Progress {
    /// Those of `group` in `topic`.
    pub fn new(bootstrap: &str, group: &str, topic: &str) -> Self {
        let consumer: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", bootstrap)
            .set("group.id", group)
            // Does not wait for an open transaction: what is committed counts.
            .set("isolation.level", "read_uncommitted")
            .set("enable.auto.commit", "false")
            .create()
            .expect("the consumer's settings are valid");
        let mut list = TopicPartitionList::new();
        for partition in 0..topics(bootstrap).get(topic).copied().unwrap_or(0) {
            list.add_partition(topic, partition as i32);
        }
        Self(consumer, list)
    }

    /// Each of them, where the coordinator answers soon; `None` where there is none yet.
    pub fn positions(&self) -> Vec<Option<i64>> {
        let soon = Duration::from_secs(1);
        let Ok(found) = self.0.committed_offsets(self.1.clone(), soon) else {
            return Vec::new();
        };
        let offset = |place: &TopicPartitionListElem<'_>| match place.offset() {
            Offset::Offset(at) => Some(at),
            _ => None,
        };
        found.elements().iter().map(offset).collect()
    }

    /// Their sum.
    pub fn sum(&self) -> i64 {
        let found = self.0.committed_offsets(self.1.clone(), PATIENCE);
        let offset = |place: &TopicPartitionListElem<'_>| match place.offset() {
            Offset::Offset(at) => at,
            _ => 0,
        };
        let found = found.expect("the coordinator answers");
        found.elements().iter().map(offset).sum()
    }
}

/// What a cold client may take to hear its first answer on a busy machine.
const SOON: Duration = Duration::from_secs(5);

/// What a look that must not wait waits for a leader's answer.
const AT_ONCE: Duration = Duration::from_millis(200);

/// Whether every leader of a cluster says that no transaction is open in what it leads.
pub fn has_no_open_transactions(bootstrap: &str) -> bool {
    let topics: Vec<String> = topics(bootstrap).into_keys().collect();
    OpenTransactions::new(bootstrap, &topics).are_over()
}

/// Whether transactions are open in a cluster's topics, asked for again and again.
pub struct OpenTransactions {
    committed: BaseConsumer,
    uncommitted: BaseConsumer,
    topics: Vec<(String, usize)>,
}

impl OpenTransactions {
    /// Those of these topics.
    pub fn new(bootstrap: &str, topics: &[String]) -> Self {
        let counts = self::topics(bootstrap);
        let topics = topics.iter();
        Self {
            committed: consumer(bootstrap),
            uncommitted: consumer_at(bootstrap, "read_uncommitted"),
            topics: topics
                .map(|t| (t.clone(), counts.get(t).copied().unwrap_or(0)))
                .collect(),
        }
    }

    /// Whether a record of an open transaction lies in one of them. Where a leader does not answer at
    /// once, none is seen.
    pub fn are_there(&self) -> bool {
        self.each(AT_ONCE).any(|is_open| is_open == Some(true))
    }

    /// Whether all leaders say that there is none.
    pub fn are_over(&self) -> bool {
        self.each(SOON).all(|is_open| is_open == Some(false))
    }

    /// Of each partition, whether there is one in it; `None` where its leader does not answer within a moment.
    fn each(&self, moment: Duration) -> impl Iterator<Item = Option<bool>> {
        let is_open = move |topic: &str, partition: usize| {
            let end = |consumer: &BaseConsumer| {
                let marks = consumer.fetch_watermarks(topic, partition as i32, moment);
                marks.map(|(_, end)| end)
            };
            // In this order: what ends in between is not taken for open.
            match (end(&self.uncommitted), end(&self.committed)) {
                (Ok(high), Ok(stable)) => Some(stable < high),
                _ => None,
            }
        };
        let topics = self.topics.iter();
        let all = topics.flat_map(|(topic, count)| (0..*count).map(move |p| (topic, p)));
        all.map(move |(topic, partition)| is_open(topic, partition))
    }
}

fn consumer(bootstrap: &str) -> BaseConsumer {
    consumer_at(bootstrap, "read_committed")
}

fn consumer_at(bootstrap: &str, isolation: &str) -> BaseConsumer {
    ClientConfig::new()
        .set("bootstrap.servers", bootstrap)
        // Asked for by librdkafka; nothing is joined and nothing committed.
        .set("group.id", "crossdock-testbed-reads")
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        .set("enable.partition.eof", "true")
        .set("auto.offset.reset", "error")
        .set("isolation.level", isolation)
        .set("check.crcs", "true")
        .set("fetch.queue.backoff.ms", "2")
        .set("fetch.wait.max.ms", "50")
        .create()
        .expect("the consumer's settings are valid")
}
