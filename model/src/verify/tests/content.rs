//! Without provenance.

use super::*;

fn pair(n: i64) -> Pair {
    let mut pair = Pair::clean(0..n);
    pair.has_no_provenance = true;
    pair.target.iter_mut().for_each(|r| r.birth = Birth::Other);
    pair
}

type Tamper = fn(&mut Pair);

/// What is done, and what it counts as.
const CASES: [(&str, Tamper, [u64; 5]); 13] = [
    ("nothing", |_| {}, [0; 5]),
    (
        "one is missing",
        |p| {
            p.target.remove(50);
        },
        [1, 0, 0, 0, 0],
    ),
    (
        "the last is missing",
        |p| {
            p.target.pop();
        },
        [1, 0, 0, 0, 0],
    ),
    (
        "many are",
        |p| drop(p.target.drain(1_000..4_000)),
        [3_000, 0, 0, 0, 0],
    ),
    (
        "one twice",
        |p| p.target.insert(51, p.target[50]),
        [0, 1, 0, 0, 0],
    ),
    ("two swapped", |p| p.target.swap(50, 51), [0, 0, 1, 0, 0]),
    (
        "one too late",
        |p| {
            let r = p.target.remove(10);
            p.target.insert(200, r)
        },
        [0, 0, 1, 0, 0],
    ),
    (
        "a value",
        |p| p.target[8].digest = digest("k1", "x", 8),
        [0, 0, 0, 1, 0],
    ),
    (
        "two in a row",
        |p| {
            p.target[8].digest = digest("k1", "x", 8);
            p.target[9].digest = digest("k2", "y", 9)
        },
        [0, 0, 0, 2, 0],
    ),
    (
        "something else",
        |p| {
            p.target.insert(
                8,
                TargetRecord {
                    digest: digest("a", "b", -5),
                    ..p.target[8]
                },
            )
        },
        [0, 0, 0, 0, 1],
    ),
    (
        "much else",
        |p| {
            let other = TargetRecord {
                digest: digest("a", "b", -5),
                ..p.target[8]
            };
            p.target.splice(8..8, vec![other; 3_000]);
        },
        [0, 0, 0, 0, 3_000],
    ),
    (
        "not copied yet",
        |p| {
            p.to = Some(4_000);
            p.target.truncate(4_500)
        },
        [0; 5],
    ),
    (
        "retention at the target",
        |p| {
            p.rules.before_first = Some((Excuse::TrimmedAtTarget, i64::MAX));
            p.target.drain(..300);
        },
        [0; 5],
    ),
];

#[test]
fn every_kind_of_difference_is_told_by_order_and_content() {
    for (what, tamper, should) in CASES {
        let mut pair = pair(5_000);
        tamper(&mut pair);
        let row = pair.renumbered().row();
        assert_eq!(counts(&row), should, "{what}: {row:?}");
    }
}

#[test]
fn retention_at_the_source_leaves_copies_without_a_record() {
    let mut pair = pair(5_000);
    pair.rules.before_first = Some((Excuse::TrimmedAtSource, i64::MAX));
    pair.source.drain(..300);
    let row = pair.row();
    assert_eq!(
        (counts(&row), row.excused.count(Excuse::TrimmedAtSource)),
        ([0; 5], 300)
    );
}

#[test]
fn records_that_are_alike_are_counted() {
    let same = |offset| SourceRecord {
        digest: digest("k", "same", 0),
        ..record(offset)
    };
    let source: Vec<_> = (0..100).map(same).collect();
    let target: Vec<_> = source.iter().zip(100..).map(|(r, t)| copy(r, t)).collect();
    let mut pair = Pair {
        source,
        target,
        has_no_provenance: true,
        ..Pair::default()
    };
    assert!(pair.row().is_equal());
    pair.target.push(pair.target[0]);
    assert_eq!(counts(&pair.row()), [0, 1, 0, 0, 0]);
    pair.target.truncate(98);
    assert_eq!(counts(&pair.row()), [2, 0, 0, 0, 0]);
}
