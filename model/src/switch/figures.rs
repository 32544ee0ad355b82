//! What a switch amounts to: what was lost for now, what will be seen again.

use serde::{Deserialize, Serialize};

use super::state::{State, Way};

/// A partition of an edge, when the edge was fenced.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartitionFigures {
    /// The edge.
    pub edge: String,
    /// Topic on the source.
    pub topic: String,
    /// Partition of both.
    pub partition: i32,
    /// Topic on the target.
    pub target_topic: String,
    /// Everything of the source before this offset was copied; `None` where nothing ever was.
    pub copied_to: Option<i64>,
    /// The source's last stable offset; `None` where it could not be asked.
    pub source_end: Option<i64>,
    /// Timestamp of the last record that was copied, in milliseconds since the epoch.
    pub copied_up_to_ms: Option<i64>,
    /// Timestamp of the first record that was not.
    pub missing_since_ms: Option<i64>,
}

/// A consumer group's position in a partition.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupFigures {
    /// The group.
    pub group: String,
    /// The edge that it was translated over.
    pub edge: String,
    /// Topic where the group goes on.
    pub topic: String,
    /// Partition.
    pub partition: i32,
    /// Where it stood on the side that it leaves.
    pub stood_at: Option<i64>,
    /// Where it goes on.
    pub goes_on_at: Option<i64>,
    /// Offsets behind that which it may have read already: its repeats are at most these.
    pub repeats_max: Option<i64>,
    /// What else is to be known, or why it was not translated.
    pub note: Option<String>,
}

/// The recovery point: what was not copied.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Loss {
    /// Offsets that were not copied, where the source could be asked for all partitions: records, and
    /// transaction markers among them.
    pub offsets: Option<i64>,
    /// Timestamp of the oldest record that was not copied.
    pub since_ms: Option<i64>,
    /// Timestamp of the newest record that was.
    pub copied_up_to_ms: Option<i64>,
    /// From the oldest record that was not copied to the beginning of the failover; where the source
    /// cannot be asked, from the newest record that was copied: no more than that can be missing.
    pub at_most_ms: Option<i64>,
}

impl PartitionFigures {
    /// Offsets that were not copied; `None` where the source could not be asked.
    pub fn missing(&self) -> Option<i64> {
        Some((self.source_end? - self.copied_to.unwrap_or(0)).max(0))
    }
}

impl State {
    /// What was not copied when the edges were fenced.
    pub fn loss(&self) -> Loss {
        let missing: Option<Vec<i64>> = self
            .partitions
            .iter()
            .map(PartitionFigures::missing)
            .collect();
        let offsets = missing.map(|all| all.into_iter().sum());
        let since_ms = self
            .partitions
            .iter()
            .filter_map(|p| p.missing_since_ms)
            .min();
        let copied_up_to_ms = self
            .partitions
            .iter()
            .filter_map(|p| p.copied_up_to_ms)
            .max();
        let from = match offsets {
            Some(0) => Some(self.begun_ms),
            Some(_) => since_ms.or(copied_up_to_ms),
            None => copied_up_to_ms,
        };
        Loss {
            offsets,
            since_ms,
            copied_up_to_ms,
            at_most_ms: from.map(|from| (self.begun_ms - from).max(0)),
        }
    }

    /// From the beginning of the switch to its end, in milliseconds.
    pub fn took_ms(&self) -> Option<i64> {
        Some((self.ended_ms()? - self.begun_ms).max(0))
    }

    /// Where records come to in this switch: the cluster where groups go on.
    pub fn arrival(&self) -> &str {
        match self.switch {
            Way::Failover => &self.to,
            Way::Failback => &self.from,
        }
    }
}
