//! What the target says of some partitions at one moment.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crossdock_model::note::Note;
use crossdock_model::offsets::{Ends, topic_id};

use super::Translator;
use crate::kafka::{Error, TopicPartition};
use crate::stream::Twin;

/// More topics than this are not asked for one by one.
const TOPICS_ONE_BY_ONE: usize = 8;

/// What the target says of some partitions at one moment, and the source of its topics.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    ends: BTreeMap<TopicPartition, Ends>,
    noted: BTreeMap<TopicPartition, Noted>,
    /// Ids of target topics.
    target_ids: BTreeMap<String, String>,
    /// Why nothing can be said of a partition: it is of another incarnation than the source's topic.
    others: BTreeMap<TopicPartition, String>,
}

/// The edge's progress in a partition, with what is noted of it.
#[derive(Clone, Debug, Default)]
struct Noted {
    committed: i64,
    /// Id of the source topic that is copied.
    topic_id: Option<String>,
    /// Where its first record lies at the target.
    born: i64,
}

impl Noted {
    fn new(committed: i64, metadata: &str) -> Self {
        let note = Note::parse(metadata);
        Self {
            committed,
            topic_id: note.topic_id.map(|id| topic_id(&id).into_owned()),
            born: note.born.unwrap_or(0),
        }
    }
}

impl Translator {
    /// What the target says of these partitions; those that are not there are left out.
    ///
    /// # Errors
    /// It does not answer.
    pub fn see(&self, twins: &[Twin]) -> Result<Seen, Error> {
        let there = self.there(twins)?;
        // First the ends, then the progress: what is read behind the progress is not copied before them.
        let spans = self.target.spans(&there)?.into_iter();
        let ends: BTreeMap<_, _> = spans
            .map(|(place, (start, end))| {
                let end = end.max(start);
                (place, Ends { start, end })
            })
            .collect();
        let fetched = self.progress.committed(&there)?.into_iter();
        let noted: BTreeMap<_, _> = fetched
            .filter_map(|(place, f)| Some((place, Noted::new(f.offset?, &f.metadata))))
            .collect();
        let topics: BTreeSet<&str> = there.iter().map(|(topic, _)| &**topic).collect();
        let topics: Vec<&str> = topics.into_iter().collect();
        let target_ids = self.target.topic_ids(&topics)?;
        let mut seen = Seen {
            ends,
            noted,
            target_ids,
            others: BTreeMap::new(),
        };
        seen.others = self.other_incarnations(twins, &seen)?;
        Ok(seen)
    }

    /// The target partitions of these that are there.
    fn there(&self, twins: &[Twin]) -> Result<Vec<TopicPartition>, Error> {
        let topics: BTreeSet<Arc<str>> = twins.iter().map(|t| t.target_topic.clone()).collect();
        let mut counts: BTreeMap<Arc<str>, i32> = BTreeMap::new();
        if topics.len() > TOPICS_ONE_BY_ONE {
            let all = self.target.topics()?;
            let known = topics.into_iter();
            counts.extend(known.filter_map(|t| all.get(&*t).copied().map(|count| (t, count))));
        } else {
            for topic in topics {
                let count = self.target.partitions(&topic)?.unwrap_or(0);
                counts.insert(topic, count);
            }
        }
        let mut there: Vec<_> = twins.iter().map(Twin::target).collect();
        there.retain(|(topic, partition)| counts.get(topic).is_some_and(|c| partition < c));
        Ok(there)
    }

    /// Partitions whose copies are of a topic that is not the one at the source now.
    fn other_incarnations(
        &self,
        twins: &[Twin],
        seen: &Seen,
    ) -> Result<BTreeMap<TopicPartition, String>, Error> {
        let Some(source) = &self.source else {
            return Ok(BTreeMap::new());
        };
        let topics: BTreeSet<&str> = twins.iter().map(|t| &*t.source_topic).collect();
        let topics: Vec<&str> = topics.into_iter().collect();
        let now = source.topic_ids(&topics)?;
        let other = |twin: &Twin| {
            let id = topic_id(now.get(&*twin.source_topic)?);
            let then = seen.topic_id(twin).filter(|then| *then != id)?;
            let why = format!(
                "nothing was replicated yet of topic {} as it is now: it was made again (id {then}, now {id})",
                twin.source_topic
            );
            Some((twin.target(), why))
        };
        Ok(twins.iter().filter_map(other).collect())
    }
}

impl Seen {
    /// Log start offset and last stable offset of a twin's target; `None` where it is not there.
    pub fn ends(&self, twin: &Twin) -> Option<Ends> {
        self.ends.get(&twin.target()).copied()
    }

    /// The edge's committed offset.
    pub fn committed(&self, twin: &Twin) -> Option<i64> {
        Some(self.noted.get(&twin.target())?.committed)
    }

    /// The part of the target's log that holds the present incarnation of the source topic.
    pub(super) fn present(&self, twin: &Twin) -> Option<Ends> {
        let Ends { start, end } = self.ends(twin)?;
        let born = self.noted.get(&twin.target()).map_or(0, |n| n.born);
        Some(Ends {
            start: start.max(born.min(end)),
            end,
        })
    }

    /// Id of the source topic that is copied, where it is noted.
    pub(super) fn topic_id(&self, twin: &Twin) -> Option<&str> {
        self.noted.get(&twin.target())?.topic_id.as_deref()
    }

    /// Which topics a memory is of: the source's and the target's.
    pub(super) fn incarnations(&self, twin: &Twin) -> (Option<String>, Option<String>) {
        let target = self.target_ids.get(&*twin.target_topic).cloned();
        (self.topic_id(twin).map(ToOwned::to_owned), target)
    }

    /// Why nothing can be said of a twin, where its copies are of a former topic.
    pub(super) fn other_incarnation(&self, twin: &Twin) -> Option<&str> {
        self.others.get(&twin.target()).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::Noted;

    #[test]
    fn what_is_noted_with_progress() {
        let noted = Noted::new(150, "v1 topic-id=a+b/c target-end=900 born=700");
        assert_eq!(noted.topic_id.as_deref(), Some("a-b_c"));
        assert_eq!((noted.committed, noted.born), (150, 700));
        let bare = Noted::new(150, "v1 topic-id=- target-end=900");
        assert_eq!((bare.topic_id, bare.born), (None, 0));
    }
}
