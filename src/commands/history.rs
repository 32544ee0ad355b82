//! `crossdock history`: what was applied, by whom and when.

use crate::commands::Format;
use crate::commands::which::Which;
use crate::exit::{Outcome, Verdict};
use crate::output;

/// Prints the revisions of a topology that its home cluster keeps
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  crossdock history topology.yaml
  crossdock history --home bj-kafka1:9092 --topology cn-prod")]
pub struct Args {
    /// Which topology
    #[command(flatten)]
    pub which: Which,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// Runs the command.
pub fn main(args: &Args) -> Outcome {
    let entry = args.which.entry()?;
    let all = std::iter::once(&entry.newest).chain(&entry.earlier);
    match args.format {
        Format::Json => output::json(&all.collect::<Vec<_>>())?,
        Format::Text => {
            let mut text = format!("{:<9} {:<21} {:<24} CHECKSUM\n", "REVISION", "WHEN", "WHO");
            for each in all {
                let sum = each.checksum.get(..19).unwrap_or(&each.checksum);
                let (number, when, who) = (each.revision, &each.when, &each.who);
                text.push_str(&format!("{number:<9} {when:<21} {who:<24} {sum}\n"));
            }
            output::data(&text)?;
        }
    }
    Ok(Verdict::Fine)
}
