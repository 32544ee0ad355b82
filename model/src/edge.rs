//! An edge: one directed pair of clusters with a selection, everything expanded and defaulted.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::finding::Span;
use crate::name::{Alias, EdgeName};

/// One edge of the topology. Every key of the file has its value here, given or defaulted.
#[derive(Clone, Debug, PartialEq)]
pub struct Edge {
    /// Unique name: group, transactional ids and metrics are made from it.
    pub name: EdgeName,
    /// Name whose progress is carried over.
    pub renamed_from: Option<EdgeName>,
    /// Cluster that is read.
    pub source: Alias,
    /// Cluster that is written.
    pub target: Alias,
    /// Which topics: a topic is selected when one matches its whole name.
    pub topics: Vec<Pattern>,
    /// Wins over `topics`.
    pub exclude_topics: Vec<Pattern>,
    /// What topics are called on the target.
    pub rename: Rename,
    /// Which records go: all, or only those produced on the source itself.
    pub forward: Forward,
    /// Whether the provenance header is written and looked at.
    pub provenance: bool,
    /// Whether other edges may write the same target topics.
    pub merge: bool,
    /// Guarantee.
    pub delivery: Delivery,
    /// Set of client settings.
    pub profile: Profile,
    /// Parallel streams; at least 1.
    pub streams: usize,
    /// Where the first run begins.
    pub start: Start,
    /// Bytes read and not yet acknowledged, at most.
    pub max_in_flight: u64,
    /// Rate limit.
    pub limit: Option<Limit>,
    /// Client properties of the consumer, as written (Java or librdkafka names).
    pub consumer: BTreeMap<String, String>,
    /// Client properties of the producer, as written (Java or librdkafka names).
    pub producer: BTreeMap<String, String>,
    /// Share of the records that go, by key: from 0 to 1; `None` takes all.
    pub sample: Option<f64>,
    /// Which records go, by what they hold.
    pub filter: Filter,
    /// Headers that are left behind, by whole name.
    pub drop_headers: Vec<Pattern>,
    /// What follows besides records.
    pub sync: Sync,
    /// For a record that the target refuses as too large.
    pub on_oversize: OnOversize,
    /// For source records lost to retention or truncation.
    pub on_gap: OnGap,
    /// For a source topic that was deleted and created again.
    pub on_recreated: OnRecreated,
    /// Thresholds.
    pub expect: Expect,
    /// A disabled edge does not run.
    pub enabled: bool,
    /// Group at the source that the position is also committed to.
    pub report_group: Option<String>,
    /// Of an edge that a failback makes, and no file has: which one it turns round.
    pub homeward: Option<Homeward>,
    /// Where in the file each key's value stands, by key (`topics`, `topics[1]`, `rename`, `sync.groups`);
    /// the empty key is the whole entry. Values that come from `defaults` point there.
    pub places: BTreeMap<String, Span>,
}

impl Edge {
    /// The place of a key's value: that of the nearest enclosing key which has one, else the entry's.
    pub fn place(&self, key: &str) -> Span {
        let mut key = key;
        loop {
            if let Some(span) = self.places.get(key) {
                return *span;
            }
            match key.rfind(['.', '[']) {
                Some(at) => key = &key[..at],
                None => return self.places.get("").copied().unwrap_or_default(),
            }
        }
    }
}

/// The inverse of an edge: it brings home what was written at the cluster that took over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Homeward {
    /// The edge that it turns round.
    pub of: EdgeName,
    /// Home came back empty: records that were born there come back too.
    pub is_rebuild: bool,
}

/// A regex over whole topic names, in Rust's `regex` syntax. Known to compile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    /// As written.
    pub text: String,
}

/// What topics are called on the target: the first rule that matches wins, else the name is kept.
/// `keep` has no rules; `prefix`, `suffix` and a template are one rule that matches everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rename {
    /// In the file's order.
    pub rules: Vec<RenameRule>,
}

/// One `{match, to}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RenameRule {
    /// Whole-name match; `None` matches everything.
    pub matches: Option<Pattern>,
    /// What the new name is made of. `{source}` and `{target}` are literals here already.
    pub to: Vec<Part>,
}

/// A piece of a new name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// Text as it is.
    Literal(String),
    /// The whole old name.
    Topic,
    /// A capture group of the rule's `match`, by number (names are resolved).
    Group(usize),
}

/// `forward`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Forward {
    /// Every record.
    #[default]
    All,
    /// Only records that were produced on the source cluster itself.
    Local,
}

/// `delivery`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Delivery {
    /// One transaction holds records and progress.
    #[default]
    ExactlyOnce,
    /// Progress after acknowledgement; repeats after a crash.
    AtLeastOnce,
}

/// `profile`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Profile {
    /// Nothing is lost; the default.
    #[default]
    Durable,
    /// Larger batches, longer waits.
    Throughput,
    /// Small batches, no waits.
    Latency,
}

/// `start`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Start {
    /// From the log start offset.
    #[default]
    Earliest,
    /// From the end as it is at the first run.
    Latest,
    /// From the first record at or after this time, in milliseconds since the epoch.
    Timestamp(i64),
}

/// `limit`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// Bytes per second.
    Bytes(u64),
    /// Records per second.
    Records(u64),
}

/// `filter`: a record goes where all of it matches, whole and in bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Regex over the key.
    pub key: Option<Pattern>,
    /// Regexes over the values of headers, by the header's name, in the file's order.
    pub headers: Vec<(String, Pattern)>,
}

/// `sync`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sync {
    /// New topics are created on the target.
    pub topics: bool,
    /// Topic configs follow.
    pub configs: bool,
    /// Partition counts follow.
    pub partitions: bool,
    /// Consumer groups whose offsets follow; `None`: none.
    pub groups: Option<Groups>,
    /// Topic ACLs follow.
    pub acls: bool,
}

impl Default for Sync {
    fn default() -> Self {
        Self {
            topics: true,
            configs: true,
            partitions: true,
            groups: None,
            acls: false,
        }
    }
}

/// `sync.groups`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Groups {
    /// Groups that follow.
    pub include: Vec<Pattern>,
    /// Wins over `include`.
    pub exclude: Vec<Pattern>,
}

/// `on_oversize`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnOversize {
    /// The partition stops.
    #[default]
    Halt,
    /// The record goes to the dead-letter topic.
    DeadLetter,
    /// The record is left out, and counted.
    Skip,
}

/// `on_gap`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnGap {
    /// The partition stops.
    #[default]
    Halt,
    /// It goes on behind the gap; the lost range is told.
    Continue,
}

/// `on_recreated`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnRecreated {
    /// The topic stops.
    #[default]
    Halt,
    /// It is taken from the beginning of its new incarnation.
    Restart,
}

/// `expect`
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Expect {
    /// Lag in records: warn and alarm.
    pub lag: Thresholds<u64>,
    /// Replication latency: warn and alarm.
    pub latency: Thresholds<Duration>,
    /// Refused or dead-lettered records by records read, over 5 minutes; 0.001 is 0.1 %.
    pub error_rate: Thresholds<f64>,
    /// Expected rate; below half of it is an alarm.
    pub throughput: Option<Limit>,
}

/// From when on something is worth a look, and from when on it wakes somebody.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Thresholds<T> {
    /// Worth a look.
    pub warn: Option<T>,
    /// Wakes somebody.
    pub alarm: Option<T>,
}

impl Default for Expect {
    /// The thresholds operators of MirrorMaker use: 1,000 and 10,000 records; 5 and 30 seconds; 0.1 %.
    fn default() -> Self {
        Self {
            lag: Thresholds {
                warn: Some(1_000),
                alarm: Some(10_000),
            },
            latency: Thresholds {
                warn: Some(Duration::from_secs(5)),
                alarm: Some(Duration::from_secs(30)),
            },
            error_rate: Thresholds {
                warn: None,
                alarm: Some(0.001),
            },
            throughput: None,
        }
    }
}
