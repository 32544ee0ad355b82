//! What is shipped beside the binary, tried with the tools that it is for.

use std::path::Path;
use std::process::Command;

/// Runs promtool in `deploy/prometheus`; `false` where the machine has none, as `make test` has said.
#[allow(clippy::print_stderr, reason = "a test says what it has proved")]
fn promtool(arguments: &[&str]) -> bool {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/prometheus");
    let ran = Command::new("promtool")
        .args(arguments)
        .current_dir(folder)
        .output();
    let Ok(output) = ran else {
        eprintln!("promtool is not installed (Debian: prometheus): the alerts are not tried");
        return false;
    };
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    eprintln!("{}", said.trim());
    true
}

#[test]
fn alerts_are_rules_that_fire_when_they_should() {
    if promtool(&["check", "rules", "alerts.yml"]) {
        promtool(&["test", "rules", "alerts_test.yml"]);
    }
}

#[test]
fn alerts_ask_for_metrics_that_there_are() {
    let alerts = include_str!("../../deploy/prometheus/alerts.yml");
    let documented = include_str!("../../docs/metrics.md");
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let words = alerts.split(|c| !is_word(c));
    let names: Vec<&str> = words.filter(|w| w.starts_with("crossdock_")).collect();
    assert!(names.len() > 10, "{names:?}");
    for name in names {
        assert!(documented.contains(&format!("| `{name}` |")), "{name}");
    }
}
