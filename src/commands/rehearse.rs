//! `crossdock rehearse`: runs the topology for real on embedded clusters.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};
use crossdock_model::edge::Delivery;
use crossdock_model::graph;
use crossdock_model::topology::Topology;
use tokio::signal::unix::{SignalKind, signal};

use crate::commands::Format;
use crate::exit::{Failure, Outcome, Verdict};
use crate::fleet::{Fleet, Options};
use crate::http::{About, AboutNow, Serving};
use crate::metrics::Detail;
use crate::monitor::Monitor;
use crate::progress::Progress;
use crate::rehearsal::lab::{Lab, PARTITIONS};
use crate::rehearsal::proof::Proof;
use crate::rehearsal::script::{Feeders, Script};
use crate::worker::State;
use crate::{http, load, logging, output};

/// Between two looks at whether all is quiet.
const LOOK_AGAIN: Duration = Duration::from_millis(200);

/// What does not move for this long will not move any more.
const GIVE_UP_AFTER: Duration = Duration::from_secs(20);

/// Records of each birth produced at once, so that they are live: copied while more come.
const CHUNK: u64 = 25;

/// Runs the topology on embedded clusters, and proves where every record arrives
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  crossdock rehearse topologies/three-cities.yaml
  crossdock rehearse topology.yaml --watch
  crossdock rehearse topology.yaml --on bj=localhost:19092,sh=localhost:19192")]
pub struct Args {
    /// The topology file
    pub file: PathBuf,
    /// Records produced to each topic of each cluster
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    pub records: u64,
    /// Keeps running, with the dashboard
    #[arg(long)]
    pub watch: bool,
    /// Uses real scratch clusters; a part without `=` is one more broker of the one before it
    #[arg(long, value_name = "ALIAS=HOST:PORT,…", value_delimiter = ',')]
    pub on: Vec<String>,
    /// Where the dashboard is served with --watch
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8642")]
    pub listen: SocketAddr,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// Runs the command.
pub fn main(args: Args) -> Outcome {
    logging::start_quietly();
    let (topology, findings) = load::topology_with_findings(&args.file)?;
    let lab = lab(&topology, &args.on)?;
    let draft = lab.rewire(&topology);
    let (topology, _) = graph::prove(draft).map_err(|_| Failure::Findings)?;
    let edges: Vec<_> = topology.edges().iter().filter(|e| e.enabled).collect();
    let script = Script::new(&topology, args.records, !lab.embedded.is_empty());
    introduce(&topology, &lab, &script, &args);
    lab.create_topics(&script).map_err(Failure::Cluster)?;
    let options = Options {
        file: args.file.display().to_string(),
        instance: "rehearsal".to_owned(),
        process: Options::new_process(),
        once: false,
        groups_interval: std::time::Duration::from_secs(5),
        embedded: lab.embedded.clone(),
    };
    let fleet = Arc::new(Fleet::start(&topology, &edges, &options).map_err(Failure::CannotStart)?);
    let stage = Stage {
        lab: &lab,
        script: &script,
        fleet: &fleet,
        is_exactly_once: lab.is_exactly_once()
            && edges
                .iter()
                .all(|edge| edge.delivery == Delivery::ExactlyOnce),
        bar: Progress::new("rehearse", "copies", 0),
    };
    let proof = stage.play().map_err(Failure::Cluster)?;
    stage.show(&proof, args.format)?;
    if args.watch {
        stage.watch(args.listen, About::new(&topology, "rehearsal", findings))?;
    }
    fleet.stop();
    fleet.endings();
    Ok(Verdict::found(!proof.is_exact()))
}

/// The clusters that `--on` names, else embedded ones.
pub(super) fn lab(topology: &Topology, on: &[String]) -> Result<Lab, Failure> {
    if on.is_empty() {
        return Lab::embedded(topology).map_err(Failure::CannotStart);
    }
    let mut addresses: BTreeMap<String, String> = BTreeMap::new();
    let mut last = None;
    for part in on {
        match (part.split_once('='), &last) {
            (Some((alias, address)), _) => {
                addresses.insert(alias.to_owned(), address.to_owned());
                last = Some(alias.to_owned());
            }
            (None, Some(alias)) => {
                let known = addresses.entry(alias.clone()).or_default();
                *known = format!("{known},{part}");
            }
            (None, None) => {
                return Err(Failure::cannot_start(anyhow!(
                    "--on wants ALIAS=HOST:PORT, not `{part}`"
                )));
            }
        }
    }
    Lab::real(topology, &addresses).map_err(Failure::CannotStart)
}

fn introduce(topology: &Topology, lab: &Lab, script: &Script, args: &Args) {
    let clusters: Vec<_> = lab
        .addresses
        .iter()
        .map(|(alias, address)| format!("{alias} at {address}"))
        .collect();
    let kind = if lab.is_exactly_once() {
        "real"
    } else {
        "embedded"
    };
    output::say(&format!(
        "Rehearsing {} on {kind} clusters: {}.",
        topology.name(),
        clusters.join(", ")
    ));
    if !lab.is_exactly_once() {
        output::say(
            "Embedded clusters have no transactions: delivery is at_least_once here; --on rehearses exactly once.",
        );
    }
    if script.records < args.records {
        output::say(&format!(
            "An embedded partition holds 5 MiB: {} records to each topic instead of {}.",
            script.records, args.records
        ));
    }
}

/// Everything a rehearsal plays on.
struct Stage<'a> {
    lab: &'a Lab,
    script: &'a Script,
    fleet: &'a Arc<Fleet>,
    is_exactly_once: bool,
    bar: Progress,
}

impl Stage<'_> {
    /// Produces while the workers copy, waits until all is quiet, and reads what is there.
    fn play(&self) -> anyhow::Result<Proof> {
        let feeders = Feeders::new(self.lab)?;
        self.until_ready();
        let mut produced = 0;
        while produced < self.script.records {
            let next = (produced + CHUNK).min(self.script.records);
            self.script.produce(self.lab, &feeders, produced, next)?;
            produced = next;
            self.progress(produced);
        }
        let mut moved = Instant::now();
        let mut before = 0;
        loop {
            let there = self.progress(produced);
            if there != before {
                (before, moved) = (there, Instant::now());
            }
            let is_still = self.is_still() && moved.elapsed() > LOOK_AGAIN * 2;
            let is_over = moved.elapsed() > GIVE_UP_AFTER;
            if is_still || is_over {
                let proof = Proof::read(self.lab, self.script, produced, self.is_exactly_once)?;
                if proof.is_exact() || is_over {
                    self.bar.finish();
                    return Ok(proof);
                }
            }
            std::thread::sleep(LOOK_AGAIN);
        }
    }

    /// An edge with `start: latest` takes what is produced from its start on: it must have one.
    fn until_ready(&self) {
        let since = Instant::now();
        while since.elapsed() < GIVE_UP_AFTER
            && !self.fleet.snapshot().iter().all(|edge| edge.is_ready)
        {
            std::thread::sleep(LOOK_AGAIN / 10);
        }
    }

    fn is_still(&self) -> bool {
        self.fleet
            .snapshot()
            .iter()
            .all(|edge| matches!(edge.state, State::CaughtUp | State::Halted))
    }

    /// Tells how far it is, and returns how many records were copied.
    fn progress(&self, produced: u64) -> u64 {
        let copied: u64 = self
            .fleet
            .snapshot()
            .iter()
            .map(|e| e.records_total + e.dropped_total.loops)
            .sum();
        self.bar.set(
            copied.min(self.copies(produced)),
            self.copies(self.script.records),
        );
        copied
    }

    /// Copies that so many records of each topic make.
    fn copies(&self, produced: u64) -> u64 {
        let places = self
            .script
            .expected()
            .values()
            .flat_map(|births| births.values());
        let records: usize = places.sum();
        (records - self.script.births.len()) as u64 * produced
    }

    fn show(&self, proof: &Proof, format: Format) -> Result<(), Failure> {
        if format == Format::Json {
            return output::json(proof);
        }
        output::data(&proof.table())?;
        let births = self.script.births.len();
        let records = self.script.records * births as u64;
        let verdict = if proof.is_exact() {
            "Exact"
        } else {
            "NOT exact"
        };
        output::data(&format!(
            "\n{verdict} ({}): {records} records of {births} topics, {PARTITIONS} partitions each, {} places.\n",
            proof.delivery,
            proof.topics.len()
        ))?;
        for edge in self
            .fleet
            .snapshot()
            .iter()
            .filter(|e| matches!(e.state, State::Halted | State::Retrying))
        {
            output::say(&format!(
                "Edge {}: {}.",
                edge.name,
                edge.reason.as_deref().unwrap_or("halted")
            ));
        }
        Ok(())
    }

    /// Keeps producing a little, with status, until a signal.
    fn watch(&self, listen: SocketAddr, about: About) -> Result<(), Failure> {
        let runtime = tokio::runtime::Runtime::new()
            .context("cannot start the runtime")
            .map_err(Failure::CannotStart)?;
        let feeders = Feeders::new(self.lab).map_err(Failure::Cluster)?;
        let serving = Serving {
            monitor: Monitor::start(self.fleet.clone()).map_err(Failure::cannot_start)?,
            about: AboutNow::new(about),
            detail: Detail::Partition,
        };
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::bind(listen)
                .await
                .with_context(|| format!("cannot listen on {listen}; give another address with --listen"))
                .map_err(Failure::CannotStart)?;
            output::say(&format!("Watch it at http://{listen}/ ; Ctrl-C ends it."));
            let serving = tokio::spawn({
                let serving = serving.clone();
                async move { http::serve(listener, serving).await }
            });
            // Listened to from here on: a signal may come while records are produced.
            let mut interrupt = signal(SignalKind::interrupt()).map_err(Failure::cannot_start)?;
            let mut terminate = signal(SignalKind::terminate()).map_err(Failure::cannot_start)?;
            let mut ticks = tokio::time::interval(Duration::from_millis(500));
            let mut produced = self.script.records;
            loop {
                tokio::select! {
                    _ = interrupt.recv() => break,
                    _ = terminate.recv() => break,
                    _ = ticks.tick() => {
                        self.script.produce(self.lab, &feeders, produced, produced + 5).map_err(Failure::Cluster)?;
                        produced += 5;
                    }
                }
            }
            serving.abort();
            Ok(())
        })
    }
}
