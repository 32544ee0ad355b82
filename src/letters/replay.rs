//! Replaying: each dead letter goes to its target in a transaction of its own, together with the note that
//! it did, so that none goes twice.

use std::collections::BTreeSet;

use crossdock_model::dead_letter::PREFIX;
use crossdock_model::edge::Edge;

use super::{Letter, LetterBox, note_of};
use crate::kafka::{CommitError, Error, Group, Record, Stamp, Writer};
use crate::worker::settings;

/// What came of a replay.
#[derive(Debug, Default)]
pub struct Replayed {
    /// Dead letters that are at their targets now.
    pub done: Vec<Letter>,
    /// Those that were refused again, with the reason.
    pub refused: Vec<(Letter, String)>,
}

/// Replays those dead letters of a box that `wants` says and that were not replayed before. What another
/// replay has begun is ended first.
///
/// # Errors
/// The target does not answer, or refuses.
pub fn replay(
    letters: &LetterBox,
    topology: &str,
    edge: &Edge,
    target: &crossdock_model::topology::Cluster,
    wants: impl Fn(&Letter) -> bool,
) -> Result<Replayed, Error> {
    let group = format!("crossdock.{topology}.{}", edge.name);
    let id = format!("{group}.dead-letter");
    let properties = settings::writer(target, edge, true);
    let writer = || Writer::new(&letters.cluster, &properties, Some(&id));
    let mut postman = Postman {
        letters,
        writer: writer()?,
        group: Group::settled(&letters.cluster, &group)?,
        hop: format!(
            "{}/{}/{}/0/",
            edge.target,
            letters.cluster.id()?,
            letters.topic
        ),
        provenance: edge.provenance,
        total: 0,
    };
    let mut before = BTreeSet::new();
    letters.each(|record| {
        before.extend(note_of(record));
        Ok(())
    })?;
    postman.total = before.len();
    let mut replayed = Replayed::default();
    letters.each(|record| {
        let Some(letter) = letters.letter(record) else {
            return Ok(());
        };
        if before.contains(&letter.offset) || !wants(&letter) {
            return Ok(());
        }
        match postman.deliver(record, &letter) {
            Ok(()) => replayed.done.push(letter),
            Err(CommitError::Refused(list)) => {
                let why = list.first().map(|refused| refused.error.to_string());
                replayed.refused.push((letter, why.unwrap_or_default()));
                postman.writer = writer()?;
            }
            Err(
                CommitError::Abort(error)
                | CommitError::Again(error)
                | CommitError::Recreated(_, error)
                | CommitError::Renew(error),
            ) => return Err(error),
        }
        Ok(())
    })?;
    Ok(replayed)
}

struct Postman<'a> {
    letters: &'a LetterBox,
    writer: Writer,
    group: Group,
    /// `<alias>/<cluster id>/<dead-letter topic>/0/`
    hop: String,
    provenance: bool,
    /// Replayed so far, over all replays.
    total: usize,
}

impl Postman<'_> {
    /// The record as it was read at the source, once more stamped: its last hop is the dead-letter topic,
    /// for that is where it was read now, and out of the order of its neighbours.
    fn deliver(&mut self, record: &mut Record<'_>, letter: &Letter) -> Result<(), CommitError> {
        let hop = format!("{}{}", self.hop, letter.offset);
        let is_ours = |name: &[u8]| name.starts_with(PREFIX.as_bytes());
        let stamp = Stamp {
            drop: Some(&is_ours),
            via: self.provenance.then_some(hop.as_bytes()),
            timestamp: Some(letter.timestamp),
            ..Stamp::default()
        };
        let target = letter.target_topic.as_str().into();
        self.writer
            .send(&target, letter.target_partition, record, &stamp)?;
        // Its refusal must not be taken for that of the note.
        self.writer.flush()?;
        let offset = letter.offset.to_string();
        let note = (crossdock_model::dead_letter::REPLAYED, offset.as_str());
        self.writer.note(&self.letters.topic, 0, note)?;
        let place = (self.letters.topic.clone(), 0);
        let total = self.total + 1;
        let position = (place, letter.offset + 1, format!("v1 replayed={total}"));
        self.writer.commit_by_hand(&self.group, &[position])?;
        self.total = total;
        Ok(())
    }
}
