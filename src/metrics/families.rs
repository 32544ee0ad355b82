//! The names, what they mean, and where their figures come from.

mod edges;
mod partitions;

use std::borrow::Cow;
use std::fmt::Error;

use crossdock_model::latency::Histogram;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Unit;

use crate::monitor::EdgeView;
use crate::process::Usage;
use crate::worker::{EdgeSnapshot, State};

pub(super) use edges::of_edges;
pub(super) use partitions::of_partitions;

const STATES: [State; 6] = [
    State::Starting,
    State::Running,
    State::CaughtUp,
    State::Paused,
    State::Retrying,
    State::Halted,
];

/// What the latency is.
pub(super) const LATENCY_HELP: &str =
    "From a record's timestamp to its commit at the target, over all hops that it made";

/// What the processor time is.
pub(super) const CPU_HELP: &str = "Processor time used by the process, user and system";

/// What the memory is.
pub(super) const MEMORY_HELP: &str = "Resident memory of the process";

type Labels<'a> = Vec<(&'static str, Cow<'a, str>)>;

/// A series: what tells it from others of its edge, and its figure.
pub(super) type Series<'a> = (Labels<'a>, f64);

/// One name.
pub(super) struct Family {
    pub(super) name: &'static str,
    pub(super) unit: Option<Unit>,
    pub(super) kind: MetricType,
    pub(super) help: &'static str,
    /// The series of one edge.
    pub(super) of: fn(&EdgeView) -> Vec<Series<'_>>,
}

impl Family {
    pub(super) fn encode(
        &self,
        page: &mut DescriptorEncoder,
        edges: &[EdgeView],
    ) -> Result<(), Error> {
        let name = format!("crossdock_{}", self.name);
        let mut family = page.encode_descriptor(&name, self.help, self.unit.as_ref(), self.kind)?;
        for edge in edges {
            for (more, figure) in (self.of)(edge) {
                let labels = labels(&edge.edge, more);
                let metric = family.encode_family(&labels)?;
                match (self.kind, self.unit.is_some()) {
                    (MetricType::Counter, _) => ConstCounter::new(figure as u64).encode(metric)?,
                    (_, true) => ConstGauge::new(figure).encode(metric)?,
                    (_, false) => ConstGauge::new(figure as i64).encode(metric)?,
                }
            }
        }
        Ok(())
    }
}

pub(super) fn labels<'a>(edge: &'a EdgeSnapshot, more: Labels<'a>) -> Labels<'a> {
    let mut labels = vec![
        ("edge", Cow::from(&edge.name)),
        ("source", Cow::from(&edge.source)),
        ("target", Cow::from(&edge.target)),
    ];
    labels.extend(more);
    labels
}

fn counter(name: &'static str, help: &'static str, of: fn(&EdgeView) -> Vec<Series<'_>>) -> Family {
    Family {
        name,
        unit: None,
        kind: MetricType::Counter,
        help,
        of,
    }
}

fn gauge(name: &'static str, help: &'static str, of: fn(&EdgeView) -> Vec<Series<'_>>) -> Family {
    Family {
        kind: MetricType::Gauge,
        ..counter(name, help, of)
    }
}

fn seconds(name: &'static str, help: &'static str, of: fn(&EdgeView) -> Vec<Series<'_>>) -> Family {
    Family {
        unit: Some(Unit::Seconds),
        ..gauge(name, help, of)
    }
}

fn ratios(name: &'static str, help: &'static str, of: fn(&EdgeView) -> Vec<Series<'_>>) -> Family {
    Family {
        unit: Some(Unit::Other("ratio".to_owned())),
        ..gauge(name, help, of)
    }
}

fn one(figure: u64) -> Vec<Series<'static>> {
    vec![(Vec::new(), figure as f64)]
}

fn real(figure: f64) -> Vec<Series<'static>> {
    vec![(Vec::new(), figure)]
}

/// Latency is a histogram.
pub(super) fn latency(page: &mut DescriptorEncoder, edges: &[EdgeView]) -> Result<(), Error> {
    let mut family = page.encode_descriptor(
        "crossdock_replication_latency",
        LATENCY_HELP,
        Some(&Unit::Seconds),
        MetricType::Histogram,
    )?;
    for edge in edges {
        let latency = &edge.edge.counts.latency;
        let labels = labels(&edge.edge, Vec::new());
        let mut metric = family.encode_family(&labels)?;
        metric.encode_histogram::<[(&str, &str); 0]>(
            latency.sum_seconds(),
            latency.count(),
            &buckets(latency),
            None,
        )?;
    }
    Ok(())
}

/// Every second bound: what is between is for this process's own quantiles.
pub(super) fn buckets(latency: &Histogram) -> Vec<(f64, u64)> {
    let bounds: Vec<f64> = Histogram::bounds().chain([f64::INFINITY]).collect();
    let mut buckets: Vec<(f64, u64)> = Vec::new();
    let mut waiting = 0;
    for (number, (bound, count)) in bounds.iter().zip(latency.counts()).enumerate() {
        waiting += count;
        if number % 2 == 0 {
            buckets.push((*bound, std::mem::take(&mut waiting)));
        }
    }
    buckets
}

/// The process itself.
pub(super) fn of_process(page: &mut DescriptorEncoder, usage: Option<Usage>) -> Result<(), Error> {
    let info = page.encode_descriptor(
        "crossdock_build",
        "Version of crossdock",
        None,
        MetricType::Info,
    )?;
    let version = [("version", env!("CARGO_PKG_VERSION"))];
    prometheus_client::metrics::info::Info::new(version).encode(info)?;
    let Some(usage) = usage else { return Ok(()) };
    let cpu = page.encode_descriptor(
        "crossdock_process_cpu",
        CPU_HELP,
        Some(&Unit::Seconds),
        MetricType::Counter,
    )?;
    ConstCounter::new(usage.cpu_seconds).encode(cpu)?;
    let memory = page.encode_descriptor(
        "crossdock_process_resident_memory",
        MEMORY_HELP,
        Some(&Unit::Bytes),
        MetricType::Gauge,
    )?;
    ConstGauge::new(usage.resident_bytes as f64).encode(memory)
}
