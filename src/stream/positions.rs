//! Where partitions go on: the committed offset, else the tail of the target, else the beginning,
//! else nowhere until a person decides.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use crossdock_model::edge::{OnGap, OnRecreated, Start};
use crossdock_model::provenance::Hop;

use super::engine::Twin;
use super::seams::{Outlook, Positions};
use crate::kafka::{
    Cluster, Error, Fetched, Group, Member, Position, Tail, TopicPartition, last_copied,
};

/// What an edge knows of its topics; refreshed while it runs.
#[derive(Debug, Default)]
pub struct Facts {
    /// Ids of source topics, where the cluster tells them.
    pub topic_ids: BTreeMap<String, String>,
    /// Log end offsets of target partitions, as last seen.
    pub target_ends: BTreeMap<TopicPartition, i64>,
}

/// How an edge decides where partitions go on.
#[derive(Clone)]
pub struct Rules {
    /// Name of the edge, for messages.
    pub edge: String,
    /// Group that holds its progress.
    pub group: String,
    /// The topology's file, for the commands that messages name.
    pub file: String,
    /// What ends the client ids of this process alone.
    pub process: String,
    /// Cluster that is read.
    pub source: Arc<Cluster>,
    /// Its id.
    pub source_id: String,
    /// Cluster that is written.
    pub target: Arc<Cluster>,
    /// Whether records say where they come from: without, lost progress always halts.
    pub provenance: bool,
    /// Where the first run begins.
    pub start: Start,
    /// For source records that are gone.
    pub on_gap: OnGap,
    /// For a topic that was created again.
    pub on_recreated: OnRecreated,
    /// Shared with the edge, which refreshes it.
    pub facts: Arc<RwLock<Facts>>,
}

/// The rules, with a member to ask.
pub struct EdgePositions {
    /// The rules.
    pub rules: Rules,
    /// Asks for committed offsets.
    pub member: Arc<Member>,
    /// The source topic's id as it was when a partition's position was found: what is copied from then
    /// on belongs to that incarnation, whatever the topic's id is by now.
    pub notes: RefCell<BTreeMap<Twin, Option<String>>>,
}

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
            let position = match self.tail(twin)? {
                Tail::Last(offset) => offset + 1,
                Tail::Never | Tail::Unknown => start,
            };
            positions.push((twin.target(), position, self.note(twin)));
        }
        if group.commit_all(&positions)? {
            tracing::info!(
                "Edge {} runs for the first time: {} partitions have their starting positions.",
                self.edge,
                twins.len()
            );
        }
        Ok(())
    }

    fn starts(&self, twins: &[Twin], start: Start) -> Result<Vec<i64>, Error> {
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
    fn tail(&self, twin: &Twin) -> Result<Tail, Error> {
        let is_ours = |hop: &Hop<'_>| {
            hop.cluster_id == self.source_id
                && !hop.is_repair()
                && hop.topic == &*twin.source_topic
                && hop.partition == twin.partition
        };
        if self.provenance {
            return last_copied(&self.target, &twin.target_topic, twin.partition, is_ours);
        }
        let end = self
            .target
            .end_offsets(&[twin.target()])?
            .get(&twin.target())
            .copied();
        Ok(if end == Some(0) {
            Tail::Never
        } else {
            Tail::Unknown
        })
    }

    /// What is noted with a committed position: how a recreated topic or a truncated target is told
    /// from a healthy one.
    pub fn note(&self, twin: &Twin) -> String {
        self.note_with(twin, self.topic_id(twin).as_deref())
    }

    fn note_with(&self, twin: &Twin, topic_id: Option<&str>) -> String {
        let facts = self.facts.read().unwrap_or_else(PoisonError::into_inner);
        let target_end = facts.target_ends.get(&twin.target()).copied().unwrap_or(0);
        format!(
            "v1 topic-id={} target-end={target_end}",
            topic_id.unwrap_or("-")
        )
    }

    pub(super) fn topic_id(&self, twin: &Twin) -> Option<String> {
        let facts = self.facts.read().unwrap_or_else(PoisonError::into_inner);
        facts.topic_ids.get(&*twin.source_topic).cloned()
    }

    fn resume(&self, twin: &Twin, offset: i64, noted: &str) -> Result<Outlook, Error> {
        let known = self.topic_id(twin);
        let then = noted
            .split(' ')
            .find_map(|part| part.strip_prefix("topic-id="))
            .filter(|id| *id != "-");
        match (then, known) {
            (Some(then), Some(now)) if then != now => self.recreated(twin, then, &now),
            _ => Ok(Outlook::Resume(offset)),
        }
    }

    fn recreated(&self, twin: &Twin, then: &str, now: &str) -> Result<Outlook, Error> {
        let Twin {
            source_topic,
            partition,
            ..
        } = twin;
        let what = format!(
            "topic {source_topic} was deleted and created again on cluster `{}` (id {then}, now {now})",
            self.source.alias()
        );
        match self.on_recreated {
            OnRecreated::Halt => Ok(Outlook::Halt(format!(
                "recreated: {what}; `on_recreated: restart` copies the new one from its beginning"
            ))),
            OnRecreated::Restart => {
                tracing::warn!(
                    "Edge {}: {what}; partition {partition} restarts from its beginning.",
                    self.edge
                );
                let starts = self.starts(std::slice::from_ref(twin), Start::Earliest)?;
                Ok(Outlook::Begin(starts.first().copied().unwrap_or(0)))
            }
        }
    }

    /// A partition whose progress is kept under a former name of its topic.
    fn under_new_name(&self, twin: &Twin, (former, offset): &(TopicPartition, i64)) -> Outlook {
        tracing::info!(
            edge = self.edge,
            "{}-{} was {} on the target and is {} now; it goes on at offset {offset}.",
            twin.source_topic,
            twin.partition,
            former.0,
            twin.target_topic
        );
        Outlook::Begin(*offset)
    }

    /// A partition without committed offset, not on the first run.
    fn later(&self, twin: &Twin) -> Result<Outlook, Error> {
        match self.tail(twin)? {
            Tail::Last(offset) => {
                tracing::warn!(
                    "Edge {}: the committed offset of {}-{} is gone; the last record at the target gives it back: {}.",
                    self.edge,
                    twin.target_topic,
                    twin.partition,
                    offset + 1
                );
                Ok(Outlook::Begin(offset + 1))
            }
            Tail::Never => {
                let starts = self.starts(std::slice::from_ref(twin), Start::Earliest)?;
                Ok(Outlook::Begin(starts.first().copied().unwrap_or(0)))
            }
            Tail::Unknown => Ok(Outlook::Halt(self.progress_lost(twin))),
        }
    }

    fn progress_lost(&self, twin: &Twin) -> String {
        let Self { edge, file, .. } = self;
        let Twin {
            source_topic,
            target_topic,
            partition,
        } = twin;
        format!(
            "progress_lost: cluster `{}` holds neither a committed offset for {target_topic}-{partition} nor a record that this edge wrote; \
             decide where {source_topic}-{partition} goes on: `crossdock offsets {file} --edge {edge} --topic {source_topic} --partition {partition} --offset N --set` \
             (its log start offset copies again what is still there, its end skips it)",
            self.target.alias()
        )
    }
}

impl Positions for EdgePositions {
    fn outlook(&self, twins: &[Twin]) -> Result<Vec<Result<Outlook, Error>>, Error> {
        let targets: Vec<_> = twins.iter().map(Twin::target).collect();
        let fetched = self.member.committed(&targets)?;
        let none = Fetched::default();
        let is_new = |twin: &Twin| {
            fetched
                .get(&twin.target())
                .is_none_or(|f| f.offset.is_none())
        };
        let new: Vec<&Twin> = twins.iter().filter(|twin| is_new(twin)).collect();
        let mut former = self.rules.former(&new)?;
        let mut of = |twin: &Twin| {
            self.notes
                .borrow_mut()
                .insert(twin.clone(), self.rules.topic_id(twin));
            let Fetched { offset, metadata } = fetched.get(&twin.target()).unwrap_or(&none);
            offset.map_or_else(
                || match former.remove(twin) {
                    Some(former) => Ok(self.rules.under_new_name(twin, &former?)),
                    None => self.rules.later(twin),
                },
                |offset| self.rules.resume(twin, offset, metadata),
            )
        };
        Ok(twins.iter().map(&mut of).collect())
    }

    fn out_of_range(&self, twin: &Twin, position: i64) -> Result<Outlook, Error> {
        let noted = self.notes.borrow().get(twin).cloned().flatten();
        let now = self
            .rules
            .source
            .topic_ids(&[&twin.source_topic])?
            .remove(&*twin.source_topic);
        if let (Some(then), Some(now)) = (&noted, &now)
            && then != now
        {
            let outlook = self.rules.recreated(twin, then, now)?;
            self.notes
                .borrow_mut()
                .insert(twin.clone(), Some(now.clone()));
            return Ok(outlook);
        }
        let place = twin.source();
        let of = |found: BTreeMap<TopicPartition, i64>| found.get(&place).copied().unwrap_or(0);
        let log_start = of(self
            .rules
            .source
            .start_offsets(std::slice::from_ref(&place))?);
        let end = of(self
            .rules
            .source
            .end_offsets(std::slice::from_ref(&place))?);
        let Twin {
            source_topic,
            partition,
            ..
        } = twin;
        let (what, behind) = if position < log_start {
            (
                format!(
                    "offsets [{position}, {log_start}) of {source_topic}-{partition} were removed before they could be copied"
                ),
                log_start,
            )
        } else if position > end {
            (
                format!(
                    "the log of {source_topic}-{partition} ends at {end}, before position {position}: it was cut or created again"
                ),
                end,
            )
        } else {
            return Ok(Outlook::Resume(position));
        };
        match self.rules.on_gap {
            OnGap::Halt => Ok(Outlook::Halt(format!(
                "gap: {what} on cluster `{}`; `on_gap: continue` goes on at offset {behind}",
                self.rules.source.alias()
            ))),
            OnGap::Continue => {
                tracing::error!(
                    "Edge {}: {what}; it goes on at offset {behind}.",
                    self.rules.edge
                );
                Ok(Outlook::Skip(behind))
            }
        }
    }

    fn note(&self, twin: &Twin) -> String {
        let noted = self.notes.borrow().get(twin).cloned();
        self.rules.note_with(
            twin,
            noted
                .unwrap_or_else(|| self.rules.topic_id(twin))
                .as_deref(),
        )
    }
}
