//! What `top` draws: a table of edges, and of the chosen one's partitions.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout};
use ratatui::style::{Modifier, Style};
use ratatui::text::Line;
use ratatui::widgets::{Block, Cell, Row, Table};
use serde_json::Value;

use super::pane::{Pane, Sort};
use crate::commands::status::table::{EDGE_HEADS, PARTITION_HEADS, edge_row, partition_row};

/// With their columns in [`EDGE_HEADS`].
const EDGE_SORTS: &[Sort] = &[
    ("name", 0),
    ("lag_records", 3),
    ("lag_seconds", 4),
    ("records_per_second", 5),
    ("records_total", 8),
];

/// With their columns in [`PARTITION_HEADS`]. They come in the order of their names.
const PARTITION_SORTS: &[Sort] = &[
    ("", 1),
    ("lag_records", 5),
    ("lag_seconds", 6),
    ("state", 3),
];

/// Everything that is shown.
pub(super) struct View {
    server: String,
    pub(super) status: Value,
    /// Why the last look failed.
    pub(super) trouble: Option<String>,
    /// What was said to the last request.
    pub(super) said: String,
    edges: Pane,
    /// Of the chosen edge, where they are shown: keys are for them then.
    partitions: Option<Pane>,
}

impl View {
    pub(super) fn new(server: &str) -> Self {
        Self {
            server: server.to_owned(),
            status: Value::Null,
            trouble: None,
            said: String::new(),
            edges: Pane::new(EDGE_SORTS),
            partitions: None,
        }
    }

    /// Moves the choice down, or up.
    pub(super) fn choose(&mut self, by: isize) {
        let partitions = self.edge().map_or(0, |edge| rows(&edge["partitions"]));
        let edges = rows(&self.status["edges"]);
        match &mut self.partitions {
            Some(pane) => pane.choose(by, partitions),
            None => self.edges.choose(by, edges),
        }
    }

    pub(super) fn sort_by_next(&mut self) {
        let pane = self.partitions.as_mut().unwrap_or(&mut self.edges);
        pane.sort_by_next();
        pane.rewind();
    }

    /// Shows the partitions of the chosen edge, or does so no more.
    pub(super) fn open_or_close(&mut self) {
        self.partitions = match self.partitions {
            Some(_) => None,
            None => Some(Pane::new(PARTITION_SORTS)),
        };
    }

    /// Leaves the partitions; `false` where there is nothing to leave.
    pub(super) fn back(&mut self) -> bool {
        self.partitions.take().is_some()
    }

    /// The name of the chosen edge.
    pub(super) fn chosen(&self) -> Option<String> {
        self.edge()?["name"].as_str().map(str::to_owned)
    }

    fn edge(&self) -> Option<&Value> {
        let edges = self.edges.sorted(&self.status["edges"]);
        edges.get(self.edges.table.selected()?).copied()
    }

    pub(super) fn draw(&mut self, frame: &mut Frame<'_>) {
        let edge = self.edge().cloned();
        let rest = if self.partitions.is_some() { 50 } else { 0 };
        let [head, list, below, foot] = Layout::vertical([
            Constraint::Length(1),
            Constraint::Percentage(100 - rest),
            Constraint::Percentage(rest),
            Constraint::Length(2),
        ])
        .areas(frame.area());
        let edges = self.edges.sorted(&self.status["edges"]);
        let instance = self.status["instance"].as_str().unwrap_or("?");
        let title = format!(
            "crossdock {instance} at {}: {} edges",
            self.server,
            edges.len()
        );
        frame.render_widget(Line::from(title).style(Modifier::BOLD), head);
        let all = edges.into_iter().map(edge_row).collect();
        let table = table(&EDGE_HEADS, self.edges.column(), all);
        frame.render_stateful_widget(table, list, &mut self.edges.table);
        let mut why = edge.as_ref().map(why).unwrap_or_default();
        if let (Some(edge), Some(pane)) = (&edge, &mut self.partitions) {
            let partitions = pane.sorted(&edge["partitions"]);
            let at = pane.table.selected().unwrap_or(0);
            if let Some(reason) = partitions.get(at).and_then(|p| p["reason"].as_str()) {
                why = reason.to_owned();
            }
            let name = edge["name"].as_str().unwrap_or_default();
            let block = Block::bordered().title(format!(
                "partitions of {name}: {} of {}",
                (at + 1).min(partitions.len()),
                partitions.len()
            ));
            let all = partitions.into_iter().map(|p| partition_row(edge, p));
            let table = self::table(&PARTITION_HEADS, pane.column(), all.collect());
            frame.render_stateful_widget(table.block(block), below, &mut pane.table);
        }
        let first = self.trouble.clone().unwrap_or(why);
        let keys = "q quit  ↑↓ choose  Enter partitions  s sort  p pause  r resume";
        let last = format!("{keys}   {}", self.said.trim());
        let [top, bottom] = Layout::vertical([Constraint::Length(1); 2]).areas(foot);
        frame.render_widget(Line::from(first), top);
        frame.render_widget(Line::from(last).style(Modifier::DIM), bottom);
    }
}

fn rows(list: &Value) -> usize {
    list.as_array().map_or(0, Vec::len)
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

/// The column that is sorted by is marked; the chosen row is reversed, which needs no colour.
fn table<'a>(heads: &[&'a str], sorted: usize, rows: Vec<Vec<String>>) -> Table<'a> {
    let mark = |(column, head): (usize, &&str)| match column == sorted {
        true => format!("{head}▾"),
        false => (*head).to_owned(),
    };
    let marked = heads.iter().enumerate().map(mark);
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
        view.open_or_close();
        let screen = drawn(&mut view);
        assert!(
            screen.contains("partitions of bj-to-sh: 1 of 1") && screen.contains("orders-0"),
            "{screen}"
        );
        assert!(view.back() && !view.back());
        view.choose(-5);
        assert_eq!(view.chosen().as_deref(), Some("sh-to-bj"));
    }

    #[test]
    fn partitions_are_scrolled_and_sorted() {
        let partition = |n: u64| {
            serde_json::json!({ "topic": "orders", "partition": n, "target_topic": "orders",
                "state": "running", "position": n, "lag_records": (n * 7) % 40, "lag_seconds": 0.0,
                "reason": format!("the reason of {n}") })
        };
        let mut view = View::new("here");
        view.status = status();
        view.status["edges"][0]["partitions"] = (0..40).map(partition).collect();
        view.open_or_close();
        assert!(!drawn(&mut view).contains("orders-39"));
        view.choose(100);
        let screen = drawn(&mut view);
        assert!(
            screen.contains("orders-39") && screen.contains("40 of 40"),
            "{screen}"
        );
        assert!(screen.contains("the reason of 39"), "{screen}");
        view.sort_by_next();
        let screen = drawn(&mut view);
        // 7 × 17 = 119, which leaves 39: the largest.
        assert!(
            screen.contains("the reason of 17") && screen.contains("1 of 40"),
            "{screen}"
        );
        assert_eq!(view.chosen().as_deref(), Some("bj-to-sh"));
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
