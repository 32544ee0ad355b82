//! The checks are checked: clean evidence passes, and evidence that was tampered with is caught by
//! just the right check.

use std::collections::{BTreeMap, BTreeSet};

use super::{Check, Claim, Evidence, Route, Sample, judge};
use crate::random::Random;
use crate::record::{ClusterDump, PartitionLog, Record, VIA};
use crate::segments::{Batch, Kind};
use crate::shapes::{self, Identity};
use crate::writer::{Birth, Outcome};

const PARTITIONS: usize = 2;
const EACH: u64 = 200;

#[test]
fn a_clean_two_way_pair_is_exact() {
    let verdict = judge(&two_way());
    assert_eq!(verdict.violations(), []);
    assert_eq!(verdict.copies(), 2 * PARTITIONS * EACH as usize);
}

#[test]
fn a_lost_copy_is_missed() {
    fires(Check::Completeness, |log| {
        drop(log.remove(copy_at(log, 30)))
    });
}

#[test]
fn a_lost_tombstone_is_missed() {
    fires(Check::Completeness, |log| {
        let place = log
            .iter()
            .position(|r| r.value.is_none() && r.last_hop().is_some());
        log.remove(place.expect("there is a tombstone"));
    });
}

#[test]
fn a_lost_tail_is_missed() {
    fires(Check::Completeness, |log| {
        let last = log.iter().rposition(|r| r.last_hop().is_some());
        log.remove(last.expect("there is a copy"));
    });
}

#[test]
fn a_repeated_copy_is_seen() {
    fires(Check::Duplicate, |log| {
        let again = Record {
            offset: 9_999,
            ..log[copy_at(log, 31)].clone()
        };
        log.push(again);
    });
}

#[test]
fn a_repeated_bare_null_is_seen() {
    fires(Check::Duplicate, |log| {
        let bare = |r: &Record| r.key.is_none() && r.value.is_none() && r.headers.len() == 1;
        let place = log.iter().position(bare).expect("there is one");
        log.push(Record {
            offset: 9_999,
            ..log[place].clone()
        });
    });
}

#[test]
fn two_copies_that_changed_places_are_seen() {
    fires(Check::Order, |log| {
        let (a, b) = (copy_at(log, 40), copy_at(log, 41));
        log.swap(a, b);
    });
}

#[test]
fn changed_content_is_seen() {
    let changes: [fn(&mut Record); 5] = [
        |r| r.key.get_or_insert_default().push(0),
        |r| r.value.get_or_insert_default().push(b'!'),
        |r| r.timestamp = r.timestamp.map(|t| t + 1),
        |r| r.headers.insert(0, (b"more".to_vec(), None)),
        |r| r.value = None,
    ];
    for (number, change) in changes.into_iter().enumerate() {
        let mut evidence = two_way();
        let log = log_of(&mut evidence, "sh", 0);
        let place = copy_at(log, 33);
        change(&mut log[place]);
        assert_eq!(
            checks(&evidence),
            BTreeSet::from([Check::Content]),
            "change {number}"
        );
    }
}

#[test]
fn headers_in_another_order_are_seen() {
    fires(Check::Content, |log| {
        let place = log
            .iter()
            .position(|r| r.headers.len() > 3 && r.last_hop().is_some());
        log[place.expect("some have many")].headers.swap(0, 1);
    });
}

#[test]
fn a_null_that_became_empty_is_seen() {
    fires(Check::Content, |log| {
        let place = log
            .iter()
            .position(|r| r.value.is_none() && r.last_hop().is_some());
        log[place.expect("there is a tombstone")].value = Some(Vec::new());
    });
    fires(Check::Content, |log| {
        let null = |r: &Record| {
            r.headers
                .first()
                .is_some_and(|(n, v)| n == b"null" && v.is_none())
        };
        let place = log.iter().position(|r| null(r) && r.last_hop().is_some());
        log[place.expect("there is a null header")].headers[0].1 = Some(Vec::new());
    });
}

#[test]
fn a_header_that_names_another_partition_is_seen() {
    let mut evidence = two_way();
    let log = log_of(&mut evidence, "sh", 0);
    let place = copy_at(log, 20);
    let via = b"bj/id-bj/orders/1/20".to_vec();
    log[place].headers.last_mut().expect("a copy has one").1 = Some(via);
    assert_eq!(
        checks(&evidence),
        BTreeSet::from([Check::Provenance, Check::Completeness])
    );
}

#[test]
fn a_record_that_came_home_is_seen() {
    let mut evidence = two_way();
    let mut home = log_of(&mut evidence, "sh", 0)[copy_at_of(&two_way(), 25)].clone();
    home.offset = 9_999;
    home.headers
        .push((VIA.to_vec(), Some(b"sh/id-sh/orders/0/25".to_vec())));
    home.value = None; // not told by its identity, but by its path
    log_of(&mut evidence, "bj", 0).push(home);
    assert!(checks(&evidence).contains(&Check::Return));
}

#[test]
fn an_aborted_or_invented_record_is_seen() {
    let mut evidence = two_way();
    let invented = Record {
        offset: 9_999,
        value: Some(b"?".to_vec()),
        ..Record::default()
    };
    // At the end of the chain, where no further edge would have had to copy it.
    evidence
        .topics
        .get_mut("sh")
        .expect("sh is there")
        .insert("alone".into());
    let alone = vec![PartitionLog {
        records: vec![invented],
        ..PartitionLog::default()
    }];
    evidence
        .clusters
        .get_mut("sh")
        .expect("sh is there")
        .topics
        .insert("alone".into(), alone);
    assert_eq!(checks(&evidence), BTreeSet::from([Check::Invention]));
}

#[test]
fn a_record_that_its_own_producer_wrote_twice_is_nobodys_duplicate() {
    let mut evidence = two_way();
    let log = log_of(&mut evidence, "bj", 0);
    let born = log
        .iter()
        .find(|r| r.hops().is_empty() && r.uid().is_some());
    let again = Record {
        offset: 9_999,
        ..born.expect("some are born here").clone()
    };
    log.push(again.clone());
    let mut copy = again;
    copy.headers
        .push((VIA.to_vec(), Some(b"bj/id-bj/orders/0/9999".to_vec())));
    let target = log_of(&mut evidence, "sh", 0);
    target.push(copy.clone());
    let verdict = judge(&evidence);
    assert_eq!((verdict.violations(), verdict.doubled()), (&[][..], 1));
    // Not so the copy of one of them that comes twice.
    log_of(&mut evidence, "sh", 0).push(copy);
    assert_eq!(checks(&evidence), BTreeSet::from([Check::Duplicate]));
}

#[test]
fn a_written_record_that_its_own_log_lost_is_seen() {
    let mut evidence = two_way();
    let log = log_of(&mut evidence, "bj", 0);
    let place = log
        .iter()
        .position(|r| r.hops().is_empty())
        .expect("some are born here");
    log.remove(place);
    assert!(checks(&evidence).contains(&Check::Birth));
}

#[test]
fn a_topic_or_group_too_many_is_seen() {
    let mut evidence = two_way();
    evidence
        .clusters
        .get_mut("bj")
        .expect("bj")
        .topics
        .insert("stray".into(), Vec::new());
    assert_eq!(checks(&evidence), BTreeSet::from([Check::World]));
    let mut evidence = two_way();
    evidence
        .clusters
        .get_mut("bj")
        .expect("bj")
        .groups
        .push("stray".into());
    assert_eq!(checks(&evidence), BTreeSet::from([Check::World]));
}

/// `orders` on sh/0 as at least once may leave it: records 60 to 79 twice, the second time behind 79.
fn with_a_replay(evidence: &mut Evidence) -> Vec<Record> {
    let log = log_of(evidence, "sh", 0);
    let (from, to) = (copy_at(log, 60), copy_at(log, 79));
    let again: Vec<Record> = log[from..=to].to_vec();
    let again: Vec<Record> = again
        .into_iter()
        .filter(|record| record.last_hop().is_some())
        .collect();
    log.splice(to + 1..to + 1, again.clone());
    again
}

#[test]
fn a_replay_is_allowed_where_it_may_be_and_only_as_long_as_it_may_be() {
    let mut evidence = two_way();
    let again = with_a_replay(&mut evidence);
    assert!(
        checks(&evidence).contains(&Check::Duplicate),
        "exactly once"
    );
    evidence.replays_max = Some(again.len() as u64);
    assert_eq!(checks(&evidence), BTreeSet::new());
    evidence.replays_max = Some(again.len() as u64 - 1);
    assert_eq!(checks(&evidence), BTreeSet::from([Check::Replay]));
}

#[test]
fn a_repeat_with_a_gap_is_no_replay() {
    let mut evidence = two_way();
    let again = with_a_replay(&mut evidence);
    evidence.replays_max = Some(again.len() as u64);
    let log = log_of(&mut evidence, "sh", 0);
    let second = log
        .iter()
        .rposition(|record| record.headers == again[5].headers && record.key == again[5].key);
    log.remove(second.expect("it is there twice"));
    assert_eq!(checks(&evidence), BTreeSet::from([Check::Replay]));
}

#[test]
fn lost_reordered_or_changed_records_are_seen_among_replays_too() {
    for (check, tamper) in [
        (
            Check::Completeness,
            (|log| drop(log.remove(copy_at(log, 30)))) as fn(&mut Vec<Record>),
        ),
        (Check::Content, |log| {
            let place = copy_at(log, 33);
            log[place].key.get_or_insert_default().push(0);
        }),
    ] {
        let mut evidence = two_way();
        evidence.replays_max = Some(1_000);
        tamper(log_of(&mut evidence, "sh", 0));
        assert!(checks(&evidence).contains(&check), "{check:?}");
    }
}

// === What the ledger holds besides the logs ===

#[test]
fn two_records_of_one_key_that_changed_places_break_the_order_of_the_key() {
    let mut evidence = two_way();
    let log = log_of(&mut evidence, "sh", 0);
    let copies: Vec<usize> = (0..log.len())
        .filter(|place| log[*place].last_hop().is_some() && log[*place].uid().is_some())
        .collect();
    let first = copies[40];
    let second = copies[41..]
        .iter()
        .find(|place| log[**place].key == log[first].key);
    log.swap(first, *second.expect("keys come again"));
    let found = checks(&evidence);
    assert!(
        found.contains(&Check::KeyOrder) && found.contains(&Check::Order),
        "{found:?}"
    );
}

fn sample(position: i64, target_end: i64) -> Sample {
    Sample {
        edge: "bj-to-sh".into(),
        target_topic: "orders".into(),
        partition: 0,
        position,
        target_end,
    }
}

#[test]
fn a_position_beyond_what_the_target_held_is_seen() {
    let mut evidence = two_way();
    let log = log_of(&mut evidence, "sh", 0);
    let copy = log[copy_at(log, 50)].clone();
    let (offset, hop) = (copy.offset, copy.last_hop().expect("it is a copy"));
    // All that lies before the position was there: the copy before, and no record behind it.
    evidence.samples = vec![sample(hop.offset, offset)];
    assert_eq!(checks(&evidence), BTreeSet::new());
    // Raised by one, the record itself would have had to be there.
    evidence.samples = vec![sample(hop.offset + 1, offset)];
    assert_eq!(checks(&evidence), BTreeSet::from([Check::Position]));
    evidence.samples = vec![sample(hop.offset + 1, offset + 1)];
    assert_eq!(checks(&evidence), BTreeSet::new());
}

#[test]
fn a_position_beyond_the_sources_log_is_seen() {
    let mut evidence = two_way();
    for cluster in evidence.clusters.values_mut() {
        cluster.topics.get_mut("orders").expect("it is there")[0].end = 5_000;
    }
    evidence.samples = vec![sample(5_000, 5_000)];
    assert_eq!(checks(&evidence), BTreeSet::new());
    evidence.samples = vec![sample(5_001, 5_000)];
    assert_eq!(checks(&evidence), BTreeSet::from([Check::Position]));
}

/// Producer, epoch, offset, kind.
fn batches(all: &[(i64, i16, i64, Kind)]) -> Evidence {
    let batch = |&(producer, epoch, first, kind): &(i64, i16, i64, Kind)| Batch {
        first,
        last: first,
        producer,
        epoch,
        kind,
    };
    let batches = all.iter().map(batch).collect();
    let place = ("sh".to_owned(), "orders".to_owned(), 0);
    Evidence {
        batches: BTreeMap::from([(place, batches)]),
        ..two_way()
    }
}

#[test]
fn two_owners_of_one_partition_at_a_time_are_seen() {
    use Kind::{Abort, Commit, Transactional as Data};
    let exact = [
        // One after the other; and an old one whose attempt was aborted.
        &[
            (1, 0, 10, Data),
            (1, 0, 11, Commit),
            (2, 0, 12, Data),
            (2, 0, 13, Commit),
        ][..],
        &[
            (1, 0, 10, Data),
            (2, 0, 11, Data),
            (1, 1, 12, Abort),
            (2, 0, 13, Commit),
        ],
        &[
            (1, 0, 10, Data),
            (1, 0, 11, Commit),
            (1, 1, 12, Data),
            (1, 1, 13, Commit),
        ],
    ];
    for all in exact {
        assert_eq!(checks(&batches(all)), BTreeSet::new(), "{all:?}");
    }
    let wrong = [
        // Both became visible though they were open at one time.
        &[
            (1, 0, 10, Data),
            (2, 0, 11, Data),
            (1, 0, 12, Commit),
            (2, 0, 13, Commit),
        ][..],
        // An older incarnation wrote after a newer one.
        &[
            (1, 1, 10, Data),
            (1, 1, 11, Commit),
            (1, 0, 12, Data),
            (1, 0, 13, Abort),
        ],
    ];
    for all in wrong {
        assert_eq!(
            checks(&batches(all)),
            BTreeSet::from([Check::Writer]),
            "{all:?}"
        );
    }
}

#[test]
fn users_transactions_may_overlap() {
    use Kind::{Commit, Transactional as Data};
    let all = |first| {
        let markers = [(1, 0, 2_000, Commit), (2, 0, 2_001, Commit)];
        let written = [(1, 0, first, Data), (2, 0, first + 1, Data)];
        batches(&[written, markers].concat())
    };
    let mut evidence = all(1_000);
    assert_eq!(checks(&evidence), BTreeSet::from([Check::Writer]));
    // The same batches, and in them what no edge has stamped.
    let births = log_of(&mut evidence, "bj", 0).len();
    assert!(births > 1);
    let place = ("sh".to_owned(), "orders".to_owned(), 0);
    let moved = evidence.batches.remove(&place).expect("it is there");
    let log = log_of(&mut evidence, "bj", 0);
    let unstamped = log.iter().position(|r| r.last_hop().is_none());
    let first = log[unstamped.expect("some were born there")].offset;
    let at_home = moved.into_iter().map(|batch| match batch.kind {
        Data => Batch {
            first,
            last: first,
            ..batch
        },
        _ => batch,
    });
    let place = ("bj".to_owned(), "orders".to_owned(), 0);
    evidence.batches.insert(place, at_home.collect());
    assert_eq!(checks(&evidence), BTreeSet::new());
}

#[test]
fn what_only_one_isolation_level_shows_is_hidden_attempts_and_nothing_else() {
    let mut evidence = two_way();
    evidence.uncommitted = evidence.clusters.clone();
    // An attempt that was aborted: there, but not for who reads committed.
    let attempt = log_of(&mut evidence, "sh", 0)[copy_at_of(&two_way(), 25)].clone();
    let all = evidence.uncommitted.get_mut("sh").expect("it is there");
    let log = &mut all.topics.get_mut("orders").expect("it is there")[0].records;
    log.push(Record {
        offset: 9_999,
        ..attempt
    });
    assert_eq!(checks(&evidence), BTreeSet::new());
    assert!(
        judge(&evidence)
            .to_string()
            .contains("1 in aborted attempts")
    );
    let all = evidence.uncommitted.get_mut("sh").expect("it is there");
    all.topics.get_mut("orders").expect("it is there")[0]
        .records
        .remove(3);
    assert_eq!(checks(&evidence), BTreeSet::from([Check::Isolation]));
}

#[test]
fn a_source_that_was_changed_and_a_restart_that_wrote_are_seen() {
    let mut evidence = two_way();
    let before = vec!["orders 2 []".to_owned()];
    evidence
        .untouched
        .insert("bj".into(), [before.clone(), before.clone()]);
    evidence.restarts.push([800, 800]);
    assert_eq!(checks(&evidence), BTreeSet::new());
    let after = [before.clone(), vec!["a group".to_owned()]].concat();
    evidence.untouched.insert("bj".into(), [before, after]);
    assert_eq!(checks(&evidence), BTreeSet::from([Check::Source]));
    evidence.untouched.clear();
    evidence.restarts.push([800, 801]);
    assert_eq!(checks(&evidence), BTreeSet::from([Check::Restart]));
}

/// What both edges rightly say of themselves.
fn claims() -> Vec<Claim> {
    let each = EACH * PARTITIONS as u64;
    let claim = |edge: &str| Claim {
        edge: edge.into(),
        written: each,
        left_out: BTreeMap::from([("loop".to_owned(), each)]),
        ..Claim::default()
    };
    vec![claim("bj-to-sh"), claim("sh-to-bj")]
}

#[test]
fn edges_that_do_not_tell_the_truth_are_seen() {
    let with = |change: fn(&mut Claim)| {
        let mut evidence = two_way();
        evidence.claims = claims();
        change(&mut evidence.claims[0]);
        checks(&evidence)
    };
    assert_eq!(with(|_| {}), BTreeSet::new());
    // What was lost lies in no log, and is no record to read.
    assert_eq!(with(|claim| claim.lost = 5), BTreeSet::new());
    assert_eq!(
        with(|claim| claim.lag = 1),
        BTreeSet::from([Check::Metrics])
    );
    let more = with(|claim| claim.left_out.extend([("loop".into(), 7)]));
    assert_eq!(more, BTreeSet::from([Check::Accounting]));
    // One that says it has written more than it has is wrong in every account.
    let all = BTreeSet::from([Check::Metrics, Check::Accounting, Check::Conservation]);
    assert_eq!(with(|claim| claim.written += 1), all);
}

/// Tampers with partition 0 of `orders` on sh.
fn fires(check: Check, tamper: impl FnOnce(&mut Vec<Record>)) {
    let mut evidence = two_way();
    tamper(log_of(&mut evidence, "sh", 0));
    assert_eq!(checks(&evidence), BTreeSet::from([check]));
}

fn checks(evidence: &Evidence) -> BTreeSet<Check> {
    judge(evidence)
        .violations()
        .iter()
        .map(|v| v.check)
        .collect()
}

fn copy_at(log: &[Record], number: usize) -> usize {
    let copies = log
        .iter()
        .enumerate()
        .filter(|(_, r)| r.last_hop().is_some());
    copies
        .map(|(place, _)| place)
        .nth(number)
        .expect("there are enough copies")
}

fn copy_at_of(evidence: &Evidence, number: usize) -> usize {
    copy_at(&evidence.clusters["sh"].topics["orders"][0].records, number)
}

fn log_of<'a>(evidence: &'a mut Evidence, alias: &str, partition: usize) -> &'a mut Vec<Record> {
    let cluster = evidence
        .clusters
        .get_mut(alias)
        .expect("the cluster is there");
    &mut cluster
        .topics
        .get_mut("orders")
        .expect("the topic is there")[partition]
        .records
}

/// `orders` kept in both directions between bj and sh, with holes in the offsets as markers leave.
fn two_way() -> Evidence {
    let mut evidence = Evidence::default();
    let mut random = Random::new(42);
    for alias in ["bj", "sh"] {
        let orders = vec![PartitionLog::default(); PARTITIONS];
        let topics = BTreeMap::from([("orders".to_owned(), orders)]);
        let dump = ClusterDump {
            id: format!("id-{alias}"),
            topics,
            groups: Vec::new(),
        };
        evidence.clusters.insert(alias.into(), dump);
        evidence
            .topics
            .insert(alias.into(), BTreeSet::from(["orders".to_owned()]));
    }
    for (source, target) in [("bj", "sh"), ("sh", "bj")] {
        evidence.routes.push(Route {
            edge: format!("{source}-to-{target}"),
            source: source.into(),
            topic: "orders".into(),
            target: target.into(),
            target_topic: "orders".into(),
            local_only: false,
        });
        for partition in 0..PARTITIONS {
            for sequence in 0..EACH {
                let who = Identity {
                    origin: source,
                    topic: "orders",
                    partition,
                    sequence,
                };
                let mut born = shapes::record(&who, shapes::ODD_ONE_IN, &mut random);
                born.offset = push(log_of(&mut evidence, source, partition), born.clone());
                let mut copy = born.clone();
                let via = format!("{source}/id-{source}/orders/{partition}/{}", born.offset);
                copy.headers.push((VIA.to_vec(), Some(via.into_bytes())));
                push(log_of(&mut evidence, target, partition), copy);
                let (cluster, topic) = (source.into(), "orders".into());
                let outcome = Outcome::Written;
                evidence.births.push(Birth {
                    cluster,
                    topic,
                    partition,
                    record: born,
                    outcome,
                });
            }
        }
    }
    let clusters = evidence.clusters.values_mut();
    for log in clusters.flat_map(|c| c.topics.values_mut()).flatten() {
        log.end = log.records.last().map_or(0, |record| record.offset + 1);
    }
    evidence
}

fn push(log: &mut Vec<Record>, mut record: Record) -> i64 {
    record.offset = log
        .last()
        .map_or(0, |r| r.offset + if r.offset % 10 == 8 { 2 } else { 1 });
    let offset = record.offset;
    log.push(record);
    offset
}
