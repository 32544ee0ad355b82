//! A table of `top`: one row is chosen, one column sorts.

use std::cmp::Ordering;

use ratatui::widgets::TableState;
use serde_json::Value;

/// A key that rows are sorted by, with its column; rows stay as they come where it is empty.
pub(super) type Sort = (&'static str, usize);

/// What is chosen in a table, and how it is sorted.
pub(super) struct Pane {
    sorts: &'static [Sort],
    sort: usize,
    pub(super) table: TableState,
}

impl Pane {
    pub(super) fn new(sorts: &'static [Sort]) -> Self {
        Self {
            sorts,
            sort: 0,
            table: TableState::default().with_selected(0),
        }
    }

    /// Moves the choice down, or up, among so many rows.
    pub(super) fn choose(&mut self, by: isize, rows: usize) {
        let now = self.table.selected().unwrap_or(0);
        let last = rows.saturating_sub(1);
        self.table
            .select(Some(now.saturating_add_signed(by).min(last)));
    }

    /// Chooses the first row again.
    pub(super) fn rewind(&mut self) {
        self.table.select(Some(0));
    }

    pub(super) fn sort_by_next(&mut self) {
        self.sort = (self.sort + 1) % self.sorts.len();
    }

    /// The column that is sorted by.
    pub(super) fn column(&self) -> usize {
        self.sorts[self.sort].1
    }

    /// The rows in order: numbers with the largest first, words by the alphabet.
    pub(super) fn sorted<'a>(&self, rows: &'a Value) -> Vec<&'a Value> {
        let mut rows: Vec<_> = rows.as_array().into_iter().flatten().collect();
        let (key, _) = self.sorts[self.sort];
        if !key.is_empty() {
            rows.sort_by(|a, b| match (a[key].as_f64(), b[key].as_f64()) {
                (Some(a), Some(b)) => b.partial_cmp(&a).unwrap_or(Ordering::Equal),
                _ => a[key].as_str().cmp(&b[key].as_str()),
            });
        }
        rows
    }
}
