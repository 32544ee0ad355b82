//! Consumer groups: where they go on at the other side.

use std::collections::{BTreeMap, BTreeSet};

use crossdock_model::edge::Edge;
use crossdock_model::groups::{PositionReport, Report, State};
use crossdock_model::offsets::Answer;
use crossdock_model::switch::GroupFigures;

use super::{Seen, Stage};
use crate::groups::Keeper;
use crate::kafka::{Error, TopicPartition};
use crate::stream::Twin;
use crate::translate::Translator;

/// What the names of crossdock's own groups begin with.
const OWN: &str = "crossdock.";

/// Gives the groups of an edge's source their positions at its target, where the source can be asked;
/// what the target holds then is what they go on with. A source that is known to be dead is not asked.
///
/// # Errors
/// The target does not answer.
pub(super) fn over(
    stage: &Stage,
    edge: &Edge,
    (is_look, is_source_dead): (bool, bool),
    seen: &mut Seen,
) -> Result<Vec<GroupFigures>, Error> {
    let (source, target) = (stage.cluster(&edge.source)?, stage.cluster(&edge.target)?);
    if !target.capabilities().admin {
        seen.and("embedded clusters do not list groups: these do not follow");
        return Ok(Vec::new());
    }
    let Some(groups) = &edge.sync.groups else {
        seen.and(format!(
            "edge {} has no `sync.groups`: groups do not follow over it; `crossdock offsets {} --group NAME` tells where one goes on",
            edge.name,
            stage.file.display()
        ));
        return at_target(stage, edge);
    };
    if is_look {
        return at_target(stage, edge);
    }
    let round = || -> Result<Vec<Report>, Error> {
        let ends = (source, target);
        let mut keeper = Keeper::new(&stage.topology, &stage.names, (edge, groups), ends)?;
        keeper.round(|_| true)
    };
    let told = (!is_source_dead).then(round);
    match told {
        Some(Ok(reports)) => synced(stage, edge, &reports, seen),
        Some(Err(error)) if error.cluster != edge.source => Err(error),
        _ => {
            let figures = at_target(stage, edge)?;
            seen.and(format!(
                "`{}` does not tell where groups stand: those that followed before, {} positions, go on where they were brought last",
                edge.source,
                figures.len()
            ));
            Ok(figures)
        }
    }
}

/// What became of the groups that follow.
fn synced(
    stage: &Stage,
    edge: &Edge,
    reports: &[Report],
    seen: &mut Seen,
) -> Result<Vec<GroupFigures>, Error> {
    let mut figures = Vec::new();
    let mut places = Places::new(stage, edge)?;
    for report in reports.iter().filter(|r| r.state != State::Excluded) {
        seen.and(format!(
            "group {}: {} of {} positions are on `{}` ({})",
            report.group,
            report.synced,
            report.partitions,
            edge.target,
            report.reason.as_deref().unwrap_or(report.state.as_str())
        ));
        for position in &report.positions {
            let own = places.own(position)?;
            let repeats = own
                .zip(position.target_offset)
                .map(|(own, at)| (own.offset - at).max(0) + own.repeats_max);
            figures.push(GroupFigures {
                group: report.group.clone(),
                edge: edge.name.to_string(),
                topic: position.target_topic.clone(),
                partition: position.partition,
                stood_at: Some(position.source_offset),
                goes_on_at: position.target_offset,
                repeats_max: repeats,
                note: position.reason.clone(),
            });
        }
    }
    if figures.is_empty() {
        seen.and(format!(
            "no group that follows has a position over edge {}",
            edge.name
        ));
    }
    Ok(figures)
}

/// Where what a group has not read of an edge begins at the target: what lies between that and where
/// it goes on, it may have read already, and what it has read of the source and was not copied yet.
struct Places {
    translator: Translator,
}

impl Places {
    fn new(stage: &Stage, edge: &Edge) -> Result<Self, Error> {
        let source_id = stage.cluster(&edge.source)?.id()?.to_string();
        let target = stage.cluster(&edge.target)?;
        let name = stage.topology.name();
        let translator = Translator::new(name, edge, Some(source_id), target)?;
        Ok(Self { translator })
    }

    fn own(&mut self, position: &PositionReport) -> Result<Option<Answer>, Error> {
        let twin = Twin {
            source_topic: position.topic.as_str().into(),
            target_topic: position.target_topic.as_str().into(),
            partition: position.partition,
        };
        let seen = self.translator.see(std::slice::from_ref(&twin))?;
        let own = self
            .translator
            .forward(&twin, position.source_offset, &seen)?;
        Ok(own.ok())
    }
}

/// Every group that has positions in an edge's target topics, as its target holds them now.
///
/// # Errors
/// The target does not answer.
pub(super) fn at_target(stage: &Stage, edge: &Edge) -> Result<Vec<GroupFigures>, Error> {
    let target = stage.cluster(&edge.target)?;
    let places: BTreeSet<TopicPartition> = stage.twins(edge)?.iter().map(|t| t.target()).collect();
    let all: Vec<TopicPartition> = places.iter().cloned().collect();
    let ends: BTreeMap<_, _> = target.known_ends(&all)?;
    let mut figures = Vec::new();
    for group in target
        .groups("")?
        .into_iter()
        .filter(|g| !g.starts_with(OWN))
    {
        for (place, offset) in target.group_offsets(&group)? {
            if places.contains(&place) {
                let end = ends.get(&place).copied().unwrap_or(offset);
                figures.push(GroupFigures {
                    group: group.clone(),
                    edge: edge.name.to_string(),
                    topic: place.0.to_string(),
                    partition: place.1,
                    stood_at: None,
                    goes_on_at: Some(offset),
                    repeats_max: Some((end - offset).max(0)),
                    note: None,
                });
            }
        }
    }
    Ok(figures)
}
