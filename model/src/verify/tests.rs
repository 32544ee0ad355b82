//! A clean pair is tampered with; exactly the right kind of difference must come out.

mod content;
mod excuses;
mod kinds;
mod lens;
mod random;

use std::collections::BTreeMap;

use super::*;

/// What is read on both sides of a partition.
#[derive(Clone, Debug, Default)]
struct Pair {
    source: Vec<SourceRecord>,
    target: Vec<TargetRecord>,
    rules: Rules,
    to: Option<i64>,
    is_open: bool,
    has_no_provenance: bool,
}

fn digest(key: &str, value: &str, timestamp: i64) -> Digest {
    let mut headers = HeaderFold::default();
    headers.push(b"h", Some(b"1"));
    Digest::new(
        Some(key.as_bytes()),
        Some(value.as_bytes()),
        headers,
        timestamp,
    )
}

fn record(offset: i64) -> SourceRecord {
    SourceRecord {
        offset,
        digest: digest(&format!("k{}", offset % 7), &format!("v{offset}"), offset),
        fate: Fate::Copied,
    }
}

fn copy(record: &SourceRecord, offset: i64) -> TargetRecord {
    TargetRecord {
        offset,
        digest: record.digest,
        birth: Birth::Ours {
            source: record.offset,
            is_repair: false,
        },
    }
}

fn named(offset: i64, source: i64) -> TargetRecord {
    copy(&record(source), offset)
}

impl Pair {
    /// Source offsets and their copies, at target offsets from 100 on.
    fn clean(offsets: impl IntoIterator<Item = i64>) -> Self {
        let source: Vec<_> = offsets.into_iter().map(record).collect();
        let target = source.iter().zip(100..).map(|(r, t)| copy(r, t)).collect();
        Self {
            source,
            target,
            ..Self::default()
        }
    }

    /// Gives the target's records the offsets of their places.
    fn renumbered(mut self) -> Self {
        for (record, offset) in self.target.iter_mut().zip(100..) {
            record.offset = offset;
        }
        self
    }

    fn outcome(&self) -> Outcome {
        let end = self.source.last().map_or(0, |r| r.offset + 1);
        let span = Span {
            from: 0,
            to: self.to.unwrap_or(end),
            log_start: 0,
            source_end: end,
        };
        let mut comparison = Comparison::new(span, self.rules, !self.has_no_provenance);
        let (mut source, mut target) = (self.source.iter(), self.target.iter());
        // By batches, as a cluster gives them.
        while let Some(side) = comparison.wants() {
            let mut got = 0;
            match side {
                Side::Source => source.by_ref().take(50).for_each(|r| {
                    got += 1;
                    comparison.source(*r);
                }),
                Side::Target => target.by_ref().take(50).for_each(|r| {
                    got += 1;
                    comparison.target(*r);
                }),
            }
            if got == 0 {
                comparison.ended(side);
            }
        }
        if self.is_open {
            comparison.tail_is_open();
        }
        comparison.finish()
    }

    fn row(&self) -> Row {
        settle(BTreeMap::from([(0, self.outcome())]))
            .remove(&0)
            .expect("it was compared")
    }
}

/// `missing duplicated reordered altered unexpected`
fn counts(row: &Row) -> [u64; 5] {
    Kind::ALL.map(|kind| row.count(kind))
}
