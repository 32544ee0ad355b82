//! The ledger's own map of offsets, read from the logs of both sides.

use crossdock_testbed::dump;
use crossdock_testbed::record::{PartitionLog, Record};
use crossdock_testbed::scene::Scene;

/// What the ledger knows of a topic of one name on both ends of an edge.
pub(crate) struct Truth {
    pub(crate) edge: String,
    source_id: String,
    topic: String,
    pub(crate) source: Vec<PartitionLog>,
    pub(crate) target: Vec<PartitionLog>,
}

impl Truth {
    /// Over the edge from `bj` to `sh`.
    pub(crate) fn read(scene: &mut Scene, topic: &str) -> Self {
        Self::of(scene, "bj-to-sh", topic)
    }

    pub(crate) fn of(scene: &mut Scene, edge: &str, topic: &str) -> Self {
        let (from, to) = edge.split_once("-to-").expect("an edge is called A-to-B");
        let source_id = scene.broker(from).cluster_id().to_owned();
        let mut logs = |alias: &str| {
            let bootstrap = scene.broker(alias).bootstrap();
            dump::dump(alias, &bootstrap)
                .topics
                .remove(topic)
                .expect("it is there")
        };
        let (source, target) = (logs(from), logs(to));
        Self {
            edge: edge.to_owned(),
            source_id,
            topic: topic.to_owned(),
            source,
            target,
        }
    }

    /// Source offset and target offset of every copy.
    pub(crate) fn copies(&self, partition: usize) -> Vec<(i64, i64)> {
        let of = |record: &Record| {
            let hop = record.last_hop()?;
            let is_ours = hop.cluster == self.source_id
                && (hop.topic.as_str(), hop.partition) == (self.topic.as_str(), partition);
            is_ours.then_some((hop.offset, record.offset))
        };
        self.target[partition]
            .records
            .iter()
            .filter_map(of)
            .collect()
    }
}
