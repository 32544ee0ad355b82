//! Logs that are not what they were when the position was committed: topics created again, logs cut.

use crossdock_model::edge::OnRecreated;
use crossdock_model::note::{Note, kafka_id};

use super::{Found, Rules};
use crate::kafka::{Error, Tail};
use crate::stream::engine::Twin;
use crate::stream::seams::Outlook;

impl Rules {
    pub(super) fn resume(&self, twin: &Twin, offset: i64, noted: &Note) -> Result<Found, Error> {
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

    pub(super) fn recreated(&self, twin: &Twin, noted: &Note, now: Note) -> Result<Found, Error> {
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
                    edge = self.edge,
                    topic = &**source_topic,
                    partition,
                    "{what}; partition {partition} restarts from its beginning."
                );
                Ok((
                    Outlook::Begin(self.earliest(twin)?),
                    self.reborn(twin, now)?,
                ))
            }
        }
    }

    /// Source offsets go back: records from here on are of another incarnation.
    pub(super) fn reborn(&self, twin: &Twin, note: Note) -> Result<Note, Error> {
        let place = twin.target();
        let ends = self.target.end_offsets(std::slice::from_ref(&place))?;
        Ok(Note {
            born: ends.get(&place).copied(),
            epoch: None,
            ..note
        })
    }

    /// The target topic is not the one that was written: nothing that was copied is in it.
    pub(super) fn target_recreated(&self, twin: &Twin, note: Note) -> Result<Found, Error> {
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
                edge = self.edge,
                topic = &*twin.source_topic,
                partition,
                "{what}; partition {partition} is copied again from the source's beginning."
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
    pub(super) fn target_cut(
        &self,
        twin: &Twin,
        (then, end): (i64, i64),
        note: Note,
    ) -> Result<Found, Error> {
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
            edge = self.edge,
            topic = &*twin.source_topic,
            partition,
            offset = position,
            "{what}; what is missing is copied again, from source offset {position} on."
        );
        let note = Note {
            epoch: None,
            ..note
        };
        Ok((Outlook::Begin(position), note))
    }
}

/// Whether two ids are known, and not the same.
pub(super) fn is_other(then: &Option<String>, now: &Option<String>) -> bool {
    let (then, now) = (then.as_deref().map(kafka_id), now.as_deref().map(kafka_id));
    matches!((then, now), (Some(then), Some(now)) if then != now)
}

/// What is missing of a log, and where it goes on behind that; `None` where nothing is.
pub(super) fn gap(
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
