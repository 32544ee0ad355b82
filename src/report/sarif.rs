//! Findings as SARIF 2.1.0, for code scanning.

use crossdock_model::finding::{Code, Finding, Severity, Span};
use serde_json::{Value, json};

use super::{name, place};
use crate::load::Checked;

/// One run over all files.
pub fn sarif(all: &[Checked]) -> Value {
    let rules: Vec<_> = Code::ALL
        .iter()
        .map(|code| json!({"id": code, "defaultConfiguration": {"level": level(code.severity())}}))
        .collect();
    let results: Vec<_> = all
        .iter()
        .flat_map(|checked| checked.findings.iter().map(|f| result(checked, f)))
        .collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "crossdock",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": rules,
            }},
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

fn result(checked: &Checked, finding: &Finding) -> Value {
    let mut text = finding.message.clone();
    if let Some(help) = &finding.help {
        text.push_str("\nhelp: ");
        text.push_str(help);
    }
    let others: Vec<_> = finding
        .others
        .iter()
        .map(|(span, what)| {
            let mut location = location(checked, *span);
            location["message"] = json!({"text": what});
            location
        })
        .collect();
    json!({
        "ruleId": finding.code,
        "level": level(finding.severity),
        "message": {"text": text},
        "locations": [location(checked, finding.span)],
        "relatedLocations": others,
    })
}

fn location(checked: &Checked, span: Span) -> Value {
    let (begin, end) = (
        place(&checked.text, span.start),
        place(&checked.text, span.end),
    );
    json!({"physicalLocation": {
        "artifactLocation": {"uri": name(checked)},
        "region": {
            "startLine": begin.line,
            "startColumn": begin.column,
            "endLine": end.line,
            "endColumn": end.column,
        },
    }})
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "note",
    }
}
