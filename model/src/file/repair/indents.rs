//! Lines that are indented differently from those beside them.

use super::{Edits, Mending, Mistake};
use crate::finding::{Code, Finding, Span};

/// A line whose indentation is that of no block around it, or deeper than the value before it allows.
pub(super) fn other_than_beside(
    edits: &Edits,
    mistake: &Mistake,
) -> Option<(Finding, Vec<Mending>)> {
    let is_cause = [
        "mapping values are not allowed",
        "expected '-' indicator",
        "expected key",
    ];
    if !is_cause.iter().any(|words| mistake.what.contains(words)) {
        return None;
    }
    let text = edits.text();
    let start = edits.line_start(mistake.at);
    let column = column(text, start);
    let columns = columns_around(edits, start);
    let (line, beside) = match columns.iter().rev().find(|(_, c)| *c >= column) {
        Some(found) => *found,
        // Deeper than all of them: it goes on beside the last one.
        None => *columns.first()?,
    };
    if beside == column {
        return None;
    }
    let place = Span {
        start: start + column,
        end: edits.line_end(start),
    };
    let spaces = |n: usize| {
        if n == 1 {
            "1 space".to_owned()
        } else {
            format!("{n} spaces")
        }
    };
    let message = format!(
        "this line is indented by {}, those beside it by {beside}",
        spaces(column)
    );
    let mut finding = Finding::new(Code::YamlSyntax, edits.origin(place), message)
        .help(format!("indent it by {}", spaces(beside)));
    let other = Span {
        start: line,
        end: edits.line_end(line),
    };
    finding
        .others
        .push((edits.origin(other), "beside this one".to_owned()));
    let mending = Mending {
        start,
        end: start + column,
        with: " ".repeat(beside),
    };
    Some((finding, vec![mending]))
}

/// The columns in which the blocks begin that a line may belong to, innermost first, each with where
/// a line of it has its content.
fn columns_around(edits: &Edits, start: usize) -> Vec<(usize, usize)> {
    let text = edits.text();
    let mut columns: Vec<(usize, usize)> = Vec::new();
    let mut at = start;
    let mut least = usize::MAX;
    while let Some(line) = edits.line_before(at).filter(|_| least > 0) {
        at = line;
        let mut column = column(text, line);
        let mut here = Vec::new();
        loop {
            here.push((line + column, column));
            match text[line + column..].strip_prefix("- ") {
                Some(rest) => column += 2 + rest.len() - rest.trim_start_matches(' ').len(),
                None => break,
            }
        }
        let inner = here.into_iter().rev().filter(|(_, c)| *c < least);
        let inner: Vec<_> = inner.collect();
        least = inner.iter().map(|i| i.1).min().unwrap_or(least);
        columns.extend(inner);
    }
    columns
}

fn column(text: &str, start: usize) -> usize {
    text[start..].len() - text[start..].trim_start_matches(' ').len()
}
