//! Findings as SARIF 2.1.0, for code scanning.

use crossdock_model::finding::{Code, Finding, Severity, Span};
use serde_json::{Value, json};

use super::{in_full, name, place};
use crate::commands::explain;
use crate::load::Checked;

/// One run over all files.
pub fn sarif(all: &[Checked]) -> Value {
    let rules: Vec<_> = Code::ALL.iter().map(|code| rule(*code)).collect();
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

/// A kind of finding, with its page for whoever reads the report elsewhere.
fn rule(code: Code) -> Value {
    let page = explain::page(code);
    let (_, found) = page.split_once("## What is found\n\n").unwrap_or_default();
    let short = found.split("\n\n").next().unwrap_or_default();
    json!({
        "id": code,
        "shortDescription": {"text": short.replace('\n', " ")},
        "help": {"text": format!("crossdock explain {}", code.as_str()), "markdown": page},
        "defaultConfiguration": {"level": level(code.severity())},
    })
}

fn result(checked: &Checked, finding: &Finding) -> Value {
    let text = in_full(finding);
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
        "artifactLocation": {"uri": uri(&name(checked))},
        "region": {
            "startLine": begin.line,
            "startColumn": begin.column,
            "endLine": end.line,
            "endColumn": end.column,
        },
    }})
}

/// A path as a URI reference: what may not stand in one is written in hexadecimal.
fn uri(path: &str) -> String {
    let mut out = match path.starts_with('/') {
        true => "file://".to_owned(),
        false => String::new(),
    };
    for byte in path.replace('\\', "/").bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'/' | b'-' | b'.' | b'_' | b'~' => {
                out.push(char::from(byte));
            }
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "note",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_path_is_a_uri() {
        assert_eq!(uri("topologies/one-way.yaml"), "topologies/one-way.yaml");
        assert_eq!(
            uri("/tmp/北 京.yaml"),
            "file:///tmp/%E5%8C%97%20%E4%BA%AC.yaml"
        );
    }
}
