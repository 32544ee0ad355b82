//! Where a consumer group goes on at the target: its own place, and what of the target topic's other
//! records it has not read yet (`model::offsets::group`).

mod arrivals;

use std::collections::BTreeMap;
use std::sync::Arc;

use crossdock_model::edge::Edge;
use crossdock_model::graph::{Names, arrivals};
use crossdock_model::name::{Alias, EdgeName};
use crossdock_model::offsets::group::{WayBack, position};
use crossdock_model::topology::{Draft, Topology};

use super::{Seen, Translated, Translator};
use crate::kafka::{Cluster, Error};
use crate::stream::Twin;
use arrivals::{Arrivals, Origin};

/// Translates the positions of groups over one edge.
pub struct GroupTranslator {
    topology: Topology,
    names: Arc<Names>,
    edge: Edge,
    own: Translator,
    target: Arc<Cluster>,
    target_id: String,
    /// What comes into the source topics.
    arrivals: Arrivals,
    /// Translators of edges that write the same target topics from elsewhere, once they are needed.
    others: BTreeMap<EdgeName, Translator>,
    /// What else there is in a target topic, by source and target topic.
    company: BTreeMap<(Arc<str>, Arc<str>), Company>,
}

/// What else there is in a target topic, beside what the edge copies.
#[derive(Clone, Default)]
struct Company {
    /// Records born there come into the source topic.
    comes_back: bool,
    /// Other edges that write it, with what they read; the error says that no place is safe.
    writers: Vec<(Edge, Arc<str>)>,
    unsafe_because: Option<String>,
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
            own: Translator::new(topology.name(), edge, Some(source_id), target)?
                .with_source(source),
            target: target.clone(),
            target_id: target.id()?.to_string(),
            arrivals: Arrivals::new(topology, names, source)?,
            others: BTreeMap::new(),
            company: BTreeMap::new(),
        })
    }

    /// Small reads so far, at either end.
    pub fn looks(&self) -> usize {
        let others = self.others.values().map(Translator::looks);
        self.own.looks() + self.arrivals.looks() + others.sum::<usize>()
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
        let mut answers = self.positions(&[(twin.clone(), wanted)], seen)?;
        Ok(answers
            .pop()
            .unwrap_or_else(|| Err("it was not looked up".to_owned())))
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
        let mut answers = self.own.forward_all(asked, seen)?;
        let mut ways: Vec<Vec<WayBack>> = vec![Vec::new(); asked.len()];
        self.born_there(asked, &mut answers, &mut ways)?;
        self.brought_there(asked, &mut answers, &mut ways)?;
        for (((twin, _), answer), ways) in asked.iter().zip(&mut answers).zip(ways) {
            let log_start = seen.ends(twin).map_or(0, |ends| ends.start);
            if let Ok(own) = answer.clone() {
                *answer = Ok(position(own, &ways, log_start));
            }
        }
        Ok(answers)
    }

    /// Ways back of records that were born in the target topics.
    fn born_there(
        &mut self,
        asked: &[(Twin, i64)],
        answers: &mut [Translated],
        ways: &mut [Vec<WayBack>],
    ) -> Result<(), Error> {
        let mut numbers = Vec::new();
        for (number, (twin, _)) in asked.iter().enumerate() {
            let company = self.company(twin);
            if let Some(why) = company.unsafe_because {
                answers[number] = answers[number].clone().and(Err(why));
            } else if answers[number].is_ok() && company.comes_back {
                numbers.push(number);
            }
        }
        let alias = self.edge.target.clone();
        let origin = |twin: &Twin| Origin {
            alias: alias.clone(),
            id: Some(self.target_id.clone()),
            topic: twin.target_topic.clone(),
        };
        let questions = numbers.iter().map(|n| {
            let (twin, wanted) = &asked[*n];
            (origin(twin), twin.source(), *wanted)
        });
        let unread = self.arrivals.unread(questions.collect())?;
        for (number, unread) in numbers.into_iter().zip(unread) {
            match unread {
                Ok(first) => ways[number].push(WayBack {
                    edge: format!("from {alias}"),
                    first_unread: Some(first),
                    committed: None,
                }),
                Err(why) => answers[number] = Err(why),
            }
        }
        Ok(())
    }

    /// Ways of records that other edges bring into the target topics, and that come to the source too.
    fn brought_there(
        &mut self,
        asked: &[(Twin, i64)],
        answers: &mut [Translated],
        ways: &mut [Vec<WayBack>],
    ) -> Result<(), Error> {
        // By edge and topic read: the positions that they concern.
        let mut concerned: BTreeMap<(EdgeName, Arc<str>), (Edge, Vec<usize>)> = BTreeMap::new();
        for (number, (twin, _)) in asked.iter().enumerate() {
            if answers[number].is_err() {
                continue;
            }
            for (edge, topic) in self.company(twin).writers {
                let of = concerned.entry((edge.name.clone(), topic));
                of.or_insert_with(|| (edge, Vec::new())).1.push(number);
            }
        }
        for ((name, topic), (edge, numbers)) in concerned {
            let origin = Origin {
                alias: edge.source.clone(),
                id: None,
                topic: topic.clone(),
            };
            let questions = numbers.iter().map(|n| {
                let (twin, wanted) = &asked[*n];
                (origin.clone(), twin.source(), *wanted)
            });
            let unread = self.arrivals.unread(questions.collect())?;
            let mut theirs = Vec::new();
            for (number, unread) in numbers.into_iter().zip(unread) {
                match unread {
                    Ok(first) => {
                        let twin = Twin {
                            source_topic: topic.clone(),
                            ..asked[number].0.clone()
                        };
                        theirs.push((number, (twin, first)));
                    }
                    Err(why) => answers[number] = Err(why),
                }
            }
            let (numbers, questions): (Vec<_>, Vec<_>) = theirs.into_iter().unzip();
            let places = self.translate_other(&edge, &questions)?;
            for (number, place) in numbers.into_iter().zip(places) {
                ways[number].push(WayBack {
                    edge: name.to_string(),
                    first_unread: place.ok().map(|answer| answer.offset),
                    committed: Some(0),
                });
            }
        }
        Ok(())
    }

    fn translate_other(
        &mut self,
        other: &Edge,
        questions: &[(Twin, i64)],
    ) -> Result<Vec<Translated>, Error> {
        if !self.others.contains_key(&other.name) {
            let made = Translator::new(self.topology.name(), other, None, &self.target)?;
            self.others.insert(other.name.clone(), made);
        }
        let Some(translator) = self.others.get_mut(&other.name) else {
            return Ok(Vec::new());
        };
        let mut twins: Vec<Twin> = questions.iter().map(|(twin, _)| twin.clone()).collect();
        twins.sort();
        twins.dedup();
        let seen = translator.see(&twins)?;
        translator.forward_all(questions, &seen)
    }

    /// What else there is in a twin's target topic: asked of the name rules once.
    fn company(&mut self, twin: &Twin) -> Company {
        let key = (twin.source_topic.clone(), twin.target_topic.clone());
        if let Some(known) = self.company.get(&key) {
            return known.clone();
        }
        let here = (&self.edge.source, &*twin.source_topic);
        let arrives = |from: &Alias, born: &str| {
            let draft: &Draft = self.topology.draft();
            let there = arrivals(draft, &self.names, from, born);
            there.iter().any(|a| (&a.cluster, a.topic.as_str()) == here)
        };
        let mut company = Company {
            comes_back: arrives(&self.edge.target, &twin.target_topic),
            ..Company::default()
        };
        let others = self.topology.edges().iter();
        let others = others
            .filter(|e| e.enabled && e.target == self.edge.target && e.name != self.edge.name);
        for other in others {
            for topic in self.names.sources(other, &twin.target_topic) {
                if !arrives(&other.source, &topic) {
                    company.unsafe_because = Some(format!(
                        "no place is safe: edge {} also writes {}, and its records never come to `{}`",
                        other.name, twin.target_topic, self.edge.source
                    ));
                }
                company.writers.push((other.clone(), topic.into()));
            }
        }
        self.company.insert(key, company.clone());
        company
    }
}
