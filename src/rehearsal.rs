//! A rehearsal: the topology for real, on clusters of its own, and the proof of where records went.
//!
//! [`lab::Lab`] has the clusters, [`script::Script`] says what is produced and where it must arrive,
//! [`proof::Proof`] is what was found.

pub mod lab;
pub mod proof;
pub mod script;
