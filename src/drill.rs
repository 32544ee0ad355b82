//! A drill: failover and failback for real, under load, with a killed cluster, and what they cost.
//!
//! Applications are played by [`clients`]: producers that note what was acknowledged, and consumer
//! groups that note what they have processed. The steps are those of `crossdock failover` and
//! `failback`, none is played. What comes out is measured, and held against what was written.

mod clients;
mod figures;
mod ground;

use std::cell::Cell;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};
use crossdock_model::edge::Start;
use crossdock_model::name::Alias;
use crossdock_model::switch::{Options, State, Way};
use crossdock_model::topology::Topology;

use crate::exit::Failure;
use crate::fleet::{self, Fleet};
use crate::kafka::Group as KafkaGroup;
use crate::rehearsal::lab::Lab;
use crate::switch::failback::Failback;
use crate::switch::failover::Failover;
use crate::switch::{Stage, drive};
use crate::{clock, output};
use clients::{GroupClient, Load, Sent};
pub use figures::Figures;
use figures::GroupFigures;
pub use ground::{Ground, Hooks};

/// The groups that follow, with how often each commits.
const GROUPS: [(&str, Duration); 2] = [
    ("drill-quick", Duration::from_millis(200)),
    ("drill-slow", Duration::from_secs(2)),
];

/// Between two rounds in which groups follow.
const GROUPS_INTERVAL: Duration = Duration::from_secs(1);

/// How long something that must come may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// Between two looks.
const LOOK: Duration = Duration::from_millis(100);

/// How a drill is played.
#[derive(Clone, Debug)]
pub struct Script {
    /// Records a second.
    pub rate: u64,
    /// How long they are written at home before the disaster, and at the other cluster after it.
    pub span: Duration,
    /// How a real home is killed and revived.
    pub hooks: Hooks,
}

/// Plays a drill between two clusters of a lab.
///
/// # Errors
/// A cluster does not answer, or a step cannot go on; what to do is told.
pub fn play(
    lab: &Lab,
    topology: &Topology,
    file: &Path,
    ends: (&str, &str),
    script: &Script,
) -> Result<Figures, Failure> {
    let stage = Stage::new(topology, file, ends, &lab.embedded)?;
    let ground = Ground::new(lab, &stage).map_err(Failure::CannotStart)?;
    ground.make_topics().map_err(Failure::Cluster)?;
    let options = fleet::Options {
        file: file.display().to_string(),
        instance: "drill".to_owned(),
        process: fleet::Options::new_process(),
        once: false,
        groups_interval: GROUPS_INTERVAL,
        embedded: lab.embedded.clone(),
    };
    let edges: Vec<_> = topology.edges().iter().filter(|e| e.enabled).collect();
    let start = || Fleet::start(topology, &edges, &options).map_err(Failure::CannotStart);
    let fleet = Arc::new(start()?);
    let mut play = Play {
        lab,
        stage: &stage,
        ground: &ground,
        script,
        fleet,
        figures: Figures::new(topology.name(), ends, !lab.embedded.is_empty()),
        sent: Vec::new(),
    };
    let played = play.all(&start);
    play.fleet.stop();
    play.fleet.endings();
    played?;
    Ok(play.figures)
}

struct Play<'a> {
    lab: &'a Lab,
    stage: &'a Stage,
    ground: &'a Ground,
    script: &'a Script,
    fleet: Arc<Fleet>,
    figures: Figures,
    /// Everything that was written, on either side.
    sent: Vec<Sent>,
}

impl Play<'_> {
    fn all(&mut self, start: &dyn Fn() -> Result<Fleet, Failure>) -> Result<(), Failure> {
        let Stage { home, away, .. } = self.stage;
        let mut groups: Vec<Group> = GROUPS.iter().map(|(name, _)| Group::new(name)).collect();

        output::say(&format!(
            "— Applications write at `{home}`, {} records/s, and two groups read them.",
            self.script.rate
        ));
        let load = self.load(home)?;
        let clients = self.clients(home)?;
        self.until_copied(&load)?;
        self.until_groups_follow()?;
        std::thread::sleep(self.script.span);
        let killed = self.disaster(load, clients, &mut groups)?;

        self.failover()?;
        output::say(&format!("— Applications go on at `{away}`."));
        let clients = self.clients(away)?;
        let load = self.load(away)?;
        self.figures.recovery_time_ms = Some(self.first_processed(&load, &clients, killed)?);
        std::thread::sleep(self.script.span);

        output::say(&format!("— `{home}` comes back."));
        self.script
            .hooks
            .revive(self.lab, home)
            .map_err(Failure::Cluster)?;
        self.ground.until_there(home).map_err(Failure::Cluster)?;
        self.failback(load, clients, &mut groups)?;
        if !self.lab.embedded.is_empty() {
            self.fleet = Arc::new(start()?);
        }

        output::say(&format!("— Applications are at `{home}` again."));
        let clients = self.clients(home)?;
        let load = self.load(home)?;
        std::thread::sleep(self.script.span);
        self.sent.extend(load.stop());
        self.until_all_copied()?;
        self.ground
            .until_read(home, &clients)
            .map_err(Failure::Cluster)?;
        for (group, client) in groups.iter_mut().zip(clients) {
            group.back_home(client.stop(true));
        }
        self.judge(groups).map_err(Failure::Cluster)
    }

    fn load(&self, alias: &Alias) -> Result<Load, Failure> {
        let topics = self.ground.topics_on(alias);
        let cluster = self.stage.cluster(alias).map_err(Failure::cluster)?;
        Load::start(cluster, &topics, self.script.rate, self.sent.len())
            .map_err(Failure::CannotStart)
    }

    fn clients(&self, alias: &Alias) -> Result<Vec<GroupClient>, Failure> {
        let cluster = self.ground.cluster(alias);
        let places = self.ground.places_on(alias);
        GROUPS
            .iter()
            .map(|(name, every)| {
                GroupClient::start(cluster, name, &places, *every).map_err(Failure::Cluster)
            })
            .collect()
    }

    fn until_copied(&self, load: &Load) -> Result<(), Failure> {
        let since = Instant::now();
        while self
            .fleet
            .snapshot()
            .iter()
            .map(|e| e.records_total)
            .sum::<u64>()
            == 0
        {
            if since.elapsed() > PATIENCE {
                let states: Vec<_> = self
                    .fleet
                    .snapshot()
                    .into_iter()
                    .filter_map(|e| e.reason)
                    .collect();
                return Err(Failure::cluster(anyhow!(
                    "nothing is copied, though {} records were written: {}",
                    load.count(),
                    states.join("; ")
                )));
            }
            std::thread::sleep(LOOK);
        }
        Ok(())
    }

    /// Waits until every group has been brought to the other cluster once: a disaster in the first second
    /// of an edge would say little.
    fn until_groups_follow(&self) -> Result<(), Failure> {
        let follows = |edge: &&crossdock_model::edge::Edge| edge.sync.groups.is_some();
        if !self.lab.embedded.is_empty() || !self.stage.pair().iter().any(follows) {
            return Ok(());
        }
        let away = self.ground.cluster(&self.stage.away);
        let places = self.ground.places_on(&self.stage.away);
        let since = Instant::now();
        for (name, _) in GROUPS {
            let group = KafkaGroup::new(away, name).map_err(Failure::cluster)?;
            loop {
                let there = group.committed(&places).map_err(Failure::cluster)?;
                if there.values().all(|f| f.offset.is_some()) {
                    break;
                }
                if since.elapsed() > PATIENCE {
                    return Err(Failure::cluster(anyhow!(
                        "group {name} does not follow to `{}`",
                        self.stage.away
                    )));
                }
                std::thread::sleep(LOOK);
            }
        }
        Ok(())
    }

    /// Kills home under load, and tells when. What was acknowledged by then counts.
    fn disaster(
        &mut self,
        load: Load,
        clients: Vec<GroupClient>,
        groups: &mut [Group],
    ) -> Result<Instant, Failure> {
        let Stage { home, .. } = self.stage;
        let how = self
            .script
            .hooks
            .kill(self.lab, home)
            .map_err(Failure::Cluster)?;
        let killed = Instant::now();
        output::say(&format!("— Disaster: {how}."));
        self.figures.disaster_ms = clock::now_ms();
        self.sent.extend(load.stop());
        for (group, client) in groups.iter_mut().zip(clients) {
            // They die with their cluster: what they processed last is not committed.
            group.at_home(client.stop(false));
        }
        Ok(killed)
    }

    fn failover(&mut self) -> Result<(), Failure> {
        let ends = (self.stage.home.as_str(), self.stage.away.as_str());
        if !self.lab.embedded.is_empty() {
            // Their groups know no static members: the edges are stopped in this process.
            self.fleet.stop();
            self.fleet.endings();
        }
        output::say("— crossdock failover");
        let topology = self.stage.topology.name();
        let now = clock::now_ms();
        let mut state = State::new(topology, ends, Way::Failover, Options::default(), now);
        let failover = Failover {
            stage: self.stage,
            patience: PATIENCE,
            is_look: false,
            is_home_dead: Cell::new(false),
        };
        drive(&mut state, None, |step, state| failover.act(step, state))?;
        self.figures.failover_ms = state.took_ms();
        self.figures.loss_told = Some(state.loss());
        self.figures.bound_over = figures::bounds(&state);
        let there = self
            .ground
            .read(&self.stage.away)
            .map_err(Failure::Cluster)?;
        self.figures.recovery_point(&self.sent, &there);
        Ok(())
    }

    /// From the disaster until the first group processes what was written after it.
    fn first_processed(
        &self,
        load: &Load,
        clients: &[GroupClient],
        killed: Instant,
    ) -> Result<i64, Failure> {
        let first = load.first();
        let since = Instant::now();
        while !clients.iter().any(|c| c.has_processed(first)) {
            if since.elapsed() > PATIENCE {
                return Err(Failure::cluster(anyhow!(
                    "no group has processed what was written at `{}` after the failover",
                    self.stage.away
                )));
            }
            std::thread::sleep(LOOK / 5);
        }
        Ok(i64::try_from(killed.elapsed().as_millis()).unwrap_or(i64::MAX))
    }

    fn failback(
        &mut self,
        load: Load,
        clients: Vec<GroupClient>,
        groups: &mut [Group],
    ) -> Result<(), Failure> {
        let ends = (self.stage.home.as_str(), self.stage.away.as_str());
        output::say("— crossdock failback");
        let topology = self.stage.topology.name();
        let now = clock::now_ms();
        let mut state = State::new(topology, ends, Way::Failback, Options::default(), now);
        let yes = |_: &str| Ok(true);
        let failback = Failback::new(self.stage, false, Start::Earliest, PATIENCE, false, yes)?;
        let (mut load, mut clients, mut paused) = (Some(load), Some(clients), None);
        let mut told = Ok(());
        drive(&mut state, None, |step, state| {
            if step == crossdock_model::switch::Step::Quiet {
                output::say(&format!(
                    "— The pause begins: applications leave `{}`.",
                    self.stage.away
                ));
                paused = Some(Instant::now());
                self.sent
                    .extend(load.take().map(Load::stop).unwrap_or_default());
                let clients = clients.take().unwrap_or_default();
                told = self.ground.until_read(&self.stage.away, &clients);
                for (group, client) in groups.iter_mut().zip(clients) {
                    group.over_there(client.stop(true));
                }
            }
            failback.act(step, state)
        })?;
        told.map_err(Failure::Cluster)?;
        self.figures.failback_ms = state.took_ms();
        self.figures.pause_ms = paused.map(|p| i64::try_from(p.elapsed().as_millis()).unwrap_or(0));
        self.figures.bound_back = figures::bounds(&state);
        Ok(())
    }

    fn until_all_copied(&self) -> Result<(), Failure> {
        let since = Instant::now();
        loop {
            let acknowledged = self.sent.iter().filter(|s| s.is_acknowledged).count();
            let there = self
                .ground
                .count(&self.stage.away)
                .map_err(Failure::Cluster)?;
            if there >= acknowledged {
                return Ok(());
            }
            if since.elapsed() > PATIENCE {
                // The proof tells what is missing.
                return Ok(());
            }
            std::thread::sleep(LOOK * 5);
        }
    }

    /// Both logs, and what the groups have processed, against what was acknowledged.
    fn judge(&mut self, groups: Vec<Group>) -> Result<()> {
        for alias in [&self.stage.home, &self.stage.away] {
            let log = self
                .ground
                .read(alias)
                .with_context(|| format!("cannot read `{alias}`"))?;
            self.figures.log(alias.as_str(), &self.sent, &log);
        }
        let sent = &self.sent;
        self.figures.groups = groups
            .iter()
            .map(|g| g.figures(sent, &self.figures))
            .collect();
        Ok(())
    }
}

/// What a group has processed, in three acts.
struct Group {
    name: &'static str,
    acts: [Vec<u64>; 3],
}

impl Group {
    fn new(name: &'static str) -> Self {
        let acts = [Vec::new(), Vec::new(), Vec::new()];
        Self { name, acts }
    }

    fn at_home(&mut self, processed: Vec<u64>) {
        self.acts[0] = processed;
    }

    fn over_there(&mut self, processed: Vec<u64>) {
        self.acts[1] = processed;
    }

    fn back_home(&mut self, processed: Vec<u64>) {
        self.acts[2] = processed;
    }

    fn figures(&self, sent: &[Sent], all: &Figures) -> GroupFigures {
        figures::group(self.name, &self.acts, sent, all)
    }
}
