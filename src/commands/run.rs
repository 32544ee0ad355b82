//! `crossdock run`: replicates until stopped.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow};
use crossdock_model::edge::Edge;
use crossdock_model::topology::Topology;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use crate::commands::which::Which;
use crate::exit::{Failure, Outcome, Verdict};
use crate::fleet::{Fleet, Options};
use crate::http::{About, AboutNow, Serving};
use crate::load::Checked;
use crate::metrics::{Detail, otlp};
use crate::monitor::Monitor;
use crate::origin::{self, AtHome, Origin};
use crate::progress::Progress;
use crate::worker::Ending;
use crate::{drift, home, http, load, logging, report};
use follow::Follower;

mod follow;

/// Between two looks at whether all workers have ended.
const TICK: Duration = Duration::from_millis(50);

/// Replicates until stopped
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  crossdock run topology.yaml
  crossdock run topology.yaml --clusters sh      only edges into Shanghai, run there
  crossdock run --home bj-kafka1:9092 --topology cn-prod
  crossdock run topology.yaml --once             stops when all is copied")]
pub struct Args {
    /// Which topology
    #[command(flatten)]
    pub which: Which,
    /// Only these edges
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub edges: Vec<String>,
    /// Only edges into these clusters
    #[arg(long, value_name = "ALIAS", value_delimiter = ',')]
    pub clusters: Vec<String>,
    /// Where status, metrics and the dashboard are served
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8642")]
    pub listen: SocketAddr,
    /// How much the metrics tell
    #[arg(long, value_enum, default_value_t, value_name = "DETAIL")]
    pub metrics_detail: Detail,
    /// Pushes the metrics to an OpenTelemetry collector; `OTEL_EXPORTER_OTLP_ENDPOINT` unless given
    #[arg(long, value_name = "URL")]
    pub otlp: Option<String>,
    /// Between two pushes
    #[arg(long, value_name = "DURATION", default_value = "15s", value_parser = humantime::parse_duration)]
    pub otlp_interval: Duration,
    /// Name of this process among those that run the topology; the host name unless given
    #[arg(long, value_name = "ID")]
    pub instance: Option<String>,
    /// Between two looks at configs and ACLs that are to follow
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = humantime::parse_duration)]
    pub sync_interval: Duration,
    /// Between two rounds in which consumer groups follow
    #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = humantime::parse_duration)]
    pub groups_interval: Duration,
    /// Stops when every edge has caught up with what was there
    #[arg(long)]
    pub once: bool,
}

/// Runs the command.
pub fn main(args: Args) -> Outcome {
    logging::start();
    let instance = instance(args.instance.clone())?;
    let (origin, checked) = origin(&args.which)?;
    let topology = load::proved(&checked)?;
    let findings = report::json(&checked)["findings"].take();
    let edges = select(&topology, &args)?;
    let otlp = otlp(&args)?;
    let options = Options {
        file: origin.path().display().to_string(),
        instance,
        process: Options::new_process(),
        once: args.once,
        groups_interval: args.groups_interval,
        embedded: std::collections::BTreeMap::new(),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .context("cannot start the runtime")
        .map_err(Failure::CannotStart)?;
    let once = args.once;
    let endings = runtime.block_on(replicate(
        &topology,
        &edges,
        &options,
        origin,
        args,
        (findings, otlp),
    ))?;
    verdict(&endings, once)
}

/// Where metrics are pushed to, if anywhere.
fn otlp(args: &Args) -> Result<Option<otlp::Target>, Failure> {
    let variable = |name| std::env::var(name).ok().filter(|v| !v.is_empty());
    let base = args.otlp.clone();
    let Some(base) = base.or_else(|| variable("OTEL_EXPORTER_OTLP_ENDPOINT")) else {
        return Ok(None);
    };
    let headers = variable("OTEL_EXPORTER_OTLP_HEADERS");
    let target = otlp::Target::new(&base, headers.as_deref(), args.otlp_interval);
    let target = target.context("metrics cannot be pushed");
    target.map(Some).map_err(Failure::CannotStart)
}

/// Where the topology comes from, and how it is now.
fn origin(which: &Which) -> Result<(Origin, Checked), Failure> {
    match (&which.file, &which.home, &which.topology) {
        (Some(path), _, _) => {
            let checked = load::check(path, true)?;
            let file = origin::File::new(path, &checked.text);
            Ok((Origin::File(file), checked))
        }
        (None, Some(bootstrap), Some(topology)) => {
            let cluster = home::cluster_at(bootstrap, which.home_config.as_deref());
            let (at_home, checked) =
                AtHome::begin(cluster.map_err(Failure::CannotStart)?, topology)?;
            Ok((Origin::AtHome(at_home), checked))
        }
        _ => Err(Failure::cannot_start(anyhow!("no topology file is given"))),
    }
}

/// The name of this process: Kafka takes it as part of `group.instance.id`.
fn instance(given: Option<String>) -> Result<String, Failure> {
    let instance =
        given.unwrap_or_else(|| gethostname::gethostname().to_string_lossy().into_owned());
    crossdock_model::name::check_topic_name(&instance).map_err(|_| {
        Failure::cannot_start(anyhow!(
            "instance `{instance}`: Kafka takes letters, digits, `.`, `_` and `-` only; give another one with --instance"
        ))
    })?;
    Ok(instance)
}

/// The edges that are to run here.
fn select<'a>(topology: &'a Topology, args: &Args) -> Result<Vec<&'a Edge>, Failure> {
    if let Some(unknown) = unknown(topology, args).into_iter().next() {
        return Err(Failure::cannot_start(anyhow!("{unknown}")));
    }
    let edges = wanted(topology, args);
    if edges.is_empty() {
        return Err(Failure::cannot_start(anyhow!(
            "no enabled edge is left to run"
        )));
    }
    Ok(edges)
}

/// What `--edges` and `--clusters` name and the topology does not have.
fn unknown(topology: &Topology, args: &Args) -> Vec<String> {
    let list = |names: Vec<&str>| names.join(", ");
    let known = |name: &str| topology.edges().iter().any(|e| e.name.as_str() == name);
    let edges = args.edges.iter().filter(|name| !known(name)).map(|name| {
        let there = topology.edges().iter().map(|e| e.name.as_str());
        format!("no edge `{name}`; there are {}", list(there.collect()))
    });
    let declared = |alias: &str| {
        let mut all = topology.clusters().iter();
        all.any(|c| c.alias.as_str() == alias)
    };
    let clusters = args.clusters.iter().filter(|alias| !declared(alias));
    let clusters = clusters.map(|alias| {
        let there = topology.clusters().iter().map(|c| c.alias.as_str());
        format!("no cluster `{alias}`; there are {}", list(there.collect()))
    });
    edges.chain(clusters).collect()
}

/// The enabled edges that `--edges` and `--clusters` select; all of them where neither is given.
fn wanted<'a>(topology: &'a Topology, args: &Args) -> Vec<&'a Edge> {
    let among = |names: &[String], name: &str| names.is_empty() || names.iter().any(|n| n == name);
    let is_wanted = |edge: &&Edge| {
        edge.enabled
            && among(&args.edges, edge.name.as_str())
            && among(&args.clusters, edge.target.as_str())
    };
    topology.edges().iter().filter(is_wanted).collect()
}

/// Runs the workers until they have ended, or a signal stops them.
async fn replicate(
    topology: &Topology,
    edges: &[&Edge],
    options: &Options,
    origin: Origin,
    args: Args,
    (findings, otlp): (Value, Option<otlp::Target>),
) -> Result<Vec<(String, Ending)>, Failure> {
    let mut terminate = signal(SignalKind::terminate()).map_err(Failure::cannot_start)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(Failure::cannot_start)?;
    let mut hangup = signal(SignalKind::hangup()).map_err(Failure::cannot_start)?;
    let listener = listen_on(args.listen, options.once).await?;
    let fleet = Arc::new(Fleet::start(topology, edges, options).map_err(Failure::CannotStart)?);
    let about = AboutNow::new(About::new(topology, &options.instance, findings));
    if let Some(listener) = listener {
        let serving = Serving {
            monitor: Monitor::start(fleet.clone()).map_err(Failure::cannot_start)?,
            about: about.clone(),
            detail: args.metrics_detail,
        };
        if let Some(target) = otlp {
            let origin = otlp::Origin {
                topology: topology.name().to_owned(),
                instance: options.instance.clone(),
            };
            otlp::start(&serving.monitor, target, origin, args.metrics_detail)
                .map_err(Failure::cannot_start)?;
        }
        tokio::spawn(async move {
            if let Err(error) = http::serve(listener, serving).await {
                tracing::error!("HTTP has stopped: {error}.");
            }
        });
    }
    if !args.once {
        drift::start(&fleet, args.sync_interval).map_err(Failure::cannot_start)?;
    }
    let mut ticks = tokio::time::interval(TICK);
    let progress = match args.once {
        true => Progress::new("catch up", "records", 0),
        false => Progress::hidden(),
    };
    let mut follower = Follower::new(origin, about, args)?;
    loop {
        tokio::select! {
            _ = ticks.tick() => caught_up_so_far(&fleet, &progress),
            _ = terminate.recv() => stop(&fleet),
            _ = interrupt.recv() => stop(&fleet),
            _ = hangup.recv() => follower.look_again(),
            Some(checked) = follower.next() => follower.take_over(&fleet, checked).await,
        }
        if fleet.is_finished() {
            break;
        }
    }
    progress.finish();
    Ok(fleet.endings())
}

/// What was copied, and what was there to copy.
fn caught_up_so_far(fleet: &Fleet, progress: &Progress) {
    if progress.is_hidden() {
        return;
    }
    let (mut done, mut left) = (0, 0);
    for edge in fleet.snapshot() {
        done += edge.records_total + edge.dropped_total.loops + edge.dropped_total.replica;
        left += u64::try_from(edge.lag_records).unwrap_or(0);
    }
    progress.set(done, done + left);
}

fn stop(fleet: &Fleet) {
    tracing::info!("Stopping: open transactions are ended first.");
    fleet.stop();
}

/// A run to catch up does without status when somebody else serves there.
async fn listen_on(address: SocketAddr, once: bool) -> Result<Option<TcpListener>, Failure> {
    match TcpListener::bind(address).await {
        Ok(listener) => {
            let address = listener.local_addr().unwrap_or(address);
            tracing::info!("Serving the dashboard at http://{address}/ .");
            Ok(Some(listener))
        }
        Err(_) if once => Ok(None),
        Err(error) => Err(Failure::cannot_start(anyhow!(error).context(format!(
            "cannot listen on {address}; give another address with --listen"
        )))),
    }
}

fn verdict(endings: &[(String, Ending)], once: bool) -> Outcome {
    let mut halted = false;
    for (edge, ending) in endings {
        match ending {
            Ending::Cluster(error) if once => {
                return Err(Failure::cluster(
                    anyhow!("{error}").context(format!("edge {edge}")),
                ));
            }
            Ending::Halted(reason) => {
                tracing::error!(edge, "Did not catch up: {reason}.");
                halted = true;
            }
            Ending::Cluster(_) | Ending::Stopped | Ending::CaughtUp => {}
        }
    }
    Ok(Verdict::found(halted && once))
}
