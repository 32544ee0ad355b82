//! The pure core of crossdock: what can be wrong in replication is arithmetic, and lives here.
//!
//! This crate does no IO: no Kafka client, no files, no clock, no environment (invariant 9). The way
//! of the data through it is one type per stage:
//! text → [`file`] → [`edge::Edge`]s → [`graph`] → [`topology::Topology`].

pub mod edge;
pub mod finding;
pub mod name;
pub mod provenance;
pub mod select;
pub mod topology;

pub mod file;
mod near;
pub mod properties;

pub mod expect;
pub mod latency;
pub mod waiting;

pub mod graph;

pub mod groups;
pub mod import;
pub mod note;
pub mod offsets;
pub mod plan;
pub mod switch;
pub mod verify;

pub mod dead_letter;
pub mod diff;
