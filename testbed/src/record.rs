//! Records as they lie in a log, byte for byte, and what crossdock's header says about them.

use std::collections::BTreeMap;

/// The header that tells where a record was read, one per hop.
pub const VIA: &[u8] = b"crossdock-via";

/// A header: its name need not be text, and a null value is not an empty one.
pub type Header = (Vec<u8>, Option<Vec<u8>>);

/// One record of a log. `None` is Kafka's null, which differs from empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// Its offset; 0 where it has not been written yet.
    pub offset: i64,
    /// Milliseconds since 1970, as created.
    pub timestamp: Option<i64>,
    /// Its key.
    pub key: Option<Vec<u8>>,
    /// Its value.
    pub value: Option<Vec<u8>>,
    /// Its headers, in order, repeats kept.
    pub headers: Vec<Header>,
}

/// The visible records of one partition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PartitionLog {
    /// Log start offset.
    pub start: i64,
    /// Last stable offset when it was read.
    pub end: i64,
    /// All committed records between the two, in offset order.
    pub records: Vec<Record>,
}

/// All topics of one cluster, internal ones by name only.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClusterDump {
    /// The cluster's id.
    pub id: String,
    /// Partitions of each topic, by number.
    pub topics: BTreeMap<String, Vec<PartitionLog>>,
    /// Its consumer groups.
    pub groups: Vec<String>,
}

/// One hop of a record, parsed here a second time: the checks must not trust the product's reader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hop {
    /// Alias of the cluster that was read.
    pub alias: String,
    /// Its id.
    pub cluster: String,
    /// Topic that was read.
    pub topic: String,
    /// Partition that was read.
    pub partition: usize,
    /// Offset of the record that was read.
    pub offset: i64,
}

impl Hop {
    fn parse(value: Option<&Vec<u8>>) -> Option<Self> {
        let text = std::str::from_utf8(value?).ok()?;
        let parts: Vec<&str> = text.split('/').collect();
        let (&[alias, cluster, topic, partition, offset]
        | &[alias, cluster, topic, partition, offset, _]) = parts.as_slice()
        else {
            return None;
        };
        Some(Self {
            alias: alias.into(),
            cluster: cluster.into(),
            topic: topic.into(),
            partition: partition.parse().ok()?,
            offset: offset.parse().ok()?,
        })
    }
}

// === impl Record ===

impl Record {
    /// The hops it has made, oldest first.
    pub fn hops(&self) -> Vec<Hop> {
        let via = self.headers.iter().filter(|(name, _)| name == VIA);
        via.filter_map(|(_, value)| Hop::parse(value.as_ref()))
            .collect()
    }

    /// The last hop, which a replicated record carries as its very last header.
    pub fn last_hop(&self) -> Option<Hop> {
        let (name, value) = self.headers.last()?;
        if name == VIA {
            Hop::parse(value.as_ref())
        } else {
            None
        }
    }

    /// What is different between `self`, as it was read, and `copy`, one hop later.
    pub fn difference(&self, copy: &Self) -> Option<&'static str> {
        let without_hop = copy
            .headers
            .split_last()
            .map_or(&[][..], |(_, before)| before);
        if self.key != copy.key {
            Some("key")
        } else if self.value != copy.value {
            Some("value")
        } else if self.timestamp != copy.timestamp {
            Some("timestamp")
        } else if self.headers != without_hop {
            Some("headers")
        } else {
            None
        }
    }

    /// The identity that the ledger wrote into its value, if it has room for one.
    pub fn uid(&self) -> Option<&[u8]> {
        let value = self.value.as_deref()?.strip_prefix(b"uid=")?;
        let end = value.iter().position(|b| *b == b' ')?;
        Some(&value[..end])
    }

    /// A line for a person.
    pub fn describe(&self) -> String {
        let text = |bytes: &Option<Vec<u8>>| match bytes {
            None => "null".to_owned(),
            Some(b) => format!("{:?}", String::from_utf8_lossy(&b[..b.len().min(60)])),
        };
        let hops: Vec<String> = self
            .hops()
            .iter()
            .map(|h| format!("{}:{}@{}", h.topic, h.offset, h.alias))
            .collect();
        format!(
            "offset {} key {} value {} via [{}]",
            self.offset,
            text(&self.key),
            text(&self.value),
            hops.join(" ")
        )
    }
}
