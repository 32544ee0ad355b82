//! Raises and lifts the fence of an edge: a word beside each committed offset of its group.
//!
//! Nothing of an edge may be on its way while the word is written. So its group is taken over first: a
//! client under each member's own `group.instance.id` puts that member out for good, wherever its
//! process runs; what it has in a transaction can no longer be committed, and what it committed by then
//! is waited for. The word is then written under the generation of those clients: had anybody joined
//! since, the broker would refuse it, and it begins anew. Processes that come back read the word.

use std::collections::BTreeMap;
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crossdock_model::edge::Edge;

use super::{CLIENT, Stage, is_switch};
use crate::kafka::{
    Cluster, CommitError, Error, ErrorKind, Fetched, Group, GroupMember, Lease, Member, Membership,
    Position, Properties, TopicPartition, Writer,
};
use crate::worker::settings;

/// How long taking a group over may take: longer than any transaction of a member that was killed.
const TAKEN_WITHIN: Duration = Duration::from_secs(120);

/// Between two looks at the group.
const LOOK: Duration = Duration::from_millis(50);

/// When our own members are forgotten, after they have gone without a word: the shortest that brokers
/// allow (`group.min.session.timeout.ms`).
const SESSION_MS: &str = "6000";

/// The member that comes first: by it others know who takes the group over.
const HERALD: &str = "switch-herald";

/// What was found while an edge's progress was rewritten.
#[derive(Clone, Debug, Default)]
pub struct Rewritten {
    /// Members that were put out.
    pub put_out: Vec<String>,
    /// Positions as they are now.
    pub positions: BTreeMap<TopicPartition, Fetched>,
}

/// One edge's group on its target.
struct Taking<'a> {
    cluster: &'a Arc<Cluster>,
    group: String,
    member: Properties,
    writer: Properties,
    places: Vec<TopicPartition>,
}

/// A place in the group that was taken.
struct Taken {
    instance: String,
    member: Member,
    lease: Arc<Mutex<Option<Lease>>>,
}

/// Takes an edge's group over, and writes each position anew as `change` says: offset and note. Nobody
/// else commits to it in between; an edge that never began has nothing to write.
///
/// # Errors
/// The target does not answer or refuses, or a member could not be put out.
pub fn rewrite(
    stage: &Stage,
    edge: &Edge,
    change: impl Fn(&TopicPartition, &Fetched) -> Option<(i64, String)>,
) -> Result<Rewritten, Error> {
    let cluster = stage.cluster(&edge.target)?;
    let group = stage.group(edge);
    if !cluster.capabilities().admin {
        // Embedded brokers keep a group closed to others: their edges run in this process, and stand.
        return Ok(Rewritten::default());
    }
    let declared = stage.declared(&edge.target)?;
    let mut places: Vec<_> = stage.twins(edge)?.iter().map(|t| t.target()).collect();
    places.extend(cluster.group_offsets(&group)?.into_keys());
    places.sort();
    places.dedup();
    let there = cluster.topics()?;
    places.retain(|(topic, partition)| there.get(&**topic).is_some_and(|count| partition < count));
    if places.is_empty() {
        return Ok(Rewritten::default());
    }
    let classic = cluster.capabilities().classic_groups;
    let taking = Taking {
        cluster,
        member: settings::member(declared, edge, classic)
            .set("session.timeout.ms", SESSION_MS)
            .set("heartbeat.interval.ms", "1000")
            .set("client.id", format!("{group}{CLIENT}")),
        writer: settings::writer(declared, edge, true),
        group,
        places,
    };
    taking.rewrite(&change)
}

impl Taking<'_> {
    fn rewrite(
        &self,
        change: &impl Fn(&TopicPartition, &Fetched) -> Option<(i64, String)>,
    ) -> Result<Rewritten, Error> {
        let outside = Group::settled(self.cluster, &self.group)?;
        let (mut taken, mut put_out): (Vec<Taken>, Vec<String>) = (Vec::new(), Vec::new());
        let deadline = Instant::now() + TAKEN_WITHIN;
        let mut last = None;
        while Instant::now() < deadline {
            let members = outside.members()?;
            if members.is_empty() && taken.is_empty() {
                if let Some(done) = self.as_outsider(&outside, change)? {
                    return Ok(done);
                }
                continue;
            }
            // Known to all others by its client's name: whoever takes a static member's place keeps the
            // name of the one before.
            if !taken.iter().any(|t| t.instance == HERALD) {
                taken.push(self.take(HERALD)?);
            }
            if !members.iter().any(|m| is_switch(&m.client)) {
                taken.iter().for_each(Taken::poll);
                continue;
            }
            for other in &members {
                let Some(instance) = &other.instance else {
                    return Err(self.error(format!(
                        "group {} has a member that is no crossdock: client {} at {}; stop it first",
                        self.group, other.client, other.host
                    )));
                };
                if taken.iter().any(|t| t.instance == *instance) {
                    continue;
                }
                if !is_switch(&other.client) {
                    put_out.push(format!("{instance} at {}", other.host));
                    self.end_transaction_of(instance);
                }
                taken.push(self.take(instance)?);
            }
            match self.write(&mut taken, &outside, change) {
                Ok(Some(positions)) => {
                    put_out.sort();
                    put_out.dedup();
                    return Ok(Rewritten { put_out, positions });
                }
                Ok(None) => {}
                Err(error) if error.kind == ErrorKind::Refused => return Err(error),
                Err(error) => {
                    tracing::debug!("{error}; the group is looked at again.");
                    last = Some(error);
                }
            }
        }
        let reason = format!("group {} could not be taken over", self.group);
        Err(last.unwrap_or_else(|| self.error(reason)))
    }

    /// A group without members: its positions are set from outside, which a broker allows no longer as
    /// soon as it has one.
    fn as_outsider(
        &self,
        outside: &Group,
        change: &impl Fn(&TopicPartition, &Fetched) -> Option<(i64, String)>,
    ) -> Result<Option<Rewritten>, Error> {
        let mut positions = outside.committed(&self.places)?;
        let changes = changes(&positions, change);
        if !outside.commit_all(&changes)? {
            return Ok(None);
        }
        apply(&mut positions, changes);
        let put_out = Vec::new();
        Ok(Some(Rewritten { put_out, positions }))
    }

    fn take(&self, instance: &str) -> Result<Taken, Error> {
        let (events, inbox) = channel();
        let member = Member::new(self.cluster, &self.member, &self.group, instance, events)?;
        let mut topics: Vec<&str> = self.places.iter().map(|(topic, _)| &**topic).collect();
        topics.dedup();
        member.subscribe(&topics)?;
        let lease: Arc<Mutex<Option<Lease>>> = Arc::default();
        let noted = lease.clone();
        // It copies nothing: whatever is taken away is let go at once.
        std::thread::spawn(move || {
            for event in inbox {
                let now = match event {
                    Membership::Granted { lease, .. } => Some(lease),
                    Membership::Revoked { .. } => continue,
                    Membership::Lost { .. } => None,
                };
                *noted.lock().unwrap_or_else(PoisonError::into_inner) = now;
            }
        });
        Ok(Taken {
            instance: instance.to_owned(),
            member,
            lease,
        })
    }

    /// Ends what a stream that was put out has open, at once: else brokers wait for its time-out.
    fn end_transaction_of(&self, instance: &str) {
        if self.cluster.capabilities().transactions {
            let id = format!("{}.{instance}", self.group);
            if let Err(error) = Writer::new(self.cluster, &self.writer, Some(&id)) {
                tracing::debug!("{error}.");
            }
        }
    }

    /// Writes under the leases of those who were taken; `None` where it must be tried again.
    fn write(
        &self,
        taken: &mut Vec<Taken>,
        outside: &Group,
        change: &impl Fn(&TopicPartition, &Fetched) -> Option<(i64, String)>,
    ) -> Result<Option<BTreeMap<TopicPartition, Fetched>>, Error> {
        taken.retain(|t| !t.member.is_broken());
        taken.iter().for_each(Taken::poll);
        let leases: Option<Vec<Lease>> = taken.iter().map(Taken::lease).collect();
        let Some(lease) = leases.and_then(|all| all.into_iter().next()) else {
            return Ok(None);
        };
        let members = outside.members()?;
        let is_taken = |m: &GroupMember| {
            taken
                .iter()
                .any(|t| Some(&t.instance) == m.instance.as_ref())
        };
        if members.len() != taken.len() || !members.iter().all(is_taken) {
            return Ok(None);
        }
        // Waits for what was committed in a transaction that has not ended.
        let mut positions = outside.committed(&self.places)?;
        let changes = changes(&positions, change);
        if !changes.is_empty() {
            let id = format!("{}{CLIENT}", self.group);
            let mut writer = Writer::new(self.cluster, &self.writer, Some(&id))?;
            match writer.commit(&lease, &changes, &|| Ok(())) {
                Ok(()) => {}
                Err(CommitError::Refused(_)) => return Ok(None),
                Err(
                    CommitError::Abort(error)
                    | CommitError::Again(error)
                    | CommitError::Renew(error)
                    | CommitError::Recreated(_, error),
                ) => return Err(error),
            }
        }
        apply(&mut positions, changes);
        Ok(Some(positions))
    }

    fn error(&self, reason: String) -> Error {
        Error {
            cluster: self.cluster.alias().clone(),
            kind: ErrorKind::Refused,
            reason,
        }
    }
}

impl Taken {
    /// Follows the group for a moment; what it cannot follow shows in its lease.
    fn poll(&self) {
        if let Err(error) = self.member.poll(LOOK) {
            tracing::debug!("{error}.");
        }
    }

    fn lease(&self) -> Option<Lease> {
        let lease = self.lease.lock().unwrap_or_else(PoisonError::into_inner);
        lease.clone().filter(|l| !l.is_dead())
    }
}

fn changes(
    positions: &BTreeMap<TopicPartition, Fetched>,
    change: &impl Fn(&TopicPartition, &Fetched) -> Option<(i64, String)>,
) -> Vec<Position> {
    let changed = |(place, fetched): (&TopicPartition, &Fetched)| {
        let (offset, note) = change(place, fetched)?;
        let is_new = fetched.offset != Some(offset) || fetched.metadata != note;
        is_new.then(|| (place.clone(), offset, note))
    };
    positions.iter().filter_map(changed).collect()
}

fn apply(positions: &mut BTreeMap<TopicPartition, Fetched>, changes: Vec<Position>) {
    for (place, offset, metadata) in changes {
        let offset = Some(offset);
        positions.insert(place, Fetched { offset, metadata });
    }
}
