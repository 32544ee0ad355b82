//! The few admin calls that scenes need.

use std::time::Duration;

use rdkafka::admin::{AdminClient, AdminOptions, NewPartitions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::ClientConfig;

use crate::{dump, wait};

const PATIENCE: Duration = Duration::from_secs(30);

/// Makes a topic, and waits until its partitions have leaders.
pub fn create_topic(bootstrap: &str, name: &str, partitions: usize, config: &[(&str, &str)]) {
    let mut topic = NewTopic::new(name, partitions as i32, TopicReplication::Fixed(1));
    for (key, value) in config {
        topic = topic.set(key, value);
    }
    let made = pollster::block_on(client(bootstrap).create_topics(&[topic], &options()));
    for result in made.expect("the cluster answers") {
        result.unwrap_or_else(|(topic, error)| panic!("{topic} on {bootstrap}: {error}"));
    }
    wait::until("a new topic is known", PATIENCE, || {
        dump::topics(bootstrap)
            .get(name)
            .filter(|n| **n == partitions)
            .map(|_| ())
            .ok_or("not yet")
    });
}

/// Raises a topic's number of partitions.
pub fn grow_topic(bootstrap: &str, name: &str, partitions: usize) {
    let new = NewPartitions::new(name, partitions);
    let grown = pollster::block_on(client(bootstrap).create_partitions(&[new], &options()));
    for result in grown.expect("the cluster answers") {
        result.unwrap_or_else(|(topic, error)| panic!("{topic} on {bootstrap}: {error}"));
    }
}

/// Deletes every topic that is not Kafka's own, and waits until they are gone.
pub fn clear(bootstrap: &str) {
    let topics = dump::topics(bootstrap);
    if topics.is_empty() {
        return;
    }
    let names: Vec<&str> = topics.keys().map(String::as_str).collect();
    let gone = pollster::block_on(client(bootstrap).delete_topics(&names, &options()));
    gone.expect("the cluster answers");
    wait::until("the topics are gone", PATIENCE, || {
        if dump::topics(bootstrap).is_empty() {
            Ok(())
        } else {
            Err("not yet")
        }
    });
}

fn client(bootstrap: &str) -> AdminClient<DefaultClientContext> {
    ClientConfig::new()
        .set("bootstrap.servers", bootstrap)
        .create()
        .expect("the client's settings are valid")
}

fn options() -> AdminOptions {
    AdminOptions::new()
        .operation_timeout(Some(PATIENCE))
        .request_timeout(Some(PATIENCE))
}
