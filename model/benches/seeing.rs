//! What it costs to count and to time a record: to be held against what copying one takes.

#![allow(missing_docs, reason = "criterion makes functions that nobody calls")]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use crossdock_model::latency::{Ages, Histogram};

/// Records of a batch, and what a busy producer's clock makes of them.
const BATCH: i64 = 500;

/// What the record engine does for each record of a batch, and once for the batch.
fn batch(histogram: &mut Histogram, at_ms: i64) -> (u64, u64, u64) {
    let (mut records, mut bytes, mut zero_timestamps) = (0, 0, 0);
    let mut ages = Ages::default();
    for record in 0..BATCH {
        let timestamp = black_box(at_ms + record / 50);
        records += 1;
        bytes += black_box(200);
        zero_timestamps += u64::from(timestamp == 0);
        ages.note(timestamp, at_ms + 120);
    }
    histogram.observe_all(&ages, at_ms + 130);
    (records, bytes, zero_timestamps)
}

fn seeing(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("seeing");
    group.throughput(Throughput::Elements(BATCH.unsigned_abs()));
    let (mut histogram, mut at_ms) = (Histogram::default(), 1_700_000_000_000);
    group.bench_function("records of a batch", |bencher| {
        bencher.iter(|| {
            at_ms += 10;
            black_box(batch(&mut histogram, at_ms))
        });
    });
    group.finish();
}

criterion_group!(benches, seeing);
criterion_main!(benches);
