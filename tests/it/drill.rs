//! Drills: the command itself measures, and judges itself; here it must come out exact.

use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use crossdock_testbed::orders::Orders;

use crate::scenes::{ONE_WAY, TWO_WAY, scene};

const ENDS_WITHIN: Duration = Duration::from_secs(400);

/// Drills on two real brokers, the first of which is killed with kill -9 and comes back.
#[allow(clippy::print_stdout, reason = "a test says what it has proved")]
fn drill(name: &str, text: &str) {
    let mut scene = scene(name, &["bj", "sh"], text);
    let orders = Orders::new(scene.folder());
    let on = format!(
        "bj={},sh={}",
        scene.broker("bj").bootstrap(),
        scene.broker("sh").bootstrap()
    );
    let (kill, revive) = (orders.command("kill"), orders.command("revive"));
    let arguments = [
        "--from", "bj", "--to", "sh", "--on", &on, "--kill", &kill, "--revive", &revive, "--span",
        "4s",
    ];
    let mut begun = scene.begin("drill", &arguments);
    let since = Instant::now();
    let code = loop {
        if let Some(code) = begun.ended() {
            break code;
        }
        assert!(since.elapsed() < ENDS_WITHIN, "{}", begun.said());
        orders.obey("kill", || scene.broker("bj").kill());
        orders.obey("revive", || scene.broker("bj").restart());
        thread::sleep(Duration::from_millis(20));
    };
    let said = begun.said();
    println!("{}", said.split("\nDrill of").last().unwrap_or(&said));
    assert_eq!(code, 0, "{said}");
    assert!(
        said.contains("Exact: every record is on both sides once"),
        "{said}"
    );
    for group in ["drill-quick", "drill-slow"] {
        assert!(said.contains(&format!("group {group}")), "{said}");
    }
}

#[test]
fn a_killed_cluster_loses_nothing_and_groups_see_no_more_again_than_was_told() {
    drill("drill", &ONE_WAY.replace("orders|users|products", "orders"));
}

#[test]
fn two_ways_under_one_name_a_killed_cluster_loses_nothing() {
    drill("drill-two-way", TWO_WAY);
}

#[test]
fn on_embedded_clusters_it_runs_without_any_kafka() {
    let output = Command::new(env!("CARGO_BIN_EXE_crossdock"))
        .args(["drill", "topologies/disaster-recovery.yaml"])
        .args(["--from", "primary", "--to", "standby", "--span", "2s"])
        .output()
        .expect("crossdock runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned()
        + &String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.contains("Nothing lost"), "{said}");
}
