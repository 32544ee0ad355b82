//! `crossdock explain`: the page of a finding.

use anyhow::anyhow;
use crossdock_model::finding::Code;
use serde_json::json;

use crate::commands::Format;
use crate::exit::{Failure, Outcome, Verdict};
use crate::output;

/// Prints the page of a finding: what it is, why it matters, how to repair it
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  crossdock explain record-loop
  crossdock explain                   lists every code")]
pub struct Args {
    /// Code of the finding
    pub code: Option<String>,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// Runs the command.
pub fn main(args: &Args) -> Outcome {
    let Some(asked) = &args.code else {
        let codes: Vec<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
        match args.format {
            Format::Text => output::data(&(codes.join("\n") + "\n"))?,
            Format::Json => output::json(&codes)?,
        }
        return Ok(Verdict::Fine);
    };
    let Some(code) = Code::ALL
        .iter()
        .find(|code| code.as_str() == asked.as_str())
    else {
        let hint = "`crossdock explain` lists every code";
        return Err(Failure::CannotStart(anyhow!(
            "there is no finding `{asked}`: {hint}"
        )));
    };
    let page = page(*code);
    match args.format {
        Format::Text => output::data(page)?,
        Format::Json => output::json(&json!({
            "code": code,
            "severity": code.severity(),
            "page": page,
        }))?,
    }
    Ok(Verdict::Fine)
}

macro_rules! pages {
    ($($variant:ident $file:literal),* $(,)?) => {
        /// The page of a code, compiled in.
        pub(crate) fn page(code: Code) -> &'static str {
            match code {
                $(Code::$variant => include_str!(concat!("../../docs/findings/", $file, ".md")),)*
            }
        }
    };
}

pages! {
    YamlSyntax "yaml-syntax",
    DuplicateKey "duplicate-key",
    UnknownKey "unknown-key",
    MissingKey "missing-key",
    BadValue "bad-value",
    UnknownCluster "unknown-cluster",
    DuplicateEdge "duplicate-edge",
    UnsetVariable "unset-variable",
    UnknownProperty "unknown-property",
    UnusedProperty "unused-property",
    BadRegex "bad-regex",
    EmptyPattern "empty-pattern",
    GlobPattern "glob-pattern",
    BadTemplate "bad-template",
    IllegalTopicName "illegal-topic-name",
    TopicNameTooLong "topic-name-too-long",
    MetricNameCollision "metric-name-collision",
    InternalTopic "internal-topic",
    SelfEdge "self-edge",
    SameCluster "same-cluster",
    RecordLoop "record-loop",
    NameLoop "name-loop",
    DuplicateDelivery "duplicate-delivery",
    TopicCollision "topic-collision",
    MergedTopic "merged-topic",
    SharedGroup "shared-group",
    GroupOffsetsAmbiguous "group-offsets-ambiguous",
    NeverMatches "never-matches",
    BrokenChain "broken-chain",
    ParallelCopy "parallel-copy",
    UnusedCluster "unused-cluster",
    PlaintextSecret "plaintext-secret",
    WeakSetting "weak-setting",
    DisabledEdgeHazard "disabled-edge-hazard",
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_page_is_that_of_its_code() {
        for code in Code::ALL {
            let title = format!("# {}\n", code.as_str());
            assert!(page(*code).starts_with(&title), "{title}");
        }
    }
}
