//! `crossdock import`: existing configuration becomes a topology file.

use std::path::PathBuf;

use anyhow::anyhow;
use crossdock_model::finding::Severity;
use crossdock_model::import::{self, Fate, Imported, Source};

use crate::exit::{Failure, Outcome, Verdict};
use crate::{load, output};

/// Turns existing configuration into a topology file, naming every key that it could not carry
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  crossdock import mm1 consumer.properties producer.properties --whitelist 'orders.*' > topology.yaml
  crossdock import mm1 consumer.properties producer.properties kafka-mirror.service > topology.yaml
  crossdock import mm2 mm2.properties > topology.yaml
  crossdock import strimzi kafka-mirror-maker-2.yaml > topology.yaml")]
pub struct Args {
    /// What the files are for
    pub kind: Kind,
    /// The files, as they are; for mm1 also the script or systemd unit that runs it
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
    /// Option of kafka-mirror-maker.sh: topics to copy
    #[arg(long, alias = "include", value_name = "REGEX")]
    pub whitelist: Option<String>,
    /// Option of kafka-mirror-maker.sh: topics to leave out
    #[arg(long, alias = "exclude", value_name = "REGEX")]
    pub blacklist: Option<String>,
    /// Option of kafka-mirror-maker.sh: parallel streams
    #[arg(long = "num.streams", value_name = "N")]
    pub num_streams: Option<u32>,
}

/// What can be imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Kind {
    /// `consumer.properties` and `producer.properties` of kafka-mirror-maker.sh
    Mm1,
    /// `mm2.properties` of connect-mirror-maker.sh
    Mm2,
    /// `KafkaMirrorMaker2` resources of Strimzi
    Strimzi,
}

/// Runs the command: the topology goes to stdout, what is to be said of single keys to stderr. Ends
/// with 1 where the topology has errors.
pub fn main(args: &Args) -> Outcome {
    let words = args.words();
    if args.kind != Kind::Mm1 && !words.is_empty() {
        let why = anyhow!("{} is an option of `import mm1`", words[0]);
        return Err(Failure::CannotStart(why));
    }
    let mut files = Vec::new();
    for path in &args.files {
        let text = load::read(path).map_err(Failure::CannotStart)?;
        files.push((path.display().to_string(), text));
    }
    let sources: Vec<_> = files
        .iter()
        .map(|(name, text)| Source { name, text })
        .collect();
    let imported = match args.kind {
        Kind::Mm1 => import::mm1(&sources, &words),
        Kind::Mm2 => import::mm2(&sources),
        Kind::Strimzi => import::strimzi(&sources),
    };
    let imported = imported.map_err(|e| Failure::CannotStart(e.into()))?;
    output::data(&imported.topology)?;
    tell(&imported);
    let checked = load::check_text("topology.yaml".into(), imported.topology, false);
    load::tell(&checked, Severity::Warning);
    Ok(Verdict::found(checked.has_errors()))
}

impl Args {
    /// The options of kafka-mirror-maker.sh, as they would be written there.
    fn words(&self) -> Vec<String> {
        let streams = self.num_streams.map(|n| n.to_string());
        let options = [
            ("--whitelist", &self.whitelist),
            ("--blacklist", &self.blacklist),
            ("--num.streams", &streams),
        ];
        options
            .into_iter()
            .filter_map(|(name, value)| Some([name.to_owned(), value.clone()?]))
            .flatten()
            .collect()
    }
}

fn tell(imported: &Imported) {
    for remark in &imported.remarks {
        let place = match (remark.file.as_str(), remark.line) {
            ("", _) => String::new(),
            (file, 0) => format!("{file}: "),
            (file, line) => format!("{file}:{line}: "),
        };
        let (key, fate, why) = (&remark.key, remark.fate, &remark.why);
        output::say(&format!("{place}{key}: {fate}: {why}"));
    }
    let count = |fate| imported.remarks.iter().filter(|r| r.fate == fate).count();
    output::say(&format!(
        "{} carried over, {} changed, {} not needed, {} lost",
        imported.carried,
        count(Fate::Changed),
        count(Fate::Unneeded),
        count(Fate::Lost)
    ));
}
