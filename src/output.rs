//! Data goes to stdout, everything else to stderr, each through one function.

use std::io::{ErrorKind, IsTerminal, Write};

use crate::exit::Failure;

/// Writes data to stdout. A reader that has gone away (`| head`) is no failure.
///
/// # Errors
/// Where stdout cannot be written, as on a full disk.
pub fn data(text: &str) -> Result<(), Failure> {
    let mut stdout = std::io::stdout().lock();
    match stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush())
    {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(Failure::CannotStart(
            anyhow::Error::new(error).context("cannot write to stdout"),
        )),
        _ => Ok(()),
    }
}

/// Writes a value to stdout as JSON, indented, with a line end.
///
/// # Errors
/// As [`data`].
pub fn json(value: &impl serde::Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(value).map_err(Failure::cannot_start)?;
    data(&(text + "\n"))
}

/// Columns as wide as their widest cell; the last one ends its line.
pub fn table(heads: &[&str], rows: &[Vec<String>]) -> String {
    let cells = |column: usize| rows.iter().map(move |row| row[column].chars().count());
    let widths: Vec<usize> = heads
        .iter()
        .enumerate()
        .map(|(column, head)| cells(column).max().unwrap_or(0).max(head.len()))
        .collect();
    let line = |row: &mut dyn Iterator<Item = &str>| {
        let padded = row
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:<width$}"));
        let line = padded.collect::<Vec<_>>().join("  ");
        format!("{}\n", line.trim_end())
    };
    let mut text = line(&mut heads.iter().copied());
    for row in rows {
        text += &line(&mut row.iter().map(String::as_str));
    }
    text
}

/// Writes a line to stderr. There is nobody to tell where that fails.
pub fn say(line: &str) {
    let mut stderr = std::io::stderr().lock();
    writeln!(stderr, "{line}").ok();
}

/// Whether stdout takes colours: a terminal, and `NO_COLOR` is not set.
pub fn stdout_takes_colour() -> bool {
    std::io::stdout().is_terminal() && wants_colour()
}

/// Whether stderr takes colours: a terminal, and `NO_COLOR` is not set.
pub fn stderr_takes_colour() -> bool {
    std::io::stderr().is_terminal() && wants_colour()
}

fn wants_colour() -> bool {
    std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty())
}
