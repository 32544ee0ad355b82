//! The names whose series are partitions.

use std::borrow::Cow;

use super::{Family, counter, gauge, seconds};
use crate::worker::{PartitionSnapshot, State};

macro_rules! each {
    ($make:ident, $name:literal, $help:literal, $of:expr) => {
        $make($name, $help, |e| {
            let of: fn(&PartitionSnapshot) -> Option<f64> = $of;
            let series = e.edge.partitions.iter().filter_map(|p| {
                let labels = vec![
                    ("topic", Cow::from(&p.topic)),
                    ("partition", Cow::from(p.partition.to_string())),
                ];
                Some((labels, of(p)?))
            });
            series.collect()
        })
    };
}

/// Names whose series are partitions.
pub(in crate::metrics) fn of_partitions() -> Vec<Family> {
    let mut families = copied();
    families.extend(standing());
    families
}

fn copied() -> Vec<Family> {
    vec![
        each!(
            counter,
            "partition_records_replicated",
            "Records of one partition copied",
            |p| { Some(p.records_total as f64) }
        ),
        each!(
            counter,
            "partition_bytes_replicated",
            "Their keys and values, in bytes",
            |p| { Some(p.bytes_total as f64) }
        ),
        each!(
            counter,
            "partition_batches_replicated",
            "The batches they were taken from the source in",
            |p| Some(p.batches_total as f64)
        ),
    ]
}

fn standing() -> Vec<Family> {
    vec![
        each!(
            gauge,
            "partition_lag_records",
            "Lag of one partition, as of the edge",
            |p| { p.position.map(|_| p.lag_records as f64) }
        ),
        each!(
            gauge,
            "partition_lag_bytes",
            "The same in bytes, by the mean size of its records copied so far",
            |p| p.position.map(|_| p.lag_bytes as f64)
        ),
        each!(
            seconds,
            "partition_record_age",
            "Age of its oldest record not yet final at the target",
            |p| p.position.map(|_| p.lag_seconds)
        ),
        each!(
            seconds,
            "partition_time_since_progress",
            "Since it got on or had nothing to copy",
            |p| p.position.map(|_| p.progress_seconds)
        ),
        each!(
            gauge,
            "partition_position",
            "Next source offset to copy: all before it is final at the target",
            |p| p.position.map(|position| position as f64)
        ),
        each!(
            gauge,
            "partition_log_end_offset",
            "Last stable offset of the source, as last seen",
            |p| p.log_end_offset.map(|end| end as f64)
        ),
        each!(
            gauge,
            "partition_halted",
            "1 where it stands until a person decides",
            |p| { Some(f64::from(u8::from(p.state == State::Halted))) }
        ),
    ]
}
