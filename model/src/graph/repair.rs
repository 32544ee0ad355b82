//! Repairs, tried before they are told: with one the finding is gone, no error is new, every record
//! that was delivered to a cluster still is, and every edge that carried something still does.

use std::collections::BTreeSet;

use super::case::Case;
use super::hazards::{is_error, is_known};
use super::names::{Names, Site};
use super::verdicts;
use super::walks::{Reach, follow, outgoing};
use crate::edge::{Edge, Forward, Part, Pattern, Rename, RenameRule};
use crate::finding::{Code, Finding};
use crate::topology::Draft;

/// Most edges that all trials together go through, and most findings that are tried.
const EDGES_MAX: usize = 3_000;
const FINDINGS_MAX: usize = 40;

/// A repair: what to write, and the draft with it.
struct Repair {
    help: String,
    draft: Draft,
}

/// Gives each finding the first repair that holds.
pub(crate) fn help(draft: &Draft, findings: &mut [Finding], is_partial: bool, work: usize) {
    // What is not known whole cannot be compared.
    if findings.is_empty() || draft.edges.len() > EDGES_MAX || is_partial {
        return;
    }
    let before = findings.to_vec();
    let names = Names::new(draft);
    let case = Case::new(draft, &names);
    let now = Now {
        delivered: deliveries(&case),
        carrying: carrying(case.trials.iter().map(|trial| &trial.reach)),
    };
    // What a check costs grows with the edges and with the kinds of names that they tell apart.
    let size = draft.edges.len() * (1 + case.trials.len() / 100);
    let each = size.max(work).max(1);
    let mut trials = EDGES_MAX / each;
    let open = findings
        .iter_mut()
        .filter(|f| f.help.is_none())
        .take(FINDINGS_MAX);
    for finding in open {
        for repair in repairs(draft, finding) {
            if trials == 0 {
                return;
            }
            trials -= 1;
            if holds(&repair.draft, finding, &before, &now) {
                finding.help = Some(repair.help);
                break;
            }
        }
    }
}

/// A birth, and a cluster that its records come to.
type Delivery = (Site, String, Site);

/// What a repair must leave as it is.
struct Now {
    delivered: BTreeSet<Delivery>,
    carrying: BTreeSet<usize>,
}

/// The edges that some record takes.
fn carrying<'r>(all: impl Iterator<Item = &'r Reach>) -> BTreeSet<usize> {
    let walks = all.flat_map(|reach| reach.walks.iter().chain(&reach.loops));
    walks.flat_map(|walk| walk.edges.iter().copied()).collect()
}

fn deliveries(case: &Case) -> BTreeSet<Delivery> {
    let mut all = BTreeSet::new();
    for trial in &case.trials {
        let (site, topic) = &trial.birth;
        let ends = trial
            .reach
            .walks
            .iter()
            .filter_map(|walk| walk.places.last());
        let away = ends.filter(|end| end.0 != *site);
        all.extend(away.map(|end| (*site, topic.clone(), end.0)));
    }
    all
}

fn holds(draft: &Draft, finding: &Finding, before: &[Finding], now: &Now) -> bool {
    let after = verdicts(draft).findings;
    let is_same =
        |f: &&Finding| f.code == finding.code && f.edges.iter().all(|e| finding.edges.contains(e));
    if after.iter().any(|f| is_same(&f))
        || after.iter().any(|f| is_error(f) && !is_known(f, before))
    {
        return false;
    }
    let names = Names::new(draft);
    let out = outgoing(&names);
    let of = |(site, topic, _): &Delivery| (*site, topic.clone());
    let births: BTreeSet<(Site, String)> = now.delivered.iter().map(of).collect();
    let mut carries = BTreeSet::new();
    for birth in &births {
        let reach = follow(&names, &out, birth, 2_000);
        carries.extend(carrying(std::iter::once(&reach)));
        let ends = reach.walks.iter().filter_map(|walk| walk.places.last());
        let ends: BTreeSet<Site> = ends.map(|place| place.0).collect();
        let wanted = now.delivered.range((birth.0, birth.1.clone(), 0)..);
        let mut wanted = wanted.take_while(|d| (d.0, &d.1) == (birth.0, &birth.1));
        if names.is_replica_at(birth.0, &birth.1) || !wanted.all(|d| ends.contains(&d.2)) {
            return false;
        }
    }
    now.carrying.is_subset(&carries)
}

/// What may be written instead, the gentlest first.
fn repairs(draft: &Draft, finding: &Finding) -> Vec<Repair> {
    let number = |edge: &Edge| finding.edges.contains(&edge.name);
    let edges: Vec<usize> = (0..draft.edges.len())
        .filter(|n| number(&draft.edges[*n]))
        .collect();
    let mut repairs = Repairs {
        draft,
        edges: &edges,
        found: Vec::new(),
    };
    match finding.code {
        Code::RecordLoop => repairs.provenance(),
        Code::NameLoop => {
            repairs.provenance();
            repairs.each(|edge| suffix(edge, "{topic}-{source}"));
        }
        Code::DuplicateDelivery => {
            repairs.each(local);
            repairs.all(local);
            repairs.each(|edge| suffix(edge, "{topic}-{source}"));
        }
        Code::ParallelCopy => {
            repairs.each(local);
            repairs.all(local);
        }
        Code::TopicCollision => {
            repairs.all(|edge| suffix(edge, "suffix"));
            repairs.each(|edge| suffix(edge, "suffix"));
            repairs.all(merge);
            repairs.all(spread);
            repairs.each(spread);
        }
        Code::MergedTopic => repairs.all(|edge| suffix(edge, "suffix")),
        Code::GroupOffsetsAmbiguous => {
            repairs.each(|edge| suffix(edge, "suffix"));
            repairs.all(|edge| suffix(edge, "suffix"));
        }
        Code::IllegalTopicName => repairs.each(legal),
        Code::TopicNameTooLong => {
            repairs.each(|edge| suffix(edge, "suffix"));
            repairs.each(keep);
        }
        Code::MetricNameCollision => {
            repairs.each(|edge| suffix(edge, "suffix"));
            repairs.all(|edge| suffix(edge, "suffix"));
        }
        Code::NeverMatches => repairs.each(narrower),
        Code::BrokenChain => repairs.widen(finding),
        _ => {}
    }
    repairs.found
}

struct Repairs<'d> {
    draft: &'d Draft,
    edges: &'d [usize],
    found: Vec<Repair>,
}

/// Changes an edge; says what to write. `None`: it is so already.
type Change = Option<String>;

impl Repairs<'_> {
    fn each(&mut self, change: impl Fn(&mut Edge) -> Change) {
        // The later one of two is what was added last.
        for number in self.edges.iter().rev() {
            let mut draft = self.draft.clone();
            if let Some(write) = change(&mut draft.edges[*number]) {
                let name = &self.draft.edges[*number].name;
                self.found.push(Repair {
                    help: format!("`{write}` on `{name}`"),
                    draft,
                });
            }
        }
    }

    fn all(&mut self, change: impl Fn(&mut Edge) -> Change) {
        if self.edges.len() < 2 {
            return;
        }
        let mut draft = self.draft.clone();
        let mut write = None;
        for number in self.edges {
            write = change(&mut draft.edges[*number]).or(write);
        }
        if let Some(write) = write {
            let names = self
                .edges
                .iter()
                .map(|n| format!("`{}`", self.draft.edges[*n].name));
            let names: Vec<String> = names.take(2).collect();
            let help = match self.edges.len() {
                2 => format!("`{write}` on {}", names.join(" and ")),
                n => format!("`{write}` on each of the {n} edges"),
            };
            self.found.push(Repair { help, draft });
        }
    }

    fn provenance(&mut self) {
        let guarded = |edge: &mut Edge| {
            let is_new = !std::mem::replace(&mut edge.provenance, true);
            is_new.then(|| "provenance: true".to_owned())
        };
        self.each(guarded);
        self.all(guarded);
    }

    /// The next edge takes the name that the topic has by then.
    fn widen(&mut self, finding: &Finding) {
        let Some((next, made)) = self.edges.last().zip(finding.witness.last()) else {
            return;
        };
        let next = self
            .edges
            .iter()
            .rev()
            .find(|n| {
                let source = &self.draft.edges[**n].source;
                made.ends_with(&format!("@{source}"))
            })
            .unwrap_or(next);
        let (old, new) = match (finding.witness.first(), finding.witness.last()) {
            (Some(old), Some(new)) => (topic(old), topic(new)),
            _ => return,
        };
        let Some((prefix, suffix)) = new.split_once(old) else {
            return;
        };
        let mut draft = self.draft.clone();
        let edge = &mut draft.edges[*next];
        let wider: Vec<Pattern> = edge
            .topics
            .iter()
            .map(|p| Pattern {
                text: format!(
                    "{}({}){}",
                    regex::escape(prefix),
                    p.text,
                    regex::escape(suffix)
                ),
            })
            .collect();
        let texts: Vec<String> = edge
            .topics
            .iter()
            .chain(&wider)
            .map(|p| format!("'{}'", p.text))
            .collect();
        let help = format!("`topics: [{}]` on `{}`", texts.join(", "), edge.name);
        edge.topics.extend(wider);
        self.found.push(Repair { help, draft });
    }
}

fn topic(step: &str) -> &str {
    step.rsplit_once('@').map_or(step, |(topic, _)| topic)
}

fn local(edge: &mut Edge) -> Change {
    let is_new = edge.forward != Forward::Local && edge.provenance;
    edge.forward = Forward::Local;
    is_new.then(|| "forward: local".to_owned())
}

fn merge(edge: &mut Edge) -> Change {
    edge.merge = true;
    Some("merge: true".to_owned())
}

/// The source's alias behind the name.
fn suffix(edge: &mut Edge, write: &str) -> Change {
    let to = vec![Part::Topic, Part::Literal(format!("-{}", edge.source))];
    let rename = Rename {
        rules: vec![RenameRule { matches: None, to }],
    };
    let is_new = edge.rename != rename;
    edge.rename = rename;
    is_new.then(|| match write {
        "suffix" => "rename: suffix".to_owned(),
        template => format!("rename: '{template}'"),
    })
}

fn keep(edge: &mut Edge) -> Change {
    let is_new = edge.rename != Rename::default();
    edge.rename = Rename::default();
    is_new.then(|| "rename: keep".to_owned())
}

/// The old name within the new one: several topics stay several.
fn spread(edge: &mut Edge) -> Change {
    let [rule] = edge.rename.rules.as_mut_slice() else {
        return None;
    };
    let (None, [Part::Literal(text)]) = (&rule.matches, rule.to.as_slice()) else {
        return None;
    };
    let write = format!("rename: '{text}.{{topic}}'");
    rule.to = vec![Part::Literal(format!("{text}.")), Part::Topic];
    Some(write)
}

/// The rename with `.` for everything that Kafka refuses.
fn legal(edge: &mut Edge) -> Change {
    let source = edge.source.to_string();
    let mut has_changed = false;
    for part in edge.rename.rules.iter_mut().flat_map(|rule| &mut rule.to) {
        if let Part::Literal(text) = part {
            let is_legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
            let legal: String = text
                .chars()
                .map(|c| if is_legal(c) { c } else { '.' })
                .collect();
            has_changed |= *text != legal;
            *text = legal;
        }
    }
    match (has_changed, edge.rename.rules.as_slice()) {
        (true, [RenameRule { matches: None, to }]) => {
            let text = |part: &Part| match part {
                Part::Literal(text) => text.replace(&source, "{source}"),
                Part::Topic => "{topic}".to_owned(),
                Part::Group(n) => format!("${n}"),
            };
            Some(format!(
                "rename: '{}'",
                to.iter().map(text).collect::<String>()
            ))
        }
        _ => suffix(edge, "suffix"),
    }
}

/// Without the patterns of `exclude_topics` that take everything away.
fn narrower(edge: &mut Edge) -> Change {
    let dropped = edge.exclude_topics.pop()?;
    Some(match edge.exclude_topics.is_empty() {
        true => "exclude_topics: []".to_owned(),
        false => format!("exclude_topics without '{}'", dropped.text),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_a_topic_at_a_cluster() {
        assert_eq!(topic("orders@a"), "orders");
    }
}
