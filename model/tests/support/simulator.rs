//! A small simulator of records and topics, written apart from the proof: names are strings, filters
//! are functions, headers are lists of clusters.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Longer names are not followed.
const LONGEST: usize = 30;

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
    // Internal topics are never taken; the proof may well try one of two lines.
    !name.is_empty() && name.len() <= 249 && !name.starts_with("__")
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

pub(crate) struct Simulator<'f> {
    flows: &'f [Flow],
    replicas: BTreeMap<Place, bool>,
    passes: BTreeMap<(Place, usize), bool>,
    writers: BTreeMap<Place, BTreeSet<(usize, String)>>,
    produced: BTreeSet<Place>,
    pub(crate) seen: Seen,
}

impl<'f> Simulator<'f> {
    pub(crate) fn new(flows: &'f [Flow]) -> Self {
        Self {
            flows,
            replicas: BTreeMap::new(),
            passes: BTreeMap::new(),
            writers: BTreeMap::new(),
            produced: BTreeSet::new(),
            seen: Seen::default(),
        }
    }

    /// Produces to a topic, unless it is a replica, and follows every copy.
    pub(crate) fn produce(&mut self, place: &Place) {
        if !is_legal(&place.1) || self.is_replica(place) {
            return;
        }
        self.produced.insert(place.clone());
        let mut arrived: BTreeMap<Place, usize> = BTreeMap::new();
        let mut records = vec![(vec![place.clone()], Vec::<usize>::new())];
        let mut steps = 0;
        while let Some((path, headers)) = records.pop() {
            let at = path[path.len() - 1].clone();
            for number in 0..self.flows.len() {
                let flow = self.flows[number];
                let dropped = flow.provenance && headers.contains(&flow.target)
                    || flow.local && !headers.is_empty();
                let Some(new) = self.takes(number, &at).filter(|_| !dropped) else {
                    continue;
                };
                let to = (flow.target, new);
                self.writers
                    .entry(to.clone())
                    .or_default()
                    .insert((number, at.1.clone()));
                if path.contains(&to) {
                    self.seen.loops = true;
                    continue;
                }
                let copies = arrived.entry(to.clone()).or_default();
                *copies += 1;
                self.seen.twice |= *copies > 1;
                steps += 1;
                if to.1.len() > LONGEST || steps > 3_000 {
                    continue;
                }
                let mut headers = headers.clone();
                headers.extend(flow.provenance.then_some(flow.source));
                records.push(([path.as_slice(), &[to]].concat(), headers));
            }
        }
        self.grow(place);
    }

    /// Follows names alone.
    fn grow(&mut self, place: &Place) {
        let mut known = BTreeSet::from([place.clone()]);
        let mut queue = vec![place.clone()];
        while let Some(at) = queue.pop().filter(|_| known.len() < 1_000) {
            for number in 0..self.flows.len() {
                if at.0 == self.flows[number].source
                    && let Some(new) = self.takes(number, &at)
                {
                    self.seen.grows |= new.len() > LONGEST;
                    let to = (self.flows[number].target, new);
                    if to.1.len() <= LONGEST && known.insert(to.clone()) {
                        queue.push(to);
                    }
                }
            }
        }
    }

    /// Looks at who wrote what, when everything has been produced that can come to a shared topic.
    pub(crate) fn close(mut self) -> Seen {
        let shared = self.writers.iter().filter(|(_, writers)| writers.len() > 1);
        let shared: Vec<Place> = shared.map(|(place, _)| place.clone()).collect();
        for place in shared {
            self.produce_behind(&place);
        }
        let all: Vec<_> = self.writers.values().cloned().collect();
        for mut writers in all {
            let is_each_once =
                writers.iter().map(|w| w.0).collect::<BTreeSet<_>>().len() == writers.len();
            writers.retain(|(edge, topic)| !is_each_once || self.is_expected(*edge, topic));
            if writers.len() < 2 {
                continue;
            }
            let edges: BTreeSet<usize> = writers.iter().map(|w| w.0).collect();
            let is_merge =
                edges.len() == writers.len() && edges.iter().all(|e| self.flows[*e].merge);
            self.seen.merged |= is_merge;
            self.seen.collision |= !is_merge;
        }
        self.seen
    }

    /// On a cluster that only passes topics on, what nobody brings and no filter names is not there.
    fn is_expected(&self, edge: usize, topic: &str) -> bool {
        let flow = self.flows[edge];
        let is_listed = matches!(flow.filter, Filter::OneOf(names) if names.contains(&topic));
        let is_fed = self.flows.iter().any(|f| f.target == flow.source);
        if flow.local || is_listed || !is_fed || self.comes_round(flow.source) {
            return true;
        }
        let before = self.writers.get(&(flow.source, topic.to_owned()));
        before
            .into_iter()
            .flatten()
            .any(|(edge, topic)| self.is_expected(*edge, topic))
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
            if at.1.len() > LONGEST / 2 || !known.insert(at.clone()) {
                continue;
            }
            queue.extend(self.ways(&at));
            if !self.is_replica(&at) && self.produced.insert(at.clone()) {
                self.produce(&at);
            }
        }
    }

    fn takes(&mut self, number: usize, at: &Place) -> Option<String> {
        let flow = self.flows[number];
        let new = (flow.source == at.0).then(|| flow.map(&at.1)).flatten()?;
        if (flow.local || flow.provenance) && self.is_replica(at) {
            let is_refused = flow.local || flow.provenance && self.all_pass(at, flow.target);
            return (!is_refused).then_some(new);
        }
        Some(new)
    }

    fn is_replica(&mut self, place: &Place) -> bool {
        if let Some(known) = self.replicas.get(place) {
            return *known;
        }
        let is_replica = self.comes_grown(place, &mut BTreeSet::new());
        self.replicas.insert(place.clone(), is_replica);
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
    fn all_pass(&mut self, place: &Place, cluster: usize) -> bool {
        let key = (place.clone(), cluster);
        if let Some(known) = self.passes.get(&key) {
            return *known;
        }
        let mut seen = BTreeSet::from([place.clone()]);
        let mut queue = vec![place.clone()];
        let mut is_round = false;
        while let Some(at) = queue.pop() {
            if !self.is_replica(&at) {
                is_round = true;
                break;
            }
            for from in self.ways(&at) {
                if from.0 != cluster && from.1.len() < 3 * LONGEST && seen.insert(from.clone()) {
                    queue.push(from);
                }
            }
        }
        self.passes.insert(key, !is_round);
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
