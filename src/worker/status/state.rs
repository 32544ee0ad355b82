//! The state of an edge and of its partitions, from evidence.

use std::time::{Duration, Instant};

use super::snapshot::{Now, PartitionSnapshot, State, bytes_of};
use super::{Inner, Partition};
use crate::stream::{Tally, Twin};
use crate::wording::and_more;

/// A partition that is behind and has not moved for longer than this stands still.
const STILL_MAX: Duration = Duration::from_secs(30);

/// What the group said longer ago than this has passed.
const GROUP_TROUBLE_AGE_MAX: Duration = Duration::from_secs(15);

/// Evidence older than this proves nothing: without news of the source's log ends, no edge is caught up.
const EVIDENCE_MAX_AGE: Duration = Duration::from_secs(5);

/// Why everything stable has been copied and yet some may be missed.
fn nothing_left(unstable: i64) -> String {
    match unstable {
        0 => "nothing left to copy".to_owned(),
        open => format!(
            "nothing left to copy; {open} records wait for a transaction that is open at the source"
        ),
    }
}

impl Inner {
    pub(super) fn is_ready(&self) -> bool {
        self.is_surveyed && (!self.has_topics || self.joined.iter().all(|joined| *joined))
    }

    /// How much of the edge is held here.
    pub(super) fn share(&self) -> f64 {
        let held = self.partitions.values().filter(|p| !p.is_twinless);
        match self.partitions_of_edge.len() {
            0 => 1.0,
            all => (held.count() as f64 / all as f64).min(1.0),
        }
    }

    /// The gravest thing that is known, with its reason.
    pub(super) fn state(
        &self,
        partitions: &[PartitionSnapshot],
        silent: Option<String>,
    ) -> (State, Option<String>) {
        let halted = |state: &State| *state == State::Halted;
        if let Some((state, reason)) = self.trouble.as_ref().filter(|(state, _)| halted(state)) {
            return (*state, Some(reason.clone()));
        }
        if self.is_paused {
            return (State::Paused, Some("paused by request".to_owned()));
        }
        let of = |state| partitions.iter().filter(move |p| p.state == state);
        if let Some(first) = of(State::Halted).next() {
            let (count, all) = (of(State::Halted).count(), partitions.len());
            let reason = first.reason.as_deref().unwrap_or_default();
            return (
                State::Halted,
                Some(format!("{count} of {all} partitions: {reason}")),
            );
        }
        let retrying = of(State::Retrying).next().and_then(|p| p.reason.clone());
        if let Some(reason) = self.hindrance(retrying).or(silent) {
            return (State::Retrying, Some(reason));
        }
        if !self.is_ready() || of(State::Starting).next().is_some() {
            return (State::Starting, Some("joining its group".to_owned()));
        }
        if self.has_topics
            && self
                .ends_seen
                .is_none_or(|seen| seen.elapsed() > EVIDENCE_MAX_AGE)
        {
            return (
                State::Retrying,
                Some("the source does not tell its log ends".to_owned()),
            );
        }
        if of(State::Running).next().is_some() {
            return (State::Running, None);
        }
        if let Some((topic, partition)) = self.newcomers.first() {
            let more = and_more(self.newcomers.len() - 1);
            let reason = format!("{topic}-{partition} is new{more}: nobody has begun yet");
            return (State::Running, Some(reason));
        }
        if let Some(reason) = self.behind_elsewhere() {
            return (State::Running, Some(reason));
        }
        let unstable = self.partitions.values().map(Partition::unstable).sum();
        let mut reason = match (self.has_topics, partitions.is_empty()) {
            (false, _) => "no topic of the source matches".to_owned(),
            (true, true) => "other instances hold all partitions".to_owned(),
            (true, false) => {
                let blocked = self.partitions.values().find_map(Partition::blocked);
                blocked.unwrap_or_else(|| nothing_left(unstable))
            }
        };
        if !self.source_gone.is_empty() {
            let gone: Vec<&str> = self.source_gone.iter().map(String::as_str).collect();
            reason = format!("{reason}; source gone: {}", gone.join(", "));
        }
        (State::CaughtUp, Some(reason))
    }

    /// What keeps the edge from getting on, though it tries.
    pub(super) fn hindrance(&self, partition: Option<String>) -> Option<String> {
        let whole = self.trouble.as_ref().map(|(_, reason)| reason.clone());
        let stream = || {
            self.waits
                .iter()
                .flatten()
                .next()
                .map(|(_, error)| error.to_string())
        };
        let topic = || {
            self.topic_trouble
                .iter()
                .next()
                .map(|(topic, why)| format!("topic {topic}: {why}"))
        };
        let joins = |since: &Instant| !self.is_ready() && since.elapsed() < GROUP_TROUBLE_AGE_MAX;
        let group = || {
            self.group_trouble
                .as_ref()
                .filter(|(since, _)| joins(since))
                .map(|(_, why)| why.clone())
        };
        whole
            .or_else(stream)
            .or(partition)
            .or_else(topic)
            .or_else(|| self.orphans.clone())
            .or_else(group)
    }
}

impl Partition {
    pub(super) fn lag(&self) -> i64 {
        match (self.end, self.position) {
            (Some(end), Some(position)) => (end - position).max(0),
            _ => 0,
        }
    }

    pub(super) fn unstable(&self) -> i64 {
        match (self.end, self.high) {
            (Some(end), Some(high)) => (high - end).max(0),
            _ => 0,
        }
    }

    /// How long records have been seen waiting.
    pub(super) fn wait(&self, now: &Now) -> Duration {
        let since = self.waiting.since().filter(|_| self.lag() > 0);
        since.map_or(Duration::ZERO, |since| now.at.saturating_sub(since))
    }

    pub(super) fn lag_seconds(&self, now: &Now) -> f64 {
        if self.lag() == 0 {
            return 0.0;
        }
        let age = self.pending.map_or(0, |timestamp| now.ms - timestamp);
        let age = Duration::from_millis(u64::try_from(age).unwrap_or(0));
        age.max(self.wait(now)).as_secs_f64()
    }

    /// How long it has stood still, if that is too long.
    pub(super) fn stands_still(&self, now: &Now) -> Option<Duration> {
        let still = self.progress.elapsed();
        (self.lag() > 0 && still > STILL_MAX && !now.is_limited).then_some(still)
    }

    pub(super) fn state(&self, now: &Now) -> (State, Option<String>) {
        match (&self.trouble, self.position, self.end) {
            (Some((state, reason)), _, _) => (*state, Some(reason.clone())),
            (None, None, _) => (State::Starting, Some("finding its position".to_owned())),
            (None, Some(position), Some(end)) if position >= end => {
                let nothing = || nothing_left(self.unstable());
                (
                    State::CaughtUp,
                    Some(self.blocked().unwrap_or_else(nothing)),
                )
            }
            (None, Some(position), _) => match self.stands_still(now) {
                None => (State::Running, None),
                Some(still) => {
                    let Twin {
                        source_topic,
                        partition,
                        ..
                    } = &self.twin;
                    let at_whom = match self.pending {
                        Some(_) => "the target has not acknowledged what was read from there on",
                        None => "the source has not handed out what follows",
                    };
                    let reason = format!(
                        "{source_topic}-{partition} has stood at offset {position} for {} s: {at_whom}",
                        still.as_secs()
                    );
                    (State::Retrying, Some(reason))
                }
            },
        }
    }

    /// As it is told. `done` is what was copied of it, `of_edge` of all partitions.
    pub(super) fn snapshot(
        &self,
        now: &Now,
        done: Option<&Tally>,
        of_edge: &Tally,
    ) -> PartitionSnapshot {
        let (state, reason) = self.state(now);
        let done = done.copied().unwrap_or_default();
        let sized = if done.records > 0 { &done } else { of_edge };
        PartitionSnapshot {
            topic: self.twin.source_topic.to_string(),
            partition: self.twin.partition,
            target_topic: self.twin.target_topic.to_string(),
            position: self.position,
            set_by_hand: self.by_hand,
            log_end_offset: self.end,
            state,
            reason,
            lag_records: self.lag(),
            lag_bytes: bytes_of(self.lag(), sized),
            lag_seconds: self.lag_seconds(now),
            progress_seconds: self.progress.elapsed().as_secs_f64(),
            records_total: done.records,
            bytes_total: done.bytes,
            batches_total: done.batches,
        }
    }
}
