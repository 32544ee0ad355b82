//! Places of the parser as bytes.

use saphyr_parser::Marker;

/// Places of the parser, which are counted in characters, as bytes.
pub(super) struct Bytes {
    /// `None` where every character is one byte.
    starts: Option<Vec<usize>>,
    len: usize,
}

impl Bytes {
    pub(super) fn new(text: &str) -> Self {
        let starts = || text.char_indices().map(|(at, _)| at).collect();
        Self {
            starts: (!text.is_ascii()).then(starts),
            len: text.len(),
        }
    }

    pub(super) fn at(&self, mark: &Marker) -> usize {
        let index = mark.index();
        let byte = self
            .starts
            .as_ref()
            .map_or(Some(index), |starts| starts.get(index).copied());
        byte.unwrap_or(self.len).min(self.len)
    }
}
