//! Group sync: the positions of consumer groups follow the records they stand for.
//!
//! A [`Keeper`] does one edge: each [`Keeper::round`] reads what the selected groups have committed at
//! the source, translates it, and commits it at the target as `model::groups` decides. A running edge
//! does so again and again (`worker::groups`), each instance for the partitions it holds.

mod reading;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossdock_model::edge::{Edge, Groups};
use crossdock_model::graph::Names;
use crossdock_model::groups::{
    self, Choice, Facts, Note, PositionReport, Report, Selection, State, Step, Why, Written, decide,
};
use crossdock_model::topology::Topology;

use crate::kafka::{Cluster, Committed, Error, Position, TopicPartition};
use crate::stream::Twin;
use crate::translate::GroupTranslator;
use reading::{Asked, Targets};

/// A position that stays where it is is committed again after this long: offsets of a group without
/// members expire, by default after seven days.
const KEPT_AFTER: Duration = Duration::from_secs(24 * 60 * 60);

/// What was read longer ago than this is not acted upon: the group may have come to life at the target.
const STALE_AFTER: Duration = Duration::from_secs(15);

/// Positions that one request commits.
const POSITIONS_A_REQUEST: usize = 500;

/// Keeps the groups of one edge in step.
pub struct Keeper {
    names: Arc<Names>,
    edge: Edge,
    selection: Selection,
    /// Whether what is committed must say where it was born, whatever the group itself has noted.
    comes_back: bool,
    source: Arc<Cluster>,
    target: Arc<Cluster>,
    source_id: String,
    target_id: String,
    translator: GroupTranslator,
    /// What was committed last, and when, by group and target partition.
    written: BTreeMap<String, BTreeMap<TopicPartition, (Written, Instant)>>,
}

/// What is done about one position.
struct Move<'r> {
    asked: &'r Asked,
    step: Step<'r>,
    target: Option<i64>,
    target_end: i64,
}

impl Keeper {
    /// A keeper for these groups of an edge's source. Nothing is changed yet.
    ///
    /// # Errors
    /// A cluster does not answer, or a client property that librdkafka refuses.
    pub fn new(
        topology: &Topology,
        names: &Arc<Names>,
        (edge, groups): (&Edge, &Groups),
        (source, target): (&Arc<Cluster>, &Arc<Cluster>),
    ) -> Result<Self, Error> {
        Ok(Self {
            names: names.clone(),
            edge: edge.clone(),
            selection: Selection::new(topology, edge, groups),
            comes_back: groups::comes_back(topology, edge),
            source: source.clone(),
            target: target.clone(),
            source_id: source.id()?.to_string(),
            target_id: target.id()?.to_string(),
            translator: GroupTranslator::new(topology, names, edge, (source, target))?,
            written: BTreeMap::new(),
        })
    }

    /// Small reads so far.
    pub fn looks(&self) -> usize {
        self.translator.looks()
    }

    /// Reads, translates and commits once, for those source partitions that `is_mine` takes; how each
    /// group stands then.
    ///
    /// # Errors
    /// A cluster does not answer. What was committed by then stays.
    pub fn round(
        &mut self,
        is_mine: impl Fn(&TopicPartition) -> bool,
    ) -> Result<Vec<Report>, Error> {
        let (groups, mut reports) = self.groups()?;
        let mut asked = reading::asked(&self.source, (&self.names, &self.edge), &groups)?;
        asked.iter_mut().for_each(|(_, positions)| {
            positions.retain(|position| is_mine(&position.twin.source()));
        });
        asked.retain(|(_, positions)| !positions.is_empty());
        let seen = reading::translate(&mut self.translator, &mut asked)?;
        // What may be changed by others is read last.
        let names: Vec<&str> = asked.iter().map(|(group, _)| group.as_str()).collect();
        let targets = Targets::read(&self.target, &names)?;
        let mut moves = Vec::with_capacity(asked.len());
        for (group, positions) in &asked {
            let of = |asked| self.step(group, asked, &targets, &seen);
            moves.push((group.as_str(), positions.iter().map(of).collect::<Vec<_>>()));
        }
        let outcomes = self.commit(&moves, &targets)?;
        for ((group, moves), outcome) in moves.iter().zip(outcomes) {
            let refused = targets.refused(group).map(ToOwned::to_owned);
            let positions = moves
                .iter()
                .map(|m| m.report(&outcome, refused.as_deref()))
                .collect();
            reports.push(Report::new(group, positions));
        }
        self.remember(&reports);
        reports.sort_by(|a, b| a.group.cmp(&b.group));
        Ok(reports)
    }

    /// The groups of the source that are taken, and reports of those that are left out.
    fn groups(&self) -> Result<(Vec<String>, Vec<Report>), Error> {
        let (mut taken, mut excluded) = (Vec::new(), Vec::new());
        for group in self.source.consumer_groups()?.into_keys() {
            match self.selection.choose(&group) {
                Choice::Taken => taken.push(group),
                Choice::Excluded(why) => excluded.push(Report::excluded(&group, why)),
                Choice::NotNamed => {}
            }
        }
        Ok((taken, excluded))
    }

    fn step<'r>(
        &'r self,
        group: &str,
        asked: &'r Asked,
        targets: &'r Targets,
        seen: &crate::translate::Seen,
    ) -> Move<'r> {
        let place = asked.twin.target();
        let target = targets.committed(group, &place);
        let written = self.written.get(group).and_then(|of| of.get(&place));
        let facts = Facts {
            source_id: &self.source_id,
            target_id: &self.target_id,
            source: groups::Committed {
                offset: asked.offset,
                metadata: &asked.metadata,
            },
            place: match &asked.place {
                Ok(answer) => Ok(answer.offset),
                Err(why) => Err(why),
            },
            target,
            target_end: seen.ends(&asked.twin).map_or(0, |ends| ends.end),
            has_members: targets.has_members(group),
            previous: written.map(|(written, _)| *written),
            is_due: written.is_none_or(|(_, at)| at.elapsed() > KEPT_AFTER),
        };
        Move {
            asked,
            step: decide(&facts),
            target: target.map(|t| t.offset),
            target_end: facts.target_end,
        }
    }

    /// Commits what is to be committed; what became of it, by group.
    fn commit(
        &self,
        moves: &[(&str, Vec<Move<'_>>)],
        targets: &Targets,
    ) -> Result<Vec<Outcome>, Error> {
        let mut requests: Vec<(&str, Vec<Position>)> = Vec::new();
        let known = |(group, _): &&(&str, _)| targets.refused(group).is_none();
        for (group, moves) in moves.iter().filter(known) {
            let positions: Vec<Position> = moves.iter().filter_map(|m| self.position(m)).collect();
            let some = positions.chunks(POSITIONS_A_REQUEST);
            requests.extend(some.map(|some| (*group, some.to_vec())));
        }
        let mut outcomes: Vec<Outcome> = moves.iter().map(|_| Outcome::default()).collect();
        if targets.read_at.elapsed() > STALE_AFTER {
            let waits = "reading took long: it is committed with the next round";
            outcomes.iter_mut().for_each(|o| o.refuse(waits));
            return Ok(outcomes);
        }
        let answers = self.target.commit_for_groups(&requests)?;
        for ((group, positions), answer) in requests.iter().zip(answers) {
            if let Some(number) = moves.iter().position(|(name, _)| name == group) {
                outcomes[number].take(positions, answer);
            }
        }
        Ok(outcomes)
    }

    fn position(&self, of: &Move<'_>) -> Option<Position> {
        let Step::Commit(offset, why) = of.step else {
            return None;
        };
        let asked = of.asked;
        let noted = Note::parse(&asked.metadata);
        let keeps_its_own = !self.comes_back && noted.is_none() && !asked.metadata.is_empty();
        let metadata = if keeps_its_own {
            asked.metadata.clone()
        } else {
            let note = Note {
                origin: noted.map_or(self.source_id.as_str(), |note| note.origin),
                from: &self.source_id,
                offset: asked.offset,
            };
            note.to_string()
        };
        if why == Why::SetBack {
            tracing::info!(
                edge = self.edge.name.as_str(),
                group = &*asked.group,
                topic = &*asked.twin.source_topic,
                partition = asked.twin.partition,
                offset = asked.offset,
                "Group {} was set back at the source to offset {} of {}-{}: it goes back to {offset} at the target.",
                asked.group,
                asked.offset,
                asked.twin.source_topic,
                asked.twin.partition
            );
        }
        Some((asked.twin.target(), offset, metadata))
    }

    /// Notes what was committed, and forgets groups that are gone.
    fn remember(&mut self, reports: &[Report]) {
        let now = Instant::now();
        let mut written = BTreeMap::new();
        for report in reports.iter().filter(|r| r.state != State::Excluded) {
            let mut of = self.written.remove(&report.group).unwrap_or_default();
            for position in report.positions.iter().filter(|p| p.was_committed) {
                let place = (position.target_topic.as_str().into(), position.partition);
                let target = position.target_offset.unwrap_or(0);
                let source = position.source_offset;
                of.insert(place, (Written { source, target }, now));
            }
            written.insert(report.group.clone(), of);
        }
        self.written = written;
    }
}

/// What the target said to the commits for one group.
#[derive(Default)]
struct Outcome {
    has_members: bool,
    refused: Option<String>,
    /// Partitions that were not taken.
    but: BTreeMap<TopicPartition, String>,
}

impl Outcome {
    fn refuse(&mut self, why: &str) {
        self.refused = Some(why.to_owned());
    }

    fn take(&mut self, positions: &[Position], answer: Committed) {
        match answer {
            Committed::Taken(but) => self.but.extend(but),
            Committed::HasMembers => self.has_members = true,
            Committed::Refused(error) => {
                let all = positions.iter().map(|(place, _, _)| place.clone());
                self.but
                    .extend(all.map(|place| (place, error.reason.clone())));
            }
        }
    }
}

impl Move<'_> {
    fn report(&self, outcome: &Outcome, unread: Option<&str>) -> PositionReport {
        let Twin {
            source_topic,
            target_topic,
            partition,
        } = &self.asked.twin;
        let place = self.asked.twin.target();
        let commits = match self.step {
            Step::Commit(offset, _) => Some(offset),
            _ => None,
        };
        let refused = outcome.but.get(&place).or(outcome.refused.as_ref());
        let refused = unread.or_else(|| refused.filter(|_| commits.is_some()).map(String::as_str));
        let (state, reason) = match refused {
            Some(why) => (State::Refused, Some(why.to_owned())),
            None if commits.is_some() && outcome.has_members => {
                PositionReport::state_of(&Step::Active)
            }
            None => PositionReport::state_of(&self.step),
        };
        let was_committed = commits.is_some() && state == State::Synced;
        let target_offset = commits.filter(|_| was_committed).or(self.target);
        PositionReport {
            topic: source_topic.to_string(),
            partition: *partition,
            target_topic: target_topic.to_string(),
            source_offset: self.asked.offset,
            target_offset,
            state,
            was_committed,
            lag_records: target_offset.map(|at| (self.target_end - at).max(0)),
            reason,
        }
    }
}
