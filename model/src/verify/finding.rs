//! The words for what is different, and for what is not although it might look so.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};

/// A kind of difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A record of the source that has no copy.
    Missing,
    /// A copy of a record that had one already.
    Duplicated,
    /// A first copy before which that of a later record arrived.
    Reordered,
    /// A copy that is not as its record.
    Altered,
    /// A record of the target that says it is a copy of one that is not there or was not to be copied.
    Unexpected,
}

impl Kind {
    /// All of them, in the order of columns.
    pub const ALL: [Self; 5] = [
        Self::Missing,
        Self::Duplicated,
        Self::Reordered,
        Self::Altered,
        Self::Unexpected,
    ];

    /// Its name, in text, JSON and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Duplicated => "duplicated",
            Self::Reordered => "reordered",
            Self::Altered => "altered",
            Self::Unexpected => "unexpected",
        }
    }
}

/// One difference, by its exact places.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// Which kind.
    pub kind: Kind,
    /// Which part of an altered record.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub what: Option<String>,
    /// Offset of the record at the source: of an unexpected one the offset that it names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_offset: Option<i64>,
    /// Offset of the copy at the target.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_offset: Option<i64>,
}

/// Why a record that has no counterpart is no difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Excuse {
    /// It has been on the target's cluster: not copied.
    Loop,
    /// It was not produced on the source itself (`forward: local`): not copied.
    Replica,
    /// The edge's `filter` leaves it out.
    Filter,
    /// The edge's `sample` leaves it out.
    Sample,
    /// The edge has not come to it yet.
    NotCopiedYet,
    /// The edge began later (`start`).
    BeforeStart,
    /// The target has removed its copy (retention).
    TrimmedAtTarget,
    /// The source has removed it (retention), its copy is still there.
    TrimmedAtSource,
    /// The target has a later record of its key (compaction), or it was a tombstone.
    CompactedAtTarget,
    /// The source has removed it (compaction), its copy is still there.
    CompactedAtSource,
    /// Its copy would lie behind a transaction that is open at the target.
    BehindOpenTransaction,
    /// It is in the edge's dead-letter topic.
    DeadLettered,
    /// A copy of an earlier incarnation of the source topic.
    EarlierIncarnation,
    /// A record of the target that is no copy of this edge.
    NotOfThisEdge,
    /// Sent again by `verify --repair`: later than its neighbours, and marked so.
    Repaired,
    /// Its copy lies so far from its place that only its presence was checked, not its content.
    ContentNotCompared,
}

impl Excuse {
    /// What to tell a person of such records.
    pub fn words(self) -> &'static str {
        match self {
            Self::Loop => "not copied on purpose: they have been on the target's cluster",
            Self::Replica => {
                "not copied on purpose: `forward: local`, and they were replicated into the source"
            }
            Self::Filter => "not copied on purpose: `filter` leaves them out",
            Self::Sample => "not copied on purpose: `sample` leaves them out",
            Self::NotCopiedYet => "offsets behind the edge's position: not copied yet",
            Self::BeforeStart => "from before the edge began (`start`)",
            Self::TrimmedAtTarget => "removed from the target since (retention)",
            Self::TrimmedAtSource => "copies of what was removed from the source since (retention)",
            Self::CompactedAtTarget => "compacted away on the target",
            Self::CompactedAtSource => "copies of what was compacted away on the source",
            Self::BehindOpenTransaction => {
                "copies would lie behind a transaction that is open on the target"
            }
            Self::DeadLettered => "in the edge's dead-letter topic",
            Self::EarlierIncarnation => "copies of an earlier incarnation of the topic",
            Self::NotOfThisEdge => "records of the target that are no copies of this edge",
            Self::Repaired => "sent again by `verify --repair`, later than their neighbours",
            Self::ContentNotCompared => {
                "are there, but too far from their place to compare contents"
            }
        }
    }
}

/// How many records were excused, and why.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Excused(BTreeMap<Excuse, u64>);

impl Excused {
    /// Counts some more.
    pub fn add(&mut self, excuse: Excuse, count: u64) {
        if count > 0 {
            *self.0.entry(excuse).or_default() += count;
        }
    }

    /// Counts all of another.
    pub fn add_all(&mut self, other: &Self) {
        other.0.iter().for_each(|(e, count)| self.add(*e, *count));
    }

    /// How many for this reason.
    pub fn count(&self, excuse: Excuse) -> u64 {
        self.0.get(&excuse).copied().unwrap_or(0)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Reasons and counts, in a fixed order.
    pub fn iter(&self) -> impl Iterator<Item = (Excuse, u64)> + '_ {
        self.0.iter().map(|(excuse, count)| (*excuse, *count))
    }
}

impl Serialize for Excused {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

/// What is told of a partition.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Row {
    /// Records of the source that were held against the target.
    pub compared: u64,
    /// Without a copy.
    pub missing: u64,
    /// Copies too many.
    pub duplicated: u64,
    /// First copies before which that of a later record arrived.
    pub reordered: u64,
    /// Copies that are not as their record.
    pub altered: u64,
    /// Records of the target that should not be there.
    pub unexpected: u64,
    /// The first differences, by place: at least one of each kind that was found.
    pub first: Vec<Difference>,
    /// The source offsets without a copy, as runs: from, and to before.
    #[serde(skip)]
    pub missing_runs: Vec<(i64, i64)>,
    /// What was not compared or not counted, and why.
    #[serde(skip_serializing_if = "Excused::is_empty")]
    pub excused: Excused,
}

impl Row {
    /// How many differences of a kind.
    pub fn count(&self, kind: Kind) -> u64 {
        match kind {
            Kind::Missing => self.missing,
            Kind::Duplicated => self.duplicated,
            Kind::Reordered => self.reordered,
            Kind::Altered => self.altered,
            Kind::Unexpected => self.unexpected,
        }
    }

    pub(super) fn count_mut(&mut self, kind: Kind) -> &mut u64 {
        match kind {
            Kind::Missing => &mut self.missing,
            Kind::Duplicated => &mut self.duplicated,
            Kind::Reordered => &mut self.reordered,
            Kind::Altered => &mut self.altered,
            Kind::Unexpected => &mut self.unexpected,
        }
    }

    /// Whether nothing is different.
    pub fn is_equal(&self) -> bool {
        Kind::ALL.iter().all(|kind| self.count(*kind) == 0)
    }
}

/// Differences that are kept to be shown, per kind.
pub(super) const FIRST_MAX: usize = 10;
