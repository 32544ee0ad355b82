//! What each step of a failback does.
//!
//! What was written at the cluster that took over goes home by inverse edges, or by edges of the file
//! that lead there anyhow. What had not made it over stays where it is at home; when the edges go on,
//! they take it over, behind what was written there meanwhile.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use anyhow::anyhow;
use crossdock_model::edge::{Edge, Start};
use crossdock_model::graph::Take;
use crossdock_model::switch::{State, Step, fence, homeward};
use crossdock_model::verify::Kind;

use super::failover::{LOOK, QUIET};
use super::fence::rewrite;
use super::{Seen, Stage, carry, groups, measure, ready};
use crate::exit::Failure;
use crate::kafka::{Error, Group, TopicSettings};
use crate::progress::Progress;
use crate::stream::Twin;
use crate::{output, verify};

/// Most rounds in which the rest is carried: producers have stopped, so the first is the last.
const ROUNDS_MAX: usize = 3;

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

    fn prepare(&self) -> Result<Seen, Failure> {
        if self.is_rebuild {
            return self.prepare_rebuild();
        }
        let mut seen = Seen::default();
        for edge in self.stage.pair() {
            let topics: BTreeSet<_> = self
                .twins(edge)?
                .into_iter()
                .map(|t| t.target_topic)
                .collect();
            for topic in topics {
                let twice = self.stage.names.met_twice(edge, &topic);
                if let Some((cluster, other)) = twice.first() {
                    output::say(&format!(
                        "What was written in {topic} at `{}` comes to {other} on `{cluster}` straight; \
                         brought home, it would come there from `{}` a second time. \
                         Disable the edge that brings it there from `{}` until the failback is done, or exclude the topic.",
                        self.stage.away, self.stage.home, self.stage.home
                    ));
                    return Err(Failure::Findings);
                }
            }
        }
        for edge in self.inverses().map_err(Failure::cluster)? {
            seen.and(format!(
                "edge {} brings home what was written at `{}`; its progress is group {} on `{}`",
                edge.name,
                edge.source,
                self.homeward.group(edge),
                edge.target
            ));
        }
        for edge in self.own_ways() {
            seen.and(format!(
                "edge {} of the file brings home what it takes anyhow",
                edge.name
            ));
        }
        Ok(seen)
    }

    fn twins(&self, edge: &Edge) -> Result<Vec<Twin>, Failure> {
        self.stage.twins(edge).map_err(Failure::cluster)
    }

    /// Home must be empty, and nobody may fill it at the same time.
    fn prepare_rebuild(&self) -> Result<Seen, Failure> {
        let Stage { home, away, .. } = self.stage;
        let (at_home, there) = (
            self.stage.home().map_err(Failure::cluster)?,
            self.stage.away().map_err(Failure::cluster)?,
        );
        for edge in self.own_ways() {
            let group = Group::new(at_home, &self.stage.group(edge));
            let members = group.and_then(|g| g.members()).map_err(Failure::cluster)?;
            if let Some(member) = members.first() {
                output::say(&format!(
                    "edge {} runs at {}: stop every crossdock that runs edges into `{home}`, or records come there twice",
                    edge.name, member.host
                ));
                return Err(Failure::Findings);
            }
        }
        let mut made = 0;
        for edge in self.stage.pair() {
            let twins = self.twins(edge)?;
            let topics = at_home.topics().map_err(Failure::cluster)?;
            let mut places: Vec<_> = twins.iter().map(Twin::source).collect();
            places.retain(|(topic, p)| topics.get(&**topic).is_some_and(|count| p < count));
            let ends = at_home.end_offsets(&places).map_err(Failure::cluster)?;
            if let Some(((topic, partition), end)) = ends.iter().find(|(_, end)| **end > 0) {
                output::say(&format!(
                    "`{home}` is not empty: {topic}-{partition} ends at offset {end}. \
                     --rebuild would bring what is there a second time; without it, just what was written at `{away}` goes home."
                ));
                return Err(Failure::Findings);
            }
            for twin in twins.iter().filter(|t| t.partition == 0) {
                if !self.is_look && !topics.contains_key(&*twin.source_topic) {
                    let count = twins
                        .iter()
                        .filter(|t| t.target_topic == twin.target_topic)
                        .count();
                    let settings = match there.capabilities().admin {
                        true => there
                            .topic_settings(&twin.target_topic)
                            .map_err(Failure::cluster)?,
                        false => TopicSettings::default(),
                    };
                    let count = i32::try_from(count).unwrap_or(i32::MAX);
                    at_home
                        .create_topic(&twin.source_topic, count, &settings)
                        .map_err(Failure::cluster)?;
                    made += 1;
                }
            }
        }
        Ok(Seen::that(format!(
            "`{home}` is empty; {made} topics were made there as they are on `{away}`"
        )))
    }

    fn carry(&self) -> Result<Seen, Failure> {
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
    fn quiet(&self) -> Result<Seen, Failure> {
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
    fn ends(
        &self,
        edge: &Edge,
    ) -> Result<std::collections::BTreeMap<crate::kafka::TopicPartition, i64>, Error> {
        let sources: Vec<_> = self
            .homeward
            .twins(edge)?
            .iter()
            .map(Twin::source)
            .collect();
        self.stage.away()?.end_offsets(&sources)
    }

    fn rest(&self, state: &State) -> Result<Seen, Failure> {
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

    fn lift(&self) -> Result<Seen, Failure> {
        let mut seen = Seen::default();
        for edge in self.stage.out() {
            match self.lift_of(edge) {
                Ok(what) => seen.and(what),
                Err(error) if edge.target != self.stage.away => {
                    seen.find(format!(
                        "edge {} could not be let go on: {error}",
                        edge.name
                    ));
                }
                Err(error) => return Err(Failure::cluster(error)),
            }
        }
        if self.is_rebuild {
            self.hand_over(&mut seen).map_err(Failure::cluster)?;
        }
        Ok(seen)
    }

    /// Lets an edge go on where it stood; over a home that was rebuilt, from its beginning: what came
    /// from the other cluster is not copied there again.
    fn lift_of(&self, edge: &Edge) -> Result<String, Error> {
        let home = self.stage.home()?;
        let twins = self.stage.twins(edge)?;
        let there = home.topics()?;
        let mut sources: Vec<_> = twins.iter().map(Twin::source).collect();
        sources.retain(|(topic, p)| there.get(&**topic).is_some_and(|count| p < count));
        let starts = home.start_offsets(&sources)?;
        let topics: BTreeSet<&str> = sources.iter().map(|(topic, _)| &**topic).collect();
        let ids = home.topic_ids(&topics.into_iter().collect::<Vec<_>>())?;
        let begins_anew = self.is_rebuild && edge.target == self.stage.away;
        let done = rewrite(self.stage, edge, |place, fetched| {
            let offset = fetched.offset?;
            let twin = twins.iter().find(|t| t.target() == *place);
            let source = twin.map(Twin::source);
            let start = source.as_ref().and_then(|s| starts.get(s)).copied();
            if begins_anew && let (Some(start), Some((topic, _))) = (start, &source) {
                let id = ids.get(&**topic).map_or("-", String::as_str);
                // As Kafka itself writes it: librdkafka uses another base64.
                let id = id.replace('+', "-").replace('/', "_");
                return Some((start, format!("v1 topic-id={id} target-end=0")));
            }
            let note = fence::lift(&fetched.metadata);
            match note == fence::UNBEGUN {
                true => Some((start.unwrap_or(offset), "v1".to_owned())),
                false => Some((offset, note)),
            }
        })?;
        let how = if begins_anew {
            ", from the beginning of the new logs"
        } else {
            ""
        };
        Ok(format!(
            "edge {} goes on in {} partitions{how}",
            edge.name,
            done.positions.len()
        ))
    }

    /// After a rebuild, edges of the file that lead home go on behind what it has brought.
    fn hand_over(&self, seen: &mut Seen) -> Result<(), Error> {
        for inverse in self.inverses()? {
            let twins = self.homeward.twins(inverse)?;
            let brought = measure::committed(&self.homeward, inverse, &twins)?;
            for own in self.own_ways() {
                let theirs: BTreeSet<_> = self.stage.twins(own)?.into_iter().collect();
                let mut positions = Vec::new();
                for twin in twins.iter().filter(|t| theirs.contains(t)) {
                    if let Some(at) = brought.get(&twin.target()) {
                        positions.push((twin.target(), *at, "v1".to_owned()));
                    }
                }
                let group = Group::settled(self.stage.home()?, &self.stage.group(own))?;
                if group.commit_all(&positions)? {
                    seen.and(format!(
                        "edge {} goes on behind that in {} partitions",
                        own.name,
                        positions.len()
                    ));
                } else {
                    seen.find(format!(
                        "edge {} runs already: what it copied before is there twice",
                        own.name
                    ));
                }
            }
        }
        Ok(())
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

    /// Nothing is left to bring home, no edge is fenced, and both sides are equal.
    fn verify(&self) -> Result<Seen, Failure> {
        let mut seen = Seen::default();
        for edge in self.inverses().map_err(Failure::cluster)? {
            let carried = carry::run(&self.homeward, edge)?;
            match carried.records {
                0 => seen.and(format!("everything that was written at `{}` is home", edge.source)),
                late => seen.find(format!(
                    "{late} records were written at `{}` after the pause; they are home now, behind what was written there since: see that its producers have stopped",
                    edge.source
                )),
            }
        }
        for edge in self.stage.pair() {
            if let Some(since) = self.fenced_since(edge).map_err(Failure::cluster)? {
                seen.find(format!("edge {} is fenced since {since}", edge.name));
            }
        }
        if self
            .stage
            .home()
            .map_err(Failure::cluster)?
            .capabilities()
            .admin
        {
            self.compare(&mut seen).map_err(Failure::cluster)?;
        }
        Ok(seen)
    }

    /// The edges' copies against what home holds, record by record.
    fn compare(&self, seen: &mut Seen) -> Result<(), Error> {
        let options = verify::Options {
            edges: self
                .stage
                .pair()
                .iter()
                .map(|e| e.name.to_string())
                .collect(),
            ..verify::Options::default()
        };
        let report = verify::run(&self.stage.topology, &options, &Progress::hidden())?;
        let (records, partitions) = (report.compared(), report.partitions.len());
        match report.is_equal() {
            true => seen.and(format!(
                "verify: {records} records in {partitions} partitions are equal on both sides"
            )),
            false => {
                let counts = [
                    ("missing", Kind::Missing),
                    ("duplicated", Kind::Duplicated),
                    ("reordered", Kind::Reordered),
                    ("altered", Kind::Altered),
                    ("unexpected", Kind::Unexpected),
                ];
                let told = counts.map(|(word, kind)| format!("{} {word}", report.count(kind)));
                seen.find(format!(
                    "verify: of {records} records in {partitions} partitions, {}; `crossdock verify {}` names them",
                    told.join(", "),
                    self.stage.file.display()
                ));
            }
        }
        Ok(())
    }
}
