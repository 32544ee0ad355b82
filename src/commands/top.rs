//! `crossdock top`: a running one, refreshed.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEventKind, KeyModifiers};

use crate::client::Client;
use crate::commands::SERVER;
use crate::exit::{Failure, Outcome, Verdict};

mod pane;
mod view;

use view::View;

/// Rows that a page up or down goes.
const PAGE: isize = 10;

/// Between two looks.
const REFRESH: Duration = Duration::from_secs(1);

/// Shows the edges of a running crossdock, refreshed
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Keys: up and down choose, Enter shows the chosen edge's partitions and then chooses among them,
Esc goes back, s sorts by the next column, p pauses and r resumes the chosen edge, q quits.

Example:
  crossdock top --server http://10.0.0.5:8642")]
pub struct Args {
    /// Where the running one listens
    #[arg(long, value_name = "URL", default_value = SERVER)]
    pub server: String,
}

/// Runs the command.
pub fn main(args: Args) -> Outcome {
    if !std::io::stdout().is_terminal() {
        return Err(Failure::cannot_start(anyhow!(
            "top needs a terminal; `crossdock status` prints once"
        )));
    }
    let client = Client::new(&args.server);
    let mut view = View::new(&args.server);
    view.status = client.status().map_err(Failure::CannotStart)?;
    let mut terminal = ratatui::try_init()
        .context("cannot use the terminal")
        .map_err(Failure::CannotStart)?;
    let shown = show(&mut terminal, &client, &mut view);
    ratatui::restore();
    shown.map_err(Failure::CannotStart)?;
    Ok(Verdict::Fine)
}

fn show(
    terminal: &mut ratatui::DefaultTerminal,
    client: &Client,
    view: &mut View,
) -> anyhow::Result<()> {
    let mut asked = Instant::now();
    loop {
        terminal.draw(|frame| view.draw(frame))?;
        if event::poll(REFRESH.saturating_sub(asked.elapsed()))?
            && let Event::Key(key) = event::read()?
            && key.kind == KeyEventKind::Press
        {
            let is_interrupt = key.modifiers.contains(KeyModifiers::CONTROL);
            match key.code {
                KeyCode::Char('q') => return Ok(()),
                KeyCode::Esc if !view.back() => return Ok(()),
                KeyCode::Char('c') if is_interrupt => return Ok(()),
                KeyCode::Down | KeyCode::Char('j') => view.choose(1),
                KeyCode::Up | KeyCode::Char('k') => view.choose(-1),
                KeyCode::PageDown => view.choose(PAGE),
                KeyCode::PageUp => view.choose(-PAGE),
                KeyCode::Enter => view.open_or_close(),
                KeyCode::Char('s') => view.sort_by_next(),
                KeyCode::Char('p') => ask(client, view, "pause"),
                KeyCode::Char('r') => ask(client, view, "resume"),
                _ => {}
            }
        }
        if asked.elapsed() >= REFRESH {
            asked = Instant::now();
            match client.status() {
                Ok(status) => {
                    view.status = status;
                    view.trouble = None;
                }
                Err(error) => view.trouble = Some(format!("{error:#}")),
            }
        }
    }
}

/// Asks for the chosen edge to be paused or resumed; what is said stands until the next look.
fn ask(client: &Client, view: &mut View, verb: &str) {
    if let Some(edge) = view.chosen() {
        let said = client.post(&format!("/api/v1/edges/{edge}/{verb}"));
        view.said = said.unwrap_or_else(|error| format!("{error:#}"));
    }
}
