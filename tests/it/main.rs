//! Tests from outside, on the binary. One file per behaviour; a test is a scene, a fault, a verdict.

mod acls;
mod asking;
mod bad_input;
mod ci;
mod crash;
mod dashboard;
mod deploy;
mod drift;
mod foreign;
mod groups;
mod halts;
mod home;
mod ledger;
mod offline;
mod offsets;
mod one_way;
mod plan;
mod reload;
mod scenes;
mod seeing;
mod stall;
mod star;
mod takeover;
mod topologies;
mod truth;
mod two_way;
