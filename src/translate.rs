//! Offset translation on real clusters: what `model::offsets` decides, looked up in the target's
//! records. Nothing is written anywhere.
//!
//! What was looked at is remembered ([`Runs`]): a question that was answered once costs no read again.

mod group;
mod pursue;
mod seen;
mod twins;

use std::collections::BTreeMap;
use std::sync::Arc;

use crossdock_model::edge::{Delivery, Edge};
use crossdock_model::offsets::{
    Answer, BEFORE_ALL, Copied, Place, Runs, Stretch, backward, counted_offset,
};
use crossdock_model::provenance::Hop;

use crate::kafka::{
    Cluster, Error, Glance, Group, LookAt, Record, Tail, TopicPartition, VIA, last_copied,
};
use crate::stream::Twin;

pub use group::GroupTranslator;
pub use seen::Seen;
pub use twins::{twin_of_source, twin_of_target};

/// Translates the offsets of one edge.
pub struct Translator {
    edge: Edge,
    /// Id of the source cluster; where it cannot be asked, its alias must do.
    source_id: Option<String>,
    /// The source, where it can be asked which incarnation of a topic is the present one.
    source: Option<Arc<Cluster>>,
    target: Arc<Cluster>,
    progress: Group,
    glance: Glance,
    /// Whether progress and records become visible together.
    is_exactly_once: bool,
    memories: BTreeMap<TopicPartition, Memory>,
    looks: usize,
}

/// What is remembered of a target partition, and of which incarnations.
#[derive(Default)]
struct Memory {
    of: (Option<String>, Option<String>),
    runs: Runs,
}

/// An answer, or why there is none.
pub type Translated = Result<Answer, String>;

/// How records of one partition are read: which are the edge's, and what they count as.
struct Reading<'a> {
    edge: &'a Edge,
    source_id: Option<&'a str>,
    twin: &'a Twin,
    /// Id of the source topic that is copied now.
    topic_id: Option<&'a str>,
}

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
        let is_exactly_once =
            edge.delivery == Delivery::ExactlyOnce && target.capabilities().transactions;
        Ok(Self {
            edge: edge.clone(),
            source_id,
            source: None,
            target: target.clone(),
            progress: Group::settled(target, &group)?,
            glance: Glance::new(target)?,
            is_exactly_once,
            memories: BTreeMap::new(),
            looks: 0,
        })
    }

    /// The same, with the source at hand: a topic that was made again there is known by its id.
    #[must_use]
    pub fn with_source(mut self, source: &Arc<Cluster>) -> Self {
        self.source = Some(source.clone());
        self
    }

    /// Small reads so far.
    pub fn looks(&self) -> usize {
        self.looks
    }

    /// From a source offset to the target.
    ///
    /// # Errors
    /// The target does not answer.
    pub fn forward(&mut self, twin: &Twin, wanted: i64, seen: &Seen) -> Result<Translated, Error> {
        let mut answers = self.forward_all(&[(twin.clone(), wanted)], seen)?;
        Ok(answers.pop().unwrap_or_else(|| Err(self.not_there(twin))))
    }

    /// From a target offset back to the source.
    ///
    /// # Errors
    /// The target does not answer.
    pub fn backward(&mut self, twin: &Twin, wanted: i64, seen: &Seen) -> Result<Translated, Error> {
        let (Some(ends), Some(present)) = (seen.ends(twin), seen.present(twin)) else {
            return Ok(Err(self.not_there(twin)));
        };
        if let Some(why) = seen.other_incarnation(twin) {
            return Ok(Err(why.to_owned()));
        }
        let mut copied = Copied {
            committed: seen.committed(twin),
            ..Copied::default()
        };
        let mut from = wanted.max(present.start);
        while from < ends.end && copied.found.is_none() {
            let stretch = self.stretch(twin, (from, ends.end), seen)?;
            copied.found = stretch
                .places
                .first()
                .filter(|p| p.target < ends.end)
                .copied();
            from = stretch.upto;
        }
        let mut position = None;
        if copied.found.is_none() {
            let is_ours = |hop: &Hop<'_>| self.reading(twin, seen).takes(hop);
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

    fn stretch(
        &mut self,
        twin: &Twin,
        (from, end): (i64, i64),
        seen: &Seen,
    ) -> Result<Stretch, Error> {
        let look = LookAt {
            topic: twin.target_topic.clone(),
            partition: twin.partition,
            from,
            end,
        };
        let mut places = Vec::new();
        let reading = Reading {
            edge: &self.edge,
            source_id: self.source_id.as_deref(),
            twin,
            topic_id: seen.topic_id(twin),
        };
        let upto = self.glance.look(&look, |record| {
            let source = reading.source_of(record).filter(|at| *at != BEFORE_ALL);
            places.extend(source.map(|source| Place {
                target: record.offset(),
                source,
            }));
        })?;
        self.looks += 1;
        Ok(Stretch { from, upto, places })
    }

    fn reading<'a>(&'a self, twin: &'a Twin, seen: &'a Seen) -> Reading<'a> {
        Reading {
            edge: &self.edge,
            source_id: self.source_id.as_deref(),
            twin,
            topic_id: seen.topic_id(twin),
        }
    }

    /// What is remembered of a partition as it is now.
    fn memory(&mut self, twin: &Twin, seen: &Seen) -> &mut Runs {
        let memory = self.memories.entry(twin.target()).or_default();
        let of = seen.incarnations(twin);
        if memory.of != of {
            (memory.of, memory.runs) = (of, Runs::default());
        }
        if let Some(present) = seen.present(twin) {
            memory.runs.clip(present);
        }
        &mut memory.runs
    }

    fn not_there(&self, twin: &Twin) -> String {
        format!(
            "nothing was replicated yet: cluster `{}` has no {}-{}",
            self.edge.target, twin.target_topic, twin.partition
        )
    }
}

impl Reading<'_> {
    /// Where the record was read, if the edge wrote it: before every offset, where that was a former
    /// incarnation of the topic.
    fn source_of(&self, record: &Record<'_>) -> Option<i64> {
        let mut source = None;
        record.each_header(VIA, |value| {
            if let Some(hop) = Hop::parse(value) {
                let is_ours = self.is_edges(&hop);
                source = is_ours.then(|| counted_offset(&hop, self.topic_id));
            }
        });
        source
    }

    /// Whether a hop is one that the edge made from the present incarnation.
    fn takes(&self, hop: &Hop<'_>) -> bool {
        self.is_edges(hop) && counted_offset(hop, self.topic_id) != BEFORE_ALL
    }

    fn is_edges(&self, hop: &Hop<'_>) -> bool {
        let is_source = match self.source_id {
            Some(id) => hop.cluster_id == id,
            None => hop.alias == self.edge.source.as_str(),
        };
        // A record that was sent again later says nothing about where its neighbours lie.
        is_source
            && !hop.is_repair()
            && hop.topic == &*self.twin.source_topic
            && hop.partition == self.twin.partition
    }
}
