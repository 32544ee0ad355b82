//! Any bytes as a topology file: no panic, no hang, memory bounded. A nightly compiler and `cargo install
//! cargo-fuzz` are needed.
//!
//! `cargo +nightly fuzz run topology fuzz/found fuzz/corpus/topology topologies -- -timeout=10 -rss_limit_mb=1024`
//!
//! What it finds becomes a file of `corpus/topology`, which `model/tests/mutations.rs` reads on every run.

#![no_main]

#[path = "../../model/tests/support/any.rs"]
mod any;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| any::read_and_check(bytes));
