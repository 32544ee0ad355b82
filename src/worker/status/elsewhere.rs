//! Partitions of the edge that are not held here: others may hold them, or nobody yet.

use super::{Inner, Status};
use crate::kafka::TopicPartition;
use crate::wording::and_more;

/// What is known of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Elsewhere {
    /// Partitions have come or gone since they were looked at.
    #[default]
    Unknown,
    /// All are at their ends, or nobody can tell.
    Level,
    /// So many are behind, this one first.
    Behind(TopicPartition, usize),
}

impl Status {
    /// What was found of the partitions that are not held here.
    pub fn elsewhere(&self, found: Elsewhere) {
        self.lock().elsewhere = found;
    }

    /// Whether there are some of which nothing is known.
    pub fn wants_look_elsewhere(&self) -> bool {
        let inner = self.lock();
        inner.elsewhere == Elsewhere::Unknown && inner.not_held().next().is_some()
    }
}

impl Inner {
    fn not_held(&self) -> impl Iterator<Item = &TopicPartition> {
        let all = self.partitions_of_edge.iter();
        all.filter(|place| !self.partitions.contains_key(*place))
    }

    /// Why the edge has not caught up, though everything that is held here has: a partition may be on its
    /// way from one owner to the next, and nobody copies it meanwhile.
    pub(super) fn behind_elsewhere(&self) -> Option<String> {
        let mut not_held = self.not_held();
        let (topic, partition) = not_held.next()?;
        match &self.elsewhere {
            Elsewhere::Level => None,
            Elsewhere::Unknown => Some(format!(
                "{topic}-{partition} is not held here{}: whether it is copied elsewhere is being found out",
                and_more(not_held.count())
            )),
            Elsewhere::Behind((topic, partition), count) => Some(format!(
                "{topic}-{partition} is behind{}: held by another instance, or by none yet",
                and_more(count - 1)
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;
    use crate::stream::{Tally, Twin};
    use crate::worker::status::snapshot::{Now, State};
    use crate::worker::status::{Partition, PartitionSnapshot};

    fn place(partition: i32) -> TopicPartition {
        ("orders".into(), partition)
    }

    /// An edge of three partitions that has copied all of those which it holds.
    fn holding(held: &[i32], elsewhere: Elsewhere) -> (State, String) {
        let partition = |partition: &i32| {
            let twin = Twin {
                source_topic: "orders".into(),
                target_topic: "orders".into(),
                partition: *partition,
            };
            let copied = Partition {
                position: Some(7),
                end: Some(7),
                ..Partition::new(&twin)
            };
            (place(*partition), copied)
        };
        let inner = Inner {
            is_surveyed: true,
            has_topics: true,
            joined: vec![true],
            ends_seen: Some(Instant::now()),
            partitions_of_edge: (0..3).map(place).collect(),
            partitions: held.iter().map(partition).collect(),
            elsewhere,
            ..Inner::default()
        };
        let now = Now {
            at: Duration::ZERO,
            ms: 0,
            is_limited: false,
        };
        let told = |p: &Partition| p.snapshot(&now, None, &Tally::default());
        let told: Vec<PartitionSnapshot> = inner.partitions.values().map(told).collect();
        let (state, reason) = inner.state(&told, None);
        (state, reason.unwrap_or_default())
    }

    #[test]
    fn an_edge_has_caught_up_only_where_what_it_does_not_hold_has() {
        let behind = || Elsewhere::Behind(place(1), 1);
        for (held, elsewhere, state, words) in [
            (
                &[0, 1, 2][..],
                Elsewhere::Unknown,
                State::CaughtUp,
                "nothing left",
            ),
            (&[0, 1, 2], behind(), State::CaughtUp, "nothing left"),
            (
                &[0, 2],
                Elsewhere::Unknown,
                State::Running,
                "orders-1 is not held here: whether",
            ),
            (
                &[0, 2],
                behind(),
                State::Running,
                "orders-1 is behind: held",
            ),
            (&[0, 2], Elsewhere::Level, State::CaughtUp, "nothing left"),
            (
                &[],
                Elsewhere::Unknown,
                State::Running,
                "orders-0 is not held here, and 2 more",
            ),
            (
                &[],
                Elsewhere::Level,
                State::CaughtUp,
                "other instances hold all",
            ),
        ] {
            let (found, reason) = holding(held, elsewhere.clone());
            assert_eq!(found, state, "{held:?} {elsewhere:?}: {reason}");
            assert!(reason.contains(words), "{held:?} {elsewhere:?}: {reason}");
        }
    }
}
