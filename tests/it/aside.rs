//! Records that are not copied, because the target refuses them or the edge leaves them out: the others
//! are, once and in order, and every one is accounted for.

use crossdock_testbed::admin;
use crossdock_testbed::record::{Record, VIA};
use crossdock_testbed::scene::{DOCK, Scene};

use crate::scenes::{ONE_WAY, scene};

/// ONE_WAY with more keys on its edge, and `orders` on both sides.
fn one_way_with(name: &str, keys: &str, partitions: usize, target: &[(&str, &str)]) -> Scene {
    let text = ONE_WAY.replace("products }", &format!("products, {keys} }}"));
    let mut scene = scene(name, &["bj", "sh"], &text);
    scene.topic("bj", "orders", partitions);
    scene.topic_with("sh", "orders", partitions, target);
    scene.route("bj-to-sh", "orders", "orders");
    scene
}

/// A record that nothing compresses, of so many bytes.
fn random(bytes: usize, seed: u64) -> Record {
    let mut state = seed;
    let value = (0..bytes).map(|_| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 33) as u8
    });
    keyed("large", value.collect())
}

fn keyed(key: &str, value: Vec<u8>) -> Record {
    Record {
        timestamp: Some(1_750_000_000_000),
        key: Some(key.as_bytes().to_vec()),
        value: Some(value),
        ..Record::default()
    }
}

/// What a record is, but for where it lies and what was added to its headers.
fn content(record: &Record) -> (Option<Vec<u8>>, Option<Vec<u8>>) {
    (record.key.clone(), record.value.clone())
}

fn said(output: &std::process::Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[test]
fn what_is_too_large_becomes_a_dead_letter_and_is_replayed_when_there_is_room() {
    let limit = [("max.message.bytes", "300000")];
    let mut scene = one_way_with("dead-letter", "on_oversize: dead_letter", 1, &limit);
    let letters = format!("crossdock.dead-letter.{}.bj-to-sh", scene.topology());
    scene.plan("sh", &letters);
    let mut all: Vec<Record> = Vec::new();
    for n in 0..300 {
        all.push(match n {
            20 | 21 | 200 => random(700_000, n),
            _ => keyed(&format!("key-{n}"), vec![b'x'; 500]),
        });
    }
    let (dead, alive): (Vec<_>, Vec<_>) = all
        .iter()
        .partition(|r| r.key == keyed("large", vec![]).key);
    scene.produce_records("bj", "orders", all.clone());
    scene.start();
    scene.until_partition("orders", 0, "caught_up");

    let arrived: Vec<_> = scene.records("sh", "orders").iter().map(content).collect();
    assert_eq!(
        arrived,
        alive.iter().map(|r| content(r)).collect::<Vec<_>>()
    );
    let kept = scene.records("sh", &letters);
    assert_eq!(
        kept.iter().map(content).collect::<Vec<_>>(),
        dead.iter().map(|r| content(r)).collect::<Vec<_>>()
    );
    let hop = kept[0].last_hop().expect("it says where it was read");
    assert_eq!(
        (hop.topic.as_str(), hop.partition, hop.offset),
        ("orders", 0, 20)
    );
    let status = scene.dock(DOCK).status().expect("it runs");
    assert_eq!(status["edges"][0]["dropped_total"]["dead_letter"], 3);
    assert_eq!(status["edges"][0]["refused_total"], 3);

    let listed = scene.command("dead-letter", &["--format", "json"]);
    let list: serde_json::Value = serde_json::from_slice(&listed.stdout).expect("JSON");
    assert_eq!(listed.status.code(), Some(1), "{}", said(&listed));
    assert_eq!(list[1]["source_offset"], 21);
    assert_eq!(list[1]["reason"], "oversize");

    let again = scene.command("dead-letter", &["--replay", "--yes"]);
    assert_eq!(
        again.status.code(),
        Some(1),
        "there is no room yet: {}",
        said(&again)
    );
    assert!(said(&again).contains("3 refused again"), "{}", said(&again));
    let bootstrap = scene.broker("sh").bootstrap();
    admin::set_config(&bootstrap, "orders", "max.message.bytes", "2000000");
    let replayed = scene.command("dead-letter", &["--replay", "--yes"]);
    assert_eq!(replayed.status.code(), Some(0), "{}", said(&replayed));
    let twice = scene.command("dead-letter", &["--replay", "--yes"]);
    assert!(
        said(&twice).contains("No dead letter is left"),
        "{}",
        said(&twice)
    );

    let end = scene.records("sh", "orders").split_off(alive.len());
    assert_eq!(
        end.iter().map(content).collect::<Vec<_>>(),
        dead.iter().map(|r| content(r)).collect::<Vec<_>>()
    );
    assert!(
        end.iter().all(|r| r.timestamp == Some(1_750_000_000_000)
            && r.headers.iter().all(|(name, _)| name == VIA)
            && r.last_hop().is_some_and(|hop| hop.topic == letters)),
        "as they were, by way of the dead-letter topic"
    );
    scene.until_replays_are_told(3);
}

#[test]
fn what_a_compacted_target_refuses_is_left_out_and_its_neighbours_are_not() {
    let compacted = [("cleanup.policy", "compact")];
    let mut scene = one_way_with("skip", "on_oversize: skip", 1, &compacted);
    let record = |n: usize| match n {
        10 | 11 | 150 => Record {
            key: None,
            ..keyed("", vec![n as u8])
        },
        _ => keyed(&format!("key-{n}"), vec![n as u8]),
    };
    scene.produce_records("bj", "orders", (0..200).map(record));
    scene.start();
    scene.until_partition("orders", 0, "caught_up");
    let alive = (0..200).map(record).filter(|r| r.key.is_some());
    let arrived: Vec<_> = scene.records("sh", "orders").iter().map(content).collect();
    assert_eq!(arrived, alive.map(|r| content(&r)).collect::<Vec<_>>());
    let status = scene.dock(DOCK).status().expect("it runs");
    assert_eq!(status["edges"][0]["dropped_total"]["refused"], 3);
}

#[test]
fn an_edge_takes_what_its_filter_and_sample_say_and_leaves_headers_behind() {
    let keys =
        "filter: { key: 'eu-.*', header: { env: 'test|dev' } }, sample: 50%, drop_headers: 'x-.*'";
    let mut scene = one_way_with("filter", keys, 1, &[]);
    let record = |n: usize| {
        let area = ["eu", "us"][n % 2];
        let env = ["test", "dev", "prod"][n % 3];
        let header =
            |name: &str, value: &str| (name.as_bytes().to_vec(), Some(value.as_bytes().to_vec()));
        Record {
            headers: vec![
                header("x-trace", "1"),
                header("env", env),
                header("x-trace", "2"),
            ],
            ..keyed(&format!("{area}-{n}"), vec![n as u8])
        }
    };
    scene.produce_records("bj", "orders", (0..600).map(record));
    scene.start();
    scene.until_partition("orders", 0, "caught_up");
    let arrived = scene.records("sh", "orders");
    let passes = |r: &Record| {
        let key = r.key.as_deref().unwrap_or_default();
        key.starts_with(b"eu-") && r.headers[1].1.as_deref() != Some(b"prod")
    };
    let could: Vec<Record> = (0..600).map(record).filter(passes).collect();
    let mut rest = could.iter();
    for copy in &arrived {
        assert!(
            rest.any(|r| content(r) == content(copy) && r.timestamp == copy.timestamp),
            "nothing else, and in order"
        );
        let names: Vec<_> = copy
            .headers
            .iter()
            .map(|(name, _)| name.as_slice())
            .collect();
        assert_eq!(names, [&b"env"[..], VIA]);
    }
    let dropped = &scene.dock(DOCK).status().expect("it runs")["edges"][0]["dropped_total"].clone();
    let (sampled, filtered) = (dropped["sample"].as_u64(), dropped["filter"].as_u64());
    let total = arrived.len() as u64 + sampled.unwrap_or(0) + filtered.unwrap_or(0);
    assert_eq!(total, 600, "{dropped}");
    assert!(
        (60..140).contains(&arrived.len()),
        "half of {}: {}",
        could.len(),
        arrived.len()
    );
}
