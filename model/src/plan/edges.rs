//! What each edge does: its topics, where they begin, how much there is to copy.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::Serialize;

use crate::edge::{self, Edge, Limit, OnGap, OnRecreated};
use crate::groups::{Choice, Selection};
use crate::name::{Alias, EdgeName};
use crate::topology::Topology;

use super::desired::{Desired, topic};
use super::flow::{Flow, Place, is_held};
use super::group_of;
use super::inventory::{Group, Inventory, Partition, Tail, Topic, Unplaced};

/// One edge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EdgePlan {
    /// Its name.
    pub name: EdgeName,
    /// Cluster that is read.
    pub source: Alias,
    /// Cluster that is written.
    pub target: Alias,
    /// A disabled edge takes nothing.
    pub enabled: bool,
    /// Group on the target that holds its progress.
    pub group: String,
    /// Whether it has run before: the group has committed offsets.
    pub has_run: bool,
    /// Group whose progress is taken over when it first runs.
    pub carries_over: Option<String>,
    /// Since when a failover has fenced it: it stands until the failback.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fenced: Option<String>,
    /// Groups that follow, as patterns.
    pub groups: Vec<String>,
    /// Those that are there, by name, and what becomes of each.
    pub consumer_groups: Vec<GroupPlan>,
    /// Every topic that it takes.
    pub topics: Vec<TopicPlan>,
    /// Records that are still to be copied.
    pub records: i64,
    /// About as many bytes of keys and values; `None` where no record could be looked at.
    pub bytes: Option<u64>,
    /// How many records were looked at for it.
    pub sampled: u64,
    /// How long that takes at `limit`, in seconds.
    pub seconds_at_limit: Option<u64>,
}

/// One consumer group that `sync.groups` names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct GroupPlan {
    /// Its name.
    pub group: String,
    /// Partitions in which it has positions that follow.
    pub partitions: usize,
    /// Why it is left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub excluded: Option<&'static str>,
}

/// One topic of an edge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TopicPlan {
    /// Its name on the source.
    pub topic: String,
    /// Its name on the target.
    pub target_topic: String,
    /// Whether the target topic is there.
    pub target_exists: bool,
    /// Whether every record seen has been on the target already: the target topic is made with the
    /// first one that has not.
    pub is_held: bool,
    /// Former name on the target, where `rename` has changed: progress goes on, its records stay.
    pub was: Option<String>,
    /// Partitions of the source.
    pub partitions: Vec<PartitionPlan>,
    /// Records that are still to be copied.
    pub records: i64,
    /// About as many bytes of keys and values.
    pub bytes: Option<u64>,
    /// How many records were looked at for it.
    pub sampled: u64,
}

/// One source partition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PartitionPlan {
    /// Its number.
    pub partition: i32,
    /// The first offset that is copied.
    pub start_offset: i64,
    /// The last stable offset.
    pub end_offset: i64,
    /// Records between the two, as offsets tell.
    pub records: i64,
    /// What is to be known of the first offset, where it is neither progress nor `start`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start: Option<Start>,
}

/// Where a partition goes on whose progress does not say so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Start {
    /// Behind the last record of the edge at the target.
    LastCopy,
    /// Nowhere, until a person decides: nothing tells its progress.
    ProgressLost,
    /// Nowhere: the topic was created again at the source.
    Recreated,
    /// At the beginning of the topic that was created again.
    Restarted,
    /// Nowhere: records behind its progress are gone at the source.
    Gap,
    /// Behind the records that are gone.
    BehindGap,
}

pub(super) fn edges(
    topology: &Topology,
    flows: &[Flow],
    desired: &BTreeMap<Place, Desired>,
    seen: &Inventory,
) -> Vec<EdgePlan> {
    let mut by_edge: BTreeMap<usize, Vec<&Flow>> = BTreeMap::new();
    for flow in flows {
        by_edge.entry(flow.edge).or_default().push(flow);
    }
    let of = |(number, edge): (usize, &Edge)| {
        let mine = by_edge.get(&number).map_or(&[][..], Vec::as_slice);
        one(topology, edge, mine, desired, seen)
    };
    topology.edges().iter().enumerate().map(of).collect()
}

fn one(
    topology: &Topology,
    edge: &Edge,
    flows: &[&Flow],
    desired: &BTreeMap<Place, Desired>,
    seen: &Inventory,
) -> EdgePlan {
    let group = group_of(topology.name(), &edge.name);
    let Progress {
        own,
        carries_over,
        known: progress,
    } = progress(topology, edge, seen);
    let topics: Vec<TopicPlan> = flows
        .iter()
        .map(|flow| topic_plan(edge, flow, progress, desired, seen))
        .collect();
    let records = topics.iter().map(|t| t.records).sum();
    let bytes = topics
        .iter()
        .map(|t| t.bytes)
        .try_fold(0_u64, |sum, b| Some(sum + b?));
    let included = edge.sync.groups.iter().flat_map(|g| &g.include);
    EdgePlan {
        name: edge.name.clone(),
        source: edge.source.clone(),
        target: edge.target.clone(),
        enabled: edge.enabled,
        has_run: own.is_some(),
        fenced: progress.and_then(|group| group.fenced.clone()),
        group,
        carries_over,
        groups: included.map(|p| p.text.clone()).collect(),
        consumer_groups: consumer_groups(topology, edge, &topics, seen),
        records,
        bytes,
        sampled: topics.iter().map(|t| t.sampled).sum(),
        seconds_at_limit: at_limit(edge.limit, records, bytes),
        topics,
    }
}

/// Where the progress of an edge is.
struct Progress<'a> {
    /// Its own group.
    own: Option<&'a Group>,
    /// The group of its former name, where its own has nothing yet.
    carries_over: Option<String>,
    /// The one of them that counts.
    known: Option<&'a Group>,
}

fn progress<'a>(topology: &Topology, edge: &Edge, seen: &'a Inventory) -> Progress<'a> {
    let groups = seen.clusters.get(&edge.target).map(|c| &c.groups);
    let find = |name: &str| {
        let found = groups.and_then(|all| all.get(name));
        found.filter(|g| !g.positions.is_empty())
    };
    let own = find(&group_of(topology.name(), &edge.name));
    let old = edge.renamed_from.as_ref();
    let old = old.map(|name| group_of(topology.name(), name));
    let carries_over = old.filter(|name| own.is_none() && find(name).is_some());
    let known = own.or_else(|| carries_over.as_deref().and_then(find));
    Progress {
        own,
        carries_over,
        known,
    }
}

/// The target partitions of which no position is known, though they have been written: their last records may
/// tell where the edge stands. On its first run that is looked for where the topic's records seem to be its own.
pub fn unplaced(topology: &Topology, flows: &[Flow], seen: &Inventory) -> Vec<Unplaced> {
    let mut found = Vec::new();
    for flow in flows {
        let edge = &topology.edges()[flow.edge];
        let known = progress(topology, edge, seen).known;
        let (Some(source), Some(target), Some(from)) = (
            topic(seen, &flow.source),
            topic(seen, &flow.target),
            seen.clusters.get(&edge.source),
        ) else {
            continue;
        };
        let origin = (from.id.clone(), flow.source.1.clone());
        if known.is_none() && !target.sample.origins.contains(&origin) {
            continue;
        }
        let was = known.and_then(|group| former_name(group, flow, Some(source)));
        let kept = was.as_ref().unwrap_or(&flow.target.1);
        let count = source.partitions.len().min(target.partitions.len());
        for (number, there) in (0..).zip(&target.partitions[..count]) {
            let is_placed = |group: &Group| group.positions.contains_key(&(kept.clone(), number));
            if there.end > 0 && !known.is_some_and(is_placed) {
                found.push(Unplaced {
                    edge: flow.edge,
                    source_topic: flow.source.1.clone(),
                    target_topic: flow.target.1.clone(),
                    partition: number,
                });
            }
        }
    }
    found
}

/// The groups at the source that follow over the edge, and those that are left out.
fn consumer_groups(
    topology: &Topology,
    edge: &Edge,
    topics: &[TopicPlan],
    seen: &Inventory,
) -> Vec<GroupPlan> {
    let (Some(groups), Some(source)) = (&edge.sync.groups, seen.clusters.get(&edge.source)) else {
        return Vec::new();
    };
    let selection = Selection::new(topology, edge, groups);
    let taken: BTreeSet<&str> = topics.iter().map(|t| t.topic.as_str()).collect();
    let plan = |(group, positions): (&String, &BTreeSet<(String, i32)>)| {
        let excluded = match selection.choose(group) {
            Choice::NotNamed => return None,
            Choice::Excluded(why) => Some(why),
            Choice::Taken => None,
        };
        let follow = positions
            .iter()
            .filter(|(topic, _)| taken.contains(&**topic));
        let partitions = if excluded.is_some() {
            0
        } else {
            follow.count()
        };
        (partitions > 0 || excluded.is_some()).then(|| GroupPlan {
            group: group.clone(),
            partitions,
            excluded,
        })
    };
    source.consumers.iter().filter_map(plan).collect()
}

fn at_limit(limit: Option<Limit>, records: i64, bytes: Option<u64>) -> Option<u64> {
    let records = u64::try_from(records).unwrap_or(0);
    match limit? {
        Limit::Bytes(rate) => Some(bytes?.div_ceil(rate.max(1))),
        Limit::Records(rate) => Some(records.div_ceil(rate.max(1))),
    }
    .filter(|seconds| Duration::from_secs(*seconds) > Duration::ZERO)
}

fn topic_plan(
    edge: &Edge,
    flow: &Flow,
    progress: Option<&Group>,
    desired: &BTreeMap<Place, Desired>,
    seen: &Inventory,
) -> TopicPlan {
    let source = topic(seen, &flow.source);
    let was = progress.and_then(|group| former_name(group, flow, source));
    let mut partitions = Vec::new();
    let count = desired.get(&flow.source).map_or(0, |d| d.partitions);
    for number in 0..count {
        let partition = i32::try_from(number).unwrap_or(i32::MAX);
        let there = source.and_then(|t| t.partitions.get(number));
        let there = there.cloned().unwrap_or_default();
        let kept = was.as_ref().unwrap_or(&flow.target.1);
        let position = progress.and_then(|g| g.positions.get(&(kept.clone(), partition)));
        let place = Unplaced {
            edge: flow.edge,
            source_topic: flow.source.1.clone(),
            target_topic: flow.target.1.clone(),
            partition,
        };
        let (start_offset, start) = match (position, seen.tails.get(&place)) {
            (Some(position), _) => from_progress(edge, position, source, &there),
            (None, Some(Tail::Last(offset))) => (*offset + 1, Some(Start::LastCopy)),
            (None, Some(Tail::Unknown)) if progress.is_some() => {
                (there.end, Some(Start::ProgressLost))
            }
            // What appears after the first run is taken from its beginning.
            _ if progress.is_some() || source.is_none() => (there.start, None),
            _ => (first_start(edge.start, &there), None),
        };
        partitions.push(PartitionPlan {
            partition,
            start_offset,
            end_offset: there.end,
            records: (there.end - start_offset).max(0),
            start,
        });
    }
    let records: i64 = partitions.iter().map(|p| p.records).sum();
    let sample = source.map(|t| &t.sample);
    let of = |p: &PartitionPlan| match u64::try_from(p.records) {
        Ok(1..) => sample?.bytes_of(p.partition, p.records.unsigned_abs()),
        _ => Some(0),
    };
    let bytes = partitions
        .iter()
        .map(of)
        .try_fold(0_u64, |sum, bytes| Some(sum.saturating_add(bytes?)));
    TopicPlan {
        topic: flow.source.1.clone(),
        target_topic: flow.target.1.clone(),
        target_exists: topic(seen, &flow.target).is_some(),
        is_held: is_held(seen, flow),
        was,
        partitions,
        sampled: if records > 0 {
            // Of a short log, first and last records are partly the same ones.
            let there = source.map_or(0, Topic::records).unsigned_abs();
            sample.map_or(0, super::Sample::sized).min(there)
        } else {
            0
        },
        bytes,
        records,
    }
}

/// Where a committed position leads, by what the source is now. Where the partition halts, nothing is copied.
fn from_progress(
    edge: &Edge,
    (offset, noted): &(i64, Option<String>),
    source: Option<&Topic>,
    there: &Partition,
) -> (i64, Option<Start>) {
    let id = source.map(|t| t.id.as_str()).filter(|id| !id.is_empty());
    let is_other = matches!((noted, id), (Some(noted), Some(id)) if noted != id);
    // A log that ends before the position was cut, or created again by one whose id is not known.
    let within = (*offset).clamp(there.start, there.end.max(there.start));
    match (is_other, within == *offset) {
        (true, _) if edge.on_recreated == OnRecreated::Halt => (there.end, Some(Start::Recreated)),
        (true, _) => (there.start, Some(Start::Restarted)),
        (false, false) if edge.on_gap == OnGap::Halt => (there.end, Some(Start::Gap)),
        (false, false) => (within, Some(Start::BehindGap)),
        (false, true) => (*offset, None),
    }
}

/// Where the first run begins.
fn first_start(start: edge::Start, there: &Partition) -> i64 {
    match start {
        edge::Start::Earliest => there.start,
        edge::Start::Latest => there.end,
        edge::Start::Timestamp(time) => there.at.get(&time).copied().unwrap_or(there.end),
    }
}

/// The target topic that holds the progress of this source topic, if it is not the one that the edge
/// writes now: `rename` has changed.
fn former_name(group: &Group, flow: &Flow, source: Option<&Topic>) -> Option<String> {
    let id = source.map(|t| t.id.as_str()).filter(|id| !id.is_empty())?;
    let is_current = |(topic, _): &(String, i32)| *topic == flow.target.1;
    if group.positions.keys().any(is_current) {
        return None;
    }
    let noted = |(place, (_, noted)): (&(String, i32), &(i64, Option<String>))| {
        (noted.as_deref() == Some(id)).then(|| place.0.clone())
    };
    group.positions.iter().find_map(noted)
}
