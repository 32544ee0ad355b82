//! Why a partition stands or waits, and what to do about it.

use super::Rules;
use crate::kafka::TopicDescribed;
use crate::stream::engine::Twin;

impl Rules {
    /// A failover has stopped the edge.
    pub(super) fn fenced(&self, since: &str) -> String {
        let Self {
            file,
            source,
            target,
            ..
        } = self;
        let (from, to) = (source.alias(), target.alias());
        format!(
            "fenced: cluster `{from}` was failed over at {since}; `crossdock failback {file} --from {from} --to {to}` lets the edge go on"
        )
    }

    pub(super) fn progress_lost(&self, twin: &Twin) -> String {
        format!(
            "progress_lost: cluster `{}` holds neither a committed offset for {}-{} nor a record that this edge wrote; {}",
            self.target.alias(),
            twin.target_topic,
            twin.partition,
            self.decide(twin)
        )
    }

    pub(super) fn decide(&self, twin: &Twin) -> String {
        let Self { edge, file, .. } = self;
        let Twin {
            source_topic,
            partition,
            ..
        } = twin;
        format!(
            "decide where {source_topic}-{partition} goes on: `crossdock offsets {file} --edge {edge} --topic {source_topic} --partition {partition} --offset N --set` \
             (its log start offset copies again what is still there, its end skips it)"
        )
    }

    /// Why a target topic cannot be written, by what the cluster says about it.
    pub(super) fn ailment(
        &self,
        topic: &str,
        found: Option<&Result<TopicDescribed, String>>,
    ) -> Option<String> {
        let (alias, principal) = (self.target.alias(), self.target.principal());
        match found {
            None => Some(format!(
                "topic {topic} is not on cluster `{alias}`: it was deleted there"
            )),
            Some(Err(words)) => Some(format!(
                "{principal} may not DESCRIBE topic {topic} on cluster `{alias}`: {words}"
            )),
            Some(Ok(described)) => {
                let may = described.operations.as_ref()?;
                // To read as well: the positions of its partitions are committed with the records.
                let missing = ["WRITE", "READ"]
                    .into_iter()
                    .find(|operation| !may.contains(*operation) && !may.contains("ALL"))?;
                Some(format!(
                    "{principal} may not {missing} topic {topic} on cluster `{alias}`; it goes on by itself when that is granted"
                ))
            }
        }
    }
}
