//! The pages of `docs/findings` are tests: what each shows as wrong has exactly its finding, and what
//! it shows as right has none.

use crossdock_model::file::{Variables, read};
use crossdock_model::finding::{Code, Finding};
use crossdock_model::graph;

/// Nothing is set.
struct Unset;

impl Variables for Unset {
    fn environment(&self, _name: &str) -> Option<String> {
        None
    }

    fn file(&self, _path: &str) -> Result<String, String> {
        Err("no such file".to_owned())
    }
}

fn check(text: &str) -> Vec<Finding> {
    let (draft, mut findings) = read(text, Some(&Unset));
    findings.extend(draft.iter().flat_map(|draft| graph::check(draft).findings));
    findings
}

/// What a finding cannot be without: two writers of one topic.
fn comes_with(code: Code) -> Option<Code> {
    match code {
        Code::DuplicateDelivery | Code::GroupOffsetsAmbiguous => Some(Code::MergedTopic),
        _ => None,
    }
}

/// The YAML of a section.
fn example<'a>(page: &'a str, section: &str) -> Option<&'a str> {
    let (_, rest) = page.split_once(&format!("## {section}\n\n```yaml\n"))?;
    rest.split_once("```").map(|(yaml, _)| yaml)
}

#[test]
fn every_page_shows_its_finding_and_how_to_be_rid_of_it() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/findings");
    let mut failures = Vec::new();
    for code in Code::ALL {
        let path = format!("{folder}/{}.md", code.as_str());
        let page = std::fs::read_to_string(&path).unwrap_or_default();
        let (wrong, right) = (example(&page, "Wrong"), example(&page, "Right"));
        let found = check(wrong.unwrap_or_default());
        let is_expected = |f: &Finding| f.code == *code || comes_with(*code) == Some(f.code);
        if !found.iter().any(|f| f.code == *code) || !found.iter().all(is_expected) {
            failures.push(format!("{}, wrong: {found:#?}", code.as_str()));
        }
        let found = right.map(check);
        if found.as_ref().is_none_or(|found| !found.is_empty()) {
            failures.push(format!("{}, right: {found:#?}", code.as_str()));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
