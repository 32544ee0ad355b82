//! Properties that are crossdock's own to decide, and keys that have another place in the file.

use super::Role;

/// What happens instead of a property that crossdock sets itself, as a clause.
pub(super) fn reserved(role: Role, key: &str) -> Option<&'static str> {
    let instead = match key {
        "bootstrap.servers" | "metadata.broker.list" if role != Role::Common => {
            "the addresses are those of the cluster"
        }
        "group.id" => "the group is `crossdock.<topology>.<edge>` on the target cluster",
        "group.instance.id" => "`run --instance` names the member",
        "enable.auto.commit"
        | "auto.commit.enable"
        | "auto.commit.interval.ms"
        | "enable.auto.offset.store"
        | "offset.store.method"
        | "offset.store.path"
        | "offset.store.sync.interval.ms" => {
            "the position is committed on the target cluster together with the records"
        }
        "auto.offset.reset" => {
            "`start` of the edge says where its first run begins, and lost progress halts"
        }
        "partition.assignment.strategy"
        | "group.protocol"
        | "group.protocol.type"
        | "group.remote.assignor" => "the members of an edge share its partitions cooperatively",
        "transactional.id" => {
            "transactions are named `crossdock.<topology>.<edge>.<instance>.<stream>`"
        }
        "allow.auto.create.topics" => "topics are created on the target by `sync.topics` only",
        "partitioner" | "sticky.partitioning.linger.ms" => {
            "every record keeps its partition number"
        }
        "queuing.strategy" => "records keep their order",
        "topic.blacklist" => "`exclude_topics` of the edge says what is left out",
        "statistics.interval.ms" => "metrics are served at `/metrics` of `run`",
        "enable.partition.eof" | "delivery.report.only.error" | "produce.offset.report" => {
            "every record and every acknowledgement is counted"
        }
        "consume.callback.max.messages" => "`max_in_flight` bounds what is read at once",
        "log.queue"
        | "enabled_events"
        | "interceptors"
        | "plugin.library.paths"
        | "internal.termination.signal"
        | "builtin.features" => "crossdock sets it itself",
        _ => return None,
    };
    Some(instead)
}

/// Where a key belongs that is no client property but is often written among them.
pub(super) fn elsewhere(key: &str) -> Option<&'static str> {
    let place = match key {
        "num.streams" | "numStreams" | "tasks.max" => "`streams` of the edge says how many",
        "queue.size" => "`max_in_flight` of the edge bounds what is read and not yet written",
        "whitelist" | "topics" | "topics.whitelist" => "`topics` of the edge selects topics",
        "blacklist" | "topics.exclude" | "topics.blacklist" => {
            "`exclude_topics` of the edge leaves topics out"
        }
        "bootstrap_servers" | "bootstrap-servers" | "brokers" | "bootstrap" | "broker.list" => {
            "did you mean `bootstrap.servers`?"
        }
        "zookeeper.connect" => "clusters are reached through `bootstrap.servers`",
        "offset.commit.interval.ms" => "`profile` of the edge decides how often it is committed",
        "abort.on.send.failure" => {
            "`on_oversize` of the edge says what happens to a refused record"
        }
        "producer.type" => "sending is always asynchronous, and acknowledged",
        "replication.policy.class" | "replication.policy.separator" => {
            "`rename` of the edge names topics on the target"
        }
        "replication.factor" => "`sync.topics` creates topics with the target's default",
        _ => return None,
    };
    Some(place)
}
