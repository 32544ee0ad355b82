//! The record engine: copies record by record through librdkafka.

use std::sync::Arc;
use std::time::Duration;

use crossdock_model::graph::{Admit, admit_path};
use crossdock_model::latency::Ages;
use crossdock_model::provenance::Hop;

use super::engine::{Engine, Step, Tally, Twin};
use crate::clock;
use crate::kafka::{
    Cluster, CommitError, Error, Lease, Member, Position, Properties, Reader, Received, Record,
    Refusal, VIA, Writer,
};

/// What an engine needs to know of its edge.
#[derive(Clone)]
pub struct Recipe {
    /// Cluster that is read.
    pub source: Arc<Cluster>,
    /// Its alias and id, as hops name it: `<alias>/<cluster id>`.
    pub source_hop: String,
    /// Cluster that is written.
    pub target: Arc<Cluster>,
    /// Its id: records that have been there are dropped.
    pub target_id: String,
    /// Whether the provenance header is written and looked at.
    pub provenance: bool,
    /// Whether only records that were produced on the source itself go.
    pub is_local_only: bool,
    /// How the source is read.
    pub consumer: Properties,
    /// How the target is written.
    pub producer: Properties,
    /// Records taken at once, at most: few where a rate limit must hold.
    pub batch_records_max: usize,
    /// Exactly once needs one; without it, delivery is at least once.
    pub transactional_id: Option<String>,
}

/// Copies record by record.
pub struct RecordEngine {
    recipe: Recipe,
    member: Arc<Member>,
    reader: Option<Reader>,
    writer: Option<Writer>,
    routes: Vec<Option<Route>>,
    /// Batches are at most this large; `None` is as configured.
    batch_bytes_max: Option<u32>,
    /// The record that made batches small has been found.
    is_isolated: bool,
}

/// Sizes to try when a whole batch was refused as too large; the last one sends records one by one.
const BATCH_BYTES_STEPS: [u32; 6] = [250_000, 60_000, 15_000, 4_000, 1_000, 1];

/// Where the records of a slot go, and what was done with those of the current batch.
struct Route {
    twin: Twin,
    /// `<alias>/<cluster id>/<topic>/<partition>/`: an offset makes it a hop.
    hop: Vec<u8>,
    next: Option<i64>,
    tally: Tally,
    ages: Ages,
    /// Something could not be read: nothing more until it is opened again.
    is_broken: bool,
}

impl RecordEngine {
    /// An engine that has neither read nor written yet.
    pub fn new(recipe: Recipe, member: Arc<Member>) -> Self {
        Self {
            recipe,
            member,
            reader: None,
            writer: None,
            routes: Vec::new(),
            batch_bytes_max: None,
            is_isolated: false,
        }
    }

    fn reader(&mut self) -> Result<&mut Reader, Error> {
        let reader = match self.reader.take() {
            Some(reader) => reader,
            None => Reader::new(&self.recipe.source, &self.recipe.consumer)?,
        };
        Ok(self.reader.insert(reader))
    }
}

impl RecordEngine {
    /// A batch that is refused as too large may hold one record that is, or only too many for a topic
    /// with a small `max.message.bytes`: smaller batches tell which.
    fn isolate(&mut self, error: CommitError) -> CommitError {
        let CommitError::Refused(refused) = error else {
            return error;
        };
        let is_batch = refused.len() > 1 && refused.iter().all(|r| r.why == Refusal::Oversize);
        let next = BATCH_BYTES_STEPS
            .into_iter()
            .find(|step| self.batch_bytes_max.is_none_or(|now| *step < now));
        match (is_batch, next) {
            (true, Some(next)) => {
                self.batch_bytes_max = Some(next);
                CommitError::Renew(refused[0].error.clone())
            }
            _ => {
                self.is_isolated = self.batch_bytes_max.is_some();
                CommitError::Refused(refused)
            }
        }
    }
}

impl Engine for RecordEngine {
    type Lease = Lease;

    fn open(&mut self, slot: usize, twin: &Twin, position: i64) -> Result<(), Error> {
        let hop = format!(
            "{}/{}/{}/",
            self.recipe.source_hop, twin.source_topic, twin.partition
        );
        self.reader()?
            .start(slot, &twin.source_topic, twin.partition, position)?;
        if self.routes.len() <= slot {
            self.routes.resize_with(slot + 1, || None);
        }
        self.routes[slot] = Some(Route {
            twin: twin.clone(),
            hop: hop.into_bytes(),
            next: None,
            tally: Tally::default(),
            ages: Ages::default(),
            is_broken: false,
        });
        Ok(())
    }

    fn close(&mut self, twin: &Twin) {
        if let Some(reader) = &mut self.reader {
            reader.stop(&twin.source_topic, twin.partition);
        }
        for route in &mut self.routes {
            route.take_if(|route| route.twin == *twin);
        }
    }

    fn copy(&mut self, wait: Duration, steps: &mut Vec<Step>) -> Result<(), CommitError> {
        let (Some(reader), Some(writer)) = (&mut self.reader, &mut self.writer) else {
            return Ok(());
        };
        let (recipe, routes) = (&self.recipe, &mut self.routes);
        let mut failed = None;
        let batch = reader.receive(wait, recipe.batch_records_max);
        let now_ms = clock::now_ms();
        batch.for_each(|slot, received| {
            let Some(route) = routes.get_mut(slot).and_then(Option::as_mut) else {
                return;
            };
            match received {
                Received::Record(record) => {
                    if failed.is_none() {
                        failed = route.take(recipe, writer, record, now_ms).err();
                    }
                }
                Received::End(position) => {
                    route.tell(slot, steps);
                    steps.push(Step::End { slot, position });
                }
                // What follows in this batch lies behind what could not be read.
                Received::OutOfRange => {
                    route.is_broken = true;
                    route.tell(slot, steps);
                    steps.push(Step::OutOfRange { slot });
                }
                Received::Failed(error) => {
                    route.is_broken = true;
                    route.tell(slot, steps);
                    steps.push(Step::Failed { slot, error });
                }
            }
        });
        for (slot, route) in routes.iter_mut().enumerate() {
            if let Some(route) = route {
                route.tell(slot, steps);
            }
        }
        failed.map_or(Ok(()), |error| Err(self.isolate(error)))
    }

    fn commit(&mut self, lease: &Lease, positions: &[Position]) -> Result<(), CommitError> {
        let Some(writer) = &mut self.writer else {
            return Ok(());
        };
        let committed = match self.recipe.transactional_id {
            Some(_) => writer.commit(lease, positions),
            None => writer
                .settle(lease)
                .and_then(|()| self.member.commit(positions).map_err(CommitError::Abort)),
        };
        committed.map_err(|error| self.isolate(error))
    }

    fn abort(&mut self) -> Result<(), Error> {
        self.writer.as_mut().map_or(Ok(()), Writer::abort)?;
        if self.is_isolated {
            // The culprit is found: what goes on does so at full speed.
            self.is_isolated = false;
            self.batch_bytes_max = None;
            return self.renew();
        }
        Ok(())
    }

    fn renew(&mut self) -> Result<(), Error> {
        self.writer = None;
        let mut producer = self.recipe.producer.clone();
        if let Some(bytes) = self.batch_bytes_max {
            producer = producer.set("batch.size", bytes.to_string());
        }
        let id = self.recipe.transactional_id.as_deref();
        self.writer = Some(Writer::new(&self.recipe.target, &producer, id)?);
        Ok(())
    }
}

impl Route {
    /// Copies one record, or drops it.
    fn take(
        &mut self,
        recipe: &Recipe,
        writer: &mut Writer,
        mut record: Record<'_>,
        now_ms: i64,
    ) -> Result<(), CommitError> {
        let offset = record.offset();
        match guard(recipe, &record, &mut self.tally) {
            Admit::Copy => {
                let (bytes, timestamp) = (record.bytes(), record.timestamp());
                let fixed = self.hop.len();
                let via = recipe.provenance.then(|| {
                    push_decimal(&mut self.hop, offset);
                    self.hop.as_slice()
                });
                let sent = writer.send(
                    &self.twin.target_topic,
                    self.twin.partition,
                    &mut record,
                    via,
                );
                self.hop.truncate(fixed);
                sent?;
                self.tally.records += 1;
                self.tally.bytes += bytes;
                self.tally.zero_timestamps += u64::from(timestamp == 0);
                self.ages.note(timestamp, now_ms);
            }
            Admit::DropLoop => self.tally.dropped_loop += 1,
            Admit::DropNotLocal => self.tally.dropped_replica += 1,
        }
        self.next = Some(offset + 1);
        Ok(())
    }

    fn tell(&mut self, slot: usize, steps: &mut Vec<Step>) {
        if let Some(next) = self.next.take() {
            self.tally.batches += u64::from(self.tally.records > 0);
            steps.push(Step::Moved {
                slot,
                next,
                tally: std::mem::take(&mut self.tally),
                ages: std::mem::take(&mut self.ages),
            });
        }
    }
}

/// The record guard: a record never returns to a cluster that it has been at.
fn guard(recipe: &Recipe, record: &Record<'_>, tally: &mut Tally) -> Admit {
    if !recipe.provenance {
        return Admit::Copy;
    }
    let (mut names_target, mut has_hops) = (false, false);
    record.each_header(VIA, |value| match Hop::parse(value) {
        Some(hop) => {
            has_hops = true;
            names_target |= hop.cluster_id == recipe.target_id;
        }
        None => tally.foreign_headers += 1,
    });
    admit_path(
        recipe.provenance,
        recipe.is_local_only,
        names_target,
        has_hops,
    )
}

/// Appends a number in decimal without allocating.
fn push_decimal(text: &mut Vec<u8>, number: i64) {
    use std::io::Write;
    // Writing into a Vec does not fail.
    write!(text, "{number}").ok();
}
