//! What holds of any plan.

use super::*;

/// A small generator: the property must hold for any shape, not for the same ones each time.
struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }

    fn pick<'a>(&mut self, all: &[&'a str]) -> &'a str {
        all[self.below(all.len() as u64) as usize]
    }
}

fn random_inventory(random: &mut Random) -> Inventory {
    let mut seen = empty();
    for cluster in ["a", "b", "c", "d"] {
        for name in ["orders", "users", "orders-a", "a.orders"] {
            if random.below(3) == 0 {
                continue;
            }
            let mut own = Vec::new();
            for key in [
                "retention.ms",
                "max.message.bytes",
                "min.insync.replicas",
                "cleanup.policy",
            ] {
                if random.below(3) == 0 {
                    own.push((key, random.pick(&["1", "2000000", "7"])));
                }
            }
            let count = 1 + random.below(5) as usize;
            put(
                &mut seen,
                cluster,
                name,
                topic(&format!("{name}@{cluster}"), count, &own),
            );
            for operation in ["READ", "WRITE", "ALL"] {
                if random.below(4) == 0 {
                    let acl = Acl {
                        topic: name.to_owned(),
                        principal: "User:x".to_owned(),
                        host: "*".to_owned(),
                        operation: operation.to_owned(),
                        permission: random.pick(&["ALLOW", "DENY"]).to_owned(),
                    };
                    let cluster = seen
                        .clusters
                        .get_mut(&Alias::new(cluster))
                        .expect("it is there");
                    cluster.acls.get_or_insert_default().insert(acl);
                }
            }
        }
    }
    for (edge, from, to) in [
        ("a-to-b", "a", "b"),
        ("old", "a", "b"),
        ("b-to-a", "b", "a"),
        ("c-to-d", "c", "d"),
    ] {
        let mut positions = BTreeMap::new();
        for (topic, into) in [
            ("orders", "orders"),
            ("orders", "orders-a"),
            ("users", "users"),
        ] {
            if random.below(2) == 0 {
                let noted = (random.below(3) > 0).then(|| format!("{topic}@{from}"));
                let offset = random.below(12) as i64;
                positions.insert((into.to_owned(), random.below(3) as i32), (offset, noted));
            }
        }
        let groups = &mut cluster(&mut seen, to).groups;
        groups.insert(
            format!("crossdock.t.{edge}"),
            Group {
                positions,
                ..Group::default()
            },
        );
    }
    seen
}

#[test]
fn a_plan_that_is_carried_out_leaves_nothing_to_do() {
    let shapes = [
        "  - { from: a, to: b, both_ways: true, topics: '.*', sync: { acls: true } }\n",
        "  - { from: a, to: b, both_ways: true, topics: 'orders|users', rename: suffix }\n",
        "  - { from: a, to: b, topics: '.*' }\n  - { from: b, to: c, topics: '.*', sync: { acls: true } }\n  - { from: c, to: d, topics: '.*' }\n",
        "  - { from: a, to: b, topics: '.*' }\n  - { from: b, to: c, topics: '.*' }\n  - { from: c, to: a, topics: '.*', sync: { acls: true } }\n",
        "  - { from: [a, b, c], to: d, topics: '.*', merge: true, sync: { acls: true } }\n",
        "  - { from: [a, b, c], to: d, topics: users, rename: prefix, sync: { configs: false } }\n",
        "  - { from: a, to: [b, c], topics: '.*', sync: { topics: false } }\n",
        "  - { from: a, to: b, topics: '.*', sync: { partitions: false } }\n",
        "  - { name: new, renamed_from: old, from: a, to: b, topics: 'orders|users', rename: suffix }\n",
        "  - { from: a, to: b, topics: 'orders|users', rename: '{topic}-of-{source}' }\n",
    ];
    let (mut plans, mut changes) = (0, 0);
    for shape in shapes {
        let t = topology(shape);
        for seed in 0..200 {
            let seen = random_inventory(&mut Random(seed));
            let first = make(&t, &seen);
            let second = make(&t, &after(seen, &first.changes));
            assert!(
                second.changes.is_empty(),
                "seed {seed} of {shape}: {:#?}\nafter {:#?}",
                second.changes,
                first.changes
            );
            plans += 1;
            changes += first.changes.len();
        }
    }
    println!("{plans} plans with {changes} changes, none with a rest");
    assert!(changes > plans);
}

#[test]
fn ten_thousand_topics_both_ways_are_planned_in_seconds() {
    let t = topology("  - { from: a, to: b, both_ways: true, topics: '.*', rename: suffix }\n");
    let mut seen = empty();
    for number in 0..10_000 {
        put(
            &mut seen,
            "a",
            &format!("t{number}"),
            topic(&number.to_string(), 1, &[]),
        );
    }
    let begun = std::time::Instant::now();
    let plan = make(&t, &seen);
    let took = begun.elapsed();
    println!("{} changes in {took:?}", plan.changes.len());
    assert_eq!(lines(&plan).len(), 10_000);
    assert!(took.as_secs() < 20, "{took:?}");
}
