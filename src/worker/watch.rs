//! Watching: keeps both sides in step while the streams copy, and notices what does not get on.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use super::Ending;
use super::goals::Goals;
use super::orphans::Orphans;
use super::run::{TICK, Task, Trouble, Worker};
use super::status::{Elsewhere, State};
use super::streams::{Shared, Streams};
use crossdock_model::edge::OnOversize;

use crate::kafka::{Glance, LookAt, Position, TopicPartition};
use crate::stream::Twin;
use crate::wording::and_more;

/// Between two looks at the topics of both clusters, at least.
const SURVEY_INTERVAL_MIN: Duration = Duration::from_secs(2);

/// And at most, however long looking takes.
const SURVEY_INTERVAL_MAX: Duration = Duration::from_secs(60);

/// Looking takes at most one part in so many of the time, however many topics there are.
const SURVEY_SHARE: u32 = 20;

/// Between two commits to the report group.
const REPORT_INTERVAL: Duration = Duration::from_secs(5);

/// Between two looks at the source's log ends.
const ENDS_INTERVAL: Duration = Duration::from_secs(1);

/// Open transactions that are looked at in one go.
const OPEN_LOOKS: usize = 3;

/// Between two looks at whether `--once` has reached its goals.
const GOAL_INTERVAL: Duration = Duration::from_millis(300);

impl Worker {
    /// Keeps both sides in step while the streams copy.
    pub(super) fn watch(
        &mut self,
        shared: &Shared,
        streams: &mut Streams,
        goals: &Goals,
    ) -> Ending {
        let (mut survey, mut ends) = (Every::new(SURVEY_INTERVAL_MIN), Every::new(ENDS_INTERVAL));
        let (mut report, mut goal) = (Every::new(REPORT_INTERVAL), Every::new(GOAL_INTERVAL));
        let mut orphans = Orphans::default();
        while !self.control.is_stopping() {
            if survey.is_due() {
                let begun = Instant::now();
                self.attend(Task::Survey, Self::look);
                let share = begun.elapsed() * SURVEY_SHARE;
                let is_answered = !self.silent.contains_key(&Task::Survey);
                let longest = if is_answered {
                    SURVEY_INTERVAL_MAX
                } else {
                    SURVEY_INTERVAL_MIN
                };
                survey.interval = share.clamp(SURVEY_INTERVAL_MIN, longest);
                self.settle_untwinned();
                streams.topics_changed(&self.facts, &self.catalog());
            }
            if ends.is_due() {
                self.attend(Task::Ends, Self::list_ends);
                if self.status.wants_look_elsewhere() {
                    self.attend(Task::Orphans, |worker| {
                        worker.find_orphans(shared, streams, &mut orphans)
                    });
                }
                if let Err(error) = streams.revive(shared) {
                    self.status.trouble(State::Retrying, error.to_string());
                }
            }
            if report.is_due() {
                self.report();
                self.list_unstable();
                self.look_at_open();
                self.count_replays(shared);
                self.attend(Task::Orphans, |worker| {
                    worker.find_orphans(shared, streams, &mut orphans)
                });
            }
            if self.setup.once
                && goal.is_due()
                && let Some(ending) = self.reached(shared, goals).or_else(|| self.given_up())
            {
                return ending;
            }
            std::thread::sleep(TICK);
        }
        Ending::Stopped
    }

    /// What is not held here must get on elsewhere.
    fn find_orphans(
        &mut self,
        shared: &Shared,
        streams: &Streams,
        orphans: &mut Orphans,
    ) -> Result<(), Trouble> {
        let held = self.status.positions();
        let mut elsewhere = self.catalog().twins();
        elsewhere.retain(|twin| !held.contains_key(&twin.source()));
        let can_tell = self.setup.target.capabilities().admin;
        if elsewhere.is_empty() || self.control.is_paused() || !can_tell {
            self.status.orphans(None);
            self.status.elsewhere(Elsewhere::Level);
            return Ok(());
        }
        let committed = self.setup.target.group_offsets(&shared.group)?;
        let is_begun = |twin: &Twin| committed.contains_key(&twin.target());
        let begun = elsewhere.iter().filter(|twin| is_begun(twin));
        let begun: BTreeSet<TopicPartition> = begun.map(Twin::source).collect();
        self.status.begun(|place| begun.contains(place));
        let found = orphans.among(&elsewhere, &committed, &self.setup.source)?;
        self.status.elsewhere(match orphans.behind() {
            Some((first, count)) => Elsewhere::Behind(first, count),
            None => Elsewhere::Level,
        });
        let reason = found.first().map(|(topic, partition)| {
            format!(
                "{topic}-{partition} has no owner in the group{}; joining anew",
                and_more(found.len() - 1)
            )
        });
        if let Some(reason) = &reason
            && orphans.should_rejoin()
        {
            tracing::warn!(edge = self.setup.edge.name.as_str(), "{reason}.");
            streams.rejoin();
        }
        self.status.orphans(reason);
        Ok(())
    }

    /// Does something that may fail and will be done again.
    fn attend(&mut self, task: Task, attempt: impl FnOnce(&mut Self) -> Result<(), Trouble>) {
        match attempt(self) {
            Ok(()) => {
                self.silent.remove(&task);
                if self.silent.is_empty() {
                    self.status.untroubled();
                }
            }
            Err(Trouble::Retry(error)) => {
                self.silent(task, &error);
                self.status.count(|counts| counts.retry(error.kind));
                self.status.trouble(State::Retrying, error.to_string());
            }
            Err(Trouble::Halt(reason)) => self.status.trouble(State::Halted, reason),
        }
    }

    fn list_ends(&mut self) -> Result<(), Trouble> {
        let held: Vec<_> = self
            .status
            .positions()
            .into_iter()
            .filter(|(_, p)| p.is_some())
            .map(|(place, _)| place)
            .collect();
        self.status.ends(&self.setup.source.known_ends(&held)?);
        Ok(())
    }

    /// Records of transactions that are open at the source wait there, not here: that they do is told.
    fn list_unstable(&self) {
        let held: Vec<_> = self.status.positions().into_keys().collect();
        // Whether the source answers is told by its log ends.
        if let Ok(highs) = self.setup.source.high_watermarks(&held) {
            self.status.highs(&highs);
        }
    }

    /// Since when transactions are open that keep records waiting: their first record says so.
    fn look_at_open(&self) {
        let source = &self.setup.source;
        for (place, span) in self.status.open_unknown().into_iter().take(OPEN_LOOKS) {
            let mut since_ms = None;
            let looked = Glance::uncommitted(source).and_then(|mut glance| {
                let at = LookAt {
                    topic: place.0.clone(),
                    partition: place.1,
                    from: span.0,
                    end: span.1,
                };
                glance.look(&at, |record| {
                    since_ms.get_or_insert(record.timestamp());
                })
            });
            match (looked, since_ms) {
                (Ok(_), Some(since_ms)) => self.status.open_since(&place, span.0, since_ms),
                (Ok(_), None) => {}
                (Err(error), _) => tracing::debug!("{error}."),
            }
        }
    }

    /// What was replayed by hand is noted in the group, next to the positions.
    fn count_replays(&self, shared: &Shared) {
        let edge = &self.setup.edge;
        if edge.on_oversize != OnOversize::DeadLetter {
            return;
        }
        let place = (shared.recipe.dead_letter_topic.as_str().into(), 0);
        // It is for the eyes only: whether the target answers is told by others.
        let Ok(positions) = self.setup.target.group_positions(&shared.group) else {
            return;
        };
        let note = positions.get(&place).map(|f| f.metadata.as_str());
        let total = note.and_then(|note| note.strip_prefix("v1 replayed=")?.parse().ok());
        self.status.replayed(total.unwrap_or(0));
    }

    /// Commits the positions to `report_group` at the source, for whoever looks at its lag there. It is
    /// for the eyes only: that it fails stops nothing.
    fn report(&self) {
        let Some(group) = &self.reporter else { return };
        let held = self.status.positions().into_iter();
        let positions: Vec<Position> = held
            .filter_map(|(place, at)| Some((place, at?, String::new())))
            .collect();
        match group.commit(&positions) {
            Ok(true) => {}
            Ok(false) => tracing::warn!(
                edge = self.setup.edge.name.as_str(),
                "The report group has members of its own; it is left alone."
            ),
            Err(error) => tracing::warn!(
                edge = self.setup.edge.name.as_str(),
                "Cannot report the position: {error}."
            ),
        }
    }

    /// The group hands out target partitions only: who holds a topic's first one speaks for the source
    /// partitions that have none.
    fn settle_untwinned(&self) {
        let held = self.status.positions();
        let speaks = |twin: &Twin| {
            held.get(&(twin.source_topic.clone(), 0))
                .is_some_and(Option::is_some)
        };
        let catalog = self.catalog();
        let mut without = catalog.without_twin();
        without.retain(speaks);
        self.status.forget_twinless(&without);
        for twin in without {
            let Twin {
                target_topic,
                partition,
                ..
            } = &twin;
            let target = &self.setup.edge.target;
            let pair = catalog.pairs.get(target_topic);
            let (has, needs) = pair.map_or((0, 0), |p| (p.target_partitions, p.source_partitions));
            let reason = format!(
                "no target partition: {target_topic} has no partition {partition} on cluster `{target}`: it has {has}, and the source's has {needs}"
            );
            self.status.without_twin(&twin, reason);
        }
    }
}

/// Something that is done again and again.
struct Every {
    interval: Duration,
    last: Option<Instant>,
}

impl Every {
    fn new(interval: Duration) -> Self {
        Self {
            interval,
            last: None,
        }
    }

    /// Whether it is time, which it is then not again for a while.
    fn is_due(&mut self) -> bool {
        let is_due = self.last.is_none_or(|last| last.elapsed() > self.interval);
        if is_due {
            self.last = Some(Instant::now());
        }
        is_due
    }
}
