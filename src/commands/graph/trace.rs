//! `graph --trace orders@bj`: everywhere a topic's records go, and why they stop.

use std::fmt::Write;

use crossdock_model::edge::{Edge, Forward};
use crossdock_model::graph::{Admit, Names, Take, Why, admit_path};
use crossdock_model::name::Alias;
use crossdock_model::topology::Draft;
use serde_json::{Value, json};

/// Most steps of a trace: a topology with loops has no end of them.
const STEPS_MAX: usize = 10_000;

/// What one edge does with the records that have come this far.
struct Step {
    edge: String,
    outcome: Outcome,
}

enum Outcome {
    /// They go on to this topic of this cluster, and from there by these steps.
    Goes(String, Vec<Step>),
    /// They stop, and why.
    Stops(String),
}

/// As a tree.
pub(super) fn text(draft: &Draft, topic: &str, cluster: &Alias) -> String {
    let mut out = format!("{topic}@{cluster}\n");
    write(&mut out, "", &steps(draft, topic, cluster));
    out
}

fn write(out: &mut String, indent: &str, steps: &[Step]) {
    for (number, step) in steps.iter().enumerate() {
        let is_last = number + 1 == steps.len();
        let (branch, below) = if is_last {
            ("└─", "  ")
        } else {
            ("├─", "│ ")
        };
        match &step.outcome {
            Outcome::Goes(place, steps) => {
                writeln!(out, "{indent}{branch} {} ▶ {place}", step.edge).ok();
                write(out, &format!("{indent}{below} "), steps);
            }
            Outcome::Stops(why) => {
                writeln!(out, "{indent}{branch} {} ✗ {why}", step.edge).ok();
            }
        }
    }
}

/// As nested objects.
pub(super) fn json(draft: &Draft, topic: &str, cluster: &Alias) -> Value {
    fn list(steps: &[Step]) -> Value {
        let one = |step: &Step| match &step.outcome {
            Outcome::Goes(place, steps) => {
                json!({"edge": step.edge, "goes_to": place, "then": list(steps)})
            }
            Outcome::Stops(why) => json!({"edge": step.edge, "stops": why}),
        };
        steps.iter().map(one).collect()
    }
    json!({"at": format!("{topic}@{cluster}"), "then": list(&steps(draft, topic, cluster))})
}

fn steps(draft: &Draft, topic: &str, cluster: &Alias) -> Vec<Step> {
    let names = Names::new(draft);
    let mut walk = Walk {
        draft,
        names: &names,
        visited: vec![(cluster.clone(), topic.to_owned())],
        hops: Vec::new(),
        left: STEPS_MAX,
    };
    walk.onward(topic, cluster)
}

/// One way through the topology, and what its records have seen.
struct Walk<'a> {
    draft: &'a Draft,
    names: &'a Names,
    visited: Vec<(Alias, String)>,
    /// Clusters that the headers of its records name.
    hops: Vec<Alias>,
    left: usize,
}

impl Walk<'_> {
    fn onward(&mut self, topic: &str, cluster: &Alias) -> Vec<Step> {
        let draft = self.draft;
        let edges = draft.edges.iter().filter(|e| e.source == *cluster);
        let mut steps = Vec::new();
        for edge in edges {
            if self.left == 0 {
                break;
            }
            self.left -= 1;
            steps.push(Step {
                edge: edge.name.to_string(),
                outcome: self.by(edge, topic),
            });
        }
        steps
    }

    fn by(&mut self, edge: &Edge, topic: &str) -> Outcome {
        if !edge.enabled {
            return Outcome::Stops("the edge is disabled".to_owned());
        }
        let target = &edge.target;
        let new = match self.names.take(edge, topic) {
            Take::Into(new) => new,
            Take::Not(why) => return Outcome::Stops(because(&why, target)),
        };
        let is_local = edge.forward == Forward::Local;
        let names_target = self.hops.contains(target);
        match admit_path(
            edge.provenance,
            is_local,
            names_target,
            !self.hops.is_empty(),
        ) {
            Admit::Copy => {}
            Admit::DropLoop => {
                return Outcome::Stops(format!("records have been on {target}: provenance"));
            }
            Admit::DropNotLocal => {
                return Outcome::Stops("records were replicated here: `forward: local`".to_owned());
            }
        }
        let place = (target.clone(), new.clone());
        if self.visited.contains(&place) {
            return Outcome::Stops(format!("{new}@{target} once more: a loop"));
        }
        self.visited.push(place);
        if edge.provenance {
            self.hops.push(edge.source.clone());
        }
        let steps = self.onward(&new, target);
        if edge.provenance {
            self.hops.pop();
        }
        self.visited.pop();
        Outcome::Goes(format!("{new}@{target}"), steps)
    }
}

fn because(why: &Why, target: &Alias) -> String {
    match why {
        Why::NotSelected => "`topics` does not match".to_owned(),
        Why::Excluded => "`exclude_topics` matches".to_owned(),
        Why::Internal => "internal topics are never taken".to_owned(),
        Why::Lineage => format!("every way to it passes {target}: lineage"),
        Why::Replica => "it is a replica: `forward: local`".to_owned(),
        Why::TargetName(name) => format!("`{name}` can be no topic on {target}"),
    }
}
