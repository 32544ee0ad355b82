//! Quotes that are missing, not closed, or of the wrong kind.

use super::{Edits, Mending, Mistake, is_in_brackets};
use crate::finding::{Code, Finding, Span};

/// Longest line, in bytes, that is searched for a mistake.
const LINE_MAX: usize = 2_000;

pub(super) fn unclosed(edits: &Edits, mistake: &Mistake) -> Option<(Finding, Vec<Mending>)> {
    let is_quote_error = mistake.what.contains("quoted scalar");
    let text = edits.text();
    let quote = text[mistake.at..].chars().next()?;
    if !is_quote_error || !matches!(quote, '"' | '\'') || mistake.what.contains("escape") {
        return None;
    }
    let end = edits.line_end(mistake.at);
    let line = &text[mistake.at + 1..end];
    if line.contains(quote) {
        return None;
    }
    let span = Span {
        start: mistake.at,
        end,
    };
    let finding = Finding::new(
        Code::YamlSyntax,
        edits.origin(span),
        format!("the quote `{quote}` is never closed"),
    )
    .label("begins here")
    .help(format!("close it with `{quote}` at the end of the value"));
    // What follows within brackets is likely not part of the value.
    let stop = match is_in_brackets(edits, mistake.at) {
        true => value_end(text, mistake.at + 1, end),
        false => end,
    };
    let mending = Mending {
        start: stop,
        end: stop,
        with: quote.to_string(),
    };
    Some((finding, vec![mending]))
}

pub(super) fn escape_in_double(
    edits: &Edits,
    mistake: &Mistake,
) -> Option<(Finding, Vec<Mending>)> {
    let text = edits.text();
    if !mistake.what.contains("escape character") || !text[mistake.at..].starts_with('"') {
        return None;
    }
    let line_end = edits.line_end(mistake.at);
    let inside = &text[mistake.at + 1..line_end];
    let close = mistake.at + 1 + inside.find('"')?;
    let value = &text[mistake.at + 1..close];
    let span = Span {
        start: mistake.at,
        end: close + 1,
    };
    let single = format!("'{}'", value.replace('\'', "''"));
    let finding = Finding::new(
        Code::YamlSyntax,
        edits.origin(span),
        "in double quotes `\\` begins an escape, and this one is none",
    )
    .help(format!("write {single}: in single quotes `\\` is itself"));
    let mending = Mending {
        start: mistake.at,
        end: close + 1,
        with: single,
    };
    Some((finding, vec![mending]))
}

/// A value that begins like something else: `{topic}-x`, `[a-z]+`, `*x`, `@x`, `a: b`.
pub(super) fn needed(edits: &Edits, mistake: &Mistake) -> Option<(Finding, Vec<Mending>)> {
    let text = edits.text();
    let line_start = edits.line_start(mistake.at);
    let line_end = edits.line_end(mistake.at);
    // The parser often stops at the line after the one that is wrong.
    let previous = edits.line_start(line_start.saturating_sub(1));
    for (start, end) in [(line_start, line_end), (previous, edits.line_end(previous))] {
        // A line that nobody wrote by hand is not worth the time.
        if end - start > LINE_MAX {
            continue;
        }
        for Start {
            at,
            in_brackets,
            is_after_colon,
        } in values(edits, start, end)
        {
            let rest = &text[at..end];
            let is_here = at == mistake.at;
            let colon = || second_colon(rest).filter(|_| is_after_colon && !in_brackets);
            let Some(reason) = reason(rest, in_brackets, is_here).or_else(colon) else {
                continue;
            };
            let stop = match in_brackets {
                true => value_end(text, at, end),
                false => end_before_comment(text, at, end),
            };
            let value = &text[at..stop];
            if value.is_empty() || value.contains('\'') {
                continue;
            }
            let quote = if value.contains('\\') { '\'' } else { '"' };
            if value.contains(quote) {
                continue;
            }
            let quoted = format!("{quote}{value}{quote}");
            let span = Span {
                start: at,
                end: stop,
            };
            let finding = Finding::new(Code::YamlSyntax, edits.origin(span), reason)
                .help(format!("quote it: {quoted}"));
            let mending = Mending {
                start: at,
                end: stop,
                with: quoted,
            };
            return Some((finding, vec![mending]));
        }
    }
    None
}

/// Where a value (or a key) begins.
struct Start {
    at: usize,
    in_brackets: bool,
    is_after_colon: bool,
}

/// Where values begin on a line.
fn values(edits: &Edits, start: usize, end: usize) -> Vec<Start> {
    let text = edits.text();
    let mut found = Vec::new();
    let mut depth = usize::from(is_in_brackets(edits, start));
    let mut at = start;
    let mut begins = true;
    let mut is_after_colon = false;
    while at < end {
        let rest = &text[at..end];
        let Some(c) = rest.chars().next() else { break };
        if rest.starts_with('#') && begins {
            break;
        }
        match c {
            ' ' => {}
            '"' | '\'' if begins => {
                let close = rest[1..].find(c).map_or(rest.len(), |n| n + 2);
                at += close;
                begins = false;
                continue;
            }
            '-' if begins && rest.starts_with("- ") => {}
            _ if begins => {
                found.push(Start {
                    at,
                    in_brackets: depth > 0,
                    is_after_colon,
                });
                begins = false;
                is_after_colon = false;
                match c {
                    '{' | '[' => {
                        depth += 1;
                        begins = true;
                    }
                    _ => {}
                }
            }
            ':' if rest[1..].starts_with(' ') => {
                begins = true;
                is_after_colon = true;
            }
            ',' if depth > 0 => begins = true,
            '}' | ']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        at += c.len_utf8();
    }
    found
}

/// Why a value must be quoted, if it must.
fn reason(rest: &str, in_brackets: bool, is_here: bool) -> Option<&'static str> {
    let first = rest.chars().next()?;
    match first {
        '*' if is_here => Some("`*` at the beginning of a value is an alias in YAML"),
        '@' | '`' | '%' if is_here => Some("no value may begin with this character in YAML"),
        '{' | '[' => {
            let close = closing(rest)?;
            let after = rest[close + 1..].trim_start();
            let ends = in_brackets && after.starts_with([',', '}', ']']);
            let is_more = !after.is_empty() && !after.starts_with('#');
            (is_more && !ends).then_some(match first {
                '{' => "`{` at the beginning of a value begins a mapping in YAML",
                _ => "`[` at the beginning of a value begins a list in YAML",
            })
        }
        _ if in_brackets && word(rest).contains(['{', '[']) && !word(rest).contains(": ") => {
            Some("within brackets a `{` or `[` in a value begins a mapping or a list in YAML")
        }
        _ => None,
    }
}

/// `key: a: b`: the value holds a colon of its own.
fn second_colon(rest: &str) -> Option<&'static str> {
    let value = &rest[..end_before_comment(rest, 0, rest.len())];
    let has_colon = value.contains(": ") || value.ends_with(':');
    has_colon.then_some("`: ` in a value begins a mapping in YAML")
}

/// Up to what would end a value within brackets, braces of its own counted.
fn word(rest: &str) -> &str {
    &rest[..value_end(rest, 0, rest.len())]
}

/// The bracket that closes the first.
fn closing(rest: &str) -> Option<usize> {
    let mut depth = 0usize;
    for (at, c) in rest.char_indices() {
        match c {
            '{' | '[' => depth += 1,
            '}' | ']' => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(at);
                }
            }
            _ => {}
        }
    }
    None
}

/// Where a value within brackets ends: at a comma or a bracket that it did not open.
fn value_end(text: &str, from: usize, end: usize) -> usize {
    let mut depth = 0usize;
    for (at, c) in text[from..end].char_indices() {
        match c {
            '{' | '[' => depth += 1,
            '}' | ']' if depth == 0 => return from + text[from..from + at].trim_end().len(),
            '}' | ']' => depth -= 1,
            ',' if depth == 0 => return from + text[from..from + at].trim_end().len(),
            _ => {}
        }
    }
    from + text[from..end].trim_end().len()
}

pub(super) fn end_before_comment(text: &str, from: usize, end: usize) -> usize {
    let value = &text[from..end];
    let upto = value.find(" #").unwrap_or(value.len());
    from + value[..upto].trim_end().len()
}
