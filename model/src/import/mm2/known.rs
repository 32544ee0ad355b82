//! What the keys of MirrorMaker 2 come to here.

use crate::import::Fate::{self, Lost, Unneeded};
use crate::properties::{Role, role_of};

/// The client that a key is for, and the key without it: `consumer.fetch.min.bytes`.
pub(super) fn client_of(key: &str) -> (Option<&'static str>, &str) {
    let key = key
        .strip_prefix("source.")
        .or_else(|| key.strip_prefix("target."))
        .filter(|rest| has_client(rest))
        .unwrap_or(key);
    for client in ["consumer", "producer", "admin"] {
        let rest = key.strip_prefix(client).and_then(|r| r.strip_prefix('.'));
        if let Some(rest) = rest {
            return (Some(client), rest.strip_prefix("override.").unwrap_or(rest));
        }
    }
    (None, key)
}

fn has_client(key: &str) -> bool {
    ["consumer.", "producer.", "admin."]
        .iter()
        .any(|c| key.starts_with(c))
}

/// Whether a key without alias is about how clusters are reached.
pub(super) fn is_of_clusters(key: &str) -> bool {
    key != "bootstrap.servers" && fate(key).is_none() && role_of(key) == Some(Role::Common)
}

const WORKERS: &str = "there are no Connect workers";
const OWN_OFFSETS: &str = "every record carries the offset it was read from; no topic keeps them";
const NO_HEARTBEATS: &str = "lag and state are told by `/metrics` and `/api/v1/status`";

/// Keys that nothing is made of, by how they begin.
const BEGIN: &[(&str, Fate, &str)] = &[
    ("offset-syncs.", Unneeded, OWN_OFFSETS),
    ("offset.lag.max", Unneeded, OWN_OFFSETS),
    ("emit.offset-syncs", Unneeded, OWN_OFFSETS),
    ("emit.checkpoints", Unneeded, OWN_OFFSETS),
    ("checkpoints.", Unneeded, OWN_OFFSETS),
    ("emit.heartbeats", Unneeded, NO_HEARTBEATS),
    ("heartbeats.", Unneeded, NO_HEARTBEATS),
    ("heartbeat.tasks", Unneeded, NO_HEARTBEATS),
    ("heartbeats-topic", Unneeded, NO_HEARTBEATS),
    ("config.storage.", Unneeded, WORKERS),
    ("offset.storage.", Unneeded, WORKERS),
    ("status.storage.", Unneeded, WORKERS),
    ("offset.flush.", Unneeded, WORKERS),
    (
        "key.converter",
        Unneeded,
        "records are copied byte for byte",
    ),
    (
        "value.converter",
        Unneeded,
        "records are copied byte for byte",
    ),
    (
        "header.converter",
        Unneeded,
        "records are copied byte for byte",
    ),
    ("listeners", Unneeded, "`run --listen` says where it serves"),
    ("rest.", Unneeded, "`run --listen` says where it serves"),
    (
        "dedicated.mode.",
        Unneeded,
        "processes find each other by Kafka's group protocol",
    ),
    (
        "internal.topic.replication.factor",
        Unneeded,
        "there are no internal topics",
    ),
    (
        "scheduled.rebalance.",
        Unneeded,
        "a static member that comes back has its partitions at once",
    ),
    ("worker.", Unneeded, WORKERS),
    ("connector.class", Unneeded, WORKERS),
    ("plugin.", Unneeded, WORKERS),
    ("task.assigner", Unneeded, WORKERS),
    ("admin.timeout.ms", Unneeded, "what fails is tried again"),
    (
        "consumer.poll.timeout.ms",
        Unneeded,
        "the profile decides how long it waits",
    ),
    (
        "refresh.topics.interval",
        Unneeded,
        "new topics and partitions are found within seconds",
    ),
    (
        "refresh.groups.",
        Unneeded,
        "groups are looked at every few seconds",
    ),
    (
        "sync.group.offsets.interval",
        Unneeded,
        "groups are kept in step every 5 s",
    ),
    (
        "sync.topic.configs.interval",
        Unneeded,
        "crossdock looks at its own interval",
    ),
    (
        "sync.topic.acls.interval",
        Unneeded,
        "crossdock looks at its own interval",
    ),
    (
        "use.incremental.alter.configs",
        Unneeded,
        "only the keys that differ are altered",
    ),
    (
        "add.source.alias.to.metrics",
        Unneeded,
        "metrics carry the label `source`",
    ),
    (
        "internal.topic.separator.enabled",
        Unneeded,
        "there are no internal topics",
    ),
    (
        "replication.factor",
        Lost,
        "topics are created with the target's default",
    ),
    (
        "config.properties.",
        Lost,
        "which topic configs follow is not yours to choose",
    ),
    ("config.property.filter.", Lost, "no code of yours is run"),
    ("topic.filter.class", Lost, "no code of yours is run"),
    ("group.filter.class", Lost, "no code of yours is run"),
    ("transforms", Lost, "records are not transformed"),
    ("predicates", Lost, "records are not transformed"),
    (
        "topic.creation.",
        Lost,
        "topics are created with the source's partitions and configs",
    ),
    (
        "errors.",
        Lost,
        "`on_oversize` of the edge says what happens to a refused record",
    ),
    ("forwarding.admin.class", Lost, "no code of yours is run"),
    (
        "name",
        Unneeded,
        "an edge is called <from>-to-<to> unless it has a `name`",
    ),
];

/// What becomes of a key that is not carried over whatever its value.
pub(super) fn fate(key: &str) -> Option<(Fate, &'static str)> {
    let whole = ["name", "errors.", "offset.lag.max"];
    BEGIN
        .iter()
        .find(
            |(begin, _, _)| match whole.contains(begin) && !begin.ends_with('.') {
                true => key == *begin,
                false => key.starts_with(begin),
            },
        )
        .map(|(_, fate, why)| (*fate, *why))
}
