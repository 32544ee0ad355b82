//! Finds the last record of an edge in a target partition: progress that was lost is in the data.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

pub use crossdock_model::plan::Tail;
use crossdock_model::provenance::Hop;

use super::client::Context;
use super::reader::{BATCH_RECORDS_MAX, Reader, Received};
use super::{Cluster, Error, ErrorKind, VIA};

/// First stretch that is looked at, in offsets; each further one is four times as long.
const FIRST_STRETCH: i64 = 500;

/// Offsets that are looked at in all: beyond them nothing is concluded.
const SEARCH_MAX: i64 = 1_000_000;

/// A target that stays silent this long is asked no further.
const SILENCE_MAX: Duration = Duration::from_secs(30);

/// How long transactions that are open at the target are waited for, and how often it is asked.
const OPEN_WITHIN: Duration = Duration::from_secs(5);
const OPEN_POLL: Duration = Duration::from_millis(50);

/// Waits for the transactions that are open in a target partition by now: a commit is answered before its end
/// is written to the log, and what is committed already may not be seen yet. Those of others may stay open for
/// long, and are waited for no longer than that, unless records that are `is_ours` lie behind their beginning:
/// whether those are final shows only when it ends.
///
/// # Errors
/// The cluster does not answer; or a transaction that is open still hides records that are ours.
pub fn await_open(
    cluster: &Cluster,
    topic: &Arc<str>,
    partition: i32,
    is_ours: impl Fn(&Hop<'_>) -> bool,
) -> Result<(), Error> {
    let place = [(topic.clone(), partition)];
    let of = |found: BTreeMap<_, i64>| found.get(&place[0]).copied().unwrap_or(0);
    let deadline = Instant::now() + OPEN_WITHIN;
    let high = of(cluster.high_watermarks(&place)?);
    let mut stable = of(cluster.end_offsets(&place)?);
    while stable < high && Instant::now() < deadline {
        thread::sleep(OPEN_POLL);
        stable = of(cluster.end_offsets(&place)?);
    }
    if stable >= high {
        return Ok(());
    }
    let span = (stable, high);
    match last_between(
        cluster,
        "read_uncommitted",
        (topic, partition),
        span,
        &is_ours,
    )? {
        None => Ok(()),
        Some(_) => {
            let reason = format!(
                "a transaction that is open in {topic}-{partition} from offset {stable} on hides what was copied since: waiting for its end"
            );
            Err(Context::new(cluster.alias(), "reader").plain(ErrorKind::Other, reason))
        }
    }
}

/// Looks in a target partition, from the last stable offset back in growing stretches, for the last
/// record whose last hop `is_ours`.
///
/// # Errors
/// The cluster does not answer.
pub fn last_copied(
    cluster: &Cluster,
    topic: &Arc<str>,
    partition: i32,
    is_ours: impl Fn(&Hop<'_>) -> bool,
) -> Result<Tail, Error> {
    let place = [(topic.clone(), partition)];
    let log_start = cluster
        .start_offsets(&place)?
        .get(&place[0])
        .copied()
        .unwrap_or(0);
    let end = cluster
        .end_offsets(&place)?
        .get(&place[0])
        .copied()
        .unwrap_or(0);
    let floor = log_start.max(end - SEARCH_MAX);
    let (mut upper, mut stretch) = (end, FIRST_STRETCH);
    while upper > floor {
        let lower = (upper - stretch).max(floor);
        if let Some(offset) = last_between(
            cluster,
            "read_committed",
            (topic, partition),
            (lower, upper),
            &is_ours,
        )? {
            return Ok(Tail::Last(offset));
        }
        upper = lower;
        stretch = stretch.saturating_mul(4);
    }
    Ok(if floor == 0 {
        Tail::Never
    } else {
        Tail::Unknown
    })
}

fn last_between(
    cluster: &Cluster,
    isolation: &str,
    (topic, partition): (&Arc<str>, i32),
    (lower, upper): (i64, i64),
    is_ours: &impl Fn(&Hop<'_>) -> bool,
) -> Result<Option<i64>, Error> {
    let properties = cluster
        .properties()
        .clone()
        .set("isolation.level", isolation);
    let mut reader = Reader::new(cluster, &properties)?;
    reader.start(0, topic, partition, lower)?;
    let (mut found, mut is_done, mut failed) = (None, false, None);
    let mut heard = Instant::now();
    while !is_done {
        reader
            .receive(Duration::from_millis(200), BATCH_RECORDS_MAX)
            .for_each(|_, received| match received {
                Received::Record(record) if record.offset() < upper => {
                    heard = Instant::now();
                    let mut ours = None;
                    record.each_header(VIA, |value| {
                        ours = Hop::parse(value).filter(is_ours).map(|hop| hop.offset)
                    });
                    found = ours.or(found);
                }
                // The log may have been cut meanwhile: what there was has been seen.
                Received::Record(_) | Received::End(_) | Received::OutOfRange => is_done = true,
                Received::Failed(error) => failed = Some(error),
            });
        if heard.elapsed() > SILENCE_MAX {
            let reason = format!(
                "no answer while looking for the last record of the edge in {topic}-{partition}"
            );
            let silent =
                Context::new(cluster.alias(), "reader").plain(ErrorKind::Unreachable, reason);
            return Err(failed.unwrap_or(silent));
        }
    }
    Ok(found)
}
