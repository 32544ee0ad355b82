//! One binary that replicates between Apache Kafka clusters from one topology file.

use std::process::ExitCode;

pub mod backoff;
pub mod cli;
pub mod client;
pub mod clock;
pub mod commands;
pub mod connect;
pub mod drift;
pub mod drill;
pub mod exit;
pub mod fleet;
pub mod groups;
pub mod home;
pub mod http;
pub mod inventory;
pub mod kafka;
pub mod letters;
pub mod load;
pub mod logging;
pub mod metrics;
pub mod monitor;
pub mod origin;
pub mod output;
pub mod process;
pub mod progress;
pub mod rehearsal;
pub mod report;
pub mod rollout;
pub mod stream;
pub mod switch;
pub mod translate;
pub mod twins;
pub mod verify;
pub mod wording;
pub mod worker;

/// librdkafka's headers are allocated on one thread and freed on another: jemalloc halves the cost of
/// a record there, and takes C's malloc too.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Freed memory goes back after half a second, which takes a quarter off the peak of a fast copy.
#[expect(
    unsafe_code,
    reason = "jemalloc reads its settings from a symbol of this name"
)]
#[unsafe(export_name = "malloc_conf")]
pub static MALLOC_CONF: &[u8] = b"narenas:2,dirty_decay_ms:500,muzzy_decay_ms:0\0";

fn main() -> ExitCode {
    exit::code(cli::main())
}
