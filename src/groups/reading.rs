//! What a round reads: positions at the source, their places, and what the target has.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use crossdock_model::edge::Edge;
use crossdock_model::graph::{Names, Take};
use crossdock_model::groups;

use crate::kafka::{Cluster, Error, Offsets, TopicPartition};
use crate::stream::Twin;
use crate::translate::{GroupTranslator, Seen, Translated};

/// One position of a group at the source.
pub(super) struct Asked {
    pub(super) group: Arc<str>,
    pub(super) twin: Twin,
    pub(super) offset: i64,
    pub(super) metadata: String,
    pub(super) place: Translated,
}

/// The positions of groups in topics that the edge takes; groups without any are left out.
pub(super) fn asked(
    source: &Cluster,
    (names, edge): (&Names, &Edge),
    groups: &[String],
) -> Result<Vec<(String, Vec<Asked>)>, Error> {
    let wanted: Vec<&str> = groups.iter().map(String::as_str).collect();
    let offsets = source.offsets_of_groups(&wanted)?;
    // What an edge does with a topic is asked once for each topic, not for each partition and group.
    let mut takes: BTreeMap<Arc<str>, Option<Arc<str>>> = BTreeMap::new();
    let mut all = Vec::new();
    for (group, offsets) in groups.iter().zip(offsets) {
        let name: Arc<str> = group.as_str().into();
        let mut positions = Vec::new();
        for ((topic, partition), fetched) in offsets? {
            let target =
                takes
                    .entry(topic.clone())
                    .or_insert_with(|| match names.take(edge, &topic) {
                        Take::Into(target) => Some(target.into()),
                        Take::Not(_) => None,
                    });
            let (Some(target_topic), Some(offset)) = (target.clone(), fetched.offset) else {
                continue;
            };
            let twin = Twin {
                source_topic: topic,
                target_topic,
                partition,
            };
            positions.push(Asked {
                group: name.clone(),
                twin,
                offset,
                metadata: fetched.metadata,
                place: Err("it was not looked up".to_owned()),
            });
        }
        if !positions.is_empty() {
            all.push((group.clone(), positions));
        }
    }
    Ok(all)
}

/// Finds the place of each position at the target.
pub(super) fn translate(
    translator: &mut GroupTranslator,
    asked: &mut [(String, Vec<Asked>)],
) -> Result<Seen, Error> {
    let all = || asked.iter().flat_map(|(_, positions)| positions);
    let mut twins: Vec<Twin> = all().map(|position| position.twin.clone()).collect();
    twins.sort();
    twins.dedup();
    let seen = translator.see(&twins)?;
    let wanted: Vec<(Twin, i64)> = all().map(|p| (p.twin.clone(), p.offset)).collect();
    let places = translator.positions(&wanted, &seen)?;
    let positions = asked.iter_mut().flat_map(|(_, positions)| positions);
    for (position, place) in positions.zip(places) {
        position.place = place;
    }
    Ok(seen)
}

/// What groups have at the target.
pub(super) struct Targets {
    pub(super) read_at: Instant,
    members: BTreeMap<String, bool>,
    offsets: BTreeMap<String, Result<Offsets, Error>>,
}

impl Targets {
    pub(super) fn read(target: &Cluster, groups: &[&str]) -> Result<Self, Error> {
        let read_at = Instant::now();
        // First the members: a group that comes to life behind it refuses what is committed for it.
        let members = target.consumer_groups()?;
        let offsets = target.offsets_of_groups(groups)?;
        let named = groups.iter().map(|group| (*group).to_owned());
        Ok(Self {
            read_at,
            members,
            offsets: named.zip(offsets).collect(),
        })
    }

    pub(super) fn has_members(&self, group: &str) -> bool {
        self.members.get(group).copied().unwrap_or(false)
    }

    /// Why nothing is known of a group.
    pub(super) fn refused(&self, group: &str) -> Option<&str> {
        match self.offsets.get(group) {
            Some(Err(error)) => Some(&error.reason),
            _ => None,
        }
    }

    pub(super) fn committed(
        &self,
        group: &str,
        place: &TopicPartition,
    ) -> Option<groups::Committed<'_>> {
        let fetched = self.offsets.get(group)?.as_ref().ok()?.get(place)?;
        Some(groups::Committed {
            offset: fetched.offset?,
            metadata: &fetched.metadata,
        })
    }
}
