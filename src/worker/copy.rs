//! The thread of a stream that copies.

use std::sync::mpsc::Receiver;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use crossdock_model::properties::commit_interval_ms;

use super::follow::{LOOK_AROUND, Life};
use super::limit::Limiter;
use super::status::StreamReport;
use super::streams::Shared;
use crate::kafka::{Member, Membership, TopicPartition};
use crate::stream::positions::EdgePositions;
use crate::stream::records::RecordEngine;
use crate::stream::{Pace, Stream, Twin};

type Copier = Stream<RecordEngine, EdgePositions, StreamReport>;

/// Copies until the worker stops, or another process has taken this instance's place.
pub(super) fn copy(
    shared: &Shared,
    stream: usize,
    member: &Arc<Member>,
    life: &Life,
    inbox: Receiver<Membership>,
    changed: &Receiver<String>,
) {
    // Whatever happens to this thread, the other one must not wait for it.
    let _done = Done(life);
    let mut copier = copier(shared, stream, member);
    let mut idle = Idle::default();
    let mut is_paused = false;
    let mut limiter = Limiter::new(
        shared.setup.edge.limit,
        shared.setup.edge.streams,
        Instant::now(),
    );
    while !shared.control.is_stopping() && !life.is_out() {
        life.beat();
        while let Ok(event) = inbox.try_recv() {
            obey(shared, &mut copier, &mut idle, event);
        }
        while let Ok(topic) = changed.try_recv() {
            copier.reconsider(&topic);
        }
        copier.adopt(idle.with_twins(shared));
        shared.status.joined(stream, copier.has_joined());
        let wants_pause = shared.control.is_paused();
        if wants_pause && !is_paused {
            copier.pause();
        }
        is_paused = wants_pause;
        let is_busy = !is_paused && limiter.allows(Instant::now()) && copier.work();
        copier.commit_in_time();
        limiter.spent(copier.take_spent());
        if !is_busy && let Ok(event) = inbox.recv_timeout(limiter.wait().min(LOOK_AROUND)) {
            obey(shared, &mut copier, &mut idle, event);
        }
    }
    match life.is_out() {
        true => copier.hand_over(),
        false => copier.finish(),
    }
    // The member, when it goes, must find nobody to wait for.
    drop(inbox);
    shared.status.joined(stream, false);
}

/// Says that the copier is done, also where it ends by a panic.
struct Done<'a>(&'a Life);

impl Drop for Done<'_> {
    fn drop(&mut self) {
        self.0.copier_done();
    }
}

/// Granted target partitions that have no twin: surplus ones, or those whose source partition has not
/// been seen yet.
#[derive(Default)]
struct Idle(Vec<TopicPartition>);

impl Idle {
    /// Takes those out that have a twin by now.
    fn with_twins(&mut self, shared: &Shared) -> Vec<Twin> {
        if self.0.is_empty() {
            return Vec::new();
        }
        let catalog = shared
            .catalog
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        let mut found = Vec::new();
        self.0
            .retain(|(topic, partition)| match catalog.twin(topic, *partition) {
                Some(twin) => {
                    found.push(twin);
                    false
                }
                None => true,
            });
        found
    }
}

fn copier(shared: &Shared, stream: usize, member: &Arc<Member>) -> Copier {
    let mut recipe = shared.recipe.clone();
    recipe.transactional_id = recipe.transactional_id.map(|id| format!("{id}.{stream}"));
    let positions = EdgePositions {
        rules: shared.rules.clone(),
        member: member.clone(),
        by: format!("{}.{stream}", shared.setup.instance),
        writer: recipe
            .transactional_id
            .is_some()
            .then(|| recipe.producer.clone()),
        notes: std::cell::RefCell::default(),
    };
    let report = StreamReport {
        status: shared.status.clone(),
        stream,
    };
    let pace = Pace {
        commit_interval: Duration::from_millis(commit_interval_ms(shared.setup.edge.profile)),
    };
    Stream::new(
        RecordEngine::new(recipe, member.clone()),
        positions,
        report,
        pace,
    )
}

fn obey(shared: &Shared, copier: &mut Copier, idle: &mut Idle, event: Membership) {
    shared.status.count(|counts| counts.rebalances += 1);
    let (verb, count) = match &event {
        Membership::Granted { partitions, .. } => ("gives", partitions.len()),
        Membership::Revoked { partitions, .. } | Membership::Lost { partitions, .. } => {
            ("takes", partitions.len())
        }
    };
    let edge = shared.setup.edge.name.as_str();
    tracing::debug!(edge, "Rebalance: the group {verb} {count} partitions.");
    match event {
        Membership::Granted { lease, partitions } => {
            idle.0.retain(|place| !partitions.contains(place));
            idle.0.extend(partitions);
            copier.grant(lease, idle.with_twins(shared));
        }
        Membership::Revoked { partitions, done } => {
            idle.0.retain(|place| !partitions.contains(place));
            copier.revoke(&partitions);
            drop(done);
        }
        Membership::Lost { partitions, done } => {
            idle.0.retain(|place| !partitions.contains(place));
            copier.lose(&partitions);
            drop(done);
        }
    }
}
