//! The dead letters of an edge: read from its dead-letter topic, and replayed by hand.

mod replay;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossdock_model::dead_letter::{
    ERROR, REASON, REPLAYED, SOURCE, TARGET, TIMESTAMP, parse_target, topic,
};
use crossdock_model::edge::Edge;
use crossdock_model::provenance::Hop;
use serde::Serialize;

use crate::kafka::{Cluster, Error, ErrorKind, Reader, Received, Record};
pub use replay::{Replayed, replay};

/// Records that are held in memory at once.
const BATCH_RECORDS: usize = 100;

/// How long the topic may stay silent while it is read.
const SILENCE_MAX: Duration = Duration::from_secs(30);

/// One dead letter, without its bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Letter {
    /// Edge that it belongs to.
    pub edge: String,
    /// Its offset in the dead-letter topic.
    pub offset: i64,
    /// Where it was read.
    pub topic: String,
    /// Partition of that.
    pub partition: i32,
    /// Offset in that.
    pub source_offset: i64,
    /// Topic that did not take it.
    pub target_topic: String,
    /// Its own timestamp, in milliseconds.
    pub timestamp: i64,
    /// Key and value, in bytes.
    pub bytes: u64,
    /// `oversize` or `invalid`.
    pub reason: String,
    /// Kafka's own words.
    pub error: String,
    /// Whether it is at its target by now.
    pub replayed: bool,
    /// The target's partition.
    #[serde(skip)]
    pub target_partition: i32,
}

/// Where an edge's dead letters are.
pub struct LetterBox {
    edge: String,
    cluster: Arc<Cluster>,
    topic: Arc<str>,
}

impl LetterBox {
    /// That of an edge of a topology, on its target.
    pub fn of(topology: &str, edge: &Edge, target: &Arc<Cluster>) -> Self {
        Self {
            edge: edge.name.to_string(),
            cluster: target.clone(),
            topic: topic(topology, edge.name.as_str()).into(),
        }
    }

    /// Every dead letter, in the order of their arrival.
    ///
    /// # Errors
    /// The target does not answer, or refuses.
    pub fn letters(&self) -> Result<Vec<Letter>, Error> {
        let (mut letters, mut replayed) = (Vec::new(), BTreeSet::new());
        self.each(|record| match note_of(record) {
            Some(offset) => {
                replayed.insert(offset);
                Ok(())
            }
            None => {
                letters.extend(self.letter(record));
                Ok(())
            }
        })?;
        for letter in &mut letters {
            letter.replayed = replayed.contains(&letter.offset);
        }
        Ok(letters)
    }

    /// Hands every record of the topic, as it is now, to `see`.
    fn each(&self, mut see: impl FnMut(&mut Record<'_>) -> Result<(), Error>) -> Result<(), Error> {
        if self.cluster.partitions(&self.topic)?.is_none() {
            return Ok(());
        }
        let place = [(self.topic.clone(), 0)];
        let (start, end) = self
            .cluster
            .spans(&place)?
            .remove(&place[0])
            .unwrap_or((0, 0));
        if start >= end {
            return Ok(());
        }
        let properties = self.cluster.properties().clone();
        let properties = properties
            .set("isolation.level", "read_committed")
            .set("queued.max.messages.kbytes", "65536");
        let mut reader = Reader::new(&self.cluster, &properties)?;
        reader.start(0, &self.topic, 0, start)?;
        let (mut next, mut heard) = (start, Instant::now());
        while next < end {
            let mut failed = None;
            reader
                .receive(Duration::from_millis(200), BATCH_RECORDS)
                .for_each(|_, received| match received {
                    Received::Record(mut record) if failed.is_none() && record.offset() < end => {
                        next = record.offset() + 1;
                        failed = see(&mut record).err();
                        heard = Instant::now();
                    }
                    Received::Record(_) => next = end,
                    Received::End(position) => next = next.max(position),
                    Received::OutOfRange => next = end,
                    Received::Failed(error) => failed = Some(error),
                });
            if heard.elapsed() > SILENCE_MAX && failed.is_none() {
                failed = Some(self.error(format!("no answer while reading {}", self.topic)));
            }
            if let Some(error) = failed {
                return Err(error);
            }
        }
        Ok(())
    }

    fn letter(&self, record: &Record<'_>) -> Option<Letter> {
        let source = Hop::parse(header(record, SOURCE)?)?;
        let (target_topic, target_partition) = parse_target(header(record, TARGET)?)?;
        let text = |name| {
            let value = header(record, name).unwrap_or_default();
            String::from_utf8_lossy(value).into_owned()
        };
        Some(Letter {
            edge: self.edge.clone(),
            offset: record.offset(),
            topic: source.topic.to_owned(),
            partition: source.partition,
            source_offset: source.offset,
            target_topic: target_topic.to_owned(),
            timestamp: text(TIMESTAMP).parse().unwrap_or(-1),
            bytes: record.bytes(),
            reason: text(REASON),
            error: text(ERROR),
            replayed: false,
            target_partition,
        })
    }

    fn error(&self, reason: String) -> Error {
        Error {
            cluster: self.cluster.alias().clone(),
            kind: ErrorKind::Unreachable,
            reason,
        }
    }
}

/// The last header of a name: crossdock's stand behind the record's own.
fn header<'r>(record: &'r Record<'_>, name: &str) -> Option<&'r [u8]> {
    let named = record
        .header_iter()
        .filter(|(found, _)| *found == name.as_bytes());
    named.last().and_then(|(_, value)| value)
}

/// The offset of the dead letter that was replayed, where a record is the note of that.
fn note_of(record: &Record<'_>) -> Option<i64> {
    let value = header(record, REPLAYED)?;
    let is_note = record.key().is_none() && record.value().is_none();
    is_note.then(|| std::str::from_utf8(value).ok()?.parse().ok())?
}
