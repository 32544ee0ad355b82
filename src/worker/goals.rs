//! What `--once` must reach, and when it gives up.

use std::collections::BTreeMap;

use super::Ending;
use super::run::{ONCE_ANSWER_WITHIN, Worker};
use super::streams::Shared;
use crate::kafka::TopicPartition;
use crate::stream::Twin;

/// The last stable offsets that `--once` must reach.
pub(super) type Goals = BTreeMap<TopicPartition, i64>;

impl Worker {
    /// Whether everything that was there when the worker started is at the target.
    pub(super) fn reached(&self, shared: &Shared, goals: &Goals) -> Option<Ending> {
        let held = self.status.positions();
        let behind = |place: &TopicPartition, goal: i64| !matches!(held.get(place), Some(Some(position)) if *position >= goal);
        let open: Vec<_> = goals
            .iter()
            .filter(|(place, goal)| behind(place, **goal))
            .collect();
        if let Some(reason) = open
            .iter()
            .find_map(|(place, _)| self.status.partition_halt(place))
        {
            return Some(Ending::Halted(reason));
        }
        if self.status.is_halted() {
            return Some(Ending::Halted(
                self.status.snapshot().reason.unwrap_or_default(),
            ));
        }
        if open.is_empty() {
            return self.left_out();
        }
        let is_elsewhere = |place: &TopicPartition| !held.contains_key(place);
        if open.iter().all(|(place, _)| is_elsewhere(place)) {
            return self
                .reached_elsewhere(shared, &open)
                .then_some(Ending::CaughtUp);
        }
        None
    }

    /// Everything that can be copied has been; what cannot be is no success.
    fn left_out(&self) -> Option<Ending> {
        let catalog = self.catalog();
        if let Some(twin) = catalog.without_twin().first() {
            let Twin {
                source_topic,
                partition,
                ..
            } = twin;
            return Some(Ending::Halted(format!(
                "no target partition for {source_topic}-{partition}"
            )));
        }
        if let Some((topic, reason)) = catalog.trouble.iter().next() {
            return Some(Ending::Halted(format!("topic {topic}: {reason}")));
        }
        Some(Ending::CaughtUp)
    }

    /// What other instances hold is seen in the group's committed offsets; those of a topic that was created
    /// again since say nothing.
    fn reached_elsewhere(&self, shared: &Shared, open: &[(&TopicPartition, &i64)]) -> bool {
        let Ok(committed) = self.setup.target.group_positions(&shared.group) else {
            return false;
        };
        let twins = self.catalog().twins();
        let twins: BTreeMap<TopicPartition, &Twin> =
            twins.iter().map(|twin| (twin.source(), twin)).collect();
        let position = |place: &TopicPartition| {
            let twin = twins.get(place)?;
            shared
                .rules
                .committed_now(twin, committed.get(&twin.target())?)
        };
        open.iter()
            .all(|(place, goal)| position(place).is_some_and(|offset| offset >= **goal))
    }

    /// A cluster that does not answer, or refuses, is waited for no longer.
    pub(super) fn given_up(&self) -> Option<Ending> {
        let is_silent =
            |(since, _): &&(std::time::Instant, _)| since.elapsed() > ONCE_ANSWER_WITHIN;
        let silent = self
            .silent
            .values()
            .find(is_silent)
            .map(|(_, error)| error.clone());
        self.status
            .stuck_for(ONCE_ANSWER_WITHIN)
            .or(silent)
            .map(Ending::Cluster)
    }
}
