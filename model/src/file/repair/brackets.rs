//! Brackets that are not closed, and commas that are missing within them.

use super::quotes::end_before_comment;
use super::{Edits, Mending, Mistake, open_brackets};
use crate::finding::{Code, Finding, Span};

/// What a bracket that is open, or what stands in it, lacks.
pub(super) fn unclosed(edits: &Edits, mistake: &Mistake) -> Option<(Finding, Vec<Mending>)> {
    let is_cause = ["',' or '}'", "',' or ']'"];
    if !is_cause.iter().any(|words| mistake.what.contains(words)) {
        return None;
    }
    let text = edits.text();
    let line = edits.line_start(mistake.at);
    // A line that begins the next entry stands in no bracket of the one before.
    let is_entry = text[line..].trim_start().starts_with("- ");
    let seen = if is_entry {
        line.saturating_sub(1)
    } else {
        mistake.at
    };
    let open = open_brackets(edits, seen).pop();
    let (bracket, opened) = open.or_else(|| open_brackets(edits, mistake.at).pop())?;
    let closer = if bracket == '{' { "}" } else { "]" };
    let close = |at: usize| {
        let place = Span {
            start: opened,
            end: opened + 1,
        };
        let message = format!("`{bracket}` is never closed");
        let finding = Finding::new(Code::YamlSyntax, edits.origin(place), message)
            .label("begins here")
            .help(format!("close it with `{closer}`"));
        Some((finding, vec![put(at, closer)]))
    };
    if line <= opened {
        return match text[mistake.at..].chars().next() {
            Some('}' | ']') => close(end_of_text(text, opened, mistake.at)),
            Some(':') => comma(edits, opened, word_before(text, mistake.at)),
            _ => None,
        };
    }
    let before = edits.line_before(line).unwrap_or(opened);
    let content = text[line..].trim_start_matches(' ');
    let is_next = content.starts_with("- ")
        || content.trim().is_empty()
        || text.len() - content.len() - line <= indent(text, edits.line_start(opened));
    let end = end_before_comment(text, before.max(opened), edits.line_end(before));
    match is_next {
        true => close(end),
        false => comma(edits, opened, text.len() - content.len()),
    }
}

/// A comma that belongs before the word that begins here.
fn comma(edits: &Edits, opened: usize, word: usize) -> Option<(Finding, Vec<Mending>)> {
    let text = edits.text();
    let end = end_of_text(text, opened, word);
    let length = text[word..].find([':', ' ', '\n'])?;
    let (before, name) = (text[opened + 1..end].trim_end(), &text[word..word + length]);
    if before.is_empty() || before.ends_with(',') || length == 0 {
        return None;
    }
    let place = Span {
        start: word,
        end: word + length,
    };
    let message = format!("a `,` is missing before `{name}`");
    let finding = Finding::new(Code::YamlSyntax, edits.origin(place), message)
        .help("within brackets, keys and values are separated by `, `");
    Some((finding, vec![put(end, ",")]))
}

fn put(at: usize, with: &str) -> Mending {
    Mending {
        start: at,
        end: at,
        with: with.to_owned(),
    }
}

/// Where what stands before a place ends, blanks left out.
fn end_of_text(text: &str, from: usize, at: usize) -> usize {
    from + text[from..at].trim_end().len()
}

fn word_before(text: &str, at: usize) -> usize {
    text[..at]
        .rfind([' ', ',', '{', '[', '\n'])
        .map_or(at, |n| n + 1)
}

fn indent(text: &str, start: usize) -> usize {
    text[start..].len() - text[start..].trim_start_matches(' ').len()
}
