//! Common mistakes of YAML: told in plain words with what to write instead, and mended in memory, so
//! that the rest of the file is checked as well.

use super::tree::Mistake;
use crate::finding::{Code, Finding, Span};

/// Longest line, in bytes, that is searched for a mistake.
const LINE_MAX: usize = 2_000;

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
    indented_by_tab(edits, mistake)
        .or_else(|| unclosed_quote(edits, mistake))
        .or_else(|| escape_in_double_quotes(edits, mistake))
        .or_else(|| unquoted_value(edits, mistake))
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

fn indented_by_tab(edits: &Edits, mistake: &Mistake) -> Option<(Finding, Vec<Mending>)> {
    let upto = edits.line_end(mistake.at);
    let lines = tab_lines(edits.text());
    let is_cause = |start: usize| start <= upto || mistake.what.contains("tab");
    let (start, end, _) = lines.first().filter(|(start, ..)| is_cause(*start))?;
    let at = edits.origin(Span {
        start: *start,
        end: *end,
    });
    let more = match lines.len() - 1 {
        0 => String::new(),
        1 => ", and so is one more line".to_owned(),
        n => format!(", and so are {n} more lines"),
    };
    let finding = Finding::new(
        Code::YamlSyntax,
        at,
        format!("a tab indents this line{more}: YAML is indented by spaces"),
    )
    .label("tab")
    .help("replace each tab by two spaces");
    let mending = |(start, end, with): (usize, usize, String)| Mending { start, end, with };
    Some((finding, lines.into_iter().map(mending).collect()))
}

/// Lines that tabs indent: the place of the indentation, and what it was meant to be.
fn tab_lines(text: &str) -> Vec<(usize, usize, String)> {
    let mut at = 0;
    let mut lines = Vec::new();
    // Where the content of the line before begins, and how deep each number of tabs is.
    let mut before = 0;
    let mut depths: Vec<usize> = vec![0];
    for line in text.split_inclusive('\n') {
        let content = line.trim_start_matches([' ', '\t']);
        let indent = &line[..line.len() - content.len()];
        if !content.trim().is_empty() && !content.starts_with('#') {
            let tabs = indent.matches('\t').count();
            let mut column = indent.len();
            if tabs > 0 {
                depths.truncate(tabs + 1);
                while depths.len() <= tabs {
                    depths.push(before);
                }
                // Spaces behind the tabs go on from there: `- ` and what is aligned with it.
                let spaces = indent.len() - indent.rfind('\t').map_or(0, |tab| tab + 1);
                column = depths[tabs] + spaces;
                lines.push((at, at + indent.len(), " ".repeat(column)));
            }
            let item = content
                .strip_prefix("- ")
                .map_or(0, |rest| content.len() - rest.trim_start().len());
            let opens = content.trim_end().ends_with(':');
            before = column + item + if opens { 2 } else { 0 };
        }
        at += line.len();
    }
    lines
}

fn unclosed_quote(edits: &Edits, mistake: &Mistake) -> Option<(Finding, Vec<Mending>)> {
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

fn escape_in_double_quotes(edits: &Edits, mistake: &Mistake) -> Option<(Finding, Vec<Mending>)> {
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
fn unquoted_value(edits: &Edits, mistake: &Mistake) -> Option<(Finding, Vec<Mending>)> {
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

fn end_before_comment(text: &str, from: usize, end: usize) -> usize {
    let value = &text[from..end];
    let upto = value.find(" #").unwrap_or(value.len());
    from + value[..upto].trim_end().len()
}

/// Whether a place stands within brackets that opened on an earlier line or before it on its own.
fn is_in_brackets(edits: &Edits, at: usize) -> bool {
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
    let mut depth = 0i32;
    for c in text[start..at].chars() {
        match c {
            '{' | '[' => depth += 1,
            '}' | ']' => depth -= 1,
            _ => {}
        }
    }
    depth > 0
}
