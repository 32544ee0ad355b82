//! `illegal-topic-name` and `topic-name-too-long`: what a rename would make.

use std::collections::BTreeSet;

use crate::edge::{Edge, Part};
use crate::finding::{Code, Finding, Severity};
use crate::graph::case::Case;
use crate::graph::maps::Map;
use crate::graph::pattern::is_legal;
use crate::name::{IllegalTopicName, TOPIC_NAME_MAX, check_topic_name, is_internal_topic};

pub(crate) fn findings(case: &mut Case, chains: &[Finding]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for number in case.space.out.concat() {
        let is_told = chains
            .iter()
            .any(|f| f.code == Code::BrokenChain && f.edges.contains(&case.edge(number).name));
        findings.extend(illegal(case, number, is_told));
        findings.extend(too_long(case, number));
    }
    findings
}

/// The names that an edge lists literally, those that it takes.
pub(crate) fn listed<'c>(case: &Case<'c>, number: usize) -> &'c [String] {
    let link = case.names.links[number].as_ref();
    link.map_or(&[], |link| link.listed())
}

fn illegal(case: &Case, number: usize, is_told: bool) -> Option<Finding> {
    let edge = case.edge(number);
    if let Some(c) = illegal_character(case, number) {
        let message = format!(
            "{} in a topic name, where Kafka accepts [a-zA-Z0-9._-] only",
            shown(c)
        );
        return Some(at_rename(
            case,
            number,
            Code::IllegalTopicName,
            message,
            "makes names with it",
        ));
    }
    let link = case.names.links[number].as_ref()?;
    let constant = case.space.pieces[number]
        .iter()
        .find_map(|piece| match &piece.map {
            Map::Constant(name) => Some(name.clone()),
            _ => None,
        });
    let made = listed(case, number).iter().map(|old| {
        let new = link.renamer.apply(old);
        (old, new)
    });
    let is_refused = |new: &str| match check_topic_name(new) {
        Err(IllegalTopicName::TooLong) => false,
        Err(_) => true,
        // One cause, one finding: the edge behind it tells that it takes no internal topic.
        Ok(()) => is_internal_topic(new) && !is_told,
    };
    let (from, new) = made
        .map(|(old, new)| (format!("`{old}`"), new))
        .chain(constant.map(|new| ("every topic".to_owned(), new)))
        .find(|(_, new)| is_refused(new))?;
    let what = match is_internal_topic(&new) {
        true => "which counts as internal: it is never taken",
        false => "which Kafka refuses",
    };
    let told = if new.is_empty() {
        "the empty name".into()
    } else {
        format!("`{new}`")
    };
    let message = format!("`{}` turns {from} into {told}, {what}", edge.name);
    Some(at_rename(
        case,
        number,
        Code::IllegalTopicName,
        message,
        "makes this name",
    ))
}

/// A character that a rule puts into every name it makes.
fn illegal_character(case: &Case, number: usize) -> Option<char> {
    let edge: &Edge = case.edge(number);
    let link = case.names.links[number].as_ref()?;
    // A rule that no selected topic comes to makes no name.
    let comes_to = |at: usize| {
        let rule = &edge.rename.rules[at];
        rule.matches.is_none() || !case.space.pieces[number].is_empty()
    };
    let rules = link
        .renamer
        .rules()
        .iter()
        .enumerate()
        .filter(|(at, _)| comes_to(*at));
    let literals = rules
        .flat_map(|(_, rule)| &rule.to)
        .filter_map(|part| match part {
            Part::Literal(text) => Some(text),
            _ => None,
        });
    let mut characters = literals.flat_map(|text| text.chars());
    characters.find(|c| !u8::try_from(*c).is_ok_and(is_legal))
}

fn too_long(case: &mut Case, number: usize) -> Option<Finding> {
    let names = listed(case, number);
    let link = case.names.links[number].as_ref()?;
    let long: Vec<String> = names
        .iter()
        .map(|n| link.renamer.apply(n))
        .filter(|n| n.len() > TOPIC_NAME_MAX)
        .collect();
    let pieces = case.space.pieces[number].clone();
    let mut fits = false;
    for piece in pieces.iter() {
        let mut free = piece.clone();
        free.domain = piece.selected;
        let made = free.image(&mut case.space.store, piece.selected);
        let is_refused = made == crate::graph::language::store::NONE;
        fits |= is_refused || case.space.store.least_length(made) <= TOPIC_NAME_MAX;
    }
    if pieces.is_empty() || fits && long.is_empty() {
        return None;
    }
    let longest = long.iter().max_by_key(|n| n.len());
    let length = longest.map_or(TOPIC_NAME_MAX + 1, String::len);
    let (message, severity) = match fits {
        true => {
            let n = long.len();
            let message = format!(
                "{n} of the listed topics get names longer than Kafka accepts: {length} > 249"
            );
            (message, Severity::Warning)
        }
        false => {
            let least = if longest.is_some() { "" } else { "at least " };
            let message =
                format!("every name it makes is longer than Kafka accepts: {least}{length} > 249");
            (message, Severity::Error)
        }
    };
    let mut finding = at_rename(
        case,
        number,
        Code::TopicNameTooLong,
        message,
        "makes names too long",
    );
    finding.severity = severity;
    Some(finding)
}

fn at_rename(case: &Case, number: usize, code: Code, message: String, label: &str) -> Finding {
    case.finding(code, &BTreeSet::from([number]), "rename", message, |_| {
        label.to_owned()
    })
}

fn shown(c: char) -> String {
    if c == ' ' {
        "a space".into()
    } else {
        format!("`{c}`")
    }
}
