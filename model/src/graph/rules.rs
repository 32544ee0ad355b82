//! One rule a file; each tells all that it finds.

pub(crate) mod chains;
pub(crate) mod collisions;
pub(crate) mod copies;
pub(crate) mod cycles;
pub(crate) mod loops;
pub(crate) mod metrics;
pub(crate) mod naming;
