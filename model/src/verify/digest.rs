//! What of a record is compared, in 32 bytes.

use xxhash_rust::xxh3::xxh3_64;

/// Kafka's null, which differs from empty.
const NULL: u64 = 0x9e37_79b9_7f4a_7c15;

/// A part of a record that may differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// Its key.
    Key,
    /// Its value.
    Value,
    /// Its headers: names, values, order, repeats.
    Headers,
    /// Its timestamp.
    Timestamp,
    /// The number of its partition.
    Partition,
}

impl Part {
    /// Its name, in text and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::Value => "value",
            Self::Headers => "headers",
            Self::Timestamp => "timestamp",
            Self::Partition => "partition",
        }
    }
}

/// A record's parts, each as a 64-bit hash (XXH3): one altered record in 2^64 goes unseen. It is no
/// shield against somebody who forges hashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest {
    pub(super) key: u64,
    value: u64,
    headers: u64,
    timestamp: i64,
}

impl Digest {
    /// The digest of a record. `timestamp` is in milliseconds since the epoch.
    pub fn new(
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: HeaderFold,
        timestamp: i64,
    ) -> Self {
        Self {
            key: hash(key),
            value: hash(value),
            headers: headers.0,
            timestamp,
        }
    }

    /// Whether its key is null.
    pub(super) fn has_no_key(&self) -> bool {
        self.key == NULL
    }

    /// Whether its value is null.
    pub(super) fn is_tombstone(&self) -> bool {
        self.value == NULL
    }

    /// The same without its timestamp.
    pub(super) fn timeless(mut self) -> Self {
        self.timestamp = 0;
        self
    }

    /// The parts in which a copy differs, by name and joined by commas; `None` where it does not.
    pub(super) fn altered(&self, copy: &Self, ignores_timestamps: bool) -> Option<String> {
        if self == copy {
            return None;
        }
        let differs = [
            (Part::Key, self.key != copy.key),
            (Part::Value, self.value != copy.value),
            (Part::Headers, self.headers != copy.headers),
            (
                Part::Timestamp,
                !ignores_timestamps && self.timestamp != copy.timestamp,
            ),
        ];
        let names: Vec<_> = differs
            .iter()
            .filter(|(_, differs)| *differs)
            .map(|(part, _)| part.as_str())
            .collect();
        (!names.is_empty()).then(|| names.join(","))
    }

    /// How many of its parts are those of another record.
    pub(super) fn likeness(&self, other: &Self) -> usize {
        usize::from(self.key == other.key && !self.has_no_key())
            + usize::from(self.value == other.value)
            + usize::from(self.timestamp == other.timestamp)
    }
}

/// Headers, folded in their order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HeaderFold(u64);

impl HeaderFold {
    /// One more header.
    pub fn push(&mut self, name: &[u8], value: Option<&[u8]>) {
        let folded = self.0.rotate_left(23) ^ xxh3_64(name);
        self.0 = folded
            .wrapping_mul(0xff51_afd7_ed55_8ccd)
            .rotate_left(31)
            .wrapping_add(hash(value))
            .wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    }

    /// Headers that no record can have: whatever they are compared with, they differ.
    pub(super) fn broken(self) -> Self {
        Self(!self.0)
    }
}

fn hash(bytes: Option<&[u8]>) -> u64 {
    bytes.map_or(NULL, xxh3_64)
}
