//! Findings about single topics.

use std::collections::{BTreeMap, BTreeSet};

use super::{Code, Finding};
use crate::edge::Edge;
use crate::finding::Severity;
use crate::graph::Names;
use crate::plan::desired::{Desired, MAX_MESSAGE_BYTES, is_synced, topic};
use crate::plan::flow::{Flow, Place, is_held, shadowed, topics_of};
use crate::plan::group_of;
use crate::plan::inventory::{Cluster, Group, Inventory, Topic};
use crate::topology::Topology;

/// One flow with everything that is known of it.
struct Case<'a> {
    topology: &'a Topology,
    /// The flows into each place, and the places that are read.
    into: &'a BTreeMap<&'a Place, Vec<&'a Flow>>,
    sources: &'a BTreeSet<&'a Place>,
    desired: &'a BTreeMap<Place, Desired>,
    seen: &'a Inventory,
    number: usize,
    flow: &'a Flow,
    edge: &'a Edge,
    source: Option<&'a Topic>,
    target: Option<&'a Topic>,
    clusters: (&'a Cluster, &'a Cluster),
}

pub(super) fn findings(
    topology: &Topology,
    flows: &[Flow],
    desired: &BTreeMap<Place, Desired>,
    seen: &Inventory,
) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut into: BTreeMap<&Place, Vec<&Flow>> = BTreeMap::new();
    for flow in flows {
        into.entry(&flow.target).or_default().push(flow);
    }
    let sources: BTreeSet<&Place> = flows.iter().map(|f| &f.source).collect();
    for (number, flow) in flows.iter().enumerate() {
        let edge = &topology.edges()[flow.edge];
        let (Some(from), Some(to)) = (
            seen.clusters.get(&edge.source),
            seen.clusters.get(&edge.target),
        ) else {
            continue;
        };
        let case = Case {
            topology,
            into: &into,
            sources: &sources,
            desired,
            seen,
            number,
            flow,
            edge,
            source: topic(seen, &flow.source),
            target: topic(seen, &flow.target),
            clusters: (from, to),
        };
        let rules: [fn(&Case<'_>) -> Option<Finding>; 12] = [
            other_replicator,
            foreign_replica,
            other_topology,
            no_target_topic,
            replication_factor,
            existing_topic,
            former_topic,
            fewer_partitions,
            message_size,
            log_append_time,
            compacted_merge,
            not_synced,
        ];
        let told = rules.iter().filter_map(|rule| rule(&case));
        found.extend(told.map(|finding| finding.edge(&edge.name)));
    }
    found
}

impl Case<'_> {
    /// Whether the flow's target is to be made.
    fn is_made(&self) -> bool {
        self.target.is_none() && self.edge.sync.topics && !is_held(self.seen, self.flow)
    }

    /// The flows into a place.
    fn into(&self, place: &Place) -> &[&Flow] {
        self.into.get(place).map_or(&[], Vec::as_slice)
    }

    /// Whether no flow before this one writes the same target, and has told already.
    fn is_first(&self) -> bool {
        self.into(&self.flow.target).first() == Some(&self.flow)
    }
}

/// Topics that MirrorMaker 2 keeps for itself, by their names.
pub(super) fn is_of_other_replicator(topic: &str) -> bool {
    let inner = topic.ends_with(".internal");
    topic.ends_with(".checkpoints.internal")
        || topic == "heartbeats"
        || topic.ends_with(".heartbeats")
        || topic.starts_with("mm2-")
        || topic.starts_with("mirrormaker2-cluster-")
        || (inner && topic.contains("offset-syncs"))
}

fn other_replicator(case: &Case<'_>) -> Option<Finding> {
    let (cluster, topic) = &case.flow.source;
    if !is_of_other_replicator(topic) {
        return None;
    }
    let message = format!("topic {topic} on `{cluster}` looks like MirrorMaker 2's own");
    let help = "leave it out with `exclude_topics`, and do not let two replicators write one topic";
    Some(Finding::new(Code::OtherReplicator, message, help).place(&case.flow.source))
}

/// Every record seen came through somebody's replication, and no edge of this file writes the topic.
fn foreign_replica(case: &Case<'_>) -> Option<Finding> {
    let source = case.source?;
    let lineage = source.sample.lineage.as_ref()?;
    let is_ours = !case.into(&case.flow.source).is_empty();
    if is_ours || source.sample.records == 0 || lineage.is_empty() {
        return None;
    }
    let names: Vec<String> = lineage
        .iter()
        .map(|id| {
            let known = case.seen.clusters.iter().find(|(_, c)| c.id == *id);
            known.map_or_else(|| id.clone(), |(alias, _)| format!("`{alias}`"))
        })
        .collect();
    let (cluster, topic) = &case.flow.source;
    let held = if is_held(case.seen, case.flow) {
        "; its target topic is made only when a record passes that has not been there"
    } else {
        ""
    };
    let message = format!(
        "topic {topic} on `{cluster}` is a replica of another topology, by way of {}{held}",
        names.join(", ")
    );
    let help = "ask whose it is; `exclude_topics` leaves it out";
    Some(Finding::new(Code::ForeignReplica, message, help).place(&case.flow.source))
}

/// An edge of another file has copied the same topic to the same place, and may do so still.
fn other_topology(case: &Case<'_>) -> Option<Finding> {
    let id = case.source.map(|t| &t.id).filter(|id| !id.is_empty())?;
    let copies = |group: &Group| {
        let mut positions = group.positions.iter();
        positions.any(|((topic, _), (_, noted))| {
            *topic == case.flow.target.1 && noted.as_ref() == Some(id)
        })
    };
    let mut groups = case.clusters.1.foreign_groups.iter();
    let (group, _) = groups.find(|(_, group)| copies(group))?;
    let name = group.strip_prefix("crossdock.").unwrap_or(group);
    let (other, edge) = name.split_once('.').unwrap_or((name, "?"));
    let (cluster, topic) = &case.flow.target;
    let message = format!(
        "edge {edge} of topology {other} copies {} to topic {topic} on `{cluster}` as well: with both, every record comes twice",
        case.flow.source.1
    );
    let help = format!(
        "let one of the two files have the topic; if that topology runs no more, delete its group {group}"
    );
    Some(Finding::new(Code::ForeignReplica, message, help).place(&case.flow.target))
}

/// A topic that producers of the source write, under a name that says it is a replica.
pub(super) fn shadowed_topics(
    topology: &Topology,
    names: &Names,
    seen: &Inventory,
) -> Vec<Finding> {
    let mut found = Vec::new();
    for (number, place) in shadowed(topology, names, &topics_of(seen)) {
        let is_own = |t: &&Topic| t.sample.records > 0 && t.sample.lineage.is_none();
        if topic(seen, &place).filter(is_own).is_none() {
            continue;
        }
        let (cluster, topic) = &place;
        let message = format!(
            "topic {topic} on `{cluster}` looks like a replica by its name, but holds records produced there; it is not copied"
        );
        let help = "give it another name, or another `rename` to the edges that make such names";
        let finding = Finding::new(Code::ShadowedTopic, message, help).place(&place);
        found.push(finding.edge(&topology.edges()[number].name));
    }
    found
}

fn no_target_topic(case: &Case<'_>) -> Option<Finding> {
    if case.target.is_some() || case.edge.sync.topics {
        return None;
    }
    let (cluster, topic) = &case.flow.target;
    let message = format!("topic {topic} is not on `{cluster}`, and `sync.topics` is false");
    let help = "make the topic, or let `sync.topics` be true";
    Some(Finding::new(Code::NoTargetTopic, message, help).place(&case.flow.target))
}

fn replication_factor(case: &Case<'_>) -> Option<Finding> {
    if !case.is_made() || !case.is_first() {
        return None;
    }
    let target = case.clusters.1;
    let (cluster, topic) = &case.flow.target;
    let brokers = target.brokers;
    let finding = match target.replication_factor {
        Some(wanted) if usize::try_from(wanted).is_ok_and(|n| n > brokers) => Finding::new(
            Code::ReplicationFactor,
            format!("topic {topic} cannot be made on `{cluster}`: its default replication factor is {wanted}, and it has {brokers} brokers"),
            "lower `default.replication.factor` there, or add brokers",
        )
        .weighs(Severity::Error),
        _ => {
            let wanted = case.source?.replication_factor;
            let brokers = (wanted > brokers).then_some(brokers)?;
            Finding::new(
                Code::ReplicationFactor,
                format!("topic {} has replication factor {wanted} on `{}`, and `{cluster}` has {brokers} brokers", case.flow.source.1, case.flow.source.0),
                format!("{topic} is made with the default replication factor of `{cluster}`"),
            )
        }
    };
    Some(finding.place(&case.flow.target))
}

/// Records in the target that neither the group nor their own hops say are this edge's.
fn existing_topic(case: &Case<'_>) -> Option<Finding> {
    let target = case.target.filter(|t| t.records() > 0)?;
    let (from, to) = case.clusters;
    let mut names = vec![&case.edge.name];
    names.extend(&case.edge.renamed_from);
    let is_known = names.iter().any(|name| {
        let group = to.groups.get(&group_of(case.topology.name(), name));
        let mut places = group.into_iter().flat_map(|g| g.positions.keys());
        places.any(|(topic, _)| *topic == case.flow.target.1)
    });
    let origin = (from.id.clone(), case.flow.source.1.clone());
    if is_known || target.sample.origins.contains(&origin) {
        return None;
    }
    let (cluster, topic) = &case.flow.target;
    let records = target.records();
    let message = format!(
        "topic {topic} is on `{cluster}` already, with {records} records that this edge did not write"
    );
    let help = "they stay; if they are copies of the same records, begin behind them with `start: latest` or `crossdock offsets --set`";
    let finding = Finding::new(Code::ExistingTopic, message, help).place(&case.flow.target);
    // Where producers own it on both sides, it is as meant.
    let is_shared = case.sources.contains(&case.flow.target);
    Some(if is_shared {
        finding.weighs(Severity::Note)
    } else {
        finding
    })
}

/// `rename` has changed: progress goes on under the new name.
fn former_topic(case: &Case<'_>) -> Option<Finding> {
    let group = case
        .clusters
        .1
        .groups
        .get(&group_of(case.topology.name(), &case.edge.name))?;
    let id = case
        .source
        .map(|t| t.id.as_str())
        .filter(|id| !id.is_empty())?;
    let has = |topic: &str| group.positions.keys().any(|(t, _)| t == topic);
    if has(&case.flow.target.1) {
        return None;
    }
    let mut noted = group.positions.iter();
    let ((former, _), _) = noted.find(|(_, (_, noted))| noted.as_deref() == Some(id))?;
    let (cluster, topic) = &case.flow.target;
    let message = format!(
        "topic {} was {former} on `{cluster}` and becomes {topic}; copying goes on where it was, what was copied stays in {former}",
        case.flow.source.1
    );
    let help = "`crossdock offsets --set` copies it again from an offset, if that is wanted";
    Some(Finding::new(Code::Renamed, message, help).place(&case.flow.target))
}

fn fewer_partitions(case: &Case<'_>) -> Option<Finding> {
    let there = case.target?.partitions.len();
    let wanted = case.desired.get(&case.flow.source)?.partitions;
    if there >= wanted || case.edge.sync.partitions {
        return None;
    }
    let (cluster, topic) = &case.flow.target;
    let message = format!(
        "topic {topic} has {there} partitions on `{cluster}`, its source has {wanted}, and `sync.partitions` is false"
    );
    let help = "source partitions without a target partition halt; add partitions, or let `sync.partitions` be true";
    Some(Finding::new(Code::FewerPartitions, message, help).place(&case.flow.target))
}

fn message_size(case: &Case<'_>) -> Option<Finding> {
    let size = |t: &Topic| t.config(MAX_MESSAGE_BYTES)?.parse::<u64>().ok();
    let largest = size(case.source?)?;
    let takes = match case.target {
        // What is set by this plan counts.
        Some(target) => {
            let desired = case.desired.get(&case.flow.target);
            let follows = desired.filter(|d| d.parent.is_some());
            follows
                .map(|d| d.max_message_bytes)
                .or_else(|| size(target))?
        }
        None if case.edge.sync.configs => return None,
        None => case.clusters.1.message_max_bytes?,
    };
    if largest <= takes {
        return None;
    }
    let (cluster, topic) = &case.flow.target;
    let message = format!(
        "records of up to {largest} bytes on `{}` do not fit into topic {topic} on `{cluster}`, which takes {takes}",
        case.flow.source.0
    );
    let help = format!(
        "raise `{MAX_MESSAGE_BYTES}` there, or say with `on_oversize` what becomes of such records"
    );
    Some(Finding::new(Code::MessageSize, message, help).place(&case.flow.target))
}

fn log_append_time(case: &Case<'_>) -> Option<Finding> {
    let kind = match case.target {
        Some(target) => target.config("message.timestamp.type"),
        None if case.is_made() => case.clusters.1.timestamp_type.as_deref(),
        None => None,
    };
    if kind != Some("LogAppendTime") || !case.is_first() {
        return None;
    }
    let (cluster, topic) = &case.flow.target;
    let message = format!(
        "topic {topic} on `{cluster}` has LogAppendTime: the timestamps of records are replaced"
    );
    let help = "set `message.timestamp.type=CreateTime` on the topic";
    Some(Finding::new(Code::LogAppendTime, message, help).place(&case.flow.target))
}

fn compacted_merge(case: &Case<'_>) -> Option<Finding> {
    let writers = case.into(&case.flow.target).iter().map(|f| f.edge);
    let writers: BTreeSet<usize> = writers.collect();
    let is_compacted = |t: &Topic| {
        t.config("cleanup.policy")
            .is_some_and(|p| p.contains("compact"))
    };
    let compacted = [case.source, case.target]
        .into_iter()
        .flatten()
        .any(is_compacted);
    let (cluster, topic) = &case.flow.target;
    // Producers of its own write it too, where it is copied back under the same name.
    let back = case.into(&case.flow.source).iter();
    let goes_back = back.into_iter().any(|f| f.source == case.flow.target);
    if !compacted || !case.is_first() || (writers.len() < 2 && !goes_back) {
        return None;
    }
    let message = format!(
        "topic {topic} on `{cluster}` is compacted and has several writers: of one key, the record that is written last stays"
    );
    let help = "give each source a topic of its own with `rename`, or see to it that no key has two owners";
    Some(Finding::new(Code::CompactedMerge, message, help).place(&case.flow.target))
}

/// Values of the target that differ and stay.
fn not_synced(case: &Case<'_>) -> Option<Finding> {
    let (source, target) = (
        case.source?.configs.as_ref()?,
        case.target?.configs.as_ref()?,
    );
    let follows = case.desired.get(&case.flow.target)?.parent == Some(case.number);
    let mut kept = Vec::new();
    for (key, ours) in target
        .iter()
        .filter(|(k, c)| *k != MAX_MESSAGE_BYTES && !c.is_fixed)
    {
        let Some(theirs) = source.get(key).filter(|c| c.value != ours.value) else {
            continue;
        };
        let does_follow = follows && is_synced(key) && theirs.is_own;
        if !does_follow && (ours.is_own || theirs.is_own) {
            kept.push(format!("{key}={} ({} there)", ours.value, theirs.value));
        }
    }
    if kept.is_empty() {
        return None;
    }
    let (cluster, topic) = &case.flow.target;
    let message = format!("topic {topic} on `{cluster}` keeps {}", kept.join(", "));
    let help = "these do not follow: MirrorMaker 2's default excludes, values set on the target alone, `sync.configs: false`, or a topic that others write first";
    Some(Finding::new(Code::NotSynced, message, help).place(&case.flow.target))
}
