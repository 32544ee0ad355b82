//! What must not change a verdict: other aliases, another order of the edges; and what may only make
//! it milder: an edge less, a narrower filter. On random topologies, `CROSSDOCK_SEED` chooses others.

use std::collections::BTreeSet;

use crossdock_model::file;
use crossdock_model::finding::{Code, Finding};
use crossdock_model::graph::{Names, check, verdicts};
use crossdock_model::name::Alias;
use crossdock_model::topology::Draft;

use crate::asked;
use crate::flows::{FILTERS, Random, flows, yaml};
use crate::simulator::Flow;

const TOPOLOGIES: u64 = if cfg!(debug_assertions) { 20 } else { 200 };

const ALIASES: [&str; 4] = ["c0", "c1", "c2", "c3"];

#[allow(clippy::print_stdout, reason = "a test says what it tried")]
fn seeds() -> std::ops::Range<u64> {
    let first = asked("CROSSDOCK_SEED").unwrap_or(1);
    println!("{TOPOLOGIES} topologies from seed {first}");
    first..first + TOPOLOGIES
}

fn read(text: &str) -> Draft {
    let (draft, findings) = file::read(text, None);
    let errors = findings.iter().any(|f| f.code != Code::UnusedCluster);
    assert!(!errors, "{findings:#?}\n{text}");
    draft.expect("a topology")
}

fn write(aliases: &[&str], clusters: usize, flows: &[Flow]) -> String {
    let order: Vec<usize> = (0..flows.len()).collect();
    yaml(&aliases[..clusters], flows, &order)
}

/// Every verdict, in the order of the file.
fn told(text: &str) -> Vec<Finding> {
    let mut findings = verdicts(&read(text)).findings;
    findings.sort_by_key(|f| (f.span, f.code));
    findings
}

/// A finding but for its words: code, edges, and the topics of its witness.
fn verdict(finding: &Finding) -> (Code, BTreeSet<String>, Vec<String>) {
    let edges = finding.edges.iter().map(ToString::to_string).collect();
    (finding.code, edges, finding.witness.clone())
}

#[test]
fn other_aliases_of_the_same_order_change_nothing_but_themselves() {
    // With their repairs, which take most of the time.
    for seed in seeds().step_by(5) {
        let (clusters, flows) = flows(&mut Random::new(seed));
        let before = check(&read(&write(&ALIASES, clusters, &flows))).findings;
        let after = check(&read(&write(&["d4", "k5", "m6", "q7"], clusters, &flows))).findings;
        let back = |text: &str| {
            let pairs = ["d4", "k5", "m6", "q7"].into_iter().zip(ALIASES);
            pairs.fold(text.to_owned(), |text, (new, old)| text.replace(new, old))
        };
        let lines = |all: &[Finding]| all.iter().map(|f| format!("{f:?}")).collect::<Vec<_>>();
        for (after, before) in lines(&after).iter().zip(lines(&before)) {
            assert_eq!(back(after), before, "seed {seed}");
        }
        assert_eq!(after.len(), before.len(), "seed {seed}");
    }
}

#[test]
fn other_aliases_of_another_order_change_no_verdict() {
    let shape = |finding: &Finding| (finding.code, finding.span, verdict(finding).1);
    for seed in seeds() {
        let (clusters, flows) = flows(&mut Random::new(seed));
        let before = told(&write(&ALIASES, clusters, &flows));
        let after = told(&write(&["z3", "y2", "x1", "w0"], clusters, &flows));
        let (before, after): (Vec<_>, Vec<_>) = (
            before.iter().map(shape).collect(),
            after.iter().map(shape).collect(),
        );
        assert_eq!(after, before, "seed {seed}");
    }
}

#[test]
fn another_order_of_the_edges_changes_no_verdict_and_findings_stand_in_the_order_of_the_file() {
    for seed in seeds() {
        let mut random = Random::new(seed);
        let (clusters, flows) = flows(&mut random);
        let before = told(&write(&ALIASES, clusters, &flows));
        let mut order: Vec<usize> = (0..flows.len()).collect();
        for at in (1..order.len()).rev() {
            order.swap(at, random.below(at + 1));
        }
        let after = told(&yaml(&ALIASES[..clusters], &flows, &order));
        assert!(after.is_sorted_by_key(|f| f.span.start), "seed {seed}");
        let sorted = |all: &[Finding]| {
            let mut all: Vec<_> = all.iter().map(verdict).collect();
            all.sort();
            all
        };
        assert_eq!(sorted(&after), sorted(&before), "seed {seed}: {order:?}");
    }
}

#[test]
fn an_edge_less_or_a_narrower_filter_adds_no_loop_and_no_duplicate() {
    let (mut changes, mut freed) = (0, 0);
    for seed in seeds() {
        let mut random = Random::new(seed);
        let (clusters, flows) = flows(&mut random);
        let text = write(&ALIASES, clusters, &flows);
        let old = read(&text);
        let before = verdicts(&old).findings;
        for number in 0..flows.len() {
            let mut fewer = flows.clone();
            fewer.remove(number);
            let mut narrower = flows.clone();
            let exclude = FILTERS[3 + random.below(FILTERS.len() - 3)];
            narrower[number].exclude.get_or_insert(exclude);
            for changed in [fewer, narrower] {
                if changed.is_empty() {
                    continue;
                }
                changes += 1;
                let changed = write(&ALIASES, clusters, &changed);
                let new = read(&changed);
                for finding in added(&before, &verdicts(&new).findings) {
                    assert!(
                        is_freed(&old, &new, finding),
                        "seed {seed}, edge {number}: {finding:#?}\n{text}\n{changed}"
                    );
                    freed += 1;
                }
            }
        }
    }
    println!("{changes} changes, after {freed} a topic was nobody's replica any more");
}

/// Loops and duplicates that were not there before.
fn added<'f>(before: &[Finding], after: &'f [Finding]) -> Vec<&'f Finding> {
    let codes = [Code::RecordLoop, Code::NameLoop, Code::DuplicateDelivery];
    let is_new = |f: &&Finding| codes.contains(&f.code) && !before.iter().any(|b| b.code == f.code);
    after.iter().filter(is_new).collect()
}

/// Whether a topic that an edge made until then stands in the witness or behind it: now it may be
/// anybody's, and the guards of replicas do not hold for it.
fn is_freed(old: &Draft, new: &Draft, finding: &Finding) -> bool {
    let (old_names, names) = (Names::new(old), Names::new(new));
    let mut queue: Vec<(Alias, String)> = finding.witness.iter().map(|step| place(step)).collect();
    let mut seen = BTreeSet::new();
    while let Some((alias, topic)) = queue.pop().filter(|_| seen.len() < 200) {
        if !seen.insert((alias.clone(), topic.clone())) {
            continue;
        }
        if old_names.is_replica(&alias, &topic) && !names.is_replica(&alias, &topic) {
            return true;
        }
        for edge in new.edges.iter().filter(|edge| edge.target == alias) {
            let from = names.sources(edge, &topic).into_iter();
            queue.extend(from.map(|old| (edge.source.clone(), old)));
        }
    }
    false
}

fn place(step: &str) -> (Alias, String) {
    let (topic, alias) = step.split_once('@').expect("topic@alias");
    (Alias::new(alias), topic.to_owned())
}
