//! How many records of 200 B are compared in a second, on one core: `cargo bench --workspace --bench verify`.

#![allow(missing_docs, reason = "criterion makes functions that nobody calls")]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use crossdock_model::verify::{Comparison, Lens, Rules, Side, Span};

const RECORDS: i64 = 200_000;

fn lens(provenance: bool) -> Lens {
    Lens {
        source_id: "4L6g3nShT-eMCtK--X86sw".to_owned(),
        target_id: "9mAlE4osQ9uJj1kmjFVBfA".to_owned(),
        topic: "orders".to_owned(),
        partition: 0,
        topic_id: None,
        is_recreated: false,
        provenance,
        is_local_only: false,
        selection: None,
    }
}

/// Key, value and hop of each record.
fn records() -> Vec<(Vec<u8>, Vec<u8>, Vec<u8>)> {
    let of = |offset: i64| {
        let value = format!("{offset:0>180}").into_bytes();
        let hop = format!("bj/4L6g3nShT-eMCtK--X86sw/orders/0/{offset}").into_bytes();
        (format!("key-{offset:0>16}").into_bytes(), value, hop)
    };
    (0..RECORDS).map(of).collect()
}

fn compare(records: &[(Vec<u8>, Vec<u8>, Vec<u8>)], provenance: bool) -> bool {
    let (lens, span) = (
        lens(provenance),
        Span {
            from: 0,
            to: RECORDS,
            log_start: 0,
            source_end: RECORDS,
        },
    );
    let mut comparison = Comparison::new(span, Rules::default(), provenance);
    let (mut source, mut target) = ((0..).zip(records), (0..).zip(records));
    while let Some(side) = comparison.wants() {
        let mut is_over = true;
        let next = match side {
            Side::Source => source.by_ref().take(500),
            Side::Target => target.by_ref().take(500),
        };
        for (offset, (key, value, hop)) in next {
            is_over = false;
            let mut look = lens.look();
            match side {
                Side::Source => {
                    comparison.source(look.source(offset, Some(key), Some(value), offset));
                }
                Side::Target => {
                    if provenance {
                        look.header(b"crossdock-via", Some(hop));
                    }
                    comparison.target(look.target(offset, Some(key), Some(value), offset));
                }
            }
        }
        if is_over {
            comparison.ended(side);
        }
    }
    comparison.finish().is_equal()
}

fn verify(criterion: &mut Criterion) {
    let records = records();
    let mut group = criterion.benchmark_group("verify");
    group.sample_size(10);
    group.throughput(Throughput::Elements(RECORDS.cast_unsigned()));
    for (name, provenance) in [("by-hop", true), ("by-content", false)] {
        assert!(compare(&records, provenance));
        group.bench_function(name, |bencher| {
            bencher.iter(|| black_box(compare(black_box(&records), provenance)));
        });
    }
    group.finish();
}

criterion_group!(benches, verify);
criterion_main!(benches);
