//! `crossdock explain`: the page of a finding.

use anyhow::anyhow;
use crossdock_model::finding::Code;
use crossdock_model::plan;
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
        let mut codes: Vec<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
        let online = plan::Code::ALL.iter().map(|code| code.as_str());
        let online: Vec<_> = online.filter(|code| !codes.contains(code)).collect();
        codes.extend(online);
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
        if let Some(code) = plan::Code::ALL
            .iter()
            .find(|code| code.as_str() == asked.as_str())
        {
            return found_online(*code, args.format);
        }
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

/// What `plan` finds on the clusters has a section of one page.
fn found_online(code: plan::Code, format: Format) -> Outcome {
    let text = section(code);
    match format {
        Format::Text => output::data(&text)?,
        Format::Json => output::json(&json!({
            "code": code,
            "severity": code.severity(),
            "page": text,
        }))?,
    }
    Ok(Verdict::Fine)
}

/// The section of a code, its heading as that of a page.
fn section(code: plan::Code) -> String {
    let page = include_str!("../../docs/plan.md");
    let mut sections = page.split("\n## ").skip(1);
    let found = sections.find(|section| section.lines().next() == Some(code.as_str()));
    format!("# {}\n", found.unwrap_or_default().trim_end())
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

    #[test]
    fn everything_that_a_plan_finds_has_its_section() {
        for code in plan::Code::ALL {
            assert!(
                section(*code).lines().count() > 2,
                "{code} is not in docs/plan.md"
            );
        }
    }
}
