//! A scene that lasts: judged round by round, and what was judged is forgotten.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::Scene;
use crate::segments::{self, Kind};
use crate::{admin, dump};

/// How transactions of edges have ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ended {
    /// With their records visible.
    pub committed: u64,
    /// As if they had never been.
    pub aborted: u64,
}

impl Ended {
    /// Counts others with them.
    pub fn add(&mut self, others: Self) {
        self.committed += others.committed;
        self.aborted += others.aborted;
    }
}

impl Scene {
    /// How long it may take until all is copied.
    pub fn be_patient(&mut self, limit: Duration) {
        self.patience = limit;
    }

    /// Forgets what was judged: the next verdict is on what comes from now on, and records from before
    /// the last round are removed from the logs.
    pub fn next_round(&mut self) {
        self.known.births.clear();
        for (alias, cluster) in &self.clusters {
            let bootstrap = cluster.bootstrap();
            let ends = dump::ends(&bootstrap);
            let before = self.from.insert(alias.clone(), ends).unwrap_or_default();
            for (topic, ends) in before {
                for (partition, (_, end)) in (0..).zip(ends) {
                    admin::delete_records(&bootstrap, &topic, partition, Some(end));
                }
            }
        }
    }

    /// How transactions of edges have ended since the round began: those in the topics that edges
    /// write, and no user in transactions.
    pub fn edges_transactions(&mut self) -> Ended {
        let places = self.target_topics().into_iter();
        let places =
            places.flat_map(|(alias, topics)| topics.into_iter().map(move |t| (alias.clone(), t)));
        let places: Vec<_> = places.collect();
        self.transactions_in(&places)
    }

    /// How transactions of users have ended since the round began.
    pub fn users_transactions(&mut self) -> Ended {
        let places: Vec<_> = self.transactional.iter().cloned().collect();
        self.transactions_in(&places)
    }

    /// A transaction has a marker in every partition that it has touched: those of the first are
    /// counted, so that none counts twice.
    fn transactions_in(&mut self, places: &[(String, String)]) -> Ended {
        let mut ended = Ended::default();
        for (alias, topic) in places {
            let from = self
                .from
                .get(alias)
                .and_then(|ends| ends.get(topic)?.first());
            let from = from.map_or(0, |(_, end)| *end);
            // A node that was killed may not have all: together they have.
            let nodes = self.broker(alias).nodes().iter();
            let all = nodes.flat_map(|node| segments::batches(&node.data(), topic, 0));
            let ends: BTreeMap<i64, Kind> = all
                .filter(|batch| batch.first >= from)
                .map(|batch| (batch.first, batch.kind))
                .collect();
            let count = |kind| ends.values().filter(|k| **k == kind).count() as u64;
            ended.committed += count(Kind::Commit);
            ended.aborted += count(Kind::Abort);
        }
        ended
    }

    /// The topics that edges write, and no user in transactions, by cluster.
    pub fn target_topics(&self) -> BTreeMap<String, Vec<String>> {
        let mut all = BTreeMap::<String, BTreeSet<String>>::new();
        for route in &self.known.routes {
            let place = (route.target.clone(), route.target_topic.clone());
            if !self.transactional.contains(&place) {
                all.entry(place.0).or_default().insert(place.1);
            }
        }
        all.into_iter()
            .map(|(alias, topics)| (alias, topics.into_iter().collect()))
            .collect()
    }

    /// The aliases of its clusters.
    pub fn aliases(&self) -> Vec<String> {
        self.clusters.keys().cloned().collect()
    }

    /// The names of its crossdocks.
    pub fn dock_names(&self) -> Vec<String> {
        self.docks.keys().cloned().collect()
    }

    /// All networks flow.
    pub fn flow_everywhere(&self) {
        self.proxies.values().for_each(crate::proxy::Proxy::flow);
    }

    /// The id of the node that coordinates the group of an edge into this cluster; the first where
    /// nobody can be asked.
    pub fn coordinator(&self, alias: &str) -> usize {
        let route = self.known.routes.iter().find(|r| r.target == alias);
        let group = route.map(|r| format!("crossdock.{}.{}", self.topology, r.edge));
        let partition = admin::coordinating_partition(&group.unwrap_or_default());
        dump::leader(&self.bootstrap(alias), "__consumer_offsets", partition).unwrap_or(1)
    }

    /// The id of the node that leads a partition; the first where nobody can be asked.
    pub fn leader(&self, alias: &str, topic: &str, partition: usize) -> usize {
        dump::leader(&self.bootstrap(alias), topic, partition).unwrap_or(1)
    }

    /// How many records users have written since the round began, as far as they were acknowledged or
    /// aborted.
    pub fn births(&self) -> &[crate::writer::Birth] {
        &self.known.births
    }
}
