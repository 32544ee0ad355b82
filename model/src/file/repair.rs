//! Common mistakes of YAML: told in plain words with what to write instead, and mended in memory, so
//! that the rest of the file is checked as well.

use super::tree::Mistake;
use crate::finding::{Finding, Span};

mod brackets;
mod colons;
mod indents;
mod quotes;
mod tabs;
mod wide;

pub(super) use wide::full_width;

/// A text with its mendings, and the way back from its places to those of the file.
pub(super) struct Edits {
    text: String,
    /// Mendings in order: start in the mended text, bytes put in, start and bytes taken out in the file.
    made: Vec<Mending>,
    length: usize,
}

/// Some bytes of the mended text replaced.
#[derive(Clone, Debug)]
pub(super) struct Mending {
    start: usize,
    end: usize,
    with: String,
}

impl Edits {
    pub(super) fn new(text: &str) -> Self {
        Self {
            text: text.to_owned(),
            made: Vec::new(),
            length: text.len(),
        }
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn line_start(&self, at: usize) -> usize {
        self.text[..at].rfind('\n').map_or(0, |n| n + 1)
    }

    /// The line before the one that begins here which holds more than blanks and a comment.
    fn line_before(&self, start: usize) -> Option<usize> {
        let mut start = start;
        while start > 0 {
            start = self.line_start(start - 1);
            let line = self.text[start..self.line_end(start)].trim_start();
            if !line.is_empty() && !line.starts_with('#') {
                return Some(start);
            }
        }
        None
    }

    pub(super) fn line_end(&self, at: usize) -> usize {
        let end = self.text[at..]
            .find('\n')
            .map_or(self.text.len(), |n| at + n);
        at + self.text[at..end].trim_end().len()
    }

    /// Whether mendings make the text another one.
    pub(super) fn change(&self, mendings: &[Mending]) -> bool {
        let is_other = |m: &Mending| self.text[m.start..m.end] != m.with;
        mendings.iter().any(is_other)
    }

    /// Makes mendings that do not overlap, in order.
    pub(super) fn apply(&mut self, mendings: Vec<Mending>) {
        for mending in mendings.into_iter().rev() {
            self.text
                .replace_range(mending.start..mending.end, &mending.with);
            self.made.push(mending);
        }
    }

    /// The place in the file that a place in the mended text came from.
    pub(super) fn origin(&self, span: Span) -> Span {
        let start = self.origin_of(span.start);
        Span {
            start,
            end: self.origin_of(span.end).max(start),
        }
    }

    fn origin_of(&self, mut at: usize) -> usize {
        for mending in self.made.iter().rev() {
            let put_in = mending.start + mending.with.len();
            if at >= put_in {
                at = at - mending.with.len() + (mending.end - mending.start);
            } else if at > mending.start {
                // Inside: the quote that was put in first moves everything by one.
                let inside = (at - mending.start).saturating_sub(1);
                at = (mending.start + inside).min(mending.end);
            }
        }
        at.min(self.length)
    }
}

/// What kind of mistake it is, with what makes it readable.
pub(super) fn understand(edits: &Edits, mistake: &Mistake) -> Option<(Finding, Vec<Mending>)> {
    tabs::indented(edits, mistake)
        .or_else(|| quotes::unclosed(edits, mistake))
        .or_else(|| quotes::escape_in_double(edits, mistake))
        .or_else(|| colons::missing(edits, mistake))
        .or_else(|| quotes::needed(edits, mistake))
        .or_else(|| brackets::unclosed(edits, mistake))
        .or_else(|| indents::other_than_beside(edits, mistake))
}

/// The parser's words for those who do not know its grammar.
pub(super) fn in_plain_words(what: &str) -> String {
    let plain = match what {
        w if w.contains("expected key") => {
            "this does not fit: the line is indented differently from those beside it, or the \
             value before it has ended already"
        }
        w if w.contains("mapping values are not allowed") => {
            "a `:` is not allowed here: the line before lacks its `:`, or is indented differently"
        }
        w if w.contains("simple key expect ':'") => "a key without `:`",
        w if w.contains("expected ',' or '}'") => "a `,` or `}` is missing here",
        w if w.contains("expected ',' or ']'") => "a `,` or `]` is missing here",
        w if w.contains("illegal placement of ':'") => {
            "a `:` is not allowed here: the bracket before it is not closed"
        }
        w if w.contains("unprintable") => "a character that no text holds, such as NUL",
        w if w.contains("recursion limit") => "nested too deeply",
        other => other,
    };
    plain.to_owned()
}

/// Whether a place stands within brackets that opened on an earlier line or before it on its own.
fn is_in_brackets(edits: &Edits, at: usize) -> bool {
    !open_brackets(edits, at).is_empty()
}

/// The brackets that are open at a place, each with where it stands.
fn open_brackets(edits: &Edits, at: usize) -> Vec<(char, usize)> {
    let text = edits.text();
    // Entries of a block stand at the least indented line before; brackets rarely span many lines.
    let mut start = edits.line_start(at);
    for _ in 0..20 {
        let line = text[start..].trim_start();
        if line.starts_with("- ") || start == 0 {
            break;
        }
        start = edits.line_start(start - 1);
    }
    let mut open: Vec<(char, usize)> = Vec::new();
    let mut quote = None;
    let mut before = ' ';
    for (offset, c) in text[start..at].char_indices() {
        match (quote, c) {
            (Some(q), c) if q == c => quote = None,
            (Some(_), '\n') | (None, '\n') => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') if matches!(before, ' ' | '[' | '{' | ',') => quote = Some(c),
            (None, '{' | '[') => open.push((c, start + offset)),
            (None, '}' | ']') => drop(open.pop()),
            _ => {}
        }
        before = c;
    }
    open
}
