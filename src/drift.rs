//! Drift: what `sync` covers is kept in step while the topology runs.
//!
//! New topics and partitions are the workers' business, who look every few seconds. Configs and ACLs
//! are looked at here, by the same planner as `apply`, and changed for the edges that run here; what
//! differs and does not follow is told once.

use std::collections::BTreeSet;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use crossdock_model::graph::Names;
use crossdock_model::name::Alias;
use crossdock_model::plan::{self, Change, Code, Plan};

use crate::fleet::{Fleet, Manifest};
use crate::inventory::{self, Look, Read};
use crate::progress::Progress;
use crate::rollout::carry_out::make;
use crate::rollout::text::describe_in_full;

/// Between two looks at whether the fleet still runs.
const TICK: Duration = Duration::from_millis(200);

/// Starts to look; ends with the fleet.
///
/// # Errors
/// No thread is left.
pub fn start(fleet: &Arc<Fleet>, interval: Duration) -> std::io::Result<()> {
    let fleet = Arc::downgrade(fleet);
    let watch = move || {
        let mut told = BTreeSet::new();
        while wait(&fleet, interval) {
            let manifest = fleet.upgrade().map(|fleet| fleet.manifest());
            if let Some(manifest) = manifest {
                look(&manifest, &mut told);
            }
        }
    };
    let thread = std::thread::Builder::new().name("drift".to_owned());
    thread.spawn(watch).map(drop)
}

/// `false` when the fleet is gone.
fn wait(fleet: &Weak<Fleet>, long: Duration) -> bool {
    let since = Instant::now();
    while since.elapsed() < long {
        match fleet.upgrade() {
            Some(fleet) if !fleet.is_stopping() => std::thread::sleep(TICK),
            _ => return false,
        }
    }
    true
}

fn look(manifest: &Manifest, told: &mut BTreeSet<String>) {
    let Manifest { topology, edges } = manifest;
    let names = Names::new(topology.draft());
    let read = inventory::read(topology, &names, Look::Settings, &Progress::hidden());
    // Without one of them, another edge might seem to be the first that writes a topic.
    let touched = |alias: &Alias| {
        let mut edges = topology.edges().iter();
        edges.any(|edge| edge.source == *alias || edge.target == *alias)
    };
    let mut unreachable = read.inventory.unreachable.iter();
    if let Some((alias, why)) = unreachable.find(|(alias, _)| touched(alias)) {
        let waits = format!("configs and ACLs, until cluster `{alias}` answers: {why}");
        return tell(BTreeSet::from([waits]), told);
    }
    let plan = plan::plan(topology, &names, &read.inventory, "");
    let targets: BTreeSet<(&Alias, &str)> = plan
        .edges
        .iter()
        .filter(|edge| edges.contains(&edge.name))
        .flat_map(|edge| {
            edge.topics
                .iter()
                .map(|t| (&edge.target, t.target_topic.as_str()))
        })
        .collect();
    for change in &plan.changes {
        let topic = match change {
            Change::SetConfigs { topic, .. } => topic,
            Change::CreateAcl { acl, .. } => &acl.topic,
            _ => continue,
        };
        if targets.contains(&(change.cluster(), topic.as_str())) {
            keep_in_step(&read, change);
        }
    }
    tell(stays(&plan), told);
}

fn keep_in_step(read: &Read, change: &Change) {
    let Some(cluster) = read.clusters.get(change.cluster()) else {
        return;
    };
    let what = describe_in_full(change);
    let alias = change.cluster().as_str();
    match make(cluster, change) {
        Ok(()) => tracing::info!(cluster = alias, "Kept in step: {what}."),
        Err(error) => tracing::warn!(cluster = alias, "Cannot be kept in step: {what}: {error}."),
    }
}

/// What differs and stays.
fn stays(plan: &Plan) -> BTreeSet<String> {
    let stays = plan.findings.iter().filter(|f| {
        matches!(
            f.code,
            Code::NotSynced | Code::AclsUnread | Code::FewerPartitions
        )
    });
    stays.map(|f| f.message.clone()).collect()
}

/// Tells what is not kept in step, each once as long as it is so.
fn tell(stays: BTreeSet<String>, told: &mut BTreeSet<String>) {
    for message in stays.difference(told) {
        tracing::info!("Not kept in step: {message}.");
    }
    *told = stays;
}
