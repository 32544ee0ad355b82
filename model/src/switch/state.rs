//! The state machine: steps in their order, done or not.

use serde::{Deserialize, Serialize};

use super::figures::{GroupFigures, PartitionFigures};

/// Version of the written state.
const VERSION: u32 = 1;

/// Over, or back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Way {
    /// From the cluster that is left to the one that takes over.
    Failover,
    /// Back home.
    Failback,
}

/// How it is to be done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Options {
    /// Failover: both clusters are well; nothing may be lost, so it waits until all is copied.
    pub planned: bool,
    /// Failover: a migration, there is no way back.
    pub for_good: bool,
    /// Failback: the home cluster came back empty and gets everything.
    pub rebuild: bool,
}

/// One step. Its place in the order is that of [`State::steps`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// Who answers.
    Reach,
    /// Whether the target can take over: leaders, replicas, writable topics.
    Ready,
    /// Planned only: producers have stopped, and everything is copied.
    Drain,
    /// The edges are stopped for good, and nothing of them is still on its way.
    Fence,
    /// What was copied up to when, and what was not.
    Measure,
    /// What never made it over stays at home and is listed.
    Tail,
    /// What goes home, how, and whether home can take it.
    Prepare,
    /// What was written at the target goes home while more is written.
    Carry,
    /// Producers at the target have stopped.
    Quiet,
    /// The rest goes home.
    Rest,
    /// The edges may go on.
    Lift,
    /// They have caught up past what came home.
    Settle,
    /// Consumer groups get their positions on the other side.
    Groups,
    /// Both sides are held against each other.
    Verify,
}

/// A step that was done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {
    /// Which.
    pub step: Step,
    /// When, in milliseconds since the epoch.
    pub at_ms: i64,
    /// What was seen.
    pub evidence: Vec<String>,
    /// What a person must look at.
    #[serde(default)]
    pub findings: Vec<String>,
}

/// A switch, done so far.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// Of this format.
    pub version: u32,
    /// Name of the topology.
    pub topology: String,
    /// Over, or back.
    pub switch: Way,
    /// The cluster that was left, or is come back to: home.
    pub from: String,
    /// The cluster that took over.
    pub to: String,
    /// Counts the times that the state was written: of two, the higher is the newer.
    pub written: u64,
    /// When it began, in milliseconds since the epoch.
    pub begun_ms: i64,
    /// How it is done.
    #[serde(default)]
    pub options: Options,
    /// In their order.
    pub done: Vec<Done>,
    /// What was and was not replicated.
    #[serde(default)]
    pub partitions: Vec<PartitionFigures>,
    /// What became of consumer groups.
    #[serde(default)]
    pub groups: Vec<GroupFigures>,
}

/// What to do about a switch that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Begin {
    /// It begins.
    Fresh(State),
    /// It was begun, and goes on.
    Resume(State),
    /// It was done: there is nothing left to do.
    Already(State),
    /// It cannot be, and why.
    Refused(String),
}

impl Way {
    /// The command's name.
    pub fn word(self) -> &'static str {
        match self {
            Self::Failover => "failover",
            Self::Failback => "failback",
        }
    }
}

impl Step {
    /// What a person reads.
    pub fn word(self) -> &'static str {
        match self {
            Self::Reach => "reach",
            Self::Ready => "ready",
            Self::Drain => "drain",
            Self::Fence => "fence",
            Self::Measure => "measure",
            Self::Tail => "tail",
            Self::Prepare => "prepare",
            Self::Carry => "carry",
            Self::Quiet => "quiet",
            Self::Rest => "rest",
            Self::Lift => "lift",
            Self::Settle => "settle",
            Self::Groups => "groups",
            Self::Verify => "verify",
        }
    }

    /// Whether it only looks: it is done anew by whoever goes on, because what it saw may have changed.
    pub fn only_looks(self) -> bool {
        matches!(self, Self::Reach | Self::Ready)
    }
}

impl State {
    /// A switch of which nothing is done.
    pub fn new(
        topology: &str,
        (from, to): (&str, &str),
        switch: Way,
        options: Options,
        now_ms: i64,
    ) -> Self {
        Self {
            version: VERSION,
            topology: topology.to_owned(),
            switch,
            from: from.to_owned(),
            to: to.to_owned(),
            written: 0,
            begun_ms: now_ms,
            options,
            done: Vec::new(),
            partitions: Vec::new(),
            groups: Vec::new(),
        }
    }

    /// Its steps, in their order.
    pub fn steps(&self) -> Vec<Step> {
        use Step::{
            Carry, Drain, Fence, Groups, Lift, Measure, Prepare, Quiet, Reach, Ready, Rest, Settle,
            Tail, Verify,
        };
        match self.switch {
            Way::Failover => {
                let mut steps = vec![Reach, Ready, Drain, Fence, Measure, Groups];
                steps.retain(|step| *step != Drain || self.options.planned);
                steps
            }
            Way::Failback => vec![
                Reach, Tail, Prepare, Carry, Quiet, Rest, Lift, Settle, Groups, Verify,
            ],
        }
    }

    /// The first step that is not done; `None` when all are.
    pub fn next(&self) -> Option<Step> {
        let mut steps = self.steps().into_iter();
        steps.find(|step| self.done(*step).is_none())
    }

    /// Whether all steps are done.
    pub fn is_finished(&self) -> bool {
        self.next().is_none()
    }

    /// Records that the next step was done.
    ///
    /// # Errors
    /// It is not the next one: nothing is recorded.
    pub fn record(&mut self, done: Done) -> Result<(), String> {
        let next = self.next();
        if next != Some(done.step) {
            let next = next.map_or("none", Step::word);
            return Err(format!("step {} is not next: {next} is", done.step.word()));
        }
        self.done.push(done);
        Ok(())
    }

    /// When the last step was done, in milliseconds since the epoch.
    pub fn ended_ms(&self) -> Option<i64> {
        let ended = self.done.iter().map(|d| d.at_ms).max();
        ended.filter(|_| self.is_finished())
    }

    /// Everything that a person must look at.
    pub fn findings(&self) -> impl Iterator<Item = &str> {
        self.done
            .iter()
            .flat_map(|d| &d.findings)
            .map(String::as_str)
    }

    /// Whether this state is of that switch, in a format that is known.
    pub fn is_of(&self, topology: &str, from: &str, to: &str) -> bool {
        self.version == VERSION && self.topology == topology && self.from == from && self.to == to
    }

    /// The step that was done.
    pub fn done(&self, step: Step) -> Option<&Done> {
        self.done.iter().find(|d| d.step == step)
    }

    /// As it is taken up again: what only looks is done anew.
    fn resumed(mut self) -> Self {
        self.done.retain(|d| !d.step.only_looks());
        self
    }
}

/// What becomes of a switch that is asked for, after the last one of the same pair.
pub fn begin(last: Option<State>, wanted: State) -> Begin {
    let Some(last) = last else {
        return Begin::Fresh(wanted);
    };
    let fresh = |last: &State| {
        Begin::Fresh(State {
            written: last.written,
            ..wanted.clone()
        })
    };
    match (last.switch, wanted.switch, last.is_finished()) {
        (Way::Failover, Way::Failover, true) => Begin::Already(last),
        (a, b, false) if a == b && last.options == wanted.options => Begin::Resume(last.resumed()),
        (Way::Failback, Way::Failback, false)
            if last.options.rebuild && last.done(Step::Prepare).is_some() =>
        {
            Begin::Refused(format!(
                "a failback with --rebuild has begun and is not done: go on with --rebuild, or `{}` stays incomplete",
                last.from
            ))
        }
        (Way::Failover, Way::Failback, true) if last.options.for_good => Begin::Refused(format!(
            "the failover to `{}` was for good: what there is at `{}` is no longer kept in step",
            last.to, last.from
        )),
        // A failback may be done again: what is home already is known by its records.
        _ => fresh(&last),
    }
}
