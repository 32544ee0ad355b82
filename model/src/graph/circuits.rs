//! Elementary cycles of the clusters, through petgraph.

use petgraph::algo::tarjan_scc;
use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::EdgeRef;

use super::names::{Names, Site};

/// Most cycles that are listed: a full mesh has more than anybody reads.
pub(crate) const CYCLES_MAX: usize = 1_000;

/// Most steps that cycles are looked for.
const STEPS_MAX: usize = 500_000;

/// Every elementary cycle as its edges, shorter ones first; each begins at the cluster declared first.
/// And whether the search ended before all were found.
pub(crate) fn cycles(names: &Names) -> (Vec<Vec<usize>>, bool) {
    let graph = clusters(names);
    let mut search = Search {
        graph: &graph,
        found: Vec::new(),
        steps: 0,
    };
    let mut groups: Vec<Vec<Site>> = components(names);
    groups.retain(|group| group.len() > 1);
    let longest = groups.iter().map(Vec::len).max().unwrap_or(0);
    for length in 2..=longest {
        for group in groups.iter().filter(|group| group.len() >= length) {
            for start in group {
                search.from(NodeIndex::new(*start), length);
            }
        }
    }
    let is_capped = search.found.len() >= CYCLES_MAX || search.steps > STEPS_MAX;
    (search.found, is_capped)
}

/// Clusters that can reach each other, in the file's order.
pub(crate) fn components(names: &Names) -> Vec<Vec<Site>> {
    let mut groups: Vec<Vec<Site>> = tarjan_scc(&clusters(names))
        .into_iter()
        .map(|group| {
            let mut sites: Vec<Site> = group.into_iter().map(NodeIndex::index).collect();
            sites.sort_unstable();
            sites
        })
        .collect();
    groups.sort();
    groups
}

fn clusters(names: &Names) -> DiGraph<(), usize> {
    let mut graph = DiGraph::new();
    let nodes: Vec<NodeIndex> = names.aliases.iter().map(|_| graph.add_node(())).collect();
    for (number, link) in names.links.iter().enumerate() {
        if let Some(link) = link.as_ref().filter(|link| link.enabled) {
            graph.add_edge(nodes[link.source], nodes[link.target], number);
        }
    }
    graph
}

struct Search<'g> {
    graph: &'g DiGraph<(), usize>,
    found: Vec<Vec<usize>>,
    steps: usize,
}

impl Search<'_> {
    /// Cycles of one length in which `start` is the cluster declared first.
    fn from(&mut self, start: NodeIndex, length: usize) {
        if self.found.len() >= CYCLES_MAX {
            return;
        }
        let back = self.distances_to(start);
        self.extend(
            start,
            start,
            &mut Vec::new(),
            &mut vec![start],
            length,
            &back,
        );
    }

    fn extend(
        &mut self,
        start: NodeIndex,
        at: NodeIndex,
        edges: &mut Vec<usize>,
        seen: &mut Vec<NodeIndex>,
        length: usize,
        back: &[usize],
    ) {
        let mut steps: Vec<(usize, NodeIndex)> = self
            .graph
            .edges(at)
            .map(|e| (*e.weight(), e.target()))
            .collect();
        steps.sort_unstable();
        for (edge, to) in steps {
            self.steps += 1;
            if self.found.len() >= CYCLES_MAX || self.steps > STEPS_MAX {
                return;
            }
            let is_last = edges.len() + 1 == length;
            if to == start && is_last {
                edges.push(edge);
                self.found.push(edges.clone());
                edges.pop();
            } else if !is_last && !seen.contains(&to) && back[to.index()] < length - edges.len() {
                edges.push(edge);
                seen.push(to);
                self.extend(start, to, edges, seen, length, back);
                seen.pop();
                edges.pop();
            }
        }
    }

    /// Fewest edges from each cluster to `start`, through clusters declared after it.
    fn distances_to(&self, start: NodeIndex) -> Vec<usize> {
        let mut distance = vec![usize::MAX; self.graph.node_count()];
        distance[start.index()] = 0;
        let mut queue = std::collections::VecDeque::from([start]);
        while let Some(at) = queue.pop_front() {
            let before = self
                .graph
                .neighbors_directed(at, petgraph::Direction::Incoming);
            for from in before.filter(|from| *from > start) {
                if distance[from.index()] == usize::MAX {
                    distance[from.index()] = distance[at.index()] + 1;
                    queue.push_back(from);
                }
            }
        }
        distance
    }
}
