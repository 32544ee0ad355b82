//! What a comparison came to, and how the outcomes of a topic's partitions become rows.

use std::collections::BTreeMap;

use super::finding::FIRST_MAX;
use super::offsets::Offsets;
use super::{Difference, Excuse, Kind, Part, Row};

/// Copies in a wrong partition that are looked up in their own; more are only counted.
const DISPLACED_MAX: usize = 100_000;

/// What came of a stretch of a partition, or of several.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    row: Row,
    pub(super) exists: Offsets,
    pub(super) missing: Offsets,
    displaced: Vec<Displaced>,
    compared: Vec<(i64, i64)>,
}

/// A copy that lies in another partition than its record.
#[derive(Clone, Copy, Debug)]
struct Displaced {
    partition: i32,
    source: i64,
    target: i64,
}

impl Outcome {
    /// An outcome of a stretch of source offsets.
    pub(super) fn of(from: i64, to: i64) -> Self {
        Self {
            compared: vec![(from, to)],
            ..Self::default()
        }
    }

    pub(super) fn matched(&mut self) {
        self.row.compared += 1;
    }

    /// Notes records that are no difference, and why.
    pub fn excuse(&mut self, excuse: Excuse, count: u64) {
        self.row.excused.add(excuse, count);
    }

    /// Counts a difference, and keeps the first of each kind. What is missing is known at the end.
    pub(super) fn differs(
        &mut self,
        kind: Kind,
        what: Option<String>,
        source_offset: Option<i64>,
        target_offset: Option<i64>,
    ) {
        *self.row.count_mut(kind) += 1;
        if self.row.first.iter().filter(|d| d.kind == kind).count() < FIRST_MAX {
            self.row.first.push(Difference {
                kind,
                what,
                source_offset,
                target_offset,
            });
        }
    }

    pub(super) fn displaced(&mut self, partition: i32, source: i64, target: i64) {
        if self.displaced.len() < DISPLACED_MAX {
            self.displaced.push(Displaced {
                partition,
                source,
                target,
            });
        } else {
            *self.row.count_mut(Kind::Altered) += 1;
        }
    }

    /// Whether records without a copy are among it.
    pub fn has_missing(&self) -> bool {
        self.missing.len() > 0
    }

    /// A record is missing for a good reason, if it is.
    pub fn excuse_missing(&mut self, offset: i64, excuse: Excuse) {
        if self.missing.remove(offset) {
            self.excuse(excuse, 1);
        }
    }

    /// Whether nothing is different in it; what lies in other partitions is not known yet.
    pub fn is_equal(&self) -> bool {
        self.row.is_equal() && self.missing.len() == 0 && self.displaced.is_empty()
    }

    /// Adds the outcome of another stretch of the same partition.
    pub fn merge(&mut self, other: Self) {
        self.row.compared += other.row.compared;
        for kind in Kind::ALL {
            *self.row.count_mut(kind) += other.row.count(kind);
        }
        self.row.first.extend(other.row.first);
        self.row.excused.add_all(&other.row.excused);
        self.exists.merge(other.exists);
        self.missing.merge(other.missing);
        self.displaced.extend(other.displaced);
        self.compared.extend(other.compared);
    }

    fn covers(&self, source: i64) -> bool {
        self.compared
            .iter()
            .any(|(from, to)| (*from..*to).contains(&source))
    }

    /// A copy of the record at `source` lies in another partition: what is it?
    fn claim(&mut self, source: i64) -> Kind {
        if self.missing.remove(source) {
            self.matched();
            Kind::Altered
        } else if self.exists.contains(source) {
            Kind::Duplicated
        } else {
            Kind::Unexpected
        }
    }

    fn row(mut self) -> Row {
        let missing = self.missing.len();
        self.row.missing_runs = self.missing.runs();
        self.row.missing += missing;
        self.row.compared += missing;
        let first = self.missing.iter().take(FIRST_MAX).map(|s| Difference {
            kind: Kind::Missing,
            what: None,
            source_offset: Some(s),
            target_offset: None,
        });
        self.row.first.extend(first);
        self.row.first = first_of_each(std::mem::take(&mut self.row.first));
        self.row
    }
}

/// The first differences by place; the first of each kind is among them.
fn first_of_each(mut all: Vec<Difference>) -> Vec<Difference> {
    all.sort_by_key(|d| (d.source_offset.or(d.target_offset), d.target_offset, d.kind));
    let mut kept: Vec<Difference> = Vec::new();
    for kind in Kind::ALL {
        kept.extend(all.iter().find(|d| d.kind == kind).cloned());
    }
    for difference in &all {
        if kept.len() >= FIRST_MAX {
            break;
        }
        if !kept.contains(difference) {
            kept.push(difference.clone());
        }
    }
    kept.sort_by_key(|d| (d.source_offset.or(d.target_offset), d.target_offset, d.kind));
    kept
}

/// The rows of one topic's partitions. A copy that lies in a wrong partition is looked up in its own:
/// where it is missing there it is altered, where it is there it is one too many, and where nothing
/// of the kind was ever read it is unexpected.
pub fn settle(mut outcomes: BTreeMap<i32, Outcome>) -> BTreeMap<i32, Row> {
    let all: Vec<(i32, Displaced)> = outcomes
        .iter_mut()
        .flat_map(|(p, o)| {
            let displaced = std::mem::take(&mut o.displaced);
            displaced.into_iter().map(|d| (*p, d))
        })
        .collect();
    for (lies_in, found) in all {
        let home = outcomes
            .get_mut(&found.partition)
            .filter(|home| home.covers(found.source));
        let kind = match home {
            None => Kind::Altered,
            Some(home) => home.claim(found.source),
        };
        if let Some(here) = outcomes.get_mut(&lies_in) {
            let what = (kind == Kind::Altered).then(|| Part::Partition.as_str().to_owned());
            here.differs(kind, what, Some(found.source), Some(found.target));
        }
    }
    outcomes.into_iter().map(|(p, o)| (p, o.row())).collect()
}
