//! From headers to what a record is.

use super::*;

fn lens() -> Lens {
    Lens {
        source_id: "src".to_owned(),
        target_id: "tgt".to_owned(),
        topic: "orders".to_owned(),
        partition: 3,
        topic_id: Some("now".to_owned()),
        is_recreated: false,
        provenance: true,
        is_local_only: false,
        selection: None,
    }
}

fn via(values: &[&str]) -> Vec<(Vec<u8>, Vec<u8>)> {
    let one = |v: &&str| (b"crossdock-via".to_vec(), v.as_bytes().to_vec());
    values.iter().map(one).collect()
}

fn target(lens: &Lens, headers: &[(Vec<u8>, Vec<u8>)]) -> TargetRecord {
    let mut look = lens.look();
    headers
        .iter()
        .for_each(|(name, value)| look.header(name, Some(value)));
    look.target(7, None, None, 0)
}

#[test]
fn copies_are_told_by_their_last_hop() {
    let ours = |source, is_repair| Birth::Ours { source, is_repair };
    let cases: [(&[&str], bool, Birth); 10] = [
        (&["bj/src/orders/3/5"], false, ours(5, false)),
        (
            &["hk/else/orders/3/9", "other-alias/src/orders/3/5"],
            false,
            ours(5, false),
        ),
        (
            &["bj/src/orders/3/5", "hk/else/orders/3/9"],
            false,
            Birth::Other,
        ),
        (
            &["bj/src/orders/4/5"],
            false,
            Birth::Displaced {
                partition: 4,
                source: 5,
            },
        ),
        (&["bj/src/users/3/5"], false, Birth::Other),
        (&["no hop"], false, Birth::Other),
        (&["bj/src/orders/3/5"], true, Birth::Earlier),
        (&["bj/src/orders/3/5/now"], true, ours(5, false)),
        (&["bj/src/orders/3/5/then"], true, Birth::Earlier),
        (&["bj/src/orders/3/5/now.repaired"], false, ours(5, true)),
    ];
    for (hops, is_recreated, should) in cases {
        let lens = Lens {
            is_recreated,
            ..lens()
        };
        assert_eq!(target(&lens, &via(hops)).birth, should, "{hops:?}");
    }
}

#[test]
fn the_hop_that_was_added_is_no_part_of_what_is_compared() {
    let user = |n: &str, v: &str| (n.as_bytes().to_vec(), v.as_bytes().to_vec());
    let lens = lens();
    let source = |headers: &[(Vec<u8>, Vec<u8>)]| {
        let mut look = lens.look();
        headers
            .iter()
            .for_each(|(name, value)| look.header(name, Some(value)));
        look.source(5, None, None, 0)
    };
    let plain = vec![user("a", "1"), user("a", "1"), user("b", "")];
    let born = source(&plain);
    let hop = via(&["bj/src/orders/3/5"]);
    let cases = [
        (
            "as it should be",
            [plain.clone(), hop.clone()].concat(),
            true,
        ),
        (
            "the hop is not the last",
            [plain[..2].to_vec(), hop.clone(), plain[2..].to_vec()].concat(),
            false,
        ),
        (
            "one is gone",
            [plain[1..].to_vec(), hop.clone()].concat(),
            false,
        ),
        (
            "another order",
            [
                vec![user("b", ""), user("a", "1"), user("a", "1")],
                hop.clone(),
            ]
            .concat(),
            false,
        ),
        (
            "one hop too many",
            [plain.clone(), via(&["hk/x/orders/3/1"]), hop].concat(),
            false,
        ),
    ];
    for (what, headers, is_equal) in cases {
        assert_eq!(
            target(&lens, &headers).digest == born.digest,
            is_equal,
            "{what}"
        );
    }
}

#[test]
fn the_record_guard_decides_what_was_to_be_copied() {
    let fate = |is_local_only, hops: &[&str]| {
        let lens = Lens {
            is_local_only,
            ..lens()
        };
        let mut look = lens.look();
        via(hops)
            .iter()
            .for_each(|(name, value)| look.header(name, Some(value)));
        look.source(5, None, None, 0).fate
    };
    assert_eq!(fate(false, &[]), Fate::Copied);
    assert_eq!(fate(false, &["hk/else/orders/0/1"]), Fate::Copied);
    assert_eq!(
        fate(false, &["sh/tgt/orders/0/1", "hk/else/orders/0/1"]),
        Fate::Left(Excuse::Loop)
    );
    assert_eq!(
        fate(true, &["hk/else/orders/0/1"]),
        Fate::Left(Excuse::Replica)
    );
    assert_eq!(fate(true, &["no hop"]), Fate::Copied);
}

#[test]
fn what_an_edge_does_not_choose_is_no_difference() {
    let text = "topology: t\nclusters:\n  bj: { bootstrap.servers: 'a:1' }\n  sh: { bootstrap.servers: \
                'b:1' }\nedges:\n  - { from: bj, to: sh, topics: orders, filter: { header: { env: test } \
                }, drop_headers: 'x-.*' }\n";
    let (draft, findings) = crate::file::read(text, None);
    assert_eq!(findings, []);
    let lens = Lens {
        selection: crate::select::Selection::of(&draft.expect("it is read").edges[0]),
        ..lens()
    };
    let record = |headers: &[(&str, &str)]| {
        let mut look = lens.look();
        for (name, value) in headers {
            look.header(name.as_bytes(), Some(value.as_bytes()));
        }
        look.source(5, None, None, 0)
    };
    let plain = record(&[("env", "test")]);
    assert_eq!(plain.fate, Fate::Copied);
    assert_eq!(record(&[("x-trace", "1"), ("env", "test")]), plain);
    assert_eq!(record(&[("env", "prod")]).fate, Fate::Left(Excuse::Filter));
}
