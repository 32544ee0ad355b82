//! Records that a replicator may choke on.

use crossdock_testbed::record::{Record, VIA};

use crate::scenes::one_way;

#[test]
fn headers_whose_names_are_no_text_are_carried() {
    let mut scene = one_way("odd-names", 1);
    let odd = [
        vec![0xff, 0xfe],
        vec![b'a', 0x80, b'b'],
        "é".as_bytes().to_vec(),
        Vec::new(),
    ];
    scene.start();
    scene.produce_records(
        "bj",
        "orders",
        odd.map(|name| plain(name, Some(b"v".to_vec()))),
    );
    scene.produce("bj", "orders", 100);
    scene.until_copied("sh", "orders", 103);
    scene.until_caught_up();
    scene.verdict().assert_exact();
}

#[test]
fn headers_of_our_name_that_are_no_hop_are_carried_and_never_fatal() {
    let mut scene = one_way("no-hops", 1);
    let values: [&[u8]; 6] = [
        b"",
        b"/",
        b"bj/id/orders/0",
        b"bj/id/orders/-1/0",
        b"\xff\xfe/a/b/0/0",
        &[b'x'; 100_000],
    ];
    scene.start();
    scene.produce_records(
        "bj",
        "orders",
        values.map(|v| plain(VIA.to_vec(), Some(v.to_vec()))),
    );
    scene.produce("bj", "orders", 100);
    scene.until_copied("sh", "orders", 105);
    scene.until_caught_up();
    scene.verdict().assert_exact();
}

#[test]
fn a_topic_with_larger_records_than_usual_arrives() {
    let mut scene = one_way("large", 1);
    let large = "8000000";
    scene.topic_with("bj", "users", 1, &[("max.message.bytes", large)]);
    scene.route("bj-to-sh", "users", "users");
    let big = |size: u8| Record {
        timestamp: Some(1_750_000_000_000),
        value: Some(
            (0..usize::from(size) * 1_000_000)
                .map(|i| (i * 31 % 251) as u8)
                .collect(),
        ),
        ..Record::default()
    };
    scene.start();
    scene.produce_records("bj", "users", [1, 3, 5, 2].map(big));
    scene.produce("bj", "orders", 1_000);
    scene.until_copied("sh", "users", 3);
    scene.until_caught_up();
    scene.verdict().assert_exact();
}

fn plain(name: Vec<u8>, value: Option<Vec<u8>>) -> Record {
    Record {
        timestamp: Some(1_750_000_000_000),
        key: Some(b"k".to_vec()),
        value: Some(name.clone()),
        headers: vec![
            (b"before".to_vec(), None),
            (name, value),
            (b"after".to_vec(), None),
        ],
        ..Record::default()
    }
}
