//! Kafka: the one module that names `rdkafka` (invariant 9).
//!
//! Everything that leaves it is plain data with the cluster's alias, topic, partition and offset in
//! its errors. What a cluster cannot do is asked of [`Cluster::capabilities`] and nowhere else.

mod admin;
mod client;
mod cluster;
mod embedded;
mod feeder;
mod glance;
mod group;
mod keeper;
mod lifeline;
mod member;
mod reader;
mod tail;
mod writer;

pub use client::{Error, ErrorKind, Properties};
pub use cluster::{
    Broker, Cluster, Committed, GroupDescribed, Health, Offsets, Pulse, Replicas, TopicDescribed,
    TopicSettings, partitions_of,
};
pub use embedded::{Embedded, PARTITION_BYTES_MAX};
pub use feeder::Feeder;
pub use glance::{Glance, LookAt};
pub use group::{Fetched, Group, GroupMember, Position};
pub use keeper::{Pen, read_log};
pub use member::{Lease, Member, Membership};
pub use reader::{BATCH_RECORDS_MAX, Batch, HeaderIter, Reader, Received, Record};
pub use tail::{Tail, await_open, last_copied};
pub use writer::{CommitError, Drops, REFUSED_MAX, Refusal, Refused, Stamp, VIA, Writer};

/// A partition of a topic.
pub type TopicPartition = (std::sync::Arc<str>, i32);
