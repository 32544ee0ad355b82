//! Small looks into a partition: a few records from an offset on, and no more than that is fetched.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::client::Context;
use super::reader::{BATCH_RECORDS_MAX, Reader, Received, Record};
use super::{Cluster, Error, ErrorKind};

/// What one look asks for, in bytes; a broker sends one batch at least.
const LOOK_BYTES: &str = "32768";

/// How long a partition may stay silent.
const SILENCE_MAX: Duration = Duration::from_secs(20);

/// A reader for small looks, of one cluster.
pub struct Glance {
    reader: Reader,
    cluster: Arc<Cluster>,
}

impl Glance {
    /// Prepares the reader.
    ///
    /// # Errors
    /// A property that librdkafka refuses.
    pub fn new(cluster: &Arc<Cluster>) -> Result<Self, Error> {
        let properties = cluster
            .properties()
            .clone()
            .set("isolation.level", "read_committed")
            .set("fetch.message.max.bytes", LOOK_BYTES)
            .set("queued.min.messages", "1")
            .set("fetch.queue.backoff.ms", "1")
            .set("fetch.wait.max.ms", "10");
        let reader = Reader::new(cluster, &properties)?;
        let cluster = cluster.clone();
        Ok(Self { reader, cluster })
    }

    /// Looks at what lies at `from` and right behind it, and returns how far that was: the first
    /// offset not looked at, which is at least `end` where nothing more lies before it.
    ///
    /// # Errors
    /// The cluster does not answer, or the log was cut meanwhile.
    pub fn look(
        &mut self,
        topic: &Arc<str>,
        partition: i32,
        (from, end): (i64, i64),
        mut see: impl FnMut(&Record<'_>),
    ) -> Result<i64, Error> {
        self.reader.start(0, topic, partition, from)?;
        let (mut upto, mut failed, mut is_cut) = (from, None, false);
        let heard = Instant::now();
        while upto == from && !is_cut {
            self.reader
                .receive(Duration::from_millis(200), BATCH_RECORDS_MAX)
                .for_each(|_, received| match received {
                    Received::Record(record) if record.offset() >= from => {
                        upto = record.offset() + 1;
                        see(&record);
                    }
                    Received::Record(_) => {}
                    Received::End(position) => upto = upto.max(position).max(end),
                    Received::OutOfRange => is_cut = true,
                    Received::Failed(error) => failed = Some(error),
                });
            if upto == from && heard.elapsed() > SILENCE_MAX {
                self.reader.stop(topic, partition);
                return Err(failed.unwrap_or_else(|| {
                    self.error(
                        ErrorKind::Unreachable,
                        format!(
                            "no answer while looking at {topic}-{partition} from offset {from} on"
                        ),
                    )
                }));
            }
        }
        self.reader.stop(topic, partition);
        if is_cut {
            let why = format!(
                "offset {from} of {topic}-{partition} is gone: the log was cut meanwhile; try again"
            );
            return Err(self.error(ErrorKind::Other, why));
        }
        Ok(upto)
    }

    fn error(&self, kind: ErrorKind, reason: String) -> Error {
        Context::new(self.cluster.alias(), "glance").plain(kind, reason)
    }
}
