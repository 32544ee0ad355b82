//! What a drill is played on: topics of the two clusters, and how one of these is killed.

use std::collections::BTreeMap;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use crossdock_model::edge::Edge;
use crossdock_model::graph::{Take, births};
use crossdock_model::name::Alias;

use super::clients::{GroupClient, uid};
use crate::kafka::{BATCH_RECORDS_MAX, Cluster, Reader, Received, TopicPartition, TopicSettings};
use crate::rehearsal::lab::{Lab, PARTITIONS};
use crate::switch::Stage;

/// How long a cluster has to come back, or groups to read what is there.
const PATIENCE: Duration = Duration::from_secs(120);

/// Names of topics that people know.
const USUAL: [&str; 2] = ["orders", "users"];

/// Between two looks.
const LOOK: Duration = Duration::from_millis(100);

/// Shell commands that kill and revive a real home.
#[derive(Clone, Debug, Default)]
pub struct Hooks {
    /// Kills it.
    pub kill: Option<String>,
    /// Brings it back.
    pub revive: Option<String>,
}

/// The topics of a drill, and where they are.
pub struct Ground {
    home: Arc<Cluster>,
    away: Arc<Cluster>,
    /// By their names at home, with those on the other cluster.
    topics: Vec<(String, String)>,
}

impl Hooks {
    /// Kills home; how that was done.
    pub(super) fn kill(&self, lab: &Lab, home: &Alias) -> Result<String> {
        if let Some(embedded) = lab.embedded.get(home) {
            embedded.set_up(false).map_err(|why| anyhow!(why))?;
            return Ok(format!("the brokers of `{home}` answer no more"));
        }
        match &self.kill {
            Some(command) => {
                run(command)?;
                Ok(format!("`{home}` was killed by `{command}`"))
            }
            None => Ok(format!(
                "applications leave `{home}`, which stays up: without --kill it is not killed"
            )),
        }
    }

    /// Brings it back.
    pub(super) fn revive(&self, lab: &Lab, home: &Alias) -> Result<()> {
        match (lab.embedded.get(home), &self.revive) {
            (Some(embedded), _) => embedded.set_up(true).map_err(|why| anyhow!(why)),
            (None, Some(command)) => run(command),
            (None, None) => Ok(()),
        }
    }
}

fn run(command: &str) -> Result<()> {
    let status = Command::new("sh").args(["-c", command]).status();
    let status = status.with_context(|| format!("cannot run `{command}`"))?;
    match status.success() {
        true => Ok(()),
        false => bail!("`{command}` ended with {status}"),
    }
}

/// Gives topics names that people know, where the same edges take them: the shortest name that an open
/// pattern takes may be `0`.
fn call_as_people_do(topics: &mut [String], takers: impl Fn(&str) -> Vec<bool>) {
    let mut usual: Vec<&str> = USUAL.to_vec();
    usual.retain(|name| !topics.iter().any(|topic| topic == name));
    for topic in topics {
        let alike = usual.iter().position(|name| takers(name) == takers(topic));
        if let Some(at) = alike {
            *topic = usual.remove(at).to_owned();
        }
    }
}

impl Ground {
    /// The topics that the edges between the two clusters take.
    ///
    /// # Errors
    /// No topic of theirs is known by name.
    pub fn new(lab: &Lab, stage: &Stage) -> Result<Self> {
        let mut topics = Vec::new();
        let mut born: Vec<String> = births(stage.topology.draft(), &stage.names)
            .into_iter()
            .filter_map(|(cluster, topic)| (cluster == stage.home).then_some(topic))
            .collect();
        call_as_people_do(&mut born, |topic| {
            let takes = |e: &&Edge| matches!(stage.names.take(e, topic), Take::Into(_));
            stage.pair().iter().map(takes).collect()
        });
        for topic in born {
            for edge in stage.pair() {
                if let Take::Into(target) = stage.names.take(edge, &topic) {
                    topics.push((topic.clone(), target));
                }
            }
        }
        if topics.is_empty() {
            bail!("no topic goes from `{}` to `{}`", stage.home, stage.away);
        }
        let (home, away) = (
            lab.cluster(&stage.home)?.clone(),
            lab.cluster(&stage.away)?.clone(),
        );
        Ok(Self { home, away, topics })
    }

    /// Makes the topics at home; the edges make theirs.
    ///
    /// # Errors
    /// One of them is there already: these are no scratch clusters.
    pub fn make_topics(&self) -> Result<()> {
        let (at_home, there) = (self.home.topics()?, self.away.topics()?);
        for (topic, target) in &self.topics {
            let is_real = self.home.capabilities().admin;
            if is_real && (at_home.contains_key(topic) || there.contains_key(target)) {
                bail!("topic {topic} or {target} is there already: a drill wants scratch clusters");
            }
            let settings = TopicSettings::default();
            self.home.create_topic(topic, PARTITIONS, &settings)?;
            self.away.create_topic(target, PARTITIONS, &settings)?;
        }
        for (alias, cluster) in [
            (&self.home, self.topics_of(true)),
            (&self.away, self.topics_of(false)),
        ] {
            until_led(alias, &cluster)?;
        }
        Ok(())
    }

    fn topics_of(&self, at_home: bool) -> Vec<String> {
        let name =
            |(home, away): &(String, String)| if at_home { home.clone() } else { away.clone() };
        self.topics.iter().map(name).collect()
    }

    /// The topics by their names on a cluster.
    pub fn topics_on(&self, alias: &Alias) -> Vec<String> {
        self.topics_of(alias == self.home.alias())
    }

    /// Their partitions.
    pub fn places_on(&self, alias: &Alias) -> Vec<TopicPartition> {
        places(&self.topics_on(alias))
    }

    /// The client of one of the two.
    pub fn cluster(&self, alias: &Alias) -> &Arc<Cluster> {
        if alias == self.home.alias() {
            &self.home
        } else {
            &self.away
        }
    }

    /// Waits until a cluster that was revived leads all its partitions.
    pub fn until_there(&self, alias: &Alias) -> Result<()> {
        until_led(self.cluster(alias), &self.topics_on(alias))
    }

    /// Waits until consumers have read up to the ends of now.
    pub(super) fn until_read(&self, alias: &Alias, clients: &[GroupClient]) -> Result<()> {
        let ends = self.cluster(alias).end_offsets(&self.places_on(alias))?;
        let since = Instant::now();
        for client in clients {
            loop {
                let at = client.positions();
                let behind = ends
                    .iter()
                    .find(|(place, end)| at.get(*place).is_none_or(|p| p < *end));
                let Some(((topic, partition), end)) = behind else {
                    break;
                };
                if since.elapsed() > PATIENCE {
                    bail!(
                        "a group does not get to offset {end} of {topic}-{partition} on `{alias}`"
                    );
                }
                std::thread::sleep(LOOK);
            }
        }
        Ok(())
    }

    /// How often each record of the drill is in the logs of a cluster.
    pub(super) fn read(&self, alias: &Alias) -> Result<BTreeMap<u64, usize>> {
        let cluster = self.cluster(alias);
        let places = self.places_on(alias);
        let (starts, ends) = (
            cluster.start_offsets(&places)?,
            cluster.end_offsets(&places)?,
        );
        let properties = cluster
            .properties()
            .clone()
            .set("isolation.level", "read_committed");
        let mut reader = Reader::new(cluster, &properties)?;
        let mut open = 0;
        for (slot, place) in places.iter().enumerate() {
            let (start, end) = (
                starts.get(place).copied().unwrap_or(0),
                ends.get(place).copied().unwrap_or(0),
            );
            if end > start {
                reader.start(slot, &place.0, place.1, start)?;
                open += 1;
            }
        }
        let (mut copies, since): (BTreeMap<u64, usize>, Instant) =
            (BTreeMap::new(), Instant::now());
        let mut ended = vec![false; places.len()];
        while ended.iter().filter(|e| **e).count() < open {
            if since.elapsed() > PATIENCE {
                return Err(anyhow!("`{alias}` does not answer"));
            }
            reader
                .receive(LOOK, BATCH_RECORDS_MAX)
                .for_each(|slot, received| match received {
                    Received::Record(record) => {
                        if let Some(uid) = record.value().and_then(uid) {
                            *copies.entry(uid).or_default() += 1;
                        }
                    }
                    Received::End(_) => ended[slot] = true,
                    Received::OutOfRange | Received::Failed(_) => {}
                });
        }
        Ok(copies)
    }

    /// Different records of the drill on a cluster.
    pub(super) fn count(&self, alias: &Alias) -> Result<usize> {
        Ok(self.read(alias)?.len())
    }
}

fn places(topics: &[String]) -> Vec<TopicPartition> {
    let of = |topic: &String| {
        let topic: Arc<str> = topic.as_str().into();
        (0..PARTITIONS).map(move |partition| (topic.clone(), partition))
    };
    topics.iter().flat_map(of).collect()
}

fn until_led(cluster: &Cluster, topics: &[String]) -> Result<()> {
    let since = Instant::now();
    loop {
        match cluster.end_offsets(&places(topics)) {
            Ok(_) => return Ok(()),
            Err(error) if since.elapsed() > PATIENCE => return Err(error.into()),
            Err(_) => std::thread::sleep(LOOK),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::call_as_people_do;

    #[test]
    fn topics_are_called_as_people_do_where_the_same_edges_take_them() {
        let cases: [(&[&str], &str, &[&str]); 3] = [
            (&["-", "0"], "", &["orders", "users"]),
            (&["a", "users"], "au", &["a", "users"]),
            (&["pay"], "p", &["pay"]),
        ];
        for (given, begins, should) in cases {
            let mut topics: Vec<String> = given.iter().map(|t| (*t).to_owned()).collect();
            call_as_people_do(&mut topics, |topic| {
                vec![begins.is_empty() || topic.starts_with(|c| begins.contains(c))]
            });
            assert_eq!(topics, should);
        }
    }
}
