//! What is exported and what `docs/metrics.md` says are one.

use std::collections::{BTreeMap, BTreeSet};

use crossdock_model::edge::Limit;
use crossdock_model::expect::Health;

use super::Detail;
use crate::monitor::{EdgeView, Recent};
use crate::verify::watch::{Proved, State};
use crate::worker::status::{Counts, Ends};
use crate::worker::{self, EdgeSnapshot, PartitionSnapshot};

const DOCS: &str = include_str!("../../docs/metrics.md");

/// An edge with something of everything.
fn edge(throughput: Option<Limit>) -> EdgeSnapshot {
    let mut counts = Counts::default();
    counts.done.records = 1_500;
    counts.done.bytes = 150_000;
    counts.latency.observe(250, 1_500);
    let partition = PartitionSnapshot {
        topic: "orders".to_owned(),
        partition: 0,
        target_topic: "orders".to_owned(),
        position: Some(1_500),
        set_by_hand: None,
        log_end_offset: Some(1_501),
        state: worker::State::Running,
        reason: None,
        lag_records: 1,
        lag_bytes: 100,
        lag_seconds: 0.5,
        progress_seconds: 0.1,
        records_total: 1_500,
        bytes_total: 150_000,
        batches_total: 3,
    };
    EdgeSnapshot {
        name: "bj-to-sh".to_owned(),
        source: "bj".to_owned(),
        target: "sh".to_owned(),
        state: worker::State::Running,
        reason: None,
        lag_records: 1,
        lag_bytes: 100,
        lag_seconds: 0.5,
        wait_seconds: 0.5,
        unstable_records: 0,
        progress_seconds: 0.1,
        last_heard_seconds: Ends {
            source: 0.2,
            target: 0.3,
        },
        records_total: 1_500,
        bytes_total: 150_000,
        dropped_total: crate::worker::status::Dropped::default(),
        refused_total: 0,
        replayed_total: 0,
        source_gone: Vec::new(),
        lost_total: 0,
        foreign_headers_total: 0,
        partitions: vec![partition],
        group_sync: Some(crate::worker::status::GroupsSnapshot {
            last_round_seconds: Some(0.4),
            ..Default::default()
        }),
        is_ready: true,
        share: 1.0,
        counts,
        expect: crossdock_model::edge::Expect {
            throughput,
            ..Default::default()
        },
    }
}

fn view() -> EdgeView {
    expecting(Some(Limit::Records(500)))
}

fn expecting(throughput: Option<Limit>) -> EdgeView {
    EdgeView {
        edge: edge(throughput),
        health: Health::Ok,
        concerns: Vec::new(),
        recent: Recent::default(),
    }
}

#[test]
fn what_is_pushed_is_what_is_served() {
    use opentelemetry_proto::tonic::metrics::v1::metric::Data;
    let origin = super::otlp::Origin {
        topology: "cn".to_owned(),
        instance: "host".to_owned(),
    };
    for detail in [Detail::Partition, Detail::Edge] {
        let request = super::otlp::request(&[view()], detail, &origin, 1);
        let scopes = request
            .resource_metrics
            .iter()
            .flat_map(|r| &r.scope_metrics);
        let mut pushed = BTreeMap::new();
        for metric in scopes.flat_map(|s| &s.metrics) {
            // What a collector that writes to Prometheus makes of name and unit.
            let unit = match metric.unit.as_str() {
                "s" => "_seconds",
                "By" => "_bytes",
                "1" => "_ratio",
                other => other,
            };
            let (kind, series) = match metric.data.as_ref().unwrap() {
                Data::Sum(sum) => ("counter", sum.data_points.len()),
                Data::Gauge(gauge) => ("gauge", gauge.data_points.len()),
                Data::Histogram(all) => ("histogram", all.data_points.len()),
                other => panic!("{other:?}"),
            };
            let what = (kind.to_owned(), metric.description.clone(), series);
            pushed.insert(format!("{}{unit}", metric.name), what);
        }
        let text = page(detail);
        let served = exported(&text);
        let series = |name: &str| {
            let of = |line: &&str| {
                let series = line.split(['{', ' ']).next().unwrap();
                series.strip_suffix("_total").unwrap_or(series) == name
            };
            text.lines().filter(of).count()
        };
        for (name, (kind, _, help)) in &served {
            match kind.as_str() {
                "info" => {}
                "histogram" => assert_eq!(pushed[name], (kind.clone(), help.clone(), 1)),
                _ => {
                    let expected = (kind.clone(), help.clone(), series(name));
                    assert_eq!(pushed[name], expected, "{name}");
                }
            }
        }
        assert_eq!(pushed.len() + 1, served.len(), "all but the version");
    }
}

#[test]
fn a_collector_is_told_by_its_base_address() {
    use std::time::Duration;
    let new = |base, headers| super::otlp::Target::new(base, headers, Duration::from_secs(1));
    for base in [
        "http://c:4318",
        "http://c:4318/",
        "http://c:4318/v1/metrics",
    ] {
        let target = new(base, Some("api-key=x, b=c=d")).unwrap();
        assert_eq!(target.url, "http://c:4318/v1/metrics");
        let headers = [("api-key", "x"), ("b", "c=d")];
        assert_eq!(
            target.headers,
            headers.map(|(n, v)| (n.to_owned(), v.to_owned()))
        );
    }
    assert!(new("https://c:4318", None).is_err());
    assert!(new("http://c:4318", Some("x")).is_err());
}

fn page(detail: Detail) -> String {
    super::encode(vec![view()], detail).unwrap()
}

/// Name → type, labels and help, as exported.
fn exported(text: &str) -> BTreeMap<String, (String, BTreeSet<String>, String)> {
    let mut found: BTreeMap<String, (String, BTreeSet<String>, String)> = BTreeMap::new();
    for line in text.lines().filter(|l| *l != "# EOF") {
        if let Some(help) = line.strip_prefix("# HELP ") {
            let (name, help) = help.split_once(' ').unwrap();
            let help = help.trim_end_matches('.').to_owned();
            found.entry(name.to_owned()).or_default().2 = help;
        } else if let Some(kind) = line.strip_prefix("# TYPE ") {
            let (name, kind) = kind.split_once(' ').unwrap();
            found.entry(name.to_owned()).or_default().0 = kind.to_owned();
        } else if !line.starts_with('#') {
            let (name, rest) = line.split_once(['{', ' ']).unwrap();
            let family = found
                .iter_mut()
                .filter(|(family, _)| name.starts_with(family.as_str()))
                .max_by_key(|(family, _)| family.len());
            let labels = rest
                .split('"')
                .step_by(2)
                .filter_map(|l| l.strip_suffix('='));
            let labels = labels.map(|l| l.trim_start_matches(',').to_owned());
            family.unwrap().1.1.extend(labels);
        }
    }
    found
}

/// The rows of the table: name → type, labels, meaning.
fn documented() -> BTreeMap<String, (String, BTreeSet<String>, String)> {
    let rows = DOCS.lines().filter_map(|l| l.strip_prefix("| `crossdock_"));
    rows.map(|row| {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let name = format!("crossdock_{}", cells[0].trim_matches('`'));
        let labels = cells[2]
            .split(',')
            .map(|l| l.trim().trim_matches('`').to_owned());
        let labels = labels.filter(|l| !l.is_empty()).collect();
        (name, (cells[1].to_owned(), labels, cells[3].to_owned()))
    })
    .collect()
}

#[test]
fn the_documented_table_is_what_is_exported() {
    let documented = documented();
    let watched = super::encode_watched(State {
        partitions: vec![Proved::default()],
        ..State::default()
    });
    let edges = vec![view(), expecting(Some(Limit::Bytes(500)))];
    let text = super::encode(edges, Detail::Partition).unwrap() + &watched.unwrap();
    let mut found = BTreeMap::new();
    for (family, (kind, mut labels, help)) in exported(&text) {
        let name = match kind.as_str() {
            "counter" => format!("{family}_total"),
            "info" => format!("{family}_info"),
            _ => family,
        };
        labels.remove("le");
        found.insert(name, (kind, labels, help));
    }
    for (name, exported) in &found {
        assert_eq!(documented.get(name), Some(exported), "{name}");
    }
    for name in documented.keys() {
        assert!(
            found.contains_key(name),
            "{name} is documented and not exported"
        );
    }
    assert!(found.len() > 30, "{}", found.len());
}

#[test]
fn what_is_expected_is_exported_where_it_is_given() {
    for (throughput, line) in [
        (None, None),
        (Some(Limit::Records(500)), Some("records_per_second{")),
        (Some(Limit::Bytes(500)), Some("bytes_per_second{")),
    ] {
        let text = super::encode(vec![expecting(throughput)], Detail::Edge).unwrap();
        let rates = text
            .lines()
            .filter(|l| !l.starts_with('#') && l.contains("per_second"));
        let rates: Vec<&str> = rates.collect();
        assert_eq!(rates.len(), usize::from(line.is_some()), "{rates:?}");
        if let Some(line) = line {
            let name = format!("crossdock_expected_{line}");
            assert!(
                rates[0].starts_with(&name) && rates[0].ends_with(" 500"),
                "{rates:?}"
            );
        }
        for (name, level, figure) in [
            ("lag_records", "warn", "1000"),
            ("lag_records", "alarm", "10000"),
            ("record_wait_seconds", "warn", "5.0"),
            ("record_wait_seconds", "alarm", "30.0"),
            ("refused_ratio", "alarm", "0.001"),
        ] {
            let line = format!(
                "crossdock_expected_{name}{{edge=\"bj-to-sh\",source=\"bj\",target=\"sh\",level=\"{level}\"}} {figure}\n"
            );
            assert!(text.contains(&line), "{line}");
        }
    }
}

/// What operators of MirrorMaker graph and grep has its place, and what stands there is exported.
#[test]
fn what_mirrormaker_shows_is_found_here() {
    let (_, section) = DOCS.split_once("## Coming from MirrorMaker").unwrap();
    for name in [
        "consumer-fetch-manager-metrics",
        "producer-metrics",
        "consumer-coordinator-metrics",
        "records-lag-max",
        "record-send-rate",
        "record-error-rate",
        "replication-latency-ms",
        "record-age-ms",
        "Committing offsets",
        "RetriableException",
        "Connection refused",
        "Rebalance",
        "mirror-maker",
    ] {
        let mut rows = section.lines().filter(|l| l.starts_with('|'));
        assert!(rows.any(|row| row.contains(name)), "{name}");
    }
    let documented = documented();
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let words = section.split(|c| !is_word(c));
    let names: Vec<&str> = words.filter(|w| w.starts_with("crossdock_")).collect();
    assert!(names.len() > 15, "{names:?}");
    for name in names {
        assert!(documented.contains_key(name), "{name}");
    }
}

#[test]
fn of_edges_only_no_series_names_a_partition() {
    let text = page(Detail::Edge);
    assert!(!text.contains("partition=") && !text.contains("topic="));
    assert!(
        text.contains("crossdock_lag_records{edge=\"bj-to-sh\",source=\"bj\",target=\"sh\"} 1\n")
    );
    // States, kinds, reasons and buckets are the bound of what an edge adds.
    let series = text
        .lines()
        .filter(|l| l.contains("edge=\"bj-to-sh\""))
        .count();
    assert!((60..110).contains(&series), "{series} series for an edge");
}

#[test]
fn the_histogram_is_cumulative_and_complete() {
    let text = page(Detail::Edge);
    let buckets: Vec<(f64, u64)> = text
        .lines()
        .filter(|l| l.starts_with("crossdock_replication_latency_seconds_bucket"))
        .map(|line| {
            let (head, count) = line.rsplit_once(' ').unwrap();
            let bound = head.split("le=\"").nth(1).and_then(|l| l.split('"').next());
            let bound = match bound.unwrap() {
                "+Inf" => f64::INFINITY,
                finite => finite.parse().unwrap(),
            };
            (bound, count.parse().unwrap())
        })
        .collect();
    assert!(
        buckets.is_sorted_by(|a, b| a.0 < b.0 && a.1 <= b.1),
        "{buckets:?}"
    );
    assert!(
        buckets
            .iter()
            .all(|(bound, count)| *count == if *bound < 0.25 { 0 } else { 1_500 })
    );
    assert_eq!(buckets.last(), Some(&(f64::INFINITY, 1_500)));
}
