//! What `top` draws: a table of edges, and of the chosen one's partitions.

use std::cmp::Ordering;

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout};
use ratatui::style::{Modifier, Style};
use ratatui::text::Line;
use ratatui::widgets::{Block, Cell, Row, Table, TableState};
use serde_json::Value;

use crate::commands::status::table::{EDGE_HEADS, PARTITION_HEADS, edge_row, partition_rows};

/// Keys that edges are sorted by, with their columns in [`EDGE_HEADS`]; numbers with the largest first.
const SORTS: [(&str, usize); 5] = [
    ("name", 0),
    ("lag_records", 3),
    ("lag_seconds", 4),
    ("records_per_second", 5),
    ("records_total", 8),
];

/// Everything that is shown.
pub(super) struct View {
    server: String,
    pub(super) status: Value,
    pub(super) with_partitions: bool,
    /// Why the last look failed.
    pub(super) trouble: Option<String>,
    /// What was said to the last request.
    pub(super) said: String,
    sort: usize,
    table: TableState,
}

impl View {
    pub(super) fn new(server: &str) -> Self {
        Self {
            server: server.to_owned(),
            status: Value::Null,
            with_partitions: false,
            trouble: None,
            said: String::new(),
            sort: 0,
            table: TableState::default().with_selected(0),
        }
    }

    /// Moves the choice down, or up.
    pub(super) fn choose(&mut self, by: isize) {
        let last = self.edges().len().saturating_sub(1);
        let now = self.table.selected().unwrap_or(0);
        self.table
            .select(Some(now.saturating_add_signed(by).min(last)));
    }

    pub(super) fn sort_by_next(&mut self) {
        self.sort = (self.sort + 1) % SORTS.len();
    }

    /// The name of the chosen edge.
    pub(super) fn chosen(&self) -> Option<String> {
        let edges = self.edges();
        let edge = edges.get(self.table.selected()?)?;
        edge["name"].as_str().map(str::to_owned)
    }

    fn edges(&self) -> Vec<&Value> {
        let mut edges: Vec<_> = self.status["edges"]
            .as_array()
            .into_iter()
            .flatten()
            .collect();
        let (key, _) = SORTS[self.sort];
        edges.sort_by(|a, b| match (a[key].as_f64(), b[key].as_f64()) {
            (Some(a), Some(b)) => b.partial_cmp(&a).unwrap_or(Ordering::Equal),
            _ => a[key].as_str().cmp(&b[key].as_str()),
        });
        edges
    }

    pub(super) fn draw(&mut self, frame: &mut Frame<'_>) {
        let edges: Vec<Value> = self.edges().into_iter().cloned().collect();
        let chosen = self.table.selected().and_then(|at| edges.get(at));
        let rest = if self.with_partitions { 50 } else { 0 };
        let [head, list, below, foot] = Layout::vertical([
            Constraint::Length(1),
            Constraint::Percentage(100 - rest),
            Constraint::Percentage(rest),
            Constraint::Length(2),
        ])
        .areas(frame.area());
        let instance = self.status["instance"].as_str().unwrap_or("?");
        let title = format!(
            "crossdock {instance} at {}: {} edges",
            self.server,
            edges.len()
        );
        frame.render_widget(Line::from(title).style(Modifier::BOLD), head);
        let why = chosen.map(why).unwrap_or_default();
        let rows = edges.iter().map(edge_row);
        let table = table(&EDGE_HEADS, Some(SORTS[self.sort].1), rows);
        frame.render_stateful_widget(table, list, &mut self.table);
        if let Some(edge) = chosen.filter(|_| self.with_partitions) {
            let rows = partition_rows(edge).into_iter();
            let name = edge["name"].as_str().unwrap_or_default();
            let block = Block::bordered().title(format!("partitions of {name}"));
            frame.render_widget(table_of(&PARTITION_HEADS, rows).block(block), below);
        }
        let first = self.trouble.clone().unwrap_or(why);
        let keys = "q quit  ↑↓ choose  Enter partitions  s sort  p pause  r resume";
        let said = self.said.trim();
        let last = format!("{keys}   {said}");
        frame.render_widget(Line::from(first), foot);
        let [_, bottom] = Layout::vertical([Constraint::Length(1); 2]).areas(foot);
        frame.render_widget(Line::from(last).style(Modifier::DIM), bottom);
    }
}

/// Why an edge is as it is.
fn why(edge: &Value) -> String {
    let concerns = edge["concerns"].as_array().into_iter().flatten();
    let all = edge["reason"]
        .as_str()
        .into_iter()
        .chain(concerns.filter_map(Value::as_str));
    all.collect::<Vec<_>>().join("; ")
}

fn table_of<'a>(heads: &[&'a str], rows: impl Iterator<Item = Vec<String>>) -> Table<'a> {
    table(heads, None, rows)
}

/// The column that is sorted by is marked; the chosen row is reversed, which needs no colour.
fn table<'a>(
    heads: &[&'a str],
    sorted: Option<usize>,
    rows: impl Iterator<Item = Vec<String>>,
) -> Table<'a> {
    let rows: Vec<Vec<String>> = rows.collect();
    let marked = heads.iter().enumerate().map(|(column, head)| match sorted {
        Some(by) if by == column => format!("{head}▾"),
        _ => (*head).to_owned(),
    });
    let marked: Vec<String> = marked.collect();
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells
            .chain([marked[column].chars().count()])
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<_> = (0..heads.len())
        .map(|column| Constraint::Length(u16::try_from(width(column)).unwrap_or(u16::MAX)))
        .collect();
    let head = Row::new(marked.into_iter().map(Cell::from)).style(Modifier::UNDERLINED);
    let body = rows.into_iter().map(|row| {
        let is_alarm = row.get(2).is_some_and(|health| health == "alarm");
        let weight = if is_alarm {
            Modifier::BOLD
        } else {
            Modifier::empty()
        };
        Row::new(row.into_iter().map(Cell::from)).style(Style::new().add_modifier(weight))
    });
    Table::new(body, widths)
        .header(head)
        .column_spacing(2)
        .row_highlight_style(Modifier::REVERSED)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::status::table::tests::status;
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;

    fn drawn(view: &mut View) -> String {
        let mut terminal = Terminal::new(TestBackend::new(90, 14)).unwrap();
        terminal.draw(|frame| view.draw(frame)).unwrap();
        terminal.backend().to_string()
    }

    #[test]
    fn edges_are_listed_sorted_chosen_and_opened() {
        let mut view = View::new("http://10.0.0.5:8642");
        view.status = status();
        let screen = drawn(&mut view);
        assert!(
            screen.contains("crossdock sh-1 at http://10.0.0.5:8642: 2 edges"),
            "{screen}"
        );
        assert!(
            screen.contains("EDGE▾") && screen.contains("5012"),
            "{screen}"
        );
        assert!(!screen.contains("orders-0"));
        view.sort_by_next();
        assert_eq!(
            view.chosen().as_deref(),
            Some("sh-to-bj"),
            "the largest lag first"
        );
        let screen = drawn(&mut view);
        assert!(
            screen.contains("LAG▾") && screen.contains("no answer for 70 s"),
            "{screen}"
        );
        view.choose(1);
        view.choose(1);
        view.with_partitions = true;
        let screen = drawn(&mut view);
        assert!(
            screen.contains("partitions of bj-to-sh") && screen.contains("orders-0"),
            "{screen}"
        );
        view.choose(-5);
        assert_eq!(view.chosen().as_deref(), Some("sh-to-bj"));
    }

    #[test]
    fn without_edges_there_is_nothing_to_choose() {
        let mut view = View::new("nowhere");
        view.trouble = Some("cannot ask nowhere".to_owned());
        assert!(drawn(&mut view).contains("cannot ask nowhere"));
        view.choose(1);
        assert_eq!(view.chosen(), None);
    }
}
