//! `disabled-edge-hazard`: what enabling a disabled edge would bring.

use super::{Report, verdicts};
use crate::finding::{Code, Finding, Severity};
use crate::topology::Draft;

/// Most edges that all these checks together go through.
const EDGES_MAX: usize = 4_000;

pub(crate) fn findings(draft: &Draft, report: &Report) -> Vec<Finding> {
    let disabled = (0..draft.edges.len()).filter(|n| !draft.edges[*n].enabled);
    let checks = EDGES_MAX / draft.edges.len().max(1);
    disabled
        .take(checks)
        .filter_map(|n| hazard(draft, report, n))
        .collect()
}

fn hazard(draft: &Draft, report: &Report, number: usize) -> Option<Finding> {
    let mut enabled = draft.clone();
    enabled.edges[number].enabled = true;
    let now = verdicts(&enabled).findings;
    let error = now
        .iter()
        .find(|f| is_error(f) && !is_known(f, &report.findings))?;
    let edge = &draft.edges[number];
    let message = format!(
        "enabling `{}` would bring {}: {}",
        edge.name,
        error.code.as_str(),
        error.message
    );
    let mut finding = Finding::new(Code::DisabledEdgeHazard, edge.place("enabled"), message);
    finding.label = "disabled now".into();
    finding.edges = error.edges.clone();
    if !finding.edges.contains(&edge.name) {
        finding.edges.push(edge.name.clone());
    }
    finding.witness = error.witness.clone();
    Some(finding)
}

pub(crate) fn is_error(finding: &Finding) -> bool {
    finding.severity == Severity::Error
}

/// Whether the same, or more of the same, was found before.
pub(crate) fn is_known(finding: &Finding, before: &[Finding]) -> bool {
    let covers = |old: &&Finding| {
        old.code == finding.code && finding.edges.iter().all(|e| old.edges.contains(e))
    };
    before.iter().any(|old| covers(&old))
}
