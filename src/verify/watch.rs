//! `verify --watch`: goes on comparing what edges have copied since, slowly, and remembers up to where
//! both ends were proved equal.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use crossdock_model::topology::Topology;
use crossdock_model::verify::Kind;
use serde::Serialize;

use super::{Item, Line, Options, compare_all, jobs, survey};
use crate::kafka::Error;
use crate::progress::Progress;

/// What has been proved of a partition.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Proved {
    /// Edge.
    pub edge: String,
    /// Cluster that is read.
    pub source: String,
    /// Cluster that is written.
    pub target: String,
    /// Source topic.
    pub topic: String,
    /// Partition.
    pub partition: i32,
    /// Source offset before which nothing that was compared is different.
    pub equal_offset: i64,
    /// Source offset before which everything was compared.
    pub compared_offset: i64,
    /// The edge's position when it was looked at: what is between was not compared yet.
    pub position: i64,
    /// Records that were compared.
    pub records: u64,
    /// Differences that were found, in the order of [`Kind::ALL`].
    pub differences: [u64; 5],
}

/// What a watch has found so far. Shared with who serves it.
#[derive(Clone, Default)]
pub struct Watched(Arc<Mutex<State>>);

/// What there is to tell.
#[derive(Clone, Debug, Default, Serialize)]
pub struct State {
    /// Every partition, by edge, topic and number.
    pub partitions: Vec<Proved>,
    /// Rounds over all partitions that came to their end.
    pub rounds: u64,
    /// Rounds that did not: a cluster did not answer.
    pub failed_rounds: u64,
}

type Place = (String, String, i32);

impl Watched {
    /// What was found until now.
    pub fn state(&self) -> State {
        self.lock().clone()
    }

    /// Whether anything different was found.
    pub fn is_equal(&self) -> bool {
        let state = self.lock();
        state
            .partitions
            .iter()
            .all(|p| p.differences.iter().all(|n| *n == 0))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Compares round after round, for ever.
    pub fn run(&self, topology: &Topology, options: &Options, every: Duration) {
        loop {
            match self.round(topology, options) {
                Ok(()) => self.lock().rounds += 1,
                Err(error) => {
                    tracing::warn!("{error}; the next round begins in {every:?}.");
                    self.lock().failed_rounds += 1;
                }
            }
            thread::sleep(every);
        }
    }

    fn round(&self, topology: &Topology, options: &Options) -> Result<(), Error> {
        let known: BTreeMap<Place, Proved> = self
            .state()
            .partitions
            .into_iter()
            .map(|p| ((p.edge.clone(), p.topic.clone(), p.partition), p))
            .collect();
        for mut item in survey(topology, options)? {
            let place = (
                item.edge.name.to_string(),
                item.twin.source_topic.to_string(),
                item.twin.partition,
            );
            let mut proved = known
                .get(&place)
                .cloned()
                .unwrap_or_else(|| Proved::new(&item));
            item.go_on_from(proved.compared_offset);
            // Partition by partition: what was proved is told at once.
            let items = std::slice::from_ref(&item);
            let outcomes = compare_all(topology, items, options, &Progress::hidden())?;
            for line in jobs::lines(items, outcomes) {
                proved.take(&item, &line);
            }
            self.put(proved);
        }
        Ok(())
    }

    fn put(&self, proved: Proved) {
        let place = |p: &Proved| (p.edge.clone(), p.topic.clone(), p.partition);
        let mut state = self.lock();
        match state
            .partitions
            .iter_mut()
            .find(|p| place(p) == place(&proved))
        {
            Some(known) => *known = proved,
            None => state.partitions.push(proved),
        }
    }
}

impl Proved {
    fn new(item: &Item) -> Self {
        let from = item.spans.first().map_or(0, |span| span.from);
        Self {
            edge: item.edge.name.to_string(),
            source: item.edge.source.to_string(),
            target: item.edge.target.to_string(),
            topic: item.twin.source_topic.to_string(),
            partition: item.twin.partition,
            equal_offset: from,
            compared_offset: from,
            ..Self::default()
        }
    }

    fn take(&mut self, item: &Item, line: &Line) {
        let [from, to] = line.source_offsets;
        self.position = item.position;
        self.records += line.row.compared;
        for (all, kind) in self.differences.iter_mut().zip(Kind::ALL) {
            *all += line.row.count(kind);
        }
        let first = line.row.first.first();
        if let Some(first) = first {
            tracing::error!(
                edge = self.edge,
                "{}-{} is different from its copy: {} {}, first at source offset {}, target offset {}.",
                self.topic,
                self.partition,
                Kind::ALL
                    .iter()
                    .map(|kind| line.row.count(*kind))
                    .sum::<u64>(),
                first.kind.as_str(),
                first.source_offset.unwrap_or(-1),
                first.target_offset.unwrap_or(-1)
            );
        }
        if self.equal_offset >= self.compared_offset.min(from) {
            let first = first.map(|first| first.source_offset.unwrap_or(from));
            self.equal_offset = first.unwrap_or(to).clamp(self.equal_offset.min(to), to);
        }
        self.compared_offset = to;
    }
}
