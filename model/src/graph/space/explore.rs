//! Follows the names of one cluster along all edges.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::{Form, Space};
use crate::graph::language::store::{Lang, NONE, STRINGS};
use crate::graph::maps::chances;
use crate::graph::names::Site;

/// Most places that the names of one cluster are followed to.
const NODES_MAX: usize = 2_000;

/// How often names are followed back to one cluster, each time under another name.
const VISITS_MAX: usize = 2;

/// Up to how many places on one cluster are compared for names that meet by chance.
const CHANCE_NODES: usize = 12;

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
pub(super) enum Mode {
    Records,
    Names,
}

impl Space<'_> {
    /// Follows all births of a cluster; collects the sets that tell their kinds apart. Returns whether
    /// a name came back to a cluster longer than it was there.
    pub(super) fn explore(&mut self, site: Site, mode: Mode, sets: &mut BTreeSet<Lang>) -> bool {
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
            queue: VecDeque::from([0]),
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
}

struct Search {
    number: BTreeMap<(Site, Form), usize>,
    nodes: Vec<Node>,
    queue: VecDeque<usize>,
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
