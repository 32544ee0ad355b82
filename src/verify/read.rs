//! One side of a partition, read stretch by stretch.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::kafka::{BATCH_RECORDS_MAX, Cluster, Error, ErrorKind, Reader, Received, Record};

/// A side that stays silent this long is not waited for any longer.
const SILENCE_MAX: Duration = Duration::from_secs(60);

/// How long a transaction that is open at the end is waited for: crossdock's own end within 30 s.
const OPEN_MAX: Duration = Duration::from_secs(40);

/// What a reader holds ready, in KiB.
const AHEAD_KBYTES: &str = "16384";

/// Reads partitions of one cluster, one at a time.
pub(super) struct Feed {
    reader: Reader,
    cluster: Arc<Cluster>,
}

/// A stretch that is being read.
pub(super) struct Open {
    topic: Arc<str>,
    partition: i32,
    next: i64,
    end: i64,
    heard: Instant,
    /// The last stable offset was reached, and the end lies behind it.
    waits_since: Option<Instant>,
}

/// How far a stretch has been read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum At {
    /// There is more.
    Somewhere,
    /// At its end.
    End,
    /// The rest lies behind a transaction that does not end.
    OpenTransaction,
    /// What was to be read next is gone.
    Cut,
}

impl Open {
    /// What is to be read next.
    pub(super) fn next(&self) -> i64 {
        self.next
    }
}

impl Feed {
    pub(super) fn new(cluster: &Arc<Cluster>) -> Result<Self, Error> {
        let properties = cluster
            .properties()
            .clone()
            .set("isolation.level", "read_committed")
            .set("queued.max.messages.kbytes", AHEAD_KBYTES)
            .set("queued.min.messages", "1000000")
            .set("fetch.queue.backoff.ms", "2")
            .set("fetch.wait.max.ms", "50");
        Ok(Self {
            reader: Reader::new(cluster, &properties)?,
            cluster: cluster.clone(),
        })
    }

    /// Begins to read `[from, end)` of a partition.
    pub(super) fn open(
        &mut self,
        topic: &Arc<str>,
        partition: i32,
        (from, end): (i64, i64),
    ) -> Result<Open, Error> {
        if from < end {
            self.reader.start(0, topic, partition, from)?;
        }
        Ok(Open {
            topic: topic.clone(),
            partition,
            next: from,
            end,
            heard: Instant::now(),
            waits_since: None,
        })
    }

    pub(super) fn close(&mut self, open: &Open) {
        self.reader.stop(&open.topic, open.partition);
    }

    /// Reads what is there, waiting for it, and tells how far that was.
    pub(super) fn read(
        &mut self,
        open: &mut Open,
        mut see: impl FnMut(&mut Record<'_>),
    ) -> Result<At, Error> {
        if open.next >= open.end {
            return Ok(At::End);
        }
        let (mut at, mut failed, mut is_news) = (At::Somewhere, None, false);
        self.reader
            .receive(Duration::from_millis(100), BATCH_RECORDS_MAX)
            .for_each(|_, received| match received {
                Received::Record(mut record) => {
                    is_news = true;
                    if record.offset() < open.next {
                        // Before what was asked for: a batch is sent as a whole.
                    } else if record.offset() < open.end && at == At::Somewhere {
                        open.next = record.offset() + 1;
                        see(&mut record);
                    } else {
                        at = At::End;
                    }
                }
                Received::End(position) => {
                    is_news = true;
                    open.next = open.next.max(position);
                    open.waits_since.get_or_insert_with(Instant::now);
                }
                Received::OutOfRange => at = At::Cut,
                Received::Failed(error) => failed = Some(error),
            });
        if at != At::Somewhere || open.next >= open.end {
            return Ok(if at == At::Cut { at } else { At::End });
        }
        if is_news {
            open.heard = Instant::now();
        }
        if open
            .waits_since
            .is_some_and(|since| since.elapsed() > OPEN_MAX)
        {
            return Ok(At::OpenTransaction);
        }
        if open.waits_since.is_none() && open.heard.elapsed() > SILENCE_MAX {
            return Err(failed.unwrap_or_else(|| self.silent(open)));
        }
        Ok(At::Somewhere)
    }

    fn silent(&self, open: &Open) -> Error {
        let Open {
            topic,
            partition,
            next,
            ..
        } = open;
        Error {
            cluster: self.cluster.alias().clone(),
            kind: ErrorKind::Unreachable,
            reason: format!("no answer while reading {topic}-{partition} from offset {next} on"),
        }
    }
}
