//! Keys without their colon, or without the blank behind it.

use super::quotes::end_before_comment;
use super::{Edits, Mending, Mistake};
use crate::finding::{Code, Finding, Span};

/// The parser stops at the line behind: a key without colon is plain text, and may go on there.
pub(super) fn missing(edits: &Edits, mistake: &Mistake) -> Option<(Finding, Vec<Mending>)> {
    let is_cause = ["mapping values are not allowed", "simple key expect ':'"];
    if !is_cause.iter().any(|words| mistake.what.contains(words)) {
        return None;
    }
    let start = edits.line_before(edits.line_start(mistake.at))?;
    let key = bare_key(edits.text(), start, edits.line_end(start))?;
    let (word, value) = (
        &edits.text()[key.start..key.end],
        edits.text()[key.end..key.stop].trim_start_matches([':', ' ']),
    );
    let message = match key.has_colon {
        true => format!("a space is missing behind `{word}:`"),
        false => format!("`{word}` is a key without its `:`"),
    };
    let at = Span {
        start: key.start,
        end: key.end,
    };
    let write = format!("write `{word}: {value}`");
    let finding =
        Finding::new(Code::YamlSyntax, edits.origin(at), message).help(write.replace(": `", ":`"));
    let put = match key.has_colon {
        true => (key.end + 1, " "),
        false => (key.end, ":"),
    };
    let mending = Mending {
        start: put.0,
        end: put.0,
        with: put.1.to_owned(),
    };
    Some((finding, vec![mending]))
}

/// A word at the beginning of a line without `: ` in it.
struct BareKey {
    start: usize,
    end: usize,
    /// Where the content of the line ends.
    stop: usize,
    has_colon: bool,
}

fn bare_key(text: &str, start: usize, end: usize) -> Option<BareKey> {
    let mut at = start;
    while let Some(rest) = text[at..end].strip_prefix([' ', '-']) {
        at = end - rest.len();
    }
    let stop = end_before_comment(text, at, end);
    let content = &text[at..stop];
    if content.contains(": ") || content.ends_with(':') {
        return None;
    }
    let is_key = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let length = content.find(|c| !is_key(c)).unwrap_or(content.len());
    let next = content[length..].chars().next();
    let is_word = content.starts_with(|c: char| c.is_ascii_alphanumeric());
    (is_word && matches!(next, None | Some(' ' | ':'))).then_some(BareKey {
        start: at,
        end: at + length,
        stop,
        has_colon: next == Some(':'),
    })
}
