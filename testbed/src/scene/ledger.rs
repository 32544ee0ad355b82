//! What the verdict is given on besides the logs.

use std::collections::BTreeMap;

use super::{DOCK, Scene};
use crate::dump;
use crate::sampler::{Place, Sampler};
use crate::segments;
use crate::verdict::{Claim, Verdict};

impl Scene {
    /// From now on positions are looked at, again and again, until the verdict. The target topics must
    /// be there.
    pub fn watch_positions(&mut self) {
        let place = |route: &crate::verdict::Route| Place {
            edge: route.edge.clone(),
            group: format!("crossdock.{}.{}", self.topology, route.edge),
            bootstrap: self.bootstrap(&route.target),
            target_topic: route.target_topic.clone(),
        };
        let places = self.known.routes.iter().map(place).collect();
        self.sampler = Some(Sampler::start(places));
    }

    /// Says that a cluster is only read: whatever else is changed there from now on is found.
    pub fn only_read(&mut self, alias: &str) {
        self.before.insert(alias.to_owned(), self.traces(alias));
    }

    /// Kills the scene's crossdock and starts it again, at rest: nothing may be written.
    pub fn restart_at_rest(&mut self) {
        self.until_caught_up();
        let before = self.sum_of_ends();
        self.dock(DOCK).kill();
        self.dock(DOCK).restart();
        self.until_caught_up();
        let after = self.sum_of_ends();
        self.known.restarts.push([before, after]);
    }

    fn sum_of_ends(&self) -> u64 {
        let clusters = self.clusters.values();
        let ends = clusters.flat_map(|cluster| dump::ends(&cluster.bootstrap()).into_values());
        ends.flatten().map(|(_, end)| end as u64).sum()
    }

    /// The verdict also on what edges say of themselves: for a scene whose only crossdock was started
    /// once.
    pub fn verdict_on_claims(&mut self) -> Verdict {
        let status = self.dock(DOCK).status().expect("it runs");
        let edges = status["edges"].as_array().into_iter().flatten();
        let claim = |edge: &serde_json::Value| {
            let number = |value: &serde_json::Value| value.as_u64().unwrap_or(0);
            let dropped = edge["dropped_total"].as_object().into_iter().flatten();
            Claim {
                edge: edge["name"].as_str().unwrap_or_default().to_owned(),
                written: number(&edge["records_total"]),
                left_out: dropped
                    .map(|(reason, count)| (reason.clone(), number(count)))
                    .collect(),
                lost: number(&edge["lost_total"]),
                lag: number(&edge["lag_records"]),
            }
        };
        self.known.claims = edges.map(claim).collect();
        let verdict = self.verdict();
        self.known.claims.clear();
        verdict
    }

    /// Everything that is looked at besides the logs.
    pub(super) fn gather(&mut self, evidence: &mut crate::verdict::Evidence) {
        if let Some(sampler) = self.sampler.take() {
            evidence.samples = sampler.stop();
        }
        for (alias, before) in &self.before {
            let after = self.traces(alias);
            let both = [before.clone(), after];
            evidence.untouched.insert(alias.clone(), both);
        }
        // A round of a soak has no room for a second view of it.
        if self.from.is_empty() {
            for (alias, cluster) in &self.clusters {
                let dump = dump::dump_uncommitted(cluster.cluster_id(), &cluster.bootstrap());
                evidence.uncommitted.insert(alias.clone(), dump);
            }
        }
        evidence.batches = self.batches();
    }

    /// The batches of the topics that one edge writes, from the node that has most of them.
    fn batches(&mut self) -> BTreeMap<(String, String, usize), Vec<segments::Batch>> {
        let mut found = BTreeMap::new();
        for (alias, topics) in self.target_topics() {
            for topic in topics {
                let writers = self.known.routes.iter();
                let writers = writers.filter(|r| r.target == alias && r.target_topic == topic);
                if writers.count() != 1 {
                    continue;
                }
                for partition in 0..self.logs(&alias, &topic).len() {
                    let nodes = self.broker(&alias).nodes().iter();
                    let all = nodes.map(|n| segments::batches(&n.data(), &topic, partition));
                    let most = all.max_by_key(Vec::len).unwrap_or_default();
                    found.insert((alias.clone(), topic.clone(), partition), most);
                }
            }
        }
        found
    }
}
