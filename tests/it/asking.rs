//! The commands that ask a running crossdock something, and the lines that it writes.

use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Output};
use std::time::Duration;

use crossdock_testbed::scene::{DOCK, Scene};
use crossdock_testbed::terminal::Terminal;
use crossdock_testbed::wait;
use serde_json::Value;

use crate::scenes::one_way;

fn ask(scene: &mut Scene, arguments: &[&str]) -> Output {
    let server = format!("http://{}", scene.dock(DOCK).listen());
    ask_at(&server, arguments)
}

fn ask_at(server: &str, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_crossdock"))
        .args(arguments)
        .args(["--server", server])
        .output()
        .expect("crossdock runs")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[test]
fn a_running_one_is_asked_paused_and_resumed_and_logs_a_line_an_event() {
    let mut scene = one_way("asked", 2);
    scene.produce("bj", "orders", 500);
    scene.start_as(
        DOCK,
        &[
            "--log-format",
            "json",
            "--log-level",
            "info,crossdock::worker=debug",
        ],
    );
    scene.until_caught_up();

    let table = ask(&mut scene, &["status", "--partitions"]);
    let text = said(&table);
    assert!(table.status.success(), "{text}");
    assert!(
        text.starts_with("EDGE ") && text.contains("bj-to-sh  caught_up  ok"),
        "{text}"
    );
    assert!(text.contains("orders-1"), "{text}");
    let json = ask(&mut scene, &["status", "--format", "json"]);
    let told: Value = serde_json::from_slice(&json.stdout).expect("it is JSON");
    assert_eq!(told["edges"][0]["records_total"], 500);
    assert_eq!(told["edges"][0]["dropped_total"]["loop"], 0);

    let paused = ask(&mut scene, &["pause", "bj-to-sh"]);
    assert!(
        paused.status.success() && said(&paused) == "bj-to-sh paused\n",
        "{}",
        said(&paused)
    );
    scene.produce("bj", "orders", 100);
    wait::until(
        "the lag of a paused edge is told",
        Duration::from_secs(10),
        || {
            let text = said(&ask(&mut scene, &["status"]));
            match text.contains("bj-to-sh  paused  ")
                && text.contains("bj-to-sh: paused by request")
            {
                true if text.contains("  100  ") => Ok(()),
                _ => Err(text),
            }
        },
    );
    assert!(ask(&mut scene, &["resume", "bj-to-sh"]).status.success());
    scene.until_caught_up();

    assert_refusals(&mut scene);
    assert_lines(&scene.dock(DOCK).log());
    scene.verdict().assert_exact();
}

/// What cannot be done is told, with the status of what could not start.
fn assert_refusals(scene: &mut Scene) {
    let unknown = ask(scene, &["pause", "sh-to-bj"]);
    assert_eq!(unknown.status.code(), Some(2));
    assert!(
        said(&unknown).contains("no edge `sh-to-bj`"),
        "{}",
        said(&unknown)
    );
    let top = ask(scene, &["top"]);
    assert_eq!(top.status.code(), Some(2), "{}", said(&top));
    let nobody = ask_at("http://127.0.0.1:1", &["status"]);
    assert_eq!(nobody.status.code(), Some(2));
    assert!(said(&nobody).contains("--server"), "{}", said(&nobody));
}

/// Every line is an object, and there are few: none for each record.
fn assert_lines(log: &str) {
    let lines: Vec<Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}")))
        .collect();
    let of = |word: &str| {
        lines
            .iter()
            .filter(|l| l["message"].as_str().is_some_and(|m| m.contains(word)))
            .count()
    };
    assert_eq!(
        (of("was paused by request"), of("was resumed by request")),
        (1, 1),
        "{log}"
    );
    assert!(of("Rebalance: the group gives") >= 1, "{log}");
    let created = lines.iter().find(|l| {
        let message = l["message"].as_str().unwrap_or_default();
        message.starts_with("Created topic orders")
    });
    let created = created.expect("it tells what it has made");
    assert_eq!(
        (&created["edge"], &created["topic"]),
        (&"bj-to-sh".into(), &"orders".into())
    );
    assert!(
        lines
            .iter()
            .all(|l| l["level"] != "DEBUG" || l["edge"] == "bj-to-sh"),
        "{log}"
    );
    // 600 records were copied: far fewer lines.
    assert!(lines.len() < 120, "{} lines", lines.len());
}

/// How long a screen may take to show something.
const SHOWN_WITHIN: Duration = Duration::from_secs(30);

#[test]
fn top_in_a_terminal_is_moved_through_and_left_by_keys() {
    let mut scene = one_way("top", 12);
    scene.produce("bj", "orders", 600);
    scene.start();
    scene.until_caught_up();
    let server = format!("http://{}", scene.dock(DOCK).listen());
    let mut command = Command::new(env!("CARGO_BIN_EXE_crossdock"));
    command.args(["top", "--server", &server]);
    let mut terminal = Terminal::start(command, (18, 120));
    for (keys, words) in [
        ("", ["bj-to-sh  caught_up", "1 edges"]),
        ("\r", ["partitions of bj-to-sh: 1 of 12", "orders-0"]),
        (
            "\u{1b}[6~",
            ["partitions of bj-to-sh: 11 of 12", "orders-10"],
        ),
        ("j", ["partitions of bj-to-sh: 12 of 12", "orders-11"]),
        ("s", ["partitions of bj-to-sh: 1 of 12", "LAG▾"]),
        ("p", ["bj-to-sh  paused", "bj-to-sh paused"]),
        ("\r", ["bj-to-sh  paused", "paused by request"]),
        ("r", ["bj-to-sh  caught_up", "bj-to-sh resumed"]),
    ] {
        terminal.press(keys);
        terminal.until(&format!("after {keys:?}"), SHOWN_WITHIN, |screen| {
            words.iter().all(|words| screen.contains(words))
        });
    }
    assert!(!terminal.screen().contains("partitions of"));
    terminal.press("q");
    assert_eq!(terminal.ended(SHOWN_WITHIN), 0, "{}", terminal.screen());
    // The screen is given back as it was.
    assert!(!terminal.screen().contains("bj-to-sh"));
    scene.verdict().assert_exact();
}

#[test]
fn long_work_shows_how_far_it_is_on_a_terminal_and_nowhere_else() {
    let mut scene = one_way("progress", 2);
    scene.produce("bj", "orders", 3_000);
    for (name, arguments, what) in [
        ("plan", [].as_slice(), "read the clusters"),
        ("run", &["--once"], "catch up"),
        ("verify", &[], "verify"),
    ] {
        let mut terminal = scene.in_terminal(name, arguments, (24, 120));
        let status = terminal.ended(Duration::from_secs(120));
        let written = terminal.written();
        assert_eq!(status, 0, "{name}: {written}");
        let is_shown = |part: &str| part.contains(what) && part.contains("s left");
        assert!(
            written.split(['\r', '\n']).any(is_shown),
            "{name}: {written}"
        );
        assert!(
            !terminal.screen().contains("s left"),
            "{}",
            terminal.screen()
        );
        let elsewhere = said(&scene.command(name, arguments));
        assert!(!elsewhere.contains("s left"), "{elsewhere}");
    }
    scene.verdict().assert_exact();
}

#[test]
fn a_level_that_is_none_is_refused() {
    let output = Command::new(env!("CARGO_BIN_EXE_crossdock"))
        .args(["explain", "record-loop", "--log-level", "crossdock=loud"])
        .output()
        .expect("crossdock runs");
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert!(said(&output).contains("--log-level"), "{}", said(&output));
}

#[test]
fn a_token_is_asked_for_and_a_stranger_may_only_look() {
    let mut scene = one_way("token", 1);
    scene.start_with_environment(&[("CROSSDOCK_TOKEN", "open-sesame")]);
    scene.until_caught_up();
    let refused = ask(&mut scene, &["pause", "bj-to-sh"]);
    assert_eq!(refused.status.code(), Some(2));
    let text = said(&refused);
    assert!(
        text.contains("401") && text.contains("CROSSDOCK_TOKEN"),
        "{text}"
    );
    let server = format!("http://{}", scene.dock(DOCK).listen());
    for (token, is_let_in) in [("open-sesam", false), ("open-sesame", true)] {
        let output = Command::new(env!("CARGO_BIN_EXE_crossdock"))
            .args(["pause", "bj-to-sh", "--server", &server])
            .env("CROSSDOCK_TOKEN", token)
            .output()
            .expect("crossdock runs");
        assert_eq!(output.status.success(), is_let_in, "{}", said(&output));
    }
    let status = scene.dock(DOCK).status().expect("anybody may look");
    assert_eq!(status["edges"][0]["state"], "paused");
    assert!(
        !status.to_string().contains("open-sesame")
            && !scene.dock(DOCK).log().contains("open-sesame")
    );
}

#[test]
fn the_doctor_tells_clusters_settings_and_status_and_no_secret() {
    let mut scene = one_way("doctor", 2);
    let file = scene.file();
    let text = std::fs::read_to_string(&file).expect("the scene has a file");
    // A password that is never used, and never to be seen.
    let with_secret = text.replace(
        "products }",
        "products, consumer: { ssl.key.password: s3same } }",
    );
    std::fs::write(&file, &with_secret).expect("the file can be written");
    scene.produce("bj", "orders", 50);
    scene.start();
    scene.until_caught_up();
    let server = format!("http://{}", scene.dock(DOCK).listen());
    for format in ["text", "json"] {
        let output = scene.command("doctor", &["--server", &server, "--format", format]);
        let text = said(&output);
        assert!(output.status.success(), "{text}");
        for word in [
            scene.broker("bj").cluster_id(),
            "caught_up",
            "orders",
            "ssl.key.password",
            "librdkafka",
            env!("CARGO_PKG_VERSION"),
        ] {
            assert!(text.contains(word), "no {word} in {text}");
        }
        assert!(!text.contains("s3same"), "{text}");
    }
    let json = scene.command("doctor", &["--server", &server, "--format", "json"]);
    let told: Value = serde_json::from_slice(&json.stdout).expect("it is JSON");
    let broker = &told["clusters"][0]["brokers"][0];
    assert_eq!(broker["address"], scene.broker("bj").bootstrap());
    assert!(
        broker["round_trip_ms"].as_f64().is_some_and(|ms| ms > 0.0),
        "{broker}"
    );
    let ahead = told["clusters"][0]["newest_record_ahead_seconds"].as_f64();
    assert!(ahead.is_some(), "{told}");
    assert_eq!(told["plan"]["summary"]["errors"], 0, "{told}");
    assert!(
        told["settings"].to_string().contains("isolation.level"),
        "{told}"
    );
    let running = &told["running"];
    assert_eq!(running["status"]["edges"][0]["records_total"], 50);
    let clock = running["clock_ahead_seconds"].as_i64();
    assert!(
        clock.is_some_and(|ahead| ahead.abs() <= 1),
        "one clock: {clock:?}"
    );
    assert_archive(&scene, &server);
}

/// One file with everything, and no secret in any part of it.
fn assert_archive(scene: &Scene, server: &str) {
    let path = scene.folder().join("doctor.tar.gz");
    let text = path.to_str().expect("a path is text");
    let output = scene.command("doctor", &["--server", server, "--out", text]);
    assert!(output.status.success(), "{}", said(&output));
    assert!(output.stdout.is_empty(), "{}", said(&output));
    let file = std::fs::File::open(&path).expect("it was written");
    let mode = file.metadata().expect("it is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "nobody but its owner may read it");
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(file));
    let mut names = Vec::new();
    for entry in archive.entries().expect("it is an archive") {
        let mut entry = entry.expect("it is whole");
        let name = entry.path().expect("it has a name").display().to_string();
        let mut content = String::new();
        std::io::Read::read_to_string(&mut entry, &mut content).expect("it is text");
        assert!(!content.contains("s3same"), "{name}: {content}");
        let word = match name.trim_start_matches("doctor/") {
            "topology.yaml" => "ssl.key.password: \"****\"",
            "plan.txt" => "No changes: ",
            "settings.json" => "isolation.level",
            "metrics.txt" => "crossdock_records_replicated_total",
            "running.json" | "doctor.json" | "doctor.txt" => "caught_up",
            other => panic!("{other}"),
        };
        assert!(content.contains(word), "no {word} in {name}: {content}");
        names.push(name);
    }
    assert_eq!(names.len(), 7, "{names:?}");
}
