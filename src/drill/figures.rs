//! What a drill has measured.

use std::collections::{BTreeMap, BTreeSet};

use crossdock_model::switch::{Loss, State};
use serde::Serialize;

use super::clients::Sent;

/// Everything that was measured.
#[derive(Clone, Debug, Serialize)]
pub struct Figures {
    /// Name of the topology.
    pub topology: String,
    /// Home.
    pub from: String,
    /// The cluster that took over.
    pub to: String,
    /// On embedded clusters: without transactions, and without group sync.
    pub is_embedded: bool,
    /// When home was killed, in milliseconds since the epoch.
    pub disaster_ms: i64,
    /// Records that were acknowledged, on either side.
    pub acknowledged: usize,
    /// Records that home had acknowledged and the other cluster did not have when it took over.
    pub not_copied: usize,
    /// How long before the disaster the oldest of them was written.
    pub recovery_point_ms: i64,
    /// What the failover told of them.
    pub loss_told: Option<Loss>,
    /// From the disaster until a group processed what was written after it.
    pub recovery_time_ms: Option<i64>,
    /// What the steps of the failover took.
    pub failover_ms: Option<i64>,
    /// What the steps of the failback took, most of it while applications went on.
    pub failback_ms: Option<i64>,
    /// From the applications' leaving to the end of the failback.
    pub pause_ms: Option<i64>,
    /// Acknowledged records that are not in a log at the end, by cluster.
    pub lost: BTreeMap<String, usize>,
    /// Records that are there more than once.
    pub doubled: BTreeMap<String, usize>,
    /// What each group has processed.
    pub groups: Vec<GroupFigures>,
    /// The repeats that the failover and the failback told for each group.
    #[serde(skip)]
    pub bound_over: BTreeMap<String, i64>,
    /// The same of the failback.
    #[serde(skip)]
    pub bound_back: BTreeMap<String, i64>,
}

/// What a group has processed.
#[derive(Clone, Debug, Serialize)]
pub struct GroupFigures {
    /// The group.
    pub group: String,
    /// Different records.
    pub processed: usize,
    /// Acknowledged records that it never saw.
    pub missed: usize,
    /// Records that it saw again after the failover.
    pub repeats_over: usize,
    /// What was told before; `None` where no position was.
    pub repeats_over_max: Option<i64>,
    /// Records that it saw again after the failback.
    pub repeats_back: usize,
    /// What was told before.
    pub repeats_back_max: Option<i64>,
}

impl Figures {
    pub(super) fn new(topology: &str, (from, to): (&str, &str), is_embedded: bool) -> Self {
        Self {
            topology: topology.to_owned(),
            from: from.to_owned(),
            to: to.to_owned(),
            is_embedded,
            disaster_ms: 0,
            acknowledged: 0,
            not_copied: 0,
            recovery_point_ms: 0,
            loss_told: None,
            recovery_time_ms: None,
            failover_ms: None,
            failback_ms: None,
            pause_ms: None,
            lost: BTreeMap::new(),
            doubled: BTreeMap::new(),
            groups: Vec::new(),
            bound_over: BTreeMap::new(),
            bound_back: BTreeMap::new(),
        }
    }

    /// What home had acknowledged, against what the other cluster has.
    pub(super) fn recovery_point(&mut self, sent: &[Sent], there: &BTreeMap<u64, usize>) {
        let missing = || {
            sent.iter()
                .filter(|s| s.is_acknowledged && !there.contains_key(&s.uid))
        };
        self.not_copied = missing().count();
        let oldest = missing().map(|s| s.at_ms).min();
        self.recovery_point_ms = oldest.map_or(0, |at| (self.disaster_ms - at).max(0));
    }

    /// What lies in a cluster's logs at the end.
    pub(super) fn log(&mut self, alias: &str, sent: &[Sent], log: &BTreeMap<u64, usize>) {
        let acknowledged = || sent.iter().filter(|s| s.is_acknowledged);
        self.acknowledged = acknowledged().count();
        let lost = acknowledged().filter(|s| !log.contains_key(&s.uid)).count();
        self.lost.insert(alias.to_owned(), lost);
        let doubled = log.values().filter(|copies| **copies > 1).count();
        self.doubled.insert(alias.to_owned(), doubled);
    }

    /// Nothing is lost or doubled, no group has missed a record, and none saw more again than was told.
    /// On embedded clusters delivery is at least once, and groups begin anew.
    pub fn is_exact(&self) -> bool {
        let kept = self.lost.values().all(|n| *n == 0);
        let once = self.is_embedded || self.doubled.values().all(|n| *n == 0);
        kept && once
            && self
                .groups
                .iter()
                .all(|g| g.missed == 0 && (self.is_embedded || g.is_within()))
    }

    /// For people.
    pub fn text(&self) -> String {
        let Self { from, to, .. } = self;
        let seconds = |ms: Option<i64>| {
            ms.map_or_else(
                || "?".to_owned(),
                |ms| format!("{:.1} s", ms as f64 / 1000.0),
            )
        };
        let mut text = format!(
            "\nDrill of {} from {from} to {to} and back:\n",
            self.topology
        );
        let mut line = |what: &str, value: String| text += &format!("  {what:<34}{value}\n");
        line("records acknowledged", self.acknowledged.to_string());
        let point = match self.not_copied {
            0 => {
                format!("nothing: all that {from} had acknowledged was copied when {to} took over")
            }
            count => format!(
                "{count} records not copied when {to} took over, the oldest {} old",
                seconds(Some(self.recovery_point_ms))
            ),
        };
        line("recovery point (RPO)", point);
        line(
            "recovery time (RTO)",
            format!(
                "{} from the disaster to the first record processed at {to}, {} of it the failover",
                seconds(self.recovery_time_ms),
                seconds(self.failover_ms)
            ),
        );
        line(
            "failback",
            format!(
                "{}, with a pause of {} for applications",
                seconds(self.failback_ms),
                seconds(self.pause_ms)
            ),
        );
        for (alias, lost) in &self.lost {
            let doubled = self.doubled.get(alias).copied().unwrap_or(0);
            line(
                &format!("at {alias} in the end"),
                format!("{lost} lost, {doubled} doubled"),
            );
        }
        for group in &self.groups {
            line(&format!("group {}", group.group), group.text());
        }
        let verdict = match (self.is_exact(), self.is_embedded) {
            (true, false) => {
                "Exact: every record is on both sides once, and every group has seen all of them."
            }
            (true, true) => {
                "Nothing lost (at_least_once: embedded clusters have no transactions, and groups begin there anew; --on drills on real ones)."
            }
            (false, _) => "NOT exact.",
        };
        text + "\n" + verdict + "\n"
    }
}

impl GroupFigures {
    fn is_within(&self) -> bool {
        let within = |repeats: usize, most: Option<i64>| {
            // Where nothing was told, nothing may come again.
            i64::try_from(repeats).unwrap_or(i64::MAX) <= most.unwrap_or(0)
        };
        within(self.repeats_over, self.repeats_over_max)
            && within(self.repeats_back, self.repeats_back_max)
    }

    fn text(&self) -> String {
        let most = |most: Option<i64>| {
            most.map_or_else(
                || "nothing was told".to_owned(),
                |m| format!("told: at most {m}"),
            )
        };
        format!(
            "{} processed, {} missed; repeats: {} after the failover ({}), {} after the failback ({})",
            self.processed,
            self.missed,
            self.repeats_over,
            most(self.repeats_over_max),
            self.repeats_back,
            most(self.repeats_back_max)
        )
    }
}

/// The repeats that a switch told, by group.
pub(super) fn bounds(state: &State) -> BTreeMap<String, i64> {
    let mut bounds: BTreeMap<String, i64> = BTreeMap::new();
    for figures in &state.groups {
        if let Some(most) = figures.repeats_max {
            *bounds.entry(figures.group.clone()).or_default() += most;
        }
    }
    bounds
}

/// What a group has processed in its three acts: at home, at the other cluster, at home again.
pub(super) fn group(
    name: &str,
    acts: &[Vec<u64>; 3],
    sent: &[Sent],
    all: &Figures,
) -> GroupFigures {
    let set = |act: &[u64]| act.iter().copied().collect::<BTreeSet<u64>>();
    let [home, away, back] = acts;
    let before = set(home);
    let after: BTreeSet<u64> = &before | &set(away);
    let everything: BTreeSet<u64> = &after | &set(back);
    let again = |act: &[u64], known: &BTreeSet<u64>| {
        let mut seen = known.clone();
        act.iter().filter(|uid| !seen.insert(**uid)).count()
    };
    let missed = sent
        .iter()
        .filter(|s| s.is_acknowledged && !everything.contains(&s.uid))
        .count();
    GroupFigures {
        group: name.to_owned(),
        processed: everything.len(),
        missed,
        repeats_over: again(away, &before),
        repeats_over_max: all.bound_over.get(name).copied(),
        repeats_back: again(back, &after),
        repeats_back_max: all.bound_back.get(name).copied(),
    }
}
