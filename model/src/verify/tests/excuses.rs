use super::*;

type Make = fn(&mut Pair);

const fn before(excuse: Excuse) -> Option<(Excuse, i64)> {
    Some((excuse, i64::MAX))
}

/// What is done, what it counts as, and how many records are excused for which reason.
const CASES: [(&str, Make, [u64; 5], Excuse, u64); 17] = [
    (
        "retention at the target takes a prefix",
        |p| {
            p.rules.before_first = before(Excuse::TrimmedAtTarget);
            p.target.drain(..30);
        },
        [0; 5],
        Excuse::TrimmedAtTarget,
        30,
    ),
    (
        "but nothing behind it",
        |p| {
            p.rules.before_first = before(Excuse::TrimmedAtTarget);
            p.target.remove(40);
            p.target.drain(..30);
        },
        [1, 0, 0, 0, 0],
        Excuse::TrimmedAtTarget,
        30,
    ),
    (
        "all of it",
        |p| {
            p.rules.before_first = before(Excuse::TrimmedAtTarget);
            p.target.clear();
        },
        [0; 5],
        Excuse::TrimmedAtTarget,
        100,
    ),
    (
        "an edge that began at a time",
        |p| {
            p.rules.before_first = Some((Excuse::BeforeStart, 20));
            p.target.drain(..30);
        },
        [10, 0, 0, 0, 0],
        Excuse::BeforeStart,
        20,
    ),
    (
        "retention at the source",
        |p| {
            p.target.insert(
                0,
                TargetRecord {
                    birth: Birth::Ours {
                        source: -1,
                        is_repair: false,
                    },
                    ..named(0, 0)
                },
            );
        },
        [0; 5],
        Excuse::TrimmedAtSource,
        1,
    ),
    (
        "compaction at the source",
        |p| {
            p.rules.source_is_compacted = true;
            p.source.drain(10..20);
        },
        [0; 5],
        Excuse::CompactedAtSource,
        10,
    ),
    (
        "not behind its end",
        |p| {
            p.rules.source_is_compacted = true;
            p.target.push(named(0, 5_000));
        },
        [0, 0, 0, 0, 1],
        Excuse::CompactedAtSource,
        0,
    ),
    (
        "compaction at the target leaves the last of each of the 7 keys",
        |p| {
            p.rules.target_is_compacted = true;
            p.target.drain(..93);
        },
        [0; 5],
        Excuse::CompactedAtTarget,
        93,
    ),
    (
        "and not less",
        |p| {
            p.rules.target_is_compacted = true;
            p.target.drain(..94);
        },
        [1, 0, 0, 0, 0],
        Excuse::CompactedAtTarget,
        93,
    ),
    (
        "unless it is a tombstone",
        |p| {
            p.rules.target_is_compacted = true;
            p.source[99].digest = Digest::new(Some(b"k1"), None, HeaderFold::default(), 99);
            p.target.pop();
        },
        [0; 5],
        Excuse::CompactedAtTarget,
        1,
    ),
    (
        "or another's record has the key",
        |p| {
            p.rules.target_is_compacted = true;
            let last = p.target.pop().expect("one");
            p.target.push(TargetRecord {
                birth: Birth::Other,
                ..last
            });
        },
        [0; 5],
        Excuse::CompactedAtTarget,
        1,
    ),
    (
        "left out on purpose",
        |p| {
            p.source[3].fate = Fate::Left(Excuse::Loop);
            p.target.remove(3);
        },
        [0; 5],
        Excuse::Loop,
        1,
    ),
    (
        "others' records",
        |p| {
            p.target.insert(
                3,
                TargetRecord {
                    birth: Birth::Other,
                    ..named(0, 3)
                },
            );
        },
        [0; 5],
        Excuse::NotOfThisEdge,
        1,
    ),
    (
        "an earlier incarnation",
        |p| {
            p.target.insert(
                0,
                TargetRecord {
                    birth: Birth::Earlier,
                    ..named(0, 3)
                },
            );
        },
        [0; 5],
        Excuse::EarlierIncarnation,
        1,
    ),
    (
        "behind an open transaction",
        |p| {
            p.is_open = true;
            p.target.truncate(60);
            p.target.remove(20);
        },
        [1, 0, 0, 0, 0],
        Excuse::BehindOpenTransaction,
        40,
    ),
    (
        "not copied yet, and copied meanwhile",
        |p| {
            p.to = Some(50);
            p.target.truncate(70);
        },
        [0; 5],
        Excuse::Loop,
        0,
    ),
    (
        "sent again by a repair",
        |p| {
            let mut late = p.target.remove(20);
            late.birth = Birth::Ours {
                source: 20,
                is_repair: true,
            };
            p.target.push(late);
        },
        [0; 5],
        Excuse::Repaired,
        1,
    ),
];

#[test]
fn what_is_gone_rightly_is_no_difference() {
    for (what, tamper, should, excuse, count) in CASES {
        let mut pair = Pair::clean(0..100);
        tamper(&mut pair);
        let row = pair.renumbered().row();
        assert_eq!(counts(&row), should, "{what}: {row:?}");
        assert_eq!(row.excused.count(excuse), count, "{what}: {row:?}");
    }
}

#[test]
fn a_target_that_stamps_its_own_time_differs_in_that_only() {
    let mut pair = Pair::clean(0..100);
    pair.target
        .iter_mut()
        .for_each(|r| r.digest = r.digest.timeless());
    assert_eq!(counts(&pair.row()), [0, 0, 0, 99, 0]);
    pair.rules.ignores_timestamps = true;
    pair.target[50].digest = digest("k", "x", 1);
    assert_eq!(counts(&pair.row()), [0, 0, 0, 1, 0]);
}
