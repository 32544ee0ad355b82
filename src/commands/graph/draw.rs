//! The whole topology as text, Mermaid and Graphviz.

use std::fmt::Write;

use crossdock_model::edge::Edge;
use crossdock_model::graph::{Cycle, Names};
use crossdock_model::topology::Draft;

use super::routes;
use crate::report::cut_word;

/// Edges with what they carry, then cycles with what cuts them.
pub(super) fn text(draft: &Draft, cycles: &[Cycle]) -> String {
    let names = Names::new(draft);
    let mut out = String::new();
    writeln!(out, "{}", draft.name).ok();
    for edge in &draft.edges {
        let note = if edge.enabled { "" } else { "  (disabled)" };
        writeln!(
            out,
            "\n  {} ──▶ {}  {}{note}",
            edge.source, edge.target, edge.name
        )
        .ok();
        let routes = routes::of(&names, edge);
        for route in &routes {
            writeln!(out, "    {}", route.line()).ok();
        }
        if routes.is_empty() {
            writeln!(out, "    nothing").ok();
        }
    }
    if !cycles.is_empty() {
        writeln!(out, "\ncycles").ok();
    }
    for cycle in cycles {
        let cut = match cycle.cut_by {
            Some(cut) => format!("cut by {}", cut_word(cut)),
            None => "not cut".to_owned(),
        };
        writeln!(out, "  {}: {cut}", cycle.path.join(" → ")).ok();
    }
    out
}

/// What stands on an arrow: a few routes are enough to know it by.
pub(super) fn label(names: &Names, edge: &Edge) -> Vec<String> {
    let routes = routes::of(names, edge);
    let mut lines: Vec<_> = routes.iter().take(3).map(routes::Route::line).collect();
    if routes.len() > 3 {
        lines.push(format!("and {} more", routes.len() - 3));
    }
    lines
}

/// A flowchart for Markdown.
pub(super) fn mermaid(draft: &Draft) -> String {
    let names = Names::new(draft);
    let mut out = "flowchart LR\n".to_owned();
    // Aliases may hold what ids of Mermaid may not.
    for (number, cluster) in draft.clusters.iter().enumerate() {
        writeln!(out, "    c{number}[(\"{}\")]", cluster.alias).ok();
    }
    for edge in &draft.edges {
        let (Some(source), Some(target)) = ends(draft, edge) else {
            continue;
        };
        let arrow = if edge.enabled { "-->" } else { "-.->" };
        let label = label(&names, edge).join("<br/>").replace('"', "#quot;");
        writeln!(out, "    c{source} {arrow}|\"{label}\"| c{target}").ok();
    }
    out
}

/// A directed graph for Graphviz.
pub(super) fn dot(draft: &Draft) -> String {
    let names = Names::new(draft);
    let quoted = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"");
    let mut out = format!("digraph \"{}\" {{\n  rankdir=LR;\n", quoted(&draft.name));
    writeln!(out, "  node [shape=cylinder];").ok();
    for cluster in &draft.clusters {
        writeln!(out, "  \"{}\";", quoted(cluster.alias.as_str())).ok();
    }
    for edge in &draft.edges {
        let style = if edge.enabled { "" } else { ", style=dashed" };
        let label: Vec<_> = label(&names, edge).iter().map(|l| quoted(l)).collect();
        writeln!(
            out,
            "  \"{}\" -> \"{}\" [label=\"{}\"{style}];",
            quoted(edge.source.as_str()),
            quoted(edge.target.as_str()),
            label.join("\\n")
        )
        .ok();
    }
    out.push_str("}\n");
    out
}

/// The numbers of an edge's clusters.
pub(super) fn ends(draft: &Draft, edge: &Edge) -> (Option<usize>, Option<usize>) {
    let number = |alias: &crossdock_model::name::Alias| {
        draft.clusters.iter().position(|c| c.alias == *alias)
    };
    (number(&edge.source), number(&edge.target))
}
