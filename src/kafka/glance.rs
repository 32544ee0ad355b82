//! Small looks into partitions: a few records from an offset on, and no more than that is fetched.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::client::Context;
use super::reader::{BATCH_RECORDS_MAX, Reader, Received, Record};
use super::{Cluster, Error, ErrorKind};

/// What one look asks for, in bytes; a broker sends one batch at least.
const LOOK_BYTES: &str = "32768";

/// Looks that are under way at the same time: what they bring fits into some megabytes.
const LOOKS_AT_ONCE: usize = 100;

/// How long partitions may stay silent.
const SILENCE_MAX: Duration = Duration::from_secs(20);

/// The same while others have answered.
const SILENCE_OF_FEW_MAX: Duration = Duration::from_secs(5);

/// Where a look begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LookAt {
    /// Topic.
    pub topic: Arc<str>,
    /// Partition.
    pub partition: i32,
    /// First offset that is looked at.
    pub from: i64,
    /// Where what is of interest ends: the last stable offset, or before it.
    pub end: i64,
}

/// A reader for small looks, of one cluster.
pub struct Glance {
    reader: Reader,
    cluster: Arc<Cluster>,
}

/// How far a look is.
#[derive(Clone, Debug)]
enum Progress {
    Waiting,
    Upto(i64),
    Cut,
}

impl Glance {
    /// Prepares the reader.
    ///
    /// # Errors
    /// A property that librdkafka refuses.
    pub fn new(cluster: &Arc<Cluster>) -> Result<Self, Error> {
        Self::reading(cluster, "read_committed")
    }

    /// The same, of transactions that have not ended too.
    ///
    /// # Errors
    /// A property that librdkafka refuses.
    pub fn uncommitted(cluster: &Arc<Cluster>) -> Result<Self, Error> {
        Self::reading(cluster, "read_uncommitted")
    }

    fn reading(cluster: &Arc<Cluster>, isolation: &str) -> Result<Self, Error> {
        let properties = cluster
            .properties()
            .clone()
            .set("isolation.level", isolation)
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
    pub fn look(&mut self, at: &LookAt, mut see: impl FnMut(&Record<'_>)) -> Result<i64, Error> {
        let found = self.look_all(std::slice::from_ref(at), |_, record| see(record))?;
        let nothing = || Err("it was not looked at".to_owned());
        let upto = found.into_iter().next().unwrap_or_else(nothing);
        upto.map_err(|why| self.error(ErrorKind::Other, why))
    }

    /// Looks at many partitions, each once and at different ones; how far each look was, or why there
    /// is no telling.
    ///
    /// # Errors
    /// The cluster does not answer at all.
    pub fn look_all(
        &mut self,
        looks: &[LookAt],
        mut see: impl FnMut(usize, &Record<'_>),
    ) -> Result<Vec<Result<i64, String>>, Error> {
        let mut all = Vec::with_capacity(looks.len());
        for some in looks.chunks(LOOKS_AT_ONCE) {
            let before = all.len();
            all.extend(self.look_at_once(some, |slot, record| see(before + slot, record))?);
        }
        Ok(all)
    }

    fn look_at_once(
        &mut self,
        looks: &[LookAt],
        see: impl FnMut(usize, &Record<'_>),
    ) -> Result<Vec<Result<i64, String>>, Error> {
        let mut open = vec![true; looks.len()];
        let done = self.receive(looks, &mut open, see);
        for (look, _) in looks.iter().zip(&open).filter(|(_, open)| **open) {
            self.reader.stop(&look.topic, look.partition);
        }
        let told = |(progress, look): (Progress, &LookAt)| match progress {
            Progress::Upto(upto) => Ok(upto),
            Progress::Cut => Err(format!(
                "offset {} of {}-{} is gone: the log was cut meanwhile; try again",
                look.from, look.topic, look.partition
            )),
            Progress::Waiting => Err(unanswered(look)),
        };
        Ok(done?.into_iter().zip(looks).map(told).collect())
    }

    fn receive(
        &mut self,
        looks: &[LookAt],
        open: &mut [bool],
        mut see: impl FnMut(usize, &Record<'_>),
    ) -> Result<Vec<Progress>, Error> {
        for (slot, look) in looks.iter().enumerate() {
            self.reader
                .start(slot, &look.topic, look.partition, look.from)?;
        }
        let mut progress = vec![Progress::Waiting; looks.len()];
        let (mut heard, mut failed) = (Instant::now(), None);
        while open.contains(&true) {
            let before = open.iter().filter(|open| **open).count();
            self.reader
                .receive(Duration::from_millis(200), BATCH_RECORDS_MAX)
                .for_each(|slot, received| {
                    let LookAt { from, end, .. } = looks[slot];
                    let upto = match progress[slot] {
                        Progress::Upto(upto) => upto,
                        _ => from,
                    };
                    match received {
                        Received::Record(record) if record.offset() >= from => {
                            progress[slot] = Progress::Upto(record.offset() + 1);
                            see(slot, &record);
                        }
                        Received::Record(_) => {}
                        Received::End(at) => progress[slot] = Progress::Upto(upto.max(at).max(end)),
                        Received::OutOfRange => progress[slot] = Progress::Cut,
                        Received::Failed(error) => failed = Some(error),
                    }
                });
            for (slot, look) in looks.iter().enumerate() {
                if open[slot] && !matches!(progress[slot], Progress::Waiting) {
                    self.reader.stop(&look.topic, look.partition);
                    open[slot] = false;
                }
            }
            let left = open.iter().filter(|open| **open).count();
            if left < before {
                heard = Instant::now();
            }
            let patience = match left < looks.len() {
                true => SILENCE_OF_FEW_MAX,
                false => SILENCE_MAX,
            };
            if heard.elapsed() > patience {
                if left < looks.len() {
                    break;
                }
                let silent = || self.error(ErrorKind::Unreachable, unanswered(&looks[0]));
                return Err(failed.unwrap_or_else(silent));
            }
        }
        Ok(progress)
    }

    fn error(&self, kind: ErrorKind, reason: String) -> Error {
        Context::new(self.cluster.alias(), "glance").plain(kind, reason)
    }
}

fn unanswered(look: &LookAt) -> String {
    let LookAt {
        topic,
        partition,
        from,
        ..
    } = look;
    format!("no answer while looking at {topic}-{partition} from offset {from} on")
}
