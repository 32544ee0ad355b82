//! What the file may ask for and this version does not do yet: told before anything runs, never
//! silently ignored.

use std::path::Path;

use anyhow::anyhow;
use crossdock_model::edge::{Edge, OnOversize};

use crate::exit::Failure;

/// Refuses edges that ask for what is not there yet.
///
/// # Errors
/// Names the file, the edge, the key and what to write meanwhile.
pub fn keep(path: &Path, edges: &[&Edge]) -> Result<(), Failure> {
    let asked: Vec<String> = edges.iter().flat_map(|edge| not_yet(edge)).collect();
    if asked.is_empty() {
        return Ok(());
    }
    Err(Failure::cannot_start(anyhow!(
        "{}: {}",
        path.display(),
        asked.join("; ")
    )))
}

fn not_yet(edge: &Edge) -> Vec<String> {
    let asks = [(
        edge.on_oversize != OnOversize::Halt,
        "on_oversize",
        "`halt` is what it does now",
    )];
    asks.into_iter()
        .filter(|(asked, _, _)| *asked)
        .map(|(_, key, instead)| {
            format!("edge {}: `{key}` cannot be done yet; {instead}", edge.name)
        })
        .collect()
}
