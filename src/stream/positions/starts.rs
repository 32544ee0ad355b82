//! Where a partition begins that has no committed position: on the edge's first run, and later.

use crossdock_model::edge::Start;
use crossdock_model::provenance::Hop;

use super::Rules;
use crate::kafka::{Error, Group, Position, Tail, await_open, last_copied};
use crate::stream::engine::Twin;
use crate::stream::seams::Outlook;

impl Rules {
    /// Commits a position for every partition when the group has none at all: the edge's first run.
    /// Later, a partition without a committed offset is a new one, or one whose progress was lost.
    ///
    /// # Errors
    /// A cluster does not answer or refuses.
    pub fn begin_first_run(&self, group: &Group, twins: &[Twin]) -> Result<(), Error> {
        let targets: Vec<_> = twins.iter().map(Twin::target).collect();
        let committed = group.committed(&targets)?;
        if twins.is_empty() || committed.values().any(|f| f.offset.is_some()) {
            return Ok(());
        }
        if !self.target.group_offsets(group.name())?.is_empty() {
            return Ok(());
        }
        let starts = self.starts(twins, self.start)?;
        let mut positions: Vec<Position> = Vec::new();
        for (twin, start) in twins.iter().zip(starts) {
            let position = match self.tail(twin, None)? {
                Tail::Last(offset) => offset + 1,
                Tail::Never | Tail::Unknown => start,
            };
            positions.push((twin.target(), position, self.note(twin).to_string()));
        }
        if group.commit_all(&positions)? {
            tracing::info!(
                edge = self.edge,
                "The edge runs for the first time: {} partitions have their starting positions.",
                twins.len()
            );
        }
        Ok(())
    }

    pub(super) fn starts(&self, twins: &[Twin], start: Start) -> Result<Vec<i64>, Error> {
        let places: Vec<_> = twins.iter().map(Twin::source).collect();
        let found = match start {
            Start::Earliest => self.source.start_offsets(&places)?,
            Start::Latest => self.source.end_offsets(&places)?,
            Start::Timestamp(timestamp) => self.source.offsets_at(&places, timestamp)?,
        };
        Ok(places
            .iter()
            .filter_map(|place| found.get(place).copied())
            .collect())
    }

    /// What the target itself tells of this edge's progress.
    /// Of a later incarnation of the source topic, its records alone count.
    pub(super) fn tail(&self, twin: &Twin, incarnation: Option<&str>) -> Result<Tail, Error> {
        let is_ours = |hop: &Hop<'_>| {
            hop.cluster_id == self.source_id
                && !hop.is_repair()
                && hop.topic == &*twin.source_topic
                && hop.partition == twin.partition
                && incarnation.is_none_or(|id| hop.topic_id == Some(id))
        };
        if self.provenance {
            await_open(&self.target, &twin.target_topic, twin.partition, is_ours)?;
            return last_copied(&self.target, &twin.target_topic, twin.partition, is_ours);
        }
        let highs = self.target.high_watermarks(&[twin.target()])?;
        Ok(match highs.get(&twin.target()) {
            Some(0) => Tail::Never,
            _ => Tail::Unknown,
        })
    }

    pub(super) fn earliest(&self, twin: &Twin) -> Result<i64, Error> {
        let starts = self.starts(std::slice::from_ref(twin), Start::Earliest)?;
        Ok(starts.first().copied().unwrap_or(0))
    }

    /// A partition without committed offset, not on the first run.
    pub(super) fn later(&self, twin: &Twin) -> Result<Outlook, Error> {
        match self.tail(twin, None)? {
            Tail::Last(offset) => {
                tracing::warn!(
                    edge = self.edge,
                    topic = &*twin.source_topic,
                    partition = twin.partition,
                    offset = offset + 1,
                    "The committed offset of {}-{} is gone; the last record at the target gives it back: {}.",
                    twin.target_topic,
                    twin.partition,
                    offset + 1
                );
                Ok(Outlook::Begin(offset + 1))
            }
            Tail::Never => Ok(Outlook::Begin(self.earliest(twin)?)),
            Tail::Unknown => Ok(Outlook::Halt(self.progress_lost(twin))),
        }
    }
}
