//! One binary that replicates between Apache Kafka clusters from one topology file.

use std::process::ExitCode;

pub mod cli;
mod clock;
pub mod commands;
pub mod exit;
mod fleet;
mod http;
mod kafka;
pub mod load;
mod logging;
mod metrics;
pub mod output;
mod promises;
mod stream;
mod worker;

/// librdkafka's headers are allocated on one thread and freed on another: jemalloc halves the cost of
/// a record there, and takes C's malloc too.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    exit::code(cli::main())
}
