//! Each cluster, and each of its brokers where it says that it is.

use std::collections::BTreeSet;

use crossdock_model::name::Alias;
use serde_json::{Value, json};

use crate::clock;
use crate::inventory::at_once;
use crate::kafka::{Cluster, Error, partitions_of};
use crate::rollout::Rollout;

/// Topics of a cluster whose newest records are asked for.
const TOPICS_MAX: usize = 200;

/// All clusters of the file, in its order.
pub(super) fn look(rollout: &Rollout) -> Vec<Value> {
    let declared = rollout.topology.clusters().iter().map(|c| &c.alias);
    at_once(declared, |alias| one(rollout, alias))
}

fn one(rollout: &Rollout, alias: &Alias) -> Value {
    let seen = &rollout.read.inventory;
    let (Some(cluster), Some(state)) = (rollout.read.clusters.get(alias), seen.clusters.get(alias))
    else {
        let why = seen.unreachable.get(alias);
        return json!({ "cluster": alias, "error": why });
    };
    let brokers = match brokers(cluster) {
        Ok(brokers) => json!(brokers),
        Err(error) => json!({ "error": error.to_string() }),
    };
    json!({
        "cluster": alias,
        "id": state.id,
        "principal": state.principal,
        "may": state.operations,
        "topics": state.topics.len(),
        "brokers": brokers,
        "newest_record_ahead_seconds": newest(rollout, cluster).unwrap_or_default(),
    })
}

fn brokers(cluster: &Cluster) -> Result<Vec<Value>, Error> {
    let found = cluster.brokers()?;
    Ok(at_once(&found, |broker| {
        let mut told = json!({ "id": broker.id, "address": broker.address });
        match cluster.round_trip(broker) {
            Ok(took) => told["round_trip_ms"] = json!(took.as_secs_f64() * 1000.0),
            Err(error) => told["error"] = json!(error.to_string()),
        }
        told
    }))
}

/// How far the newest record of the edges' topics is ahead of this clock: negative for one of the past.
/// No call of Kafka tells a broker's clock; a record of the future tells that its producer's, or with
/// `LogAppendTime` the broker's, is ahead.
fn newest(rollout: &Rollout, cluster: &Cluster) -> Result<Option<f64>, Error> {
    let alias = cluster.alias();
    let mut names = BTreeSet::new();
    for edge in &rollout.plan.edges {
        for topic in &edge.topics {
            if edge.source == *alias {
                names.insert(topic.topic.as_str());
            }
            if edge.target == *alias && topic.target_exists {
                names.insert(topic.target_topic.as_str());
            }
        }
    }
    let state = rollout.read.inventory.clusters.get(alias);
    let known = names.into_iter().take(TOPICS_MAX).filter_map(|name| {
        let topic = state?.topics.get(name)?;
        Some((name, topic.partitions.len()))
    });
    let newest = cluster.newest_timestamp(&partitions_of(known))?;
    Ok(newest.map(|at| (at - clock::now_ms()) as f64 / 1000.0))
}
