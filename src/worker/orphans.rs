//! Partitions that no instance holds.
//!
//! Nothing may be concluded from what is held here alone: a group can leave a partition out, as when
//! it grows while a member joins. What is not held here must get on elsewhere, or it has no owner.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::kafka::{Cluster, Error, TopicPartition};
use crate::stream::Twin;

/// Behind and standing for this long: longer than a crashed instance's session, after which the group
/// hands its partitions out by itself.
const STANDING_MAX: Duration = Duration::from_secs(12);

/// Between two times that the members are made to join anew.
const REJOIN_INTERVAL: Duration = Duration::from_secs(30);

/// Watches the partitions that are not held here.
#[derive(Default)]
pub(super) struct Orphans {
    /// Source partitions that are behind, with where they stand and since when.
    standing: BTreeMap<TopicPartition, (i64, Instant)>,
    rejoined: Option<Instant>,
}

impl Orphans {
    /// Those of `elsewhere` that are behind, and have not moved for too long.
    ///
    /// # Errors
    /// A cluster does not answer.
    pub(super) fn among(
        &mut self,
        elsewhere: &[Twin],
        committed: &BTreeMap<TopicPartition, i64>,
        source: &Cluster,
    ) -> Result<Vec<TopicPartition>, Error> {
        let targets: Vec<_> = elsewhere.iter().map(Twin::target).collect();
        let sources: Vec<_> = elsewhere.iter().map(Twin::source).collect();
        let ends = source.known_ends(&sources)?;
        let mut standing = BTreeMap::new();
        for (target, source) in targets.into_iter().zip(&sources) {
            let position = committed.get(&target).copied().unwrap_or(-1);
            if ends.get(source).is_some_and(|end| position < *end) {
                let since = match self.standing.get(source) {
                    Some((before, since)) if *before == position => *since,
                    _ => Instant::now(),
                };
                standing.insert(source.clone(), (position, since));
            }
        }
        self.standing = standing;
        let is_orphan =
            |(_, (_, since)): &(&TopicPartition, &(i64, Instant))| since.elapsed() > STANDING_MAX;
        Ok(self
            .standing
            .iter()
            .filter(is_orphan)
            .map(|(place, _)| place.clone())
            .collect())
    }

    /// The first of those that were behind at the last look, and how many there were.
    pub(super) fn behind(&self) -> Option<(TopicPartition, usize)> {
        let first = self.standing.keys().next()?;
        Some((first.clone(), self.standing.len()))
    }

    /// Whether it is time to make the members join anew.
    pub(super) fn should_rejoin(&mut self) -> bool {
        let is_due = self
            .rejoined
            .is_none_or(|at| at.elapsed() > REJOIN_INTERVAL);
        if is_due {
            self.rejoined = Some(Instant::now());
        }
        is_due
    }
}
