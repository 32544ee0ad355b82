//! What each step of a failback does.
//!
//! What was written at the cluster that took over goes home by inverse edges, or by edges of the file
//! that lead there anyhow. What had not made it over stays where it is at home; when the edges go on,
//! they take it over, behind what was written there meanwhile.

mod bring;
mod lift;
mod prepare;
mod proof;

use std::time::Duration;

use anyhow::anyhow;
use crossdock_model::edge::{Edge, Start};
use crossdock_model::graph::Take;
use crossdock_model::switch::{State, Step, fence, homeward};

use super::{Seen, Stage, carry, groups, measure, ready};
use crate::exit::Failure;
use crate::kafka::{Error, Group};
use crate::output;
use crate::stream::Twin;

/// A failback between the clusters of a stage.
pub struct Failback<'a> {
    stage: &'a Stage,
    /// The same with the inverse edges.
    homeward: Stage,
    is_rebuild: bool,
    patience: Duration,
    is_look: bool,
    ask: Ask,
}

/// Asks whoever runs it; `true` is a yes.
pub type Ask = fn(&str) -> Result<bool, Failure>;

impl<'a> Failback<'a> {
    /// A failback; nothing is asked of the clusters yet.
    ///
    /// # Errors
    /// There is no way home, and why.
    pub fn new(
        stage: &'a Stage,
        is_rebuild: bool,
        start: Start,
        patience: Duration,
        is_look: bool,
        ask: Ask,
    ) -> Result<Self, Failure> {
        let ends = (&stage.home, &stage.away);
        let (topology, _) = homeward(&stage.topology, ends, is_rebuild, start)
            .map_err(|why| Failure::cannot_start(anyhow!(why)))?;
        Ok(Self {
            stage,
            homeward: stage.with_topology(topology),
            is_rebuild,
            patience,
            is_look,
            ask,
        })
    }

    /// Does a step.
    ///
    /// # Errors
    /// A cluster does not answer, or it cannot go on; what to do is told.
    pub fn act(&self, step: Step, state: &mut State) -> Result<Seen, Failure> {
        match step {
            Step::Reach => self.reach(),
            Step::Tail => self.tail(state),
            Step::Prepare => self.prepare(),
            _ if self.is_look => Ok(Seen::that(self.would(step))),
            Step::Carry => self.carry(),
            Step::Quiet => self.quiet(),
            Step::Rest => self.rest(state),
            Step::Lift => self.lift(),
            Step::Settle => self.settle(),
            Step::Groups => self.groups(state),
            _ => self.verify(),
        }
    }

    fn would(&self, step: Step) -> String {
        let Stage { home, away, .. } = self.stage;
        match step {
            Step::Carry => format!("would bring home to `{home}` what was written at `{away}`"),
            Step::Quiet => format!("would wait until producers at `{away}` have stopped"),
            Step::Rest => "would bring the rest".to_owned(),
            Step::Lift => format!("would let the edges out of `{home}` go on"),
            Step::Settle => "would wait until they have caught up".to_owned(),
            Step::Groups => format!("would give consumer groups their positions on `{home}`"),
            _ => "would hold both sides against each other".to_owned(),
        }
    }

    /// The inverse edges that have something to bring.
    fn inverses(&self) -> Result<Vec<&Edge>, Error> {
        let topics = self.stage.away()?.topics()?;
        let Stage {
            topology, names, ..
        } = &self.homeward;
        let made = topology.edges().iter().filter(|e| e.homeward.is_some());
        let takes = |e: &&Edge| {
            topics
                .keys()
                .any(|t| matches!(names.take(e, t), Take::Into(_)))
        };
        Ok(made.filter(takes).collect())
    }

    /// Everything that brings home what was written: inverse edges, and edges of the file.
    fn carriers(&self) -> Result<Vec<&Edge>, Error> {
        let mut carriers = self.inverses()?;
        if !self.is_rebuild {
            carriers.extend(self.own_ways());
        }
        Ok(carriers)
    }

    /// Edges of the file that lead home from the other cluster.
    fn own_ways(&self) -> Vec<&Edge> {
        let Stage { home, away, .. } = self.stage;
        let edges = self.stage.topology.edges().iter();
        edges
            .filter(|e| e.enabled && e.source == *away && e.target == *home)
            .collect()
    }

    fn reach(&self) -> Result<Seen, Failure> {
        let Stage { home, away, .. } = self.stage;
        let mut seen = Seen::default();
        for alias in [home, away] {
            let cluster = self.stage.cluster(alias).map_err(Failure::cluster)?;
            let id = cluster.id().map_err(Failure::cluster)?;
            seen.and(format!("`{alias}` answers (cluster {id})"));
        }
        let empty = self.came_back_empty().map_err(Failure::cluster)?;
        if !empty.is_empty() && !self.is_rebuild {
            output::say(&format!(
                "`{home}` came back empty: there were records in {}, and now there are none. \
                 Only what was written at `{away}` would go home; --rebuild brings everything that `{away}` holds.",
                ready::some(&empty)
            ));
            return Err(Failure::Findings);
        }
        for edge in self.stage.pair() {
            seen.and(match self.fenced_since(edge).map_err(Failure::cluster)? {
                Some(since) => format!("edge {} is fenced since {since}", edge.name),
                None => format!(
                    "edge {} is not fenced: no failover has stopped it",
                    edge.name
                ),
            });
        }
        Ok(seen)
    }

    /// Partitions that were copied from, and hold nothing any more.
    fn came_back_empty(&self) -> Result<Vec<String>, Error> {
        let mut empty = Vec::new();
        for edge in self.stage.pair() {
            let twins = self.stage.twins(edge)?;
            let committed = measure::committed(self.stage, edge, &twins)?;
            let there = self.stage.home()?.topics()?;
            let places: Vec<_> = twins.iter().map(Twin::source).collect();
            let places: Vec<_> = places
                .into_iter()
                .filter(|(topic, p)| there.get(&**topic).is_some_and(|count| p < count))
                .collect();
            let ends = self.stage.home()?.end_offsets(&places)?;
            for twin in twins {
                let was = committed.get(&twin.target()).copied().unwrap_or(0);
                let is = ends.get(&twin.source()).copied().unwrap_or(0);
                if was > 0 && is == 0 {
                    empty.push(format!("{}-{}", twin.source_topic, twin.partition));
                }
            }
        }
        Ok(empty)
    }

    fn fenced_since(&self, edge: &Edge) -> Result<Option<String>, Error> {
        let group = Group::new(self.stage.cluster(&edge.target)?, &self.stage.group(edge))?;
        let places: Vec<_> = self.stage.twins(edge)?.iter().map(Twin::target).collect();
        let notes = group.committed(&places)?;
        Ok(notes
            .values()
            .find_map(|f| fence::since(&f.metadata).map(str::to_owned)))
    }

    fn tail(&self, state: &mut State) -> Result<Seen, Failure> {
        if self.is_rebuild {
            state.partitions.clear();
            return Ok(Seen::that("home is empty: it has no records of its own"));
        }
        state.partitions = measure::measure(self.stage, true).map_err(Failure::cluster)?;
        let behind = state.partitions.iter().filter(|p| p.missing() > Some(0));
        let tails: Vec<String> = behind
            .map(|p| {
                let from = p.copied_to.unwrap_or(0);
                format!(
                    "{}-{} [{from}, {})",
                    p.topic,
                    p.partition,
                    p.source_end.unwrap_or(0)
                )
            })
            .collect();
        let Stage { home, away, .. } = self.stage;
        Ok(Seen::that(match tails.is_empty() {
            true => format!("everything of `{home}` had made it over"),
            false => format!(
                "had not made it over: {}; it stays at `{home}` as it is, and follows to `{away}` later",
                ready::some(&tails)
            ),
        }))
    }

    fn twins(&self, edge: &Edge) -> Result<Vec<Twin>, Failure> {
        self.stage.twins(edge).map_err(Failure::cluster)
    }

    fn settle(&self) -> Result<Seen, Failure> {
        let mut seen = Seen::default();
        for edge in self.stage.pair() {
            let carried = carry::run(self.stage, edge)?;
            seen.and(format!(
                "edge {} has caught up: {} records, that had not made it over or were written since; {} came from there",
                edge.name, carried.records, carried.known
            ));
        }
        Ok(seen)
    }

    fn groups(&self, state: &mut State) -> Result<Seen, Failure> {
        let mut seen = Seen::default();
        state.groups.clear();
        for edge in self.carriers().map_err(Failure::cluster)? {
            let how = (self.is_look, false);
            let figures = groups::over(&self.homeward, edge, how, &mut seen);
            state.groups.extend(figures.map_err(Failure::cluster)?);
        }
        Ok(seen)
    }
}
