//! Verification: two ends of a partition, held against each other record by record.
//!
//! What is read comes in as two streams of plain data: [`Lens`] turns a record's parts into a
//! [`SourceRecord`] or a [`TargetRecord`], a [`Comparison`] says which side it wants next, and
//! [`settle`] makes a topic's outcomes into rows. Records are told by the place that their last hop
//! names ([`by_hop`]); without provenance by order and content ([`by_content`]).
//!
//! Memory is bounded: a window of digests on each side, and one bit for each source offset at most.

mod by_content;
mod by_hop;
mod digest;
mod finding;
mod lens;
mod offsets;
mod outcome;
mod repair;
mod sample;

pub use digest::{Digest, HeaderFold, Part};
pub use finding::{Difference, Excuse, Excused, Kind, Row};
pub use lens::{Birth, Fate, Lens, Look, SourceRecord, TargetRecord};
pub use outcome::{Outcome, settle};
pub use repair::Remedy;
pub use sample::{Sample, stretches};

use by_content::ByContent;
use by_hop::ByHop;

/// Source offsets that are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The first.
    pub from: i64,
    /// The first that is not: at most the edge's committed position, before which all is final.
    pub to: i64,
    /// Log start offset of the source: a copy of something before it is older than what is there.
    pub log_start: i64,
    /// End of what lies at the source: a copy of something behind it is none.
    pub source_end: i64,
}

/// What is to be taken into account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    /// The target stamps records with its own clock (`message.timestamp.type`): timestamps are not
    /// compared.
    pub ignores_timestamps: bool,
    /// The source is compacted: what a copy names may be gone.
    pub source_is_compacted: bool,
    /// The target is compacted: of each key only the last record must be there.
    pub target_is_compacted: bool,
    /// Why records before the first copy may have none, and up to which source offset that holds.
    pub before_first: Option<(Excuse, i64)>,
}

/// Which stream is to be read next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The source.
    Source,
    /// The target.
    Target,
}

/// A comparison of one stretch of one partition.
pub enum Comparison {
    /// Copies are told by the place that their last hop names.
    ByHop(Box<ByHop>),
    /// By order and content.
    ByContent(Box<ByContent>),
}

impl Comparison {
    /// A comparison of nothing yet.
    pub fn new(span: Span, rules: Rules, has_provenance: bool) -> Self {
        if has_provenance {
            Self::ByHop(Box::new(ByHop::new(span, rules)))
        } else {
            Self::ByContent(Box::new(ByContent::new(span, rules)))
        }
    }

    /// Which side to read next; `None` when both have ended.
    pub fn wants(&mut self) -> Option<Side> {
        match self {
            Self::ByHop(c) => c.wants(),
            Self::ByContent(c) => c.wants(),
        }
    }

    /// Takes the source's next record, in the order of offsets.
    pub fn source(&mut self, record: SourceRecord) {
        match self {
            Self::ByHop(c) => c.source(record),
            Self::ByContent(c) => c.source(record),
        }
    }

    /// Takes the target's next record, in the order of offsets.
    pub fn target(&mut self, record: TargetRecord) {
        match self {
            Self::ByHop(c) => c.target(record),
            Self::ByContent(c) => c.target(record),
        }
    }

    /// A side has come to its end.
    pub fn ended(&mut self, side: Side) {
        match self {
            Self::ByHop(c) => c.ended(side),
            Self::ByContent(c) => c.ended(side),
        }
    }

    /// The target could not be read to its end: what lies behind its last copy may be there, behind
    /// an open transaction.
    pub fn tail_is_open(&mut self) {
        match self {
            Self::ByHop(c) => c.tail_is_open(),
            Self::ByContent(c) => c.tail_is_open(),
        }
    }

    /// What came out.
    pub fn finish(self) -> Outcome {
        match self {
            Self::ByHop(c) => c.finish(),
            Self::ByContent(c) => c.finish(),
        }
    }
}

#[cfg(test)]
mod tests;
