//! `crossdock doctor`: what a person who helps would ask for, in one piece, without secrets.

use std::path::PathBuf;
use std::time::Instant;

use anyhow::anyhow;
use crossdock_model::topology::{Cluster as Declared, Topology};
use serde_json::{Value, json};

use crate::client::Client;
use crate::commands::validate::effective;
use crate::commands::{Format, SERVER};
use crate::exit::{Failure, Outcome, Verdict};
use crate::kafka::Cluster;
use crate::worker::settings;
use crate::{load, logging, output};

/// Collects what a person who helps would ask for: versions, clusters, settings (masked), status
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  crossdock doctor topology.yaml
  crossdock doctor topology.yaml --format json > doctor.json")]
pub struct Args {
    /// The topology file
    pub file: PathBuf,
    /// Where a running one listens, if one runs: its status is told as well
    #[arg(long, value_name = "URL", default_value = SERVER)]
    pub server: String,
    /// How to print; json has the settings in force and the whole status
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// Runs the command.
pub fn main(args: &Args) -> Outcome {
    logging::start_quietly();
    let checked = load::check(&args.file, true)?;
    let settings = effective::json(&checked);
    let topology = load::proved(&checked)?;
    let clusters: Vec<Value> = topology.clusters().iter().map(look_at).collect();
    let status = Client::new(&args.server).status();
    match args.format {
        Format::Text => output::data(&text(&topology, &clusters, &status))?,
        Format::Json => output::json(&json!({
            "crossdock": env!("CARGO_PKG_VERSION"),
            "system": format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
            "topology": topology.name(),
            "clusters": clusters,
            "settings": settings,
            "running": status.unwrap_or_else(|error| json!({ "error": format!("{error:#}") })),
        }))?,
    }
    let silent = clusters.iter().find_map(|c| c["error"].as_str());
    silent.map_or(Ok(Verdict::Fine), |error| {
        Err(Failure::cluster(anyhow!("{error}")))
    })
}

/// What a cluster says of itself, and how long it takes to.
fn look_at(declared: &Declared) -> Value {
    let alias = declared.alias.as_str();
    let found =
        Cluster::new(&declared.alias, settings::admin(declared), None).and_then(|cluster| {
            let described = cluster.describe()?;
            // The first answer takes a connection too.
            let begun = Instant::now();
            let topics = cluster.topics_in_full()?;
            Ok((described, topics.len(), begun.elapsed()))
        });
    match found {
        Ok((described, topics, took)) => json!({
            "cluster": alias,
            "id": described.id,
            "brokers": described.brokers,
            "topics": topics,
            "round_trip_ms": took.as_secs_f64() * 1000.0,
            "may": described.operations,
        }),
        Err(error) => json!({ "cluster": alias, "error": error.to_string() }),
    }
}

fn text(topology: &Topology, clusters: &[Value], status: &anyhow::Result<Value>) -> String {
    let mut text = format!(
        "crossdock {} on {} {}\ntopology {}: {} edges\n\n",
        env!("CARGO_PKG_VERSION"),
        std::env::consts::OS,
        std::env::consts::ARCH,
        topology.name(),
        topology.edges().len()
    );
    for cluster in clusters {
        let alias = cluster["cluster"].as_str().unwrap_or_default();
        text += &match cluster["error"].as_str() {
            Some(error) => format!("cluster {alias}: {error}\n"),
            None => told(alias, cluster),
        };
    }
    text += "\n";
    text += &match status {
        Ok(status) => super::status::table::text(status, true),
        Err(error) => format!("no running one: {error:#}\n"),
    };
    text
}

fn told(alias: &str, cluster: &Value) -> String {
    let may = cluster["may"].as_array().map(|operations| {
        let words: Vec<_> = operations.iter().filter_map(Value::as_str).collect();
        words.join(", ")
    });
    format!(
        "cluster {alias}: id {}, {} brokers, {} topics, answers in {:.1} ms, may: {}\n",
        cluster["id"].as_str().unwrap_or_default(),
        cluster["brokers"],
        cluster["topics"],
        cluster["round_trip_ms"].as_f64().unwrap_or_default(),
        may.as_deref().unwrap_or("not told")
    )
}
