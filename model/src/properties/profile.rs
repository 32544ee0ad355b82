//! The profiles: sets of client settings, each with its reason.

use super::Role::{self, Consumer, Producer};
use crate::edge::Profile;

/// One client setting of a profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setting {
    /// Which client it is for.
    pub role: Role,
    /// librdkafka's name; of two names for one thing, the one that [`super::translate`] gives.
    pub name: &'static str,
    /// Value, as librdkafka reads it.
    pub value: &'static str,
    /// Why, as a clause.
    pub why: &'static str,
}

/// The client settings of a profile. Cluster and edge may override each.
pub fn profile(profile: Profile) -> impl Iterator<Item = &'static Setting> {
    let own = match profile {
        Profile::Durable => DURABLE,
        Profile::Throughput => THROUGHPUT,
        Profile::Latency => LATENCY,
    };
    EVERY.iter().chain(own)
}

/// How often progress is committed, in milliseconds: what a crash makes to be read again, against
/// the cost of a transaction.
pub const fn commit_interval_ms(profile: Profile) -> u64 {
    match profile {
        Profile::Latency => 100,
        Profile::Durable => 500,
        Profile::Throughput => 1_000,
    }
}

/// What is read and not yet acknowledged at most, in bytes, unless `max_in_flight` says otherwise.
pub const fn max_in_flight_bytes(profile: Profile) -> u64 {
    match profile {
        Profile::Latency => 16 << 20,
        Profile::Durable => 64 << 20,
        Profile::Throughput => 64 << 20,
    }
}

const fn set(role: Role, name: &'static str, value: &'static str, why: &'static str) -> Setting {
    Setting {
        role,
        name,
        value,
        why,
    }
}

#[rustfmt::skip]
const EVERY: &[Setting] = &[
    set(Consumer, "fetch.queue.backoff.ms", "2", "the default of 1 s starves a fast copier"),
    set(Consumer, "isolation.level", "read_committed", "records of aborted transactions were never there"),
    set(Consumer, "check.crcs", "true", "what is damaged on the way is not passed on"),
    set(Consumer, "socket.keepalive.enable", "true", "firewalls between cities forget quiet connections"),
    set(Consumer, "client.dns.lookup", "use_all_dns_ips", "a broker that moved is found again"),
    set(Producer, "enable.idempotence", "true", "a retry must not write twice or out of order"),
    set(Producer, "acks", "all", "an acknowledged record survives the loss of a broker"),
    set(Producer, "max.in.flight.requests.per.connection", "5", "the most at which a retry keeps the order"),
    set(Producer, "transaction.timeout.ms", "20000", "a dead owner's open transaction holds readers back no longer"),
    set(Producer, "socket.keepalive.enable", "true", "firewalls between cities forget quiet connections"),
    set(Producer, "client.dns.lookup", "use_all_dns_ips", "a broker that moved is found again"),
];

#[rustfmt::skip]
const DURABLE: &[Setting] = &[
    set(Consumer, "fetch.wait.max.ms", "100", "a quiet topic is not behind by more than this"),
    set(Consumer, "fetch.min.bytes", "1", "records go on as they come"),
    set(Consumer, "max.partition.fetch.bytes", "1048576", "one partition does not push the others out"),
    set(Producer, "linger.ms", "5", "records that come together go together"),
    set(Producer, "batch.size", "1000000", "one request carries what is there"),
];

#[rustfmt::skip]
const THROUGHPUT: &[Setting] = &[
    set(Consumer, "fetch.wait.max.ms", "500", "brokers may wait for a full answer"),
    set(Consumer, "fetch.min.bytes", "65536", "fewer, larger answers"),
    set(Consumer, "max.partition.fetch.bytes", "1048576", "larger answers cost memory, and no record is faster for it"),
    set(Producer, "linger.ms", "50", "batches fill before they go"),
    set(Producer, "batch.size", "1000000", "one request carries what is there"),
    set(Producer, "compression.type", "lz4", "less to send over the long line, for little work"),
];

#[rustfmt::skip]
const LATENCY: &[Setting] = &[
    set(Consumer, "fetch.wait.max.ms", "10", "an empty answer does not hold the next one up"),
    set(Consumer, "fetch.min.bytes", "1", "records go on as they come"),
    set(Producer, "linger.ms", "0", "no record waits for another"),
    set(Producer, "batch.size", "131072", "a batch is soon sent"),
];
