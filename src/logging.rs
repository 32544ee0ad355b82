//! Log lines go to stderr: one event, one line. A warning that comes again and again is folded with a
//! count.
//!
//! How much: `--log-level`, else `CROSSDOCK_LOG`, else `info`. A level may be followed by filters for
//! single modules: `info,crossdock::worker=debug`. How: `--log-format json`, else
//! `CROSSDOCK_LOG_FORMAT=json`, writes a JSON object a line; else lines are for people.

mod folding;

use std::io::{self, Write};
use std::sync::OnceLock;

use anyhow::anyhow;
use clap::ValueEnum;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::{FmtSpan, Format};

use crate::exit::Failure;
use crate::{output, progress};
use folding::Folding;

/// How lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// A JSON object a line.
    Json,
}

/// What the command line says of logging.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Options {
    /// How much is logged: error, warn, info, debug, trace; filters for modules may follow
    #[arg(long, global = true, value_name = "LEVEL", help_heading = "Logging")]
    pub log_level: Option<String>,
    /// How log lines are written
    #[arg(long, global = true, value_enum, help_heading = "Logging")]
    pub log_format: Option<LogFormat>,
}

static OPTIONS: OnceLock<Options> = OnceLock::new();

/// Standard error, where a progress bar makes room for each line.
struct Lines;

impl Write for Lines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        progress::aside(|| io::stderr().write(line))
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

/// Takes over what the command line says.
///
/// # Errors
/// A level or a filter that is none.
pub fn configure(options: Options) -> Result<(), Failure> {
    if let Some(level) = &options.log_level {
        EnvFilter::try_new(level).map_err(|error| {
            Failure::cannot_start(anyhow!(
                "--log-level {level}: {error}; as in `info,crossdock::worker=debug`"
            ))
        })?;
    }
    // It is called once, before any command.
    OPTIONS.set(options).ok();
    Ok(())
}

/// Starts logging for the rest of the process.
pub fn start() {
    start_with("info");
}

/// Starts logging of what went wrong only: for commands whose output is the answer.
pub fn start_quietly() {
    // That a consumer was fenced is what a failover is for: dropping it is no error.
    start_with("error,rdkafka::consumer::base_consumer=off");
}

fn start_with(usual: &str) {
    let options = OPTIONS.get().cloned().unwrap_or_default();
    let variable = |name: &str| std::env::var(name).ok();
    let level = options.log_level.or_else(|| variable("CROSSDOCK_LOG"));
    let filter = level.and_then(|level| EnvFilter::try_new(level).ok());
    let is_json = match options.log_format {
        Some(format) => format == LogFormat::Json,
        None => variable("CROSSDOCK_LOG_FORMAT").is_some_and(|format| format == "json"),
    };
    let in_colour = output::stderr_takes_colour();
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter.unwrap_or_else(|| EnvFilter::new(usual)))
        .with_writer(|| Lines)
        .with_span_events(FmtSpan::NONE);
    let format = Format::default().with_target(false);
    // A second start in one process changes nothing.
    if is_json {
        let format = format.json().flatten_event(true).with_target(true);
        let fields = tracing_subscriber::fmt::format::JsonFields::new();
        let lines = lines.fmt_fields(fields).event_format(Folding::json(format));
        lines.try_init().ok();
    } else {
        let format = format.with_ansi(in_colour);
        let lines = lines
            .with_ansi(in_colour)
            .event_format(Folding::text(format));
        lines.try_init().ok();
    }
}
