//! Commands that need no cluster, from outside: what they print, where, and how they end.

#![allow(clippy::unwrap_used, reason = "a test fails where it panics")]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use crossdock_testbed::terminal::Terminal;

const GOOD: &str = "\
topology: cn-prod
clusters:
  bj: { bootstrap.servers: bj:9092 }
  sh: { bootstrap.servers: sh:9092, sasl.password: '${SH_PASSWORD:-}' }
edges:
  - { from: bj, to: sh, both_ways: true, topics: orders.*, rename: suffix }
";

const BAD: &str = "\
topology: cn-prod
clusters:
  bj: { bootstrap.servers: bj:9092, sasl.password: hush }
  sh: { bootstrap.servers: sh:9092 }
edges:
  - { from: bj, to: sx, topics: '北京[', rename: {topic}-hush }
";

/// A file of its own for each test.
fn file(name: &str, text: impl AsRef<[u8]>) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("offline");
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    path
}

fn crossdock(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_crossdock"));
    command.args(args).env_remove("SH_PASSWORD");
    command.output().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn json(args: &[&str]) -> serde_json::Value {
    serde_json::from_slice(&crossdock(args).stdout).unwrap()
}

#[test]
fn the_exit_status_says_what_was_found() {
    let good = file("status-good.yaml", GOOD);
    let bad = file("status-bad.yaml", BAD);
    let warned = file(
        "status-warned.yaml",
        GOOD.replace("'${SH_PASSWORD:-}'", "hush"),
    );
    let text = file("status.txt", "just text\n");
    let bytes = file("status.bin", [0xff, 0xfe, 0x00]);
    let (good, bad, warned) = (
        good.to_str().unwrap(),
        bad.to_str().unwrap(),
        warned.to_str().unwrap(),
    );
    for (args, expect) in [
        (vec!["validate", good], 0),
        (vec!["validate", warned], 0),
        (vec!["validate", "--strict", warned], 1),
        (vec!["validate", bad], 1),
        (vec!["validate", good, bad], 1),
        (vec!["validate", "/none.yaml"], 2),
        (vec!["validate", good, "/none.yaml"], 2),
        (vec!["validate", text.to_str().unwrap()], 2),
        (vec!["validate", bytes.to_str().unwrap()], 2),
        (vec!["validate"], 2),
        (vec!["no-such-command"], 2),
        (vec!["graph", good], 0),
        (vec!["graph", bad], 1),
        (vec!["graph", good, "--trace", "orders"], 2),
        (vec!["explain", "record-loop"], 0),
        (vec!["explain", "nonsense"], 2),
        (vec!["run", bad], 1),
        (vec!["--help"], 0),
    ] {
        assert_eq!(crossdock(&args).status.code(), Some(expect), "{args:?}");
    }
}

#[test]
fn json_says_what_is_promised() {
    let bad = file("json.yaml", BAD);
    let bad = bad.to_str().unwrap();
    let object = json(&["validate", "--format", "json", bad]);
    assert_eq!(object["topology"], "cn-prod");
    let findings: Vec<_> = object["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|f| {
            format!(
                "{} {}:{}",
                f["code"].as_str().unwrap(),
                f["line"],
                f["column"]
            )
        })
        .collect();
    assert_eq!(
        findings,
        [
            "plaintext-secret 3:52",
            "unknown-cluster 6:21",
            "bad-regex 6:36",
            "yaml-syntax 6:48"
        ]
    );
    assert_eq!(
        object["summary"],
        serde_json::json!({"errors": 3, "warnings": 1, "notes": 0})
    );
    assert_eq!(object["findings"][0]["file"], bad);
}

#[test]
fn edges_and_cycles_are_in_the_json_and_several_files_are_a_list() {
    let good = file("cycles.yaml", GOOD);
    let good = good.to_str().unwrap();
    let object = json(&["validate", "--format", "json", good]);
    let edge = serde_json::json!({"name": "sh-to-bj", "source": "sh", "target": "bj"});
    assert_eq!(object["edges"][1], edge);
    assert_eq!(object["cycles"][0]["cut_by"], "lineage");
    let list = json(&["validate", "--format", "json", good, good]);
    assert_eq!(list.as_array().unwrap().len(), 2);
}

#[test]
fn no_way_of_printing_shows_a_secret() {
    let bad = file("secret.yaml", BAD.replace("}-hush", "}"));
    let good = file(
        "secret-set.yaml",
        GOOD.replace("'${SH_PASSWORD:-}'", "hush"),
    );
    for path in [bad, good] {
        let path = path.to_str().unwrap();
        for format in ["text", "json", "github", "sarif"] {
            let output = crossdock(&["validate", "--effective", "--format", format, path]);
            let all = stdout(&output) + &String::from_utf8_lossy(&output.stderr);
            assert!(
                all.contains("plaintext-secret") && !all.contains("hush"),
                "{all}"
            );
        }
        let output = crossdock(&["run", path, "--edges", "none"]);
        assert!(!String::from_utf8_lossy(&output.stderr).contains("hush"));
    }
}

#[test]
fn a_finding_points_at_its_place_without_colours_in_a_pipe() {
    let bad = file("text.yaml", BAD);
    let text = stdout(&crossdock(&["validate", bad.to_str().unwrap()]));
    assert!(
        text.contains("error[unknown-cluster]: there is no cluster `sx`"),
        "{text}"
    );
    assert!(text.contains(":6:21"), "{text}");
    assert!(!text.contains('\u{1b}'), "{text}");
}

#[test]
fn on_a_terminal_it_is_coloured_unless_nobody_wants_that() {
    let bad = file("coloured.yaml", BAD);
    let shown = |no_color: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_crossdock"));
        command.arg("validate").arg(&bad).env("NO_COLOR", no_color);
        let mut terminal = Terminal::start(command, (60, 120));
        assert_eq!(terminal.ended(Duration::from_secs(60)), 1);
        let words = "error[unknown-cluster]: there is no cluster `sx`";
        assert!(terminal.screen().contains(words), "{}", terminal.screen());
        terminal.written().contains('\u{1b}')
    };
    // Empty is as if it were not set.
    assert_eq!((shown(""), shown("1")), (true, false));
}

#[test]
fn github_and_sarif_name_file_and_line() {
    let bad = file("ci.yaml", BAD);
    let bad = bad.to_str().unwrap();
    let text = stdout(&crossdock(&["validate", "--format", "github", bad]));
    let line = format!("::error file={bad},line=6,col=21,title=unknown-cluster::there is no");
    assert!(text.contains(&line), "{text}");
    let sarif = json(&["validate", "--format", "sarif", bad]);
    assert_eq!(sarif["version"], "2.1.0");
    assert_eq!(sarif["runs"][0]["results"][1]["ruleId"], "unknown-cluster");
}

#[test]
fn sarif_is_what_its_published_schema_says() {
    // As published, it has a bracket too many in the pattern of `language`.
    let schema = include_str!("data/sarif-2.1.0.schema.json").replace("{2}]?$", "{2}$");
    let validator = jsonschema::validator_for(&serde_json::from_str(&schema).unwrap()).unwrap();
    let good = file("sarif good.yaml", GOOD);
    let bad = file(
        "sarif-北京.yaml",
        BAD.replace("to: sx", "to: sh, streams: 0"),
    );
    let crossed = file(
        "sarif-crossed.yaml",
        GOOD.replace("rename: suffix", "provenance: false"),
    );
    let paths = [good, bad, crossed];
    let paths: Vec<_> = paths.iter().map(|p| p.to_str().unwrap()).collect();
    let args = [&["validate", "--format", "sarif"], &paths[..]].concat();
    let sarif = json(&args);
    let errors: Vec<_> = validator
        .iter_errors(&sarif)
        .map(|e| e.to_string())
        .collect();
    assert_eq!(errors, [""; 0], "{sarif:#}");
    let results = sarif["runs"][0]["results"].as_array().unwrap();
    assert!(
        results.iter().any(|r| r["ruleId"] == "record-loop"),
        "{results:#?}"
    );
    assert!(!validator.is_valid(&serde_json::json!({"version": "2.1.0", "runs": [{}]})));
}

#[test]
fn the_schema_that_is_shipped_is_the_one_that_is_printed() {
    let shipped = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/topology.schema.json");
    let shipped = std::fs::read_to_string(shipped).unwrap();
    let shipped: serde_json::Value = serde_json::from_str(&shipped).unwrap();
    assert_eq!(json(&["schema"]), shipped);
}

#[test]
fn a_picture_has_a_box_for_each_cluster_and_a_head_for_each_edge() {
    for (name, clusters, edges) in [
        ("disaster-recovery", 2, 1),
        ("migration", 2, 1),
        ("one-way", 2, 1),
        ("prod-to-test", 2, 1),
        ("star", 4, 3),
        ("three-cities", 3, 4),
        ("two-way", 2, 2),
    ] {
        let path = format!("{}/topologies/{name}.yaml", env!("CARGO_MANIFEST_DIR"));
        let svg = stdout(&crossdock(&["graph", "--format", "svg", &path]));
        assert_eq!(svg.matches("class=\"cluster\"").count(), clusters, "{svg}");
        assert_eq!(svg.matches("class=\"label\"").count(), edges, "{svg}");
        let heads = svg.matches("marker-end=").count() + svg.matches("marker-start=").count();
        assert_eq!(heads, edges, "{svg}");
        assert!(!svg.contains("NaN"), "{svg}");
    }
}

#[test]
fn findings_of_one_kind_on_many_edges_are_counted() {
    let entry = "  - { from: bj, to: sh, topics: a, streams: 0 }\n";
    let many = file("many.yaml", GOOD.to_owned() + &entry.repeat(500));
    let text = stdout(&crossdock(&["validate", many.to_str().unwrap()]));
    assert!(text.lines().count() < 60, "{text}");
    assert!(
        text.contains("error[bad-value]: and 498 more like it, on lines 9, 10,"),
        "{text}"
    );
    let object = json(&["validate", "--format", "json", many.to_str().unwrap()]);
    assert!(object["findings"].as_array().unwrap().len() >= 500);
}

#[test]
fn variables_are_needed_unless_they_are_left_alone() {
    let path = file("env.yaml", GOOD.replace(":-}", "}"));
    let path = path.to_str().unwrap();
    let object = json(&["validate", "--format", "json", path]);
    assert_eq!(object["findings"][0]["code"], "unset-variable");
    let object = json(&["validate", "--no-env", "--format", "json", path]);
    assert_eq!(object["summary"]["errors"], 0);
}

#[test]
fn a_trace_says_where_a_topic_goes_and_why_it_stops() {
    let good = file("trace.yaml", GOOD);
    let text = stdout(&crossdock(&[
        "graph",
        good.to_str().unwrap(),
        "--trace",
        "orders@bj",
    ]));
    let expect = "orders@bj\n└─ bj-to-sh ▶ orders-bj@sh\n   └─ sh-to-bj ✗ every way to it passes bj: \
                  lineage\n";
    assert_eq!(text, expect);
}

#[test]
fn every_drawing_names_every_cluster() {
    let good = file("draw.yaml", GOOD);
    for format in ["text", "json", "mermaid", "dot", "svg"] {
        let text = stdout(&crossdock(&[
            "graph",
            good.to_str().unwrap(),
            "--format",
            format,
        ]));
        assert!(
            text.contains("bj") && text.contains("sh"),
            "{format}: {text}"
        );
    }
}

#[test]
fn every_command_shows_an_example() {
    let help = stdout(&crossdock(&["--help"]));
    let commands = help.lines().skip_while(|l| *l != "Commands:").skip(1);
    let commands = commands.take_while(|l| !l.is_empty());
    for command in commands
        .filter_map(|l| l.split_whitespace().next())
        .filter(|c| *c != "help")
    {
        let help = stdout(&crossdock(&[command, "-h"]));
        assert!(help.contains(&format!("  crossdock {command}")), "{help}");
    }
}

#[test]
fn every_shipped_topology_is_free_of_findings() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/topologies");
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let output = crossdock(&["validate", "--strict", path.to_str().unwrap()]);
        assert_eq!(output.status.code(), Some(0), "{}", stdout(&output));
    }
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_crossdock"))
        .arg("explain")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
    std::io::stdout().flush().unwrap();
}

#[test]
fn what_is_imported_can_be_validated() {
    let consumer = file(
        "consumer.properties",
        "bootstrap.servers=a:9092\ngroup.id=mm\n",
    );
    let producer = file(
        "producer.properties",
        "bootstrap.servers=b:9092\nacks=all\n",
    );
    let (consumer, producer) = (consumer.to_str().unwrap(), producer.to_str().unwrap());
    let imported = crossdock(&[
        "import",
        "mm1",
        consumer,
        producer,
        "--whitelist",
        "orders.*",
    ]);
    assert_eq!(imported.status.code(), Some(0));
    let said = String::from_utf8_lossy(&imported.stderr);
    assert!(
        said.contains("consumer.properties:2: group.id: changed"),
        "{said}"
    );
    let topology = file("imported.yaml", stdout(&imported));
    let validated = crossdock(&["validate", "--strict", topology.to_str().unwrap()]);
    assert_eq!(validated.status.code(), Some(0));
    assert_eq!(
        crossdock(&["import", "mm2", consumer]).status.code(),
        Some(2)
    );
}
