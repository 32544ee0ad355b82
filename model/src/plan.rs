//! The plan: what `apply` does to the clusters, and what it would be good to know before.
//!
//! [`plan`] is a function of the topology and the [`Inventory`]; it leaves nothing to choose. Carried
//! out, it gives an inventory whose plan is empty.

mod changes;
mod desired;
mod edges;
mod findings;
mod flow;
mod inventory;

use std::collections::BTreeMap;

use serde::Serialize;

use crate::graph::Names;
use crate::name::{Alias, EdgeName};
use crate::topology::Topology;

pub use desired::{MAX_MESSAGE_BYTES, is_synced, with_header_room};
pub use edges::{EdgePlan, PartitionPlan, Start, TopicPlan, unplaced};
pub use findings::{Code, Finding, home_id};
pub use flow::{Flow, Place, flows, is_held, shadowed, topics_of};
pub use inventory::{
    Acl, Cluster, Config, Group, Inventory, Operations, Partition, Published, Sample, Sizes, Tail,
    Topic, Unplaced,
};

/// What is to be done, and what is to be known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Plan {
    /// Name of the topology.
    pub topology: String,
    /// Every edge, in the file's order.
    pub edges: Vec<EdgePlan>,
    /// In the order in which they are made.
    pub changes: Vec<Change>,
    /// What would go wrong, and what stays as it is.
    pub findings: Vec<Finding>,
    /// What the changes rest on: where it differs later, they are planned anew.
    #[serde(skip)]
    pub basis: Vec<String>,
}

/// One thing that `apply` does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "action", rename_all = "kebab-case")]
pub enum Change {
    /// A topic is made.
    CreateTopic {
        /// On this cluster.
        cluster: Alias,
        /// Its name.
        topic: String,
        /// How many.
        partitions: usize,
        /// The cluster's own default; `None` where it may not be read.
        replication_factor: Option<i32>,
        /// Set on the topic itself.
        configs: BTreeMap<String, String>,
    },
    /// A topic gets more partitions.
    AddPartitions {
        /// On this cluster.
        cluster: Alias,
        /// Its name.
        topic: String,
        /// As many as it has.
        from: usize,
        /// As many as it gets.
        to: usize,
    },
    /// Configs of a topic are set, each by itself: all others stay.
    SetConfigs {
        /// On this cluster.
        cluster: Alias,
        /// Its name.
        topic: String,
        /// Key by key.
        configs: BTreeMap<String, ConfigChange>,
    },
    /// An ACL of a topic is made.
    CreateAcl {
        /// On this cluster.
        cluster: Alias,
        /// Who may, or may not, do what.
        #[serde(flatten)]
        acl: Acl,
    },
    /// The topology is published on its home cluster.
    Publish {
        /// The home cluster.
        cluster: Alias,
        /// The new revision.
        revision: u64,
        /// Which revision it takes the place of.
        after: Option<String>,
    },
}

/// One config as it is and as it will be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ConfigChange {
    /// The value that counts now; `None` where the cluster does not know the key.
    pub from: Option<String>,
    /// The new one.
    pub to: String,
}

impl Change {
    /// The cluster that is changed.
    pub fn cluster(&self) -> &Alias {
        match self {
            Self::CreateTopic { cluster, .. }
            | Self::AddPartitions { cluster, .. }
            | Self::SetConfigs { cluster, .. }
            | Self::CreateAcl { cluster, .. }
            | Self::Publish { cluster, .. } => cluster,
        }
    }
}

impl Plan {
    /// Whether a finding keeps the plan from being carried out.
    pub fn has_errors(&self) -> bool {
        let is_error = |f: &Finding| f.severity == crate::finding::Severity::Error;
        self.findings.iter().any(is_error)
    }
}

/// The group of an edge: its progress is there, on the target.
pub fn group_of(topology: &str, edge: &EdgeName) -> String {
    format!("crossdock.{topology}.{edge}")
}

/// Plans how the clusters become what the topology wants. `checksum` is that of its text.
pub fn plan(topology: &Topology, names: &Names, seen: &Inventory, checksum: &str) -> Plan {
    let flows = flows(topology, names, &topics_of(seen), |flow| {
        is_held(seen, flow)
    });
    let desired = desired::desired(topology, &flows, seen);
    let changes = changes::changes(topology, &flows, &desired, seen, checksum);
    Plan {
        topology: topology.name().to_owned(),
        edges: edges::edges(topology, &flows, &desired, seen),
        findings: findings::findings(topology, names, &flows, &desired, &changes, seen),
        basis: changes::basis(&flows, seen),
        changes,
    }
}
