//! Partitions are compared side by side, each by one job.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use crossdock_model::name::EdgeName;
use crossdock_model::topology::Topology;
use crossdock_model::verify::{Outcome, settle};

use super::compare::{Comparer, Pace};
use super::items::Item;
use super::{Line, Options, dead_letters};
use crate::kafka::Error;
use crate::progress::Progress;

/// Compares all of them; the outcomes are in their order.
///
/// # Errors
/// The first error of any job: the others stop at their next partition.
pub fn compare_all(
    topology: &Topology,
    items: &[Item],
    options: &Options,
    progress: &Progress,
) -> Result<Vec<Outcome>, Error> {
    progress.expect(items.iter().map(Item::width).sum());
    // Those with most to read begin first: no job is left with a long one at the end.
    let mut order: Vec<usize> = (0..items.len()).collect();
    order.sort_by_key(|at| std::cmp::Reverse(items[*at].width()));
    let (next, pace) = (AtomicUsize::new(0), Pace::new(options.limit));
    let done: Mutex<Vec<Option<Outcome>>> = Mutex::new(vec![None; items.len()]);
    let failed: Mutex<Option<Error>> = Mutex::new(None);
    let work = || {
        let mut comparer = Comparer::new(topology.name(), &pace, progress);
        while let Some(at) = order.get(next.fetch_add(1, Ordering::Relaxed)) {
            match comparer.compare(&items[*at]) {
                Ok(outcome) => lock(&done)[*at] = Some(outcome),
                Err(error) => {
                    lock(&failed).get_or_insert(error);
                    next.store(order.len(), Ordering::Relaxed);
                }
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..options.jobs.clamp(1, items.len().max(1)) {
            scope.spawn(work);
        }
    });
    if let Some(error) = lock(&failed).take() {
        return Err(error);
    }
    let done = lock(&done).drain(..).collect::<Vec<_>>();
    let mut outcomes: Vec<Outcome> = done.into_iter().map(Option::unwrap_or_default).collect();
    dead_letters::forgive(topology, items, &mut outcomes)?;
    Ok(outcomes)
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// What is told of each partition; the partitions of a topic explain each other.
pub(super) fn lines(items: &[Item], outcomes: Vec<Outcome>) -> Vec<Line> {
    let mut topics: BTreeMap<(EdgeName, Arc<str>), BTreeMap<i32, Outcome>> = BTreeMap::new();
    for (item, outcome) in items.iter().zip(outcomes) {
        let topic = (item.edge.name.clone(), item.twin.source_topic.clone());
        topics
            .entry(topic)
            .or_default()
            .insert(item.twin.partition, outcome);
    }
    let mut rows: BTreeMap<_, _> = topics.into_iter().map(|(t, o)| (t, settle(o))).collect();
    let line = |item: &Item| {
        let topic = (item.edge.name.clone(), item.twin.source_topic.clone());
        let row = rows.get_mut(&topic)?.remove(&item.twin.partition)?;
        let ends = (item.spans.first()?.from, item.spans.last()?.to);
        Some(Line {
            edge: item.edge.name.to_string(),
            topic: item.twin.source_topic.to_string(),
            partition: item.twin.partition,
            target_topic: item.twin.target_topic.to_string(),
            row,
            source_offsets: [ends.0, ends.1],
        })
    };
    items.iter().filter_map(line).collect()
}
