//! Every key of the file, how its value is written and what it means: one table for the parser, the
//! schema and "did you mean".

use crate::edge::{Delivery, Forward, OnGap, OnOversize, OnRecreated, Profile};

/// A key, as the parser knows it and as the schema tells it.
pub(super) struct Known {
    pub(super) name: &'static str,
    pub(super) form: Form,
    pub(super) about: &'static str,
    /// A value as it may be written, in JSON; it is read in a test.
    pub(super) example: &'static str,
}

/// How a value is written.
#[derive(Clone, Copy)]
pub(super) enum Form {
    /// The name of a topology.
    TopologyName,
    /// The name of an edge.
    EdgeName,
    /// The name of a consumer group, or none.
    Group,
    /// One declared cluster.
    Alias,
    /// One or several declared clusters.
    Aliases,
    /// `clusters`
    Clusters,
    /// `edges`
    Edges,
    /// `true` or `false`.
    Flag,
    /// One of these.
    Word(fn() -> Vec<&'static str>),
    /// One regex or a list of them.
    Patterns,
    /// The same, or none.
    PatternsOrNone,
    /// One regex.
    Pattern,
    /// A word, a template or rules.
    Rename,
    /// A regex for each of some names.
    ByName,
    /// A template.
    Template,
    /// A whole number of streams.
    Streams,
    /// Where a first run begins.
    Start,
    /// A size in bytes.
    Size,
    /// Per second, or none.
    Rate,
    /// A number of records, or none.
    Records,
    /// A duration, or none.
    Duration,
    /// A share, or none.
    Share,
    /// Client properties of the edge's reader.
    Consumer,
    /// Client properties of the edge's writer.
    Producer,
    /// Groups: patterns, or which are in and which are out.
    Groups,
    /// A mapping with these keys.
    Map(&'static [Known]),
    /// The same, or none.
    MapOrNone(&'static [Known]),
}

/// Words with what they mean.
pub(crate) type Words<T> = &'static [(&'static str, T)];

pub(crate) const FORWARD: Words<Forward> = &[("all", Forward::All), ("local", Forward::Local)];
pub(crate) const DELIVERY: Words<Delivery> = &[
    ("exactly_once", Delivery::ExactlyOnce),
    ("at_least_once", Delivery::AtLeastOnce),
];
pub(crate) const PROFILE: Words<Profile> = &[
    ("durable", Profile::Durable),
    ("throughput", Profile::Throughput),
    ("latency", Profile::Latency),
];
pub(crate) const ON_OVERSIZE: Words<OnOversize> = &[
    ("halt", OnOversize::Halt),
    ("dead_letter", OnOversize::DeadLetter),
    ("skip", OnOversize::Skip),
];
pub(crate) const ON_GAP: Words<OnGap> = &[("halt", OnGap::Halt), ("continue", OnGap::Continue)];
pub(crate) const ON_RECREATED: Words<OnRecreated> = &[
    ("halt", OnRecreated::Halt),
    ("restart", OnRecreated::Restart),
];
/// Words that `rename` takes besides templates.
pub(super) const RENAMES: &[&str] = &["keep", "prefix", "suffix"];

/// The words alone.
fn only<T>(words: Words<T>) -> Vec<&'static str> {
    words.iter().map(|(word, _)| *word).collect()
}

/// The names of keys, table after table.
pub(super) fn names(tables: &[&'static [Known]]) -> Vec<&'static str> {
    let rows = tables.iter().flat_map(|table| table.iter());
    rows.map(|known| known.name).collect()
}

/// Whether a table has a key.
pub(super) fn has(table: &[Known], name: &str) -> bool {
    table.iter().any(|known| known.name == name)
}

const fn key(name: &'static str, form: Form, example: &'static str, about: &'static str) -> Known {
    Known {
        name,
        form,
        about,
        example,
    }
}

/// The file itself.
#[rustfmt::skip]
pub(super) const TOPOLOGY: &[Known] = &[
    key("topology", Form::TopologyName, r#""cn-prod""#, "Name of the topology: groups and transactional ids begin with it."),
    key("home", Form::Alias, r#""bj""#, "The cluster that keeps the applied topology."),
    key("clusters", Form::Clusters, r#"{"bj": {"bootstrap.servers": "bj-kafka1:9092"}}"#, "Kafka clusters by alias, each with its client properties, by their Java or librdkafka names."),
    key("defaults", Form::Map(SETTINGS), r#"{"profile": "durable"}"#, "Keys of edges that hold for every edge which does not say otherwise."),
    key("edges", Form::Edges, r#"[{"from": "bj", "to": "sh", "topics": "orders"}]"#, "What is replicated, from where to where."),
];

/// An entry of `edges`, besides [`SETTINGS`].
#[rustfmt::skip]
pub(super) const ENTRY: &[Known] = &[
    key("from", Form::Aliases, r#""bj""#, "The cluster that is read; of a list, each."),
    key("to", Form::Aliases, r#"["sh"]"#, "The cluster that is written; of a list, each."),
    key("both_ways", Form::Flag, "true", "Makes an edge each way."),
    key("name", Form::EdgeName, r#""orders""#, "Name of the edge, `<from>-to-<to>` unless given. Progress is kept under it."),
    key("renamed_from", Form::EdgeName, r#""old""#, "The edge's former name, from which its progress is carried over."),
];

/// What an entry and `defaults` share.
#[rustfmt::skip]
pub(super) const SETTINGS: &[Known] = &[
    key("topics", Form::Patterns, r#"["orders.*", "users"]"#, "Topics that are taken: regexes over whole names. Internal topics never are."),
    key("exclude_topics", Form::PatternsOrNone, r#""orders-dlq""#, "Topics that are left out; wins over `topics`."),
    key("rename", Form::Rename, r#"[{"match": "a-(.*)", "to": "b-$1"}]"#, "Name on the target: keep (the same), prefix ({source}.{topic}), suffix ({topic}-{source}), a template, or rules of which the first that matches wins."),
    key("forward", Form::Word(|| only(FORWARD)), r#""local""#, "local: only records that were produced on the source cluster itself."),
    key("provenance", Form::Flag, "false", "Whether records carry the header that keeps them from returning."),
    key("merge", Form::Flag, "true", "Whether other edges that say the same may write the same topics."),
    key("delivery", Form::Word(|| only(DELIVERY)), r#""at_least_once""#, "exactly_once: one transaction holds records and progress."),
    key("profile", Form::Word(|| only(PROFILE)), r#""latency""#, "A set of client settings; `crossdock validate --effective` prints it."),
    key("streams", Form::Streams, "4", "Parallel streams."),
    key("start", Form::Start, r#""2026-01-31T08:00:00+08:00""#, "Where the edge's first run begins: earliest, latest, or a time of RFC 3339."),
    key("max_in_flight", Form::Size, r#""64MiB""#, "Bound on what is read and not yet acknowledged."),
    key("limit", Form::Rate, r#""20MiB/s""#, "Most that the edge carries, such as 20MiB/s or 5000 records/s."),
    key("consumer", Form::Consumer, r#"{"fetch.min.bytes": 1000}"#, "Client properties of this edge's readers."),
    key("producer", Form::Producer, r#"{"linger.ms": 5}"#, "Client properties of this edge's writers."),
    key("sample", Form::Share, r#""1%""#, "Share of the records that go, by key: a key is in the sample or not, always; records without key are told apart by their offset."),
    key("filter", Form::MapOrNone(FILTER), r#"{"key": "eu-.*", "header": {"env": "test|dev"}}"#, "Which records go, by what they hold: regexes over whole keys and header values, in bytes. All of them must match."),
    key("drop_headers", Form::PatternsOrNone, r#"["trace-.*"]"#, "Headers that are left behind: regexes over whole names."),
    key("sync", Form::Map(SYNC), r#"{"groups": "app-.*"}"#, "What follows besides records."),
    key("on_oversize", Form::Word(|| only(ON_OVERSIZE)), r#""skip""#, "What becomes of a record that the target refuses as too large."),
    key("on_gap", Form::Word(|| only(ON_GAP)), r#""continue""#, "What happens where source records are lost to retention or truncation."),
    key("on_recreated", Form::Word(|| only(ON_RECREATED)), r#""restart""#, "What happens where a source topic is deleted and created again."),
    key("expect", Form::Map(EXPECT), r#"{"lag": {"warn": 1000, "alarm": 10000}}"#, "Thresholds for status and alarms."),
    key("enabled", Form::Flag, "false", "Whether the edge runs."),
    key("report_group", Form::Group, r#""lag-of-bj""#, "A group at the source to which the edge's position is committed as well, so that lag shows there."),
];

/// `sync`
#[rustfmt::skip]
pub(super) const SYNC: &[Known] = &[
    key("topics", Form::Flag, "false", "Topics are created on the target."),
    key("configs", Form::Flag, "false", "Configs of topics follow."),
    key("partitions", Form::Flag, "false", "Partition counts follow."),
    key("groups", Form::Groups, r#"{"include": "app-.*", "exclude": ["app-test"]}"#, "Consumer groups whose offsets are translated."),
    key("acls", Form::Flag, "true", "Access rules of topics follow."),
];

/// `filter`
#[rustfmt::skip]
pub(super) const FILTER: &[Known] = &[
    key("key", Form::Pattern, r#""eu-.*""#, "Regex over the whole key; a record without key does not match."),
    key("header", Form::ByName, r#"{"env": "test|dev"}"#, "By the name of a header, a regex over its whole value; of several, one that matches is enough."),
];

/// `sync.groups`
#[rustfmt::skip]
pub(super) const GROUPS: &[Known] = &[
    key("include", Form::PatternsOrNone, r#""app-.*""#, "Groups that follow: regexes over whole names."),
    key("exclude", Form::PatternsOrNone, r#"["app-test"]"#, "Groups that do not."),
];

/// `expect`
#[rustfmt::skip]
pub(super) const EXPECT: &[Known] = &[
    key("lag", Form::MapOrNone(LAG), r#"{"warn": 1000}"#, "How far behind, in records."),
    key("latency", Form::MapOrNone(LATENCY), r#"{"alarm": "30s"}"#, "Time from source to target."),
    key("error_rate", Form::MapOrNone(ERROR_RATE), r#"{"alarm": "0.1%"}"#, "Refused or dead-lettered of what was read, over 5 minutes."),
    key("throughput", Form::Rate, r#""5000 records/s""#, "What is expected; alarms below half of it."),
];

#[rustfmt::skip]
pub(super) const LAG: &[Known] = &[
    key("warn", Form::Records, "1000", "From here on, a warning."),
    key("alarm", Form::Records, "10000", "From here on, an alarm."),
];

#[rustfmt::skip]
pub(super) const LATENCY: &[Known] = &[
    key("warn", Form::Duration, r#""5s""#, "From here on, a warning."),
    key("alarm", Form::Duration, r#""30s""#, "From here on, an alarm."),
];

#[rustfmt::skip]
pub(super) const ERROR_RATE: &[Known] = &[
    key("warn", Form::Share, r#""0.01%""#, "From here on, a warning."),
    key("alarm", Form::Share, r#""0.1%""#, "From here on, an alarm."),
];

/// A rule of `rename`.
#[rustfmt::skip]
pub(super) const RULE: &[Known] = &[
    key("match", Form::Pattern, r#""a-(.*)""#, "Regex over the whole name."),
    key("to", Form::Template, r#""b-$1""#, "The new name; knows {topic}, {source}, {target}, and $1 for what the first parentheses matched."),
];
