//! `verify --repair`: missing records are sent again, where that is honest (`model::verify::Remedy`).
//!
//! Once, whatever happens: all of it is done under a transactional id of the edge's own, so that only
//! one repair of an edge goes on at a time; what is missing is found out again under it; and what is
//! sent becomes valid in transactions. The edge itself may run: it writes behind its position only,
//! and repairs are made before it. Each record names its place as every copy does, and is marked by
//! the ending [`REPAIRED`]: it says nothing about where the edge stands.

use std::collections::BTreeMap;

use crossdock_model::edge::Edge;
use crossdock_model::provenance::REPAIRED;
use crossdock_model::select::Selection;
use crossdock_model::topology::Topology;
use crossdock_model::verify::{Remedy, settle};

use super::Report;
use super::compare::{Comparer, Pace, seen};
use super::items::Item;
use super::read::{At, Feed};
use crate::kafka::{CommitError, Error, ErrorKind, Record, Stamp, Writer};
use crate::progress::Progress;
use crate::worker::settings;

/// Records of one transaction.
const TRANSACTION_RECORDS: usize = 5_000;

/// What would be sent again in a partition.
pub struct Proposal {
    /// The partition.
    pub item: Item,
    /// Source offsets to send, in order.
    pub send: Vec<i64>,
    /// Source offsets that are not sent: a later record of their key is there already.
    pub overtaken: Vec<i64>,
}

/// What would be sent again, for the missing records of a report.
///
/// # Errors
/// The source does not answer.
pub fn propose(items: &[Item], report: &Report) -> Result<Vec<Proposal>, Error> {
    let mut proposals = Vec::new();
    for (item, line) in items.iter().zip(&report.partitions) {
        if item.edge.provenance && !line.row.missing_runs.is_empty() {
            proposals.push(proposal(item, line.row.missing_runs.clone())?);
        }
    }
    Ok(proposals)
}

fn proposal(item: &Item, missing: Vec<(i64, i64)>) -> Result<Proposal, Error> {
    let from = missing.first().map_or(0, |(from, _)| *from);
    let mut remedy = Remedy::new(missing);
    let mut feed = Feed::new(&item.source)?;
    each(&mut feed, item, (from, item.position), |record| {
        remedy.source(&seen(&item.lens, record).source(
            record.offset(),
            record.key(),
            record.value(),
            record.timestamp(),
        ));
        Ok(())
    })?;
    let (send, overtaken) = remedy.finish();
    Ok(Proposal {
        item: item.clone(),
        send,
        overtaken,
    })
}

/// Sends again what is proposed and still missing, and tells how many records that were.
///
/// # Errors
/// A cluster does not answer or refuses; another repair of the edge has begun meanwhile. Nothing is
/// sent twice by doing it again.
pub fn send(
    topology: &Topology,
    proposals: &[Proposal],
    progress: &Progress,
) -> Result<u64, Error> {
    let mut sent = 0;
    let mut writers: BTreeMap<String, Writer> = BTreeMap::new();
    for proposal in proposals.iter().filter(|p| !p.send.is_empty()) {
        let edge = &proposal.item.edge;
        let writer = match writers.remove(edge.name.as_str()) {
            Some(writer) => writer,
            None => writer_of(topology, edge, &proposal.item)?,
        };
        let writer = writers.entry(edge.name.to_string()).or_insert(writer);
        let done = repair(topology.name(), proposal, writer, progress);
        sent += done.inspect_err(|_| drop(writer.abort()))?;
    }
    Ok(sent)
}

fn writer_of(topology: &Topology, edge: &Edge, item: &Item) -> Result<Writer, Error> {
    let declared = topology.cluster(&edge.target).ok_or_else(|| Error {
        cluster: edge.target.clone(),
        kind: ErrorKind::Other,
        reason: "it is not declared".to_owned(),
    })?;
    let properties = settings::writer(declared, edge, true);
    let id = format!("crossdock.{}.{}.repair", topology.name(), edge.name);
    Writer::new(&item.target, &properties, Some(&id))
}

fn repair(
    topology: &str,
    proposal: &Proposal,
    writer: &mut Writer,
    progress: &Progress,
) -> Result<u64, Error> {
    let item = &proposal.item;
    // Now that nobody else repairs: what another repair has sent meanwhile is missing no more.
    let missing = still_missing(topology, item, progress)?;
    let is_missing = |offset: i64| {
        let at = missing.partition_point(|(_, to)| *to <= offset);
        missing.get(at).is_some_and(|(from, _)| *from <= offset)
    };
    let mut wanted = proposal
        .send
        .iter()
        .copied()
        .filter(|o| is_missing(*o))
        .peekable();
    let Some(from) = wanted.peek().copied() else {
        return Ok(0);
    };
    let to = proposal.send.last().map_or(from, |last| last + 1);
    let (mut feed, mut sent, mut open) = (Feed::new(&item.source)?, 0, 0);
    let id = item.lens.topic_id.as_deref().unwrap_or("-");
    let selection = Selection::of(&item.edge);
    each(&mut feed, item, (from, to), |record| {
        while wanted.peek().is_some_and(|next| *next < record.offset()) {
            wanted.next();
        }
        if wanted.peek() != Some(&record.offset()) {
            return Ok(());
        }
        let via = format!(
            "{}/{}/{}/{}/{}/{id}{REPAIRED}",
            item.edge.source,
            item.lens.source_id,
            item.twin.source_topic,
            item.twin.partition,
            record.offset()
        );
        let drops = |name: &[u8]| selection.as_ref().is_some_and(|s| s.drops(name));
        let stamp = Stamp {
            drop: Some(&drops),
            via: Some(via.as_bytes()),
            ..Stamp::default()
        };
        let place = (&item.twin.target_topic, item.twin.partition);
        writer
            .send(place.0, place.1, record, &stamp)
            .map_err(plain)?;
        (sent, open) = (sent + 1, open + 1);
        if open >= TRANSACTION_RECORDS {
            open = 0;
            writer.finish().map_err(plain)?;
        }
        Ok(())
    })?;
    writer.finish().map_err(plain)?;
    Ok(sent)
}

/// The item compared again, with what the target holds by now.
fn still_missing(
    topology: &str,
    item: &Item,
    progress: &Progress,
) -> Result<Vec<(i64, i64)>, Error> {
    let place = item.twin.target();
    let ends = item.target.high_watermarks(std::slice::from_ref(&place))?;
    let mut item = item.clone();
    item.target_span.1 = ends.get(&place).copied().unwrap_or(item.target_span.1);
    let pace = Pace::new(None);
    let mut comparer = Comparer::new(topology, &pace, progress);
    let outcome = comparer.compare(&item)?;
    let rows = settle(BTreeMap::from([(item.twin.partition, outcome)]));
    Ok(rows
        .into_values()
        .next()
        .map(|row| row.missing_runs)
        .unwrap_or_default())
}

fn each(
    feed: &mut Feed,
    item: &Item,
    span: (i64, i64),
    mut see: impl FnMut(&mut Record<'_>) -> Result<(), Error>,
) -> Result<(), Error> {
    let twin = &item.twin;
    let mut open = feed.open(&twin.source_topic, twin.partition, span)?;
    let mut failed = None;
    loop {
        let at = feed.read(&mut open, |record| {
            if failed.is_none() {
                failed = see(record).err();
            }
        })?;
        if let Some(error) = failed {
            feed.close(&open);
            return Err(error);
        }
        match at {
            At::Somewhere => {}
            At::End | At::OpenTransaction => break,
            At::Cut => {
                return Err(Error {
                    cluster: item.edge.source.clone(),
                    kind: ErrorKind::Other,
                    reason: format!(
                        "the log of {}-{} was cut meanwhile; try again",
                        twin.source_topic, twin.partition
                    ),
                });
            }
        }
    }
    feed.close(&open);
    Ok(())
}

fn plain(error: CommitError) -> Error {
    match error {
        CommitError::Abort(error)
        | CommitError::Again(error)
        | CommitError::Recreated(_, error)
        | CommitError::Renew(error) => error,
        CommitError::Refused(mut refused) => refused.swap_remove(0).error,
    }
}
