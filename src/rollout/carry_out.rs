//! Carries a plan out, change by change; stops at the first refusal.

use std::time::{Duration, Instant};

use crossdock_model::plan::Change;

use super::Rollout;
use crate::home::Refused;
use crate::kafka::{Cluster, Error, ErrorKind};

/// How long a topic that was made has to show up in its cluster's metadata.
const VISIBLE_WITHIN: Duration = Duration::from_secs(10);

/// Why a change was not made.
#[derive(Debug)]
pub enum Stopped {
    /// The cluster did not answer, or refused.
    Cluster(Error),
    /// Somebody else has published another revision since the plan was made.
    Overtaken(String),
}

/// Makes every change in turn and tells of each; returns how many were made, and what stopped it.
pub fn carry_out(rollout: &Rollout, mut tell: impl FnMut(&Change)) -> (usize, Option<Stopped>) {
    for (number, change) in rollout.plan.changes.iter().enumerate() {
        if let Err(stopped) = one(rollout, change) {
            return (number, Some(stopped));
        }
        tell(change);
    }
    (rollout.plan.changes.len(), None)
}

fn one(rollout: &Rollout, change: &Change) -> Result<(), Stopped> {
    if let Change::Publish { after, .. } = change {
        return publish(rollout, after.as_deref());
    }
    match rollout.read.clusters.get(change.cluster()) {
        Some(cluster) => make(cluster, change).map_err(Stopped::Cluster),
        // Only clusters that were read have changes.
        None => Ok(()),
    }
}

/// Makes one change of a cluster; publishing is not one.
///
/// # Errors
/// The cluster does not answer, or refuses.
pub fn make(cluster: &Cluster, change: &Change) -> Result<(), Error> {
    match change {
        Change::CreateTopic {
            topic,
            partitions,
            replication_factor,
            configs,
            ..
        } => cluster
            .make_topic(topic, *partitions, *replication_factor, configs)
            .and_then(|()| until_visible(cluster, topic, *partitions)),
        Change::AddPartitions { topic, to, .. } => cluster
            .grow_topic(topic, i32::try_from(*to).unwrap_or(i32::MAX))
            .and_then(|()| until_visible(cluster, topic, *to)),
        Change::SetConfigs { topic, configs, .. } => {
            let values = configs.iter().map(|(key, c)| (key.as_str(), c.to.as_str()));
            cluster.set_topic_configs(topic, &values.collect::<Vec<_>>())
        }
        Change::CreateAcl { acl, .. } => cluster.create_acl(acl),
        Change::Publish { .. } => Ok(()),
    }
}

fn until_visible(cluster: &Cluster, topic: &str, partitions: usize) -> Result<(), Error> {
    let deadline = Instant::now() + VISIBLE_WITHIN;
    loop {
        let count = match cluster.partitions(topic) {
            Ok(count) => count.unwrap_or(0),
            // It is made; who may not see it needs not wait for it.
            Err(error) if error.kind == ErrorKind::Refused => return Ok(()),
            Err(error) => return Err(error),
        };
        if usize::try_from(count).unwrap_or(0) >= partitions || Instant::now() > deadline {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn publish(rollout: &Rollout, after: Option<&str>) -> Result<(), Stopped> {
    let Some(home) = rollout.home() else {
        return Ok(());
    };
    match home.publish(&rollout.text, after) {
        Ok(_) => Ok(()),
        Err(Refused::Overtaken(by)) => Err(Stopped::Overtaken(by)),
        Err(Refused::Cluster(error)) => Err(Stopped::Cluster(error)),
    }
}
