//! What a running crossdock tells of itself, held against the logs.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use crossdock_testbed::arrivals::{Arrivals, now_ms};
use crossdock_testbed::proxy::api;
use crossdock_testbed::record::Record;
use crossdock_testbed::scene::{DOCK, Scene};
use crossdock_testbed::wait;
use serde_json::Value;

use crate::scenes::{ONE_WAY, one_way, scene, two_way};

/// Series of a metrics page: name with labels → figure.
fn metrics(scene: &mut Scene) -> BTreeMap<String, f64> {
    let (status, page) = scene
        .dock(DOCK)
        .get("/metrics")
        .expect("metrics are served");
    assert_eq!(status, 200);
    assert!(page.ends_with("# EOF\n"));
    let series = page.lines().filter(|l| !l.starts_with('#'));
    series
        .map(|line| {
            let (series, figure) = line.rsplit_once(' ').expect("a series has a figure");
            (
                series.to_owned(),
                figure.parse().expect("a figure is a number"),
            )
        })
        .collect()
}

/// The sum of all series of a name that carry all these labels.
fn sum(metrics: &BTreeMap<String, f64>, name: &str, labels: &[&str]) -> f64 {
    let of = |series: &&String| {
        series.split('{').next() == Some(name) && labels.iter().all(|l| series.contains(l))
    };
    let found: Vec<_> = metrics.keys().filter(of).collect();
    assert!(!found.is_empty(), "no {name} with {labels:?}");
    found.iter().map(|series| metrics[*series]).sum()
}

fn edge(scene: &mut Scene, name: &str) -> Value {
    let status = scene.dock(DOCK).status().expect("it tells its status");
    let edges = status["edges"]
        .as_array()
        .expect("a status has edges")
        .clone();
    let found = edges.into_iter().find(|e| e["name"] == name);
    found.unwrap_or_else(|| panic!("no edge {name} in {status}"))
}

#[test]
fn counters_are_what_lies_in_the_logs() {
    let mut scene = two_way("truth", 3);
    scene.produce("bj", "orders", 3_000);
    scene.produce_in_transactions("sh", "orders", 2_000);
    scene.start();
    scene.produce_in_transactions("bj", "orders", 2_000);
    scene.until_caught_up();
    scene.verdict().assert_exact();
    // Records that were born there, and those that came.
    let all = scene.count("bj", "orders");
    assert_eq!(all, scene.count("sh", "orders"));
    let metrics = metrics(&mut scene);
    let of = |edge: &str, name: &str| sum(&metrics, name, &[&format!("edge=\"{edge}\"")]);
    let copied = |edge: &str| of(edge, "crossdock_records_replicated_total");
    assert_eq!(copied("bj-to-sh") + copied("sh-to-bj"), all as f64);
    for edge in ["bj-to-sh", "sh-to-bj"] {
        // What was read is what was copied and what was dropped, which came from there.
        let other = if edge == "bj-to-sh" {
            "sh-to-bj"
        } else {
            "bj-to-sh"
        };
        let loops = sum(
            &metrics,
            "crossdock_records_dropped_total",
            &[&format!("edge=\"{edge}\""), "reason=\"loop\""],
        );
        assert_eq!(loops, copied(other), "{edge}");
        assert_eq!(copied(edge) + loops, all as f64, "{edge}");
        for (whole, part) in [
            (
                "crossdock_records_replicated_total",
                "crossdock_partition_records_replicated_total",
            ),
            (
                "crossdock_bytes_replicated_total",
                "crossdock_partition_bytes_replicated_total",
            ),
        ] {
            assert_eq!(of(edge, whole), of(edge, part), "{edge} {whole}");
        }
        assert_eq!(of(edge, "crossdock_lag_records"), 0.0, "markers are no lag");
        assert_eq!(of(edge, "crossdock_record_age_seconds"), 0.0);
        assert_eq!(of(edge, "crossdock_unstable_records"), 0.0);
        assert_eq!(
            of(edge, "crossdock_replication_latency_seconds_count"),
            copied(edge)
        );
        let committed = [
            format!("edge=\"{edge}\""),
            "outcome=\"committed\"".to_owned(),
        ];
        let labels: Vec<&str> = committed.iter().map(String::as_str).collect();
        assert!(sum(&metrics, "crossdock_transactions_total", &labels) > 0.0);
        assert!(of(edge, "crossdock_batches_replicated_total") <= copied(edge));
    }
    assert!(sum(&metrics, "crossdock_process_resident_memory_bytes", &[]) > 1e6);
    eprintln!("{all} records on each side, as counted");
}

#[test]
fn what_is_sent_and_not_committed_is_lag_and_stands_still() {
    let mut scene = one_way("open-transaction", 2);
    scene.proxy("sh");
    scene.start();
    scene.produce("bj", "orders", 500);
    scene.until_caught_up();
    scene.proxy("sh").hold(&[api::END_TXN]);
    scene.produce("bj", "orders", 400);
    let told = wait::until("the lag is told", Duration::from_secs(60), || {
        let edge = edge(&mut scene, "bj-to-sh");
        match edge["lag_records"].as_i64() {
            Some(lag) if lag >= 400 => Ok(edge),
            _ => Err(edge.to_string()),
        }
    });
    assert_ne!(told["state"], "caught_up");
    let before = Instant::now();
    let state = wait::until("it is not called healthy", Duration::from_secs(120), || {
        let edge = edge(&mut scene, "bj-to-sh");
        assert!(
            edge["lag_records"].as_i64() >= Some(400),
            "nothing is committed: {edge}"
        );
        match edge["state"].as_str() {
            Some("retrying") if edge["health"] != "ok" => Ok(edge),
            _ => Err(edge.to_string()),
        }
    });
    eprintln!("retrying after {:?}: {}", before.elapsed(), state["reason"]);
    assert!(state["lag_seconds"].as_f64() >= Some(1.0), "{state}");
    scene.proxy("sh").flow();
    scene.until_caught_up();
    let after = edge(&mut scene, "bj-to-sh");
    assert_eq!(
        (&after["lag_records"], &after["lag_seconds"]),
        (&0.into(), &0.0.into())
    );
    scene.verdict().assert_exact();
}

#[test]
fn the_latency_histogram_is_what_a_consumer_at_the_target_measures() {
    let mut scene = one_way("latency", 2);
    scene.start();
    assert_latency_is_as_measured(&mut scene, "sh", "bj-to-sh");
}

#[test]
fn over_two_hops_latency_counts_from_where_the_record_was_made() {
    let text = r#"
topology: chain
clusters:
  bj: { bootstrap.servers: "${BJ_BOOTSTRAP}" }
  sh: { bootstrap.servers: "${SH_BOOTSTRAP}" }
  gz: { bootstrap.servers: "${GZ_BOOTSTRAP}" }
edges:
  - { from: bj, to: sh, topics: orders }
  - { from: sh, to: gz, topics: orders }
"#;
    let mut scene = scene("chain", &["bj", "sh", "gz"], text);
    scene.topic("bj", "orders", 2);
    for (here, there) in [("bj", "sh"), ("sh", "gz")] {
        scene.route(&format!("{here}-to-{there}"), "orders", "orders");
    }
    scene.start();
    assert_latency_is_as_measured(&mut scene, "gz", "sh-to-gz");
}

/// Produces records of zero to four seconds of age in bj, a latency that a busy machine does not hide, and
/// holds what an edge tells against what a consumer of its target sees.
#[allow(clippy::print_stderr, reason = "a test says what it has proved")]
fn assert_latency_is_as_measured(scene: &mut Scene, target: &str, name: &str) {
    scene.produce_records("bj", "orders", [aged(0)]);
    scene.until_copied(target, "orders", 1);
    let arrivals = Arrivals::start(&scene.broker(target).bootstrap(), "orders", 2);
    for round in 0..30_i64 {
        let ages = (0..40).map(|n| aged((n * 100 + round * 37) % 4_000));
        scene.produce_records("bj", "orders", ages);
    }
    scene.until_copied(target, "orders", 1_201);
    scene.until_caught_up();
    let after = metrics(scene);
    let measured = arrivals.stop();
    let edge = format!("edge=\"{name}\"");
    let of = |figure: &str, labels: &[&str]| {
        let figure = format!("crossdock_replication_latency_seconds_{figure}");
        sum(&after, &figure, &[&[edge.as_str()], labels].concat())
    };
    let count = of("count", &[]);
    assert_eq!((measured.len(), count), (1_201, 1_201.0));
    let mean = measured.iter().sum::<i64>() as f64 / count / 1000.0;
    let told = of("sum", &[]) / count;
    eprintln!("{name}: mean latency {mean:.3} s measured, {told:.3} s told");
    assert!((told - mean).abs() < mean / 10.0);
    for bound in [1.024, 2.048, 3.072] {
        let told = of("bucket", &[&format!("le=\"{bound}\"")]) / count;
        let is_within = |ms: &&i64| **ms as f64 <= bound * 1000.0;
        let within = measured.iter().filter(is_within).count() as f64 / count;
        eprintln!("within {bound} s: {within:.3} measured, {told:.3} told");
        assert!((told - within).abs() < 0.1);
    }
}

/// A record that was made so many milliseconds ago.
fn aged(age_ms: i64) -> Record {
    Record {
        timestamp: Some(now_ms() - age_ms),
        value: Some(b"value".to_vec()),
        ..Record::default()
    }
}

#[test]
fn an_alarm_is_raised_told_and_over() {
    let expect = "expect: { lag: { warn: 10, alarm: 100 }, latency: { warn: 10h, alarm: 20h } }";
    let text = ONE_WAY.replace("products }", &format!("products, {expect} }}"));
    let mut scene = scene("alarm", &["bj", "sh"], &text);
    scene.topic("bj", "orders", 2);
    scene.route("bj-to-sh", "orders", "orders");
    scene.start();
    scene.produce("bj", "orders", 100);
    scene.until_caught_up();
    assert_eq!(
        scene.dock(DOCK).get("/alarmz"),
        Ok((200, "no alarm\n".to_owned()))
    );
    scene
        .dock(DOCK)
        .post("/api/v1/edges/bj-to-sh/pause")
        .expect("it can be paused");
    scene.produce("bj", "orders", 500);
    let begun = Instant::now();
    let health = |scene: &mut Scene, wanted: &str, within| {
        wait::until(wanted, within, || {
            let edge = edge(scene, "bj-to-sh");
            if edge["health"] == wanted {
                Ok(edge)
            } else {
                Err(edge.to_string())
            }
        })
    };
    health(&mut scene, "warn", Duration::from_secs(60));
    health(&mut scene, "alarm", Duration::from_secs(80));
    let took = begun.elapsed();
    assert!(
        took > Duration::from_secs(55),
        "above for a minute, not {took:?}"
    );
    let (status, text) = scene.dock(DOCK).get("/alarmz").expect("it is served");
    assert_eq!(status, 503);
    assert!(
        text.starts_with("bj-to-sh: lag 500 records is above 100 records"),
        "{text}"
    );
    let told = metrics(&mut scene);
    assert_eq!(
        sum(&told, "crossdock_edge_health", &["health=\"alarm\""]),
        1.0
    );
    scene
        .dock(DOCK)
        .post("/api/v1/edges/bj-to-sh/resume")
        .expect("it can be resumed");
    scene.until_caught_up();
    health(&mut scene, "ok", Duration::from_secs(60));
    assert_eq!(
        scene.dock(DOCK).get("/alarmz").map(|(status, _)| status),
        Ok(200)
    );
    let log = scene.dock(DOCK).log_tail(100);
    assert!(
        log.contains("Alarm: lag") && log.contains("The alarm is over"),
        "{log}"
    );
    eprintln!("in alarm after {took:?}: {}", text.trim());
    scene.verdict().assert_exact();
}

/// A collector: the headers and the body of each push that it is sent.
fn collector() -> (String, Receiver<(String, Vec<u8>)>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = listener.local_addr().expect("it is bound").to_string();
    let (sender, pushes) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = BufReader::new(stream.expect("it is connected"));
            // One client may push several times on one connection.
            while let Some(push) = receive(&mut stream) {
                let ok = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
                stream.get_mut().write_all(ok.as_bytes()).ok();
                if sender.send(push).is_err() {
                    return;
                }
            }
        }
    });
    (address, pushes)
}

fn receive(stream: &mut BufReader<std::net::TcpStream>) -> Option<(String, Vec<u8>)> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        (stream.read_line(&mut head).ok()? > 0).then_some(())?;
    }
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        let is_it = name.eq_ignore_ascii_case("content-length");
        is_it.then(|| value.parse().expect("a length is a number"))
    });
    let mut body = vec![0; length?];
    stream.read_exact(&mut body).ok()?;
    Some((head, body))
}

#[test]
fn a_collector_is_pushed_what_is_served() {
    use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
    use opentelemetry_proto::tonic::metrics::v1::{metric::Data, number_data_point::Value};
    use prost::Message;
    let (address, pushes) = collector();
    let mut scene = one_way("pushed", 2);
    scene.produce("bj", "orders", 300);
    let url = format!("http://{address}");
    scene.start_with_environment(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", url.as_str()),
        ("OTEL_EXPORTER_OTLP_HEADERS", "x-token=open-sesame"),
    ]);
    scene.until_caught_up();
    let born = std::time::Instant::now();
    let records = loop {
        assert!(
            born.elapsed() < Duration::from_secs(60),
            "nothing of it was pushed"
        );
        let push = pushes.recv_timeout(Duration::from_secs(60));
        let (head, body) = push.expect("it pushes");
        assert!(head.starts_with("POST /v1/metrics HTTP/1.1\r\n"), "{head}");
        assert!(
            head.contains("application/x-protobuf") && head.contains("open-sesame"),
            "{head}"
        );
        let push = ExportMetricsServiceRequest::decode(&body[..]).expect("it is OTLP");
        let who = format!("{:?}", push.resource_metrics[0].resource);
        assert!(
            who.contains(scene.topology()) && who.contains("crossdock"),
            "{who}"
        );
        let metrics = &push.resource_metrics[0].scope_metrics[0].metrics;
        let found = metrics
            .iter()
            .find(|m| m.name == "crossdock_records_replicated");
        let Some(Data::Sum(sum)) = found.and_then(|m| m.data.as_ref()) else {
            panic!("{metrics:?}");
        };
        match sum.data_points[0].value {
            Some(Value::AsDouble(count)) if count > 0.0 => break count,
            _ => {}
        }
    };
    assert_eq!(records, 300.0);
    assert!(!scene.dock(DOCK).log().contains("open-sesame"));
    scene.verdict().assert_exact();
}

/// What a scrape costs, and a page that is open for a second, in processor time.
#[test]
#[ignore = "a measurement, for docs/metrics.md"]
#[allow(clippy::print_stderr, reason = "it says what it has measured")]
fn to_be_looked_at_costs_less_than_a_fiftieth_of_a_processor() {
    const LONG: Duration = Duration::from_secs(20);
    const SCRAPES: u32 = 400;
    let mut scene = one_way("cost", 12);
    scene.produce("bj", "orders", 5_000);
    scene.start();
    scene.until_caught_up();
    let spent = |scene: &mut Scene, meanwhile: &mut dyn FnMut(&mut Scene)| {
        let (begun, before) = (Instant::now(), scene.dock(DOCK).cpu());
        meanwhile(scene);
        std::thread::sleep(LONG.saturating_sub(begun.elapsed()));
        let cpu = scene.dock(DOCK).cpu() - before;
        cpu.as_secs_f64() / begun.elapsed().as_secs_f64()
    };
    let at_rest = spent(&mut scene, &mut |_| {});
    let scraped = spent(&mut scene, &mut |scene| {
        for _ in 0..SCRAPES {
            metrics(scene);
            std::thread::sleep(LONG / SCRAPES / 2);
        }
    });
    let listen = scene.dock(DOCK).listen().to_owned();
    let mut open = std::net::TcpStream::connect(&listen).expect("it listens");
    write!(open, "GET /api/v1/live HTTP/1.1\r\nHost: {listen}\r\n\r\n").expect("it is asked");
    let followed = spent(&mut scene, &mut |_| {});
    drop(open);
    let a_scrape = (scraped - at_rest).max(0.0) * LONG.as_secs_f64() / f64::from(SCRAPES);
    let a_page = (followed - at_rest).max(0.0);
    eprintln!(
        "of a processor: {at_rest:.4} at rest; a scrape {:.2} ms, an open page {:.2} ms a second",
        a_scrape * 1000.0,
        a_page * 1000.0
    );
    // One of each a second; copying at full speed takes all of a processor.
    assert!(a_scrape + a_page < 0.02, "{a_scrape} and {a_page}");
}
