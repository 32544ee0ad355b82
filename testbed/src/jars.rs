//! Where Kafka's jars are, and how a JVM is started with them.

use std::env;
use std::path::PathBuf;
use std::process::Command;

/// How hard the JVM works on its own speed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tuning {
    /// Up quickly on a small machine: tests.
    Start,
    /// As in production: the benchmark.
    Throughput,
}

/// The folder that `scripts/kafka` fills.
pub fn home() -> PathBuf {
    let from = |name| {
        env::var_os(name)
            .filter(|v| !v.is_empty())
            .map(PathBuf::from)
    };
    from("CROSSDOCK_KAFKA_HOME").unwrap_or_else(|| {
        from("XDG_CACHE_HOME")
            .or_else(|| from("HOME").map(|home| home.join(".cache")))
            .unwrap_or_else(env::temp_dir)
            .join("crossdock-kafka")
    })
}

/// A `java` command with Kafka's classes and `heap` such as `384m`; class and arguments to follow.
///
/// # Panics
/// Where the jars have not been fetched.
pub fn java(heap: &str, tuning: Tuning) -> Command {
    let home = home();
    assert!(
        home.join("fetched").exists(),
        "Kafka's jars are not in {}: `make kafka` fetches them",
        home.display()
    );
    let mut command = Command::new("java");
    command.arg(format!("-Xmx{heap}"));
    match tuning {
        Tuning::Start => command.args([
            "-Xms64m",
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            "-Xshare:auto",
        ]),
        Tuning::Throughput => command.arg("-XX:+UseG1GC"),
    };
    command
        .arg("-cp")
        .arg(home.join("libs").join("*"))
        .arg(format!(
            "-Dlog4j2.configurationFile={}/kafka/log4j2.xml",
            env!("CARGO_MANIFEST_DIR")
        ));
    command
}
