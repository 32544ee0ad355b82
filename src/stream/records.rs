//! The record engine: copies record by record through librdkafka.

use std::sync::Arc;
use std::time::Duration;

use crossdock_model::edge::OnOversize;
use crossdock_model::latency::Ages;
use crossdock_model::select::Selection;

mod aside;
mod isolate;
mod route;

use super::engine::{Check, Engine, Origin, Step, Tally, Twin};
use super::seams::Fate;
use crate::clock;
use crate::kafka::{
    Cluster, CommitError, Error, Lease, Member, Position, Properties, Reader, Received, Refused,
    Writer,
};
use aside::Aside;
use route::{Route, behind, tell_recreated, with_principal};

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

    fn commit(
        &mut self,
        lease: &Lease,
        positions: &[Position],
        check: Check<'_>,
    ) -> Result<(), CommitError> {
        let Some(writer) = &mut self.writer else {
            return Ok(());
        };
        let committed = match self.recipe.transactional_id {
            Some(_) => writer.commit(lease, positions, check),
            None => writer
                .settle(lease)
                .and_then(|()| check())
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
