//! One binary that replicates between Apache Kafka clusters from one topology file.

use std::process::ExitCode;

pub mod cli;
pub mod clock;
pub mod commands;
pub mod exit;
pub mod fleet;
pub mod http;
pub mod kafka;
pub mod load;
pub mod logging;
pub mod metrics;
pub mod output;
pub mod promises;
pub mod rehearsal;
pub mod stream;
pub mod worker;

/// librdkafka's headers are allocated on one thread and freed on another: jemalloc halves the cost of
/// a record there, and takes C's malloc too.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    exit::code(cli::main())
}
