//! `crossdock dead-letter`: lists what targets refused, and replays it.

use std::fmt::Write;
use std::path::PathBuf;

use anyhow::anyhow;
use crossdock_model::edge::Edge;
use crossdock_model::name::EdgeName;
use crossdock_model::topology::Topology;

use crate::commands::{Format, confirm};
use crate::connect::Clusters;
use crate::exit::{Failure, Outcome, Verdict};
use crate::letters::{Letter, LetterBox, Replayed, replay};
use crate::{load, logging, output};

/// Lists the records that targets refused, or replays them
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  crossdock dead-letter topology.yaml
  crossdock dead-letter topology.yaml --edge bj-to-sh --replay

A replayed record comes behind its former neighbours. Exit status 1: there are dead letters that were
not replayed.")]
pub struct Args {
    /// The topology file
    pub file: PathBuf,
    /// Only of this edge
    #[arg(long, value_name = "NAME")]
    pub edge: Option<String>,
    /// Only records of this source topic
    #[arg(long, value_name = "NAME")]
    pub topic: Option<String>,
    /// Puts them into the topics that refused them
    #[arg(long)]
    pub replay: bool,
    /// Does not ask
    #[arg(long)]
    pub yes: bool,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// Runs the command.
pub fn main(args: &Args) -> Outcome {
    logging::start_quietly();
    let topology = load::topology(&args.file)?;
    let edges = edges(&topology, args)?;
    let mut clusters = Clusters::new(&topology);
    let is_wanted = |letter: &Letter| args.topic.as_ref().is_none_or(|t| *t == letter.topic);
    let (mut letters, mut boxes) = (Vec::new(), Vec::new());
    for edge in edges {
        let target = clusters.get(&edge.target).map_err(Failure::cluster)?;
        let letter_box = LetterBox::of(topology.name(), edge, &target);
        let found = letter_box.letters().map_err(Failure::cluster)?;
        letters.extend(found.into_iter().filter(is_wanted));
        boxes.push((edge, letter_box));
    }
    if !args.replay {
        list(args.format, &letters)?;
        return Ok(Verdict::found(letters.iter().any(|l| !l.replayed)));
    }
    let left = letters.iter().filter(|l| !l.replayed).count();
    if left == 0 {
        output::say("No dead letter is left to replay.");
        return Ok(Verdict::Fine);
    }
    let what = format!(
        "{left} dead letters go to the topics that refused them, behind what is there by now."
    );
    if !args.yes && !confirm(&what)? {
        return Ok(Verdict::Found);
    }
    let mut all = Replayed::default();
    for (edge, letter_box) in &boxes {
        let Some(target) = topology.cluster(&edge.target) else {
            continue;
        };
        let done = replay(letter_box, topology.name(), edge, target, is_wanted);
        let done = done.map_err(Failure::cluster)?;
        all.done.extend(done.done);
        all.refused.extend(done.refused);
    }
    tell(args.format, all)
}

fn edges<'t>(topology: &'t Topology, args: &Args) -> Result<Vec<&'t Edge>, Failure> {
    let Some(name) = &args.edge else {
        return Ok(topology.edges().iter().collect());
    };
    let edge = topology.edge(&EdgeName::new(name)).ok_or_else(|| {
        Failure::cannot_start(anyhow!("no edge `{name}` in {}", args.file.display()))
    })?;
    Ok(vec![edge])
}

fn list(format: Format, letters: &[Letter]) -> Result<(), Failure> {
    match format {
        Format::Json => output::json(&letters),
        Format::Text if letters.is_empty() => {
            output::say("No dead letters.");
            Ok(())
        }
        Format::Text => output::data(&letters.iter().map(line).collect::<String>()),
    }
}

fn line(letter: &Letter) -> String {
    let mut text = format!(
        "edge {}: {}-{} offset {}, {} bytes, for {}: {}: {}",
        letter.edge,
        letter.topic,
        letter.partition,
        letter.source_offset,
        letter.bytes,
        letter.target_topic,
        letter.reason,
        letter.error
    );
    if letter.replayed {
        text += " (replayed)";
    }
    text + "\n"
}

fn tell(format: Format, mut all: Replayed) -> Outcome {
    for letter in &mut all.done {
        letter.replayed = true;
    }
    for (letter, why) in &all.refused {
        let mut text = line(letter);
        write!(text, "  refused again: {why}").ok();
        output::say(&text);
    }
    output::say(&format!(
        "{} replayed, {} refused again.",
        all.done.len(),
        all.refused.len()
    ));
    let is_found = !all.refused.is_empty();
    let refused = all.refused.into_iter().map(|(letter, _)| letter);
    all.done.extend(refused);
    list(format, &all.done)?;
    Ok(Verdict::found(is_found))
}
