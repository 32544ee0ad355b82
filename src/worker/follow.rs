//! The thread of a stream that follows the group: it is never blocked by a produce or a commit.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use super::status::State;
use super::streams::Shared;
use crate::kafka::{Error, ErrorKind, Group, Member};
use crate::switch::is_switch;

/// How long a thread waits for news before it looks around.
pub(super) const LOOK_AROUND: Duration = Duration::from_millis(100);

/// What librdkafka has by default for `max.poll.interval.ms` and `session.timeout.ms`.
const POLL_INTERVAL: Duration = Duration::from_secs(300);
const SESSION: Duration = Duration::from_secs(45);

/// What the two threads of a stream tell each other.
pub(super) struct Life {
    born: Instant,
    beat_ms: AtomicU64,
    copier_is_done: AtomicBool,
    member_is_out: AtomicBool,
    wants_rejoin: AtomicBool,
}

impl Default for Life {
    fn default() -> Self {
        Self {
            born: Instant::now(),
            beat_ms: AtomicU64::new(0),
            copier_is_done: AtomicBool::new(false),
            member_is_out: AtomicBool::new(false),
            wants_rejoin: AtomicBool::new(false),
        }
    }
}

impl Life {
    fn now_ms(&self) -> u64 {
        u64::try_from(self.born.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// The copier is alive.
    pub(super) fn beat(&self) {
        self.beat_ms.store(self.now_ms(), Ordering::Release);
    }

    /// The copier has ended its transaction, and needs the member no more.
    pub(super) fn copier_done(&self) {
        self.copier_is_done.store(true, Ordering::Release);
    }

    /// Whether the member is out of the group for good.
    pub(super) fn is_out(&self) -> bool {
        self.member_is_out.load(Ordering::Acquire)
    }

    /// Leaves the group and comes back at the next look around.
    pub(super) fn rejoin(&self) {
        self.wants_rejoin.store(true, Ordering::Release);
    }

    fn silence(&self) -> Duration {
        Duration::from_millis(
            self.now_ms()
                .saturating_sub(self.beat_ms.load(Ordering::Acquire)),
        )
    }
}

/// Follows the group until the copier is done. A copier that makes no progress gives its partitions
/// up: its member leaves, and comes back when the copier does.
pub(super) fn follow(shared: &Shared, instance: &str, member: &Member, life: &Life) {
    let patience = setting(shared, "max.poll.interval.ms").unwrap_or(POLL_INTERVAL);
    let mut subscribed: Vec<Arc<str>> = Vec::new();
    let name = shared.setup.edge.name.as_str();
    while !life.copier_is_done.load(Ordering::Acquire) {
        if life.silence() > patience {
            if !subscribed.is_empty() {
                tracing::error!(
                    edge = name,
                    "A stream has made no progress for {patience:?}; it gives its partitions up."
                );
                member.leave();
                subscribed.clear();
            }
        } else if life.wants_rejoin.swap(false, Ordering::AcqRel) {
            member.leave();
            subscribed.clear();
        } else if let Some(topics) = topics_to_subscribe(shared, &subscribed) {
            if topics.is_empty() {
                member.leave();
                subscribed.clear();
                continue;
            }
            let names: Vec<&str> = topics.iter().map(|t| &**t).collect();
            match member.subscribe(&names) {
                Ok(()) => subscribed = topics,
                Err(error) => tracing::warn!(edge = name, "{error}."),
            }
        }
        match member.poll(LOOK_AROUND) {
            Ok(()) => {}
            Err(error) if error.kind == ErrorKind::Fenced => {
                // The copier ends first: what it copies from now on nobody would commit.
                life.member_is_out.store(true, Ordering::Release);
                put_out(shared, instance, &error);
                return;
            }
            Err(error) if member.is_broken() => {
                tracing::warn!(edge = name, "{error}; a new member takes its place.");
                life.member_is_out.store(true, Ordering::Release);
                return;
            }
            Err(error) => shared.status.group_trouble(&error),
        }
    }
}

/// The group has put this member out: another member has its instance. If that is another process,
/// the edge halts: two that put each other out would never copy. But a join that the broker heard twice
/// (an answer got lost while it went down) makes a client put itself out: then a new member takes over.
fn put_out(shared: &Shared, instance: &str, error: &Error) {
    let name = shared.setup.edge.name.as_str();
    if has_switch(shared) {
        return stand_aside(shared);
    }
    if has_successor(shared, instance) {
        let reason = format!(
            "another process runs as instance `{}`: {error}; give each its own --instance",
            shared.setup.instance
        );
        tracing::error!(edge = name, "{reason}.");
        shared.status.trouble(State::Halted, reason);
    } else {
        tracing::info!(
            edge = name,
            "A member was put out by its own second join; a new one takes its place."
        );
    }
}

/// A failover or failback has taken the group over: it settles where the edge stands, and writes it
/// beside the committed offsets. Who comes back after that reads it there.
fn stand_aside(shared: &Shared) {
    let reason = "a failover or failback has taken the edge's group over; waiting for its end";
    tracing::warn!(edge = shared.setup.edge.name.as_str(), "{reason}.");
    while !shared.control.is_stopping() && has_switch(shared) {
        shared.status.trouble(State::Retrying, reason);
        std::thread::sleep(LOOK_AROUND * 5);
    }
}

/// Whether a failover or failback is a member of the group. While the group cannot be asked, nothing is
/// concluded.
fn has_switch(shared: &Shared) -> bool {
    while !shared.control.is_stopping() {
        match Group::new(&shared.setup.target, &shared.group).and_then(|g| g.members()) {
            Ok(members) => return members.iter().any(|m| is_switch(&m.client)),
            Err(error) => {
                shared.status.trouble(State::Retrying, error.to_string());
                std::thread::sleep(LOOK_AROUND * 5);
            }
        }
    }
    false
}

/// Whether another process is the group's member under this instance. A member that this client has joined as
/// without knowing has nobody to keep it alive, and is gone when its session is over; another process stays. A
/// client's name proves that it was this one; another name proves nothing, for the coordinator keeps that of
/// whoever was the first of this instance, such as the process before a restart.
fn has_successor(shared: &Shared, instance: &str) -> bool {
    let ours = shared.setup.member.get("client.id").unwrap_or_default();
    let session = setting(shared, "session.timeout.ms").unwrap_or(SESSION) * 2;
    let mut seen: Option<(String, Instant)> = None;
    while !shared.control.is_stopping() {
        let members = Group::new(&shared.setup.target, &shared.group).and_then(|g| g.members());
        let found = members.map(|all| {
            all.into_iter()
                .find(|m| m.instance.as_deref() == Some(instance))
        });
        match (found, &seen) {
            (Ok(None), _) => return false,
            (Ok(Some(member)), _) if member.client == ours => return false,
            (Ok(Some(member)), Some((id, since))) if member.id == *id => {
                if since.elapsed() > session {
                    return true;
                }
            }
            (Ok(Some(member)), _) => seen = Some((member.id, Instant::now())),
            // A coordinator that comes back gives every member another session.
            (Err(error), _) => {
                tracing::debug!("{error}.");
                seen = None;
            }
        }
        let reason = format!(
            "a member has been put out of its group; whether another process runs as instance `{}` shows within {session:?}",
            shared.setup.instance
        );
        shared.status.trouble(State::Retrying, reason);
        std::thread::sleep(LOOK_AROUND * 5);
    }
    false
}

fn setting(shared: &Shared, name: &str) -> Option<Duration> {
    let value = shared.setup.member.get(name)?;
    value.parse().ok().map(Duration::from_millis)
}

fn topics_to_subscribe(shared: &Shared, subscribed: &[Arc<str>]) -> Option<Vec<Arc<str>>> {
    let catalog = shared
        .catalog
        .read()
        .unwrap_or_else(PoisonError::into_inner);
    let is_same = catalog.pairs.len() == subscribed.len()
        && catalog.pairs.keys().zip(subscribed).all(|(a, b)| a == b);
    (!is_same).then(|| catalog.pairs.keys().cloned().collect())
}
