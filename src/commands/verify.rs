//! `crossdock verify`: compares contents.

mod counts;
mod repair;
mod text;
mod watch;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::anyhow;
use crossdock_model::topology::Topology;
use crossdock_model::verify::Sample;
use regex::Regex;

use crate::commands::Format;
use crate::exit::{Failure, Outcome, Verdict};
use crate::progress::Progress;
use crate::verify::{self, Options, Stretch};
use crate::{load, logging, output};

/// Compares contents at both ends, record by record
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  crossdock verify topology.yaml
  crossdock verify topology.yaml --edges bj-to-sh --topics 'orders.*' --since 2026-01-31T00:00:00Z
  crossdock verify topology.yaml --sample 1%     reads a hundredth of it
  crossdock verify topology.yaml --counts        reads no records at all
  crossdock verify topology.yaml --watch         goes on, slowly; see docs/verify.md
  crossdock verify topology.yaml --repair        sends missing records again, after a yes

It may run while the topology does: what an edge has not committed yet is not compared.
Exit status 1: something is different. 3: a cluster could not be reached.")]
pub struct Args {
    /// The topology file
    pub file: PathBuf,
    /// Only these edges, also disabled ones
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub edges: Vec<String>,
    /// Only source topics of these names (regexes that match whole names)
    #[arg(long, value_name = "REGEX", value_delimiter = ',')]
    pub topics: Vec<String>,
    /// From the first record at or after this time (RFC 3339) on
    #[arg(long, value_name = "TIME", conflicts_with_all = ["from_offset", "to_offset"])]
    pub since: Option<jiff::Timestamp>,
    /// Up to the first record at or after this time
    #[arg(long, value_name = "TIME", conflicts_with_all = ["from_offset", "to_offset"])]
    pub until: Option<jiff::Timestamp>,
    /// From this source offset on, in each partition
    #[arg(long, value_name = "OFFSET", value_parser = clap::value_parser!(i64).range(0..))]
    pub from_offset: Option<i64>,
    /// Up to before this source offset
    #[arg(long, value_name = "OFFSET", value_parser = clap::value_parser!(i64).range(0..))]
    pub to_offset: Option<i64>,
    /// Reads only this share of the records, in stretches at random places, such as `1%`
    #[arg(long, value_name = "SHARE", conflicts_with_all = ["since", "until", "from_offset", "to_offset"])]
    pub sample: Option<Sample>,
    /// Chooses the places of a sample; at random unless given
    #[arg(long, value_name = "NUMBER", requires = "sample")]
    pub seed: Option<u64>,
    /// Reads no records: ends and counts of both sides next to each other
    #[arg(long, conflicts_with_all = ["since", "until", "from_offset", "to_offset", "sample"])]
    pub counts: bool,
    /// Partitions that are compared at once; as many as there are cores unless given
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(1..))]
    pub jobs: Option<u16>,
    /// Reads at most so many records a second, of both sides together
    #[arg(long, value_name = "RECORDS/S", value_parser = clap::value_parser!(u64).range(1..))]
    pub limit: Option<u64>,
    /// Goes on comparing what is copied from now on too, and serves up to where both ends are equal
    #[arg(long, conflicts_with_all = ["since", "until", "from_offset", "to_offset", "sample", "counts", "repair", "format"])]
    pub watch: bool,
    /// Where a watch serves its metrics
    #[arg(
        long,
        value_name = "ADDR",
        requires = "watch",
        default_value = "127.0.0.1:8643"
    )]
    pub listen: SocketAddr,
    /// Between two rounds of a watch
    #[arg(long, value_name = "DURATION", requires = "watch", default_value = "10s", value_parser = humantime::parse_duration)]
    pub every: Duration,
    /// Sends missing records again where the order of their keys permits, after a yes
    #[arg(long, conflicts_with_all = ["sample", "counts", "format"])]
    pub repair: bool,
    /// Does not ask
    #[arg(long, requires = "repair")]
    pub yes: bool,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// Records a second that a watch reads unless told otherwise.
const WATCH_LIMIT: u64 = 10_000;

/// Runs the command.
pub fn main(args: Args) -> Outcome {
    if args.watch {
        logging::start();
    } else {
        logging::start_quietly();
    }
    let topology = load::topology(&args.file)?;
    let mut options = options(&topology, &args)?;
    if args.watch {
        options.limit.get_or_insert(WATCH_LIMIT);
        return watch::main(topology, options, args.listen, args.every);
    }
    if args.counts {
        return counts::main(&topology, &options, args.format);
    }
    let progress = Progress::new("verify", "offsets", 0);
    let items = verify::survey(&topology, &options).map_err(Failure::cluster)?;
    let report = verify::run_items(&topology, &items, &options, &progress);
    let report = report.map_err(Failure::cluster)?;
    match args.format {
        Format::Json => output::json(&report)?,
        Format::Text => output::data(&text::report(&report, &options))?,
    }
    if args.repair {
        return repair::main(&topology, &options, (&items, &report), args.yes);
    }
    Ok(Verdict::found(!report.is_equal()))
}

fn options(topology: &Topology, args: &Args) -> Result<Options, Failure> {
    let wrong = |why: String| Failure::cannot_start(anyhow!(why));
    let edges = topology.edges();
    let names = || edges.iter().map(|e| e.name.as_str());
    if let Some(unknown) = args.edges.iter().find(|name| !names().any(|n| n == *name)) {
        let all: Vec<_> = names().collect();
        return Err(wrong(format!(
            "no edge `{unknown}`; there are {}",
            all.join(", ")
        )));
    }
    let pattern = |text: &String| {
        Regex::new(&format!("^(?:{text})$"))
            .map_err(|error| wrong(format!("--topics {text}: {error}")))
    };
    let stretch = stretch(args);
    let is_taken = |name: &str| args.edges.is_empty() || args.edges.iter().any(|n| n == name);
    let blind = edges
        .iter()
        .find(|e| !e.provenance && e.enabled && is_taken(e.name.as_str()));
    if let (Some(edge), true) = (blind, stretch != Stretch::Whole) {
        return Err(wrong(format!(
            "edge {} has `provenance: false`: its copies do not say where they were read, so that no part of them can be found; compare it whole, and other edges with --edges",
            edge.name
        )));
    }
    Ok(Options {
        edges: args.edges.clone(),
        topics: args.topics.iter().map(pattern).collect::<Result<_, _>>()?,
        stretch,
        jobs: args.jobs.map_or(Options::default().jobs, usize::from),
        limit: args.limit,
    })
}

fn stretch(args: &Args) -> Stretch {
    let milliseconds = |time: Option<jiff::Timestamp>| time.map(|t| t.as_millisecond());
    let (since, until) = (milliseconds(args.since), milliseconds(args.until));
    if let Some(sample) = args.sample {
        let seed = args
            .seed
            .unwrap_or_else(|| crate::clock::now_ms().unsigned_abs());
        Stretch::Sample(sample, seed)
    } else if since.is_some() || until.is_some() {
        Stretch::Times(since, until)
    } else if args.from_offset.is_some() || args.to_offset.is_some() {
        Stretch::Offsets(args.from_offset, args.to_offset)
    } else {
        Stretch::Whole
    }
}
