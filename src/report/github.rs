//! Findings as annotations of GitHub Actions.

use std::fmt::Write;

use crossdock_model::finding::Severity;

use super::{begin, in_full, name};
use crate::load::Checked;

/// One line for each finding.
pub fn github(checked: &Checked) -> String {
    let mut out = String::new();
    for finding in &checked.findings {
        let level = match finding.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "notice",
        };
        let place = begin(checked, finding);
        writeln!(
            out,
            "::{level} file={},line={},col={},title={}::{}",
            property(&name(checked)),
            place.line,
            place.column,
            finding.code.as_str(),
            data(&in_full(finding))
        )
        .ok();
    }
    out
}

fn data(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
