//! Log lines go to stderr. `CROSSDOCK_LOG` says how much (`debug`, `crossdock=trace`), `info` unless
//! set; `CROSSDOCK_LOG_FORMAT=json` writes a JSON object a line.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

/// Starts logging for the rest of the process.
pub fn start() {
    start_with("info");
}

/// Starts logging of what went wrong only: for commands whose output is the answer.
pub fn start_quietly() {
    start_with("error");
}

fn start_with(usual: &str) {
    let filter = EnvFilter::try_from_env("CROSSDOCK_LOG").unwrap_or_else(|_| EnvFilter::new(usual));
    let is_json = std::env::var("CROSSDOCK_LOG_FORMAT").is_ok_and(|format| format == "json");
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_target(false)
        .with_ansi(std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none());
    // A second start in one process changes nothing.
    if is_json {
        lines.json().try_init().ok();
    } else {
        lines.try_init().ok();
    }
}
