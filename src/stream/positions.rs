//! Where partitions go on: the committed offset, else the tail of the target, else the beginning,
//! else nowhere until a person decides.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError, RwLock};

use crossdock_model::edge::{OnGap, OnRecreated, Start};
use crossdock_model::note::{Epoch, Note};
use crossdock_model::provenance::Hop;
use crossdock_model::switch::fence;

use super::engine::{Origin, Twin};
use super::renamed::kafka_id;
use super::seams::{Outlook, Positions};
use crate::kafka::{
    Cluster, Error, Fetched, Group, Member, Position, Properties, Tail, TopicDescribed,
    TopicPartition, Writer, last_copied,
};

/// What an edge knows of its topics; refreshed while it runs.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// Ids of source topics, where the cluster tells them.
    pub topic_ids: BTreeMap<String, String>,
    /// Ids of target topics.
    pub target_ids: BTreeMap<String, String>,
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
    /// Who commits: `<instance>.<stream>`.
    pub by: String,
    /// How the target is written, where that happens in transactions.
    pub writer: Option<Properties>,
    /// What was known when a partition's position was found: what is copied from then on belongs to that
    /// incarnation of both topics, whatever their ids are by now.
    pub notes: RefCell<BTreeMap<Twin, Note>>,
}

/// Where a partition goes on, and what is noted with its positions from then on.
type Found = (Outlook, Note);

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
    /// Of a later incarnation of the source topic, its records alone count.
    fn tail(&self, twin: &Twin, incarnation: Option<&str>) -> Result<Tail, Error> {
        let is_ours = |hop: &Hop<'_>| {
            hop.cluster_id == self.source_id
                && !hop.is_repair()
                && hop.topic == &*twin.source_topic
                && hop.partition == twin.partition
                && incarnation.is_none_or(|id| hop.topic_id == Some(id))
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
    pub fn note(&self, twin: &Twin) -> Note {
        let facts = self.facts.read().unwrap_or_else(PoisonError::into_inner);
        let id =
            |ids: &BTreeMap<String, String>, topic: &str| ids.get(topic).map(|id| kafka_id(id));
        Note {
            topic_id: id(&facts.topic_ids, &twin.source_topic),
            target_id: id(&facts.target_ids, &twin.target_topic),
            target_end: facts.target_ends.get(&twin.target()).copied(),
            ..Note::default()
        }
    }

    pub(super) fn topic_id(&self, twin: &Twin) -> Option<String> {
        let facts = self.facts.read().unwrap_or_else(PoisonError::into_inner);
        facts.topic_ids.get(&*twin.source_topic).cloned()
    }

    /// A committed position, where it is of both topics as they are now.
    pub fn committed_now(&self, twin: &Twin, fetched: &Fetched) -> Option<i64> {
        let (noted, now) = (Note::parse(&fetched.metadata), self.note(twin));
        let is_of_former =
            is_other(&noted.topic_id, &now.topic_id) || is_other(&noted.target_id, &now.target_id);
        fetched.offset.filter(|_| !is_of_former)
    }

    /// Asks both clusters anew about the topics of some partitions.
    fn refresh(&self, twins: &[Twin]) -> Result<(), Error> {
        let ids = |cluster: &Cluster, topics: BTreeSet<&str>| {
            let topics: Vec<&str> = topics.into_iter().collect();
            cluster.topic_ids(&topics)
        };
        let sources = ids(
            &self.source,
            twins.iter().map(|t| &*t.source_topic).collect(),
        )?;
        let targets = ids(
            &self.target,
            twins.iter().map(|t| &*t.target_topic).collect(),
        )?;
        let places: Vec<_> = twins.iter().map(Twin::target).collect();
        let ends = self.target.known_ends(&places)?;
        let mut facts = self.facts.write().unwrap_or_else(PoisonError::into_inner);
        facts.topic_ids.extend(sources);
        facts.target_ids.extend(targets);
        facts.target_ends.extend(ends);
        Ok(())
    }

    fn resume(&self, twin: &Twin, offset: i64, noted: &Note) -> Result<Found, Error> {
        let now = self.note(twin);
        let kept = Note {
            born: noted.born,
            epoch: noted.epoch,
            ..now.clone()
        };
        if noted.by_hand {
            return Ok((Outlook::ByHand(offset), now));
        }
        if is_other(&noted.topic_id, &now.topic_id) {
            return self.recreated(twin, noted, now);
        }
        if is_other(&noted.target_id, &now.target_id) {
            return self.target_recreated(twin, kept);
        }
        match (noted.target_end, now.target_end) {
            (Some(then), Some(end)) if end < then => self.target_cut(twin, (then, end), kept),
            _ => Ok((Outlook::Resume(offset), kept)),
        }
    }

    fn recreated(&self, twin: &Twin, noted: &Note, now: Note) -> Result<Found, Error> {
        let Twin {
            source_topic,
            partition,
            ..
        } = twin;
        let id = |note: &Note| note.topic_id.clone().unwrap_or_default();
        let what = format!(
            "topic {source_topic} was deleted and created again on cluster `{}` (id {}, now {})",
            self.source.alias(),
            id(noted),
            id(&now)
        );
        match self.on_recreated {
            OnRecreated::Halt => {
                let reason = format!(
                    "recreated: {what}; `on_recreated: restart` copies the new one from its beginning"
                );
                Ok((Outlook::Halt(reason), noted.clone()))
            }
            OnRecreated::Restart => {
                tracing::warn!(
                    "Edge {}: {what}; partition {partition} restarts from its beginning.",
                    self.edge
                );
                Ok((
                    Outlook::Begin(self.earliest(twin)?),
                    self.reborn(twin, now)?,
                ))
            }
        }
    }

    /// Source offsets go back: records from here on are of another incarnation.
    fn reborn(&self, twin: &Twin, note: Note) -> Result<Note, Error> {
        let place = twin.target();
        let ends = self.target.end_offsets(std::slice::from_ref(&place))?;
        Ok(Note {
            born: ends.get(&place).copied(),
            epoch: None,
            ..note
        })
    }

    fn earliest(&self, twin: &Twin) -> Result<i64, Error> {
        let starts = self.starts(std::slice::from_ref(twin), Start::Earliest)?;
        Ok(starts.first().copied().unwrap_or(0))
    }

    /// The target topic is not the one that was written: nothing that was copied is in it.
    fn target_recreated(&self, twin: &Twin, note: Note) -> Result<Found, Error> {
        let Twin {
            target_topic,
            partition,
            ..
        } = twin;
        let what = format!(
            "topic {target_topic} was deleted and created again on cluster `{}`",
            self.target.alias()
        );
        if self.tail(twin, None)? == Tail::Never {
            tracing::error!(
                "Edge {}: {what}; partition {partition} is copied again from the source's beginning.",
                self.edge
            );
            let note = Note { born: None, ..note };
            return Ok((Outlook::Begin(self.earliest(twin)?), note));
        }
        let reason = format!(
            "target_recreated: {what}, and holds records already; {}",
            self.decide(twin)
        );
        Ok((Outlook::Halt(reason), note))
    }

    /// The target's log is shorter than it was when the position was committed: records are lost there.
    fn target_cut(&self, twin: &Twin, (then, end): (i64, i64), note: Note) -> Result<Found, Error> {
        let Twin {
            target_topic,
            partition,
            ..
        } = twin;
        let what = format!(
            "{target_topic}-{partition} on cluster `{}` ends at {end} and has ended at {then}: it was cut there",
            self.target.alias()
        );
        let incarnation = note.born.and(note.topic_id.clone());
        let position = match self.tail(twin, incarnation.as_deref())? {
            Tail::Last(offset) => offset + 1,
            Tail::Never => self.earliest(twin)?,
            Tail::Unknown => {
                let reason = format!("target_cut: {what}; {}", self.decide(twin));
                return Ok((Outlook::Halt(reason), note));
            }
        };
        tracing::error!(
            "Edge {}: {what}; what is missing is copied again, from source offset {position} on.",
            self.edge
        );
        let note = Note {
            epoch: None,
            ..note
        };
        Ok((Outlook::Begin(position), note))
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
        match self.tail(twin, None)? {
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
            Tail::Never => Ok(Outlook::Begin(self.earliest(twin)?)),
            Tail::Unknown => Ok(Outlook::Halt(self.progress_lost(twin))),
        }
    }

    /// Since when the edge is fenced, where these partitions are new: one that nobody ever began is of
    /// a fenced edge too.
    fn fenced_edge(&self, new: &[&Twin]) -> Result<Option<String>, Error> {
        if new.is_empty() {
            return Ok(None);
        }
        let all = self.target.group_positions(&self.group)?;
        let since = all.values().find_map(|f| fence::since(&f.metadata));
        Ok(since.map(str::to_owned))
    }

    /// A failover has stopped the edge.
    fn fenced(&self, since: &str) -> String {
        let Self {
            file,
            source,
            target,
            ..
        } = self;
        let (from, to) = (source.alias(), target.alias());
        format!(
            "fenced: cluster `{from}` was failed over at {since}; `crossdock failback {file} --from {from} --to {to}` lets the edge go on"
        )
    }

    fn progress_lost(&self, twin: &Twin) -> String {
        format!(
            "progress_lost: cluster `{}` holds neither a committed offset for {}-{} nor a record that this edge wrote; {}",
            self.target.alias(),
            twin.target_topic,
            twin.partition,
            self.decide(twin)
        )
    }

    fn decide(&self, twin: &Twin) -> String {
        let Self { edge, file, .. } = self;
        let Twin {
            source_topic,
            partition,
            ..
        } = twin;
        format!(
            "decide where {source_topic}-{partition} goes on: `crossdock offsets {file} --edge {edge} --topic {source_topic} --partition {partition} --offset N --set` \
             (its log start offset copies again what is still there, its end skips it)"
        )
    }

    /// Why a target topic cannot be written, by what the cluster says about it.
    fn ailment(
        &self,
        topic: &str,
        found: Option<&Result<TopicDescribed, String>>,
    ) -> Option<String> {
        let (alias, principal) = (self.target.alias(), self.target.principal());
        match found {
            None => Some(format!(
                "topic {topic} is not on cluster `{alias}`: it was deleted there"
            )),
            Some(Err(words)) => Some(format!(
                "{principal} may not DESCRIBE topic {topic} on cluster `{alias}`: {words}"
            )),
            Some(Ok(described)) => {
                let may = described.operations.as_ref()?;
                // To read as well: the positions of its partitions are committed with the records.
                let missing = ["WRITE", "READ"]
                    .into_iter()
                    .find(|operation| !may.contains(*operation) && !may.contains("ALL"))?;
                Some(format!(
                    "{principal} may not {missing} topic {topic} on cluster `{alias}`; it goes on by itself when that is granted"
                ))
            }
        }
    }
}

impl Positions for EdgePositions {
    fn outlook(&self, twins: &[Twin]) -> Result<Vec<Result<Outlook, Error>>, Error> {
        let rules = &self.rules;
        let targets: Vec<_> = twins.iter().map(Twin::target).collect();
        let fetched = match self.member.committed(&targets) {
            Ok(fetched) => fetched,
            Err(error) => {
                self.end_of_former_owners(&targets);
                return Err(error);
            }
        };
        rules.refresh(twins)?;
        let none = Fetched::default();
        let is_new = |twin: &Twin| {
            fetched
                .get(&twin.target())
                .is_none_or(|f| f.offset.is_none())
        };
        let new: Vec<&Twin> = twins.iter().filter(|twin| is_new(twin)).collect();
        let mut former = rules.former(&new)?;
        let fenced_edge = rules.fenced_edge(&new)?;
        let mut of = |twin: &Twin| {
            let Fetched { offset, metadata } = fetched.get(&twin.target()).unwrap_or(&none);
            let fenced =
                fence::since(metadata).or(fenced_edge.as_deref().filter(|_| offset.is_none()));
            if let Some(since) = fenced {
                return Ok(Outlook::Halt(rules.fenced(since)));
            }
            let note = rules.note(twin);
            let (outlook, note) = match offset {
                Some(offset) => rules.resume(twin, *offset, &Note::parse(metadata))?,
                None => match former.remove(twin) {
                    Some(former) => (rules.under_new_name(twin, &former?), note),
                    None => (rules.later(twin)?, note),
                },
            };
            self.notes.borrow_mut().insert(twin.clone(), note);
            Ok(outlook)
        };
        Ok(twins.iter().map(&mut of).collect())
    }

    fn out_of_range(&self, twin: &Twin, position: i64, cut: Option<i64>) -> Result<Outlook, Error> {
        let rules = &self.rules;
        let noted = self.notes.borrow().get(twin).cloned().unwrap_or_default();
        rules.refresh(std::slice::from_ref(twin))?;
        let now = rules.note(twin);
        if is_other(&noted.topic_id, &now.topic_id) {
            let (outlook, note) = rules.recreated(twin, &noted, now)?;
            self.notes.borrow_mut().insert(twin.clone(), note);
            return Ok(outlook);
        }
        let place = twin.source();
        let of = |found: BTreeMap<TopicPartition, i64>| found.get(&place).copied().unwrap_or(0);
        let log_start = of(rules.source.start_offsets(std::slice::from_ref(&place))?);
        let end = of(rules.source.end_offsets(std::slice::from_ref(&place))?);
        let Some((what, behind)) = gap(twin, position, cut, (log_start, end)) else {
            return Ok(Outlook::Resume(position));
        };
        match rules.on_gap {
            OnGap::Halt => Ok(Outlook::Halt(format!(
                "gap: {what} on cluster `{}`; `on_gap: continue` goes on at offset {behind}",
                rules.source.alias()
            ))),
            OnGap::Continue => {
                tracing::error!(
                    "Edge {}: {what}; it goes on at offset {behind}.",
                    rules.edge
                );
                if behind < position {
                    let note = rules.reborn(twin, now)?;
                    self.notes.borrow_mut().insert(twin.clone(), note);
                }
                Ok(Outlook::Skip(behind))
            }
        }
    }

    fn origin(&self, twin: &Twin) -> Origin {
        let notes = self.notes.borrow();
        let note = notes.get(twin);
        Origin {
            epoch: note.and_then(|note| note.epoch),
            incarnation: note.and_then(|note| note.born.and(note.topic_id.clone())),
        }
    }

    fn ailing(&self, twins: &[Twin]) -> Result<Vec<Option<String>>, Error> {
        let target = &self.rules.target;
        if !target.capabilities().admin {
            return Ok(vec![None; twins.len()]);
        }
        let topics: BTreeSet<&str> = twins.iter().map(|twin| &*twin.target_topic).collect();
        let topics: Vec<&str> = topics.into_iter().collect();
        let found = target.describe_topics(&topics)?;
        let of = |twin: &Twin| {
            let topic = &*twin.target_topic;
            self.rules.ailment(topic, found.get(topic))
        };
        Ok(twins.iter().map(of).collect())
    }

    fn note(&self, twin: &Twin, epoch: Option<Epoch>) -> String {
        let noted = self.notes.borrow().get(twin).cloned();
        let now = self.rules.note(twin);
        let note = Note {
            target_end: now.target_end,
            epoch,
            by: Some(self.by.clone()),
            ..noted.unwrap_or(now)
        };
        note.to_string()
    }
}

impl EdgePositions {
    /// Positions are not told while a transaction is open that may change them. Who left it is dead, or has
    /// lost its lease: a new epoch in its name ends it now, instead of when it times out.
    fn end_of_former_owners(&self, targets: &[TopicPartition]) {
        let Rules { target, group, .. } = &self.rules;
        let (Some(properties), Ok(positions)) = (&self.writer, target.group_positions(group))
        else {
            return;
        };
        let notes = targets.iter().filter_map(|place| positions.get(place));
        let owners: BTreeSet<String> = notes
            .filter_map(|fetched| Note::parse(&fetched.metadata).by)
            .filter(|owner| *owner != self.by)
            .collect();
        for owner in owners {
            match Writer::new(target, properties, Some(&format!("{group}.{owner}"))) {
                Ok(_) => tracing::info!(
                    edge = self.rules.edge,
                    "Ended what {owner} has left open at the target."
                ),
                Err(error) => tracing::debug!("{error}."),
            }
        }
    }
}

/// Whether two ids are known, and not the same.
fn is_other(then: &Option<String>, now: &Option<String>) -> bool {
    let (then, now) = (then.as_deref().map(kafka_id), now.as_deref().map(kafka_id));
    matches!((then, now), (Some(then), Some(now)) if then != now)
}

/// What is missing of a log, and where it goes on behind that; `None` where nothing is.
fn gap(
    twin: &Twin,
    position: i64,
    cut: Option<i64>,
    (log_start, end): (i64, i64),
) -> Option<(String, i64)> {
    let Twin {
        source_topic,
        partition,
        ..
    } = twin;
    if position < log_start {
        let what = format!(
            "offsets [{position}, {log_start}) of {source_topic}-{partition} were removed before they could be copied"
        );
        return Some((what, log_start));
    }
    if let Some(cut) = cut.filter(|cut| *cut < position) {
        let what = format!(
            "offsets [{cut}, {position}) of {source_topic}-{partition} were copied, and the source has lost them: its log was cut at {cut}, as an unclean leader election does; what it wrote there since is not copied yet"
        );
        return Some((what, cut.max(log_start)));
    }
    (position > end).then(|| {
        let what = format!(
            "the log of {source_topic}-{partition} ends at {end}, before position {position}: it was cut or created again"
        );
        (what, end)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_log_lacks_is_told_with_its_offsets() {
        let twin = Twin {
            source_topic: "orders".into(),
            target_topic: "orders".into(),
            partition: 0,
        };
        let found = |position, cut, log| {
            gap(&twin, position, cut, log).map(|(what, behind)| {
                let offsets = what.split_once(')').map(|(head, _)| head.to_owned() + ")");
                (offsets.unwrap_or_default(), behind)
            })
        };
        let lost = |offsets: &str, behind| Some((format!("offsets {offsets}"), behind));
        assert_eq!(found(10, None, (20, 90)), lost("[10, 20)", 20));
        assert_eq!(found(50, Some(30), (0, 90)), lost("[30, 50)", 30));
        assert_eq!(found(50, Some(30), (40, 90)), lost("[30, 50)", 40));
        assert_eq!(found(50, Some(50), (0, 90)), None);
        assert_eq!(found(50, None, (0, 90)), None);
        assert_eq!(found(50, None, (0, 40)).map(|(_, behind)| behind), Some(40));
    }
}
