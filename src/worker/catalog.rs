//! Which topics an edge copies, and what there is of them on both sides.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossdock_model::edge::Edge;
use crossdock_model::graph::Take;

use super::NamesNow;
use super::held::held;
use crate::kafka::{Cluster, Error, ErrorKind, TopicSettings};
use crate::stream::Twin;

/// How long a topic that was just created has to show up in the target's metadata.
const VISIBLE_WITHIN: Duration = Duration::from_secs(10);

/// A topic on both sides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair {
    /// Its name on the source.
    pub source_topic: Arc<str>,
    /// Partitions there.
    pub source_partitions: i32,
    /// Partitions on the target.
    pub target_partitions: i32,
}

/// The topics of an edge, by their names on the target.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Catalog {
    /// Those that are on both sides.
    pub pairs: BTreeMap<Arc<str>, Pair>,
    /// Source topics that cannot be copied now, and why.
    pub trouble: BTreeMap<String, String>,
    /// Source topics that were copied and are there no more: deleted.
    pub gone: BTreeSet<String>,
}

impl Catalog {
    /// The twin of a target partition; `None` where the source has no such partition.
    pub fn twin(&self, target_topic: &str, partition: i32) -> Option<Twin> {
        let (target_topic, pair) = self.pairs.get_key_value(target_topic)?;
        (partition < pair.source_partitions).then(|| Twin {
            source_topic: pair.source_topic.clone(),
            target_topic: target_topic.clone(),
            partition,
        })
    }

    /// Every source partition that has a target partition.
    pub fn twins(&self) -> Vec<Twin> {
        let of = |(topic, pair): (&Arc<str>, &Pair)| {
            let count = pair.source_partitions.min(pair.target_partitions);
            (0..count)
                .filter_map(|partition| self.twin(topic, partition))
                .collect::<Vec<_>>()
        };
        self.pairs.iter().flat_map(of).collect()
    }

    /// Source partitions that have none.
    pub fn without_twin(&self) -> Vec<Twin> {
        let of = |(topic, pair): (&Arc<str>, &Pair)| {
            (pair.target_partitions..pair.source_partitions)
                .filter_map(|partition| self.twin(topic, partition))
                .collect::<Vec<_>>()
        };
        self.pairs.iter().flat_map(of).collect()
    }
}

/// Looks at both clusters, and creates and grows what `sync` says. `before` is what was there last time:
/// what cannot be seen any more is asked for by name.
///
/// # Errors
/// A cluster does not answer. That one topic cannot be created is told in the catalog.
pub fn survey(
    edge: &Edge,
    names: &NamesNow,
    (source, target): (&Cluster, &Cluster),
    before: &Catalog,
) -> Result<Catalog, Error> {
    let (theirs, mut ours) = (source.topics()?, target.topics()?);
    let mut catalog = Catalog::default();
    unseen(source, &theirs, before, &mut catalog)?;
    let taken: Vec<(String, i32, String)> = theirs
        .into_iter()
        .filter_map(|(topic, count)| match names.take(edge, &topic) {
            Take::Into(target_topic) => Some((topic, count, target_topic)),
            Take::Not(_) => None,
        })
        .collect();
    let missing = taken
        .iter()
        .filter(|(_, _, target)| !ours.contains_key(target));
    let missing =
        missing.map(|(topic, count, _)| (topic.as_str(), usize::try_from(*count).unwrap_or(0)));
    let missing = if edge.sync.topics {
        missing.collect()
    } else {
        BTreeMap::new()
    };
    let held = held(edge, source, target, &missing)?;
    for (source_topic, source_partitions, target_topic) in taken {
        if held.contains(&source_topic) {
            tracing::debug!(
                edge = edge.name.as_str(),
                "Topic {source_topic} holds only records that have been on cluster {} already.",
                target.alias()
            );
            continue;
        }
        let there = ours.get(&target_topic).copied();
        match provide(
            edge,
            (&source_topic, source_partitions),
            (&target_topic, there),
            source,
            target,
        ) {
            Ok((target_partitions, trouble)) => {
                catalog
                    .trouble
                    .extend(trouble.map(|why| (source_topic.clone(), why)));
                ours.insert(target_topic.clone(), target_partitions);
                let pair = Pair {
                    source_topic: source_topic.into(),
                    source_partitions,
                    target_partitions,
                };
                catalog.pairs.insert(target_topic.into(), pair);
            }
            Err(reason) => {
                catalog.trouble.insert(source_topic, reason);
            }
        }
    }
    Ok(catalog)
}

/// Topics that were there and are not listed any more: deleted, or not to be described. They are not the
/// same: what may come back keeps its partitions.
fn unseen(
    source: &Cluster,
    theirs: &BTreeMap<String, i32>,
    before: &Catalog,
    now: &mut Catalog,
) -> Result<(), Error> {
    let is_unseen = |topic: &str| !theirs.contains_key(topic);
    now.gone = before
        .gone
        .iter()
        .filter(|t| is_unseen(t))
        .cloned()
        .collect();
    for (target_topic, pair) in &before.pairs {
        let topic = &*pair.source_topic;
        if !is_unseen(topic) {
            continue;
        }
        match source.partitions(topic) {
            Ok(None) => {
                now.gone.insert(topic.to_owned());
            }
            Ok(Some(_)) => {
                now.pairs.insert(target_topic.clone(), pair.clone());
            }
            Err(error) if error.kind == ErrorKind::Refused => {
                let principal = source.principal();
                let why = format!("{principal} may not DESCRIBE or READ it: {error}");
                now.trouble.insert(topic.to_owned(), why);
                now.pairs.insert(target_topic.clone(), pair.clone());
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Sees to it that the target topic is there with enough partitions, and tells how many it has.
fn provide(
    edge: &Edge,
    (source_topic, wanted): (&str, i32),
    (target_topic, there): (&str, Option<i32>),
    source: &Cluster,
    target: &Cluster,
) -> Result<(i32, Option<String>), String> {
    match there {
        None if !edge.sync.topics => Err(format!(
            "topic {target_topic} is not on cluster `{}`, and `sync.topics` is false",
            target.alias()
        )),
        None => {
            let settings = if edge.sync.configs {
                source
                    .topic_settings(source_topic)
                    .map_err(|e| e.to_string())?
            } else {
                TopicSettings::default()
            };
            target
                .create_topic(target_topic, wanted, &settings)
                .map_err(|e| e.to_string())?;
            tracing::info!(
                edge = edge.name.as_str(),
                topic = source_topic,
                "Created topic {target_topic} with {wanted} partitions on cluster {}.",
                target.alias()
            );
            Ok((visible(target, target_topic, 1)?, None))
        }
        // What cannot grow goes on with what it has.
        Some(count) if count < wanted && edge.sync.partitions => {
            match grow(edge, target, target_topic, (count, wanted)) {
                Ok(count) => Ok((count, None)),
                Err(why) => Ok((count, Some(why))),
            }
        }
        Some(count) => Ok((count, None)),
    }
}

fn grow(
    edge: &Edge,
    target: &Cluster,
    topic: &str,
    (count, wanted): (i32, i32),
) -> Result<i32, String> {
    target
        .grow_topic(topic, wanted)
        .map_err(|e| e.to_string())?;
    let cluster = target.alias();
    tracing::info!(
        edge = edge.name.as_str(),
        "Gave topic {topic} {wanted} partitions on cluster {cluster}; it had {count}."
    );
    visible(target, topic, wanted)
}

/// Waits until a topic shows at least so many partitions, and tells how many.
fn visible(target: &Cluster, topic: &str, least: i32) -> Result<i32, String> {
    let deadline = Instant::now() + VISIBLE_WITHIN;
    loop {
        match target.partitions(topic).map_err(|e| e.to_string())? {
            Some(count) if count >= least => return Ok(count),
            _ if Instant::now() > deadline => {
                return Err(format!(
                    "topic {topic} was created on cluster `{}` but does not show up",
                    target.alias()
                ));
            }
            _ => std::thread::sleep(Duration::from_millis(50)),
        }
    }
}
