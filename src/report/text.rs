//! Findings for people: the line at fault, what is wrong with it, and what to write instead.

use std::fmt::Write;

use codespan_reporting::diagnostic::{Diagnostic, Label};
use codespan_reporting::files::SimpleFile;
use codespan_reporting::term::{self, Config, Styles, StylesWriter, termcolor::Buffer};
use crossdock_model::finding::{Finding, Severity, Span};
use crossdock_model::graph::Cycle;

use super::fold::fold;
use super::{Summary, begin, cut_word, name, without_secrets};
use crate::load::Checked;

/// Most cycles that are told one by one.
const CYCLES_MAX: usize = 5;

/// Most lines that are named where findings are only counted.
const LINES_MAX: usize = 12;

/// Said where names or ways were too many, or a filter too large.
const PARTIAL: &str = "note: there are more names and ways here than can be followed: what is \
                       found holds, but there may be more\n";

/// All findings of a file, its cycles, and one line that sums them up.
pub fn text(checked: &Checked, in_colour: bool) -> String {
    let mut out = String::new();
    let file = shown(checked);
    let folded = fold(&checked.findings);
    for finding in folded.shown {
        out.push_str(&rendered(&file, finding, in_colour));
    }
    for hidden in &folded.hidden {
        writeln!(out, "{}\n", more(checked, hidden)).ok();
    }
    for cycle in checked.cycles.iter().take(CYCLES_MAX) {
        writeln!(out, "note: {}", cycle_line(cycle)).ok();
    }
    if let Some(more) = checked.cycles.len().checked_sub(CYCLES_MAX + 1) {
        writeln!(out, "note: and {} like it", counted(more + 1, "more cycle")).ok();
    }
    if checked.is_capped && !checked.cycles.is_empty() {
        writeln!(out, "note: there are more cycles than are listed").ok();
    }
    if checked.is_partial {
        out.push_str(PARTIAL);
    }
    writeln!(out, "{}", summary(checked)).ok();
    out
}

/// A cycle, and what cuts it. One that is cut where its shortest topic would set out has one step only.
fn cycle_line(cycle: &Cycle) -> String {
    let what = match cycle.cut_by {
        Some(cut) => format!("is cut by {}", cut_word(cut)),
        None => "is not cut".to_owned(),
    };
    match cycle.path.as_slice() {
        [start] => format!("the cycle through {start} {what} there"),
        path => format!("the cycle {} {what}", path.join(" → ")),
    }
}

/// How many more there are of a kind, and where.
fn more(checked: &Checked, hidden: &[&Finding]) -> String {
    let (code, severity) = hidden
        .first()
        .map_or(("", "error"), |f| (f.code.as_str(), word(f.severity)));
    let mut lines: Vec<_> = hidden.iter().map(|f| begin(checked, f).line).collect();
    lines.dedup();
    let first: Vec<_> = lines.iter().take(LINES_MAX).map(usize::to_string).collect();
    let rest = match lines.len().saturating_sub(LINES_MAX) {
        0 => String::new(),
        _ => " …".to_owned(),
    };
    let places = if lines.len() == 1 { "line" } else { "lines" };
    format!(
        "{severity}[{code}]: and {} more like it, on {places} {}{rest}",
        hidden.len(),
        first.join(", ")
    )
}

fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "note",
    }
}

/// One finding, for commands that tell findings on the way.
pub fn finding(checked: &Checked, finding: &Finding, in_colour: bool) -> String {
    rendered(&shown(checked), finding, in_colour)
}

fn shown(checked: &Checked) -> SimpleFile<String, String> {
    SimpleFile::new(name(checked), without_secrets(&checked.text))
}

fn rendered(file: &SimpleFile<String, String>, finding: &Finding, in_colour: bool) -> String {
    let diagnostic = match finding.severity {
        Severity::Error => Diagnostic::error(),
        Severity::Warning => Diagnostic::warning(),
        Severity::Note => Diagnostic::note(),
    };
    let mut labels =
        vec![Label::primary((), line(file.source(), finding.span)).with_message(&finding.label)];
    for (span, what) in &finding.others {
        labels.push(Label::secondary((), line(file.source(), *span)).with_message(what));
    }
    let mut notes = Vec::new();
    if !finding.witness.is_empty() {
        notes.push(format!("witness: {}", finding.witness.join(" → ")));
    }
    notes.extend(finding.help.iter().map(|help| format!("help: {help}")));
    let diagnostic = diagnostic
        .with_code(finding.code.as_str())
        .with_message(&finding.message)
        .with_labels(labels)
        .with_notes(notes);
    let mut buffer = match in_colour {
        true => Buffer::ansi(),
        false => Buffer::no_color(),
    };
    let styles = Styles::default();
    let mut writer = StylesWriter::new(&mut buffer, &styles);
    match term::emit_to_write_style(&mut writer, &Config::default(), file, &diagnostic) {
        Ok(()) => String::from_utf8_lossy(buffer.as_slice()).into_owned(),
        // A place outside the text would be a mistake of ours: the words are told all the same.
        Err(_) => format!("{}: {}\n", finding.code.as_str(), finding.message),
    }
}

/// The first line of a stretch: an entry of many lines is pointed at, not repeated.
fn line(text: &str, span: Span) -> std::ops::Range<usize> {
    let start = floor(text, span.start);
    let end = floor(text, span.end).max(start);
    let first = text[start..end].lines().next().unwrap_or_default();
    start..start + first.trim_end().len()
}

fn floor(text: &str, at: usize) -> usize {
    text.floor_char_boundary(at.min(text.len()))
}

fn summary(checked: &Checked) -> String {
    let Summary {
        errors,
        warnings,
        notes,
    } = Summary::of(&checked.findings);
    let edges = checked.draft.as_ref().map_or(0, |d| d.edges.len());
    let counts: Vec<_> = [(errors, "error"), (warnings, "warning"), (notes, "note")]
        .into_iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, word)| counted(number, word))
        .collect();
    let found = match counts.is_empty() {
        true => "nothing found".to_owned(),
        false => counts.join(", "),
    };
    format!("{}: {}, {found}", name(checked), counted(edges, "edge"))
}

fn counted(number: usize, word: &str) -> String {
    match number {
        1 => format!("1 {word}"),
        _ => format!("{number} {word}s"),
    }
}

#[cfg(test)]
mod tests {
    use crossdock_model::graph::Cut;

    use super::*;

    #[test]
    fn a_cycle_is_told_in_one_line_with_what_cuts_it() {
        for (path, cut_by, line) in [
            (
                &["orders@bj", "orders@sh", "orders@bj"][..],
                Some(Cut::Provenance),
                "the cycle orders@bj → orders@sh → orders@bj is cut by provenance",
            ),
            (
                &["orders@bj", "orders-bj@sh"],
                Some(Cut::Lineage),
                "the cycle orders@bj → orders-bj@sh is cut by lineage",
            ),
            (
                &["orders-bj@bj"],
                Some(Cut::Lineage),
                "the cycle through orders-bj@bj is cut by lineage there",
            ),
            (
                &["a@bj", "a@sh", "a@bj"],
                None,
                "the cycle a@bj → a@sh → a@bj is not cut",
            ),
        ] {
            let path = path.iter().map(|step| (*step).to_owned()).collect();
            assert_eq!(cycle_line(&Cycle { path, cut_by }), line);
        }
    }
}
