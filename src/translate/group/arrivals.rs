//! What comes into source topics from elsewhere: which of it a group has not read yet.

use std::collections::BTreeMap;
use std::sync::Arc;

use crossdock_model::edge::Edge;
use crossdock_model::graph::{Names, Take};
use crossdock_model::name::{Alias, EdgeName};
use crossdock_model::offsets::{Ends, First, Place, Runs, Stretch};
use crossdock_model::provenance::Hop;
use crossdock_model::topology::Topology;

use crate::kafka::{Cluster, Error, Glance, Group, LookAt, Record, TopicPartition, VIA};

/// First stretch that is looked at backwards, in offsets; each further one is four times as long.
const FIRST_STRETCH: i64 = 500;

/// Looks at one partition before its answer waits for the next time: what was seen is remembered.
const LOOKS_MAX: usize = 400;

/// Where records were born that come into a source topic.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Origin {
    pub(super) alias: Alias,
    /// Id of the cluster; where it is not known, its alias must do.
    pub(super) id: Option<String>,
    pub(super) topic: Arc<str>,
}

/// Records of an origin in a source partition, and the offset from which on they are asked for.
pub(super) type Question = (Origin, TopicPartition, i64);

/// What comes into the topics of one cluster.
pub(super) struct Arrivals {
    topology: Topology,
    names: Arc<Names>,
    cluster: Arc<Cluster>,
    glance: Glance,
    /// Progress of the edges that bring it.
    progress: BTreeMap<EdgeName, Group>,
    /// What was seen, for each origin.
    memories: BTreeMap<(Origin, TopicPartition), Runs>,
    looks: usize,
}

impl Origin {
    /// The upstream offset of a record, if it was born there.
    fn offset_of(&self, record: &Record<'_>, partition: i32) -> Option<i64> {
        let mut found = None;
        record.each_header(VIA, |value| {
            found = found.or_else(|| self.offset_in(value, partition));
        });
        found
    }

    fn offset_in(&self, value: &[u8], partition: i32) -> Option<i64> {
        let hop = Hop::parse(value)?;
        let is_cluster = match &self.id {
            Some(id) => hop.cluster_id == id,
            None => hop.alias == self.alias.as_str(),
        };
        (is_cluster && hop.topic == &*self.topic && hop.partition == partition)
            .then_some(hop.offset)
    }
}

impl Arrivals {
    pub(super) fn new(
        topology: &Topology,
        names: &Arc<Names>,
        cluster: &Arc<Cluster>,
    ) -> Result<Self, Error> {
        Ok(Self {
            topology: topology.clone(),
            names: names.clone(),
            cluster: cluster.clone(),
            glance: Glance::new(cluster)?,
            progress: BTreeMap::new(),
            memories: BTreeMap::new(),
            looks: 0,
        })
    }

    pub(super) fn looks(&self) -> usize {
        self.looks
    }

    /// The first upstream offset that a group may not have read of what arrives, for each question.
    pub(super) fn unread(
        &mut self,
        asked: Vec<Question>,
    ) -> Result<Vec<Result<i64, String>>, Error> {
        if asked.is_empty() {
            return Ok(Vec::new());
        }
        // First the progress, then the ends: what it stands for lies before them.
        let committed = self.committed(&asked)?;
        let mut places: Vec<_> = asked.iter().map(|(_, place, _)| place.clone()).collect();
        places.sort();
        places.dedup();
        let spans = self.cluster.spans(&places)?;
        let ends = |place: &TopicPartition| {
            let (start, end) = *spans.get(place)?;
            Some(Ends {
                start,
                end: end.max(start),
            })
        };
        let firsts = self.firsts(&asked, &ends)?;
        let mut answers = Vec::with_capacity(asked.len());
        for ((number, question), first) in asked.iter().enumerate().zip(firsts) {
            let Some(ends) = ends(&question.1) else {
                answers.push(Err("the source partition does not answer".to_owned()));
                continue;
            };
            answers.push(match (first, committed.get(&number)) {
                (Err(why), _) => Err(why),
                (Ok(Some(place)), _) => Ok(place.source),
                (Ok(None), Some(committed)) => Ok(*committed),
                (Ok(None), None) => Ok(self.before(question, ends)?.map_or(0, |last| last + 1)),
            });
        }
        Ok(answers)
    }

    /// The first arrival at or after each offset that is asked for.
    fn firsts(
        &mut self,
        asked: &[Question],
        ends: &dyn Fn(&TopicPartition) -> Option<Ends>,
    ) -> Result<Vec<Result<Option<Place>, String>>, Error> {
        let mut firsts: Vec<Result<Option<Place>, String>> = vec![Ok(None); asked.len()];
        let mut open: Vec<usize> = (0..asked.len()).collect();
        for round in 0.. {
            let (mut looks, mut lookers) = (BTreeMap::new(), Vec::new());
            for number in std::mem::take(&mut open) {
                let (origin, place, wanted) = &asked[number];
                let Some(ends) = ends(place) else { continue };
                let runs = self
                    .memories
                    .entry((origin.clone(), place.clone()))
                    .or_default();
                runs.clip(ends);
                let wanted = (*wanted).clamp(ends.start, ends.end);
                match runs.first_at(wanted, ends.end) {
                    First::Is(found) => firsts[number] = Ok(Some(found)),
                    First::None => {}
                    First::Unknown(_) if round >= LOOKS_MAX => {
                        let why =
                            "its place is still being looked for among what came back".to_owned();
                        firsts[number] = Err(why);
                    }
                    // Of several questions about one partition, one is looked after at a time.
                    First::Unknown(from) => {
                        looks
                            .entry(place.clone())
                            .or_insert((from, ends.end, origin));
                        lookers.push(number);
                    }
                }
            }
            if looks.is_empty() {
                break;
            }
            open = lookers;
            self.look(&looks)?.into_iter().for_each(|(place, why)| {
                let is_there = |number: &usize| asked[*number].1 == place;
                for number in open.iter().filter(|n| is_there(n)) {
                    firsts[*number] = Err(why.clone());
                }
                open.retain(|number| !is_there(number));
            });
        }
        Ok(firsts)
    }

    /// Looks at each of these partitions once, and remembers; those that cannot be read, and why.
    fn look(
        &mut self,
        looks: &BTreeMap<TopicPartition, (i64, i64, &Origin)>,
    ) -> Result<Vec<(TopicPartition, String)>, Error> {
        let asks: Vec<LookAt> = looks
            .iter()
            .map(|((topic, partition), (from, end, _))| LookAt {
                topic: topic.clone(),
                partition: *partition,
                from: *from,
                end: *end,
            })
            .collect();
        let origins: Vec<&Origin> = looks.values().map(|(_, _, origin)| *origin).collect();
        let mut places: Vec<Vec<Place>> = vec![Vec::new(); asks.len()];
        let uptos = self.glance.look_all(&asks, |slot, record| {
            let source = origins[slot].offset_of(record, asks[slot].partition);
            places[slot].extend(source.map(|source| Place {
                target: record.offset(),
                source,
            }));
        })?;
        self.looks += asks.len();
        let mut failed = Vec::new();
        for (slot, (upto, places)) in uptos.into_iter().zip(places).enumerate() {
            let LookAt {
                topic,
                partition,
                from,
                ..
            } = &asks[slot];
            let place = (topic.clone(), *partition);
            match upto {
                Ok(upto) => {
                    let key = (origins[slot].clone(), place);
                    let stretch = Stretch {
                        from: *from,
                        upto,
                        places,
                    };
                    self.memories.entry(key).or_default().remember(&stretch);
                }
                Err(why) => failed.push((place, why)),
            }
        }
        Ok(failed)
    }

    /// The last arrival before the offset, by its upstream offset.
    fn before(
        &mut self,
        (origin, place, wanted): &Question,
        ends: Ends,
    ) -> Result<Option<i64>, Error> {
        let (mut upper, mut stretch) = ((*wanted).clamp(ends.start, ends.end), FIRST_STRETCH);
        while upper > ends.start {
            let lower = (upper - stretch).max(ends.start);
            let (mut from, mut last) = (lower, None);
            while from < upper {
                let look = LookAt {
                    topic: place.0.clone(),
                    partition: place.1,
                    from,
                    end: upper,
                };
                from = self.glance.look(&look, |record| {
                    if record.offset() < upper {
                        last = origin.offset_of(record, place.1).or(last);
                    }
                })?;
                self.looks += 1;
            }
            if last.is_some() {
                return Ok(last);
            }
            (upper, stretch) = (lower, stretch.saturating_mul(4));
        }
        Ok(None)
    }

    /// How far the edges have come that bring the arriving records straight into the source topics, by
    /// the number of the question.
    fn committed(&mut self, asked: &[Question]) -> Result<BTreeMap<usize, i64>, Error> {
        let mut by_edge: BTreeMap<EdgeName, Vec<usize>> = BTreeMap::new();
        let mut edges: BTreeMap<(&Origin, &Arc<str>), Option<EdgeName>> = BTreeMap::new();
        for (number, (origin, (topic, _), _)) in asked.iter().enumerate() {
            let edge = edges
                .entry((origin, topic))
                .or_insert_with(|| self.straight(origin, topic));
            if let Some(edge) = edge {
                by_edge.entry(edge.clone()).or_default().push(number);
            }
        }
        let mut committed = BTreeMap::new();
        for (edge, numbers) in by_edge {
            if !self.progress.contains_key(&edge) {
                let group = format!("crossdock.{}.{edge}", self.topology.name());
                let group = Group::settled(&self.cluster, &group)?;
                self.progress.insert(edge.clone(), group);
            }
            let Some(group) = self.progress.get(&edge) else {
                continue;
            };
            let mut places: Vec<_> = numbers.iter().map(|n| asked[*n].1.clone()).collect();
            places.sort();
            places.dedup();
            let found = group.committed(&places)?;
            let of = |number: usize| Some((number, found.get(&asked[number].1)?.offset?));
            committed.extend(numbers.into_iter().filter_map(of));
        }
        Ok(committed)
    }

    fn straight(&self, origin: &Origin, topic: &str) -> Option<EdgeName> {
        let is_straight = |e: &&Edge| {
            e.enabled
                && e.source == origin.alias
                && e.target == *self.cluster.alias()
                && self.names.take(e, &origin.topic) == Take::Into(topic.to_owned())
        };
        let edges = self.topology.edges().iter();
        edges.clone().find(is_straight).map(|e| e.name.clone())
    }
}
