//! What is shipped beside the binary, tried with the tools that it is for.

use std::path::Path;
use std::process::Command;

use crossdock_testbed::tools;

/// Runs promtool in `deploy/prometheus`; `false` where it is done without.
#[allow(clippy::print_stderr, reason = "a test says what it has proved")]
fn promtool(arguments: &[&str]) -> bool {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/prometheus");
    let ran = Command::new("promtool")
        .args(arguments)
        .current_dir(folder)
        .output();
    let Ok(output) = ran else {
        tools::do_without("promtool", "prometheus");
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
    assert_documented(include_str!("../../deploy/prometheus/alerts.yml"));
}

/// Every metric that a text names is in the table; of a histogram, its parts.
fn assert_documented(text: &str) {
    let documented = include_str!("../../docs/metrics.md");
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let words = text.split(|c| !is_word(c));
    let names: Vec<&str> = words.filter(|w| w.starts_with("crossdock_")).collect();
    assert!(names.len() > 10, "{names:?}");
    for name in names {
        let name = name.trim_end_matches("_bucket");
        assert!(documented.contains(&format!("| `{name}` |")), "{name}");
    }
}

/// The expressions of every panel.
fn expressions(dashboard: &serde_json::Value) -> Vec<String> {
    let panels = dashboard["panels"].as_array().expect("it has panels");
    let targets = panels
        .iter()
        .filter_map(|p| p["targets"].as_array())
        .flatten();
    let expressions = targets.map(|t| t["expr"].as_str().expect("a target asks for something"));
    expressions.map(|e| e.replace("$edge", ".*")).collect()
}

#[test]
fn the_dashboard_for_grafana_asks_for_what_there_is_in_panels_that_do_not_overlap() {
    let text = include_str!("../../deploy/grafana/crossdock.json");
    let dashboard: serde_json::Value = serde_json::from_str(text).expect("it is JSON");
    let panels = dashboard["panels"].as_array().expect("it has panels");
    let mut taken = std::collections::BTreeSet::new();
    let mut ids = std::collections::BTreeSet::new();
    for panel in panels {
        assert!(
            ids.insert(panel["id"].as_u64().expect("a panel has an id")),
            "{panel}"
        );
        assert!(
            panel["type"] == "row" || panel["targets"][0]["refId"] == "A",
            "{panel}"
        );
        let [x, y, w, h] =
            ["x", "y", "w", "h"].map(|key| panel["gridPos"][key].as_u64().expect("it has a place"));
        assert!(x + w <= 24, "Grafana has 24 columns: {panel}");
        for cell in (x..x + w).flat_map(|x| (y..y + h).map(move |y| (x, y))) {
            assert!(taken.insert(cell), "two panels at {cell:?}");
        }
    }
    let expressions = expressions(&dashboard);
    assert!(panels.len() > 20 && expressions.len() > 20);
    assert_documented(&expressions.join(" "));
    // What Prometheus takes as a rule, it can evaluate.
    let rules: Vec<_> = expressions
        .iter()
        .enumerate()
        .map(|(n, expr)| serde_json::json!({ "record": format!("panel:{n}"), "expr": expr }))
        .collect();
    let rules = serde_json::json!({ "groups": [{ "name": "panels", "rules": rules }] });
    let file = std::env::temp_dir().join(format!("crossdock-panels-{}.yml", std::process::id()));
    std::fs::write(&file, rules.to_string()).expect("the file can be written");
    promtool(&["check", "rules", file.to_str().expect("a path is text")]);
    std::fs::remove_file(&file).ok();
}

#[test]
fn the_dashboard_for_grafana_is_what_grafana_types() {
    let schema = include_str!("data/grafana-dashboard.schema.json");
    let schema = serde_json::from_str(schema).expect("a schema is JSON");
    let validator = jsonschema::validator_for(&schema).expect("it is a schema");
    let text = include_str!("../../deploy/grafana/crossdock.json");
    let mut dashboard: serde_json::Value = serde_json::from_str(text).expect("it is JSON");
    let errors: Vec<String> = validator
        .iter_errors(&dashboard)
        .map(|e| format!("{}: {e}", e.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{errors:#?}");
    // A schema that takes anything would prove nothing.
    let panels = dashboard["panels"].as_array_mut().expect("it has panels");
    let lines = panels.iter_mut().find(|p| p["type"] == "timeseries");
    lines.expect("it has lines")["options"]["legend"]["placement"] = "above".into();
    assert!(!validator.is_valid(&dashboard));
}
