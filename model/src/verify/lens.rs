//! From a record's bytes to what is compared: which record it is, and what was to become of it.

use super::{Digest, Excuse, HeaderFold};
use crate::graph::{Admit, admit_path};
use crate::offsets::topic_id;
use crate::provenance::{HEADER, Hop};
use crate::select::{Chosen, Met, Selection};

/// What an edge's records are told by, in one partition.
#[derive(Clone, Debug)]
pub struct Lens {
    /// Id of the source cluster.
    pub source_id: String,
    /// Id of the target cluster.
    pub target_id: String,
    /// Source topic.
    pub topic: String,
    /// Partition, on both sides.
    pub partition: i32,
    /// Id of the source topic, where the cluster tells it.
    pub topic_id: Option<String>,
    /// The topic was created again since the edge began: only records that name its id are of the
    /// present incarnation.
    pub is_recreated: bool,
    /// Whether provenance headers are looked at.
    pub provenance: bool,
    /// `forward: local`.
    pub is_local_only: bool,
    /// Which records go, and without which headers; `None`: all, as they are.
    pub selection: Option<Selection>,
}

/// What was to become of a record of the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is copied.
    Copied,
    /// It is left out.
    Left(Excuse),
}

/// A record of the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SourceRecord {
    /// Its offset.
    pub offset: i64,
    /// Its parts.
    pub digest: Digest,
    /// What was to become of it.
    pub fate: Fate,
}

/// Where a record of the target comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Birth {
    /// A copy of this edge, of the record at this source offset.
    Ours {
        /// That offset.
        source: i64,
        /// Sent by `verify --repair`, later than its neighbours.
        is_repair: bool,
    },
    /// A copy of this edge, of a record of another partition.
    Displaced {
        /// That partition.
        partition: i32,
        /// The offset there.
        source: i64,
    },
    /// A copy of this edge, of an earlier incarnation of its topic.
    Earlier,
    /// Something else.
    Other,
}

/// A record of the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TargetRecord {
    /// Its offset.
    pub offset: i64,
    /// Its parts, without the hop that the edge has added.
    pub digest: Digest,
    /// Where it comes from.
    pub birth: Birth,
}

/// What a record's headers say; they are shown to it one by one, in their order.
pub struct Look<'l> {
    lens: &'l Lens,
    headers: HeaderFold,
    names_target: bool,
    has_hops: bool,
    /// Conditions of the edge's filter.
    met: Met,
    /// By the last hop: where it comes from, the headers before it, and whether others follow.
    last: Option<(Birth, HeaderFold, bool)>,
}

impl Lens {
    /// Begins to look at a record.
    pub fn look(&self) -> Look<'_> {
        Look {
            lens: self,
            headers: HeaderFold::default(),
            names_target: false,
            has_hops: false,
            met: Met::default(),
            last: None,
        }
    }

    fn birth(&self, hop: &Hop<'_>) -> Birth {
        if hop.cluster_id != self.source_id || hop.topic != self.topic {
            return Birth::Other;
        }
        let is_present = match hop.incarnation() {
            Some(id) => self
                .topic_id
                .as_deref()
                .is_none_or(|now| topic_id(now) == topic_id(id)),
            None => !self.is_recreated,
        };
        let (source, is_repair) = (hop.offset, hop.is_repair());
        match (is_present, hop.partition == self.partition) {
            (false, _) => Birth::Earlier,
            (true, true) => Birth::Ours { source, is_repair },
            (true, false) => Birth::Displaced {
                partition: hop.partition,
                source,
            },
        }
    }
}

impl Look<'_> {
    /// The next header.
    pub fn header(&mut self, name: &[u8], value: Option<&[u8]>) {
        if let Some((_, _, is_last)) = &mut self.last {
            *is_last = false;
        }
        if self.lens.provenance
            && name == HEADER.as_bytes()
            && let Some(hop) = value.and_then(Hop::parse)
        {
            self.has_hops = true;
            self.names_target |= hop.cluster_id == self.lens.target_id;
            self.last = Some((self.lens.birth(&hop), self.headers, true));
        }
        if let Some(selection) = &self.lens.selection {
            selection.meet(&mut self.met, name, value);
            if selection.drops(name) {
                return;
            }
        }
        self.headers.push(name, value);
    }

    /// As a record of the source.
    pub fn source(
        self,
        offset: i64,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        timestamp: i64,
    ) -> SourceRecord {
        let admitted = admit_path(
            self.lens.provenance,
            self.lens.is_local_only,
            self.names_target,
            self.has_hops,
        );
        let fate = match admitted {
            Admit::Copy => self.chosen(offset, key),
            Admit::DropLoop => Fate::Left(Excuse::Loop),
            Admit::DropNotLocal => Fate::Left(Excuse::Replica),
        };
        SourceRecord {
            offset,
            digest: Digest::new(key, value, self.headers, timestamp),
            fate,
        }
    }

    /// What `sample` and `filter` say.
    fn chosen(&self, offset: i64, key: Option<&[u8]>) -> Fate {
        let Some(selection) = &self.lens.selection else {
            return Fate::Copied;
        };
        match selection.decide(key, (self.lens.partition, offset), self.met) {
            Chosen::Take => Fate::Copied,
            Chosen::NotSampled => Fate::Left(Excuse::Sample),
            Chosen::Filtered => Fate::Left(Excuse::Filter),
        }
    }

    /// As a record of the target.
    pub fn target(
        self,
        offset: i64,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        timestamp: i64,
    ) -> TargetRecord {
        let (birth, headers) = match self.last {
            // The edge's hop is the very last header: what follows it was added later.
            Some((birth, before, true)) => (birth, before),
            Some((birth, before, false)) => (birth, before.broken()),
            None => (Birth::Other, self.headers),
        };
        TargetRecord {
            offset,
            digest: Digest::new(key, value, headers, timestamp),
            birth,
        }
    }
}
