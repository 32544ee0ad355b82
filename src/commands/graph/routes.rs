//! What an edge does with topics, as far as names can be listed.

use crossdock_model::edge::{Edge, Pattern};
use crossdock_model::graph::{Names, Take, literals};
use crossdock_model::topology::Draft;
use serde_json::{Value, json};

use crate::commands::validate::effective::rename;

/// Most names that are listed of one edge.
const NAMES_MAX: usize = 50;

/// One line of what an edge carries.
pub(super) struct Route {
    /// A topic, or a pattern.
    pub(super) from: String,
    /// Its name on the target, or how it is made.
    pub(super) to: String,
    /// Whether it stands for names that cannot be listed.
    is_open: bool,
}

impl Route {
    /// As one line; a name that is kept stands once.
    pub(super) fn line(&self) -> String {
        match (self.from == self.to, self.is_open) {
            (true, _) => self.from.clone(),
            (false, true) => format!("{}, renamed {}", self.from, self.to),
            (false, false) => format!("{} → {}", self.from, self.to),
        }
    }
}

/// What an edge carries: names where they are written out, patterns where they are open.
pub(super) fn of(names: &Names, edge: &Edge) -> Vec<Route> {
    let mut routes = Vec::new();
    for pattern in &edge.topics {
        match literals(pattern).filter(|names| names.len() <= NAMES_MAX) {
            Some(topics) => {
                routes.extend(topics.into_iter().filter_map(
                    |topic| match names.take(edge, &topic) {
                        Take::Into(to) => Some(Route {
                            from: topic,
                            to,
                            is_open: false,
                        }),
                        Take::Not(_) => None,
                    },
                ))
            }
            None => routes.push(open(edge, pattern)),
        }
    }
    routes
}

fn open(edge: &Edge, pattern: &Pattern) -> Route {
    let mut from = pattern.text.clone();
    if !edge.exclude_topics.is_empty() {
        let texts: Vec<_> = edge
            .exclude_topics
            .iter()
            .map(|p| p.text.as_str())
            .collect();
        from = format!("{from} without {}", texts.join(", "));
    }
    let to = match edge.rename.rules.is_empty() {
        true => from.clone(),
        false => rename(&edge.rename),
    };
    Route {
        from,
        to,
        is_open: true,
    }
}

/// Every edge with its routes.
pub(super) fn json(draft: &Draft) -> Value {
    let names = Names::new(draft);
    let edge = |edge: &Edge| {
        let routes = of(&names, edge);
        let routes: Vec<_> = routes
            .iter()
            .map(|route| json!({"from": route.from, "to": route.to}))
            .collect();
        json!({"edge": edge.name, "enabled": edge.enabled, "topics": routes})
    };
    draft.edges.iter().map(edge).collect()
}
