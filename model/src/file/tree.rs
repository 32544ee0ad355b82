//! YAML with places: text to a tree of values, each with the bytes it stands in.
//!
//! The only module that knows the YAML parser (its events become values in [`builder`]). Whatever the text, the work is bounded: depth, nodes
//! (aliases counted as what they stand for) and syntax errors have limits.

use super::repair::{self, Edits};
use crate::finding::{Code, Finding, Span};
use builder::Builder;

mod builder;
mod bytes;
mod whole;

/// Most syntax errors told of one file.
const ERRORS_MAX: usize = 20;

/// Longest text, in bytes: a topology of ten thousand edges is a tenth of it.
const TEXT_MAX: usize = 16 << 20;

/// A value and the bytes it stands in.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) span: Span,
    pub(crate) value: Value,
}

#[derive(Clone, Debug)]
pub(crate) enum Value {
    /// Nothing was written, or `null` or `~`.
    Null,
    Scalar(Scalar),
    List(Vec<Node>),
    Map(Map),
}

/// A word, number or text; what it means is decided by who reads it.
#[derive(Clone, Debug)]
pub(crate) struct Scalar {
    pub(crate) text: String,
    /// Quoted texts are never numbers of the file's making, nor nothing.
    pub(crate) is_quoted: bool,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Map {
    /// In the file's order; keys are unique, but for those told as duplicates.
    pub(crate) entries: Vec<(Key, Node)>,
    /// Whether a syntax error cut it off: what is missing may stand behind it.
    pub(crate) is_cut: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Key {
    pub(crate) text: String,
    pub(crate) span: Span,
}

impl Map {
    /// The value of a key.
    pub(crate) fn get(&self, key: &str) -> Option<&Node> {
        self.entries
            .iter()
            .find(|(k, _)| k.text == key)
            .map(|(_, node)| node)
    }
}

/// What came of a text.
pub(crate) struct Parsed {
    /// `None` for an empty text.
    pub(crate) root: Option<Node>,
    pub(crate) findings: Vec<Finding>,
    /// Whether a syntax error remained that hides the rest of the text.
    pub(crate) is_cut: bool,
}

/// Parses a text. Mistakes that are understood are told, mended and read past; at the first one that
/// is not, the rest of the text is left out.
pub(crate) fn parse(text: &str) -> Parsed {
    if text.len() > TEXT_MAX {
        let message = format!("the file is larger than {} MiB", TEXT_MAX >> 20);
        return Parsed {
            root: None,
            findings: vec![Finding::new(Code::YamlSyntax, Span::default(), message)],
            is_cut: true,
        };
    }
    let mut edits = Edits::new(text);
    let mut told = Vec::new();
    if let Some((finding, mending)) = repair::full_width(&edits) {
        told.push(finding);
        edits.apply(mending);
    }
    loop {
        let mut builder = Builder::new(&edits);
        let Err(mistake) = builder.run() else {
            return builder.finish(told, false);
        };
        let understood = repair::understand(&edits, &mistake);
        let Some((finding, mending)) = understood else {
            let at = edits.origin(Span {
                start: mistake.at,
                end: edits.line_end(mistake.at),
            });
            told.push(
                Finding::new(Code::YamlSyntax, at, repair::in_plain_words(&mistake.what))
                    .label(mistake.what.clone()),
            );
            return builder.finish(told, true);
        };
        told.push(finding);
        if told.len() >= ERRORS_MAX || !edits.change(&mending) {
            return builder.finish(told, true);
        }
        edits.apply(mending);
    }
}

/// Where and why the parser stopped, in the mended text.
pub(super) struct Mistake {
    pub(super) at: usize,
    pub(super) what: String,
}
