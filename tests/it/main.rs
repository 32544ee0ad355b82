//! Tests from outside, on the binary. One file per behaviour; a test is a scene, a fault, a verdict.

mod ledger;
mod offline;
