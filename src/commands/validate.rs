//! `crossdock validate`: the offline check.

use std::path::PathBuf;

use crate::exit::{Failure, Outcome, Verdict};
use crate::load::{self, Checked};
use crate::{output, report};

pub(crate) mod effective;

/// Checks topology files without any cluster
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  crossdock validate topology.yaml
  crossdock validate --strict --format github topologies/*.yaml
  crossdock validate --effective topology.yaml")]
pub struct Args {
    /// Topology files
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
    /// Warnings end with 1, too
    #[arg(long)]
    pub strict: bool,
    /// Prints every edge as expanded, every client property, and where it comes from
    #[arg(long)]
    pub effective: bool,
    /// Leaves variables as they are: none needs to be set
    #[arg(long)]
    pub no_env: bool,
}

/// How findings are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people: the place in the file, and what to write instead
    #[default]
    Text,
    /// For programs
    Json,
    /// Annotations of GitHub Actions
    Github,
    /// SARIF 2.1.0, for code scanning
    Sarif,
}

/// Runs the command: every file is checked, whatever is wrong with those before it.
pub fn main(args: &Args) -> Outcome {
    let mut all = Vec::new();
    let mut failure = None;
    for file in &args.files {
        match load::check(file, !args.no_env) {
            Ok(checked) => all.push(checked),
            Err(error) => failure = Some(tell(failure, error)),
        }
    }
    print(args, &all)?;
    if let Some(unusable) = all.iter().find(|checked| checked.draft.is_none()) {
        failure = Some(tell(failure, load::no_yaml(&unusable.path)));
    }
    match failure {
        Some(failure) => Err(failure),
        None => Ok(Verdict::found(all.iter().any(|c| is_found(args, c)))),
    }
}

/// Only the last failure ends the process; those before it are told here.
fn tell(before: Option<Failure>, failure: Failure) -> Failure {
    if let Some(Failure::CannotStart(error)) = before {
        output::say(&format!("error: {error:#}"));
    }
    failure
}

fn is_found(args: &Args, checked: &Checked) -> bool {
    let summary = report::Summary::of(&checked.findings);
    summary.errors > 0 || (args.strict && summary.warnings > 0)
}

fn print(args: &Args, all: &[Checked]) -> Result<(), Failure> {
    match args.format {
        Format::Text => all.iter().try_for_each(|checked| {
            let mut text = report::text(checked, output::stdout_takes_colour());
            if args.effective {
                text.push_str(&effective::text(checked));
            }
            output::data(&text)
        }),
        Format::Json => {
            let object = |checked: &Checked| {
                let mut object = report::json(checked);
                if args.effective {
                    object["effective"] = effective::json(checked);
                }
                object
            };
            // One file is an object, as it is everywhere; several are a list of them.
            match all {
                [] => Ok(()),
                [one] if args.files.len() == 1 => output::json(&object(one)),
                all => output::json(&all.iter().map(object).collect::<Vec<_>>()),
            }
        }
        Format::Github => all
            .iter()
            .try_for_each(|checked| output::data(&report::github(checked))),
        Format::Sarif => output::json(&report::sarif(all)),
    }
}
