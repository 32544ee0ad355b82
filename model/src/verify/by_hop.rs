//! Copies are told by the place that their last hop names.
//!
//! The source's records wait in a window, in their order, until their copies come; the target's
//! records are looked at in *their* order, each as soon as the source has been read beyond the place
//! that it names. What leaves the window without a copy is missing, and is taken back should the copy
//! still come.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

use super::outcome::Outcome;
use super::{Birth, Digest, Excuse, Fate, Kind, Rules, Side, SourceRecord, Span, TargetRecord};

/// Records of the source that wait for their copies, at most: 12 MiB.
pub(super) const WINDOW: usize = 1 << 18;

/// With so many waiting, the target is read; it is read in steps smaller than that.
const AHEAD: usize = 20_000;

/// So many copies in a row from far ahead prove that the target lacks what lies between; fewer may
/// have strayed.
const CONVINCING: usize = 1_000;

/// Keys that are remembered at once where a target is compacted.
const KEYS_MAX: usize = 1 << 20;

/// A comparison through provenance.
pub struct ByHop {
    span: Span,
    rules: Rules,
    outcome: Outcome,
    /// Records to be copied that have been read and not left behind yet.
    waiting: VecDeque<Waiting>,
    /// Where in `waiting` the next copy is expected.
    cursor: usize,
    /// Everything of the source before this offset has been read.
    source_next: i64,
    /// Copies of what the source has not come to yet, in the target's order.
    parked: VecDeque<Copy>,
    /// Copies that strayed: they lie far before their place.
    strayed: BTreeMap<i64, Vec<Copy>>,
    /// Source offset of the first copy that was found, and the largest one.
    found: Option<(i64, i64)>,
    /// On a compacted target: records without a copy whose key has not come again yet.
    last_of_key: HashMap<u64, i64>,
    /// On a compacted target: keys of records that are not this edge's.
    other_keys: HashSet<u64>,
    has_ended: [bool; 2],
    tail_is_open: bool,
}

struct Waiting {
    offset: i64,
    digest: Digest,
    is_found: bool,
}

#[derive(Clone, Copy)]
struct Copy {
    source: i64,
    target: i64,
    digest: Digest,
    is_repair: bool,
}

impl ByHop {
    pub(super) fn new(span: Span, rules: Rules) -> Self {
        Self {
            span,
            rules,
            outcome: Outcome::of(span.from, span.to),
            waiting: VecDeque::new(),
            cursor: 0,
            source_next: span.from,
            parked: VecDeque::new(),
            strayed: BTreeMap::new(),
            found: None,
            last_of_key: HashMap::new(),
            other_keys: HashSet::new(),
            has_ended: [false; 2],
            tail_is_open: false,
        }
    }

    fn has_ended(&self, side: Side) -> bool {
        self.has_ended[side as usize]
    }

    pub(super) fn ended(&mut self, side: Side) {
        self.has_ended[side as usize] = true;
        if side == Side::Source {
            self.source_next = self.span.to.max(self.source_next);
        }
        self.look_at_parked();
    }

    pub(super) fn tail_is_open(&mut self) {
        self.tail_is_open = true;
    }

    pub(super) fn wants(&mut self) -> Option<Side> {
        match self.has_ended {
            [true, true] => return None,
            [true, false] => return Some(Side::Target),
            [false, true] => return Some(Side::Source),
            [false, false] => {}
        }
        if self.parked.is_empty() {
            let is_ahead = self.waiting.len() >= AHEAD;
            return Some(if is_ahead { Side::Target } else { Side::Source });
        }
        if self.waiting.len() < WINDOW / 2 {
            return Some(Side::Source);
        }
        // What is parked first lies far ahead of what the source has come to.
        let next = self.source_next;
        if self.parked.iter().any(|copy| copy.source < next) {
            self.set_strays_aside();
            return self.wants();
        }
        let is_proved = self.parked.len() >= CONVINCING;
        Some(if is_proved {
            Side::Source
        } else {
            Side::Target
        })
    }

    fn set_strays_aside(&mut self) {
        while let Some(copy) = self.parked.front().copied()
            && copy.source >= self.source_next
        {
            self.parked.pop_front();
            self.strayed.entry(copy.source).or_default().push(copy);
        }
        self.look_at_parked();
    }

    pub(super) fn source(&mut self, record: SourceRecord) {
        self.source_next = record.offset + 1;
        if record.offset >= self.span.to {
            return self.look_at_parked();
        }
        match record.fate {
            Fate::Left(excuse) => self.outcome.excuse(excuse, 1),
            Fate::Copied => {
                self.outcome.exists.insert(record.offset);
                self.waiting.push_back(Waiting {
                    offset: record.offset,
                    digest: record.digest,
                    is_found: false,
                });
                if let Some(copies) = self.strayed.remove(&record.offset) {
                    copies.into_iter().for_each(|copy| self.take_stray(copy));
                }
                if self.waiting.len() > WINDOW {
                    self.leave_first();
                }
            }
        }
        self.look_at_parked();
    }

    pub(super) fn target(&mut self, record: TargetRecord) {
        let Span {
            from,
            to,
            log_start,
            source_end,
        } = self.span;
        match record.birth {
            Birth::Ours { source, is_repair } => {
                let copy = Copy {
                    source,
                    target: record.offset,
                    digest: record.digest,
                    is_repair,
                };
                if source >= source_end {
                    self.unexpected(copy);
                } else if source < log_start {
                    self.outcome.excuse(Excuse::TrimmedAtSource, 1);
                } else if (from..to).contains(&source) {
                    self.parked.push_back(copy);
                    self.look_at_parked();
                }
            }
            Birth::Displaced { partition, source } => {
                self.outcome.displaced(partition, source, record.offset);
            }
            Birth::Earlier => self.outcome.excuse(Excuse::EarlierIncarnation, 1),
            Birth::Other => {
                self.outcome.excuse(Excuse::NotOfThisEdge, 1);
                if self.rules.target_is_compacted && self.other_keys.len() < KEYS_MAX {
                    self.other_keys.insert(record.digest.key);
                }
            }
        }
    }

    /// Looks at the copies whose records have been read, in the target's order.
    fn look_at_parked(&mut self) {
        while let Some(copy) = self.parked.front().copied()
            && (copy.source < self.source_next || self.has_ended(Side::Source))
        {
            self.parked.pop_front();
            self.take(copy);
        }
    }

    fn take(&mut self, copy: Copy) {
        if !self.outcome.exists.contains(copy.source) {
            return if self.rules.source_is_compacted {
                self.outcome.excuse(Excuse::CompactedAtSource, 1);
            } else {
                self.unexpected(copy);
            };
        }
        match self.find(copy.source) {
            Some(at) if !self.waiting[at].is_found => self.found_at(at, copy),
            None if self.outcome.missing.remove(copy.source) => {
                self.outcome.matched();
                self.outcome.excuse(Excuse::ContentNotCompared, 1);
                self.forgive_key_of(copy);
            }
            _ => return self.again(copy),
        }
        if copy.is_repair {
            return self.outcome.excuse(Excuse::Repaired, 1);
        }
        let (first, largest) = self.found.unwrap_or((copy.source, copy.source));
        if copy.source < largest {
            self.differs(Kind::Reordered, None, copy);
        }
        self.found = Some((first, largest.max(copy.source)));
    }

    fn take_stray(&mut self, copy: Copy) {
        match self.find(copy.source) {
            Some(at) if !self.waiting[at].is_found => {
                self.found_at(at, copy);
                self.differs(Kind::Reordered, None, copy);
            }
            _ => self.again(copy),
        }
    }

    fn found_at(&mut self, at: usize, copy: Copy) {
        let record = &mut self.waiting[at];
        record.is_found = true;
        let altered = record
            .digest
            .altered(&copy.digest, self.rules.ignores_timestamps);
        self.outcome.matched();
        if altered.is_some() {
            self.differs(Kind::Altered, altered, copy);
        }
        self.cursor = at + 1;
        while self.waiting.front().is_some_and(|w| w.is_found) {
            self.leave_first();
        }
    }

    /// Where in the window a source offset waits, found or not.
    fn find(&self, source: i64) -> Option<usize> {
        if self
            .waiting
            .get(self.cursor)
            .is_some_and(|w| w.offset == source)
        {
            return Some(self.cursor);
        }
        self.waiting
            .binary_search_by_key(&source, |w| w.offset)
            .ok()
    }

    fn again(&mut self, copy: Copy) {
        self.differs(Kind::Duplicated, None, copy);
    }

    fn unexpected(&mut self, copy: Copy) {
        self.differs(Kind::Unexpected, None, copy);
    }

    fn differs(&mut self, kind: Kind, what: Option<String>, copy: Copy) {
        self.outcome
            .differs(kind, what, Some(copy.source), Some(copy.target));
    }

    /// The first of the window leaves it: found, or missing.
    fn leave_first(&mut self) {
        let Some(record) = self.waiting.pop_front() else {
            return;
        };
        self.cursor = self.cursor.saturating_sub(1);
        let is_compacted = self.rules.target_is_compacted;
        // Records leave in the source's order: one of the same key that leaves now is a later one.
        if is_compacted
            && !record.digest.has_no_key()
            && let Some(earlier) = self.last_of_key.remove(&record.digest.key)
        {
            self.outcome.missing.remove(earlier);
            self.outcome.excuse(Excuse::CompactedAtTarget, 1);
        }
        if record.is_found {
            return;
        }
        let is_gone_rightly = is_compacted
            && (record.digest.is_tombstone()
                || record.digest.has_no_key()
                || self.last_of_key.len() >= KEYS_MAX);
        if is_gone_rightly {
            self.outcome.excuse(Excuse::CompactedAtTarget, 1);
            return;
        }
        self.outcome.missing.insert(record.offset);
        if is_compacted {
            self.last_of_key.insert(record.digest.key, record.offset);
        }
    }

    /// A copy that came late after all was not compacted away.
    fn forgive_key_of(&mut self, copy: Copy) {
        if self.last_of_key.get(&copy.digest.key) == Some(&copy.source) {
            self.last_of_key.remove(&copy.digest.key);
        }
    }

    pub(super) fn finish(mut self) -> Outcome {
        while !self.waiting.is_empty() {
            self.leave_first();
        }
        for copy in std::mem::take(&mut self.strayed).into_values().flatten() {
            if self.rules.source_is_compacted {
                self.outcome.excuse(Excuse::CompactedAtSource, 1);
            } else {
                self.unexpected(copy);
            }
        }
        let by_others: Vec<i64> = self
            .last_of_key
            .iter()
            .filter(|(key, _)| self.other_keys.contains(key))
            .map(|(_, offset)| *offset)
            .collect();
        for offset in by_others {
            if self.outcome.missing.remove(offset) {
                self.outcome.excuse(Excuse::CompactedAtTarget, 1);
            }
        }
        let Span { from, to, .. } = self.span;
        if let Some((excuse, upto)) = self.rules.before_first {
            let first = self.found.map_or(to, |(first, _)| first).min(upto);
            let count = self.outcome.missing.remove_range(from, first);
            self.outcome.excuse(excuse, count);
        }
        if self.tail_is_open {
            let last = self.found.map_or(from, |(_, largest)| largest + 1);
            let count = self.outcome.missing.remove_range(last, to);
            self.outcome.excuse(Excuse::BehindOpenTransaction, count);
        }
        self.outcome.exists.pack();
        self.outcome.missing.pack();
        self.outcome
    }
}
