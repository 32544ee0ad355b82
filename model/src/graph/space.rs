//! Every possible topic followed symbolically: from each cluster, all names that can be born there,
//! along all edges.
//!
//! What is found here is a superset: a finding is only made from names that the concrete guards of
//! [`super::names`] and [`super::walks`] confirm. Its job is to miss no kind of name.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;
use std::sync::Arc;

use super::language::store::{Lang, NAMES, NONE, STRINGS, Store};
use super::maps::{Affix, Map, Piece, chances, pieces};
use super::names::{Names, Site};
use super::rename::Renamer;
use super::signature::kinds;
use super::walks::outgoing;

/// Most places that the names of one cluster are followed to.
const NODES_MAX: usize = 2_000;

/// How often names are followed back to one cluster, each time under another name.
const VISITS_MAX: usize = 2;

/// Most kinds of names that are tried for one cluster.
const KINDS_MAX: usize = 4_000;

/// Up to how many places on one cluster are compared for names that meet by chance.
const CHANCE_NODES: usize = 12;

/// What a name has become on its way from its birth.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Form {
    /// `strip.0 x strip.1` at birth is `wrap.0 x wrap.1` here.
    Affix { strip: Affix, wrap: Affix },
    /// One name, whatever it was.
    Constant(String),
}

/// Names of one birth at one cluster.
#[derive(Debug)]
struct Node {
    site: Site,
    form: Form,
    /// Which names of the birth come here.
    births: Lang,
    /// Which of them are told of: on a relay, only those that a filter names.
    told: Lang,
    from: BTreeSet<usize>,
    parent: Option<usize>,
    /// Clusters that every way here has passed, and those of them that stamp.
    passed: BTreeSet<Site>,
    stamped: BTreeSet<Site>,
}

/// Whether the record guard is asked.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Records,
    Names,
}

/// What an edge can write: by edge and piece.
pub(crate) type Writes = BTreeMap<(usize, usize), Lang>;

/// The symbolic view of a topology.
#[derive(Debug)]
pub(crate) struct Space<'n> {
    pub(crate) names: &'n Names,
    pub(crate) store: Store,
    pub(crate) pieces: Vec<Rc<Vec<Piece>>>,
    images: Vec<Lang>,
    pub(crate) out: Vec<Vec<usize>>,
    /// The replicas of each cluster.
    pub(crate) replicas: Vec<Lang>,
    /// Clusters that pass on what others bring them.
    pub(crate) relays: BTreeSet<Site>,
    /// Names that can come to be written on the target, and those they were on the source.
    pub(crate) writes: Writes,
    pub(crate) reads: Writes,
    /// Of the written ones, those that are told of: a filter names them, or they are brought.
    pub(crate) told: Writes,
    noted: BTreeMap<(usize, usize), Noted>,
}

#[derive(Debug, Default)]
struct Noted {
    reads: BTreeSet<Lang>,
    writes: BTreeSet<Lang>,
    told: BTreeSet<Lang>,
}

impl<'n> Space<'n> {
    pub(crate) fn new(names: &'n Names) -> Self {
        let mut store = Store::new();
        let mut known: HashMap<(*const super::names::Selector, *const Renamer), Rc<Vec<Piece>>> =
            HashMap::new();
        let mut each = Vec::new();
        for link in &names.links {
            each.push(match link {
                None => Rc::default(),
                Some(link) => {
                    let key = (Arc::as_ptr(&link.selector), Arc::as_ptr(&link.renamer));
                    let made = known.entry(key);
                    Rc::clone(made.or_insert_with(|| Rc::new(pieces(&mut store, link))))
                }
            });
        }
        let mut space = Self {
            names,
            store,
            pieces: each,
            images: Vec::new(),
            out: outgoing(names),
            replicas: vec![NONE; names.aliases.len()],
            relays: relays(names),
            writes: Writes::new(),
            reads: Writes::new(),
            told: Writes::new(),
            noted: BTreeMap::new(),
        };
        space.find_images();
        space.find_replicas();
        space
    }

    fn find_images(&mut self) {
        for number in 0..self.pieces.len() {
            let mut all = NONE;
            for piece in self.pieces[number].clone().iter() {
                let image = piece.image(&mut self.store, piece.domain);
                all = self.store.or(all, image);
            }
            self.images.push(all);
        }
    }

    /// The least fixed point of the contract's rule.
    fn find_replicas(&mut self) {
        let mut kept = Vec::new();
        let mut made = vec![BTreeSet::new(); self.replicas.len()];
        for number in 0..self.pieces.len() {
            let mut keeps = NONE;
            let target = self.names.links[number].as_ref().filter(|l| l.enabled);
            for piece in self.pieces[number].clone().iter() {
                let grown = piece.growing(&mut self.store);
                let grown = piece.image(&mut self.store, grown);
                let same = piece.kept(&mut self.store);
                keeps = self.store.or(keeps, same);
                if let Some(link) = target {
                    made[link.target].insert(grown);
                }
            }
            kept.push(keeps);
        }
        for (site, made) in made.into_iter().enumerate() {
            self.replicas[site] = self.store.union(&Vec::from_iter(made));
        }
        loop {
            let before = self.replicas.clone();
            for (link, kept) in self.names.links.iter().zip(&kept) {
                if let Some(link) = link.as_ref().filter(|l| l.enabled) {
                    let more = self.store.and(self.replicas[link.source], *kept);
                    self.replicas[link.target] = self.store.or(self.replicas[link.target], more);
                }
            }
            if before == self.replicas {
                return;
            }
        }
    }

    /// Names that users may create on a cluster.
    pub(crate) fn births(&mut self, site: Site) -> Lang {
        self.store.minus(NAMES, self.replicas[site])
    }

    /// For each cluster, the shortest name of every kind that the topology tells apart; and whether
    /// names may grow on the way.
    pub(crate) fn trial_names(&mut self) -> Vec<(Site, Vec<String>, bool)> {
        let lengthens = self.lengthening_sites();
        let mut trials = Vec::new();
        for site in 0..self.names.aliases.len() {
            if self.out[site].is_empty() {
                continue;
            }
            let mut sets = BTreeSet::new();
            self.explore(site, Mode::Records, &mut sets);
            let grows = lengthens && self.explore(site, Mode::Names, &mut sets);
            let sets: Vec<Lang> = sets.into_iter().filter(|set| *set != NONE).collect();
            let births = self.births(site);
            let (kinds, is_all) = kinds(&self.store, births, &sets);
            self.store.is_rough |= !is_all || kinds.len() > KINDS_MAX;
            let names = kinds.into_iter().take(KINDS_MAX).map(|kind| kind.name);
            trials.push((site, names.collect(), grows));
        }
        self.sum_up();
        trials
    }

    /// Whether an edge that lies on a cycle of clusters makes names longer.
    fn lengthening_sites(&self) -> bool {
        let mut group = vec![0; self.names.aliases.len()];
        for (number, sites) in super::circuits::components(self.names).iter().enumerate() {
            sites.iter().for_each(|site| group[*site] = number);
        }
        let longer = |piece: &Piece| match &piece.map {
            Map::Affix { strip, wrap } => {
                wrap.0.len() + wrap.1.len() > strip.0.len() + strip.1.len()
            }
            Map::Constant(_) => false,
            Map::Pairs(pairs) => pairs.iter().any(|(old, new)| new.len() > old.len()),
        };
        self.names
            .links
            .iter()
            .zip(&self.pieces)
            .any(|(link, pieces)| {
                let link = link.as_ref().filter(|l| l.enabled);
                link.is_some_and(|l| group[l.source] == group[l.target])
                    && pieces.iter().any(longer)
            })
    }

    /// Follows all births of a cluster; collects the sets that tell their kinds apart. Returns whether
    /// a name came back to a cluster longer than it was there.
    fn explore(&mut self, site: Site, mode: Mode, sets: &mut BTreeSet<Lang>) -> bool {
        let nothing = || (String::new(), String::new());
        let start = Node {
            site,
            form: Form::Affix {
                strip: nothing(),
                wrap: nothing(),
            },
            births: self.births(site),
            told: match self.relays.contains(&site) {
                true => NONE,
                false => self.births(site),
            },
            from: BTreeSet::new(),
            parent: None,
            passed: BTreeSet::new(),
            stamped: BTreeSet::new(),
        };
        let mut search = Search {
            number: BTreeMap::from([((site, start.form.clone()), 0)]),
            nodes: vec![start],
            queue: std::collections::VecDeque::from([0]),
            grows: false,
        };
        let mut steps = 0;
        while let Some(at) = search.queue.pop_front() {
            steps += 1;
            if steps > NODES_MAX * 4 {
                self.store.is_rough = true;
                break;
            }
            self.expand(&mut search, at, mode, sets);
        }
        self.chance_sets(&search.nodes, sets);
        search.grows
    }

    fn expand(&mut self, search: &mut Search, at: usize, mode: Mode, sets: &mut BTreeSet<Lang>) {
        let (site, form) = (search.nodes[at].site, search.nodes[at].form.clone());
        let births = search.nodes[at].births;
        let made = self.pull(&form, self.replicas[site], births);
        let free = self.store.minus(births, made);
        if made != NONE && free != NONE {
            sets.insert(made);
        }
        let mut one_way = (made == NONE).then_some(true);
        let names = self.names;
        for number in self.out[site].clone() {
            let Some(link) = &names.links[number] else {
                continue;
            };
            let node = &search.nodes[at];
            let returns = link.provenance && node.stamped.contains(&link.target);
            if mode == Mode::Records && (returns || link.is_local && !node.stamped.is_empty()) {
                continue;
            }
            let may_return = link.provenance && node.passed.contains(&link.target);
            let refuses = link.is_local
                || may_return && *one_way.get_or_insert_with(|| self.has_one_way(node, sets));
            let taken = if refuses { free } else { births };
            if taken == NONE {
                continue;
            }
            let listed = match self.relays.contains(&site) {
                true => link.listed(),
                false => Vec::new(),
            };
            let listed = self.store.names(listed.iter().map(String::as_str));
            let listed = self.pull(&form, listed, taken);
            // `forward: local` says itself that topics are written there.
            let told = match link.is_local {
                true => taken,
                false => self.store.or(search.nodes[at].told, listed),
            };
            for (index, piece) in self.pieces[number].clone().iter().enumerate() {
                let through = self.pull(&form, piece.domain, taken);
                if through == NONE {
                    continue;
                }
                let kind = self.pull(&form, piece.domain, STRINGS);
                sets.insert(kind);
                let told = self.store.and(told, through);
                self.note(number, index, &form, (through, told), piece);
                for (next, births) in self.compose(&form, piece, through) {
                    search.reach(self, (at, free != NONE), number, next, (births, told));
                }
            }
        }
    }

    fn note(
        &mut self,
        edge: usize,
        index: usize,
        form: &Form,
        births: (Lang, Lang),
        piece: &Piece,
    ) {
        let read = self.push(form, births.0);
        let written = piece.image(&mut self.store, read);
        let told = match births.1 {
            NONE => NONE,
            told => self.push(form, told),
        };
        let told = piece.image(&mut self.store, told);
        let noted = self.noted.entry((edge, index)).or_default();
        noted.reads.insert(read);
        noted.writes.insert(written);
        noted.told.insert(told);
    }

    fn sum_up(&mut self) {
        for (key, noted) in std::mem::take(&mut self.noted) {
            let sets = [noted.reads, noted.writes, noted.told].map(Vec::from_iter);
            let [reads, writes, told] = sets.map(|set| self.store.union(&set));
            self.reads.insert(key, reads);
            self.writes.insert(key, writes);
            self.told.insert(key, told);
        }
    }

    /// Whether names come to a place in one way only, by the name rule without its guards: then what
    /// that way passes is their lineage.
    fn has_one_way(&mut self, node: &Node, sets: &mut BTreeSet<Lang>) -> bool {
        let mut is_one = node.from.len() == 1;
        for number in self.names.into[node.site].clone() {
            if !node.from.contains(&number) {
                let other = self.pull(&node.form, self.images[number], node.births);
                if other != NONE {
                    sets.insert(other);
                    is_one = false;
                }
            }
        }
        is_one
    }

    /// Names that meet though they went different ways round: `a` + `aa` is `aa` + `a`.
    fn chance_sets(&mut self, nodes: &[Node], sets: &mut BTreeSet<Lang>) {
        for (at, node) in nodes.iter().enumerate() {
            let here = nodes[..at].iter().filter(|other| other.site == node.site);
            for other in here.take(CHANCE_NODES) {
                let (Form::Affix { strip: a, wrap: u }, Form::Affix { strip: b, wrap: v }) =
                    (&node.form, &other.form)
                else {
                    continue;
                };
                let same_length = u.0.len() + u.1.len() == v.0.len() + v.1.len();
                if a == b && u != v && same_length {
                    let found = chances(u, v, 0).map(|x| format!("{}{x}{}", a.0, a.1));
                    let found: Vec<String> = found.collect();
                    sets.insert(self.store.names(found.iter().map(String::as_str)));
                }
            }
        }
    }

    /// The births, of these, that are in `names` here.
    pub(crate) fn pull(&mut self, form: &Form, names: Lang, births: Lang) -> Lang {
        match form {
            Form::Affix { strip, wrap } => {
                let open = self.store.unwrap(&wrap.0, names, &wrap.1);
                let born = self.store.wrap(&strip.0, open, &strip.1);
                self.store.and(born, births)
            }
            Form::Constant(name) if self.store.get(names).contains(name) => births,
            Form::Constant(_) => NONE,
        }
    }

    /// What these births are called here.
    fn push(&mut self, form: &Form, births: Lang) -> Lang {
        match form {
            Form::Affix { strip, wrap } => {
                let open = self.store.unwrap(&strip.0, births, &strip.1);
                self.store.wrap(&wrap.0, open, &wrap.1)
            }
            Form::Constant(name) => self.store.names([name.as_str()]),
        }
    }

    /// What births become behind a piece.
    pub(crate) fn compose(
        &mut self,
        form: &Form,
        piece: &Piece,
        births: Lang,
    ) -> Vec<(Form, Lang)> {
        match (form, &piece.map) {
            (_, Map::Constant(name)) => vec![(Form::Constant(name.clone()), births)],
            (
                Form::Affix { strip, wrap },
                Map::Affix {
                    strip: cut,
                    wrap: put,
                },
            ) => {
                let joined = join(strip, wrap, cut, put);
                joined.map(|form| (form, births)).into_iter().collect()
            }
            (Form::Constant(name), Map::Affix { strip, wrap }) => {
                let open = name
                    .strip_prefix(&strip.0)
                    .and_then(|n| n.strip_suffix(&strip.1));
                let new = open.map(|open| format!("{}{open}{}", wrap.0, wrap.1));
                new.map(|new| (Form::Constant(new), births))
                    .into_iter()
                    .collect()
            }
            (_, Map::Pairs(pairs)) => {
                let mut found = Vec::new();
                for (old, new) in pairs {
                    let old = self.store.names([old.as_str()]);
                    let born = self.pull(form, old, births);
                    if born != NONE {
                        found.push((Form::Constant(new.clone()), born));
                    }
                }
                found
            }
        }
    }
}

/// Clusters that pass on what others bring them: edges lead in, and none of their topics comes back.
fn relays(names: &Names) -> BTreeSet<Site> {
    let groups = super::circuits::components(names).into_iter();
    let alone = groups.filter(|group| group.len() == 1).flatten();
    alone.filter(|site| !names.into[*site].is_empty()).collect()
}

/// A form behind a further affix: what is cut off comes from what was put there, else from the name.
fn join(strip: &Affix, wrap: &Affix, cut: &Affix, put: &Affix) -> Option<Form> {
    let (mut strip, mut put) = (strip.clone(), put.clone());
    if let Some(rest) = wrap.0.strip_prefix(&cut.0) {
        put.0.push_str(rest);
    } else {
        strip.0.push_str(cut.0.strip_prefix(&wrap.0)?);
    }
    if let Some(rest) = wrap.1.strip_suffix(&cut.1) {
        put.1.insert_str(0, rest);
    } else {
        strip.1.insert_str(0, cut.1.strip_suffix(&wrap.1)?);
    }
    Some(Form::Affix { strip, wrap: put })
}

struct Search {
    number: BTreeMap<(Site, Form), usize>,
    nodes: Vec<Node>,
    queue: std::collections::VecDeque<usize>,
    grows: bool,
}

impl Search {
    /// Births arrive at a place by one more edge.
    fn reach(
        &mut self,
        space: &mut Space,
        (at, is_free): (usize, bool),
        number: usize,
        form: Form,
        (births, told): (Lang, Lang),
    ) {
        let told = space.store.and(told, births);
        let Some(link) = &space.names.links[number] else {
            return;
        };
        // What is no replica has no lineage: it begins anew behind it.
        let mut passed = match is_free {
            true => BTreeSet::new(),
            false => self.nodes[at].passed.clone(),
        };
        let mut stamped = self.nodes[at].stamped.clone();
        passed.insert(link.source);
        if link.provenance {
            stamped.insert(link.source);
        }
        let key = (link.target, form.clone());
        let Some(known) = self.number.get(&key).copied() else {
            self.grows |= self.is_longer(at, link.target, &form);
            // Growth shows by then; what it leads to is followed on concrete names.
            if self.visits(at, link.target) >= VISITS_MAX {
                return;
            }
            if self.nodes.len() >= NODES_MAX {
                space.store.is_rough = true;
                return;
            }
            self.number.insert(key, self.nodes.len());
            self.queue.push_back(self.nodes.len());
            self.nodes.push(Node {
                site: link.target,
                form,
                births,
                told,
                from: BTreeSet::from([number]),
                parent: Some(at),
                passed,
                stamped,
            });
            return;
        };
        let node = &mut self.nodes[known];
        let all = (
            space.store.or(node.births, births),
            space.store.or(node.told, told),
        );
        let size = |node: &Node| (node.passed.len(), node.stamped.len(), node.from.len());
        let before = (node.births, node.told, size(node));
        (node.births, node.told) = all;
        node.passed.retain(|s| passed.contains(s));
        node.stamped.retain(|s| stamped.contains(s));
        node.from.insert(number);
        if before != (node.births, node.told, size(node)) && !self.queue.contains(&known) {
            self.queue.push_back(known);
        }
    }

    /// How often the way to a node, and one step further to `site`, has been on that cluster.
    fn visits(&self, from: usize, site: Site) -> usize {
        let mut at = Some(from);
        let mut visits = 0;
        while let Some(node) = at.map(|at| &self.nodes[at]) {
            visits += usize::from(node.site == site);
            at = node.parent;
        }
        visits
    }

    fn is_longer(&self, from: usize, site: Site, form: &Form) -> bool {
        let len = |form: &Form| match form {
            Form::Affix { strip, wrap } => {
                (wrap.0.len() + wrap.1.len()) as i64 - (strip.0.len() + strip.1.len()) as i64
            }
            Form::Constant(name) => name.len() as i64,
        };
        let mut at = Some(from);
        while let Some(node) = at.map(|at| &self.nodes[at]) {
            if node.site == site && len(&node.form) < len(form) {
                return true;
            }
            at = node.parent;
        }
        false
    }
}
