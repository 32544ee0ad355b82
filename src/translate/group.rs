//! Where a consumer group goes on at the target: its own place, and what of the target topic's other
//! records it has not read yet (`model::offsets::group`).

use std::sync::Arc;

use crossdock_model::edge::Edge;
use crossdock_model::graph::{Names, Take, arrivals};
use crossdock_model::name::Alias;
use crossdock_model::offsets::group::{WayBack, position};
use crossdock_model::provenance::Hop;
use crossdock_model::topology::{Draft, Topology};

use super::{Seen, Translated, Translator};
use crate::kafka::{Cluster, Error, Glance, Group, VIA};
use crate::stream::Twin;

/// First stretch that is looked at backwards, in offsets; each further one is four times as long.
const FIRST_STRETCH: i64 = 500;

/// Translates the positions of groups over one edge.
pub struct GroupTranslator {
    topology: Topology,
    names: Arc<Names>,
    edge: Edge,
    own: Translator,
    source: Arc<Cluster>,
    glance: Glance,
    target: Arc<Cluster>,
    target_id: String,
    /// Translators of edges that write the same target topics from elsewhere, once they are needed.
    others: Vec<(Edge, Translator)>,
}

/// Records that come into the source topic, and by which the group's position among them is told.
struct Arriving<'a> {
    alias: &'a Alias,
    id: Option<&'a str>,
    topic: &'a str,
}

impl GroupTranslator {
    /// A translator for groups of an edge's source.
    ///
    /// # Errors
    /// A cluster does not answer, or a client property that librdkafka refuses.
    pub fn new(
        topology: &Topology,
        names: &Arc<Names>,
        edge: &Edge,
        (source, target): (&Arc<Cluster>, &Arc<Cluster>),
    ) -> Result<Self, Error> {
        let source_id = source.id()?.to_string();
        Ok(Self {
            topology: topology.clone(),
            names: names.clone(),
            edge: edge.clone(),
            own: Translator::new(topology.name(), edge, Some(source_id), target)?,
            source: source.clone(),
            glance: Glance::new(source)?,
            target: target.clone(),
            target_id: target.id()?.to_string(),
            others: Vec::new(),
        })
    }

    /// What the target says of these partitions.
    ///
    /// # Errors
    /// It does not answer.
    pub fn see(&self, twins: &[Twin]) -> Result<Seen, Error> {
        self.own.see(twins)
    }

    /// Where a group that stands at `wanted` goes on at the target, so that no record is skipped that
    /// it has not read.
    ///
    /// # Errors
    /// A cluster does not answer.
    pub fn position(&mut self, twin: &Twin, wanted: i64, seen: &Seen) -> Result<Translated, Error> {
        let own = match self.own.forward(twin, wanted, seen)? {
            Ok(own) => own,
            Err(reason) => return Ok(Err(reason)),
        };
        let mut ways = Vec::new();
        if self.comes_back(twin) {
            let (alias, id) = (self.edge.target.clone(), self.target_id.clone());
            let topic = twin.target_topic.clone();
            let arriving = Arriving {
                alias: &alias,
                id: Some(&id),
                topic: &topic,
            };
            let first_unread = Some(self.unread(twin, wanted, &arriving)?);
            let edge = format!("from {alias}");
            ways.push(WayBack {
                edge,
                first_unread,
                committed: None,
            });
        }
        for (other, topic) in self.other_writers(twin) {
            if !arrives(
                &self.topology,
                &self.names,
                (&other.source, &topic),
                (&self.edge.source, &twin.source_topic),
            ) {
                return Ok(Err(format!(
                    "no place is safe: edge {} also writes {}, and its records never come to `{}`",
                    other.name, twin.target_topic, self.edge.source
                )));
            }
            let arriving = Arriving {
                alias: &other.source,
                id: None,
                topic: &topic,
            };
            let unread = self.unread(twin, wanted, &arriving)?;
            let theirs = Twin {
                source_topic: topic.as_str().into(),
                ..twin.clone()
            };
            let place = self.translate_other(&other, &theirs, unread)?;
            let first_unread = place.ok().map(|answer| answer.offset);
            ways.push(WayBack {
                edge: other.name.to_string(),
                first_unread,
                committed: Some(0),
            });
        }
        let log_start = seen.ends(twin).map_or(0, |ends| ends.start);
        Ok(Ok(position(own, &ways, log_start)))
    }

    /// The same for many positions, in their order.
    ///
    /// # Errors
    /// A cluster does not answer.
    pub fn positions(
        &mut self,
        asked: &[(Twin, i64)],
        seen: &Seen,
    ) -> Result<Vec<Translated>, Error> {
        asked
            .iter()
            .map(|(twin, wanted)| self.position(twin, *wanted, seen))
            .collect()
    }

    /// Whether records born in the target topic come into the source topic.
    fn comes_back(&self, twin: &Twin) -> bool {
        arrives(
            &self.topology,
            &self.names,
            (&self.edge.target, &twin.target_topic),
            (&self.edge.source, &twin.source_topic),
        )
    }

    /// Other edges that write the target topic, with what they read.
    fn other_writers(&self, twin: &Twin) -> Vec<(Edge, String)> {
        let others = self
            .topology
            .edges()
            .iter()
            .filter(|e| e.enabled && e.target == self.edge.target && e.name != self.edge.name);
        others
            .flat_map(|e| {
                let topics = self.names.sources(e, &twin.target_topic).into_iter();
                topics.map(|topic| (e.clone(), topic))
            })
            .collect()
    }

    fn translate_other(
        &mut self,
        other: &Edge,
        twin: &Twin,
        wanted: i64,
    ) -> Result<Translated, Error> {
        if !self.others.iter().any(|(edge, _)| edge.name == other.name) {
            let made = Translator::new(self.topology.name(), other, None, &self.target)?;
            self.others.push((other.clone(), made));
        }
        let found = self
            .others
            .iter_mut()
            .find(|(edge, _)| edge.name == other.name);
        let Some((_, translator)) = found else {
            return Ok(Err("no translator".to_owned()));
        };
        let seen = translator.see(std::slice::from_ref(twin))?;
        translator.forward(twin, wanted, &seen)
    }

    /// The first upstream offset that a group at `wanted` may not have read of what arrives.
    fn unread(&mut self, twin: &Twin, wanted: i64, arriving: &Arriving<'_>) -> Result<i64, Error> {
        let place = twin.source();
        let places = std::slice::from_ref(&place);
        let of =
            |found: std::collections::BTreeMap<_, i64>| found.get(&place).copied().unwrap_or(0);
        let committed = self.committed_back(twin, arriving)?;
        let (start, end) = (
            of(self.source.start_offsets(places)?),
            of(self.source.end_offsets(places)?),
        );
        let (mut from, mut first) = (wanted.clamp(start, end), None);
        while from < end && first.is_none() {
            from = self.glance.look(&place.0, place.1, (from, end), |record| {
                record.each_header(VIA, |value| {
                    first = first.or_else(|| arriving.offset_in(value, twin.partition));
                });
            })?;
        }
        if let Some(known) = first.or(committed) {
            return Ok(known);
        }
        let (mut upper, mut stretch, mut last) = (wanted.clamp(start, end), FIRST_STRETCH, None);
        while upper > start && last.is_none() {
            let lower = (upper - stretch).max(start);
            let mut from = lower;
            while from < upper {
                from = self
                    .glance
                    .look(&place.0, place.1, (from, upper), |record| {
                        if record.offset() < upper {
                            record.each_header(VIA, |value| {
                                last = arriving.offset_in(value, twin.partition).or(last);
                            });
                        }
                    })?;
            }
            (upper, stretch) = (lower, stretch.saturating_mul(4));
        }
        Ok(last.map_or(0, |offset| offset + 1))
    }

    /// How far the edge that brings the arriving records straight into the source topic has come.
    fn committed_back(&self, twin: &Twin, arriving: &Arriving<'_>) -> Result<Option<i64>, Error> {
        let is_straight = |e: &&Edge| {
            e.enabled
                && e.source == *arriving.alias
                && e.target == self.edge.source
                && self.names.take(e, arriving.topic) == Take::Into(twin.source_topic.to_string())
        };
        let Some(edge) = self.topology.edges().iter().find(is_straight) else {
            return Ok(None);
        };
        let name = format!("crossdock.{}.{}", self.topology.name(), edge.name);
        let committed = Group::settled(&self.source, &name)?.committed(&[twin.source()])?;
        Ok(committed.into_values().find_map(|f| f.offset))
    }
}

impl Arriving<'_> {
    /// The upstream offset that a header names, if it names what arrives.
    fn offset_in(&self, value: &[u8], partition: i32) -> Option<i64> {
        let hop = Hop::parse(value)?;
        let is_cluster = match self.id {
            Some(id) => hop.cluster_id == id,
            None => hop.alias == self.alias.as_str(),
        };
        (is_cluster && hop.topic == self.topic && hop.partition == partition).then_some(hop.offset)
    }
}

fn arrives(
    topology: &Topology,
    names: &Names,
    (from, born): (&Alias, &str),
    (to, topic): (&Alias, &str),
) -> bool {
    let draft: &Draft = topology.draft();
    let there = arrivals(draft, names, from, born);
    there.iter().any(|a| a.cluster == *to && a.topic == topic)
}
