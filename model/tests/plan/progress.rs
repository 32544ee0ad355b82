//! Where edges go on.

use super::*;

#[test]
fn a_changed_rename_goes_on_where_it_was() {
    let t = topology("  - { from: a, to: b, topics: orders, rename: prefix }\n");
    let mut seen = empty();
    put(&mut seen, "a", "orders", topic("o", 1, &[]));
    put(&mut seen, "b", "orders-a", topic("p", 1, &[]));
    let positions = [(("orders-a".to_owned(), 0), (7, Some("o".to_owned())))].into();
    let groups = &mut seen
        .clusters
        .get_mut(&Alias::new("b"))
        .expect("it is there")
        .groups;
    groups.insert(
        "crossdock.t.a-to-b".to_owned(),
        Group {
            positions,
            ..Group::default()
        },
    );
    let plan = make(&t, &seen);
    let topic = &plan.edges[0].topics[0];
    assert_eq!(topic.was.as_deref(), Some("orders-a"));
    assert_eq!(topic.partitions[0].start_offset, 7);
    assert!(codes(&plan).contains(&Code::Renamed));
}

#[test]
fn where_progress_is_gone_the_targets_records_tell_where_it_goes_on() {
    let t = topology("  - { from: a, to: b, topics: orders, start: latest }\n");
    let mut seen = empty();
    put(&mut seen, "a", "orders", topic("o", 4, &[]));
    put(&mut seen, "b", "orders", topic("p", 3, &[]));
    let flows = make_flows(&t, &seen);
    // On the first run, nothing says that what lies there is of this edge.
    assert_eq!(unplaced(&t, &flows, &seen), []);
    let positions = [(("orders".to_owned(), 0), (7, Some("o".to_owned())))].into();
    let groups = &mut cluster(&mut seen, "b").groups;
    groups.insert(
        "crossdock.t.a-to-b".to_owned(),
        Group {
            positions,
            ..Group::default()
        },
    );
    let places = unplaced(&t, &flows, &seen);
    let numbers: Vec<_> = places.iter().map(|place| place.partition).collect();
    assert_eq!(numbers, [1, 2], "the fourth is not there yet");
    seen.tails = places
        .into_iter()
        .zip([Tail::Last(4), Tail::Unknown])
        .collect();
    let plan = make(&t, &seen);
    let told = plan.edges[0].topics[0].partitions.iter();
    let told: Vec<_> = told.map(|p| (p.start_offset, p.records, p.start)).collect();
    assert_eq!(
        told,
        [
            (7, 3, None),
            (5, 5, Some(Start::LastCopy)),
            (10, 0, Some(Start::ProgressLost)),
            (0, 10, None),
        ]
    );
}

#[test]
fn progress_that_the_source_has_left_behind_is_told_as_the_policies_say() {
    let at = |policies: &str, offset: i64, noted: &str| {
        let t = topology(&format!(
            "  - {{ from: a, to: b, topics: orders{policies} }}\n"
        ));
        let mut seen = empty();
        let mut source = topic("o", 1, &[]);
        source.partitions[0].start = 4;
        put(&mut seen, "a", "orders", source);
        put(&mut seen, "b", "orders", topic("p", 1, &[]));
        let positions = [(("orders".to_owned(), 0), (offset, Some(noted.to_owned())))].into();
        let groups = &mut cluster(&mut seen, "b").groups;
        groups.insert(
            "crossdock.t.a-to-b".to_owned(),
            Group {
                positions,
                ..Group::default()
            },
        );
        let told = make(&t, &seen).edges[0].topics[0].partitions[0].clone();
        (told.start_offset, told.records, told.start)
    };
    let restart = ", on_recreated: restart, on_gap: continue";
    assert_eq!(at("", 7, "o"), (7, 3, None));
    assert_eq!(at("", 4, "o"), (4, 6, None));
    assert_eq!(at("", 3, "o"), (10, 0, Some(Start::Gap)));
    assert_eq!(at(restart, 3, "o"), (4, 6, Some(Start::BehindGap)));
    assert_eq!(at("", 12, "o"), (10, 0, Some(Start::Gap)));
    assert_eq!(at(restart, 12, "o"), (10, 0, Some(Start::BehindGap)));
    assert_eq!(at("", 7, "former"), (10, 0, Some(Start::Recreated)));
    assert_eq!(at(restart, 7, "former"), (4, 6, Some(Start::Restarted)));
}

fn make_flows(topology: &Topology, seen: &Inventory) -> Vec<crossdock_model::plan::Flow> {
    let topics = crossdock_model::plan::topics_of(seen);
    crossdock_model::plan::flows(topology, &Names::new(topology.draft()), &topics, |_| false)
}
