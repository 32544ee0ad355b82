//! Client settings by role: what the file says, and what crossdock decides itself.

use crossdock_model::edge::{Delivery, Edge};
use crossdock_model::properties::{Role, effective};
use crossdock_model::topology::Cluster;

use crate::kafka::Properties;

/// How admin and metadata clients of a cluster connect.
pub fn admin(cluster: &Cluster) -> Properties {
    of(Role::Common, cluster, None)
}

/// How an edge reads its source; what is read and not yet handed on is bounded by `max_in_flight`.
pub fn reader(source: &Cluster, edge: &Edge) -> Properties {
    of(Role::Consumer, source, Some(edge))
        .set("queued.max.messages.kbytes", share_kbytes(edge, 8))
        .set("queued.min.messages", "1000000")
}

/// How an edge writes its target; what is handed on and not yet acknowledged is bounded by
/// `max_in_flight`.
pub fn writer(target: &Cluster, edge: &Edge, is_transactional: bool) -> Properties {
    // Without transactions there is no time-out of one that other time-outs must fit into.
    let edge = &Edge {
        delivery: if is_transactional {
            edge.delivery
        } else {
            Delivery::AtLeastOnce
        },
        ..edge.clone()
    };
    of(Role::Producer, target, Some(edge))
        .set("queue.buffering.max.kbytes", share_kbytes(edge, 4))
        .set("queue.buffering.max.messages", "2000000")
}

/// How an edge's members follow their group.
pub fn member(target: &Cluster, edge: &Edge, is_classic: bool) -> Properties {
    let mut properties = admin(target);
    let wanted = of(Role::Consumer, target, Some(edge));
    if let Some(interval) = wanted.get("max.poll.interval.ms") {
        properties = properties.set("max.poll.interval.ms", interval);
    }
    if is_classic {
        // A restart resumes at once, as a static member; another instance takes over after this long.
        properties = properties
            .set(
                "session.timeout.ms",
                wanted.get("session.timeout.ms").unwrap_or("10000"),
            )
            .set(
                "heartbeat.interval.ms",
                wanted.get("heartbeat.interval.ms").unwrap_or("1000"),
            );
    }
    properties
}

/// What one queue of one stream may hold: a part of the edge's bound, divided by its streams.
/// librdkafka counts keys and values only; its structures, its fetch buffers and what waits to be sent
/// make about three times as much of small records.
fn share_kbytes(edge: &Edge, part: u64) -> String {
    let streams = u64::try_from(edge.streams).unwrap_or(1).max(1);
    (edge.max_in_flight / streams / part / 1024)
        .clamp(1, 2_097_151)
        .to_string()
}

fn of(role: Role, cluster: &Cluster, edge: Option<&Edge>) -> Properties {
    effective(role, cluster, edge)
        .into_iter()
        .fold(Properties::default(), |properties, setting| {
            properties.set(&setting.name, setting.value)
        })
}
