//! Records that are hard to carry.

use crossdock_testbed::random::Random;
use crossdock_testbed::record::{Record, VIA};
use crossdock_testbed::scene::DOCK;

use super::{assert_says, judge, with_keys};
use crate::scenes::one_way;

fn record(value: Vec<u8>) -> Record {
    Record {
        timestamp: Some(1_750_000_000_000),
        value: Some(value),
        ..Record::default()
    }
}

#[test]
#[ignore = "long, or wants a machine of its own: `make test-all`"]
fn ten_megabytes_that_compress_to_little_pass_where_the_little_does() {
    let keys = "sync: { configs: false }, producer: { compression.type: zstd }";
    let mut scene = with_keys("compressible", keys, 1);
    // The source takes it as it is; the target only what it is when packed.
    let large = [("max.message.bytes", "20000000")];
    scene.topic_with("bj", "users", 1, &large);
    scene.topic_with("sh", "users", 1, &[("max.message.bytes", "1000000")]);
    scene.route("bj-to-sh", "users", "users");
    scene.start();
    scene.produce_large("bj", "users", [record(vec![0; 9_000_000])]);
    scene.produce("bj", "orders", 100);
    judge(&mut scene);
}

#[test]
#[ignore = "long, or wants a machine of its own: `make test-all`"]
fn ten_megabytes_that_do_not_compress_pass_and_others_do_not_wait_for_them() {
    let mut scene = one_way("incompressible", 1);
    let large = [("max.message.bytes", "20000000")];
    scene.topic_with("bj", "users", 1, &large);
    scene.route("bj-to-sh", "users", "users");
    scene.start();
    let mut random = Random::new(43);
    for _ in 0..3 {
        scene.produce_large("bj", "users", [record(random.bytes(9_500_000))]);
    }
    scene.produce("bj", "orders", 1_000);
    judge(&mut scene);
    let mib = scene.dock(DOCK).memory_mib();
    println!("{mib} MiB after three records of 9.5 MB");
    assert!(mib < 600, "{mib} MiB");
}

#[test]
#[ignore = "long, or wants a machine of its own: `make test-all`"]
fn headers_of_our_name_that_are_poison_are_carried_and_stop_nothing() {
    let mut scene = one_way("poison", 1);
    let values: [Option<Vec<u8>>; 7] = [
        None,
        Some(Vec::new()),
        Some(vec![b'x'; 900_000]),
        Some(vec![0xff, 0xfe, 0]),
        Some(b"bj/unknown".to_vec()),
        Some(b"////".to_vec()),
        Some(b"a/b/c/not-a-number/7".to_vec()),
    ];
    let with = |value: &Option<Vec<u8>>| Record {
        headers: vec![(VIA.to_vec(), value.clone())],
        ..record(b"poison".to_vec())
    };
    scene.start();
    scene.produce_large("bj", "orders", values.iter().map(with));
    let many = Record {
        headers: vec![(VIA.to_vec(), Some(b"no hop".to_vec())); 200],
        ..record(b"poison".to_vec())
    };
    scene.produce_records("bj", "orders", [many]);
    judge(&mut scene);
    let status = scene.dock(DOCK).status().expect("it runs");
    let counted = status["edges"][0]["foreign_headers_total"].as_u64();
    assert!(counted >= Some(8), "{counted:?}");
    assert_eq!(status["edges"][0]["dropped_total"]["loop"], 0);
}

#[test]
#[ignore = "long, or wants a machine of its own: `make test-all`"]
fn a_forged_header_that_names_the_target_is_dropped_and_counted_where_it_can_be_seen() {
    let mut scene = one_way("forged", 1);
    let target = scene.broker("sh").cluster_id().to_owned();
    let via = format!("sh/{target}/orders/0/7");
    let forged = Record {
        headers: vec![(VIA.to_vec(), Some(via.into_bytes()))],
        ..record(b"forged".to_vec())
    };
    scene.start();
    scene.produce("bj", "orders", 100);
    scene.produce_forged("bj", "orders", [forged]);
    scene.produce("bj", "orders", 100);
    scene.until_copied("sh", "orders", 199);
    scene.until_caught_up();
    let status = scene.dock(DOCK).status().expect("it runs");
    assert_eq!(status["edges"][0]["dropped_total"]["loop"], 1, "{status}");
    assert_eq!(scene.count("sh", "orders"), 200);
}

#[test]
#[ignore = "long, or wants a machine of its own: `make test-all`"]
fn a_record_without_key_for_a_compacted_target_stands_with_its_reason() {
    let mut scene = one_way("keyless", 1);
    scene.topic("bj", "users", 1);
    scene.topic_with("sh", "users", 1, &[("cleanup.policy", "compact")]);
    scene.start();
    scene.produce_records("bj", "users", [record(b"no key".to_vec())]);
    let reason = scene.until_partition("users", 0, "halted");
    assert_says(&reason, &["users-0", "`sh`"]);
    scene.produce("bj", "orders", 100);
    scene.until_partition("orders", 0, "caught_up");
}
