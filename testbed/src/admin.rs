//! The few admin calls that scenes need.

use std::time::Duration;

use rdkafka::admin::{
    AdminClient, AdminOptions, AlterConfig, NewPartitions, NewTopic, ResourceSpecifier,
    TopicReplication,
};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::error::RDKafkaErrorCode;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use crate::jars::{Tuning, java};
use crate::{dump, wait};

const PATIENCE: Duration = Duration::from_secs(30);

/// Makes a topic, and waits until its partitions have leaders.
pub fn create_topic(bootstrap: &str, name: &str, partitions: usize, config: &[(&str, &str)]) {
    // As many replicas as the cluster's default says.
    let mut topic = NewTopic::new(name, partitions as i32, TopicReplication::Fixed(-1));
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

/// Makes a topic of one partition on these nodes, by their ids.
pub fn create_topic_on(bootstrap: &str, name: &str, nodes: &[i32]) {
    let replicas = [nodes];
    let topic = NewTopic::new(name, 1, TopicReplication::Variable(&replicas));
    let made = pollster::block_on(client(bootstrap).create_topics(&[topic], &options()));
    for result in made.expect("the cluster answers") {
        result.unwrap_or_else(|(topic, error)| panic!("{topic} on {bootstrap}: {error}"));
    }
}

/// Limits all clients of a cluster, such as `producer_byte_rate=200000`.
pub fn set_quota(bootstrap: &str, quota: &str) {
    alter(
        bootstrap,
        &["--entity-type", "clients", "--entity-default"],
        &["--add-config", quota],
    );
}

/// Takes such a limit away.
pub fn delete_quota(bootstrap: &str, name: &str) {
    let place = ["--entity-type", "clients", "--entity-default"];
    alter(bootstrap, &place, &["--delete-config", name]);
}

/// Raises a topic's number of partitions.
pub fn grow_topic(bootstrap: &str, name: &str, partitions: usize) {
    let new = NewPartitions::new(name, partitions);
    let grown = pollster::block_on(client(bootstrap).create_partitions(&[new], &options()));
    for result in grown.expect("the cluster answers") {
        result.unwrap_or_else(|(topic, error)| panic!("{topic} on {bootstrap}: {error}"));
    }
}

/// The value of a topic's config.
pub fn config(bootstrap: &str, topic: &str, key: &str) -> String {
    let asked = [ResourceSpecifier::Topic(topic)];
    let answer = pollster::block_on(client(bootstrap).describe_configs(&asked, &options()));
    let resources = answer.expect("the cluster answers").into_iter();
    let mut found = resources.map(|r| r.unwrap_or_else(|error| panic!("{topic}: {error}")));
    let value = found.find_map(|r| r.get(key)?.value.clone());
    value.unwrap_or_else(|| panic!("{topic} on {bootstrap} has no config {key}"))
}

/// Every config of a topic that is not its default, as `name=value`.
pub fn configs(bootstrap: &str, topic: &str) -> Vec<String> {
    let asked = [ResourceSpecifier::Topic(topic)];
    let answer = pollster::block_on(client(bootstrap).describe_configs(&asked, &options()));
    let resources = answer.expect("the cluster answers").into_iter();
    let entries = resources.filter_map(Result::ok).flat_map(|r| r.entries);
    let own = entries.filter(|entry| !entry.is_default);
    let mut all: Vec<String> = own
        .map(|entry| format!("{}={}", entry.name, entry.value.unwrap_or_default()))
        .collect();
    all.sort();
    all
}

/// Deletes a topic, and waits until it is gone.
pub fn delete_topic(bootstrap: &str, name: &str) {
    let gone = pollster::block_on(client(bootstrap).delete_topics(&[name], &options()));
    gone.expect("the cluster answers");
    wait::until("the topic is gone", PATIENCE, || {
        match dump::topics(bootstrap).contains_key(name) {
            false => Ok(()),
            true => Err("not yet"),
        }
    });
}

/// Deletes a topic and makes it again as fast as the cluster can; somebody else may be faster.
pub fn replace_topic(bootstrap: &str, name: &str, partitions: usize) {
    let topic = NewTopic::new(name, partitions as i32, TopicReplication::Fixed(-1));
    let client = client(bootstrap);
    let gone = pollster::block_on(client.delete_topics(&[name], &options()));
    let made = pollster::block_on(client.create_topics(&[topic], &options()));
    for result in gone.expect("the cluster answers") {
        result.unwrap_or_else(|(topic, error)| panic!("{topic} on {bootstrap}: {error}"));
    }
    for result in made.expect("the cluster answers") {
        if let Err((topic, error)) = result {
            let is_there = error == RDKafkaErrorCode::TopicAlreadyExists;
            assert!(is_there, "{topic} on {bootstrap}: {error}");
        }
    }
}

/// Deletes a topic, which somebody may make again at once.
pub fn delete_topic_soon(bootstrap: &str, name: &str) {
    let gone = pollster::block_on(client(bootstrap).delete_topics(&[name], &options()));
    for result in gone.expect("the cluster answers") {
        result.unwrap_or_else(|(topic, error)| panic!("{topic} on {bootstrap}: {error}"));
    }
}

/// Removes a partition's records before `offset`; all of them, if it is `None`.
pub fn delete_records(bootstrap: &str, topic: &str, partition: i32, offset: Option<i64>) {
    let mut before = TopicPartitionList::new();
    before
        .add_partition_offset(topic, partition, offset.map_or(Offset::End, Offset::Offset))
        .expect("an offset of a log");
    let removed = pollster::block_on(client(bootstrap).delete_records(&before, &options()));
    for element in removed.expect("the cluster answers").elements() {
        element.error().expect("the records may be removed");
    }
}

/// Sets one config of a topic; all others stay.
pub fn set_config(bootstrap: &str, topic: &str, key: &str, value: &str) {
    let change = format!("{key}={value}");
    alter_config(bootstrap, topic, &["--add-config", &change]);
}

/// Takes one config of a topic back to its default.
pub fn delete_config(bootstrap: &str, topic: &str, key: &str) {
    alter_config(bootstrap, topic, &["--delete-config", key]);
}

/// By Kafka's own tool: the client's call would replace all configs.
fn alter_config(bootstrap: &str, topic: &str, arguments: &[&str]) {
    let place = ["--entity-type", "topics", "--entity-name", topic];
    alter(bootstrap, &place, arguments);
}

fn alter(bootstrap: &str, place: &[&str], arguments: &[&str]) {
    let output = java("128m", Tuning::Start)
        .arg("kafka.admin.ConfigCommand")
        .args(["--bootstrap-server", bootstrap])
        .args(place)
        .arg("--alter")
        .args(arguments)
        .output()
        .expect("java runs");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success() && said.contains("Completed"),
        "{said}"
    );
}

/// Runs Kafka's own tool for ACLs, and returns what it says.
pub fn acls(bootstrap: &str, arguments: &[&str]) -> String {
    let output = java("128m", Tuning::Start)
        .arg("org.apache.kafka.tools.AclCommand")
        .args(["--bootstrap-server", bootstrap])
        .args(arguments)
        .output()
        .expect("java runs");
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {error}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Deletes a group's committed offsets of a topic, as soon as it has no members.
///
/// By Kafka's own tool: the client has no call for it that could be made safely.
pub fn delete_offsets(bootstrap: &str, group: &str, topic: &str) {
    wait::until("the offsets are deleted", PATIENCE, || {
        let output = java("128m", Tuning::Start)
            .arg("org.apache.kafka.tools.consumer.group.ConsumerGroupCommand")
            .args(["--bootstrap-server", bootstrap, "--delete-offsets"])
            .args(["--group", group, "--topic", topic])
            .output()
            .expect("java runs");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        if said.contains("Successful") {
            Ok(())
        } else {
            Err(said)
        }
    });
}

/// The partition of Kafka's own topic that decides who coordinates a group or a transactional id: by
/// Java's hash of the text, as brokers choose it, of the four that these brokers have.
pub fn coordinating_partition(id: &str) -> usize {
    let step = |hash: i32, unit: u16| hash.wrapping_mul(31).wrapping_add(i32::from(unit));
    let hash = id.encode_utf16().fold(0, step);
    // Kafka takes 0 for the one number without a positive twin.
    (hash.checked_abs().unwrap_or(0) % 4) as usize
}

/// Deletes every topic that is not Kafka's own, and waits until they are gone. First their configs: a broker
/// (4.3) that is started again finds those of a deleted topic in its metadata log, and gives them to the
/// next one of that name.
pub fn clear(bootstrap: &str) {
    let topics = dump::topics(bootstrap);
    if topics.is_empty() {
        return;
    }
    let names: Vec<&str> = topics.keys().map(String::as_str).collect();
    let bare = names.iter().map(|name| ResourceSpecifier::Topic(name));
    let bare: Vec<AlterConfig<'_>> = bare.map(AlterConfig::new).collect();
    let reset = pollster::block_on(client(bootstrap).alter_configs(&bare, &options()));
    // What single topics say does not count: one that is being deleted has none left.
    reset.expect("the cluster answers");
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
