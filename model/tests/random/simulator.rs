//! A small simulator of records and topics, written apart from the proof: names are strings, filters
//! are functions, headers are sets of clusters.

use std::collections::{BTreeSet, HashMap, VecDeque};

/// Longer names are not followed.
const LONGEST: usize = 30;

/// Most steps that the records of one topic are followed for.
const STEPS_MAX: usize = 3_000;

/// Most names that are followed for growth.
const NAMES_MAX: usize = 20_000;

/// Most places that the ways to one are followed back to: what cuts names comes from ever longer ones.
const WAYS_MAX: usize = 2_000;

/// A filter, as pattern and as function.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Filter {
    All,
    Starts(&'static str),
    Ends(&'static str),
    Holds(&'static str),
    OneOf(&'static [&'static str]),
}

impl Filter {
    pub(crate) fn matches(self, name: &str) -> bool {
        match self {
            Self::All => true,
            Self::Starts(text) => name.starts_with(text),
            Self::Ends(text) => name.ends_with(text),
            Self::Holds(text) => name.contains(text),
            Self::OneOf(names) => names.contains(&name),
        }
    }

    pub(crate) fn pattern(self) -> String {
        match self {
            Self::All => ".*".into(),
            Self::Starts(text) => format!("{text}.*"),
            Self::Ends(text) => format!(".*{text}"),
            Self::Holds(text) => format!(".*{text}.*"),
            Self::OneOf(names) => names.join("|"),
        }
    }
}

/// A rename, as words of a draft and as function.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Change {
    Keep,
    Prefix(&'static str),
    Suffix(&'static str),
    Strip(&'static str),
}

impl Change {
    fn apply(self, name: &str) -> String {
        match self {
            Self::Keep => name.into(),
            Self::Prefix(text) => format!("{text}{name}"),
            Self::Suffix(text) => format!("{name}{text}"),
            Self::Strip(text) => name.strip_prefix(text).unwrap_or(name).into(),
        }
    }

    fn back(self, name: &str) -> Vec<String> {
        let candidates = match self {
            Self::Keep => vec![name.to_owned()],
            Self::Prefix(text) => name
                .strip_prefix(text)
                .map(str::to_owned)
                .into_iter()
                .collect(),
            Self::Suffix(text) => name
                .strip_suffix(text)
                .map(str::to_owned)
                .into_iter()
                .collect(),
            Self::Strip(text) => vec![format!("{text}{name}"), name.to_owned()],
        };
        candidates
            .into_iter()
            .filter(|old| self.apply(old) == name)
            .collect()
    }

    pub(crate) fn words(self) -> String {
        match self {
            Self::Keep => String::new(),
            Self::Prefix(text) => format!("rename={text}{{topic}}"),
            Self::Suffix(text) => format!("rename={{topic}}{text}"),
            Self::Strip(text) => format!("{text}(.*)=>$1"),
        }
    }
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Flow {
    pub(crate) source: usize,
    pub(crate) target: usize,
    pub(crate) filter: Filter,
    pub(crate) exclude: Option<Filter>,
    pub(crate) change: Change,
    pub(crate) provenance: bool,
    pub(crate) local: bool,
    pub(crate) merge: bool,
}

impl Flow {
    pub(crate) fn words(&self, number: usize) -> String {
        let exclude = self
            .exclude
            .map_or(String::new(), |e| format!("!{}", e.pattern()));
        format!(
            "e{number}: c{}>c{} {} {exclude} {} {} {} {}",
            self.source,
            self.target,
            self.filter.pattern(),
            self.change.words(),
            if self.provenance { "" } else { "no-provenance" },
            if self.local { "local" } else { "" },
            if self.merge { "merge" } else { "" },
        )
    }

    fn map(&self, name: &str) -> Option<String> {
        let is_taken = self.filter.matches(name) && !self.exclude.is_some_and(|e| e.matches(name));
        let new = self.change.apply(name);
        (is_taken && is_legal(name) && is_legal(&new)).then_some(new)
    }
}

fn is_legal(name: &str) -> bool {
    // The proof may well try names with a dot, or with two lines.
    !matches!(name, "" | "." | "..") && name.len() <= 249 && !name.starts_with("__")
}

pub(crate) type Place = (usize, String);

/// What the simulation of a topology saw.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) loops: bool,
    pub(crate) twice: bool,
    pub(crate) collision: bool,
    pub(crate) merged: bool,
    pub(crate) grows: bool,
}

/// A place, by number.
type Id = usize;

/// An edge out of a place: where it brings what it takes there, and whether a record came that way.
#[derive(Clone, Copy)]
struct Step {
    edge: usize,
    to: Id,
    is_used: bool,
}

/// A record on its way, with where it was before and the clusters that its headers name.
struct Record {
    at: Id,
    before: Option<usize>,
    headers: u8,
}

pub(crate) struct Simulator<'f> {
    flows: &'f [Flow],
    places: Vec<Place>,
    ids: HashMap<Place, Id>,
    /// By place, once it is asked for.
    steps: Vec<Option<Vec<Step>>>,
    replicas: HashMap<Id, bool>,
    passes: HashMap<(Id, usize), bool>,
    produced: BTreeSet<Id>,
    named: BTreeSet<Id>,
    seen: Seen,
}

impl<'f> Simulator<'f> {
    pub(crate) fn new(flows: &'f [Flow]) -> Self {
        Self {
            flows,
            places: Vec::new(),
            ids: HashMap::new(),
            steps: Vec::new(),
            replicas: HashMap::new(),
            passes: HashMap::new(),
            produced: BTreeSet::new(),
            named: BTreeSet::new(),
            seen: Seen::default(),
        }
    }

    fn id(&mut self, place: Place) -> Id {
        if let Some(id) = self.ids.get(&place) {
            return *id;
        }
        let id = self.places.len();
        self.places.push(place.clone());
        self.ids.insert(place, id);
        self.steps.push(None);
        id
    }

    /// Produces to a topic, unless it is a replica, and follows every copy.
    pub(crate) fn produce(&mut self, place: &Place) {
        let birth = self.id(place.clone());
        if is_legal(&place.1) && !self.is_replica(birth) && self.produced.insert(birth) {
            self.follow(birth);
            self.grow(birth);
        }
    }

    fn follow(&mut self, birth: Id) {
        let mut arrived: HashMap<Id, usize> = HashMap::new();
        let mut records = vec![Record {
            at: birth,
            before: None,
            headers: 0,
        }];
        let mut open = vec![0];
        let mut steps = 0;
        while let Some(number) = open.pop() {
            let (at, headers) = (records[number].at, records[number].headers);
            for (nth, step) in self.steps_from(at).into_iter().enumerate() {
                let flow = self.flows[step.edge];
                let is_dropped = flow.provenance && headers & (1 << flow.target) != 0
                    || flow.local && headers != 0;
                if is_dropped {
                    continue;
                }
                if let Some(steps) = &mut self.steps[at] {
                    steps[nth].is_used = true;
                }
                if has_been(&records, number, step.to) {
                    self.seen.loops = true;
                    continue;
                }
                let copies = arrived.entry(step.to).or_default();
                *copies += 1;
                self.seen.twice |= *copies > 1;
                steps += 1;
                if self.places[step.to].1.len() > LONGEST || steps > STEPS_MAX {
                    continue;
                }
                let stamp = if flow.provenance { 1 << flow.source } else { 0 };
                open.push(records.len());
                records.push(Record {
                    at: step.to,
                    before: Some(number),
                    headers: headers | stamp,
                });
            }
        }
    }

    /// Follows names alone.
    fn grow(&mut self, birth: Id) {
        let mut queue = vec![birth];
        self.named.insert(birth);
        let is_open = |s: &Self| !s.seen.grows && s.named.len() < NAMES_MAX;
        while let Some(at) = queue.pop().filter(|_| is_open(self)) {
            for step in self.steps_from(at) {
                let is_long = self.places[step.to].1.len() > LONGEST;
                self.seen.grows |= is_long;
                if !is_long && self.named.insert(step.to) {
                    queue.push(step.to);
                }
            }
        }
    }

    /// Every edge that takes a topic, by the name rule.
    fn steps_from(&mut self, at: Id) -> Vec<Step> {
        if let Some(known) = &self.steps[at] {
            return known.clone();
        }
        let mut steps = Vec::new();
        for edge in 0..self.flows.len() {
            let flow = self.flows[edge];
            if let Some(new) = self.takes(edge, at) {
                let to = self.id((flow.target, new));
                steps.push(Step {
                    edge,
                    to,
                    is_used: false,
                });
            }
        }
        self.steps[at] = Some(steps.clone());
        steps
    }

    /// Looks at who wrote what, when everything has been produced that can come to a shared topic.
    pub(crate) fn close(mut self) -> Seen {
        let shared = self.writers().into_iter().filter(|(_, all)| all.len() > 1);
        let shared: Vec<Id> = shared.map(|(place, _)| place).collect();
        for place in shared {
            self.produce_behind(&self.places[place].clone());
        }
        let writers = self.writers();
        for mut all in writers.values().cloned() {
            let edges = |all: &[(usize, Id)]| all.iter().map(|w| w.0).collect::<BTreeSet<_>>();
            if edges(&all).len() == all.len() {
                all.retain(|(edge, from)| self.is_expected(&writers, *edge, *from));
            }
            if all.len() < 2 {
                continue;
            }
            let is_merge =
                edges(&all).len() == all.len() && all.iter().all(|w| self.flows[w.0].merge);
            self.seen.merged |= is_merge;
            self.seen.collision |= !is_merge;
        }
        self.seen
    }

    /// The edges that wrote to each place, and from where.
    fn writers(&self) -> Writers {
        let mut writers = Writers::new();
        for (from, steps) in self.steps.iter().enumerate() {
            for step in steps.iter().flatten().filter(|step| step.is_used) {
                writers.entry(step.to).or_default().push((step.edge, from));
            }
        }
        writers
    }

    /// On a cluster that only passes topics on, what nobody brings and no filter names is not there.
    fn is_expected(&self, writers: &Writers, edge: usize, from: Id) -> bool {
        let flow = self.flows[edge];
        let topic = self.places[from].1.as_str();
        let is_listed = matches!(flow.filter, Filter::OneOf(names) if names.contains(&topic));
        let is_fed = self.flows.iter().any(|f| f.target == flow.source);
        if flow.local || is_listed || !is_fed || self.comes_round(flow.source) {
            return true;
        }
        let mut before = writers.get(&from).into_iter().flatten();
        before.any(|(edge, from)| self.is_expected(writers, *edge, *from))
    }

    fn comes_round(&self, site: usize) -> bool {
        let mut seen = BTreeSet::new();
        let mut queue = vec![site];
        while let Some(at) = queue.pop() {
            let next = self
                .flows
                .iter()
                .filter(|f| f.source == at)
                .map(|f| f.target);
            queue.extend(next.filter(|to| seen.insert(*to)));
        }
        seen.contains(&site)
    }

    /// Produces to every topic that can come here.
    pub(crate) fn produce_behind(&mut self, place: &Place) {
        let mut known = BTreeSet::new();
        let mut queue: VecDeque<Place> = self.ways(place).into();
        while let Some(at) = queue.pop_front().filter(|_| known.len() < 60) {
            if at.1.len() <= LONGEST / 2 && known.insert(at.clone()) {
                queue.extend(self.ways(&at));
                self.produce(&at);
            }
        }
    }

    fn takes(&mut self, edge: usize, at: Id) -> Option<String> {
        let flow = self.flows[edge];
        let (site, topic) = &self.places[at];
        let new = (flow.source == *site).then(|| flow.map(topic)).flatten()?;
        let is_refused = (flow.local || flow.provenance)
            && self.is_replica(at)
            && (flow.local || self.all_pass(at, flow.target));
        (!is_refused).then_some(new)
    }

    fn is_replica(&mut self, at: Id) -> bool {
        if let Some(known) = self.replicas.get(&at) {
            return *known;
        }
        let is_replica = self.comes_grown(&self.places[at], &mut BTreeSet::new());
        self.replicas.insert(at, is_replica);
        is_replica
    }

    fn comes_grown(&self, place: &Place, seen: &mut BTreeSet<Place>) -> bool {
        seen.insert(place.clone());
        self.ways(place).into_iter().any(|from| {
            let grows = from.1.len() < place.1.len() && place.1.contains(&from.1);
            let keeps = from.1 == place.1;
            grows || keeps && !seen.contains(&from) && self.comes_grown(&from, seen)
        })
    }

    /// Whether every way to a replica passes a cluster.
    fn all_pass(&mut self, place: Id, cluster: usize) -> bool {
        if let Some(known) = self.passes.get(&(place, cluster)) {
            return *known;
        }
        let mut seen = BTreeSet::from([place]);
        let mut queue = VecDeque::from([place]);
        let mut is_round = false;
        while let Some(at) = queue.pop_front().filter(|_| seen.len() < WAYS_MAX) {
            if !self.is_replica(at) {
                is_round = true;
                break;
            }
            for from in self.ways(&self.places[at]) {
                if from.0 != cluster && from.1.len() < 3 * LONGEST {
                    let from = self.id(from);
                    if seen.insert(from) {
                        queue.push_back(from);
                    }
                }
            }
        }
        self.passes.insert((place, cluster), !is_round);
        !is_round
    }

    fn ways(&self, place: &Place) -> Vec<Place> {
        let into = self.flows.iter().filter(|flow| flow.target == place.0);
        let from = |flow: &Flow| {
            let old = flow.change.back(&place.1).into_iter();
            let old = old.filter(|old| flow.map(old).as_ref() == Some(&place.1));
            old.map(|old| (flow.source, old)).collect::<Vec<_>>()
        };
        into.flat_map(from).collect()
    }
}

type Writers = std::collections::BTreeMap<Id, Vec<(usize, Id)>>;

/// Whether a record has been at a place.
fn has_been(records: &[Record], number: usize, place: Id) -> bool {
    let mut at = Some(number);
    while let Some(record) = at.map(|at| &records[at]) {
        if record.at == place {
            return true;
        }
        at = record.before;
    }
    false
}
