//! What would go wrong, and what stays as it is: told before anything is done.

mod acls;
mod clusters;
mod permissions;
mod topics;

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use crate::finding::Severity;
use crate::graph::Names;
use crate::name::{Alias, EdgeName};
use crate::topology::Topology;

use super::Change;
use super::desired::Desired;
use super::flow::{Flow, Place};
use super::inventory::Inventory;

pub use permissions::home_id;

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident $slug:literal $severity:ident),* $(,)?) => {
        /// What kind of finding it is.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Code {
            $($(#[$doc])* $variant,)*
        }

        impl Code {
            /// Every code, in the order of the documentation.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The code as users see it.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $slug,)*
                }
            }

            /// How much findings of it weigh.
            pub fn severity(self) -> Severity {
                match self {
                    $(Self::$variant => Severity::$severity,)*
                }
            }
        }
    };
}

codes! {
    /// A cluster does not answer, or refuses to talk.
    UnreachableCluster "unreachable-cluster" Error,
    /// Two aliases are one cluster by its id.
    SameCluster "same-cluster" Error,
    /// The principal may not do what the edge needs.
    MissingPermission "missing-permission" Error,
    /// More replicas than brokers.
    ReplicationFactor "replication-factor" Warning,
    /// A pattern selects no topic.
    MatchesNothing "matches-nothing" Warning,
    /// The target topic is not there and is not made.
    NoTargetTopic "no-target-topic" Warning,
    /// The target topic holds records that this edge did not write.
    ExistingTopic "existing-topic" Warning,
    /// The target has fewer partitions, and gets no more.
    FewerPartitions "fewer-partitions" Warning,
    /// Records may be larger than the target takes.
    MessageSize "message-size" Warning,
    /// The target replaces the records' timestamps.
    LogAppendTime "log-append-time" Warning,
    /// Several writers of one compacted topic.
    CompactedMerge "compacted-merge" Warning,
    /// A topic that another replicator made for itself.
    OtherReplicator "other-replicator" Warning,
    /// A replica that another topology made.
    ForeignReplica "foreign-replica" Warning,
    /// A topic of the source's own that looks like a replica by its name.
    ShadowedTopic "shadowed-topic" Warning,
    /// Groups and topics of an edge that the file does not have.
    LeftBehind "left-behind" Warning,
    /// The name on the target has changed: the former topic stays.
    Renamed "renamed" Warning,
    /// A difference that is not kept in step.
    NotSynced "not-synced" Note,
    /// ACLs cannot be read, so they do not follow.
    AclsUnread "acls-unread" Warning,
}

impl Serialize for Code {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One thing to know before the plan is carried out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What kind.
    pub code: Code,
    /// How much it weighs: that of the code, but for the few that weigh less where it is as meant.
    pub severity: Severity,
    /// One clause, without a full stop.
    pub message: String,
    /// The edge, where one is concerned.
    pub edge: Option<EdgeName>,
    /// The cluster.
    pub cluster: Option<Alias>,
    /// The topic on it.
    pub topic: Option<String>,
    /// What to do.
    pub help: String,
}

impl Finding {
    pub(super) fn new(code: Code, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self {
            code,
            severity: code.severity(),
            message: message.into(),
            edge: None,
            cluster: None,
            topic: None,
            help: help.into(),
        }
    }

    pub(super) fn edge(mut self, edge: &EdgeName) -> Self {
        self.edge = Some(edge.clone());
        self
    }

    pub(super) fn cluster(mut self, cluster: &Alias) -> Self {
        self.cluster = Some(cluster.clone());
        self
    }

    pub(super) fn place(mut self, place: &Place) -> Self {
        self.topic = Some(place.1.clone());
        self.cluster(&place.0)
    }

    pub(super) fn weighs(mut self, severity: Severity) -> Self {
        self.severity = severity;
        self
    }
}

/// All findings: clusters first, then edges in the file's order, then what is left behind.
pub(super) fn findings(
    topology: &Topology,
    names: &Names,
    flows: &[Flow],
    desired: &BTreeMap<Place, Desired>,
    changes: &[Change],
    seen: &Inventory,
) -> Vec<Finding> {
    let mut findings = clusters::unreachable(seen);
    findings.extend(clusters::same(topology, seen));
    findings.extend(permissions::permissions(
        topology, flows, desired, changes, seen,
    ));
    findings.extend(clusters::patterns(topology, seen));
    findings.extend(topics::findings(topology, flows, desired, seen));
    findings.extend(acls::findings(topology, flows, seen));
    findings.extend(topics::shadowed_topics(topology, names, seen));
    findings.extend(clusters::other_replicators(flows, seen));
    findings.extend(clusters::left_behind(topology, seen));
    findings
}
