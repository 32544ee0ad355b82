//! `--since` and `--until`: as much is compared as was written then, and no more.

use crossdock_testbed::record::Record;

use super::{Tamper, counts, fake, partition, verify};
use crate::scenes::{ONE_WAY, scene};

/// A time of the source below: so many seconds after its first record.
fn at(second: u32) -> String {
    let second = 40 + second;
    format!("2025-06-15T15:{:02}:{:02}Z", 6 + second / 60, second % 60)
}

/// Since when, until when, what is compared, and what is found.
type Case = (Option<u32>, Option<u32>, u64, [u64; 5]);

#[test]
#[allow(clippy::print_stderr, reason = "a test says what it has proved")]
fn a_stretch_of_time_is_compared_and_nothing_else() {
    let case: (&str, Tamper) = ("times", |c| {
        c[50].value = Some(b"tampered".to_vec());
        drop(c.remove(80));
    });
    let text = ONE_WAY.replace("orders|users|products", case.0);
    let mut scene = scene("verify-times", &["bj", "sh"], &text);
    scene.topic("bj", "times", 1);
    scene.topic("sh", "times", 1);
    let record = |i: u32| Record {
        value: Some(i.to_string().into_bytes()),
        timestamp: Some(1_750_000_000_000 + i64::from(i) * 1_000),
        ..Record::default()
    };
    scene.produce_records("bj", "times", (0..100).map(record));
    fake(&mut scene, &[case], 100);
    let (altered, missing, equal) = ([0, 0, 0, 1, 0], [1, 0, 0, 0, 0], [0; 5]);
    let cases: [Case; 8] = [
        (Some(40), Some(60), 20, altered),
        (Some(50), Some(51), 1, altered),
        (Some(51), Some(80), 29, equal),
        (Some(75), None, 25, missing),
        (Some(80), Some(81), 1, missing),
        (None, Some(50), 50, equal),
        (Some(81), Some(500), 19, equal),
        (Some(500), None, 0, equal),
    ];
    for (since, until, compared, should) in cases {
        let bounds = [("--since", since), ("--until", until)];
        let given = bounds
            .iter()
            .filter_map(|(name, s)| Some((*name, at((*s)?))));
        let given: Vec<(&str, String)> = given.collect();
        let arguments: Vec<&str> = given.iter().flat_map(|(n, t)| [*n, t.as_str()]).collect();
        let (status, report) = verify(&scene, &arguments);
        let found = partition(&report, "times");
        let is = (status, found["compared"].as_u64(), counts(found));
        let differs = i32::from(should != equal);
        assert_eq!(
            is,
            (Some(differs), Some(compared), should),
            "{arguments:?}: {report:#}"
        );
    }
    eprintln!("{} stretches of 100 s, compared exactly", cases.len());
}
