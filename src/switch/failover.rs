//! What each step of a failover does.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use anyhow::anyhow;
use crossdock_model::edge::Edge;
use crossdock_model::switch::{State, Step, fence};

use super::fence::{Rewritten, rewrite};
use super::{Seen, Stage, groups, measure, ready};
use crate::clock;
use crate::exit::Failure;
use crate::kafka::{Cluster, Error};
use crate::output;
use crate::stream::Twin;

/// How long nothing may have been written before producers count as stopped.
pub(super) const QUIET: Duration = Duration::from_secs(3);

/// Between two looks.
pub(super) const LOOK: Duration = Duration::from_millis(300);

/// How long transactions that were open may take to end: brokers end forgotten ones within
/// `transaction.timeout.ms`, which workers set to 30 s at most.
const ENDED_WITHIN: Duration = Duration::from_secs(45);

/// A failover between the clusters of a stage.
pub struct Failover<'a> {
    /// What it is about.
    pub stage: &'a Stage,
    /// How long a planned one waits until all is copied.
    pub patience: Duration,
    /// Whether it only looks.
    pub is_look: bool,
    /// Home does not answer: it is not asked again.
    pub is_home_dead: std::cell::Cell<bool>,
}

impl Failover<'_> {
    /// Does a step.
    ///
    /// # Errors
    /// The target does not answer, or it cannot go on; what to do is told.
    pub fn act(&self, step: Step, state: &mut State) -> Result<Seen, Failure> {
        match step {
            Step::Reach => self.reach(state.options.planned),
            Step::Ready => ready::look(self.stage).map_err(Failure::cluster),
            Step::Drain => self.drain(),
            Step::Fence if self.is_look => Ok(self.would_fence()),
            Step::Fence => self.fence(),
            Step::Measure => self.measure(state),
            _ => self.groups(state),
        }
    }

    fn reach(&self, is_planned: bool) -> Result<Seen, Failure> {
        let Stage { home, away, .. } = self.stage;
        let (source, target) = (
            self.stage.home().map_err(Failure::cluster)?,
            self.stage.away().map_err(Failure::cluster)?,
        );
        let id = target.id().map_err(Failure::cluster)?;
        let mut seen = Seen::that(format!("`{away}` answers (cluster {id})"));
        // An id may be remembered: topics are asked for.
        match source.id().and_then(|id| source.topics().map(|_| id)) {
            Ok(id) => {
                seen.and(format!("`{home}` answers (cluster {id})"));
                self.scope(source, &mut seen);
            }
            Err(error) if is_planned => return Err(Failure::cluster(
                anyhow!(error).context("a planned failover loses nothing, so it needs both clusters; without --planned it does with one"),
            )),
            Err(error) => {
                self.is_home_dead.set(true);
                seen.and(format!("`{home}` does not answer: {}", error.reason));
            }
        }
        let names = |edges: Vec<&Edge>| {
            let names: Vec<_> = edges.iter().map(|e| e.name.as_str()).collect();
            names.join(", ")
        };
        seen.and(format!(
            "edges out of `{home}`: {}",
            names(self.stage.out())
        ));
        Ok(seen)
    }

    /// How much of a source that answers is really there.
    fn scope(&self, source: &Cluster, seen: &mut Seen) {
        let mut topics = BTreeSet::new();
        for edge in self.stage.pair() {
            let twins = self.stage.twins(edge).unwrap_or_default();
            topics.extend(twins.into_iter().map(|t| t.source_topic));
        }
        let names: BTreeSet<&str> = topics.iter().map(|t| &**t).collect();
        match source.health(&names) {
            Ok(health) => {
                let dead = health
                    .partitions
                    .values()
                    .filter(|r| r.leader.is_none())
                    .count();
                seen.and(format!(
                    "of {} partitions that are copied, {dead} have no leader there; {} brokers are up",
                    health.partitions.len(),
                    health.brokers.len()
                ));
            }
            Err(error) => seen.and(format!("it does not tell its leaders: {}", error.reason)),
        }
    }

    /// Waits until producers have stopped and everything is at the target.
    fn drain(&self) -> Result<Seen, Failure> {
        let since = Instant::now();
        let (mut last, mut still) = (None, Instant::now());
        loop {
            let (ends, behind) = self.behind().map_err(Failure::cluster)?;
            if last.as_ref() != Some(&ends) {
                (last, still) = (Some(ends), Instant::now());
            }
            let is_quiet = still.elapsed() > QUIET;
            if is_quiet && behind.is_empty() {
                return Ok(Seen::that(format!(
                    "nobody has written for {} s, and everything is copied",
                    QUIET.as_secs()
                )));
            }
            if since.elapsed() > self.patience || (self.is_look && is_quiet) {
                let why = match is_quiet {
                    false => format!(
                        "`{}` is still written to: stop its producers",
                        self.stage.home
                    ),
                    true => format!(
                        "not everything is copied: {}; is `crossdock run` running?",
                        ready::some(&behind)
                    ),
                };
                output::say(&format!("{why}, and run this again. Nothing was switched."));
                return Err(Failure::Findings);
            }
            std::thread::sleep(LOOK);
        }
    }

    /// The ends of all source partitions, and those that are not copied up to there.
    fn behind(&self) -> Result<(Vec<i64>, Vec<String>), Error> {
        let (mut all, mut behind) = (Vec::new(), Vec::new());
        for edge in self.stage.pair() {
            let twins = self.stage.twins(edge)?;
            let sources: Vec<_> = twins.iter().map(Twin::source).collect();
            let ends = self.stage.home()?.end_offsets(&sources)?;
            let committed = measure::committed(self.stage, edge, &twins)?;
            for twin in &twins {
                let end = ends.get(&twin.source()).copied().unwrap_or(0);
                let at = committed.get(&twin.target()).copied().unwrap_or(0);
                all.push(end);
                if at < end {
                    let Twin {
                        source_topic,
                        partition,
                        ..
                    } = twin;
                    behind.push(format!("{source_topic}-{partition} ({} offsets)", end - at));
                }
            }
            for (twin, (start, end)) in measure::alone(self.stage, edge)? {
                all.push(end);
                if start < end {
                    behind.push(format!(
                        "{}-{} ({} offsets; `{}` has no such partition)",
                        twin.source_topic,
                        twin.partition,
                        end - start,
                        self.stage.away
                    ));
                }
            }
        }
        Ok((all, behind))
    }

    fn would_fence(&self) -> Seen {
        let mut seen = Seen::default();
        for edge in self.stage.out() {
            seen.and(format!(
                "would stop edge {} for good, wherever it runs, and wait until nothing of it is on its way",
                edge.name
            ));
        }
        seen
    }

    fn fence(&self) -> Result<Seen, Failure> {
        let mut seen = Seen::default();
        let now = clock::now_text();
        for edge in self.stage.out() {
            let done = raise(self.stage, edge, &now);
            match done {
                Ok(done) => seen.and(told(edge, &done)),
                // The edges into the cluster that takes over must stand; others are only better stopped.
                Err(error) if edge.target != self.stage.away => {
                    seen.find(format!("edge {} could not be stopped: {error}", edge.name));
                }
                Err(error) => return Err(Failure::cluster(error)),
            }
        }
        self.until_ended(&mut seen).map_err(Failure::cluster)?;
        Ok(seen)
    }

    /// Waits until no transaction holds consumers of the target topics back.
    fn until_ended(&self, seen: &mut Seen) -> Result<(), Error> {
        let away = self.stage.away()?;
        if !away.capabilities().transactions {
            return Ok(());
        }
        let mut places = Vec::new();
        for edge in self.stage.pair() {
            places.extend(self.stage.twins(edge)?.iter().map(Twin::target));
        }
        let since = Instant::now();
        loop {
            let (stable, high) = (away.known_ends(&places)?, away.high_watermarks(&places)?);
            let open = high
                .iter()
                .filter(|(place, end)| stable.get(place) != Some(end));
            let open: Vec<String> = open.map(|((t, p), _)| format!("{t}-{p}")).collect();
            if open.is_empty() {
                seen.and("no transaction is open in the target topics");
                return Ok(());
            }
            if since.elapsed() > ENDED_WITHIN {
                seen.find(format!(
                    "a transaction of somebody else is open in {}: consumers with read_committed stand before it",
                    ready::some(&open)
                ));
                return Ok(());
            }
            std::thread::sleep(LOOK);
        }
    }

    fn measure(&self, state: &mut State) -> Result<Seen, Failure> {
        state.partitions =
            measure::measure(self.stage, !self.is_home_dead.get()).map_err(Failure::cluster)?;
        let loss = state.loss();
        let count = state.partitions.len();
        Ok(match loss.offsets {
            Some(0) => Seen::that(format!("everything of {count} partitions is copied")),
            Some(offsets) => {
                let behind = state
                    .partitions
                    .iter()
                    .filter(|p| p.missing() > Some(0))
                    .count();
                Seen::that(format!(
                    "{offsets} offsets in {behind} of {count} partitions are not copied; they stay at `{}`",
                    self.stage.home
                ))
            }
            None => Seen::that(format!(
                "`{}` cannot be asked what is not copied; the newest copy in {count} partitions was written at {}",
                self.stage.home,
                loss.copied_up_to_ms
                    .map_or_else(|| "an unknown time".to_owned(), clock::text)
            )),
        })
    }

    fn groups(&self, state: &mut State) -> Result<Seen, Failure> {
        let mut seen = Seen::default();
        state.groups.clear();
        for edge in self.stage.pair() {
            let how = (self.is_look, self.is_home_dead.get());
            let figures = groups::over(self.stage, edge, how, &mut seen);
            state.groups.extend(figures.map_err(Failure::cluster)?);
        }
        Ok(seen)
    }
}

/// Fences an edge: no position of it moves any more, whoever runs it.
///
/// # Errors
/// Its target does not answer or refuses.
pub(super) fn raise(stage: &Stage, edge: &Edge, now: &str) -> Result<Rewritten, Error> {
    let twins = stage.twins(edge)?;
    let has_begun = !measure::committed(stage, edge, &twins)?.is_empty();
    if !has_begun {
        return Ok(Rewritten::default());
    }
    rewrite(stage, edge, |_, fetched| {
        let note = match fetched.offset {
            Some(_) => fetched.metadata.clone(),
            None => fence::UNBEGUN.to_owned(),
        };
        Some((fetched.offset.unwrap_or(0), fence::raise(&note, now)))
    })
}

fn told(edge: &Edge, done: &Rewritten) -> String {
    let Rewritten { put_out, positions } = done;
    if positions.is_empty() {
        return format!("edge {} runs nowhere: there is nothing to stop", edge.name);
    }
    let since = positions.values().find_map(|f| fence::since(&f.metadata));
    let who = match put_out.is_empty() {
        true => "nobody ran it".to_owned(),
        false => format!("put out {}", put_out.join(", ")),
    };
    format!(
        "edge {} is fenced since {} in {} partitions on `{}`; {who}",
        edge.name,
        since.unwrap_or("?"),
        positions.len(),
        edge.target
    )
}
