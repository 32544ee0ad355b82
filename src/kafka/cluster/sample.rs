//! Looks at the first and the last records of topics: how large they are, and where they come from.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use crossdock_model::plan::{Sample, Sizes};
use crossdock_model::provenance::Hop;

use super::Cluster;
use crate::kafka::{BATCH_RECORDS_MAX, Error, Reader, Received, TopicPartition, VIA};

/// Offsets before the end in which the last record is looked for: markers and aborted records lie
/// between. Where there is none, the first record alone counts.
const TAIL: i64 = 20;

/// Partitions that are looked at together.
const PARTITIONS_AT_ONCE: usize = 100;

/// Partitions of one topic that are looked at.
const PARTITIONS_A_TOPIC: usize = 20;

/// How long the looking may take for that many; what has not come by then does not count.
const PATIENCE: Duration = Duration::from_secs(5);

impl Cluster {
    /// Samples of topics, from the log start and last stable offsets of their partitions.
    ///
    /// # Errors
    /// A client property that librdkafka refuses.
    pub fn samples(
        &self,
        spans: &BTreeMap<TopicPartition, (i64, i64)>,
    ) -> Result<BTreeMap<String, Sample>, Error> {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        let mut places = Vec::new();
        for (place, (start, end)) in spans {
            let count = counts.entry(&*place.0).or_default();
            if end > start && *count < PARTITIONS_A_TOPIC {
                *count += 1;
                places.push((place.clone(), *start, *end));
            }
        }
        let mut samples = BTreeMap::new();
        for some in places.chunks(PARTITIONS_AT_ONCE) {
            let heads: Vec<_> = some
                .iter()
                .map(|(p, start, end)| (p.clone(), *start, *end))
                .collect();
            let tails: Vec<_> = some
                .iter()
                .map(|(p, start, end)| (p.clone(), (end - TAIL).max(*start), *end))
                .collect();
            self.look(&heads, true, &mut samples)?;
            self.look(&tails, false, &mut samples)?;
        }
        Ok(samples)
    }

    /// Takes the first record of each stretch, or the last.
    fn look(
        &self,
        stretches: &[(TopicPartition, i64, i64)],
        is_first: bool,
        samples: &mut BTreeMap<String, Sample>,
    ) -> Result<(), Error> {
        let properties = self
            .properties()
            .clone()
            .set("isolation.level", "read_committed")
            .set("fetch.message.max.bytes", "65536")
            .set("queued.min.messages", "1");
        let mut reader = Reader::new(self, &properties)?;
        for (slot, ((topic, partition), start, _)) in stretches.iter().enumerate() {
            reader.start(slot, topic, *partition, *start)?;
        }
        let mut seen: Vec<Option<Seen>> = vec![None; stretches.len()];
        let mut sizes = vec![Sizes::default(); stretches.len()];
        let mut open: BTreeSet<usize> = (0..stretches.len()).collect();
        let since = Instant::now();
        while !open.is_empty() && since.elapsed() < PATIENCE {
            let mut done = BTreeSet::new();
            reader
                .receive(Duration::from_millis(100), BATCH_RECORDS_MAX)
                .for_each(|slot, received| {
                    let is_open = open.contains(&slot) && !done.contains(&slot);
                    if let Received::Record(record) = &received {
                        // What came along tells of the size, too.
                        sizes[slot].records += 1;
                        sizes[slot].bytes += record.bytes();
                    }
                    match received {
                        Received::Record(record) if is_open => {
                            let mut look = Seen::default();
                            record.each_header(VIA, |value| look.header(value));
                            seen[slot] = Some(look);
                            if is_first || record.offset() + 1 >= stretches[slot].2 {
                                done.insert(slot);
                            }
                        }
                        Received::Record(_) => {}
                        _ => {
                            done.insert(slot);
                        }
                    }
                });
            for slot in done {
                let (topic, partition) = &stretches[slot].0;
                reader.stop(topic, *partition);
                open.remove(&slot);
            }
        }
        for ((((topic, partition), _, _), look), size) in stretches.iter().zip(seen).zip(sizes) {
            let Some(look) = look else { continue };
            let sample = samples.entry(topic.to_string()).or_default();
            let all = sample.sizes.entry(*partition).or_default();
            all.records += size.records;
            all.bytes += size.bytes;
            look.count(sample);
        }
        Ok(())
    }
}

/// What one record says.
#[derive(Clone, Default)]
struct Seen {
    passed: BTreeSet<String>,
    origin: Option<(String, String)>,
}

impl Seen {
    fn header(&mut self, value: &[u8]) {
        if let Some(hop) = Hop::parse(value) {
            self.passed.insert(hop.cluster_id.to_owned());
            self.origin = Some((hop.cluster_id.to_owned(), hop.topic.to_owned()));
        }
    }

    fn count(self, sample: &mut Sample) {
        // One record that was produced here makes the topic no replica.
        sample.lineage = match (&sample.lineage, self.passed.is_empty()) {
            (_, true) => None,
            (None, false) if sample.records == 0 => Some(self.passed),
            (None, false) => None,
            (Some(all), false) => Some(all & &self.passed),
        };
        sample.records += 1;
        sample.origins.extend(self.origin);
    }
}
