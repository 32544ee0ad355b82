//! Without provenance: copies are told by what they hold, and by their order.
//!
//! Each side has a window of records that have no counterpart yet; they grow alike until one is found
//! on the other side. A record of the source and one of the target that stand between the same
//! neighbours and are partly alike are one altered record.

use std::collections::{BTreeSet, VecDeque};

use super::outcome::Outcome;
use super::{Digest, Excuse, Fate, Kind, Rules, Side, SourceRecord, Span, TargetRecord};

/// Records of each side that wait for their counterpart, at most: what is further out of place is
/// missing on one side and unexpected on the other.
const WINDOW: usize = 1 << 16;

/// The source is read so far ahead of the target.
const AHEAD: usize = 2_000;

/// Records that were found and are remembered, to tell what comes twice.
const REMEMBERED: usize = 1 << 14;

/// A comparison by order and content.
pub struct ByContent {
    span: Span,
    rules: Rules,
    outcome: Outcome,
    source: Window<i64>,
    target: Window<Stray>,
    /// Digests of records that were found, the last of them, in order and sorted.
    recent: (VecDeque<Digest>, BTreeSet<(Digest, u64)>),
    recent_count: u64,
    /// Source offset of the record that was found last, and the largest one.
    last: Option<(i64, i64)>,
    has_ended: [bool; 2],
    tail_is_open: bool,
}

/// A record of the target without counterpart: its offset, and behind which record of the source.
#[derive(Clone, Copy)]
struct Stray {
    offset: i64,
    after: Option<i64>,
}

/// Records in their order, to be found by their digest too.
struct Window<P> {
    first: u64,
    entries: VecDeque<(Digest, P, State)>,
    by_digest: BTreeSet<(Digest, u64)>,
    waiting: usize,
    /// The last record before the first that waits which was found.
    passed: Option<P>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Waits,
    Found,
    Left,
}

impl<P: Copy> Window<P> {
    fn new() -> Self {
        Self {
            first: 0,
            entries: VecDeque::new(),
            by_digest: BTreeSet::new(),
            waiting: 0,
            passed: None,
        }
    }

    fn push(&mut self, digest: Digest, place: P) {
        self.append(digest, place, State::Waits);
        self.waiting += 1;
        let number = self.first + self.entries.len() as u64 - 1;
        self.by_digest.insert((digest, number));
    }

    /// One whose counterpart was there before it.
    fn push_found(&mut self, digest: Digest, place: P) {
        self.append(digest, place, State::Found);
        self.pass();
    }

    fn append(&mut self, digest: Digest, place: P, state: State) {
        self.entries.push_back((digest, place, state));
    }

    /// Takes the first record with this digest out.
    fn take(&mut self, digest: Digest, state: State) -> Option<P> {
        let range = (digest, 0)..=(digest, u64::MAX);
        let (_, number) = *self.by_digest.range(range).next()?;
        self.by_digest.remove(&(digest, number));
        let at = usize::try_from(number - self.first).ok()?;
        let entry = self.entries.get_mut(at)?;
        entry.2 = state;
        let place = entry.1;
        self.waiting -= 1;
        self.pass();
        Some(place)
    }

    fn pass(&mut self) {
        while let Some((_, place, state)) = self.entries.front().copied()
            && state != State::Waits
        {
            self.entries.pop_front();
            self.first += 1;
            if state == State::Found {
                self.passed = Some(place);
            }
        }
    }

    /// Takes the first record that waits out, with the one that was found last before it.
    fn leave(&mut self) -> Option<(Digest, P, Option<P>)> {
        let passed = self.passed;
        let (digest, place, _) = self.entries.front().copied()?;
        self.take(digest, State::Left)?;
        Some((digest, place, passed))
    }
}

impl ByContent {
    pub(super) fn new(span: Span, rules: Rules) -> Self {
        Self {
            span,
            rules,
            outcome: Outcome::of(span.from, span.to),
            source: Window::new(),
            target: Window::new(),
            recent: (VecDeque::new(), BTreeSet::new()),
            recent_count: 0,
            last: None,
            has_ended: [false; 2],
            tail_is_open: false,
        }
    }

    pub(super) fn ended(&mut self, side: Side) {
        self.has_ended[side as usize] = true;
    }

    pub(super) fn tail_is_open(&mut self) {
        self.tail_is_open = true;
    }

    pub(super) fn wants(&mut self) -> Option<Side> {
        match self.has_ended {
            [true, true] => None,
            [true, false] => Some(Side::Target),
            [false, true] => Some(Side::Source),
            [false, false] => {
                let is_ahead = self.source.waiting >= self.target.waiting + AHEAD;
                Some(if is_ahead { Side::Target } else { Side::Source })
            }
        }
    }

    fn seen(&self, digest: Digest) -> Digest {
        if self.rules.ignores_timestamps {
            digest.timeless()
        } else {
            digest
        }
    }

    pub(super) fn source(&mut self, record: SourceRecord) {
        if let Fate::Left(excuse) = record.fate {
            return self.outcome.excuse(excuse, 1);
        }
        let digest = self.seen(record.digest);
        self.outcome.exists.insert(record.offset);
        match self.target.take(digest, State::Found) {
            Some(stray) => {
                self.source.push_found(digest, record.offset);
                self.found(digest, record.offset, stray.offset);
            }
            None => self.source.push(digest, record.offset),
        }
        self.bound();
    }

    pub(super) fn target(&mut self, record: TargetRecord) {
        let digest = self.seen(record.digest);
        match self.source.take(digest, State::Found) {
            Some(source) => self.found(digest, source, record.offset),
            None => self.target.push(
                digest,
                Stray {
                    offset: record.offset,
                    after: self.last.map(|(last, _)| last),
                },
            ),
        }
        self.bound();
    }

    fn found(&mut self, digest: Digest, source: i64, target: i64) {
        if source < self.span.to {
            self.outcome.matched();
        }
        if self.last.is_none() {
            self.begin(source);
        }
        let largest = self.last.map_or(source, |(_, largest)| largest);
        if source < largest {
            self.outcome
                .differs(Kind::Reordered, None, Some(source), Some(target));
        }
        self.last = Some((source, largest.max(source)));
        let (order, sorted) = &mut self.recent;
        order.push_back(digest);
        sorted.insert((digest, self.recent_count));
        self.recent_count += 1;
        if order.len() > REMEMBERED
            && let Some(old) = order.pop_front()
        {
            sorted.remove(&(old, self.recent_count - 1 - REMEMBERED as u64));
        }
    }

    /// The first record was found: what came before it on a side that has been trimmed is gone rightly.
    fn begin(&mut self, found: i64) {
        let Some((excuse, upto)) = self.rules.before_first else {
            return;
        };
        if excuse == Excuse::TrimmedAtSource {
            while self.target.leave().is_some() {
                self.outcome.excuse(excuse, 1);
            }
            return;
        }
        let first = found.min(upto);
        let waits = |window: &Window<i64>| window.entries.front().is_some_and(|e| e.1 < first);
        while waits(&self.source) {
            self.source.leave();
            self.outcome.excuse(excuse, 1);
        }
    }

    fn bound(&mut self) {
        if self.source.waiting > WINDOW {
            self.leave_source();
        }
        if self.target.waiting > WINDOW {
            self.leave_target();
        }
    }

    /// The first record of the source's window has no equal: it is altered, or missing.
    fn leave_source(&mut self) {
        let Some((digest, offset, passed)) = self.source.leave() else {
            return;
        };
        // Only what stands between the same neighbours is the same record.
        let is_it = |(copy, stray, state): &(Digest, Stray, State)| {
            let is_beside = *state == State::Waits && stray.after == passed;
            (is_beside && digest.likeness(copy) > 0).then_some((*copy, *stray))
        };
        let nearest = self.target.entries.iter().find_map(is_it);
        match nearest.filter(|_| offset < self.span.to) {
            Some((copy, stray)) => {
                self.target.take(copy, State::Left);
                self.outcome.matched();
                let what = digest.altered(&copy, false);
                self.outcome
                    .differs(Kind::Altered, what, Some(offset), Some(stray.offset));
            }
            None if offset < self.span.to => self.outcome.missing.insert(offset),
            None => {}
        }
    }

    /// The first record of the target's window has no equal: it came twice, or is unexpected.
    fn leave_target(&mut self) {
        let Some((digest, stray, _)) = self.target.leave() else {
            return;
        };
        let range = (digest, 0)..=(digest, u64::MAX);
        let kind = match self.recent.1.range(range).next() {
            Some(_) => Kind::Duplicated,
            None => Kind::Unexpected,
        };
        self.outcome.differs(kind, None, None, Some(stray.offset));
    }

    pub(super) fn finish(mut self) -> Outcome {
        if self.last.is_none() && self.rules.before_first.is_some() {
            self.begin(self.span.to);
        }
        let last = self.last.map_or(self.span.from, |(_, largest)| largest + 1);
        while self.source.waiting > 0 {
            self.leave_source();
        }
        while self.target.waiting > 0 {
            self.leave_target();
        }
        if self.tail_is_open {
            let count = self.outcome.missing.remove_range(last, self.span.to);
            self.outcome.excuse(Excuse::BehindOpenTransaction, count);
        }
        self.outcome.exists.pack();
        self.outcome.missing.pack();
        self.outcome
    }
}
