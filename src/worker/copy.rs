//! The thread of a stream that copies.

use std::sync::mpsc::Receiver;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

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
    let mut copier = copier(shared, stream, member);
    let mut is_paused = false;
    let mut limiter = Limiter::new(shared.setup.edge.limit, shared.setup.edge.streams);
    loop {
        life.beat();
        if shared.control.is_stopping() || life.is_out() {
            break;
        }
        while let Ok(event) = inbox.try_recv() {
            obey(shared, &mut copier, event);
        }
        while let Ok(topic) = changed.try_recv() {
            copier.reconsider(&topic);
        }
        shared.status.joined(stream, copier.has_joined());
        let wants_pause = shared.control.is_paused();
        if wants_pause && !is_paused {
            copier.pause();
        }
        is_paused = wants_pause;
        let is_busy = !is_paused && limiter.allows() && copier.work();
        copier.commit_in_time();
        limiter.spent(copier.take_spent());
        if !is_busy && let Ok(event) = inbox.recv_timeout(limiter.wait().min(LOOK_AROUND)) {
            obey(shared, &mut copier, event);
        }
    }
    copier.finish();
    // The member, when it goes, must find nobody to wait for.
    drop(inbox);
    shared.status.joined(stream, false);
    life.copier_done();
}

fn copier(shared: &Shared, stream: usize, member: &Arc<Member>) -> Copier {
    let mut recipe = shared.recipe.clone();
    recipe.transactional_id = recipe.transactional_id.map(|id| format!("{id}.{stream}"));
    let positions = EdgePositions {
        rules: shared.rules.clone(),
        member: member.clone(),
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

fn obey(shared: &Shared, copier: &mut Copier, event: Membership) {
    match event {
        Membership::Granted { lease, partitions } => {
            let twins = twins(shared, &partitions);
            tracing::debug!(
                edge = shared.setup.edge.name.as_str(),
                "The group gives {} partitions.",
                twins.len()
            );
            copier.grant(lease, twins);
        }
        Membership::Revoked { partitions, done } => {
            copier.revoke(&partitions);
            drop(done);
        }
        Membership::Lost { partitions, done } => {
            copier.lose(&partitions);
            drop(done);
        }
    }
}

/// A surplus target partition has no twin, and is left idle.
fn twins(shared: &Shared, partitions: &[TopicPartition]) -> Vec<Twin> {
    let catalog = shared
        .catalog
        .read()
        .unwrap_or_else(PoisonError::into_inner);
    partitions
        .iter()
        .filter_map(|(topic, partition)| catalog.twin(topic, *partition))
        .collect()
}
