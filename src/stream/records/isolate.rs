//! Finding the record that the target refuses among those that were refused with it.

use std::collections::BTreeMap;

use super::RecordEngine;
use super::aside::Probation;
use crate::kafka::{CommitError, REFUSED_MAX, Refusal, Refused, TopicPartition};

/// So many records that were refused together are sent again one by one; more, in so many parts.
const PROBED_SINGLY: usize = 65;
const PROBED_PARTS: usize = 16;

/// Sizes to try when a whole batch was refused; the last one sends records one by one.
const BATCH_BYTES_STEPS: [u32; 6] = [250_000, 60_000, 15_000, 4_000, 1_000, 1];

impl RecordEngine {
    /// A batch that is refused may hold one record that is too large or invalid, or only too many for a
    /// topic with a small `max.message.bytes`: smaller batches tell which. What is refused for good is
    /// told only when it is known to be that very record.
    pub(super) fn isolate(&mut self, error: CommitError) -> CommitError {
        let CommitError::Refused(mut refused) = error else {
            return error;
        };
        if !refused.iter().any(|r| is_for_good(r.why)) {
            return CommitError::Refused(refused);
        }
        // What failed with it does so no more without it.
        refused.retain(|r| is_for_good(r.why));
        let mut places: BTreeMap<TopicPartition, Vec<&Refused>> = BTreeMap::new();
        for record in &refused {
            let place = (record.topic.clone(), record.partition);
            places.entry(place).or_default().push(record);
        }
        let mut is_narrowed = false;
        for (place, list) in places.iter().filter(|(_, list)| list.len() > 1) {
            is_narrowed |= match list[0].why {
                Refusal::Oversize => self.shrink(),
                _ => self.probe(place, list),
            };
        }
        if is_narrowed {
            return CommitError::Again(refused[0].error.clone());
        }
        self.is_renewed_by_abort = self.batch_bytes_max.take().is_some();
        CommitError::Refused(refused)
    }

    /// Makes batches smaller; `false` where each holds one record already.
    fn shrink(&mut self) -> bool {
        let next = BATCH_BYTES_STEPS
            .into_iter()
            .find(|step| self.batch_bytes_max.is_none_or(|now| *step < now));
        if next.is_some() {
            self.batch_bytes_max = next;
            self.is_renewed_by_abort = true;
        }
        next.is_some()
    }

    /// Sends what was refused together in smaller parts, each on its own.
    fn probe(&mut self, place: &TopicPartition, refused: &[&Refused]) -> bool {
        let twin = self.routes.iter().flatten().map(|route| &route.twin);
        let Some(twin) = twin.into_iter().find(|twin| twin.target() == *place) else {
            return false;
        };
        let offsets = || refused.iter().map(|r| r.source_offset);
        let last = match refused.len() {
            REFUSED_MAX.. => i64::MAX,
            _ => offsets().max().unwrap_or(0),
        };
        let probation = Probation {
            offsets: offsets().min().unwrap_or(0)..=last,
            part: match refused.len() {
                PROBED_SINGLY.. => refused.len() / PROBED_PARTS,
                _ => 1,
            },
        };
        self.aside.probe(twin, probation);
        true
    }
}

/// Whether a record would be refused again.
fn is_for_good(why: Refusal) -> bool {
    matches!(
        why,
        Refusal::Oversize | Refusal::Invalid | Refusal::NoDeadLetter
    )
}
