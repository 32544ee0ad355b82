//! Punctuation of a Chinese keyboard, and spaces that are none: YAML takes them for letters.

use super::{Edits, Mending};
use crate::finding::{Code, Finding, Span};

/// What is meant by a character, with its name.
fn meant(c: char) -> Option<(&'static str, &'static str)> {
    Some(match c {
        '：' => (":", "full-width"),
        '，' => (",", "full-width"),
        '｛' => ("{", "full-width"),
        '｝' => ("}", "full-width"),
        '［' => ("[", "full-width"),
        '］' => ("]", "full-width"),
        '“' | '”' => ("\"", "typographic"),
        '‘' | '’' => ("'", "typographic"),
        '\u{3000}' | '\u{a0}' => (" ", "wide or non-breaking"),
        _ => return None,
    })
}

/// Every such character outside of quotes and comments, told once and mended. No name, key or regex of
/// a topology holds one.
pub(in crate::file) fn full_width(edits: &Edits) -> Option<(Finding, Vec<Mending>)> {
    if edits.text().is_ascii() {
        return None;
    }
    let found = places(edits.text());
    let (first, c) = *found.first()?;
    let (plain, kind) = meant(c)?;
    let place = Span {
        start: first,
        end: first + c.len_utf8(),
    };
    let what = match plain {
        " " => format!("a {kind} space, which YAML takes for a letter"),
        _ => format!("`{c}` is {kind}: YAML takes it for a letter"),
    };
    let more = match found.len() - 1 {
        0 => String::new(),
        1 => "; one more such character follows".to_owned(),
        n => format!("; {n} more such characters follow"),
    };
    let help = match plain {
        ":" => "write `:` and a space",
        " " => "write a plain space",
        _ => "write the plain ASCII character",
    };
    let finding = Finding::new(Code::YamlSyntax, edits.origin(place), what + &more).help(help);
    let mending = |(at, c): &(usize, char)| {
        let (plain, _) = meant(*c)?;
        let end = at + c.len_utf8();
        let needs_blank = matches!(plain, ":" | ",") && !edits.text()[end..].starts_with(' ');
        Some(Mending {
            start: *at,
            end,
            with: format!("{plain}{}", if needs_blank { " " } else { "" }),
        })
    };
    Some((finding, found.iter().filter_map(mending).collect()))
}

fn places(text: &str) -> Vec<(usize, char)> {
    let mut found = Vec::new();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let mut quote = None;
        let mut before = ' ';
        for (at, c) in line.char_indices() {
            match (quote, c) {
                (None, '#') if before.is_whitespace() => break,
                (Some(q), c) if q == c => quote = None,
                (Some(_), _) => {}
                (None, '"' | '\'') => quote = Some(c),
                (None, c) if meant(c).is_some() => found.push((start + at, c)),
                _ => {}
            }
            before = c;
        }
        start += line.len();
    }
    found
}
