//! The record guard: what keeps a record from returning, by the path in its headers.

use crate::edge::{Edge, Forward};
use crate::name::ClusterId;
use crate::provenance::Hop;

/// What an edge does with a record of a topic that it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admit {
    /// It is copied.
    Copy,
    /// It has been on the target's cluster: dropped as `loop`.
    DropLoop,
    /// It was not produced on the source itself, and the edge is `forward: local`.
    DropNotLocal,
}

/// Decides about one record. `hops` are those of its `crossdock-via` headers that could be read.
pub fn admit(edge: &Edge, target: &ClusterId, hops: &[Hop<'_>]) -> Admit {
    admit_path(
        edge.provenance,
        edge.forward == Forward::Local,
        hops.iter().any(|hop| hop.cluster_id == target.as_str()),
        !hops.is_empty(),
    )
}

/// The rule itself, for records of Kafka and for walks of the proof alike: `names_target` when a hop
/// of the record was read on the target's cluster, `has_hops` when it has any.
pub fn admit_path(provenance: bool, is_local: bool, names_target: bool, has_hops: bool) -> Admit {
    match (provenance && names_target, is_local && has_hops) {
        (true, _) => Admit::DropLoop,
        (false, true) => Admit::DropNotLocal,
        (false, false) => Admit::Copy,
    }
}
