//! `offsets --group`: every position of a consumer group.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

use crossdock_model::edge::Edge;
use crossdock_model::graph::{Names, Take};
use crossdock_model::name::EdgeName;
use crossdock_model::topology::Topology;

use super::{Args, Line, find_edge, without_provenance};
use crate::commands::Format;
use crate::connect::Clusters;
use crate::exit::{Failure, Outcome, Verdict};
use crate::kafka::Error;
use crate::stream::Twin;
use crate::translate::{GroupTranslator, Translator, twin_of_source, twin_of_target};
use crate::{load, output};

/// Translates a group over the named edge, or over all whose source knows it.
pub(super) fn main(args: &Args, group: &str) -> Outcome {
    let topology = load::topology(&args.file)?;
    let names = Arc::new(Names::new(topology.draft()));
    let edges: Vec<&Edge> = match &args.edge {
        Some(name) => vec![find_edge(&topology, name, args)?],
        None => topology.edges().iter().filter(|e| e.enabled).collect(),
    };
    let mut clusters = Clusters::new(&topology);
    let mut lines = Vec::new();
    for edge in edges {
        let ask = Ask {
            topology: &topology,
            names: &names,
            edge,
            group,
        };
        let found = match (edge.provenance, args.reverse) {
            (false, is_reverse) => ask.without_map(&mut clusters, is_reverse),
            (true, true) => ask.backward(&mut clusters),
            (true, false) => ask.forward(&mut clusters),
        };
        lines.extend(found.map_err(Failure::cluster)?);
    }
    match args.format {
        Format::Json => output::json(&lines)?,
        Format::Text if lines.is_empty() => {
            output::say(&format!(
                "Group {group} has no committed offsets on a cluster that an edge reads."
            ));
        }
        Format::Text => {
            let texts: Vec<_> = lines.iter().map(|line| line.text(args.reverse)).collect();
            output::data(&texts.concat())?;
        }
    }
    Ok(Verdict::Fine)
}

/// Translators of edges that lead back, by their names.
type Ways = BTreeMap<EdgeName, GroupTranslator>;

struct Ask<'a> {
    topology: &'a Topology,
    names: &'a Arc<Names>,
    edge: &'a Edge,
    group: &'a str,
}

impl Ask<'_> {
    fn forward(&self, clusters: &mut Clusters<'_>) -> Result<Vec<Line>, Error> {
        let (source, target) = (
            clusters.get(&self.edge.source)?,
            clusters.get(&self.edge.target)?,
        );
        let committed = source.group_offsets(self.group)?;
        if committed.is_empty() {
            return Ok(Vec::new());
        }
        let mut groups =
            GroupTranslator::new(self.topology, self.names, self.edge, (&source, &target))?;
        let twin = |(topic, partition): &(Arc<str>, i32)| {
            twin_of_source(self.names, self.edge, topic, *partition)
        };
        let twins: Vec<Twin> = committed
            .keys()
            .filter_map(|place| twin(place).ok())
            .collect();
        let seen = groups.see(&twins)?;
        let mut lines = Vec::new();
        for (place, offset) in &committed {
            lines.push(match twin(place) {
                Err(why) => self.without_twin(place, (*offset, false), why),
                Ok(twin) => {
                    let translated = groups.position(&twin, *offset, &seen)?;
                    let repeats_max = translated.as_ref().ok().map(|a| a.repeats_max);
                    let line = Line::new(self.edge, &twin, (*offset, false), translated);
                    self.line(Line {
                        repeats_max,
                        ..line
                    })
                }
            });
        }
        Ok(lines)
    }

    fn backward(&self, clusters: &mut Clusters<'_>) -> Result<Vec<Line>, Error> {
        let (source, target) = (
            clusters.get(&self.edge.source)?,
            clusters.get(&self.edge.target)?,
        );
        let committed = target.group_offsets(self.group)?;
        if committed.is_empty() {
            return Ok(Vec::new());
        }
        let source_id = source.id().ok().map(|id| id.to_string());
        let is_there = source_id.is_some();
        let mut translator = Translator::new(self.topology.name(), self.edge, source_id, &target)?;
        if is_there {
            translator = translator.with_source(&source);
        }
        let twin = |(topic, partition): &(Arc<str>, i32)| {
            twin_of_target(self.names, self.edge, topic, *partition)
        };
        let twins: Vec<Twin> = committed
            .keys()
            .filter_map(|place| twin(place).ok())
            .collect();
        let seen = translator.see(&twins)?;
        let (mut lines, mut ways) = (Vec::new(), Ways::new());
        for (place, offset) in &committed {
            lines.push(match twin(place) {
                Err(why) => self.without_twin(place, (*offset, true), why),
                Ok(twin) => match self.way_back(&twin).filter(|_| is_there) {
                    Some(back) => self.homeward((clusters, &mut ways), back, &twin, *offset)?,
                    None => {
                        let translated = translator.backward(&twin, *offset, &seen)?;
                        self.line(Line::new(self.edge, &twin, (*offset, true), translated))
                    }
                },
            });
        }
        Ok(lines)
    }

    /// The edge that carries the records of the target topic back into the source topic, if there is one.
    fn way_back(&self, twin: &Twin) -> Option<&Edge> {
        let leads_back = |edge: &&Edge| {
            edge.enabled
                && edge.provenance
                && (&edge.source, &edge.target) == (&self.edge.target, &self.edge.source)
                && self.names.take(edge, &twin.target_topic)
                    == Take::Into(twin.source_topic.to_string())
        };
        self.topology.edges().iter().find(leads_back)
    }

    /// Where records come back, the group has not read all of the source topic before the place that its own
    /// edge tells: it goes home over the edge that leads there, by the same rule as it came.
    fn homeward(
        &self,
        (clusters, ways): (&mut Clusters<'_>, &mut Ways),
        back: &Edge,
        twin: &Twin,
        offset: i64,
    ) -> Result<Line, Error> {
        let groups = match ways.entry(back.name.clone()) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => {
                let (source, target) = (clusters.get(&back.source)?, clusters.get(&back.target)?);
                let ends = (&source, &target);
                new.insert(GroupTranslator::new(self.topology, self.names, back, ends)?)
            }
        };
        let turned = Twin {
            source_topic: twin.target_topic.clone(),
            target_topic: twin.source_topic.clone(),
            partition: twin.partition,
        };
        let seen = groups.see(std::slice::from_ref(&turned))?;
        let translated = groups.position(&turned, offset, &seen)?;
        let repeats_max = translated.as_ref().ok().map(|a| a.repeats_max);
        let line = Line::new(self.edge, twin, (offset, true), translated);
        Ok(self.line(Line {
            repeats_max,
            ..line
        }))
    }

    /// Of an edge whose records do not say where they were read: its part of the group is told, too.
    fn without_map(
        &self,
        clusters: &mut Clusters<'_>,
        is_reverse: bool,
    ) -> Result<Vec<Line>, Error> {
        let (end, twin): (_, fn(&Names, &Edge, &str, i32) -> _) = match is_reverse {
            true => (&self.edge.target, twin_of_target),
            false => (&self.edge.source, twin_of_source),
        };
        let committed = clusters.get(end)?.group_offsets(self.group)?;
        let ours = committed.iter().filter(|((topic, partition), _)| {
            twin(self.names, self.edge, topic, *partition).is_ok()
        });
        let why = without_provenance(self.edge);
        let line = |(place, offset): (_, &i64)| {
            self.without_twin(place, (*offset, is_reverse), why.clone())
        };
        Ok(ours.map(line).collect())
    }

    fn line(&self, line: Line) -> Line {
        Line {
            group: Some(self.group.to_owned()),
            ..line
        }
    }

    fn without_twin(
        &self,
        (topic, partition): &(Arc<str>, i32),
        (offset, is_reverse): (i64, bool),
        why: String,
    ) -> Line {
        Line {
            group: Some(self.group.to_owned()),
            edge: self.edge.name.to_string(),
            topic: topic.to_string(),
            partition: *partition,
            source_offset: (!is_reverse).then_some(offset),
            target_topic: None,
            target_offset: is_reverse.then_some(offset),
            exact: false,
            group_offset: None,
            repeats_max: None,
            note: None,
            reason: Some(why),
        }
    }
}
