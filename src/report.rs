//! Findings as people and programs read them. A finding is data; every way to show it is one file.

use crate::load::Checked;
use crossdock_model::finding::{Finding, Severity, Span};
use crossdock_model::graph::Cut;

mod fold;
mod github;
mod json;
mod sarif;
mod text;

pub use github::github;
pub use json::json;
pub use sarif::sarif;
pub use text::{finding, text};

/// How many findings there are of each severity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Summary {
    /// The topology must not run.
    pub errors: usize,
    /// Hardly as meant.
    pub warnings: usize,
    /// Worth knowing.
    pub notes: usize,
}

/// A line and a column, both from 1, the column in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Line, from 1.
    pub line: usize,
    /// Character of the line, from 1.
    pub column: usize,
}

impl Summary {
    /// Counts findings.
    pub fn of(findings: &[Finding]) -> Self {
        let count = |severity| findings.iter().filter(|f| f.severity == severity).count();
        Self {
            errors: count(Severity::Error),
            warnings: count(Severity::Warning),
            notes: count(Severity::Note),
        }
    }
}

/// The line and column of a byte of a text.
pub fn place(text: &str, at: usize) -> Place {
    let before = text.get(..at).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |n| n + 1);
    // A byte order mark is no character of the line.
    let line = before[line_start..].trim_start_matches('\u{feff}');
    Place {
        line: before.matches('\n').count() + 1,
        column: line.chars().count() + 1,
    }
}

/// The place where a finding begins.
fn begin(checked: &Checked, finding: &Finding) -> Place {
    place(&checked.text, finding.span.start)
}

/// The file as it was given, for people and programs.
fn name(checked: &Checked) -> String {
    checked.path.display().to_string()
}

/// What is wrong, its witness and its help, for places that take nothing but text.
fn in_full(finding: &Finding) -> String {
    let mut text = finding.message.clone();
    if !finding.witness.is_empty() {
        text.push_str("\nwitness: ");
        text.push_str(&finding.witness.join(" → "));
    }
    if let Some(help) = &finding.help {
        text.push_str("\nhelp: ");
        text.push_str(help);
    }
    text
}

/// What cuts a cycle, as one word.
pub fn cut_word(cut: Cut) -> &'static str {
    match cut {
        Cut::Provenance => "provenance",
        Cut::Lineage => "lineage",
    }
}

/// The text with every secret covered, each byte by one star, so that places stay.
fn without_secrets(text: &str) -> String {
    let mut bytes = text.as_bytes().to_vec();
    let mut cover = |span: Span| {
        for byte in bytes.get_mut(span.start..span.end).into_iter().flatten() {
            if !matches!(byte, b'\n' | b'\r') {
                *byte = b'*';
            }
        }
    };
    let (secrets, is_whole) = crossdock_model::file::secrets(text);
    secrets.into_iter().for_each(&mut cover);
    if !is_whole {
        secret_lines(text).into_iter().for_each(cover);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// What stands behind the name of a secret on its line: for text that cannot be parsed.
fn secret_lines(text: &str) -> Vec<Span> {
    let mut found = Vec::new();
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let colon = line.match_indices(':').find(|(colon, _)| {
            let key = line[..*colon].trim_end_matches(['"', '\'', ' ']);
            let key = key.rsplit([' ', '{', ',', '"', '\'']).next();
            key.is_some_and(crossdock_model::properties::is_secret)
        });
        if let Some((colon, _)) = colon {
            found.push(Span {
                start: at + colon + 1,
                end: at + line.trim_end().len().max(colon + 1),
            });
        }
        at += line.len();
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_count_lines_and_characters_from_one() {
        let text = "\u{feff}a\r\n北京: x\n";
        let at = |byte: usize| {
            let place = place(text, byte);
            (place.line, place.column)
        };
        assert_eq!(at(3), (1, 1));
        assert_eq!(at(text.find('x').unwrap_or_default()), (2, 5));
        assert_eq!(at(10_000), (3, 1));
    }

    #[test]
    fn secrets_are_covered_even_where_nothing_can_be_parsed() {
        let text = "{ sasl.password: hush }\n]\nssl.key.password: \"hush";
        let shown = without_secrets(text);
        assert!(!shown.contains("hush"), "{shown}");
        assert_eq!(shown.len(), text.len());
    }
}
