//! Metrics: every name stands here, made from the same snapshot as `/api/v1/status`.

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::{Registry, Unit};

use crate::worker::{EdgeSnapshot, State};

/// Content type of the page.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The page.
///
/// # Errors
/// Writing into a string does not fail.
pub fn encode(edges: &[EdgeSnapshot]) -> Result<String, std::fmt::Error> {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Page(edges.to_vec())));
    let mut text = String::new();
    prometheus_client::encoding::text::encode(&mut text, &registry)?;
    Ok(text)
}

#[derive(Debug)]
struct Page(Vec<EdgeSnapshot>);

const STATES: [State; 6] = [
    State::Starting,
    State::Running,
    State::CaughtUp,
    State::Paused,
    State::Retrying,
    State::Halted,
];

impl Collector for Page {
    fn encode(&self, mut page: DescriptorEncoder) -> Result<(), std::fmt::Error> {
        self.counters(&mut page)?;
        self.states(&mut page)?;
        self.gauge(
            &mut page,
            "lag_records",
            "Records stable at the source and not yet final at the target",
            None,
            |e| e.lag_records as f64,
        )?;
        self.gauge(
            &mut page,
            "record_age",
            "Age of the oldest record not yet final at the target",
            Some(Unit::Seconds),
            |e| e.lag_seconds,
        )?;
        self.partitions(&mut page)
    }
}

impl Page {
    fn counters(&self, page: &mut DescriptorEncoder) -> std::fmt::Result {
        self.counter(page, "records_replicated", "Records copied", |e| {
            e.records_total
        })?;
        self.counter(
            page,
            "bytes_replicated",
            "Keys and values copied, in bytes",
            |e| e.bytes_total,
        )?;
        self.counter(
            page,
            "offsets_lost",
            "Source offsets that were removed before they could be copied",
            |e| e.lost_total,
        )?;
        self.counter(
            page,
            "foreign_headers",
            "Headers of the provenance header's name that are none",
            |e| e.foreign_headers_total,
        )?;
        let mut family = page.encode_descriptor(
            "crossdock_records_dropped",
            "Records not copied, by reason",
            None,
            MetricType::Counter,
        )?;
        for edge in &self.0 {
            for (reason, count) in [
                ("loop", edge.dropped_total.loops),
                ("replica", edge.dropped_total.replica),
            ] {
                let labels = [
                    ("edge", edge.name.as_str()),
                    ("source", &edge.source),
                    ("target", &edge.target),
                    ("reason", reason),
                ];
                ConstCounter::new(count).encode(family.encode_family(&labels)?)?;
            }
        }
        Ok(())
    }

    fn counter(
        &self,
        page: &mut DescriptorEncoder,
        name: &str,
        help: &str,
        of: impl Fn(&EdgeSnapshot) -> u64,
    ) -> std::fmt::Result {
        let name = format!("crossdock_{name}");
        let mut family = page.encode_descriptor(&name, help, None, MetricType::Counter)?;
        for edge in &self.0 {
            let labels = [
                ("edge", edge.name.as_str()),
                ("source", &edge.source),
                ("target", &edge.target),
            ];
            ConstCounter::new(of(edge)).encode(family.encode_family(&labels)?)?;
        }
        Ok(())
    }

    fn gauge(
        &self,
        page: &mut DescriptorEncoder,
        name: &str,
        help: &str,
        unit: Option<Unit>,
        of: impl Fn(&EdgeSnapshot) -> f64,
    ) -> std::fmt::Result {
        let name = format!("crossdock_{name}");
        let mut family = page.encode_descriptor(&name, help, unit.as_ref(), MetricType::Gauge)?;
        for edge in &self.0 {
            let labels = [
                ("edge", edge.name.as_str()),
                ("source", &edge.source),
                ("target", &edge.target),
            ];
            ConstGauge::new(of(edge)).encode(family.encode_family(&labels)?)?;
        }
        Ok(())
    }

    fn states(&self, page: &mut DescriptorEncoder) -> std::fmt::Result {
        let mut family = page.encode_descriptor(
            "crossdock_edge_state",
            "1 for the state that the edge is in",
            None,
            MetricType::Gauge,
        )?;
        for edge in &self.0 {
            for state in STATES {
                let labels = [
                    ("edge", edge.name.as_str()),
                    ("source", &edge.source),
                    ("target", &edge.target),
                    ("state", state.as_str()),
                ];
                ConstGauge::new(i64::from(edge.state == state))
                    .encode(family.encode_family(&labels)?)?;
            }
        }
        Ok(())
    }

    fn partitions(&self, page: &mut DescriptorEncoder) -> std::fmt::Result {
        let mut family = page.encode_descriptor(
            "crossdock_partition_lag_records",
            "Records of one partition stable at the source and not yet final at the target",
            None,
            MetricType::Gauge,
        )?;
        for edge in &self.0 {
            for partition in &edge.partitions {
                let (Some(end), Some(position)) = (partition.log_end_offset, partition.position)
                else {
                    continue;
                };
                let number = partition.partition.to_string();
                let labels = [
                    ("edge", edge.name.as_str()),
                    ("source", &edge.source),
                    ("target", &edge.target),
                    ("topic", &partition.topic),
                    ("partition", &number),
                ];
                ConstGauge::new((end - position).max(0)).encode(family.encode_family(&labels)?)?;
            }
        }
        Ok(())
    }
}
