//! What was written at the other cluster goes home: most of it while more is written, the rest in the
//! pause.

use std::collections::BTreeMap;
use std::time::Instant;

use crossdock_model::edge::Edge;
use crossdock_model::switch::State;

use super::Failback;
use crate::exit::Failure;
use crate::kafka::{Error, TopicPartition};
use crate::output;
use crate::stream::Twin;
use crate::switch::failover::{LOOK, QUIET};
use crate::switch::{Seen, carry, measure};

/// Most rounds in which the rest is carried: producers have stopped, so the first is the last.
const ROUNDS_MAX: usize = 3;

impl Failback<'_> {
    pub(super) fn carry(&self) -> Result<Seen, Failure> {
        let mut seen = Seen::default();
        for edge in self.carriers().map_err(Failure::cluster)? {
            let carried = carry::run(&self.homeward, edge)?;
            seen.and(format!(
                "edge {}: {} records brought home; {} were born there or known",
                edge.name, carried.records, carried.known
            ));
        }
        if seen.evidence.is_empty() {
            seen.and("there is nothing to bring");
        }
        Ok(seen)
    }

    /// Waits until nobody writes at the other cluster any more. Edges of the file run both ways, and need
    /// no pause.
    pub(super) fn quiet(&self) -> Result<Seen, Failure> {
        let inverses = self.inverses().map_err(Failure::cluster)?;
        if inverses.is_empty() {
            return Ok(Seen::that(
                "no pause is needed: edges of the file bring home whatever is written",
            ));
        }
        let away = &self.stage.away;
        let question =
            format!("Stop the producers at `{away}` now: the pause begins. Have they stopped?");
        if !(self.ask)(&question)? {
            output::say("The failback waits; run it again when they have.");
            return Err(Failure::Findings);
        }
        let (since, mut still) = (Instant::now(), Instant::now());
        let mut last = None;
        while still.elapsed() < QUIET {
            let mut now = Vec::new();
            for edge in &inverses {
                now.push(self.ends(edge).map_err(Failure::cluster)?);
            }
            if last.as_ref() != Some(&now) {
                (last, still) = (Some(now), Instant::now());
            }
            if since.elapsed() > self.patience {
                output::say(&format!(
                    "`{away}` is still written to: stop its producers, and run this again. Nothing is lost."
                ));
                return Err(Failure::Findings);
            }
            std::thread::sleep(LOOK);
        }
        Ok(Seen::that(format!(
            "nobody has written at `{away}` for {} s",
            QUIET.as_secs()
        )))
    }

    /// The ends of what an inverse edge reads.
    fn ends(&self, edge: &Edge) -> Result<BTreeMap<TopicPartition, i64>, Error> {
        let sources: Vec<_> = self
            .homeward
            .twins(edge)?
            .iter()
            .map(Twin::source)
            .collect();
        self.stage.away()?.end_offsets(&sources)
    }

    pub(super) fn rest(&self, state: &State) -> Result<Seen, Failure> {
        let mut seen = Seen::default();
        for edge in self.carriers().map_err(Failure::cluster)? {
            let mut records = 0;
            for round in 1..=ROUNDS_MAX {
                records += carry::run(&self.homeward, edge)?.records;
                let behind = self.is_behind(edge).map_err(Failure::cluster)?;
                if !behind || edge.homeward.is_none() {
                    break;
                }
                if round == ROUNDS_MAX {
                    output::say(&format!(
                        "`{}` is written to again: stop its producers, and run this again.",
                        edge.source
                    ));
                    return Err(Failure::Findings);
                }
            }
            seen.and(format!(
                "edge {}: {records} more records; all is home",
                edge.name
            ));
        }
        self.conflicts(state, &mut seen).map_err(Failure::cluster)?;
        Ok(seen)
    }

    fn is_behind(&self, edge: &Edge) -> Result<bool, Error> {
        let twins = self.homeward.twins(edge)?;
        let committed = measure::committed(&self.homeward, edge, &twins)?;
        let ends = self.ends(edge)?;
        Ok(twins.iter().any(|twin| {
            let end = ends.get(&twin.source()).copied().unwrap_or(0);
            committed.get(&twin.target()).copied().unwrap_or(0) < end
        }))
    }

    /// Partitions that both sides have written meanwhile: nothing is overwritten, their order differs.
    fn conflicts(&self, state: &State, seen: &mut Seen) -> Result<(), Error> {
        let tails = state.partitions.iter().filter(|p| p.missing() > Some(0));
        let places: Vec<_> = tails
            .map(|p| (p.topic.as_str().into(), p.partition))
            .collect();
        let ends = self.stage.home()?.known_ends(&places)?;
        for figures in &state.partitions {
            let place = (figures.topic.as_str().into(), figures.partition);
            let (Some(end), Some(then)) = (ends.get(&place), figures.source_end) else {
                continue;
            };
            if *end > then {
                seen.and(format!(
                    "both sides have written {}-{}: {} of `{}` is [{}, {then}), {} offsets from `{}` follow it; each record is there once",
                    figures.topic,
                    figures.partition,
                    figures.missing().unwrap_or(0),
                    state.from,
                    figures.copied_to.unwrap_or(0),
                    end - then,
                    state.to
                ));
            }
        }
        Ok(())
    }
}
