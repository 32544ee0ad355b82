//! The names whose series are edges.

use crossdock_model::edge::{Limit, Thresholds};
use crossdock_model::expect::Health;
use crossdock_model::groups::State as GroupState;

use super::{Family, STATES, Series, counter, gauge, one, ratios, real, seconds};
use crate::worker::State;
use crate::worker::status::KINDS;

/// Names whose series are edges.
pub(in crate::metrics) fn of_edges() -> Vec<Family> {
    let mut families = copied();
    families.extend(trouble());
    families.extend(standing());
    families.extend(behind());
    families.extend(expected());
    families.extend(groups());
    families
}

/// What is expected of the edge, so that whoever alerts on figures needs no thresholds of their own.
fn expected() -> Vec<Family> {
    vec![
        gauge(
            "expected_lag_records",
            "Lag from which on it is worth a look or an alarm",
            |e| levels(&e.edge.expect.lag, |n| n as f64),
        ),
        seconds(
            "expected_record_wait",
            "Wait from which on it is worth a look or an alarm",
            |e| levels(&e.edge.expect.latency, |d| d.as_secs_f64()),
        ),
        ratios(
            "expected_refused",
            "Share of refused records from which on it is worth a look or an alarm",
            |e| levels(&e.edge.expect.error_rate, |share| share),
        ),
        gauge(
            "expected_records_per_second",
            "Throughput that is expected; below half of it is an alarm",
            |e| match e.edge.expect.throughput {
                Some(Limit::Records(rate)) => one(rate),
                _ => Vec::new(),
            },
        ),
        gauge(
            "expected_bytes_per_second",
            "The same, where it is given in bytes",
            |e| match e.edge.expect.throughput {
                Some(Limit::Bytes(rate)) => one(rate),
                _ => Vec::new(),
            },
        ),
    ]
}

fn levels<T: Copy>(thresholds: &Thresholds<T>, number: fn(T) -> f64) -> Vec<Series<'static>> {
    let all = [
        (Health::Warn, thresholds.warn),
        (Health::Alarm, thresholds.alarm),
    ];
    let given = all.into_iter().filter_map(|(level, limit)| {
        Some((vec![("level", level.as_str().into())], number(limit?)))
    });
    given.collect()
}

/// Of edges whose groups follow.
fn groups() -> Vec<Family> {
    vec![
        gauge(
            "groups",
            "Consumer groups that `sync.groups` names, by how they stand",
            |e| {
                let kept = e.edge.group_sync.iter();
                let count = |state| {
                    let all = kept.clone().flat_map(|kept| &kept.groups);
                    all.filter(|group| group.state == state).count()
                };
                let series = |state: GroupState| {
                    (vec![("state", state.as_str().into())], count(state) as f64)
                };
                match e.edge.group_sync {
                    Some(_) => GroupState::ALL.map(series).to_vec(),
                    None => Vec::new(),
                }
            },
        ),
        counter(
            "group_positions_committed",
            "Positions of groups committed at the target",
            |e| match &e.edge.group_sync {
                Some(kept) => one(kept.committed_total),
                None => Vec::new(),
            },
        ),
        seconds(
            "groups_last_round",
            "Since the positions of groups were looked at last",
            |e| {
                let last = e
                    .edge
                    .group_sync
                    .as_ref()
                    .and_then(|k| k.last_round_seconds);
                last.map(real).unwrap_or_default()
            },
        ),
    ]
}

fn copied() -> Vec<Family> {
    vec![
        counter(
            "records_replicated",
            "Records copied, final at the target",
            |e| one(e.edge.counts.done.records),
        ),
        counter("bytes_replicated", "Their keys and values, in bytes", |e| {
            one(e.edge.counts.done.bytes)
        }),
        counter(
            "batches_replicated",
            "The batches they were taken from the source in",
            |e| one(e.edge.counts.done.batches),
        ),
        counter("records_dropped", "Records not copied, by reason", |e| {
            let done = &e.edge.counts.done;
            [
                ("loop", done.dropped_loop),
                ("replica", done.dropped_replica),
                ("sample", done.dropped_sample),
                ("filter", done.dropped_filter),
                ("refused", done.dropped_refused),
                ("dead_letter", done.dead_letters),
            ]
            .map(|(reason, count)| (vec![("reason", reason.into())], count as f64))
            .to_vec()
        }),
        counter(
            "records_refused",
            "Records that the target refused for good",
            |e| one(e.edge.counts.refused),
        ),
        counter(
            "foreign_headers",
            "Headers of the provenance header's name that are none, carried along",
            |e| one(e.edge.counts.done.foreign_headers),
        ),
        counter(
            "timestamps_replaced",
            "Records whose timestamp 0 the target replaced by its own",
            |e| one(e.edge.counts.done.zero_timestamps),
        ),
        counter(
            "transactions",
            "Transactions ended at the target, by outcome",
            |e| {
                [
                    ("committed", e.edge.counts.committed),
                    ("aborted", e.edge.counts.aborted),
                ]
                .map(|(outcome, count)| (vec![("outcome", outcome.into())], count as f64))
                .to_vec()
            },
        ),
    ]
}

fn trouble() -> Vec<Family> {
    vec![
        counter("errors", "Errors that were met, by kind", |e| {
            e.edge
                .counts
                .errors
                .iter()
                .zip(KINDS)
                .map(|(count, (_, kind))| (vec![("kind", kind.into())], *count as f64))
                .collect()
        }),
        counter("retries", "Things that failed and were tried again", |e| {
            one(e.edge.counts.retries)
        }),
        counter(
            "rebalances",
            "Times that the group gave or took partitions",
            |e| one(e.edge.counts.rebalances),
        ),
        counter("worker_restarts", "Streams that were started again", |e| {
            one(e.edge.counts.restarts)
        }),
        counter(
            "lost_ranges",
            "Ranges of source offsets that were removed before they could be copied",
            |e| one(e.edge.counts.lost_ranges),
        ),
        counter("offsets_lost", "The source offsets in these ranges", |e| {
            one(e.edge.counts.lost_offsets)
        }),
    ]
}

fn standing() -> Vec<Family> {
    vec![
        gauge("edge_state", "1 for the state that the edge is in", |e| {
            STATES
                .map(|state| {
                    let is_in = f64::from(u8::from(e.edge.state == state));
                    (vec![("state", state.as_str().into())], is_in)
                })
                .to_vec()
        }),
        gauge(
            "edge_health",
            "1 for what it is: as expected, worth a look, or an alarm",
            |e| {
                [Health::Ok, Health::Warn, Health::Alarm]
                    .map(|health| {
                        let is_it = f64::from(u8::from(e.health == health));
                        (vec![("health", health.as_str().into())], is_it)
                    })
                    .to_vec()
            },
        ),
        gauge("partitions", "Partitions held by this process", |e| {
            one(e.edge.partitions.len() as u64)
        }),
        gauge(
            "halted_partitions",
            "Those that stand until a person decides",
            |e| {
                let halted = e
                    .edge
                    .partitions
                    .iter()
                    .filter(|p| p.state == State::Halted);
                one(halted.count() as u64)
            },
        ),
    ]
}

/// How far it is behind, and what of both ends was heard.
fn behind() -> Vec<Family> {
    vec![
        gauge(
            "lag_records",
            "Records stable at the source and not yet final at the target",
            |e| real(e.edge.lag_records as f64),
        ),
        gauge(
            "lag_bytes",
            "The same in bytes, by the mean size of the records copied so far of each partition",
            |e| one(e.edge.lag_bytes),
        ),
        seconds(
            "record_age",
            "Age of the oldest record not yet final at the target",
            |e| real(e.edge.lag_seconds),
        ),
        seconds(
            "record_wait",
            "How long the oldest of them has been seen waiting at the source",
            |e| real(e.edge.wait_seconds),
        ),
        gauge(
            "unstable_records",
            "Records behind an open transaction at the source",
            |e| real(e.edge.unstable_records as f64),
        ),
        seconds(
            "time_since_progress",
            "Since the partition that stands longest got on or had nothing to copy",
            |e| real(e.edge.progress_seconds),
        ),
        seconds("source_last_heard", "Since the source answered last", |e| {
            real(e.edge.last_heard_seconds.source)
        }),
        seconds("target_last_heard", "Since the target answered last", |e| {
            real(e.edge.last_heard_seconds.target)
        }),
    ]
}
