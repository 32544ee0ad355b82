//! Compares one partition: reads both sides as the comparison wants them.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use crossdock_model::name::{Alias, EdgeName};
use crossdock_model::verify::{Comparison, Excuse, Lens, Outcome, Side, Span};

use super::items::Item;
use super::read::{At, Feed, Open};
use crate::kafka::{Error, ErrorKind, Record};
use crate::progress::Progress;
use crate::translate::Translator;

/// A stretch that differs is looked at again, with so much more of the target before it and with all
/// that follows: what lies out of place, or was sent again later, is then told from what is missing.
const ROOM: i64 = 50_000;

/// Tries of a partition whose log is cut while it is read.
const CUT_MAX: usize = 5;

/// Records per second, of all jobs together.
pub struct Pace {
    per_second: Option<u64>,
    /// When what was read so far should have been read.
    due: Mutex<Instant>,
}

impl Pace {
    /// As fast as it goes, or not faster than that.
    pub fn new(per_second: Option<u64>) -> Self {
        Self {
            per_second,
            due: Mutex::new(Instant::now()),
        }
    }

    /// Some records were read: waits until they may have been.
    fn spend(&self, records: u64) {
        let Some(per_second) = self.per_second else {
            return;
        };
        let cost = Duration::from_secs_f64(records as f64 / per_second.max(1) as f64);
        let due = {
            let mut due = self
                .due
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner);
            // A quiet second is not saved up.
            *due = (*due).max(Instant::now()) + cost;
            *due
        };
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
    }
}

/// Compares partitions, one after the other, with clients of its own.
pub(super) struct Comparer<'a> {
    topology: &'a str,
    feeds: BTreeMap<Alias, Feed>,
    sources: BTreeMap<Alias, Feed>,
    translators: BTreeMap<EdgeName, Translator>,
    pace: &'a Pace,
    progress: &'a Progress,
}

/// Both sides of a stretch that are being read.
struct Ends<'f> {
    source: (&'f mut Feed, Open),
    target: (&'f mut Feed, Open),
}

impl<'a> Comparer<'a> {
    pub(super) fn new(topology: &'a str, pace: &'a Pace, progress: &'a Progress) -> Self {
        Self {
            topology,
            feeds: BTreeMap::new(),
            sources: BTreeMap::new(),
            translators: BTreeMap::new(),
            pace,
            progress,
        }
    }

    /// Compares the item's spans.
    ///
    /// # Errors
    /// A cluster does not answer.
    pub(super) fn compare(&mut self, item: &Item) -> Result<Outcome, Error> {
        let mut all: Option<Outcome> = None;
        for span in item.spans.iter().filter(|_| !item.is_alone) {
            let mut outcome = self.span(item, *span, 0)?;
            if !item.is_whole && !outcome.is_equal() {
                outcome = self.span(item, *span, ROOM)?;
            }
            match &mut all {
                Some(all) => all.merge(outcome),
                None => all = Some(outcome),
            }
        }
        let mut outcome = all.unwrap_or_default();
        if item.is_whole {
            outcome.excuse(Excuse::NotCopiedYet, item.not_copied);
        }
        Ok(outcome)
    }

    fn span(&mut self, item: &Item, span: Span, room: i64) -> Result<Outcome, Error> {
        let mut span = span;
        for _ in 0..CUT_MAX {
            let target_span = self.target_span(item, span, room)?;
            if let Some(outcome) = self.attempt(item, span, target_span)? {
                return Ok(outcome);
            }
            // Retention was faster: what it took is compared no more.
            let place = item.twin.source();
            let starts = item.source.start_offsets(std::slice::from_ref(&place))?;
            let start = starts.get(&place).copied().unwrap_or(span.from);
            span.log_start = start;
            span.from = span.from.max(start).min(span.to);
        }
        Err(Error {
            cluster: item.edge.source.clone(),
            kind: ErrorKind::Other,
            reason: format!(
                "{}-{} or its copy is cut faster than it can be read",
                item.twin.source_topic, item.twin.partition
            ),
        })
    }

    /// The target offsets that hold the copies of a span.
    fn target_span(&mut self, item: &Item, span: Span, room: i64) -> Result<(i64, i64), Error> {
        let place = item.twin.target();
        let starts = item.target.start_offsets(std::slice::from_ref(&place))?;
        let start = starts.get(&place).copied().unwrap_or(0);
        let (begin, end) = (item.target_span.0.max(start), item.target_span.1);
        if item.is_whole || !item.edge.provenance {
            return Ok((begin, end));
        }
        if span.from >= span.to {
            return Ok((end, end));
        }
        let translator = match self.translators.remove(&item.edge.name) {
            Some(translator) => translator,
            None => {
                let id = Some(item.lens.source_id.clone());
                Translator::new(self.topology, &item.edge, id, &item.target)?
            }
        };
        let translator = self
            .translators
            .entry(item.edge.name.clone())
            .or_insert(translator);
        let seen = translator.see(std::slice::from_ref(&item.twin))?;
        let mut at = |offset, otherwise| {
            let found = translator.forward(&item.twin, offset, &seen)?;
            Ok::<i64, Error>(found.map_or(otherwise, |answer| answer.offset))
        };
        let from = if span.from <= span.log_start {
            begin
        } else {
            at(span.from, begin)? - room
        };
        let to = if span.to >= item.position || room > 0 {
            end
        } else {
            at(span.to, end)?
        };
        Ok((
            from.clamp(begin, end.max(begin)),
            to.clamp(begin, end.max(begin)),
        ))
    }

    /// `None` where a log was cut meanwhile.
    fn attempt(
        &mut self,
        item: &Item,
        span: Span,
        target_span: (i64, i64),
    ) -> Result<Option<Outcome>, Error> {
        let (twin, mut rules) = (&item.twin, item.rules);
        if target_span.0 > item.target_start.max(item.target_span.0) && !item.is_whole {
            // What the target has removed lies before what is read of it.
            rules.before_first = rules.before_first.filter(|_| span.from <= span.log_start);
        }
        let mut comparison = Comparison::new(span, rules, item.edge.provenance);
        let source = feed(&mut self.sources, &item.edge.source, &item.source)?;
        let target = feed(&mut self.feeds, &item.edge.target, &item.target)?;
        // Without provenance what follows may explain what the target holds.
        let source_end = if item.edge.provenance {
            span.to
        } else {
            span.source_end
        };
        let source_span = (span.from, source_end);
        let mut ends = Ends {
            source: source
                .open(&twin.source_topic, twin.partition, source_span)
                .map(|o| (source, o))?,
            target: target
                .open(&twin.target_topic, twin.partition, target_span)
                .map(|o| (target, o))?,
        };
        let came = drive(
            &mut comparison,
            &mut ends,
            &item.lens,
            self.pace,
            self.progress,
        );
        ends.source.0.close(&ends.source.1);
        ends.target.0.close(&ends.target.1);
        Ok(came?.then(|| comparison.finish()))
    }
}

fn feed<'f>(
    feeds: &'f mut BTreeMap<Alias, Feed>,
    alias: &Alias,
    cluster: &std::sync::Arc<crate::kafka::Cluster>,
) -> Result<&'f mut Feed, Error> {
    let feed = match feeds.remove(alias) {
        Some(feed) => feed,
        None => Feed::new(cluster)?,
    };
    Ok(feeds.entry(alias.clone()).or_insert(feed))
}

/// Reads until both sides have ended; `false` where one was cut.
fn drive(
    comparison: &mut Comparison,
    ends: &mut Ends<'_>,
    lens: &Lens,
    pace: &Pace,
    progress: &Progress,
) -> Result<bool, Error> {
    while let Some(side) = comparison.wants() {
        let (mut records, before) = (0, ends.next(side));
        let at = match side {
            Side::Source => ends.source.0.read(&mut ends.source.1, |record| {
                records += 1;
                comparison.source(seen(lens, record).source(
                    record.offset(),
                    record.key(),
                    record.value(),
                    record.timestamp(),
                ));
            }),
            Side::Target => ends.target.0.read(&mut ends.target.1, |record| {
                records += 1;
                comparison.target(seen(lens, record).target(
                    record.offset(),
                    record.key(),
                    record.value(),
                    record.timestamp(),
                ));
            }),
        }?;
        progress.add(u64::try_from(ends.next(side) - before).unwrap_or(0));
        pace.spend(records);
        match at {
            At::Somewhere => {}
            At::End => comparison.ended(side),
            At::OpenTransaction => {
                comparison.tail_is_open();
                comparison.ended(side);
            }
            At::Cut => return Ok(false),
        }
    }
    Ok(true)
}

/// What a record's headers say.
pub(super) fn seen<'l>(lens: &'l Lens, record: &Record<'_>) -> crossdock_model::verify::Look<'l> {
    let mut look = lens.look();
    record.headers(|name, value| look.header(name, value));
    look
}

impl Ends<'_> {
    fn next(&self, side: Side) -> i64 {
        match side {
            Side::Source => self.source.1.next(),
            Side::Target => self.target.1.next(),
        }
    }
}
