//! The proof: every log of every cluster, read by a plain consumer and held against the script.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use crossdock_model::name::Alias;
use serde::Serialize;

use crate::kafka::{BATCH_RECORDS_MAX, Cluster, Reader, Received, TopicPartition};

use super::lab::Lab;
use super::script::{Identity, Script};

/// A cluster that stays silent this long is asked no further.
const SILENCE_MAX: Duration = Duration::from_secs(30);

/// What was found in one topic of one cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Line {
    /// The cluster.
    pub cluster: String,
    /// The topic.
    pub topic: String,
    /// Records that must be there.
    pub expected: u64,
    /// Different ones of these that are.
    pub arrived: u64,
    /// Those that are not.
    pub lost: u64,
    /// Copies too many.
    pub duplicated: u64,
    /// Records that came back to the cluster they were born on.
    pub returned: u64,
    /// Records before which a later one of their partition arrived.
    pub reordered: u64,
    /// Records that the graph does not send here, or that are not as they were produced.
    pub unexpected: u64,
}

/// What was found everywhere.
#[derive(Clone, Debug, Serialize)]
pub struct Proof {
    /// `exact` or `different`.
    pub verdict: &'static str,
    /// Under which guarantee.
    pub delivery: &'static str,
    /// Every topic of every cluster.
    pub topics: Vec<Line>,
}

/// What is in one topic: how often each record is there, and how many are out of order or no one's.
#[derive(Default)]
struct Contents {
    copies: BTreeMap<Identity, usize>,
    reordered: u64,
    strange: u64,
    last: BTreeMap<(usize, i32), u64>,
}

impl Proof {
    /// Reads everything.
    ///
    /// # Errors
    /// A cluster does not answer.
    pub fn read(lab: &Lab, script: &Script, produced: u64, is_exactly_once: bool) -> Result<Self> {
        let mut topics = Vec::new();
        for cluster in lab.clusters() {
            let mut contents = contents(cluster, script)?;
            let expected = script
                .expected()
                .keys()
                .filter(|(alias, _)| alias == cluster.alias());
            for (_, topic) in expected {
                contents.entry(topic.clone()).or_default();
            }
            for (topic, found) in contents {
                topics.push(line(cluster.alias(), &topic, &found, script, produced));
            }
        }
        let verdict = if topics.iter().all(Line::is_exact) {
            "exact"
        } else {
            "different"
        };
        let delivery = if is_exactly_once {
            "exactly_once"
        } else {
            "at_least_once"
        };
        Ok(Self {
            verdict,
            delivery,
            topics,
        })
    }

    /// Whether every record is exactly where the graph says, once.
    pub fn is_exact(&self) -> bool {
        self.verdict == "exact"
    }

    /// As a table.
    pub fn table(&self) -> String {
        let wide = |of: fn(&Line) -> &String, least| {
            self.topics
                .iter()
                .map(|l| of(l).len())
                .max()
                .unwrap_or(0)
                .max(least)
        };
        let (cluster, topic) = (wide(|l| &l.cluster, 7), wide(|l| &l.topic, 5));
        let mut text = String::new();
        // Writing into a string does not fail.
        writeln!(
            text,
            "{:cluster$}  {:topic$}  {:>9}  {:>9}  {:>6}  {:>10}  {:>8}  {:>9}  {:>10}",
            "CLUSTER",
            "TOPIC",
            "EXPECTED",
            "ARRIVED",
            "LOST",
            "DUPLICATED",
            "RETURNED",
            "REORDERED",
            "UNEXPECTED"
        )
        .ok();
        for line in &self.topics {
            writeln!(
                text,
                "{:cluster$}  {:topic$}  {:>9}  {:>9}  {:>6}  {:>10}  {:>8}  {:>9}  {:>10}{}",
                line.cluster,
                line.topic,
                line.expected,
                line.arrived,
                line.lost,
                line.duplicated,
                line.returned,
                line.reordered,
                line.unexpected,
                if line.is_exact() {
                    ""
                } else {
                    "  <-- not exact"
                }
            )
            .ok();
        }
        text
    }
}

impl Line {
    fn is_exact(&self) -> bool {
        self.lost + self.duplicated + self.returned + self.reordered + self.unexpected == 0
    }
}

fn line(
    cluster: &Alias,
    topic: &Arc<str>,
    found: &Contents,
    script: &Script,
    produced: u64,
) -> Line {
    let nothing = BTreeMap::new();
    let expected = script
        .expected()
        .get(&(cluster.clone(), topic.clone()))
        .unwrap_or(&nothing);
    let mut line = Line {
        cluster: cluster.to_string(),
        topic: topic.to_string(),
        expected: expected
            .values()
            .map(|copies| produced * *copies as u64)
            .sum(),
        reordered: found.reordered,
        unexpected: found.strange,
        ..Line::default()
    };
    for (identity, copies) in &found.copies {
        let copies = *copies as u64;
        let wanted = expected
            .get(&identity.birth)
            .map_or(0, |wanted| *wanted as u64);
        let birth = &script.births[identity.birth];
        line.arrived += copies.min(wanted);
        match copies.saturating_sub(wanted) {
            0 => {}
            surplus if birth.cluster == *cluster => line.returned += surplus,
            surplus if wanted == 0 => line.unexpected += surplus,
            surplus => line.duplicated += surplus,
        }
    }
    line.lost = line.expected - line.arrived.min(line.expected);
    line
}

/// Reads every topic of a cluster from its start to its last stable offset.
fn contents(cluster: &Cluster, script: &Script) -> Result<BTreeMap<Arc<str>, Contents>> {
    let partitions = Lab::partitions(cluster)?;
    let mut reader = Reader::new(
        cluster,
        &cluster
            .properties()
            .clone()
            .set("isolation.level", "read_committed"),
    )?;
    for (slot, (topic, partition)) in partitions.iter().enumerate() {
        reader.start(slot, topic, *partition, 0)?;
    }
    let mut contents: BTreeMap<Arc<str>, Contents> = BTreeMap::new();
    let mut open: Vec<bool> = vec![true; partitions.len()];
    let mut heard = Instant::now();
    while open.contains(&true) {
        reader
            .receive(Duration::from_millis(100), BATCH_RECORDS_MAX)
            .for_each(|slot, received| {
                heard = Instant::now();
                match received {
                    Received::Record(record) => {
                        note(&mut contents, &partitions[slot], record.value(), script)
                    }
                    Received::End(_) => open[slot] = false,
                    Received::OutOfRange | Received::Failed(_) => {}
                }
            });
        if heard.elapsed() > SILENCE_MAX {
            bail!(
                "cluster `{}` does not let its logs be read",
                cluster.alias()
            );
        }
    }
    Ok(contents)
}

fn note(
    contents: &mut BTreeMap<Arc<str>, Contents>,
    (topic, partition): &TopicPartition,
    value: Option<&[u8]>,
    script: &Script,
) {
    let found = contents.entry(topic.clone()).or_default();
    let Some(identity) = value
        .and_then(|v| Identity::read(v, &script.births))
        .filter(|i| i.partition == *partition)
    else {
        found.strange += 1;
        return;
    };
    *found.copies.entry(identity).or_default() += 1;
    let last = found
        .last
        .entry((identity.birth, identity.partition))
        .or_insert(identity.number);
    if identity.number < *last {
        found.reordered += 1;
    }
    *last = identity.number.max(*last);
}
