//! Findings for programs: what the documentation promises, and nothing else.

use crossdock_model::finding::Finding;
use serde_json::{Value, json};

use super::{Summary, begin, name};
use crate::load::Checked;

/// One file as an object.
pub fn json(checked: &Checked) -> Value {
    let draft = checked.draft.as_ref();
    let edges = draft.map_or(&[][..], |d| &d.edges);
    let edge = |e: &crossdock_model::edge::Edge| json!({"name": e.name, "source": e.source, "target": e.target});
    let mut object = json!({
        "topology": draft.map(|d| d.name.as_str()),
        "edges": edges.iter().map(edge).collect::<Vec<_>>(),
        "cycles": checked.cycles,
        "findings": checked.findings.iter().map(|f| finding(checked, f)).collect::<Vec<_>>(),
        "summary": Summary::of(&checked.findings),
    });
    // Said only where it is so: the list is whole everywhere else.
    if checked.is_capped {
        object["cycles_capped"] = json!(true);
    }
    if checked.is_partial {
        object["partial"] = json!(true);
    }
    object
}

fn finding(checked: &Checked, finding: &Finding) -> Value {
    let place = begin(checked, finding);
    let mut value = json!({
        "code": finding.code,
        "severity": finding.severity,
        "message": finding.message,
        "file": name(checked),
        "line": place.line,
        "column": place.column,
        "edges": finding.edges,
        "witness": finding.witness,
    });
    if let Some(help) = &finding.help {
        value["help"] = json!(help);
    }
    value
}
