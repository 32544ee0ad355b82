//! The inventory: what the clusters hold, as far as a plan must know it.

use std::collections::{BTreeMap, BTreeSet};

use crate::name::Alias;

/// What was read of all clusters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inventory {
    /// Clusters that answered.
    pub clusters: BTreeMap<Alias, Cluster>,
    /// Those that did not, each with why.
    pub unreachable: BTreeMap<Alias, String>,
    /// The newest revision of the topology on its home cluster.
    pub published: Option<Published>,
    /// What the last records of target partitions tell, where the positions of their edge do not.
    pub tails: BTreeMap<Unplaced, Tail>,
}

/// A target partition that may hold copies, and of which its edge's group has no position.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unplaced {
    /// The edge, by its place in the file.
    pub edge: usize,
    /// The topic that is read.
    pub source_topic: String,
    /// The topic that is written.
    pub target_topic: String,
    /// Partition of both.
    pub partition: i32,
}

/// What a target partition tells of the progress of an edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tail {
    /// The last record of the edge was read at this source offset.
    Last(i64),
    /// The partition still has its first offset, and no record of the edge: none was ever there.
    Never,
    /// No record of the edge was found; there may have been some.
    Unknown,
}

/// One cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cluster {
    /// What Kafka itself calls it.
    pub id: String,
    /// Brokers that are there.
    pub brokers: usize,
    /// Whom its ACLs know this process as, such as `User:crossdock`.
    pub principal: String,
    /// `default.replication.factor`, where it may be read.
    pub replication_factor: Option<i32>,
    /// `log.message.timestamp.type`, where it may be read.
    pub timestamp_type: Option<String>,
    /// `message.max.bytes`, where it may be read.
    pub message_max_bytes: Option<u64>,
    /// Whether it has an authorizer: without one, everybody may do everything.
    pub is_guarded: bool,
    /// What this principal may do with the cluster; `None` where it is not told.
    pub operations: Option<Operations>,
    /// Every topic that may be seen.
    pub topics: BTreeMap<String, Topic>,
    /// Topics that may not be described, whether or not they are there, of those that an edge names and
    /// those that are to be made.
    pub hidden: BTreeSet<String>,
    /// Topics that are not there and that this principal may not make, of those that are to be made.
    pub not_makeable: BTreeSet<String>,
    /// What this principal may do with the groups that edges need; left out where it is not told.
    pub group_operations: BTreeMap<String, Operations>,
    /// Transactional ids, of those that are needed, that this principal may not use.
    pub not_usable_ids: BTreeSet<String>,
    /// crossdock's groups of this topology.
    pub groups: BTreeMap<String, Group>,
    /// Its groups of other topologies.
    pub foreign_groups: BTreeMap<String, Group>,
    /// Consumer groups that an edge's `sync.groups` names, each with the partitions it has positions in.
    pub consumers: BTreeMap<String, BTreeSet<(String, i32)>>,
    /// Literal topic ACLs; `None` where they may not be read or the cluster has no authorizer.
    pub acls: Option<BTreeSet<Acl>>,
    /// Why the ACLs could not be read.
    pub acls_unread: Option<String>,
}

/// What a principal may do, in Kafka's words (`READ`, `WRITE`, `CREATE`, …).
pub type Operations = BTreeSet<String>;

/// One topic.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Topic {
    /// Its id (KIP-516); empty where it is not known.
    pub id: String,
    /// In order.
    pub partitions: Vec<Partition>,
    /// Replicas of each partition.
    pub replication_factor: usize,
    /// Every config with its value; `None` where they may not be read.
    pub configs: Option<BTreeMap<String, Config>>,
    /// What this principal may do with it; `None` where it is not told.
    pub operations: Option<Operations>,
    /// What its first and last records say.
    pub sample: Sample,
}

/// One partition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Partition {
    /// Log start offset.
    pub start: i64,
    /// Last stable offset.
    pub end: i64,
    /// Offset of the first record at or after the edges' `start` times, in milliseconds.
    pub at: BTreeMap<i64, i64>,
}

/// One config of a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Its value; empty where it is sensitive.
    pub value: String,
    /// Set on the topic itself: not a default, and not the brokers'.
    pub is_own: bool,
    /// May not be changed or not be shown: it never follows.
    pub is_fixed: bool,
}

/// What the first and the last records of a topic's partitions say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sample {
    /// First and last records that were looked at.
    pub records: u64,
    /// By partition: these and those that came along with them, for the size of a record.
    pub sizes: BTreeMap<i32, Sizes>,
    /// Ids of clusters that every one of them has passed; `None` where one was produced here.
    pub lineage: Option<BTreeSet<String>>,
    /// Cluster id and topic that the last hops name.
    pub origins: BTreeSet<(String, String)>,
}

/// The size of some records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sizes {
    /// How many.
    pub records: u64,
    /// Their keys and values.
    pub bytes: u64,
}

/// A consumer group's committed offsets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Group {
    /// By target topic and partition: the source offset, and the id of the source topic as noted.
    pub positions: BTreeMap<(String, i32), (i64, Option<String>)>,
    /// Since when a failover has fenced its edge, as noted.
    pub fenced: Option<String>,
}

/// An ACL on one topic, by its literal name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub struct Acl {
    /// The topic.
    pub topic: String,
    /// Such as `User:alice`.
    pub principal: String,
    /// `*` or an address.
    pub host: String,
    /// Kafka's word: `READ`, `WRITE`, `ALL`, …
    pub operation: String,
    /// `ALLOW` or `DENY`.
    pub permission: String,
}

/// A revision on the home cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Published {
    /// Counted from 1.
    pub revision: u64,
    /// Which one it is, whoever counted.
    pub uuid: String,
    /// Of its text.
    pub checksum: String,
}

impl Topic {
    /// The value that counts, wherever it is set.
    pub fn config(&self, key: &str) -> Option<&str> {
        Some(self.configs.as_ref()?.get(key)?.value.as_str())
    }

    /// Records in all partitions, as offsets tell: markers and compacted ones count.
    pub fn records(&self) -> i64 {
        self.partitions.iter().map(|p| p.end - p.start).sum()
    }
}

impl Sample {
    /// How many records tell the size.
    pub fn sized(&self) -> u64 {
        self.sizes.values().map(|s| s.records).sum()
    }

    /// About how many bytes so many records of a partition have: by the mean of those of the same
    /// partition, else of the topic.
    pub fn bytes_of(&self, partition: i32, records: u64) -> Option<u64> {
        let own = self.sizes.get(&partition).copied();
        let Sizes { records: of, bytes } = own.unwrap_or_else(|| {
            self.sizes.values().fold(Sizes::default(), |sum, s| Sizes {
                records: sum.records + s.records,
                bytes: sum.bytes + s.bytes,
            })
        });
        let about = u128::from(bytes) * u128::from(records);
        u64::try_from(about.checked_div(u128::from(of))?).ok()
    }
}
