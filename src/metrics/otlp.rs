//! The same metrics, pushed: OTLP over HTTP, as protobuf, to a collector.
//!
//! Names are those of `/metrics` without `_total` and without the unit, which OTLP tells by itself: a
//! collector that writes to Prometheus gives them back.

use std::sync::{Arc, Weak};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, anyhow};
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value};
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, Gauge, Histogram, HistogramDataPoint, Metric, NumberDataPoint,
    ResourceMetrics, ScopeMetrics, Sum, metric, number_data_point,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Unit;
use prost::Message;

use super::Detail;
use super::families::{self, Family, Series};
use crate::monitor::{EdgeView, Monitor};
use crate::process;

/// How long the collector has for one push.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// Between two looks at whether the process ends.
const TICK: Duration = Duration::from_millis(200);

/// Where metrics are pushed to. It has no `Debug`: headers may hold a token (invariant 7).
#[derive(Clone)]
pub struct Target {
    /// Such as `http://localhost:4318/v1/metrics`.
    pub(super) url: String,
    /// Further headers, such as a token of the collector.
    pub(super) headers: Vec<(String, String)>,
    /// Between two pushes.
    interval: Duration,
}

/// Who pushes: OpenTelemetry's resource.
#[derive(Clone, Debug)]
pub struct Origin {
    /// Name of the topology.
    pub topology: String,
    /// Name of the process.
    pub instance: String,
}

impl Target {
    /// A collector by its base address, as `OTEL_EXPORTER_OTLP_ENDPOINT` has it, with the headers of
    /// `OTEL_EXPORTER_OTLP_HEADERS` (`name=value,…`).
    ///
    /// # Errors
    /// It is no `http://` address, or a header has no `=`.
    pub fn new(base: &str, headers: Option<&str>, interval: Duration) -> anyhow::Result<Self> {
        let base = base.trim_end_matches('/');
        if !base.starts_with("http://") {
            return Err(anyhow!(
                "`{base}` is no http:// address: a collector on this host or in this pod speaks TLS to the outside"
            ));
        }
        let path = "/v1/metrics";
        let url = match base.ends_with(path) {
            true => base.to_owned(),
            false => format!("{base}{path}"),
        };
        let header = |text: &str| {
            let (name, value) = text.split_once('=')?;
            Some((name.trim().to_owned(), value.trim().to_owned()))
        };
        let all = headers
            .unwrap_or_default()
            .split(',')
            .filter(|h| !h.trim().is_empty());
        let headers = all
            .map(|text| header(text).context("OTEL_EXPORTER_OTLP_HEADERS is a list of name=value"))
            .collect::<anyhow::Result<_>>()?;
        Ok(Self {
            url,
            headers,
            interval,
        })
    }
}

/// Pushes until nobody holds the monitor any more, and once more then.
///
/// # Errors
/// The system has no thread left.
pub fn start(
    monitor: &Arc<Monitor>,
    target: Target,
    origin: Origin,
    detail: Detail,
) -> std::io::Result<()> {
    let monitor = Arc::downgrade(monitor);
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .timeout_global(Some(ANSWER_WITHIN))
        .build()
        .into();
    let born = now_ns();
    let push = move || {
        tracing::info!(
            "Metrics are pushed to {} every {:?}.",
            target.url,
            target.interval
        );
        while wait(&monitor, target.interval) {
            let Some(edges) = monitor.upgrade().map(|monitor| monitor.edges()) else {
                return;
            };
            let page = request(&edges, detail, &origin, born);
            if let Err(error) = send(&agent, &target, &page) {
                tracing::warn!("Metrics were not taken by {}: {error:#}.", target.url);
            }
        }
    };
    let thread = std::thread::Builder::new().name("otlp".to_owned());
    thread.spawn(push).map(drop)
}

/// `false` when the monitor is gone.
fn wait(monitor: &Weak<Monitor>, long: Duration) -> bool {
    let since = Instant::now();
    while since.elapsed() < long {
        if monitor.strong_count() == 0 {
            return false;
        }
        std::thread::sleep(TICK.min(long));
    }
    true
}

fn send(
    agent: &ureq::Agent,
    target: &Target,
    page: &ExportMetricsServiceRequest,
) -> anyhow::Result<()> {
    let mut request = agent
        .post(&target.url)
        .header("Content-Type", "application/x-protobuf");
    for (name, value) in &target.headers {
        request = request.header(name, value);
    }
    request.send(&page.encode_to_vec()[..])?;
    Ok(())
}

fn now_ns() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |d| u64::try_from(d.as_nanos()).unwrap_or(u64::MAX))
}

/// Everything as one request.
pub fn request(
    edges: &[EdgeView],
    detail: Detail,
    origin: &Origin,
    born_ns: u64,
) -> ExportMetricsServiceRequest {
    let at = Span {
        start_time_unix_nano: born_ns,
        time_unix_nano: now_ns(),
    };
    let mut families = families::of_edges();
    if detail == Detail::Partition {
        families.extend(families::of_partitions());
    }
    let mut metrics: Vec<Metric> = families.iter().map(|f| family(f, edges, at)).collect();
    metrics.push(latency(edges, at));
    metrics.extend(of_process(at));
    let scope = ScopeMetrics {
        scope: Some(InstrumentationScope {
            name: "crossdock".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            ..InstrumentationScope::default()
        }),
        metrics,
        ..ScopeMetrics::default()
    };
    let attributes = [
        ("service.name", "crossdock"),
        ("service.version", env!("CARGO_PKG_VERSION")),
        ("service.instance.id", &origin.instance),
        ("crossdock.topology", &origin.topology),
    ];
    let resource = Resource {
        attributes: attributes.iter().map(|(k, v)| attribute(k, v)).collect(),
        ..Resource::default()
    };
    ExportMetricsServiceRequest {
        resource_metrics: vec![ResourceMetrics {
            resource: Some(resource),
            scope_metrics: vec![scope],
            ..ResourceMetrics::default()
        }],
    }
}

/// What a figure counts since, and when it was read.
#[derive(Clone, Copy)]
struct Span {
    start_time_unix_nano: u64,
    time_unix_nano: u64,
}

fn attribute(key: &str, value: &str) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue {
            value: Some(any_value::Value::StringValue(value.to_owned())),
        }),
        ..KeyValue::default()
    }
}

fn point(labels: Vec<KeyValue>, figure: f64, at: Span) -> NumberDataPoint {
    NumberDataPoint {
        attributes: labels,
        start_time_unix_nano: at.start_time_unix_nano,
        time_unix_nano: at.time_unix_nano,
        value: Some(number_data_point::Value::AsDouble(figure)),
        ..NumberDataPoint::default()
    }
}

fn family(family: &Family, edges: &[EdgeView], at: Span) -> Metric {
    let of_edge = |edge: &EdgeView| -> Vec<NumberDataPoint> {
        let of_series = |(more, figure): Series<'_>| {
            let labels = families::labels(&edge.edge, more);
            let labels = labels.iter().map(|(k, v)| attribute(k, v)).collect();
            point(labels, figure, at)
        };
        (family.of)(edge).into_iter().map(of_series).collect()
    };
    let points = edges.iter().flat_map(of_edge).collect();
    named(
        family.name,
        family.help,
        family.unit.as_ref(),
        data(family.kind, points),
    )
}

fn data(kind: MetricType, data_points: Vec<NumberDataPoint>) -> metric::Data {
    match kind {
        MetricType::Counter => metric::Data::Sum(Sum {
            data_points,
            aggregation_temporality: AggregationTemporality::Cumulative.into(),
            is_monotonic: true,
        }),
        _ => metric::Data::Gauge(Gauge { data_points }),
    }
}

fn named(name: &str, help: &str, unit: Option<&Unit>, data: metric::Data) -> Metric {
    // The case-sensitive units of UCUM, as OpenTelemetry wants them.
    let unit = match unit {
        Some(Unit::Seconds) => "s",
        Some(Unit::Bytes) => "By",
        Some(Unit::Other(ratio)) if ratio == "ratio" => "1",
        _ => "",
    };
    Metric {
        name: format!("crossdock_{name}"),
        description: help.to_owned(),
        unit: unit.to_owned(),
        data: Some(data),
        ..Metric::default()
    }
}

fn latency(edges: &[EdgeView], at: Span) -> Metric {
    let of_edge = |edge: &EdgeView| {
        let latency = &edge.edge.counts.latency;
        let buckets = families::buckets(latency);
        let labels = families::labels(&edge.edge, Vec::new());
        HistogramDataPoint {
            attributes: labels.iter().map(|(k, v)| attribute(k, v)).collect(),
            start_time_unix_nano: at.start_time_unix_nano,
            time_unix_nano: at.time_unix_nano,
            count: latency.count(),
            sum: Some(latency.sum_seconds()),
            bucket_counts: buckets.iter().map(|(_, count)| *count).collect(),
            // The last one is what is above all bounds.
            explicit_bounds: buckets
                .iter()
                .map(|(bound, _)| *bound)
                .filter(|bound| bound.is_finite())
                .collect(),
            ..HistogramDataPoint::default()
        }
    };
    let histogram = Histogram {
        data_points: edges.iter().map(of_edge).collect(),
        aggregation_temporality: AggregationTemporality::Cumulative.into(),
    };
    let data = metric::Data::Histogram(histogram);
    named(
        "replication_latency",
        families::LATENCY_HELP,
        Some(&Unit::Seconds),
        data,
    )
}

fn of_process(at: Span) -> Vec<Metric> {
    let Some(usage) = process::usage() else {
        return Vec::new();
    };
    let one = |figure| vec![point(Vec::new(), figure, at)];
    vec![
        named(
            "process_cpu",
            families::CPU_HELP,
            Some(&Unit::Seconds),
            data(MetricType::Counter, one(usage.cpu_seconds)),
        ),
        named(
            "process_resident_memory",
            families::MEMORY_HELP,
            Some(&Unit::Bytes),
            data(MetricType::Gauge, one(usage.resident_bytes as f64)),
        ),
    ]
}
