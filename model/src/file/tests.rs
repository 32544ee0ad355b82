use super::{Variables, read};
use crate::finding::Finding;
use crate::topology::Draft;

mod entries;
mod mistakes;
mod robustness;
mod schema;

/// Variables of a test.
struct Set(&'static [(&'static str, &'static str)]);

impl Variables for Set {
    fn environment(&self, name: &str) -> Option<String> {
        let found = self.0.iter().find(|(n, _)| *n == name);
        found.map(|(_, value)| (*value).to_owned())
    }

    fn file(&self, path: &str) -> Result<String, String> {
        match path {
            "/run/secrets/bj" => Ok("from a file\n".to_owned()),
            _ => Err("no such file".to_owned()),
        }
    }
}

const NONE: Set = Set(&[]);

/// Clusters bj, sh and sz, then these lines.
fn with_clusters(lines: &str) -> String {
    format!(
        "topology: t\nclusters:\n  bj: {{ bootstrap.servers: bj:9092 }}\n  sh: {{ \
         bootstrap.servers: sh:9092 }}\n  sz: {{ bootstrap.servers: sz:9092 }}\n{lines}\n"
    )
}

/// A whole topology around the inside of one edge from bj to sh. Line 7 begins with `  - { `.
fn with_edge(inside: &str) -> String {
    format!(
        "topology: t\nclusters:\n  bj: {{ bootstrap.servers: bj:9092 }}\n  sh: {{ \
         bootstrap.servers: sh:9092 }}\n\nedges:\n  - {{ from: bj, to: sh, {inside} }}\n"
    )
}

/// A finding as its code and the text at its place, of which the beginning is enough.
fn told(text: &str, finding: &Finding) -> String {
    let place: String = text[finding.span.start..finding.span.end]
        .chars()
        .take(24)
        .collect();
    format!("{} `{}`", finding.code.as_str(), place.replace('\n', "/"))
}

/// What is told of a text, by code and place.
fn check(text: &str, expect: &[&str]) {
    let (_, findings) = read(text, Some(&NONE));
    let told: Vec<_> = findings.iter().map(|f| told(text, f)).collect();
    assert_eq!(told, expect, "{text}\n{findings:#?}");
}

/// The only thing that is told of each text, by code and place, with words of its message or help.
fn check_each(rows: impl IntoIterator<Item = (String, &'static str, &'static str)>) {
    let mut failures = Vec::new();
    for (text, expect, words) in rows {
        let (_, findings) = read(&text, Some(&NONE));
        let all: Vec<_> = findings
            .iter()
            .map(|f| {
                let help = f.help.as_deref().unwrap_or_default();
                format!("{}: {} / {} / {help}", told(&text, f), f.message, f.label)
            })
            .collect();
        let is_so = matches!(&all[..], [one] if one.starts_with(&format!("{expect}: ")) && one.contains(words));
        if !is_so {
            let line = text.lines().last().unwrap_or_default();
            failures.push(format!("{line}\n  want {expect}: {words}\n  have {all:#?}"));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// The draft of a text without findings.
fn draft(text: &str) -> Draft {
    let (draft, findings) = read(text, Some(&NONE));
    assert_eq!(findings, [], "{text}");
    draft.unwrap()
}
