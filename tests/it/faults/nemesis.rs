//! All faults mixed, from a seed that is printed: the short form of `make soak`.

use std::time::Duration;

use crossdock_testbed::soak::{Plan, Set, page, run};

/// The page of a run that was exact.
fn mixed(set: Set, seed: u64, seconds: u64) -> String {
    let plan = Plan {
        binary: env!("CARGO_BIN_EXE_crossdock").into(),
        set,
        seed,
        length: Duration::from_secs(seconds),
        round: Duration::from_secs(seconds.min(60)),
        pause: Duration::from_millis(2_500),
        rate: 600,
    };
    let outcomes = run(&plan, |_| {});
    let text = page(&[(plan, outcomes.clone())]);
    assert!(outcomes.violations.is_empty(), "{text}");
    text
}

#[test]
fn every_fault_mixed_on_one_way_for_half_a_minute() {
    println!("{}", mixed(Set::OneWay, 71, 30));
}

#[test]
#[ignore = "minutes"]
fn every_fault_mixed_on_each_topology() {
    for (seed, set) in (72..).zip(Set::ALL) {
        println!("{}", mixed(set, seed, 240));
    }
}
