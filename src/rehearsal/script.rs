//! What a rehearsal produces, and where the graph says that it arrives.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::Result;
use crossdock_model::graph::{Names, arrivals, births};
use crossdock_model::name::Alias;
use crossdock_model::topology::Topology;

use crate::kafka::{Feeder, PARTITION_BYTES_MAX};

use super::lab::{Lab, PARTITIONS};

/// What a record of a rehearsal takes in a log, with a few hops and its share of a batch; an upper
/// bound, because an embedded partition that grows too big loses its oldest records.
const RECORD_BYTES: usize = 700;

/// A topic that records are born in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Birth {
    /// The cluster that its application produces on.
    pub cluster: Alias,
    /// The topic.
    pub topic: String,
}

/// What is produced, and where it must arrive.
pub struct Script {
    /// In the file's order.
    pub births: Vec<Birth>,
    /// Records of each birth.
    pub records: u64,
    /// How many copies of a record of birth `.1` arrive at a topic of a cluster.
    expected: BTreeMap<(Alias, Arc<str>), BTreeMap<usize, usize>>,
}

/// The identity of a record: which birth, and the how-many-th of its partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Identity {
    /// Number of the birth.
    pub birth: usize,
    /// Partition it was produced to.
    pub partition: i32,
    /// Counts up within the partition.
    pub number: u64,
}

impl Script {
    /// What to produce for a topology, `records` to each topic, or fewer where an embedded partition
    /// would grow too big.
    pub fn new(topology: &Topology, records: u64, is_embedded: bool) -> Self {
        let names = Names::new(topology.draft());
        let births: Vec<_> = births(topology.draft(), &names)
            .into_iter()
            .map(|(cluster, topic)| Birth { cluster, topic })
            .collect();
        let mut expected: BTreeMap<_, BTreeMap<usize, usize>> = BTreeMap::new();
        for (number, birth) in births.iter().enumerate() {
            let home = (birth.cluster.clone(), Arc::from(birth.topic.as_str()));
            expected.entry(home).or_default().insert(number, 1);
            for arrival in arrivals(topology.draft(), &names, &birth.cluster, &birth.topic) {
                let place = (arrival.cluster, Arc::from(arrival.topic));
                *expected
                    .entry(place)
                    .or_default()
                    .entry(number)
                    .or_default() += arrival.copies;
            }
        }
        let busiest: usize = expected
            .values()
            .map(|copies| copies.values().sum())
            .max()
            .unwrap_or(1);
        let room = PARTITION_BYTES_MAX / RECORD_BYTES / busiest.max(1)
            * usize::try_from(PARTITIONS).unwrap_or(1);
        let room = u64::try_from(room).unwrap_or(u64::MAX);
        Self {
            births,
            records: if is_embedded {
                records.min(room)
            } else {
                records
            },
            expected,
        }
    }

    /// The topics of the rehearsal on a cluster.
    pub fn topics_on(&self, cluster: &Alias) -> impl Iterator<Item = &str> {
        self.expected
            .keys()
            .filter(move |(alias, _)| alias == cluster)
            .map(|(_, topic)| &**topic)
    }

    /// Every place that records must be at, with how many copies of each birth's records.
    pub fn expected(&self) -> &BTreeMap<(Alias, Arc<str>), BTreeMap<usize, usize>> {
        &self.expected
    }

    /// Produces the next records, from `from` up to but not with `to`, of every birth.
    ///
    /// # Errors
    /// A cluster does not take them.
    pub fn produce(&self, lab: &Lab, feeders: &Feeders, from: u64, to: u64) -> Result<()> {
        for (birth, place) in self.births.iter().enumerate() {
            let feeder = feeders.of(lab, &place.cluster)?;
            for count in from..to {
                let partition =
                    i32::try_from(count % u64::from(PARTITIONS.unsigned_abs())).unwrap_or(0);
                let number = count / u64::from(PARTITIONS.unsigned_abs());
                let identity = Identity {
                    birth,
                    partition,
                    number,
                };
                feeder.send(
                    &place.topic,
                    partition,
                    &format!("key-{}", count % 7),
                    &identity.write(place),
                )?;
            }
        }
        feeders.flush()
    }
}

/// One producer for each cluster.
pub struct Feeders(BTreeMap<Alias, Feeder>);

impl Feeders {
    /// Prepares them.
    ///
    /// # Errors
    /// A client cannot be set up.
    pub fn new(lab: &Lab) -> Result<Self> {
        let each = lab
            .clusters()
            .iter()
            .map(|c| Ok((c.alias().clone(), Feeder::new(c)?)));
        each.collect::<Result<_>>().map(Self)
    }

    fn of(&self, lab: &Lab, alias: &Alias) -> Result<&Feeder> {
        self.0
            .get(lab.cluster(alias)?.alias())
            .ok_or_else(|| anyhow::anyhow!("no producer for `{alias}`"))
    }

    fn flush(&self) -> Result<()> {
        self.0.values().try_for_each(|feeder| Ok(feeder.flush()?))
    }
}

impl Identity {
    fn write(self, birth: &Birth) -> String {
        let Self {
            birth: number_of_birth,
            partition,
            number,
        } = self;
        let (cluster, topic) = (&birth.cluster, &birth.topic);
        format!(
            r#"{{"born":"{topic}@{cluster}","birth":{number_of_birth},"partition":{partition},"number":{number}}}"#
        )
    }

    /// Reads a value back; `None` for anything that this rehearsal did not produce.
    pub fn read(value: &[u8], births: &[Birth]) -> Option<Self> {
        let json: serde_json::Value = serde_json::from_slice(value).ok()?;
        let identity = Self {
            birth: usize::try_from(json.get("birth")?.as_u64()?).ok()?,
            partition: i32::try_from(json.get("partition")?.as_i64()?).ok()?,
            number: json.get("number")?.as_u64()?,
        };
        (identity.write(births.get(identity.birth)?).as_bytes() == value).then_some(identity)
    }
}
