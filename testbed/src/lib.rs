//! Real brokers, scenes, the ledger and its verdicts: everything that tests and benchmarks of
//! crossdock need from outside. Never shipped.
//!
//! A scene is a topology on real brokers with crossdock as a child process; a fault is done to it;
//! the verdict is given on dumps of every log, by checks that know nothing of crossdock but its
//! provenance header.

pub mod admin;
pub mod arrivals;
pub mod broker;
pub mod browser;
pub mod cluster;
pub mod consumer;
pub mod dock;
pub mod dump;
mod ffi;
pub mod http;
pub mod jars;
pub mod load;
pub mod nemesis;
pub mod orders;
pub mod pool;
pub mod process;
pub mod proxy;
pub mod random;
pub mod record;
pub mod sampler;
pub mod scene;
pub mod segments;
pub mod shapes;
pub mod soak;
pub mod spawn;
pub mod terminal;
pub mod tools;
pub mod verdict;
pub mod wait;
pub mod workdir;
pub mod writer;
