//! What is noted with a committed position: how a recreated topic, a truncated source or a truncated
//! target is told from a healthy one.
//!
//! A note is text in the metadata of a committed offset: `v1` and words `key=value`. Whoever reads one
//! goes by the keys it knows, whatever the version and whatever else there is: two versions of crossdock in
//! one group, and a downgrade, lose nothing.

use std::fmt;

/// A note. What is `None` was not known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Note {
    /// `topic-id`: id of the source topic.
    pub topic_id: Option<String>,
    /// `target-id`: id of the target topic.
    pub target_id: Option<String>,
    /// `target-end`: where the target partition's log ends at least, open transactions included, as last seen
    /// before the commit.
    pub target_end: Option<i64>,
    /// `born`: where source offsets have gone back, as when the source topic was created again: the log end
    /// offset of the target partition then. Records before it are of an earlier incarnation.
    pub born: Option<i64>,
    /// `epoch=E@P`: the last record that was read lay before offset P, in leader epoch E (KIP-101).
    pub epoch: Option<Epoch>,
    /// `by`: who committed it, as `<instance>.<stream>`: the end of its transactional id. Whoever takes over
    /// can end the transaction that a dead owner has left open.
    pub by: Option<String>,
    /// `moved-to`: the topic has another name on the target since, and the partition's progress is kept
    /// under that name: this position counts no more.
    pub moved_to: Option<String>,
    /// `set-by-hand`: a person has set the position.
    pub by_hand: bool,
}

/// The leader epoch of a record, and the offset behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Epoch {
    /// Leader epoch, from 0.
    pub leader_epoch: i32,
    /// The next offset behind the record.
    pub behind: i64,
}

/// A topic's id as Kafka itself writes it: librdkafka uses another base64.
pub fn kafka_id(text: &str) -> String {
    text.replace('+', "-").replace('/', "_")
}

impl Note {
    /// Reads what a commit's metadata says; what is no note says nothing.
    pub fn parse(text: &str) -> Self {
        let mut note = Self::default();
        let mut words = text.split(' ');
        let is_note = words.next().is_some_and(|version| {
            let number = version.strip_prefix('v').unwrap_or_default();
            !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit())
        });
        if !is_note {
            return note;
        }
        for word in words {
            let (key, value) = word.split_once('=').unwrap_or((word, ""));
            let text = || Some(value.to_owned()).filter(|v| !v.is_empty() && v != "-");
            match key {
                "topic-id" => note.topic_id = text(),
                "target-id" => note.target_id = text(),
                "target-end" => note.target_end = value.parse().ok(),
                "by" => note.by = text(),
                "moved-to" => note.moved_to = text(),
                "born" => note.born = value.parse().ok(),
                "epoch" => note.epoch = Epoch::parse(value),
                "set-by-hand" => note.by_hand = true,
                _ => {}
            }
        }
        note
    }
}

impl Epoch {
    fn parse(text: &str) -> Option<Self> {
        let (leader_epoch, behind) = text.split_once('@')?;
        let epoch = Self {
            leader_epoch: leader_epoch.parse().ok()?,
            behind: behind.parse().ok()?,
        };
        (epoch.leader_epoch >= 0 && epoch.behind > 0).then_some(epoch)
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "v1 topic-id={}", self.topic_id.as_deref().unwrap_or("-"))?;
        if let Some(id) = &self.target_id {
            write!(f, " target-id={id}")?;
        }
        write!(f, " target-end={}", self.target_end.unwrap_or(0))?;
        if let Some(born) = self.born {
            write!(f, " born={born}")?;
        }
        if let Some(Epoch {
            leader_epoch,
            behind,
        }) = self.epoch
        {
            write!(f, " epoch={leader_epoch}@{behind}")?;
        }
        if let Some(by) = &self.by {
            write!(f, " by={by}")?;
        }
        if let Some(name) = &self.moved_to {
            write!(f, " moved-to={name}")?;
        }
        match self.by_hand {
            true => f.write_str(" set-by-hand"),
            false => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_read_as_it_was_written() {
        let full = Note {
            topic_id: Some("4L6g3nShT-eMCtK".to_owned()),
            target_id: Some("b".to_owned()),
            target_end: Some(7),
            born: Some(5),
            epoch: Some(Epoch {
                leader_epoch: 3,
                behind: 12,
            }),
            by: Some("host-1.0".to_owned()),
            moved_to: Some("orders-bj".to_owned()),
            by_hand: true,
        };
        assert_eq!(Note::parse(&full.to_string()), full);
        let empty = Note::default().to_string();
        assert_eq!(empty, "v1 topic-id=- target-end=0");
        let expected = Note {
            target_end: Some(0),
            ..Note::default()
        };
        assert_eq!(Note::parse(&empty), expected);
    }

    #[test]
    fn notes_of_other_versions_are_read_by_the_keys_that_are_known() {
        let newer = Note::parse("v2 shard=9 topic-id=a future epoch=broken born=4 target-end=1");
        let expected = Note {
            topic_id: Some("a".to_owned()),
            born: Some(4),
            target_end: Some(1),
            ..Note::default()
        };
        assert_eq!(newer, expected);
        assert!(Note::parse("v1 set-by-hand").by_hand);
        for other in ["", "hello", "vx topic-id=a", "topic-id=a", "v topic-id=a"] {
            assert_eq!(Note::parse(other), Note::default(), "{other}");
        }
    }
}
