//! The record engine: copies record by record through librdkafka.

use std::sync::Arc;
use std::time::Duration;

use crossdock_model::edge::OnOversize;
use crossdock_model::graph::{Admit, admit_path};
use crossdock_model::latency::Ages;
use crossdock_model::note::Epoch;
use crossdock_model::provenance::Hop;
use crossdock_model::select::{Chosen, Selection};

mod aside;
mod isolate;

use super::engine::{Engine, Origin, Step, Tally, Twin};
use super::seams::Fate;
use crate::clock;
use crate::kafka::{
    Batch, Cluster, CommitError, Drops, Error, ErrorKind, Lease, Member, Position, Properties,
    Reader, Received, Record, Refused, Stamp, VIA, Writer,
};
use aside::{Aside, Met, Probation, Reasons};

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
    /// Whether records that have been at the target go there too: it came back empty.
    pub is_rebuild: bool,
    /// Whether only records that were produced on the source itself go.
    pub is_local_only: bool,
    /// Which records go, and without which headers; `None`: all, as they are.
    pub selection: Option<Arc<Selection>>,
    /// What becomes of records that the target refuses for good.
    pub on_oversize: OnOversize,
    /// Where dead letters go.
    pub dead_letter_topic: String,
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
    /// The next abort takes a new writer, for batches of another size.
    is_renewed_by_abort: bool,
    aside: Aside,
}

/// Most offsets that are passed over again to ask the source about the last record.
const REREAD_MAX: i64 = 100_000;

/// Where the records of a slot go, and what was done with those of the current batch.
struct Route {
    twin: Twin,
    /// `<alias>/<cluster id>/<topic>/<partition>/`: an offset makes it a hop.
    hop: Vec<u8>,
    /// What stands behind the offset: the topic's id, where its offsets have gone back.
    incarnation: String,
    /// What lies before was read before.
    first: i64,
    next: Option<i64>,
    epoch: Option<Epoch>,
    tally: Tally,
    ages: Ages,
    /// Records that are not sent again, and why.
    aside: Reasons,
    /// From this size on, records are sent alone.
    large: Option<u64>,
    /// Records that are sent in small parts, and how many are on their way.
    probation: Option<Probation>,
    unproved: usize,
    /// Something could not be read: nothing more until it is opened again.
    is_broken: bool,
}

impl RecordEngine {
    /// An engine that has neither read nor written yet.
    pub fn new(recipe: Recipe, member: Arc<Member>) -> Self {
        let topic = &recipe.dead_letter_topic;
        Self {
            aside: Aside::new(recipe.on_oversize, topic, &recipe.target),
            recipe,
            member,
            reader: None,
            writer: None,
            routes: Vec::new(),
            batch_bytes_max: None,
            is_renewed_by_abort: false,
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

impl Engine for RecordEngine {
    type Lease = Lease;

    fn open(
        &mut self,
        slot: usize,
        twin: &Twin,
        position: i64,
        origin: &Origin,
    ) -> Result<(), Error> {
        let hop = format!(
            "{}/{}/{}/",
            self.recipe.source_hop, twin.source_topic, twin.partition
        );
        let incarnation = origin.incarnation.as_ref();
        let reader = self.reader()?;
        match behind(position, origin.epoch) {
            Some(last) => {
                reader.start_behind(slot, (&twin.source_topic, twin.partition), last)?;
            }
            None => reader.start(slot, &twin.source_topic, twin.partition, position)?,
        }
        if self.routes.len() <= slot {
            self.routes.resize_with(slot + 1, || None);
        }
        self.routes[slot] = Some(Route {
            aside: self.aside.of(twin),
            large: self.aside.large(&twin.target_topic),
            probation: self.aside.probation(twin),
            unproved: 0,
            twin: twin.clone(),
            hop: hop.into_bytes(),
            incarnation: incarnation.map(|id| format!("/{id}")).unwrap_or_default(),
            first: position,
            next: None,
            epoch: None,
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
        let (recipe, routes, aside) = (&self.recipe, &mut self.routes, &mut self.aside);
        let mut failed = None;
        let batch = reader.receive(wait, recipe.batch_records_max);
        let now_ms = clock::now_ms();
        tell_recreated(&batch, routes, steps);
        let cuts = batch.cuts();
        batch.for_each(|slot, received| {
            let Some(route) = routes.get_mut(slot).and_then(Option::as_mut) else {
                return;
            };
            match received {
                Received::Record(record) => {
                    if failed.is_none() && !route.is_broken {
                        failed = route.take(recipe, (writer, aside), record, now_ms).err();
                    }
                }
                Received::End(_) if route.is_broken => {}
                Received::End(position) => {
                    route.tell(slot, steps);
                    steps.push(Step::End { slot, position });
                }
                // What follows in this batch lies behind what could not be read.
                Received::OutOfRange => {
                    route.is_broken = true;
                    route.tell(slot, steps);
                    steps.push(Step::OutOfRange {
                        slot,
                        cut: cuts.get(&slot).copied(),
                    });
                }
                Received::Failed(error) => {
                    route.is_broken = true;
                    route.tell(slot, steps);
                    let error = with_principal(error, &route.twin, recipe);
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

    fn set_aside(&mut self, twin: &Twin, refused: &Refused) -> Fate {
        self.aside.add(twin, refused)
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
        match committed {
            Ok(()) => self.aside.passed(positions),
            Err(error) => return Err(self.isolate(error)),
        }
        Ok(())
    }

    fn abort(&mut self) -> Result<(), Error> {
        self.writer.as_mut().map_or(Ok(()), Writer::abort)?;
        if std::mem::take(&mut self.is_renewed_by_abort) {
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
        (writer, aside): (&mut Writer, &mut Aside),
        mut record: Record<'_>,
        now_ms: i64,
    ) -> Result<(), CommitError> {
        let offset = record.offset();
        if offset < self.first {
            return Ok(());
        }
        match guard(recipe, &record, &mut self.tally) {
            Admit::Copy => match choose(recipe, self.twin.partition, &record) {
                Chosen::Take => {
                    let fixed = self.hop.len();
                    push_decimal(&mut self.hop, offset);
                    self.hop.extend_from_slice(self.incarnation.as_bytes());
                    let done = self.pass(recipe, (writer, aside), &mut record, now_ms);
                    self.hop.truncate(fixed);
                    done?;
                }
                Chosen::NotSampled => self.tally.dropped_sample += 1,
                Chosen::Filtered => self.tally.dropped_filter += 1,
            },
            Admit::DropLoop => self.tally.dropped_loop += 1,
            Admit::DropNotLocal => self.tally.dropped_replica += 1,
        }
        self.next = Some(offset + 1);
        self.epoch = record.leader_epoch().map(|leader_epoch| Epoch {
            leader_epoch,
            behind: offset + 1,
        });
        Ok(())
    }

    /// Hands a record over to the target, or, where it was refused before, to where the policy says.
    fn pass(
        &mut self,
        recipe: &Recipe,
        (writer, aside): (&mut Writer, &mut Aside),
        record: &mut Record<'_>,
        now_ms: i64,
    ) -> Result<(), CommitError> {
        let (bytes, timestamp) = (record.bytes(), record.timestamp());
        if let Some(reason) = self.aside.get(&record.offset()) {
            let met = Met {
                twin: &self.twin,
                reason,
                hop: &self.hop,
                provenance: recipe.provenance,
            };
            match aside.put(writer, record, &met)? {
                Fate::DeadLetter => self.tally.dead_letters += 1,
                Fate::Skipped | Fate::Stands => self.tally.dropped_refused += 1,
            }
            self.large = aside.large(&self.twin.target_topic);
            return Ok(());
        }
        let part = self.part(record);
        if part.is_some() && self.unproved == 0 {
            writer.flush()?;
        }
        let selection = recipe.selection.as_deref();
        let drops = |name: &[u8]| selection.is_some_and(|selection| selection.drops(name));
        let stamp = Stamp {
            drop: selection
                .is_some_and(Selection::drops_headers)
                .then_some(&drops as Drops<'_>),
            via: recipe.provenance.then_some(self.hop.as_slice()),
            ..Stamp::default()
        };
        let (to, partition) = (&self.twin.target_topic, self.twin.partition);
        writer.send(to, partition, record, &stamp)?;
        if let Some(part) = part {
            self.unproved += 1;
            if self.unproved >= part {
                self.unproved = 0;
                writer.flush()?;
            }
        }
        self.tally.records += 1;
        self.tally.bytes += bytes;
        self.tally.zero_timestamps += u64::from(timestamp == 0);
        self.ages.note(timestamp, now_ms);
        Ok(())
    }

    /// How many records are sent at once, where this one is under suspicion.
    fn part(&self, record: &Record<'_>) -> Option<usize> {
        if self.large.is_some_and(|least| record.size() >= least) {
            return Some(1);
        }
        let probation = self.probation.as_ref()?;
        let is_probed = probation.offsets.contains(&record.offset());
        is_probed.then_some(probation.part)
    }

    fn tell(&mut self, slot: usize, steps: &mut Vec<Step>) {
        if let Some(next) = self.next.take() {
            self.tally.batches += u64::from(self.tally.records > 0);
            steps.push(Step::Moved {
                slot,
                next,
                tally: std::mem::take(&mut self.tally),
                ages: std::mem::take(&mut self.ages),
                epoch: self.epoch.take(),
            });
        }
    }
}

/// Where to read from, so that the source says whether its log still is what was read: behind the last
/// record. What lies between that and the position is markers, and records of aborted transactions.
fn behind(position: i64, last: Option<Epoch>) -> Option<(i64, i32)> {
    let Epoch {
        leader_epoch,
        behind,
    } = last?;
    (0..=REREAD_MAX)
        .contains(&(position - behind))
        .then_some((behind, leader_epoch))
}

/// What a batch holds of topics that were created again may be of either: nothing of it is taken.
fn tell_recreated(batch: &Batch<'_>, routes: &mut [Option<Route>], steps: &mut Vec<Step>) {
    if batch.recreated().is_empty() {
        return;
    }
    for (slot, route) in routes.iter_mut().enumerate() {
        if let Some(route) = route
            && batch.recreated().contains(&*route.twin.source_topic)
        {
            route.is_broken = true;
            route.tell(slot, steps);
            steps.push(Step::Recreated { slot });
        }
    }
}

/// A refusal names who may not do what.
fn with_principal(mut error: Error, twin: &Twin, recipe: &Recipe) -> Error {
    if error.kind == ErrorKind::Refused {
        let principal = recipe.source.principal();
        error.reason = format!(
            "{principal} may not READ topic {}: {}",
            twin.source_topic, error.reason
        );
    }
    error
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
        names_target && !recipe.is_rebuild,
        has_hops,
    )
}

/// `sample` and `filter` of the edge.
fn choose(recipe: &Recipe, partition: i32, record: &Record<'_>) -> Chosen {
    match &recipe.selection {
        None => Chosen::Take,
        Some(selection) => selection.choose(
            record.key(),
            (partition, record.offset()),
            record.header_iter(),
        ),
    }
}

/// Appends a number in decimal without allocating.
fn push_decimal(text: &mut Vec<u8>, number: i64) {
    use std::io::Write;
    // Writing into a Vec does not fail.
    write!(text, "{number}").ok();
}
