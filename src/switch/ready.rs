//! Whether the target can take over: brokers, leaders, replicas in sync, and who may write.

use std::collections::{BTreeMap, BTreeSet};

use crossdock_model::name::Alias;

use super::{Seen, Stage};
use crate::kafka::{Cluster, Error, Health};

/// The config that says how many replicas must be in sync for a write.
const MIN_IN_SYNC: &str = "min.insync.replicas";

/// Partitions and topics that are named; of more, the number is told.
const NAMED_MAX: usize = 5;

/// Looks at the target of a failover.
///
/// # Errors
/// It does not answer.
pub(super) fn look(stage: &Stage) -> Result<Seen, Error> {
    let away = stage.away()?;
    let mut topics = BTreeSet::new();
    for edge in stage.pair() {
        topics.extend(stage.twins(edge)?.into_iter().map(|t| t.target_topic));
    }
    let names: BTreeSet<&str> = topics.iter().map(|t| &**t).collect();
    let health = away.health(&names)?;
    let mut seen = capacity(&stage.away, &health, names.len());
    let real = away.capabilities().admin;
    let least = if real {
        least_in_sync(away, &names)?
    } else {
        BTreeMap::new()
    };
    let (mut leaderless, mut stuck, mut thin) = (Vec::new(), Vec::new(), 0);
    for ((topic, partition), replicas) in &health.partitions {
        let place = format!("{topic}-{partition}");
        let wanted = least.get(&**topic).copied().unwrap_or(1);
        match replicas.leader {
            None => leaderless.push(place),
            Some(_) if replicas.in_sync < wanted => {
                stuck.push(format!("{place} ({} of {wanted})", replicas.in_sync));
            }
            Some(_) => thin += usize::from(replicas.in_sync < replicas.assigned),
        }
    }
    if leaderless.is_empty() && stuck.is_empty() {
        seen.and("writable: every partition has a leader, and as many replicas in sync as `min.insync.replicas` wants");
    }
    if !leaderless.is_empty() {
        seen.find(format!(
            "without a leader, neither readable nor writable: {}",
            some(&leaderless)
        ));
    }
    if !stuck.is_empty() {
        seen.find(format!(
            "not writable with acks=all, too few replicas in sync: {}; start the missing brokers or lower `min.insync.replicas`",
            some(&stuck)
        ));
    }
    if thin > 0 {
        seen.find(format!(
            "{thin} partitions have fewer replicas in sync than they should"
        ));
    }
    if real {
        writers(away, &names, &mut seen);
    }
    Ok(seen)
}

fn capacity(alias: &Alias, health: &Health, topics: usize) -> Seen {
    let mut led: BTreeMap<i32, usize> = health.brokers.keys().map(|id| (*id, 0)).collect();
    for leader in health.partitions.values().filter_map(|r| r.leader) {
        *led.entry(leader).or_default() += 1;
    }
    let shares: Vec<String> = led
        .iter()
        .map(|(id, count)| format!("broker {id} leads {count}"))
        .collect();
    let count = health.partitions.len();
    Seen::that(format!(
        "capacity of `{alias}`: {} brokers, {topics} topics, {count} partitions; {}",
        health.brokers.len(),
        shares.join(", ")
    ))
}

fn least_in_sync(
    away: &Cluster,
    topics: &BTreeSet<&str>,
) -> Result<BTreeMap<String, usize>, Error> {
    let names: Vec<&str> = topics.iter().copied().collect();
    let configs = away.topic_configs(&names)?.into_iter();
    let least = |(topic, configs): (String, Option<BTreeMap<String, _>>)| {
        let config: crossdock_model::plan::Config = configs?.remove(MIN_IN_SYNC)?;
        Some((topic, config.value.parse().ok()?))
    };
    Ok(configs.filter_map(least).collect())
}

/// Where a cluster has an authorizer, applications need their WRITE: ACLs that follow leave it out.
fn writers(away: &Cluster, topics: &BTreeSet<&str>, seen: &mut Seen) {
    let acls = match away.topic_acls() {
        Ok(acls) => acls,
        Err(error) => {
            return seen.and(format!(
                "who may write is not told by ACLs: {}",
                error.reason
            ));
        }
    };
    let may_write: BTreeSet<&str> = acls
        .iter()
        .filter(|a| a.permission == "ALLOW" && matches!(&*a.operation, "WRITE" | "ALL"))
        .map(|a| a.topic.as_str())
        .collect();
    let guarded: BTreeSet<&str> = acls.iter().map(|a| a.topic.as_str()).collect();
    let guarded = topics.intersection(&guarded);
    let closed: Vec<String> = guarded
        .filter(|topic| !may_write.contains(**topic))
        .map(|topic| (*topic).to_owned())
        .collect();
    match closed.is_empty() {
        true => seen.and("ACLs: every topic that has some of its own lets somebody write"),
        false => seen.find(format!(
            "there are ACLs on {}, and none lets anybody WRITE: give applications theirs before they come",
            some(&closed)
        )),
    }
}

/// The first few, and how many more there are.
pub(super) fn some(all: &[String]) -> String {
    let named = &all[..all.len().min(NAMED_MAX)];
    match all.len() - named.len() {
        0 => named.join(", "),
        more => format!("{}, and {more} more", named.join(", ")),
    }
}
