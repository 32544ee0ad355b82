//! Progress that is kept under a former name: of a topic on the target, where `rename` has changed, or
//! of the edge itself.
//!
//! It is taken over when nobody else copies under the former name any more: an instance that has not
//! heard of the change yet would copy on, and what it copies would be copied twice. The former place is
//! marked in the same commit, for such an instance that joins later, or comes back: the progress that it
//! finds there counts no more, and it waits in turn.

use std::collections::{BTreeMap, BTreeSet};

use crossdock_model::note::{Note, kafka_id};

use super::engine::Twin;
use super::positions::Rules;
use crate::kafka::{Error, ErrorKind, Fetched, Group, GroupDescribed, Position, TopicPartition};

/// Where a partition was kept and goes on, or why it must wait.
pub(super) type Former = Result<(TopicPartition, i64), Error>;

impl Rules {
    /// Takes the progress of the edge's former name over, once.
    ///
    /// # Errors
    /// The target does not answer or refuses; or somebody still runs the edge under its former name.
    pub fn carry_over(&self, old: &Group, new: &Group, twins: &[Twin]) -> Result<(), Error> {
        let targets: Vec<_> = twins.iter().map(Twin::target).collect();
        let has_own = |f: &Fetched| standing(f).is_some();
        if new.committed(&targets)?.values().any(has_own) {
            return Ok(());
        }
        let places: Vec<_> = self.target.group_offsets(old.name())?.into_keys().collect();
        if places.is_empty() {
            return Ok(());
        }
        let members = self.target.describe_group(old.name())?;
        if let Some(holder) = self.another(members.as_ref(), None) {
            let reason = format!("group {} still has a member, {holder}", old.name());
            return Err(self.wait_for(&reason));
        }
        let kept = old.committed(&places)?;
        let carried = twins.iter().filter_map(|twin| self.carried(&kept, twin));
        let positions: Vec<Position> = carried.collect();
        if !positions.is_empty() && new.commit_all(&positions)? {
            tracing::info!(
                edge = self.edge,
                "The edge goes on from the progress of its former name, in {} partitions.",
                positions.len()
            );
        }
        Ok(())
    }

    /// The position of a partition in what another group has kept, also under another topic name.
    fn carried(&self, kept: &BTreeMap<TopicPartition, Fetched>, twin: &Twin) -> Option<Position> {
        let id = self.topic_id(twin);
        let same = kept.get(&twin.target());
        let same = same.and_then(|f| Some((standing(f)?, f.metadata.clone())));
        let is_its = |(_, note): &(i64, String)| {
            let noted = noted_id(note).filter(|noted| noted != "-");
            noted.is_none() || noted == id.as_deref().map(kafka_id)
        };
        if let Some((offset, note)) = same.clone().filter(is_its) {
            return Some((twin.target(), offset, note));
        }
        match former_position(kept, twin, id.as_deref()) {
            Some((_, offset)) => Some((twin.target(), offset, self.note(twin).to_string())),
            // Of another topic of that name: going on is for a person to decide.
            None => same.map(|(offset, note)| (twin.target(), offset, note)),
        }
    }

    /// The positions of partitions whose progress is kept under a former name of their topic, each with
    /// that name; an error where somebody else still holds it.
    pub(super) fn former(&self, twins: &[&Twin]) -> Result<BTreeMap<Twin, Former>, Error> {
        if twins.is_empty() {
            return Ok(BTreeMap::new());
        }
        let all = self.target.group_positions(&self.group)?;
        let found = twins.iter().filter_map(|twin| {
            let id = self.topic_id(twin);
            let (place, _) = former_position(&all, twin, id.as_deref())?;
            Some(((*twin).clone(), place))
        });
        let found: BTreeMap<Twin, TopicPartition> = found.collect();
        if found.is_empty() {
            return Ok(BTreeMap::new());
        }
        // First that nobody holds them, then what was committed last: in this order.
        let members = self.target.describe_group(&self.group)?;
        let places: Vec<_> = found.values().cloned().collect();
        let settled = Group::settled(&self.target, &self.group)?.committed(&places)?;
        let of = |(twin, place): (Twin, TopicPartition)| {
            let offset = settled.get(&place).and_then(standing);
            let former = match self.another(members.as_ref(), Some(&place)) {
                Some(holder) => {
                    let (topic, partition) = &place;
                    let what =
                        format!("{topic}-{partition} on the target is still held by {holder}");
                    Err(self.wait_for(&what))
                }
                None => Ok((place, offset?)),
            };
            Some((twin, former))
        };
        Ok(found.into_iter().filter_map(of).collect())
    }

    /// Who else is a member, and holds a partition if one is given.
    fn another(
        &self,
        group: Option<&GroupDescribed>,
        place: Option<&TopicPartition>,
    ) -> Option<String> {
        let group = group?;
        if !group.is_settled {
            return Some("not known while the group rebalances".to_owned());
        }
        let is_other = |client: &str| !client.ends_with(&format!(".{}", self.process));
        let holds =
            |held: &BTreeSet<TopicPartition>| place.is_none_or(|place| held.contains(place));
        let found = group
            .holders
            .iter()
            .find(|h| is_other(&h.client) && holds(&h.partitions));
        found.map(|h| format!("instance `{}` (client {})", h.instance, h.client))
    }

    /// Why nothing is copied yet.
    fn wait_for(&self, what: &str) -> Error {
        Error {
            cluster: self.target.alias().clone(),
            kind: ErrorKind::Stale,
            reason: format!(
                "{what}; both must follow the same file, or one of them leave, before copying goes on"
            ),
        }
    }
}

/// The committed offset of a source partition under a name that its topic had on the target before,
/// told by the source topic's id in the note. Copying goes on there: nothing is copied again unasked.
pub(super) fn former_position(
    positions: &BTreeMap<TopicPartition, Fetched>,
    twin: &Twin,
    topic_id: Option<&str>,
) -> Option<(TopicPartition, i64)> {
    let topic_id = kafka_id(topic_id?);
    let is_former = |(place, fetched): &(&TopicPartition, &Fetched)| {
        place.1 == twin.partition
            && place.0 != twin.target_topic
            && noted_id(&fetched.metadata).as_ref() == Some(&topic_id)
    };
    // Of several former names, the one that came furthest was the last.
    let found = positions.iter().filter(is_former);
    found
        .filter_map(|(place, fetched)| Some((place.clone(), standing(fetched)?)))
        .max_by_key(|(_, offset)| *offset)
}

/// A committed position, where it still counts.
pub(super) fn standing(fetched: &Fetched) -> Option<i64> {
    fetched
        .offset
        .filter(|_| Note::parse(&fetched.metadata).moved_to.is_none())
}

fn noted_id(note: &str) -> Option<String> {
    Note::parse(note).topic_id.map(|id| kafka_id(&id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_is_found_by_the_id_of_the_source_topic() {
        let fetched = |offset, id: &str| Fetched {
            offset: Some(offset),
            metadata: format!("v1 topic-id={id} target-end=0"),
        };
        let positions = BTreeMap::from([
            (("orders-bj".into(), 0), fetched(7, "a+b")),
            (("orders-bj".into(), 1), fetched(8, "a+b")),
            (("bj_orders".into(), 0), fetched(5, "a+b")),
            (("users-bj".into(), 0), fetched(9, "c")),
        ]);
        let twin = Twin {
            source_topic: "orders".into(),
            target_topic: "bj.orders".into(),
            partition: 0,
        };
        let found = |id| former_position(&positions, &twin, id).map(|((topic, _), o)| (topic, o));
        assert_eq!(found(Some("a-b")), Some(("orders-bj".into(), 7)));
        assert_eq!(found(Some("x")), None);
        assert_eq!(found(None), None);
    }

    #[test]
    fn progress_that_has_moved_on_counts_no_more() {
        let mut positions = BTreeMap::from([(
            ("orders-bj".into(), 0),
            Fetched {
                offset: Some(7),
                metadata: "v1 topic-id=a target-end=0 moved-to=orders".to_owned(),
            },
        )]);
        let twin = Twin {
            source_topic: "orders".into(),
            target_topic: "bj.orders".into(),
            partition: 0,
        };
        assert_eq!(former_position(&positions, &twin, Some("a")), None);
        let now = Fetched {
            offset: Some(7),
            metadata: "v1 topic-id=a target-end=0".to_owned(),
        };
        positions.insert(("orders".into(), 0), now);
        let found = former_position(&positions, &twin, Some("a"));
        assert_eq!(found, Some((("orders".into(), 0), 7)));
    }
}
