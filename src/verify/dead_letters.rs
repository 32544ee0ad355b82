//! Records that an edge has put aside are not missing: its dead-letter topic names them.

use std::collections::BTreeMap;
use std::sync::Arc;

use crossdock_model::dead_letter;
use crossdock_model::provenance::Hop;
use crossdock_model::topology::Topology;
use crossdock_model::verify::{Excuse, Outcome};

use super::items::Item;
use super::read::{At, Feed};
use crate::kafka::{Error, VIA};

/// Offsets that were put aside, by source topic and partition.
type PutAside = BTreeMap<(String, i32), Vec<i64>>;

/// Excuses what is missing and lies in the dead-letter topic of its edge. Nothing is read where nothing
/// is missing.
///
/// # Errors
/// The target does not answer.
pub(super) fn forgive(
    topology: &Topology,
    items: &[Item],
    outcomes: &mut [Outcome],
) -> Result<(), Error> {
    let mut read: BTreeMap<String, PutAside> = BTreeMap::new();
    for (item, outcome) in items.iter().zip(outcomes) {
        if !outcome.has_missing() || !item.edge.provenance {
            continue;
        }
        let topic = dead_letter::topic(topology.name(), item.edge.name.as_str());
        let aside = match read.remove(&topic) {
            Some(aside) => aside,
            None => put_aside(item, &topic)?,
        };
        let place = (item.twin.source_topic.to_string(), item.twin.partition);
        for offset in aside.get(&place).into_iter().flatten() {
            outcome.excuse_missing(*offset, Excuse::DeadLettered);
        }
        read.insert(topic, aside);
    }
    Ok(())
}

fn put_aside(item: &Item, topic: &str) -> Result<PutAside, Error> {
    let mut aside = PutAside::new();
    let Some(count) = item.target.partitions(topic)? else {
        return Ok(aside);
    };
    let topic: Arc<str> = topic.into();
    let places: Vec<_> = (0..count).map(|p| (topic.clone(), p)).collect();
    let (starts, ends) = (
        item.target.start_offsets(&places)?,
        item.target.end_offsets(&places)?,
    );
    let mut feed = Feed::new(&item.target)?;
    for place in &places {
        let span = (
            starts.get(place).copied().unwrap_or(0),
            ends.get(place).copied().unwrap_or(0),
        );
        let mut open = feed.open(&place.0, place.1, span)?;
        let mut at = At::Somewhere;
        while at == At::Somewhere {
            at = feed.read(&mut open, |record| {
                let mut last = None;
                record.each_header(VIA, |value| {
                    last = Hop::parse(value)
                        .filter(|hop| hop.cluster_id == item.lens.source_id)
                        .map(|hop| (hop.topic.to_owned(), hop.partition, hop.offset));
                });
                if let Some((topic, partition, offset)) = last {
                    aside.entry((topic, partition)).or_default().push(offset);
                }
            })?;
        }
        feed.close(&open);
    }
    Ok(aside)
}
