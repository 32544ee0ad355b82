//! Every possible topic followed symbolically: from each cluster, all names that can be born there,
//! along all edges.
//!
//! What is found here is a superset: a finding is only made from names that the concrete guards of
//! [`super::names`] and [`super::walks`] confirm. Its job is to miss no kind of name.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;
use std::sync::Arc;

use super::language::store::{Lang, NAMES, NONE, Store};
use super::maps::{Affix, Map, Piece, pieces};
use super::names::{Names, Site};
use super::rename::Renamer;
use super::rough;
use super::signature::kinds;
use super::walks::outgoing;
use explore::Mode;

mod explore;

/// Most kinds of names that are tried for one cluster.
const KINDS_MAX: usize = 4_000;

/// How many edges are followed back to tell topics of a cluster apart, and most sets that do so there.
const WAYS_BACK: usize = 3;
const WAYS_MAX: usize = 24;

/// What a name has become on its way from its birth.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Form {
    /// `strip.0 x strip.1` at birth is `wrap.0 x wrap.1` here.
    Affix { strip: Affix, wrap: Affix },
    /// One name, whatever it was.
    Constant(String),
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
    /// Of these, the names that the edge has made longer.
    grown: Vec<Lang>,
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
    /// Names to try patterns with that are too large to follow.
    pub(crate) tried: Vec<String>,
    noted: BTreeMap<(usize, usize), Noted>,
    ways: BTreeMap<(Site, usize), Vec<Lang>>,
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
            grown: Vec::new(),
            out: outgoing(names),
            replicas: vec![NONE; names.aliases.len()],
            relays: relays(names),
            writes: Writes::new(),
            reads: Writes::new(),
            told: Writes::new(),
            tried: Vec::new(),
            noted: BTreeMap::new(),
            ways: BTreeMap::new(),
        };
        space.tried = rough::names(&space);
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
            let (mut keeps, mut grows) = (NONE, NONE);
            for piece in self.pieces[number].clone().iter() {
                let grown = piece.growing(&mut self.store);
                let grown = piece.image(&mut self.store, grown);
                grows = self.store.or(grows, grown);
                let same = piece.kept(&mut self.store);
                keeps = self.store.or(keeps, same);
            }
            if let Some(link) = self.names.links[number].as_ref().filter(|l| l.enabled) {
                made[link.target].insert(grows);
            }
            kept.push(keeps);
            self.grown.push(grows);
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

    /// Sets that tell apart what the name guard may say of the topics of a cluster: what each edge writes
    /// there, and of that, what was a replica where it came from, and by which edge it had come there.
    pub(crate) fn ways_to(&mut self, site: Site) -> Vec<Lang> {
        self.ways_back(site, WAYS_BACK)
    }

    fn ways_back(&mut self, site: Site, edges: usize) -> Vec<Lang> {
        if let Some(known) = self.ways.get(&(site, edges)) {
            return known.clone();
        }
        let names = self.names;
        let mut ways = BTreeSet::new();
        for number in names.into[site].iter().take(WAYS_MAX) {
            let Some(link) = &names.links[*number] else {
                continue;
            };
            ways.insert(self.images[*number]);
            let mut behind = vec![self.replicas[link.source]];
            if edges > 1 {
                behind.extend(self.ways_back(link.source, edges - 1));
            }
            for set in behind {
                let mut all = NONE;
                for piece in self.pieces[*number].clone().iter() {
                    let image = piece.image(&mut self.store, set);
                    all = self.store.or(all, image);
                }
                ways.insert(all);
            }
        }
        let ways: Vec<Lang> = ways
            .into_iter()
            .filter(|set| *set != NONE)
            .take(WAYS_MAX)
            .collect();
        self.ways.insert((site, edges), ways.clone());
        ways
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
            let names = names.chain(self.tried.iter().cloned());
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
