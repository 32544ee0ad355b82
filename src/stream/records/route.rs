//! One partition's way: which of its records go, with what hop, and what was done.

use crossdock_model::graph::{Admit, admit_path};
use crossdock_model::latency::Ages;
use crossdock_model::note::Epoch;
use crossdock_model::provenance::Hop;
use crossdock_model::select::{Chosen, Selection};

use super::Recipe;
use super::aside::{Aside, Met, Probation, Reasons};
use crate::kafka::{Batch, CommitError, Drops, Error, ErrorKind, Record, Stamp, VIA, Writer};
use crate::stream::engine::{Step, Tally, Twin};
use crate::stream::seams::Fate;

/// Most offsets that are passed over again to ask the source about the last record.
const REREAD_MAX: i64 = 100_000;

/// Where the records of a slot go, and what was done with those of the current batch.
pub(super) struct Route {
    pub(super) twin: Twin,
    /// `<alias>/<cluster id>/<topic>/<partition>/`: an offset makes it a hop.
    pub(super) hop: Vec<u8>,
    /// What stands behind the offset: the topic's id, where its offsets have gone back.
    pub(super) incarnation: String,
    /// What lies before was read before.
    pub(super) first: i64,
    pub(super) next: Option<i64>,
    pub(super) epoch: Option<Epoch>,
    pub(super) tally: Tally,
    pub(super) ages: Ages,
    /// Records that are not sent again, and why.
    pub(super) aside: Reasons,
    /// From this size on, records are sent alone.
    pub(super) large: Option<u64>,
    /// Records that are sent in small parts, and how many are on their way.
    pub(super) probation: Option<Probation>,
    pub(super) unproved: usize,
    /// Something could not be read: nothing more until it is opened again.
    pub(super) is_broken: bool,
}

impl Route {
    /// Copies one record, or drops it.
    pub(super) fn take(
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
    pub(super) fn pass(
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
    pub(super) fn part(&self, record: &Record<'_>) -> Option<usize> {
        if self.large.is_some_and(|least| record.size() >= least) {
            return Some(1);
        }
        let probation = self.probation.as_ref()?;
        let is_probed = probation.offsets.contains(&record.offset());
        is_probed.then_some(probation.part)
    }

    pub(super) fn tell(&mut self, slot: usize, steps: &mut Vec<Step>) {
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
pub(super) fn behind(position: i64, last: Option<Epoch>) -> Option<(i64, i32)> {
    let Epoch {
        leader_epoch,
        behind,
    } = last?;
    (0..=REREAD_MAX)
        .contains(&(position - behind))
        .then_some((behind, leader_epoch))
}

/// What a batch holds of topics that were created again may be of either: nothing of it is taken.
pub(super) fn tell_recreated(
    batch: &Batch<'_>,
    routes: &mut [Option<Route>],
    steps: &mut Vec<Step>,
) {
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
pub(super) fn with_principal(mut error: Error, twin: &Twin, recipe: &Recipe) -> Error {
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
