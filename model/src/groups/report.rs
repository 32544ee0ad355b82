//! How a group stands, in one word and some numbers.

use serde::Serialize;

use super::decide::Step;

/// How a group stands over one edge; of several things the gravest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// The file leaves it out, or it is crossdock's own.
    Excluded,
    /// Each of its positions is at the target.
    Synced,
    /// There is no place at the target for some of its positions.
    NothingReplicatedYet,
    /// It has been further at the target, where nothing of it is lowered.
    Ahead,
    /// It has members at the target: its offsets there are its own.
    ActiveOnTarget,
    /// The target refuses.
    Refused,
}

impl State {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Synced,
        Self::ActiveOnTarget,
        Self::Ahead,
        Self::NothingReplicatedYet,
        Self::Excluded,
        Self::Refused,
    ];

    /// As it is written everywhere.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Excluded => "excluded",
            Self::Synced => "synced",
            Self::NothingReplicatedYet => "nothing_replicated_yet",
            Self::Ahead => "ahead",
            Self::ActiveOnTarget => "active_on_target",
            Self::Refused => "refused",
        }
    }
}

/// One position of a group, and what was done about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PositionReport {
    /// Source topic.
    pub topic: String,
    /// Partition.
    pub partition: i32,
    /// Target topic.
    pub target_topic: String,
    /// What the group has committed at the source.
    pub source_offset: i64,
    /// What is committed at the target now, if anything is.
    pub target_offset: Option<i64>,
    /// How it stands.
    pub state: State,
    /// Whether it was committed this time.
    pub was_committed: bool,
    /// Records that lie behind it at the target, as offsets tell.
    pub lag_records: Option<i64>,
    /// Why it is not in step.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl PositionReport {
    /// What a step means for whoever looks at it, before it is taken.
    pub fn state_of(step: &Step<'_>) -> (State, Option<String>) {
        match step {
            Step::Commit(..) | Step::InStep => (State::Synced, None),
            Step::TargetLeads => (
                State::Synced,
                Some("what the source has came from the target, which leads".to_owned()),
            ),
            Step::Active => (
                State::ActiveOnTarget,
                Some("it has members at the target".to_owned()),
            ),
            Step::Ahead(by) => (
                State::Ahead,
                Some(format!("it has been {by} offsets further at the target")),
            ),
            Step::NoPlace(why) => (State::NothingReplicatedYet, Some((*why).to_owned())),
        }
    }
}

/// One group over one edge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Its name.
    pub group: String,
    /// How it stands.
    pub state: State,
    /// Why it is not synced: of the first position that is as `state` says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Its positions that follow over this edge and are looked after here.
    pub partitions: usize,
    /// Those that are in step.
    pub synced: usize,
    /// Those that have been further at the target.
    pub ahead: usize,
    /// Those without a place at the target.
    pub without_place: usize,
    /// Records that lie behind its positions at the target, as offsets tell.
    pub lag_records: i64,
    /// Its positions.
    #[serde(skip)]
    pub positions: Vec<PositionReport>,
}

impl Report {
    /// Sums a group up.
    pub fn new(group: &str, positions: Vec<PositionReport>) -> Self {
        let count = |state| positions.iter().filter(|p| p.state == state).count();
        let gravest = positions.iter().map(|p| p.state).max();
        let state = gravest.unwrap_or(State::Synced);
        let first = positions.iter().find(|p| p.state == state);
        let reason = first.filter(|_| state != State::Synced).and_then(|p| {
            let place = format!("{}-{}", p.topic, p.partition);
            Some(format!("{place}: {}", p.reason.as_ref()?))
        });
        Self {
            group: group.to_owned(),
            state,
            reason,
            partitions: positions.len(),
            synced: count(State::Synced),
            ahead: count(State::Ahead),
            without_place: count(State::NothingReplicatedYet),
            lag_records: positions.iter().filter_map(|p| p.lag_records).sum(),
            positions,
        }
    }

    /// A group that is left out.
    pub fn excluded(group: &str, why: &str) -> Self {
        Self {
            state: State::Excluded,
            reason: Some(why.to_owned()),
            ..Self::new(group, Vec::new())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn position(partition: i32, step: &Step<'_>) -> PositionReport {
        let (state, reason) = PositionReport::state_of(step);
        PositionReport {
            topic: "orders".to_owned(),
            partition,
            target_topic: "orders".to_owned(),
            source_offset: 10,
            target_offset: Some(12),
            state,
            was_committed: false,
            lag_records: Some(5),
            reason,
        }
    }

    #[test]
    fn of_several_things_the_gravest_is_told() {
        let steps = [Step::InStep, Step::NoPlace("nothing yet"), Step::Ahead(3)];
        let positions = (0..).zip(&steps).map(|(p, step)| position(p, step));
        let report = Report::new("billing", positions.collect());
        assert_eq!(report.state, State::Ahead);
        let why = "orders-2: it has been 3 offsets further at the target";
        assert_eq!(report.reason.as_deref(), Some(why));
        let counts = (report.partitions, report.synced, report.ahead);
        assert_eq!((counts, report.without_place), ((3, 1, 1), 1));
        assert_eq!(report.lag_records, 15);
    }

    #[test]
    fn every_state_is_written_as_it_is_called() {
        for state in State::ALL {
            let written = serde_json::to_string(&state).expect("it is text");
            assert_eq!(written, format!("\"{}\"", state.as_str()));
        }
    }
}
