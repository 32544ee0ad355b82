//! The name guard, on concrete names: which topics an edge takes, and what becomes of their names.
//!
//! *Replica* and *lineage* are those of the contract: a replica is made by a rename that grows the
//! name (or by keeping a replica's), its lineage is what every way to it passes. Both are worked out
//! backwards from the name, over all names that the edges could map to it, whether or not the
//! topics exist.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use super::homeward::Turned;
use super::maps::selection;
use super::pattern::{Whole, literals};
use super::rename::{Renamer, grows};
use super::{Take, Why};
use crate::edge::{Edge, Forward, Pattern};
use crate::name::{Alias, EdgeName, TOPIC_NAME_MAX, check_topic_name, is_internal_topic};
use crate::topology::Draft;

/// Most topics that one lineage is followed back through.
const BACK_MAX: usize = 2_000;

/// How many of the greatest cuts of any edge a name may be longer than the topic that is followed back
/// to it.
const CUTS_MAX: usize = 3;

/// Most answers that are remembered; beyond it they are worked out again.
const MEMORY_MAX: usize = 100_000;

/// Places, and what is mapped to each.
type Ways = BTreeMap<Place, Vec<Place>>;

/// A cluster, by its place in the file.
pub(crate) type Site = usize;

/// A topic of a cluster.
pub(crate) type Place = (Site, String);

/// `topics` and `exclude_topics` of an edge, compiled.
#[derive(Debug)]
pub(crate) struct Selector {
    pub(crate) topics: Vec<(String, Whole)>,
    pub(crate) exclude: Vec<(String, Whole)>,
    /// The names that are listed literally, and taken.
    listed: Vec<String>,
}

impl Selector {
    fn new(
        topics: &[Pattern],
        mut compile: impl FnMut(&[Pattern]) -> Vec<(String, Whole)>,
        exclude: &[Pattern],
    ) -> Self {
        let exclude = compile(exclude);
        let is_free = |name: &String| {
            check_topic_name(name).is_ok()
                && !is_internal_topic(name)
                && !exclude.iter().any(|(_, whole)| whole.matches(name))
        };
        let named = topics.iter().filter_map(literals).flatten();
        Self {
            topics: compile(topics),
            listed: named.filter(is_free).collect(),
            exclude,
        }
    }
}

/// An edge, its patterns compiled and its clusters numbered.
#[derive(Clone, Debug)]
pub(crate) struct Link {
    pub(crate) source: Site,
    pub(crate) target: Site,
    pub(crate) selector: Arc<Selector>,
    pub(crate) renamer: Arc<Renamer>,
    pub(crate) is_local: bool,
    pub(crate) provenance: bool,
    pub(crate) enabled: bool,
}

/// Decides by name what an edge takes, with the patterns compiled once.
#[derive(Debug)]
pub struct Names {
    pub(crate) aliases: Vec<Alias>,
    pub(crate) links: Vec<Option<Link>>,
    /// The enabled edges into each cluster.
    pub(crate) into: Vec<Vec<usize>>,
    edges: HashMap<EdgeName, usize>,
    /// How much longer than a topic the names may be that it is followed back through.
    longer: usize,
    /// Edges that a failback has made.
    homeward: HashMap<EdgeName, Turned>,
    memory: Mutex<Memory>,
}

#[derive(Debug, Default)]
struct Memory {
    replicas: HashMap<Place, bool>,
    lineages: HashMap<Place, Arc<BTreeSet<Site>>>,
    traced: usize,
}

impl Names {
    /// Prepares the name rules of a topology. Edges whose clusters are not declared, that lead back
    /// to their source, or whose name another edge has already, take nothing: they have their
    /// findings in the file.
    pub fn new(draft: &Draft) -> Self {
        let aliases: Vec<Alias> = draft.clusters.iter().map(|c| c.alias.clone()).collect();
        let numbered = aliases.iter().enumerate().rev();
        let site: HashMap<&Alias, Site> = numbered.map(|(site, alias)| (alias, site)).collect();
        let mut compiled = Compiled::default();
        let mut edges = HashMap::new();
        let mut links = Vec::new();
        let mut into = vec![Vec::new(); aliases.len()];
        let mut homeward = HashMap::new();
        for (number, edge) in draft.edges.iter().enumerate() {
            if let Some(home) = &edge.homeward {
                // It stands behind the edges of the file.
                if let Some(of) = edges.get(&home.of) {
                    homeward.insert(edge.name.clone(), (*of, home.is_rebuild));
                }
                links.push(None);
                continue;
            }
            let ends = site.get(&edge.source).zip(site.get(&edge.target));
            let is_first = !edges.contains_key(&edge.name);
            let Some((source, target)) = ends.filter(|(s, t)| s != t && is_first) else {
                links.push(None);
                continue;
            };
            edges.insert(edge.name.clone(), number);
            if edge.enabled {
                into[*target].push(number);
            }
            links.push(Some(compiled.link(edge, *source, *target)));
        }
        let cuts = links
            .iter()
            .flatten()
            .map(|link: &Link| link.renamer.cuts());
        Self {
            longer: CUTS_MAX * cuts.max().unwrap_or(0),
            aliases,
            links,
            into,
            edges,
            homeward,
            memory: Mutex::default(),
        }
    }

    /// What `edge` does with `topic` of its source cluster.
    pub fn take(&self, edge: &Edge, topic: &str) -> Take {
        if let Some(turned) = self.homeward.get(&edge.name) {
            return self.take_home(*turned, topic);
        }
        match self.edges.get(&edge.name) {
            Some(number) => self.take_at(*number, topic),
            None => Take::Not(Why::NotSelected),
        }
    }

    /// The topics of its source cluster that `edge` copies into `topic` of its target.
    pub fn sources(&self, edge: &Edge, topic: &str) -> Vec<String> {
        if let Some((number, _)) = self.homeward.get(&edge.name) {
            let Take::Into(there) = self.take_at(*number, topic) else {
                return Vec::new();
            };
            let is_taken = self.take(edge, &there) == Take::Into(topic.to_owned());
            return is_taken.then_some(there).into_iter().collect();
        }
        let Some(number) = self.edges.get(&edge.name) else {
            return Vec::new();
        };
        let mut sources = self.back(*number, topic);
        sources.retain(|old| self.take_at(*number, old) == Take::Into(topic.to_owned()));
        sources
    }

    /// Whether `topic` on `cluster` is a replica by its name.
    pub fn is_replica(&self, cluster: &Alias, topic: &str) -> bool {
        self.site(cluster)
            .is_some_and(|site| self.is_replica_at(site, topic))
    }

    /// The clusters that every way to `topic` on `cluster` passes; empty when it is no replica.
    pub fn lineage(&self, cluster: &Alias, topic: &str) -> Vec<Alias> {
        let Some(site) = self.site(cluster) else {
            return Vec::new();
        };
        let lineage = self.lineage_at(site, topic);
        lineage.iter().map(|s| self.aliases[*s].clone()).collect()
    }

    pub(super) fn number(&self, edge: &EdgeName) -> Option<usize> {
        self.edges.get(edge).copied()
    }

    pub(crate) fn site(&self, cluster: &Alias) -> Option<Site> {
        self.aliases.iter().position(|alias| alias == cluster)
    }

    pub(crate) fn take_at(&self, number: usize, topic: &str) -> Take {
        let Some(link) = &self.links[number] else {
            return Take::Not(Why::NotSelected);
        };
        let new = match link.map(topic) {
            Err(why) => return Take::Not(why),
            Ok(new) => new,
        };
        if (link.is_local || link.provenance) && self.is_replica_at(link.source, topic) {
            // Where both guards refuse it, the lineage says more.
            if link.provenance && self.lineage_at(link.source, topic).contains(&link.target) {
                return Take::Not(Why::Lineage);
            }
            if link.is_local {
                return Take::Not(Why::Replica);
            }
        }
        Take::Into(new)
    }

    /// The topics that an edge maps to `topic` of its target.
    pub(crate) fn back(&self, number: usize, topic: &str) -> Vec<String> {
        let Some(link) = &self.links[number] else {
            return Vec::new();
        };
        link.back(topic)
    }

    pub(crate) fn is_replica_at(&self, site: Site, topic: &str) -> bool {
        let known = |m: &mut Memory| m.replicas.get(&(site, topic.to_owned())).copied();
        if let Some(known) = self.remember(known) {
            return known;
        }
        // The clusters from which the name may have been kept all the way here.
        let mut seen = BTreeSet::from([site]);
        let mut queue = vec![site];
        let mut is_replica = false;
        while let Some(at) = queue.pop().filter(|_| !is_replica) {
            for number in &self.into[at] {
                let Some(link) = &self.links[*number] else {
                    continue;
                };
                for old in &link.back(topic) {
                    is_replica |= grows(old, topic);
                    if old == topic && seen.insert(link.source) {
                        queue.push(link.source);
                    }
                }
            }
        }
        // Where nothing was found, nothing is to be found for those it was looked for at either.
        seen.retain(|at| *at == site || !is_replica);
        self.remember(|m| {
            let known = seen
                .into_iter()
                .map(|at| ((at, topic.to_owned()), is_replica));
            m.replicas.extend(known);
        });
        is_replica
    }

    pub(crate) fn lineage_at(&self, site: Site, topic: &str) -> Arc<BTreeSet<Site>> {
        let place = (site, topic.to_owned());
        if let Some(known) = self.remember(|m| m.lineages.get(&place).cloned()) {
            return known;
        }
        let ways = self.trace_back(&place);
        self.remember(|m| m.traced += ways.len());
        let solved = self.solve(ways);
        let lineage = Arc::new(solved.get(&place).cloned().unwrap_or_default());
        // What lies behind a place does not depend on it, and for shorter names more than enough of
        // it was looked at: they are solved too.
        self.remember(|m| {
            let whole = solved
                .into_iter()
                .filter(|(at, _)| at.1.len() <= topic.len());
            m.lineages
                .extend(whole.map(|(at, passed)| (at, Arc::new(passed))));
            m.lineages.insert(place, Arc::clone(&lineage));
        });
        lineage
    }

    /// How many places were looked at so far to find where others come from.
    pub(super) fn traced(&self) -> usize {
        self.remember(|m| m.traced)
    }

    /// Every replica that a place can have come from, with what is mapped to it.
    fn trace_back(&self, start: &Place) -> Ways {
        let mut ways = Ways::new();
        let mut queue = vec![start.clone()];
        while let Some(at) = queue.pop() {
            let is_known = at != *start && self.remember(|m| m.lineages.contains_key(&at));
            if is_known || ways.len() > BACK_MAX || ways.contains_key(&at) {
                continue;
            }
            // Edges that shorten names have ever longer ones behind them: a way that only goes on
            // growing backwards comes from nowhere.
            if at.1.len() > start.1.len() + self.longer || !self.is_replica_at(at.0, &at.1) {
                continue;
            }
            let mut from = Vec::new();
            for number in &self.into[at.0] {
                if let Some(link) = &self.links[*number] {
                    from.extend(link.back(&at.1).into_iter().map(|old| (link.source, old)));
                }
            }
            queue.extend(from.iter().cloned());
            ways.insert(at, from);
        }
        ways
    }

    /// The greatest solution: every replica starts with all clusters, and loses those that some way
    /// to it does not pass.
    fn solve(&self, ways: Ways) -> BTreeMap<Place, BTreeSet<Site>> {
        let all: BTreeSet<Site> = (0..self.aliases.len()).collect();
        let mut behind: BTreeMap<&Place, Vec<&Place>> = BTreeMap::new();
        for (at, from) in &ways {
            for way in from.iter().filter(|way| ways.contains_key(*way)) {
                behind.entry(way).or_default().push(at);
            }
        }
        let mut solved: BTreeMap<Place, BTreeSet<Site>> =
            ways.keys().map(|at| (at.clone(), all.clone())).collect();
        let mut queue: VecDeque<&Place> = ways.keys().collect();
        while let Some(at) = queue.pop_front() {
            let mut passed = all.clone();
            for way in ways.get(at).into_iter().flatten() {
                let known = self.remember(|m| m.lineages.get(way).cloned());
                let further = solved.get(way).or(known.as_deref());
                // Cut off at the limit: a way not followed takes nothing away.
                if further.is_none() && self.is_replica_at(way.0, &way.1) {
                    continue;
                }
                passed.retain(|s| *s == way.0 || further.is_some_and(|f| f.contains(s)));
            }
            if solved.get(at) != Some(&passed) {
                solved.insert(at.clone(), passed);
                queue.extend(behind.get(at).into_iter().flatten());
            }
        }
        solved
    }

    fn remember<T>(&self, with: impl FnOnce(&mut Memory) -> T) -> T {
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        if memory.replicas.len() + memory.lineages.len() > MEMORY_MAX {
            memory.replicas.clear();
            memory.lineages.clear();
        }
        with(&mut memory)
    }
}

impl Link {
    /// The topics that are mapped to this one.
    pub(crate) fn back(&self, topic: &str) -> Vec<String> {
        let mut old = self.renamer.back(topic, |store| selection(store, self));
        old.retain(|old| self.map(old).is_ok_and(|new| new == topic));
        old
    }

    /// The names that the edge lists literally, those that it takes.
    pub(crate) fn listed(&self) -> &[String] {
        &self.selector.listed
    }

    /// The name rule without the guards: selection, rename, and what Kafka and crossdock allow.
    pub(crate) fn map(&self, topic: &str) -> Result<String, Why> {
        if is_internal_topic(topic) {
            return Err(Why::Internal);
        }
        let matches = |all: &[(String, Whole)]| all.iter().any(|(_, whole)| whole.matches(topic));
        if !matches(&self.selector.topics) || check_topic_name(topic).is_err() {
            return Err(Why::NotSelected);
        }
        if matches(&self.selector.exclude) {
            return Err(Why::Excluded);
        }
        let new = self.renamer.apply(topic);
        if check_topic_name(&new).is_err() || is_internal_topic(&new) || new.len() > TOPIC_NAME_MAX
        {
            return Err(Why::TargetName(new));
        }
        Ok(new)
    }
}

/// Patterns that many edges share are compiled once.
#[derive(Default)]
struct Compiled {
    patterns: HashMap<String, Whole>,
    selectors: HashMap<(Vec<String>, Vec<String>), Arc<Selector>>,
    renamers: Vec<(crate::edge::Rename, Arc<Renamer>)>,
}

impl Compiled {
    fn link(&mut self, edge: &Edge, source: Site, target: Site) -> Link {
        Link {
            source,
            target,
            selector: self.selector(edge),
            renamer: self.renamer(edge),
            is_local: edge.forward == Forward::Local,
            provenance: edge.provenance,
            enabled: edge.enabled,
        }
    }

    fn selector(&mut self, edge: &Edge) -> Arc<Selector> {
        let texts = |all: &[Pattern]| all.iter().map(|p| p.text.clone()).collect::<Vec<_>>();
        let key = (texts(&edge.topics), texts(&edge.exclude_topics));
        if let Some(known) = self.selectors.get(&key) {
            return Arc::clone(known);
        }
        let compile = |patterns: &[Pattern]| self.compile(patterns);
        let selector = Arc::new(Selector::new(&edge.topics, compile, &edge.exclude_topics));
        self.selectors.insert(key, Arc::clone(&selector));
        selector
    }

    fn compile(&mut self, patterns: &[Pattern]) -> Vec<(String, Whole)> {
        let mut whole = |p: &Pattern| {
            let known = self.patterns.entry(p.text.clone());
            (
                p.text.clone(),
                known.or_insert_with(|| Whole::new(p)).clone(),
            )
        };
        patterns.iter().map(&mut whole).collect()
    }

    fn renamer(&mut self, edge: &Edge) -> Arc<Renamer> {
        // Few in a file: aliases make them differ, so only the last one is worth a look.
        if let Some((known, renamer)) = self.renamers.last()
            && *known == edge.rename
        {
            return Arc::clone(renamer);
        }
        let renamer = Arc::new(Renamer::new(&edge.rename));
        self.renamers
            .push((edge.rename.clone(), Arc::clone(&renamer)));
        renamer
    }
}
