//! Offset translation on real clusters: what `model::offsets` decides, looked up in the target's
//! records. Nothing is written anywhere.

mod group;

use std::collections::BTreeMap;
use std::sync::Arc;

use crossdock_model::edge::Edge;
use crossdock_model::graph::{Names, Take};
use crossdock_model::offsets::{Answer, Copied, Ends, Place, Search, Stretch, backward, forward};
use crossdock_model::provenance::Hop;

use crate::kafka::{Cluster, Error, Glance, Group, Record, Tail, TopicPartition, VIA, last_copied};
use crate::stream::Twin;

pub use group::GroupTranslator;

/// Translates the offsets of one edge.
pub struct Translator {
    edge: Edge,
    /// Id of the source cluster; where it cannot be asked, its alias must do.
    source_id: Option<String>,
    target: Arc<Cluster>,
    progress: Group,
    glance: Glance,
    looks: usize,
}

/// What the target says of some partitions at one moment.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    ends: BTreeMap<TopicPartition, Ends>,
    committed: BTreeMap<TopicPartition, i64>,
}

/// An answer, or why there is none.
pub type Translated = Result<Answer, String>;

impl Translator {
    /// A translator for an edge of a topology.
    ///
    /// # Errors
    /// A client property that librdkafka refuses.
    pub fn new(
        topology: &str,
        edge: &Edge,
        source_id: Option<String>,
        target: &Arc<Cluster>,
    ) -> Result<Self, Error> {
        let group = format!("crossdock.{topology}.{}", edge.name);
        Ok(Self {
            edge: edge.clone(),
            source_id,
            target: target.clone(),
            progress: Group::settled(target, &group)?,
            glance: Glance::new(target)?,
            looks: 0,
        })
    }

    /// Small reads so far.
    pub fn looks(&self) -> usize {
        self.looks
    }

    /// What the target says of these partitions; those that are not there are left out.
    ///
    /// # Errors
    /// It does not answer.
    pub fn see(&self, twins: &[Twin]) -> Result<Seen, Error> {
        let mut counts = BTreeMap::new();
        for twin in twins {
            if !counts.contains_key(&twin.target_topic) {
                let count = self.target.partitions(&twin.target_topic)?.unwrap_or(0);
                counts.insert(twin.target_topic.clone(), count);
            }
        }
        let mut there: Vec<_> = twins.iter().map(Twin::target).collect();
        there.retain(|(topic, partition)| counts.get(topic).is_some_and(|c| partition < c));
        // First the progress, then the ends: what was final by then lies before them.
        let fetched = self.progress.committed(&there)?;
        let committed = fetched
            .into_iter()
            .filter_map(|(place, f)| Some((place, f.offset?)))
            .collect();
        let ends = self.target.end_offsets(&there)?;
        let starts = self.target.start_offsets(&there)?;
        let of = |place: &TopicPartition| {
            let (start, end) = (*starts.get(place)?, *ends.get(place)?);
            Some((
                place.clone(),
                Ends {
                    start,
                    end: end.max(start),
                },
            ))
        };
        let ends = there.iter().filter_map(of).collect();
        Ok(Seen { ends, committed })
    }

    /// From a source offset to the target.
    ///
    /// # Errors
    /// The target does not answer.
    pub fn forward(&mut self, twin: &Twin, wanted: i64, seen: &Seen) -> Result<Translated, Error> {
        let Some(ends) = seen.ends(twin) else {
            return Ok(Err(self.not_there(twin)));
        };
        let committed = seen.committed(twin);
        let mut search = Search::new(wanted, (ends.start, ends.end));
        if let Some(committed) = committed {
            // Where nothing is left out, both sides grow alike.
            let start = Place {
                target: ends.start,
                source: committed - (ends.end - ends.start),
            };
            let end = Place {
                target: ends.end,
                source: committed,
            };
            search = search.guessing(start, end);
        }
        while let Some(from) = search.next_look() {
            let stretch = self.stretch(twin, (from, ends.end))?;
            search.see(&stretch);
        }
        let (found, before) = (search.found(), search.before());
        Ok(forward(
            wanted,
            ends,
            Copied {
                committed,
                found,
                before,
            },
        ))
    }

    /// From a target offset back to the source.
    ///
    /// # Errors
    /// The target does not answer.
    pub fn backward(&mut self, twin: &Twin, wanted: i64, seen: &Seen) -> Result<Translated, Error> {
        let Some(ends) = seen.ends(twin) else {
            return Ok(Err(self.not_there(twin)));
        };
        let mut copied = Copied {
            committed: seen.committed(twin),
            ..Copied::default()
        };
        let mut from = wanted.max(ends.start);
        while from < ends.end && copied.found.is_none() {
            let stretch = self.stretch(twin, (from, ends.end))?;
            copied.found = stretch
                .places
                .first()
                .filter(|p| p.target < ends.end)
                .copied();
            from = stretch.upto;
        }
        let mut position = None;
        if copied.found.is_none() {
            let is_ours = |hop: &Hop<'_>| self.is_ours(twin, hop);
            let tail = last_copied(&self.target, &twin.target_topic, twin.partition, is_ours)?;
            if let Tail::Last(source) = tail {
                copied.before = Some(Place {
                    target: ends.end,
                    source,
                });
            }
            // The edge's own position counts where nothing of it is still on its way into the log.
            let place = twin.target();
            let high = self.target.high_watermarks(std::slice::from_ref(&place))?;
            if high.get(&place) == Some(&ends.end) {
                position = copied.committed;
            }
        }
        Ok(backward(wanted, copied, position))
    }

    fn stretch(&mut self, twin: &Twin, (from, end): (i64, i64)) -> Result<Stretch, Error> {
        let Self {
            glance,
            edge,
            source_id,
            ..
        } = self;
        let mut places = Vec::new();
        let upto = glance.look(&twin.target_topic, twin.partition, (from, end), |record| {
            let source = upstream(record, |hop| ours(edge, source_id.as_deref(), twin, hop));
            places.extend(source.map(|source| Place {
                target: record.offset(),
                source,
            }));
        })?;
        self.looks += 1;
        Ok(Stretch { from, upto, places })
    }

    fn is_ours(&self, twin: &Twin, hop: &Hop<'_>) -> bool {
        ours(&self.edge, self.source_id.as_deref(), twin, hop)
    }

    fn not_there(&self, twin: &Twin) -> String {
        format!(
            "nothing was replicated yet: cluster `{}` has no {}-{}",
            self.edge.target, twin.target_topic, twin.partition
        )
    }
}

impl Seen {
    /// Log start offset and last stable offset of a twin's target; `None` where it is not there.
    pub fn ends(&self, twin: &Twin) -> Option<Ends> {
        self.ends.get(&twin.target()).copied()
    }

    /// The edge's committed offset.
    pub fn committed(&self, twin: &Twin) -> Option<i64> {
        self.committed.get(&twin.target()).copied()
    }
}

/// Where a record was read, if its last hop is one that `is_ours` takes.
pub(crate) fn upstream(record: &Record<'_>, is_ours: impl Fn(&Hop<'_>) -> bool) -> Option<i64> {
    let mut source = None;
    record.each_header(VIA, |value| {
        if let Some(hop) = Hop::parse(value) {
            source = is_ours(&hop).then_some(hop.offset);
        }
    });
    source
}

fn ours(edge: &Edge, source_id: Option<&str>, twin: &Twin, hop: &Hop<'_>) -> bool {
    let is_source = match source_id {
        Some(id) => hop.cluster_id == id,
        None => hop.alias == edge.source.as_str(),
    };
    is_source && hop.topic == &*twin.source_topic && hop.partition == twin.partition
}

/// The twin of a source partition.
///
/// # Errors
/// Why the edge does not take the topic.
pub fn twin_of_source(
    names: &Names,
    edge: &Edge,
    topic: &str,
    partition: i32,
) -> Result<Twin, String> {
    match names.take(edge, topic) {
        Take::Into(target) => Ok(Twin {
            source_topic: topic.into(),
            target_topic: target.into(),
            partition,
        }),
        Take::Not(why) => Err(format!(
            "edge {} does not take topic {topic}: {}",
            edge.name,
            words(&why)
        )),
    }
}

/// The twin of a target partition.
///
/// # Errors
/// That the edge does not write the topic.
pub fn twin_of_target(
    names: &Names,
    edge: &Edge,
    topic: &str,
    partition: i32,
) -> Result<Twin, String> {
    match names.sources(edge, topic).first() {
        Some(source) => Ok(Twin {
            source_topic: source.as_str().into(),
            target_topic: topic.into(),
            partition,
        }),
        None => Err(format!("edge {} does not write topic {topic}", edge.name)),
    }
}

fn words(why: &crossdock_model::graph::Why) -> String {
    use crossdock_model::graph::Why;
    match why {
        Why::NotSelected => "`topics` does not match it".to_owned(),
        Why::Excluded => "`exclude_topics` matches it".to_owned(),
        Why::Internal => "it is internal".to_owned(),
        Why::Lineage => "by its name it has been on the target".to_owned(),
        Why::Replica => "`forward: local`, and it is a replica".to_owned(),
        Why::TargetName(name) => format!("the target's name would be {name:?}"),
    }
}
