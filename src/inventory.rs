//! Reads the inventory: what the clusters of a topology hold, as far as a plan must know it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

mod access;

use crossdock_model::edge::{Edge, Start};
use crossdock_model::graph::{Names, literals};
use crossdock_model::groups::{Choice, Selection};
use crossdock_model::name::Alias;
use crossdock_model::note::{Note, kafka_id};
use crossdock_model::plan::{self, Flow, Group, Inventory, Partition, Tail, Topic};
use crossdock_model::provenance::Hop;
use crossdock_model::switch::fence;
use crossdock_model::topology::{Cluster as Declared, Topology};

use crate::kafka::{Cluster, Error, Fetched, TopicPartition, last_copied, partitions_of};
use crate::progress::Progress;
use crate::worker::settings;

/// The inventory, and the clusters that it was read from.
pub struct Read {
    /// What they hold.
    pub inventory: Inventory,
    /// Those that answered.
    pub clusters: BTreeMap<Alias, Arc<Cluster>>,
}

/// How much is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// Everything that a plan shows.
    Whole,
    /// Topics, configs and ACLs only: what is kept in step while a topology runs.
    Settings,
}

/// Steps of reading a cluster, for who watches.
pub const STEPS: u64 = 2;

/// Reads every cluster of the topology, all at once, each in [`STEPS`]. One that does not answer is
/// noted.
pub fn read(topology: &Topology, names: &Names, look: Look, progress: &Progress) -> Read {
    let mut inventory = Inventory::default();
    let mut clusters = BTreeMap::new();
    let listed = at_once(topology.clusters(), |declared| {
        let found = connect(declared).and_then(|c| Ok((list(topology, declared, &c, look)?, c)));
        progress.add(1);
        (declared.alias.clone(), found)
    });
    for (alias, found) in listed {
        match found {
            Ok((state, cluster)) => {
                inventory.clusters.insert(alias.clone(), state);
                clusters.insert(alias, cluster);
            }
            Err(error) => {
                inventory.unreachable.insert(alias, error.reason);
            }
        }
    }
    let topics = plan::topics_of(&inventory);
    // What records say is not known yet: every flow counts, also one that will not be made.
    let flows = plan::flows(topology, names, &topics, |_| false);
    let shadowed = plan::shadowed(topology, names, &topics);
    let detailed = at_once(clusters.iter(), |(alias, cluster)| {
        let mut state = inventory.clusters.get(alias).cloned().unwrap_or_default();
        let wanted = places(alias, &flows, &shadowed, &state);
        let missing = missing(alias, &flows, &state);
        let followed = access::followed(topology, alias, &inventory.clusters);
        let asked = cluster
            .may_not_make(&to_make(&missing, &state))
            .map(|refused| state.not_makeable = refused);
        let done = asked
            .and_then(|()| detail(cluster, &wanted, &mut state))
            .and_then(|()| match look {
                Look::Whole => offsets(topology, cluster, &wanted, &mut state).and_then(|()| {
                    access::read(topology, cluster, (&missing, &followed), &mut state)
                }),
                Look::Settings => Ok(()),
            });
        progress.add(1);
        (alias.clone(), done.map(|()| state))
    });
    for (alias, found) in detailed {
        match found {
            Ok(state) => {
                inventory.clusters.insert(alias, state);
            }
            Err(error) => {
                inventory.clusters.remove(&alias);
                inventory.unreachable.insert(alias, error.reason);
            }
        }
    }
    clusters.retain(|alias, _| inventory.clusters.contains_key(alias));
    if look == Look::Whole {
        read_tails(topology, &flows, &mut inventory, &clusters);
    }
    Read {
        inventory,
        clusters,
    }
}

/// Notes what target partitions tell of edges of which no position is known.
fn read_tails(
    topology: &Topology,
    flows: &[Flow],
    inventory: &mut Inventory,
    clusters: &BTreeMap<Alias, Arc<Cluster>>,
) {
    for place in plan::unplaced(topology, flows, inventory) {
        let Some(edge) = topology.edges().get(place.edge) else {
            continue;
        };
        let (Some(source), Some(target)) = (
            inventory.clusters.get(&edge.source),
            clusters.get(&edge.target),
        ) else {
            continue;
        };
        if inventory.unreachable.contains_key(&edge.target) {
            continue;
        }
        let is_ours = |hop: &Hop<'_>| {
            hop.cluster_id == source.id
                && !hop.is_repair()
                && hop.topic == place.source_topic
                && hop.partition == place.partition
        };
        let topic = place.target_topic.as_str().into();
        let tail = match edge.provenance {
            true => last_copied(target, &topic, place.partition, is_ours),
            false => Ok(Tail::Unknown),
        };
        match tail {
            Ok(tail) => {
                inventory.tails.insert(place, tail);
            }
            Err(error) => {
                let alias = edge.target.clone();
                inventory.unreachable.insert(alias, error.reason);
            }
        }
    }
}

/// Does something for each of them, each in a thread of its own: clusters are far away.
pub fn at_once<I: Send, T: Send>(
    items: impl IntoIterator<Item = I>,
    work: impl Fn(I) -> T + Sync,
) -> Vec<T> {
    std::thread::scope(|scope| {
        let work = &work;
        let threads: Vec<_> = items
            .into_iter()
            .map(|item| scope.spawn(move || work(item)))
            .collect();
        threads
            .into_iter()
            .filter_map(|thread| thread.join().ok())
            .collect()
    })
}

fn connect(declared: &Declared) -> Result<Arc<Cluster>, Error> {
    Ok(Arc::new(Cluster::new(
        &declared.alias,
        settings::admin(declared),
        None,
    )?))
}

/// The cluster itself, its topics by name, and crossdock's groups there.
fn list(
    topology: &Topology,
    declared: &Declared,
    cluster: &Cluster,
    look: Look,
) -> Result<plan::Cluster, Error> {
    let described = cluster.describe()?;
    let broker = cluster.broker_configs()?;
    let number = |key: &str| broker.get(key).and_then(|v| v.parse().ok());
    let topics = cluster.topics_in_full()?.into_iter();
    let mut state = plan::Cluster {
        id: described.id,
        brokers: described.brokers,
        principal: cluster.principal(),
        replication_factor: number("default.replication.factor")
            .and_then(|n| i32::try_from(n).ok()),
        message_max_bytes: number("message.max.bytes"),
        timestamp_type: broker.get("log.message.timestamp.type").cloned(),
        operations: described.operations,
        // Where there is one, its setting may be out of sight.
        is_guarded: broker
            .get("authorizer.class.name")
            .is_none_or(|name| !name.is_empty()),
        topics: topics
            .map(|(name, (count, replicas))| (name, bare(count, replicas)))
            .collect(),
        ..plan::Cluster::default()
    };
    groups(topology, cluster, look, &mut state)?;
    state.consumers = consumers(topology, cluster)?;
    let enabled = topology.edges().iter().filter(|e| e.enabled);
    let mine = |e: &&Edge| e.source == declared.alias || e.target == declared.alias;
    if enabled.clone().filter(mine).any(|e| e.sync.acls) {
        match cluster.topic_acls() {
            _ if !state.is_guarded => state.acls_unread = Some("it has no authorizer".to_owned()),
            Ok(acls) => state.acls = Some(acls),
            Err(error) => state.acls_unread = Some(error.reason),
        }
    }
    let named = enabled.filter(|e| e.source == declared.alias);
    let named: BTreeSet<String> = named
        .flat_map(|e| e.topics.iter().filter_map(literals).flatten())
        .filter(|name| !state.topics.contains_key(name))
        .collect();
    let named: Vec<&str> = named.iter().map(String::as_str).collect();
    let described = cluster.describe_topics(&named)?.into_iter();
    state.hidden = described
        .filter(|(_, topic)| topic.is_err())
        .map(|(name, _)| name)
        .collect();
    Ok(state)
}

/// crossdock's groups: those of this topology, and for a whole look those of others.
fn groups(
    topology: &Topology,
    cluster: &Cluster,
    look: Look,
    state: &mut plan::Cluster,
) -> Result<(), Error> {
    let group = |offsets: BTreeMap<TopicPartition, Fetched>| Group {
        fenced: offsets
            .values()
            .find_map(|f| fence::since(&f.metadata).map(str::to_owned)),
        positions: offsets.into_iter().filter_map(noted).collect(),
    };
    let prefix = format!("crossdock.{}.", topology.name());
    let (ours, foreign): (Vec<String>, Vec<String>) = cluster
        .groups("crossdock.")?
        .into_iter()
        .partition(|name| name.starts_with(&prefix));
    for name in ours {
        let offsets = cluster.group_positions(&name)?;
        state.groups.insert(name, group(offsets));
    }
    if look == Look::Settings {
        return Ok(());
    }
    let asked: Vec<&str> = foreign.iter().map(String::as_str).collect();
    let told = cluster.offsets_of_groups(&asked)?;
    // What another team does not let be seen is no reason not to plan.
    let seen = foreign.iter().cloned().zip(told);
    let seen = seen.filter_map(|(name, offsets)| Some((name, group(offsets.ok()?))));
    state.foreign_groups = seen.collect();
    Ok(())
}

/// The consumer groups that edges out of a cluster name, with the partitions of their positions; of
/// those that are left out the names.
fn consumers(
    topology: &Topology,
    cluster: &Cluster,
) -> Result<BTreeMap<String, BTreeSet<(String, i32)>>, Error> {
    let edges = topology.edges().iter();
    let mine = edges.filter(|e| e.enabled && e.source == *cluster.alias());
    let selections: Vec<Selection> = mine
        .filter_map(|e| Some(Selection::new(topology, e, e.sync.groups.as_ref()?)))
        .collect();
    if selections.is_empty() {
        return Ok(BTreeMap::new());
    }
    let is = |group: &String, choice: fn(&Choice) -> bool| {
        selections.iter().any(|s| choice(&s.choose(group)))
    };
    let mut named: Vec<String> = cluster.consumer_groups()?.into_keys().collect();
    named.retain(|group| is(group, |c| *c != Choice::NotNamed));
    let (taken, left_out): (Vec<_>, Vec<_>) = named
        .into_iter()
        .partition(|group| is(group, |c| *c == Choice::Taken));
    let asked: Vec<&str> = taken.iter().map(String::as_str).collect();
    let mut found: BTreeMap<_, _> = left_out.into_iter().map(|g| (g, BTreeSet::new())).collect();
    for (group, offsets) in taken.iter().zip(cluster.offsets_of_groups(&asked)?) {
        let places = offsets?.into_keys();
        let places = places.map(|(topic, partition)| (topic.to_string(), partition));
        found.insert(group.clone(), places.collect());
    }
    Ok(found)
}

fn bare(partitions: usize, replication_factor: usize) -> Topic {
    Topic {
        partitions: vec![Partition::default(); partitions],
        replication_factor,
        ..Topic::default()
    }
}

/// A target partition with its committed offset and the noted id of the source topic.
type Noted = ((String, i32), (i64, Option<String>));

/// A committed offset that still counts, with the source topic's id out of its note.
fn noted(((topic, partition), fetched): (TopicPartition, Fetched)) -> Option<Noted> {
    let note = Note::parse(&fetched.metadata);
    let offset = fetched.offset.filter(|_| note.moved_to.is_none())?;
    let id = note.topic_id.map(|id| kafka_id(&id));
    Some(((topic.to_string(), partition), (offset, id)))
}

/// The topics of a cluster that the plan looks at.
fn places(
    alias: &Alias,
    flows: &[Flow],
    shadowed: &[(usize, plan::Place)],
    state: &plan::Cluster,
) -> BTreeSet<String> {
    let flowing = flows.iter().flat_map(|f| [&f.source, &f.target]);
    let all = flowing.chain(shadowed.iter().map(|(_, place)| place));
    all.filter(|(cluster, topic)| cluster == alias && state.topics.contains_key(topic))
        .map(|(_, topic)| topic.clone())
        .collect()
}

/// The topics of a cluster that flows write and that are not there, or not to be seen.
fn missing<'a>(alias: &Alias, flows: &'a [Flow], state: &plan::Cluster) -> BTreeSet<&'a str> {
    let targets = flows.iter().map(|f| &f.target);
    let missing =
        targets.filter(|(cluster, topic)| cluster == alias && !state.topics.contains_key(topic));
    missing.map(|(_, topic)| topic.as_str()).collect()
}

/// Those of them that are worth asking for: a cluster which does not let this principal make any topic
/// may still allow single names.
fn to_make<'a>(missing: &BTreeSet<&'a str>, state: &plan::Cluster) -> Vec<&'a str> {
    let may_make_any = |all: &plan::Operations| all.contains("CREATE") || all.contains("ALL");
    match state.operations.as_ref().is_none_or(may_make_any) {
        true => Vec::new(),
        false => missing.iter().copied().collect(),
    }
}

/// Ids, permissions and configs of some topics.
fn detail(
    cluster: &Cluster,
    wanted: &BTreeSet<String>,
    state: &mut plan::Cluster,
) -> Result<(), Error> {
    let names: Vec<&str> = wanted.iter().map(String::as_str).collect();
    let mut described = cluster.describe_topics(&names)?;
    let mut configs = cluster.topic_configs(&names)?;
    for name in wanted {
        let Some(topic) = state.topics.get_mut(name) else {
            continue;
        };
        if let Some(Ok(found)) = described.remove(name) {
            topic.id = kafka_id(&found.id);
            topic.operations = found.operations;
        }
        topic.configs = configs.remove(name).flatten();
    }
    Ok(())
}

/// Offsets and samples of some topics.
fn offsets(
    topology: &Topology,
    cluster: &Cluster,
    wanted: &BTreeSet<String>,
    state: &mut plan::Cluster,
) -> Result<(), Error> {
    let counts = wanted.iter().map(|name| {
        let count = state.topics.get(name).map_or(0, |t| t.partitions.len());
        (name.as_str(), count)
    });
    let spans = cluster.spans(&partitions_of(counts))?;
    let led: Vec<TopicPartition> = spans.keys().cloned().collect();
    for (name, sample) in cluster.samples(&spans)? {
        if let Some(topic) = state.topics.get_mut(&name) {
            topic.sample = sample;
        }
    }
    for (place, (start, end)) in &spans {
        if let Some(found) = partition(state, place) {
            (found.start, found.end) = (*start, *end);
        }
    }
    for time in start_times(topology, cluster.alias()) {
        for (place, offset) in cluster.offsets_at(&led, time)? {
            if let Some(found) = partition(state, &place) {
                found.at.insert(time, offset);
            }
        }
    }
    Ok(())
}

fn partition<'a>(
    state: &'a mut plan::Cluster,
    (topic, partition): &TopicPartition,
) -> Option<&'a mut Partition> {
    let number = usize::try_from(*partition).ok()?;
    state.topics.get_mut(&**topic)?.partitions.get_mut(number)
}

/// Times at which an edge begins to read a cluster.
fn start_times(topology: &Topology, source: &Alias) -> BTreeSet<i64> {
    let mine = topology.edges().iter().filter(|e| e.source == *source);
    mine.filter_map(|e| match e.start {
        Start::Timestamp(time) => Some(time),
        Start::Earliest | Start::Latest => None,
    })
    .collect()
}
