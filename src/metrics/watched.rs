//! What `verify --watch` has proved, as metrics.

use std::fmt::Error;

use crossdock_model::verify::Kind;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

use crate::verify::watch::{Proved, State};

#[derive(Debug)]
pub(super) struct Page(pub(super) State);

/// A figure of each partition.
struct Gauge {
    name: &'static str,
    help: &'static str,
    of: fn(&Proved) -> i64,
}

const GAUGES: [Gauge; 3] = [
    Gauge {
        name: "crossdock_verify_equal_offset",
        help: "Source offset up to which the target was proved equal",
        of: |p| p.equal_offset,
    },
    Gauge {
        name: "crossdock_verify_compared_offset",
        help: "Source offset up to which the target was compared, equal or not",
        of: |p| p.compared_offset,
    },
    Gauge {
        name: "crossdock_verify_behind_records",
        help: "Offsets that the edge has copied and that were not compared yet",
        of: |p| (p.position - p.compared_offset).max(0),
    },
];

impl Collector for Page {
    fn encode(&self, mut page: DescriptorEncoder) -> Result<(), Error> {
        for Gauge { name, help, of } in GAUGES {
            let mut family = page.encode_descriptor(name, help, None, MetricType::Gauge)?;
            for proved in &self.0.partitions {
                let labels = labels(proved);
                ConstGauge::new(of(proved)).encode(family.encode_family(&labels)?)?;
            }
        }
        let mut family = page.encode_descriptor(
            "crossdock_verify_records",
            "Records of the source that were held against the target",
            None,
            MetricType::Counter,
        )?;
        for proved in &self.0.partitions {
            let labels = labels(proved);
            ConstCounter::new(proved.records).encode(family.encode_family(&labels)?)?;
        }
        let mut family = page.encode_descriptor(
            "crossdock_verify_differences",
            "Differences that were found, by kind",
            None,
            MetricType::Counter,
        )?;
        for proved in &self.0.partitions {
            for (count, kind) in proved.differences.iter().zip(Kind::ALL) {
                let mut labels = labels(proved);
                labels.push(("kind", kind.as_str().to_owned()));
                ConstCounter::new(*count).encode(family.encode_family(&labels)?)?;
            }
        }
        let rounds = page.encode_descriptor(
            "crossdock_verify_rounds",
            "Rounds over all partitions that came to their end",
            None,
            MetricType::Counter,
        )?;
        ConstCounter::new(self.0.rounds).encode(rounds)?;
        let failed = page.encode_descriptor(
            "crossdock_verify_failed_rounds",
            "Rounds that did not, because a cluster did not answer",
            None,
            MetricType::Counter,
        )?;
        ConstCounter::new(self.0.failed_rounds).encode(failed)
    }
}

fn labels(proved: &Proved) -> Vec<(&'static str, String)> {
    vec![
        ("edge", proved.edge.clone()),
        ("source", proved.source.clone()),
        ("target", proved.target.clone()),
        ("topic", proved.topic.clone()),
        ("partition", proved.partition.to_string()),
    ]
}
