//! The planner: what it plans, and that what it plans is done when it is done.

mod changes;
mod findings;
mod progress;
mod random;

use std::collections::{BTreeMap, BTreeSet};

use crossdock_model::graph::{Names, prove};
use crossdock_model::name::Alias;
use crossdock_model::plan::{
    Acl, Change, Cluster, Code, Config, Group, Inventory, Partition, Plan, Published, Sample,
    Start, Tail, Topic, plan, unplaced,
};
use crossdock_model::topology::Topology;

/// A topology of four clusters with these edges.
fn topology(edges: &str) -> Topology {
    let text = format!(
        "topology: t\nhome: a\nclusters:\n  a: {{ bootstrap.servers: a:1 }}\n  b: {{ bootstrap.servers: b:1 }}\n  \
         c: {{ bootstrap.servers: c:1 }}\n  d: {{ bootstrap.servers: d:1 }}\nedges:\n{edges}"
    );
    let (draft, findings) = crossdock_model::file::read(&text, None);
    let draft = draft.unwrap_or_else(|| panic!("{findings:?}"));
    prove(draft)
        .unwrap_or_else(|report| panic!("{:?}", report.findings))
        .0
}

fn config(value: &str, is_own: bool) -> Config {
    Config {
        value: value.to_owned(),
        is_own,
        is_fixed: false,
    }
}

/// What Kafka says of a topic on which nothing is set.
fn defaults() -> BTreeMap<String, Config> {
    [
        ("cleanup.policy", "delete"),
        ("retention.ms", "604800000"),
        ("max.message.bytes", "1048588"),
        ("min.insync.replicas", "1"),
        ("message.timestamp.type", "CreateTime"),
    ]
    .map(|(key, value)| (key.to_owned(), config(value, false)))
    .into()
}

fn topic(id: &str, partitions: usize, own: &[(&str, &str)]) -> Topic {
    let mut configs = defaults();
    for (key, value) in own {
        configs.insert((*key).to_owned(), config(value, true));
    }
    Topic {
        id: id.to_owned(),
        partitions: vec![
            Partition {
                start: 0,
                end: 10,
                at: BTreeMap::new(),
            };
            partitions
        ],
        replication_factor: 1,
        configs: Some(configs),
        ..Topic::default()
    }
}

/// The four clusters, empty.
fn empty() -> Inventory {
    let cluster = |alias: &str| {
        let cluster = Cluster {
            id: format!("id-{alias}"),
            brokers: 1,
            principal: "User:ANONYMOUS".to_owned(),
            acls: Some(BTreeSet::new()),
            ..Cluster::default()
        };
        (Alias::new(alias), cluster)
    };
    Inventory {
        clusters: ["a", "b", "c", "d"].map(cluster).into(),
        ..Inventory::default()
    }
}

fn put(seen: &mut Inventory, cluster: &str, name: &str, topic: Topic) {
    let cluster = seen
        .clusters
        .get_mut(&Alias::new(cluster))
        .expect("it is there");
    cluster.topics.insert(name.to_owned(), topic);
}

fn make(topology: &Topology, seen: &Inventory) -> Plan {
    plan(topology, &Names::new(topology.draft()), seen, "sum")
}

/// What Kafka would make of the changes.
fn after(mut seen: Inventory, changes: &[Change]) -> Inventory {
    for change in changes {
        let cluster = seen
            .clusters
            .get_mut(change.cluster())
            .expect("it is there");
        match change {
            Change::CreateTopic {
                topic: name,
                partitions,
                configs,
                ..
            } => {
                let own: Vec<_> = configs
                    .iter()
                    .map(|(k, v)| (k.as_str(), v.as_str()))
                    .collect();
                let mut made = topic("made", *partitions, &own);
                made.partitions.fill(Partition::default());
                assert!(cluster.topics.insert(name.clone(), made).is_none());
            }
            Change::AddPartitions {
                topic, from, to, ..
            } => {
                let topic = cluster.topics.get_mut(topic).expect("it is there");
                assert_eq!(topic.partitions.len(), *from);
                assert!(to > from, "partitions never go down");
                topic.partitions.resize(*to, Partition::default());
            }
            Change::SetConfigs { topic, configs, .. } => {
                let topic = cluster.topics.get_mut(topic).expect("it is there");
                let there = topic.configs.as_mut().expect("they can be read");
                for (key, change) in configs {
                    let old = there.insert(key.clone(), config(&change.to, true));
                    assert_eq!(old.map(|c| c.value), change.from, "{key}");
                    assert_ne!(key, "min.insync.replicas");
                }
            }
            Change::CreateAcl { acl, .. } => {
                assert!(
                    acl.permission == "DENY" || acl.operation != "WRITE",
                    "{acl:?}"
                );
                assert!(
                    cluster
                        .acls
                        .as_mut()
                        .expect("they can be read")
                        .insert(acl.clone())
                );
            }
            Change::Publish { revision, .. } => {
                seen.published = Some(Published {
                    revision: *revision,
                    uuid: "u".to_owned(),
                    checksum: "sum".to_owned(),
                });
            }
        }
    }
    seen
}

/// The plan as short lines, without the publishing.
fn lines(plan: &Plan) -> Vec<String> {
    let line = |change: &Change| match change {
        Change::CreateTopic {
            cluster,
            topic,
            partitions,
            configs,
            ..
        } => Some(format!("+ {topic}@{cluster} {partitions} {configs:?}")),
        Change::AddPartitions {
            cluster,
            topic,
            from,
            to,
        } => Some(format!("~ {topic}@{cluster} {from}->{to}")),
        Change::SetConfigs {
            cluster,
            topic,
            configs,
        } => {
            let each = configs
                .iter()
                .map(|(k, c)| format!("{k}:{}->{}", c.from.as_deref().unwrap_or("?"), c.to));
            Some(format!(
                "~ {topic}@{cluster} {}",
                each.collect::<Vec<_>>().join(" ")
            ))
        }
        Change::CreateAcl { cluster, acl } => Some(format!(
            "+ {} {} {} {}@{cluster}",
            acl.permission, acl.principal, acl.operation, acl.topic
        )),
        Change::Publish { .. } => None,
    };
    plan.changes.iter().filter_map(line).collect()
}

fn codes(plan: &Plan) -> Vec<Code> {
    plan.findings.iter().map(|f| f.code).collect()
}

fn cluster<'a>(seen: &'a mut Inventory, alias: &str) -> &'a mut Cluster {
    let cluster = seen.clusters.get_mut(&Alias::new(alias));
    cluster.expect("it is there")
}
