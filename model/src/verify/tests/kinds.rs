use super::*;

/// A change of a clean pair.
type Tamper = fn(&mut Pair);

/// What is done, what it counts as, and the first difference.
const CASES: [(&str, Tamper, [u64; 5], &str); 19] = [
    ("nothing", |_| {}, [0, 0, 0, 0, 0], ""),
    (
        "the first is missing",
        |p| {
            p.target.remove(0);
        },
        [1, 0, 0, 0, 0],
        "missing 0>-",
    ),
    (
        "one in the middle",
        |p| {
            p.target.remove(50);
        },
        [1, 0, 0, 0, 0],
        "missing 50>-",
    ),
    (
        "the last",
        |p| {
            p.target.pop();
        },
        [1, 0, 0, 0, 0],
        "missing 99>-",
    ),
    (
        "all",
        |p| p.target.clear(),
        [100, 0, 0, 0, 0],
        "missing 0>-",
    ),
    (
        "one twice",
        |p| p.target.insert(51, p.target[50]),
        [0, 1, 0, 0, 0],
        "duplicated 50>151",
    ),
    (
        "one again at the end",
        |p| p.target.push(p.target[3]),
        [0, 1, 0, 0, 0],
        "duplicated 3>200",
    ),
    (
        "two swapped",
        |p| p.target.swap(50, 51),
        [0, 0, 1, 0, 0],
        "reordered 50>151",
    ),
    (
        "one too late",
        |p| {
            let r = p.target.remove(10);
            p.target.push(r)
        },
        [0, 0, 1, 0, 0],
        "reordered 10>199",
    ),
    (
        "one too early: those it overtook",
        |p| {
            let r = p.target.remove(15);
            p.target.insert(10, r)
        },
        [0, 0, 5, 0, 0],
        "reordered 10>111",
    ),
    (
        "key",
        |p| p.target[7].digest = digest("x", "v7", 7),
        [0, 0, 0, 1, 0],
        "altered key 7>107",
    ),
    (
        "value",
        |p| p.target[8].digest = digest("k1", "x", 8),
        [0, 0, 0, 1, 0],
        "altered value 8>108",
    ),
    (
        "timestamp",
        |p| p.target[9].digest = digest("k2", "v9", 8),
        [0, 0, 0, 1, 0],
        "altered timestamp 9>109",
    ),
    (
        "headers",
        |p| p.target[9].digest = Digest::new(Some(b"k2"), Some(b"v9"), HeaderFold::default(), 9),
        [0, 0, 0, 1, 0],
        "altered headers 9>109",
    ),
    (
        "key and value",
        |p| p.target[9].digest = digest("x", "y", 9),
        [0, 0, 0, 1, 0],
        "altered key,value 9>109",
    ),
    (
        "null for empty",
        |p| {
            p.source[9].digest = Digest::new(Some(b""), None, HeaderFold::default(), 9);
            p.target[9].digest = Digest::new(None, None, HeaderFold::default(), 9)
        },
        [0, 0, 0, 1, 0],
        "altered key 9>109",
    ),
    (
        "of no record",
        |p| {
            p.source.remove(20);
        },
        [0, 0, 0, 0, 1],
        "unexpected 20>120",
    ),
    (
        "of the future",
        |p| p.target.insert(5, named(0, 1_000_000)),
        [0, 0, 0, 0, 1],
        "unexpected 1000000>105",
    ),
    (
        "of one to be dropped",
        |p| p.source[20].fate = Fate::Left(Excuse::Loop),
        [0, 0, 0, 0, 1],
        "unexpected 20>120",
    ),
];

#[test]
fn every_kind_of_difference_is_told_by_its_places() {
    for (what, tamper, should, first) in CASES {
        let mut pair = Pair::clean(0..100);
        tamper(&mut pair);
        let row = pair.renumbered().row();
        assert_eq!(counts(&row), should, "{what}: {row:?}");
        assert_eq!(
            row.first.first().map_or(String::new(), told),
            first,
            "{what}"
        );
    }
}

fn told(difference: &Difference) -> String {
    let what = difference
        .what
        .as_ref()
        .map(|w| format!(" {w}"))
        .unwrap_or_default();
    let place = |offset: Option<i64>| offset.map_or("-".to_owned(), |o| o.to_string());
    format!(
        "{}{what} {}>{}",
        difference.kind.as_str(),
        place(difference.source_offset),
        place(difference.target_offset)
    )
}

#[test]
fn one_record_in_a_million_of_every_kind() {
    // With gaps, as markers leave them.
    let offsets = || (0..1_050_000).filter(|o| o % 21 != 20);
    let clean = Pair::clean(offsets());
    assert_eq!(
        (clean.row().compared, clean.row().is_equal()),
        (1_000_000, true)
    );
    const PLACE: usize = 777_777;
    let cases: [(Tamper, [u64; 5], &str); 6] = [
        (
            |p| {
                p.target.remove(PLACE);
            },
            [1, 0, 0, 0, 0],
            "missing 816665>-",
        ),
        (
            |p| p.target.insert(900_000, p.target[PLACE]),
            [0, 1, 0, 0, 0],
            "duplicated 816665>900100",
        ),
        (
            |p| p.target.swap(PLACE, PLACE + 1),
            [0, 0, 1, 0, 0],
            "reordered 816665>777878",
        ),
        (
            |p| p.target[PLACE].digest = digest("k", "tampered", 816_665),
            [0, 0, 0, 1, 0],
            "altered key,value 816665>777877",
        ),
        (
            |p| p.target[PLACE].digest = digest("k3", "v816665", 816_666),
            [0, 0, 0, 1, 0],
            "altered timestamp 816665>777877",
        ),
        (
            |p| {
                p.source.remove(PLACE);
            },
            [0, 0, 0, 0, 1],
            "unexpected 816665>777877",
        ),
    ];
    for (tamper, should, first) in cases {
        let mut pair = clean.clone();
        tamper(&mut pair);
        let row = pair.renumbered().row();
        assert_eq!(counts(&row), should, "{first}: {row:?}");
        assert_eq!(told(&row.first[0]), first);
    }
}

#[test]
fn what_lies_beyond_the_window_is_still_counted_exactly() {
    const N: usize = by_hop::WINDOW;
    let cases: [(&str, Tamper, [u64; 5]); 5] = [
        (
            "a gap larger than the window",
            |p| drop(p.target.drain(500..500 + 2 * N)),
            [2 * N as u64, 0, 0, 0, 0],
        ),
        (
            "one at the very end",
            |p| {
                let r = p.target.remove(7);
                p.target.push(r)
            },
            [0, 0, 1, 0, 0],
        ),
        (
            "one at the very beginning",
            |p| {
                let r = p.target.pop().expect("one");
                p.target.insert(0, r)
            },
            [0, 0, 1, 0, 0],
        ),
        (
            "everything twice",
            |p| p.target.extend_from_within(..),
            [0, 3 * N as u64, 0, 0, 0],
        ),
        (
            "a copy of nothing far ahead",
            |p| {
                p.source.remove(2 * N);
                let r = p.target.remove(2 * N);
                p.target.insert(3, r)
            },
            [0, 0, 0, 0, 1],
        ),
    ];
    for (what, tamper, should) in cases {
        let mut pair = Pair::clean(0..3 * N as i64);
        tamper(&mut pair);
        assert_eq!(counts(&pair.renumbered().row()), should, "{what}");
    }
}

#[test]
fn the_first_differences_have_one_of_each_kind() {
    let mut pair = Pair::clean(0..100);
    for at in 0..30 {
        pair.target[at].digest = digest("k", "x", 0);
    }
    pair.target.push(pair.target[99]);
    pair.target.remove(98);
    let row = pair.renumbered().row();
    assert_eq!(counts(&row), [1, 1, 0, 30, 0]);
    let kinds: Vec<_> = row.first.iter().map(|d| d.kind).collect();
    assert_eq!(row.first.len(), 10);
    assert!(
        kinds.contains(&Kind::Missing) && kinds.contains(&Kind::Duplicated),
        "{kinds:?}"
    );
    assert_eq!(row.first[0].source_offset, Some(0));
}

#[test]
fn a_copy_in_a_wrong_partition_is_looked_up_in_its_own() {
    let displaced = |partition, source| TargetRecord {
        birth: Birth::Displaced { partition, source },
        ..named(500, source)
    };
    type Counts = [u64; 5];
    let cases: [(&str, Tamper, TargetRecord, Counts, Counts); 4] = [
        (
            "missing in its own",
            |p| {
                p.target.remove(5);
            },
            displaced(0, 5),
            [0; 5],
            [0, 0, 0, 1, 0],
        ),
        (
            "there as well",
            |_| {},
            displaced(0, 5),
            [0; 5],
            [0, 1, 0, 0, 0],
        ),
        (
            "of no record",
            |_| {},
            displaced(0, 5_000),
            [0; 5],
            [0, 0, 0, 1, 0],
        ),
        (
            "of a partition that was not compared",
            |_| {},
            displaced(9, 5),
            [0; 5],
            [0, 0, 0, 1, 0],
        ),
    ];
    for (what, tamper, stray, own, other) in cases {
        let (mut zero, mut one) = (Pair::clean(0..100), Pair::clean(0..100));
        tamper(&mut zero);
        one.target.push(stray);
        let rows = settle(BTreeMap::from([(0, zero.outcome()), (1, one.outcome())]));
        assert_eq!(
            (counts(&rows[&0]), counts(&rows[&1])),
            (own, other),
            "{what}"
        );
    }
}
