//! Waiting until a scene has come to rest, and the verdict on it.

use std::collections::BTreeMap;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::Scene;
use crate::pool::Lease;
use crate::record::Record;
use crate::verdict::{Verdict, judge};
use crate::wait::Still;
use crate::{admin, dock, dump, wait};

/// Where applied topologies are kept.
const CONTROL_TOPIC: &str = "crossdock.topology";

/// How long all logs must stand still to be at rest.
const REST: Duration = Duration::from_millis(1500);

impl Scene {
    /// Waits until every running crossdock says that it has caught up, and the logs agree.
    pub fn until_caught_up(&mut self) {
        self.until_caught_up_where(|_| true);
        let mut logs = Still::new(self.ends());
        wait::until("all logs at rest", self.patience, || {
            self.all_caught_up(&|_| true)?;
            logs.stands(self.ends(), REST)?;
            self.unfinished()
        });
    }

    /// A commit is answered before its end is written to every partition: what an edge says it has
    /// copied may be seen a moment later, on a busy machine seconds.
    fn unfinished(&self) -> Result<(), String> {
        for (alias, topics) in self.target_topics() {
            let open = dump::OpenTransactions::new(&self.bootstrap(&alias), &topics);
            if !open.are_over() {
                return Err(format!("a transaction may be open on {alias}"));
            }
        }
        Ok(())
    }

    /// Waits until the logs stand still and one of the crossdocks says that it has caught up.
    pub fn until_one_caught_up(&mut self) {
        let mut logs = Still::new(self.ends());
        wait::until("all logs at rest", self.patience, || {
            let mut said = Err("no crossdock runs".to_owned());
            for dock in self.docks.values_mut() {
                let status = dock.status().and_then(|s| dock::caught_up(&s, &|_| true));
                said = said.or(status);
            }
            said?;
            logs.stands(self.ends(), REST)?;
            self.unfinished()
        });
    }

    /// Waits until the edges that are `asked` for say so.
    pub fn until_caught_up_where(&mut self, asked: impl Fn(&str) -> bool) {
        wait::until("caught up", self.patience, || self.all_caught_up(&asked));
    }

    fn all_caught_up(&mut self, asked: &dyn Fn(&str) -> bool) -> Result<(), String> {
        self.assert_running();
        for (name, dock) in &mut self.docks {
            let status = dock.status().map_err(|e| format!("{name}: {e}"))?;
            dock::caught_up(&status, asked).map_err(|e| format!("{name}: {e}"))?;
        }
        Ok(())
    }

    /// One that has ended copies nothing any more: no need to wait until time runs out.
    fn assert_running(&mut self) {
        for (name, dock) in &mut self.docks {
            assert!(
                dock.is_running(),
                "{name} has ended:\n{}",
                dock.log_tail(20)
            );
        }
    }

    /// Waits until every topic that should be on a cluster is there.
    pub fn until_topics(&self, alias: &str) {
        let bootstrap = self.bootstrap(alias);
        let wanted = self.known.topics.get(alias).cloned().unwrap_or_default();
        wait::until("the topics are there", self.patience, || {
            let there = dump::topics(&bootstrap);
            let missing: Vec<&String> = wanted.iter().filter(|t| !there.contains_key(*t)).collect();
            match missing.is_empty() {
                true => Ok(()),
                false => Err(format!("{missing:?}")),
            }
        });
    }

    /// Waits until more than `count` records lie in `topic`: the fault comes in the middle of it.
    pub fn until_copied(&mut self, alias: &str, topic: &str, count: i64) {
        let bootstrap = self.bootstrap(alias);
        wait::until("records arrive", self.patience, || {
            self.assert_running();
            let ends = dump::ends(&bootstrap);
            let found: i64 = ends
                .get(topic)
                .into_iter()
                .flatten()
                .map(|(_, end)| end)
                .sum();
            if found > count {
                Ok(())
            } else {
                Err(format!("{found} of {count} in {topic}"))
            }
        });
    }

    /// Waits until a source partition is in a state, and returns its reason. Caught up is one that knows of
    /// all that its log holds now.
    pub fn until_partition(&mut self, topic: &str, partition: i64, state: &str) -> String {
        let what = format!("{topic}-{partition} is {state}");
        wait::until(&what, self.patience, || {
            let all = self.said_of(topic, partition)?;
            let Some((source, found)) = all.iter().find(|(_, found)| found["state"] == state)
            else {
                return Err(format!("{all:?}"));
            };
            let number = usize::try_from(partition).expect("it is a number");
            let end = || self.logs(source, topic)[number].1;
            if state == "caught_up" && found["log_end_offset"] != end() {
                return Err(format!("it does not know of all that there is: {found}"));
            }
            if state == "caught_up" {
                self.unfinished()?;
            }
            Ok(found["reason"].as_str().unwrap_or_default().to_owned())
        })
    }

    /// What the crossdocks say of a source partition, each with the cluster that it is of.
    fn said_of(&mut self, topic: &str, partition: i64) -> Result<Vec<(String, Value)>, String> {
        let mut said = Vec::new();
        for dock in self.docks.values_mut() {
            let status = dock.status()?;
            for edge in status["edges"].as_array().into_iter().flatten() {
                let source = edge["source"].as_str().unwrap_or_default();
                let all = edge["partitions"].as_array().into_iter().flatten();
                let its = all.filter(|p| p["topic"] == topic && p["partition"] == partition);
                said.extend(its.map(|found| (source.to_owned(), found.clone())));
            }
        }
        Ok(said)
    }

    /// Waits until the first edge gives a reason that has these words.
    pub fn until_reason(&mut self, words: &str) {
        wait::until(&format!("the edge says: {words}"), self.patience, || {
            let status = self.dock(super::DOCK).status()?;
            let reason = status["edges"][0]["reason"].as_str().unwrap_or_default();
            match reason.contains(words) {
                true => Ok(()),
                false => Err(status["edges"][0].to_string()),
            }
        });
    }

    /// Waits until the status of the first edge tells that so many dead letters were replayed.
    pub fn until_replays_are_told(&mut self, count: u64) {
        wait::until("replays are told", self.patience, || {
            let status = self.dock(super::DOCK).status()?;
            match status["edges"][0]["replayed_total"].as_u64() {
                Some(told) if told == count => Ok(()),
                told => Err(format!("{told:?}")),
            }
        });
    }

    /// How many committed records lie in a topic.
    pub fn count(&self, alias: &str, topic: &str) -> u64 {
        dump::count(&self.bootstrap(alias), topic)
    }

    /// The committed records of a topic, partition after partition.
    pub fn records(&self, alias: &str, topic: &str) -> Vec<Record> {
        let logs = dump::dump_topic(&self.bootstrap(alias), topic);
        logs.into_iter().flat_map(|log| log.records).collect()
    }

    /// Log start and last stable offset of each partition.
    pub fn logs(&self, alias: &str, topic: &str) -> Vec<(i64, i64)> {
        dump::ends(&self.bootstrap(alias))
            .remove(topic)
            .unwrap_or_default()
    }

    /// Waits until every partition has grown beyond `before`: each has an owner who copies.
    pub fn until_all_grow(&self, alias: &str, topic: &str, before: &[(i64, i64)], limit: Duration) {
        assert!(!before.is_empty(), "what is to grow must be there");
        wait::until("every partition grows", limit, || {
            let now = self.logs(alias, topic);
            let mut pairs = now.iter().zip(before);
            let all = pairs.all(|((_, now), (_, before))| now > before);
            if all && now.len() >= before.len() {
                Ok(())
            } else {
                Err(format!("{before:?}, now {now:?}"))
            }
        });
    }

    /// Panics unless some partition stands still while others grow: that the fault has hit somebody.
    pub fn assert_some_stand_still(&mut self, alias: &str, topic: &str) {
        // What was on its way when the fault came has arrived by then.
        let now = self.end_sum(alias, topic);
        self.until_copied(alias, topic, now + 1_000);
        let before = self.logs(alias, topic);
        self.until_copied(alias, topic, now + 2_000);
        let after = self.logs(alias, topic);
        let still = before
            .iter()
            .zip(&after)
            .any(|(before, after)| before == after);
        assert!(still, "the fault hit nobody: {before:?}, {after:?}");
    }

    /// How far an edge has come: its committed offsets on its target.
    pub fn progress(&self, edge: &str, target_topic: &str) -> dump::Progress {
        let (_, target) = edge.split_once("-to-").expect("an edge is called A-to-B");
        let group = format!("crossdock.{}.{edge}", self.topology);
        dump::Progress::new(&self.bootstrap(target), &group, target_topic)
    }

    /// The source offset that the first record of a topic's first partition names.
    pub fn first_hop(&self, alias: &str, topic: &str) -> Option<i64> {
        let logs = self.read(alias, topic);
        Some(logs.first()?.records.first()?.last_hop()?.offset)
    }

    /// Whether the copies in a topic's first partition name every source offset from the first to their
    /// last. It is for sources without markers.
    pub fn hops_are_dense(&self, alias: &str, topic: &str) -> bool {
        let logs = self.read(alias, topic);
        let records = logs.first().into_iter().flat_map(|log| &log.records);
        let hops = records.filter_map(|record| Some(record.last_hop()?.offset));
        hops.zip(0..).all(|(offset, wanted)| offset == wanted)
    }

    fn read(&self, alias: &str, topic: &str) -> Vec<crate::record::PartitionLog> {
        let bootstrap = self.bootstrap(alias);
        dump::dump_topic(&bootstrap, topic)
    }

    /// What somebody who writes to a cluster would leave there, besides records: topics with their
    /// configs, and groups.
    pub fn traces(&self, alias: &str) -> Vec<String> {
        let bootstrap = self.bootstrap(alias);
        let topics = dump::topics(&bootstrap);
        let topics = topics.iter().map(|(topic, count)| {
            format!("{topic} {count} {:?}", admin::configs(&bootstrap, topic))
        });
        topics.chain(dump::groups(&bootstrap)).collect()
    }

    /// How many records lie in `topic`, markers included.
    pub fn end_sum(&self, alias: &str, topic: &str) -> i64 {
        let ends = dump::ends(&self.bootstrap(alias));
        ends.get(topic)
            .into_iter()
            .flatten()
            .map(|(_, end)| end)
            .sum()
    }

    /// Reads every log of every cluster and judges, where edges may repeat what was on its way when they
    /// were killed: at most `most` records in all.
    pub fn verdict_of_replays(&mut self, most: u64) -> Verdict {
        self.known.replays_max = Some(most);
        self.verdict()
    }

    /// Reads every log of every cluster and judges.
    pub fn verdict(&mut self) -> Verdict {
        assert!(
            self.loads.is_empty(),
            "a verdict is given on what has come to rest"
        );
        let mut evidence = self.known.clone();
        let nothing = dump::Ends::new();
        let (begun, before) = (Instant::now(), self.ends());
        for (alias, broker) in &self.clusters {
            let from = self.from.get(alias).unwrap_or(&nothing);
            let mut dump = dump::dump_from(broker.cluster_id(), &broker.bootstrap(), from);
            // Where it is expected, it holds revisions: nobody's births and nobody's copies.
            let expected = evidence.topics.get_mut(alias);
            if expected.is_some_and(|topics| topics.remove(CONTROL_TOPIC)) {
                dump.topics.remove(CONTROL_TOPIC);
            }
            evidence.clusters.insert(alias.clone(), dump);
        }
        self.gather(&mut evidence);
        // Records that go round come back within this time.
        thread::sleep(REST.saturating_sub(begun.elapsed()));
        for ((alias, topic), now) in self.ends() {
            let nothing = Vec::new();
            let then = before
                .get(&(alias.clone(), topic.clone()))
                .unwrap_or(&nothing);
            let count = dump::count_since(&self.bootstrap(&alias), &topic, then, &now);
            if count > 0 {
                let text = format!(
                    "{topic} on {alias} still grows, by {count} records: {then:?}, then {now:?}"
                );
                evidence.moved.push(text);
            }
        }
        judge(&evidence)
    }

    fn ends(&self) -> BTreeMap<(String, String), Vec<(i64, i64)>> {
        let of = |(alias, broker): (&String, &Lease)| {
            let alias = alias.clone();
            let ends = dump::ends(&broker.bootstrap());
            ends.into_iter()
                .map(move |(topic, ends)| ((alias.clone(), topic), ends))
        };
        self.clusters.iter().flat_map(of).collect()
    }
}
