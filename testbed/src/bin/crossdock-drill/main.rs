//! `make drill`: `crossdock drill` on two real brokers, one of which is killed with kill -9 and comes
//! back. The transcript is printed, and kept in `target/drill.txt`.
//!
//! crossdock kills and revives by shell commands; these ask this process for it through files.

use std::path::Path;
use std::process::{Command, ExitCode};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use crossdock_testbed::broker::Broker;
use crossdock_testbed::jars::Tuning;
use crossdock_testbed::orders::Orders;
use crossdock_testbed::{spawn, workdir};

/// Heap of a broker.
const HEAP: &str = "384m";

/// The topology that is drilled, unless another is given.
const TOPOLOGY: &str = "topologies/disaster-recovery.yaml";

/// Where the transcript is kept.
const TRANSCRIPT: &str = "target/drill.txt";

/// Between two looks for an order.
const LOOK: Duration = Duration::from_millis(20);

fn main() -> ExitCode {
    let further: Vec<String> = std::env::args().skip(1).collect();
    let binary = std::env::current_exe().expect("this process has a file");
    let binary = binary.with_file_name("crossdock");
    let folder = workdir::new_folder("drill");
    let mut home = Broker::start_as(HEAP, Tuning::Start, &[]);
    let away = Broker::start_as(HEAP, Tuning::Start, &[]);
    let on = format!("primary={},standby={}", home.bootstrap(), away.bootstrap());
    let orders = Orders::new(&folder);
    let mut arguments: Vec<String> = ["drill", TOPOLOGY, "--from", "primary", "--to", "standby"]
        .map(str::to_owned)
        .to_vec();
    arguments.extend(["--on".to_owned(), on]);
    arguments.extend(["--kill".to_owned(), orders.command("kill")]);
    arguments.extend(["--revive".to_owned(), orders.command("revive")]);
    arguments.extend(further);
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| obey(&mut home, &orders, &is_over));
        let ended = run(&binary, &arguments);
        is_over.store(true, Ordering::Release);
        ended
    })
}

/// Kills and revives the broker when asked to.
fn obey(broker: &mut Broker, orders: &Orders, is_over: &AtomicBool) {
    while !is_over.load(Ordering::Acquire) {
        orders.obey("kill", || broker.kill());
        orders.obey("revive", || broker.restart());
        thread::sleep(LOOK);
    }
}

fn run(binary: &Path, arguments: &[String]) -> ExitCode {
    let script = format!("set -o pipefail; \"$0\" \"$@\" 2>&1 | tee {TRANSCRIPT}");
    let mut command = Command::new("bash");
    command.args(["-c", &script]).arg(binary).args(arguments);
    let mut process = spawn::spawn(command).expect("bash can be started");
    let status = process.wait().expect("a child can be waited for");
    match status.code().and_then(|code| u8::try_from(code).ok()) {
        Some(code) => ExitCode::from(code),
        None => ExitCode::FAILURE,
    }
}
