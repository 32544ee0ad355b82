//! Where partitions go on: the committed offset, else the tail of the target, else the beginning,
//! else nowhere until a person decides.

mod incarnations;
mod starts;
mod words;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError, RwLock};

use crossdock_model::edge::{OnGap, OnRecreated, Start};
use crossdock_model::note::{Epoch, Note, kafka_id};
use crossdock_model::switch::fence;

use super::engine::{Origin, Twin};
use super::renamed::standing;
use super::seams::{Outlook, Positions};
use crate::kafka::{
    Cluster, CommitError, Error, ErrorKind, Fetched, Member, Properties, TopicPartition, Writer,
};
use incarnations::{gap, is_other};

/// What an edge knows of its topics; refreshed while it runs.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// Ids of source topics, where the cluster tells them.
    pub topic_ids: BTreeMap<String, String>,
    /// Ids of target topics.
    pub target_ids: BTreeMap<String, String>,
    /// High watermarks of target partitions, as last seen. Not the last stable offsets: a dead owner's open
    /// transaction holds those back while its successor writes on, and the log would seem to be cut.
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
        standing(fetched).filter(|_| !is_of_former)
    }

    /// Asks both clusters anew about the topics of some partitions, and tells the target topics that it has
    /// found no id of.
    fn refresh(&self, twins: &[Twin]) -> Result<BTreeSet<Arc<str>>, Error> {
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
        let without_id = twins.iter().map(|twin| twin.target_topic.clone());
        let without_id = without_id.filter(|topic| !targets.contains_key(&**topic));
        let without_id = without_id.collect();
        let places: Vec<_> = twins.iter().map(Twin::target).collect();
        let ends = self.target.known_high_watermarks(&places)?;
        let mut facts = self.facts.write().unwrap_or_else(PoisonError::into_inner);
        facts.topic_ids.extend(sources);
        facts.target_ids.extend(targets);
        facts.target_ends.extend(ends);
        Ok(without_id)
    }

    /// A partition whose progress is kept under a former name of its topic.
    fn under_new_name(&self, twin: &Twin, (former, offset): &(TopicPartition, i64)) -> Outlook {
        tracing::info!(
            edge = self.edge,
            topic = &*twin.source_topic,
            partition = twin.partition,
            offset,
            "{}-{} was {} on the target and is {} now; it goes on at offset {offset}.",
            twin.source_topic,
            twin.partition,
            former.0,
            twin.target_topic
        );
        Outlook::TakeOver(*offset, former.clone())
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
        let without_id = rules.refresh(twins)?;
        // What is deleted may be made again in a moment: its positions are those of the old one until its new id
        // is known.
        let is_in_doubt = |twin: &&Twin| without_id.contains(&twin.target_topic);
        let in_doubt: Vec<Twin> = twins.iter().filter(is_in_doubt).cloned().collect();
        let ailing = self.ailing(&in_doubt)?.into_iter();
        let ailing: BTreeMap<Twin, Option<String>> = in_doubt.into_iter().zip(ailing).collect();
        let none = Fetched::default();
        let is_new = |twin: &Twin| {
            fetched
                .get(&twin.target())
                .is_none_or(|f| standing(f).is_none())
        };
        let new: Vec<&Twin> = twins.iter().filter(|twin| is_new(twin)).collect();
        let mut former = rules.former(&new)?;
        let fenced_edge = rules.fenced_edge(&new)?;
        let mut of = |twin: &Twin| {
            if let Some(Some(reason)) = ailing.get(twin) {
                return Err(Error {
                    cluster: rules.target.alias().clone(),
                    kind: ErrorKind::Other,
                    reason: reason.clone(),
                });
            }
            let found = fetched.get(&twin.target()).unwrap_or(&none);
            let (offset, metadata) = (standing(found), &found.metadata);
            let fenced =
                fence::since(metadata).or(fenced_edge.as_deref().filter(|_| offset.is_none()));
            if let Some(since) = fenced {
                return Ok(Outlook::Halt(rules.fenced(since)));
            }
            let note = rules.note(twin);
            let (outlook, note) = match offset {
                Some(offset) => rules.resume(twin, offset, &Note::parse(metadata))?,
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
                    edge = rules.edge,
                    topic = &*twin.source_topic,
                    partition = twin.partition,
                    offset = behind,
                    "{what}; it goes on at offset {behind}."
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
            target_end: note.and_then(|note| note.target_end),
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

    fn check_targets(&self, twins: &[Twin]) -> Result<(), CommitError> {
        let target = &self.rules.target;
        let topics: BTreeSet<&str> = twins.iter().map(|twin| &*twin.target_topic).collect();
        let topics: Vec<&str> = topics.into_iter().collect();
        let ids = target.topic_ids(&topics).map_err(CommitError::Abort)?;
        let notes = self.notes.borrow();
        let is_other = |twin: &&Twin| {
            let noted = notes.get(*twin).and_then(|note| note.target_id.as_deref());
            let now = ids.get(&*twin.target_topic).map(|id| kafka_id(id));
            now.is_some() && now.as_deref() != noted
        };
        let others = twins.iter().filter(is_other);
        let others: BTreeSet<String> = others.map(|t| t.target_topic.to_string()).collect();
        if others.is_empty() {
            return Ok(());
        }
        let names: Vec<&str> = others.iter().map(String::as_str).collect();
        let error = Error {
            cluster: target.alias().clone(),
            kind: ErrorKind::Other,
            reason: format!(
                "deleted and created again while it was written: {}",
                names.join(", ")
            ),
        };
        tracing::warn!(edge = self.rules.edge, "{error}.");
        Err(CommitError::Recreated(others, error))
    }

    fn note(&self, twin: &Twin, epoch: Option<Epoch>, target_end: Option<i64>) -> String {
        let noted = self.notes.borrow().get(twin).cloned();
        let now = self.rules.note(twin);
        let note = Note {
            target_end: now.target_end.max(target_end),
            epoch,
            by: Some(self.by.clone()),
            ..noted.unwrap_or(now)
        };
        note.to_string()
    }

    fn parting_note(&self, twin: &Twin) -> String {
        let note = Note {
            topic_id: self.rules.note(twin).topic_id,
            by: Some(self.by.clone()),
            moved_to: Some(twin.target_topic.to_string()),
            ..Note::default()
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
