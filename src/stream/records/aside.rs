//! Records that the target refused and the edge goes on without: left out, or put into its dead-letter
//! topic, in the same transaction as the position behind them.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::Arc;

use crossdock_model::dead_letter::{ERROR, REASON, SOURCE, TARGET, TIMESTAMP, TOPIC_CONFIGS};
use crossdock_model::edge::OnOversize;

use crate::kafka::{
    Cluster, CommitError, Error, Position, Record, Refusal, Refused, Stamp, TopicSettings, Writer,
};
use crate::stream::engine::Twin;
use crate::stream::seams::Fate;

/// What is known of refused records.
pub(super) struct Aside {
    policy: OnOversize,
    topic: Arc<str>,
    target: Arc<Cluster>,
    is_topic_there: bool,
    records: BTreeMap<Twin, Reasons>,
    /// The size of the smallest record that each target topic refused as too large: those that are not
    /// smaller are sent alone, so that the next one to be refused is known at once.
    large: BTreeMap<Arc<str>, u64>,
    probed: BTreeMap<Twin, Probation>,
}

/// Records that were refused together: they are sent again in parts, so that the culprit is found.
#[derive(Clone, Debug)]
pub(super) struct Probation {
    /// Their source offsets.
    pub(super) offsets: RangeInclusive<i64>,
    /// Records of one part.
    pub(super) part: usize,
}

/// Why records of one partition are set aside, by their source offsets.
pub(super) type Reasons = BTreeMap<i64, Reason>;

/// Why a record is set aside.
#[derive(Clone, Debug)]
pub(super) struct Reason {
    why: Refusal,
    error: String,
}

/// A refused record that is met again, and where it was to go.
pub(super) struct Met<'a> {
    pub(super) twin: &'a Twin,
    pub(super) reason: &'a Reason,
    /// Its place at the source, as a hop.
    pub(super) hop: &'a [u8],
    /// Whether it gets the provenance header.
    pub(super) provenance: bool,
}

impl Aside {
    pub(super) fn new(policy: OnOversize, topic: &str, target: &Arc<Cluster>) -> Self {
        Self {
            policy,
            topic: topic.into(),
            target: target.clone(),
            is_topic_there: false,
            records: BTreeMap::new(),
            large: BTreeMap::new(),
            probed: BTreeMap::new(),
        }
    }

    /// Goes on without a record that was refused, where the policy is to do so.
    pub(super) fn add(&mut self, twin: &Twin, refused: &Refused) -> Fate {
        let fate = match self.policy {
            OnOversize::Halt => return Fate::Stands,
            OnOversize::Skip => Fate::Skipped,
            OnOversize::DeadLetter => Fate::DeadLetter,
        };
        if refused.why == Refusal::NoDeadLetter {
            return Fate::Stands;
        }
        let reason = Reason {
            why: refused.why,
            error: refused.error.reason.clone(),
        };
        let reasons = self.records.entry(twin.clone()).or_default();
        reasons.insert(refused.source_offset, reason);
        fate
    }

    /// What of a partition is set aside.
    pub(super) fn of(&self, twin: &Twin) -> Reasons {
        self.records.get(twin).cloned().unwrap_or_default()
    }

    /// Sends records of a partition in parts from now on.
    pub(super) fn probe(&mut self, twin: &Twin, probation: Probation) {
        self.probed.insert(twin.clone(), probation);
    }

    /// Which records of a partition are sent in parts.
    pub(super) fn probation(&self, twin: &Twin) -> Option<Probation> {
        self.probed.get(twin).cloned()
    }

    /// From which size on records of a target topic are sent alone.
    pub(super) fn large(&self, target_topic: &Arc<str>) -> Option<u64> {
        self.large.get(target_topic).copied()
    }

    /// Forgets what lies before committed positions.
    pub(super) fn passed(&mut self, positions: &[Position]) {
        if self.records.is_empty() && self.probed.is_empty() {
            return;
        }
        for (target, position, _) in positions {
            self.probed
                .retain(|twin, p| twin.target() != *target || p.offsets.end() >= position);
            for (twin, reasons) in &mut self.records {
                if twin.target() == *target {
                    *reasons = reasons.split_off(position);
                }
            }
        }
        self.records.retain(|_, reasons| !reasons.is_empty());
    }

    /// Deals with a refused record as the policy says.
    pub(super) fn put(
        &mut self,
        writer: &mut Writer,
        record: &mut Record<'_>,
        met: &Met<'_>,
    ) -> Result<Fate, CommitError> {
        if met.reason.why == Refusal::Oversize {
            let least = self.large.entry(met.twin.target_topic.clone());
            let size = record.size();
            least
                .and_modify(|least| *least = size.min(*least))
                .or_insert(size);
        }
        if self.policy != OnOversize::DeadLetter {
            return Ok(Fate::Skipped);
        }
        let (offset, bytes) = (record.offset(), record.bytes());
        let refused = |why, error: Error| {
            CommitError::Refused(vec![Refused {
                topic: met.twin.target_topic.clone(),
                partition: met.twin.partition,
                source_offset: offset,
                bytes,
                why,
                error,
            }])
        };
        self.provide_topic()
            .map_err(|e| refused(Refusal::Passing, e))?;
        let timestamp = record.timestamp().to_string();
        let target = format!("{}/{}", met.twin.target_topic, met.twin.partition);
        let more = [
            (SOURCE, met.hop),
            (TARGET, target.as_bytes()),
            (TIMESTAMP, timestamp.as_bytes()),
            (REASON, met.reason.word().as_bytes()),
            (ERROR, met.reason.error.as_bytes()),
        ];
        let stamp = Stamp {
            more: &more,
            via: met.provenance.then_some(met.hop),
            ..Stamp::default()
        };
        // Alone, so that what is refused now can only be the dead letter.
        writer.flush()?;
        let sent = writer.send(&self.topic, 0, record, &stamp);
        let why_not = match sent.and_then(|()| writer.flush()) {
            Ok(()) => return Ok(Fate::DeadLetter),
            Err(CommitError::Refused(list)) => list.into_iter().next(),
            Err(other) => return Err(other),
        };
        let Some(Refused { why, error, .. }) = why_not else {
            return Ok(Fate::DeadLetter);
        };
        self.is_topic_there = false;
        Err(refused(
            match why {
                Refusal::Passing => Refusal::Passing,
                _ => Refusal::NoDeadLetter,
            },
            error,
        ))
    }

    fn provide_topic(&mut self) -> Result<(), Error> {
        if self.is_topic_there {
            return Ok(());
        }
        if self.target.partitions(&self.topic)?.is_none() {
            let configs = TOPIC_CONFIGS.map(|(key, value)| (key.to_owned(), value.to_owned()));
            let settings = TopicSettings {
                configs: configs.into(),
            };
            self.target.create_topic(&self.topic, 1, &settings)?;
            tracing::info!(
                "Created dead-letter topic {} on cluster {}.",
                self.topic,
                self.target.alias()
            );
        }
        self.is_topic_there = true;
        Ok(())
    }
}

impl Reason {
    fn word(&self) -> &'static str {
        match self.why {
            Refusal::Oversize => "oversize",
            _ => "invalid",
        }
    }
}
