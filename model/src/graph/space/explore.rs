//! Follows the names of one cluster along all edges.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::{Form, Space};
use crate::graph::language::store::{Lang, NONE, STRINGS};
use crate::graph::maps::{Affix, chances};
use crate::graph::names::Site;

/// Most places that the names of one cluster are followed to.
const NODES_MAX: usize = 2_000;

/// Most edges that names are followed along, for all clusters together, and for each at least.
const EDGES_MAX: usize = 100_000;
const EDGES_MIN: usize = 500;

/// Most edges into a place that are asked, each, whether they made all that is there.
const FROM_MAX: usize = 4;

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
        let sources = self.out.iter().filter(|out| !out.is_empty()).count();
        let mut edges = (EDGES_MAX / sources.max(1)).max(EDGES_MIN);
        let mut steps = 0;
        while let Some(at) = search.queue.pop_front() {
            steps += 1;
            if steps > NODES_MAX * 4 || edges == 0 {
                self.store.is_rough = true;
                break;
            }
            let followed = self.expand(&mut search, at, mode, sets);
            edges = edges.saturating_sub(followed);
        }
        self.chance_sets(&search.nodes, sets);
        search.grows
    }

    /// Follows names along the edges out of a place; returns along how many.
    fn expand(
        &mut self,
        search: &mut Search,
        at: usize,
        mode: Mode,
        sets: &mut BTreeSet<Lang>,
    ) -> usize {
        let open = self.open(&search.nodes[at], mode);
        if open.is_empty() {
            return 0;
        }
        let (site, form) = (search.nodes[at].site, search.nodes[at].form.clone());
        let births = search.nodes[at].births;
        let made = self.made(&search.nodes[at]);
        let free = self.store.minus(births, made);
        if made != NONE && free != NONE {
            sets.insert(made);
        }
        let mut one_way = (made == NONE).then_some(true);
        let names = self.names;
        let mut followed = 0;
        for number in open {
            let Some(link) = &names.links[number] else {
                continue;
            };
            let node = &search.nodes[at];
            let may_return = link.provenance && node.passed.contains(&link.target);
            if may_return && !link.is_local && one_way.is_none() {
                followed += names.into[site].len();
                one_way = Some(self.has_one_way(node, sets));
            }
            let refuses = link.is_local || may_return && one_way == Some(true);
            let taken = if refuses { free } else { births };
            if taken == NONE {
                continue;
            }
            followed += 1;
            let listed = match self.relays.contains(&site) {
                true => link.listed(),
                false => &[],
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
        followed
    }

    /// The edges out of a place that the record guard lets records take.
    fn open(&self, node: &Node, mode: Mode) -> Vec<usize> {
        let is_open = |number: &&usize| {
            let Some(link) = &self.names.links[**number] else {
                return false;
            };
            let returns = link.provenance && node.stamped.contains(&link.target);
            let is_kept_back = link.is_local && !node.stamped.is_empty();
            mode == Mode::Names || !(returns || is_kept_back)
        };
        self.out[node.site]
            .iter()
            .filter(is_open)
            .copied()
            .collect()
    }

    /// The births that are replicas at a place.
    fn made(&mut self, node: &Node) -> Lang {
        // What an edge has just made is told without a look at what all others make.
        for number in node.from.iter().take(FROM_MAX) {
            if self.pull(&node.form, self.grown[*number], node.births) == node.births {
                return node.births;
            }
        }
        self.pull(&node.form, self.replicas[node.site], node.births)
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
                let Some((strip, u, v)) = aligned(&node.form, &other.form) else {
                    continue;
                };
                if u != v && characters(&u) == characters(&v) {
                    let found = chances(&u, &v, 0).map(|x| format!("{}{x}{}", strip.0, strip.1));
                    let found: Vec<String> = found.collect();
                    sets.insert(self.store.names(found.iter().map(String::as_str)));
                }
            }
        }
    }
}

/// What an affix is made of, in whatever order: where two differ in it, no name lets them agree.
fn characters(affix: &Affix) -> Vec<u8> {
    let mut all = [affix.0.as_bytes(), affix.1.as_bytes()].concat();
    all.sort_unstable();
    all
}

/// Two forms of one birth as what both cut off and what each puts in its place; `None` where no birth
/// has both.
fn aligned(one: &Form, other: &Form) -> Option<(Affix, Affix, Affix)> {
    let (Form::Affix { strip: a, wrap: u }, Form::Affix { strip: b, wrap: v }) = (one, other)
    else {
        return None;
    };
    let (mut strip, mut u, mut v) = (a.clone(), u.clone(), v.clone());
    if let Some(more) = a.0.strip_prefix(&b.0) {
        v.0.push_str(more);
    } else {
        u.0.push_str(b.0.strip_prefix(&a.0)?);
        strip.0.clone_from(&b.0);
    }
    if let Some(more) = a.1.strip_suffix(&b.1) {
        v.1.insert_str(0, more);
    } else {
        u.1.insert_str(0, b.1.strip_suffix(&a.1)?);
        strip.1.clone_from(&b.1);
    }
    Some((strip, u, v))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn affix(before: &str, after: &str) -> Affix {
        (before.to_owned(), after.to_owned())
    }

    #[test]
    fn forms_are_compared_by_what_both_cut_off() {
        let form = |strip: (&str, &str), wrap: (&str, &str)| Form::Affix {
            strip: affix(strip.0, strip.1),
            wrap: affix(wrap.0, wrap.1),
        };
        let kept = form(("", ""), ("", ""));
        let turned = form(("a", ""), ("", "a"));
        let expected = (affix("a", ""), affix("a", ""), affix("", "a"));
        assert_eq!(aligned(&kept, &turned), Some(expected));
        let ended = form(("", "-b"), ("", ""));
        let expected = (affix("a", "-b"), affix("", "-ba"), affix("a", ""));
        assert_eq!(aligned(&turned, &ended), Some(expected));
        assert_eq!(aligned(&turned, &form(("b", ""), ("", ""))), None);
    }
}
