//! The ledger's own map of offsets, read from the logs of both sides.

use crossdock_testbed::dump;
use crossdock_testbed::record::{PartitionLog, Record};
use crossdock_testbed::scene::Scene;

/// What the ledger knows of a topic of one name on `bj` and `sh`.
pub(crate) struct Truth {
    source_id: String,
    topic: String,
    pub(crate) source: Vec<PartitionLog>,
    pub(crate) target: Vec<PartitionLog>,
}

impl Truth {
    pub(crate) fn read(scene: &mut Scene, topic: &str) -> Self {
        let source_id = scene.broker("bj").cluster_id().to_owned();
        let mut logs = |alias: &str| {
            let bootstrap = scene.broker(alias).bootstrap();
            dump::dump(alias, &bootstrap)
                .topics
                .remove(topic)
                .expect("it is there")
        };
        let (source, target) = (logs("bj"), logs("sh"));
        Self {
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
