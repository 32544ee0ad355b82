//! How long the proof takes on topologies as large as anybody has them: `cargo bench -p crossdock-model`.

#![allow(missing_docs, reason = "criterion makes functions that nobody calls")]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use crossdock_model::{file, graph};

#[path = "../tests/support/large.rs"]
mod large;

fn check(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("check");
    group.sample_size(10);
    for (name, text) in [
        (
            "1000-edges-of-200-alternatives",
            large::alternations(1_000, 200),
        ),
        ("mesh-of-200-clusters", large::mesh(200, "prefix")),
        ("tree-of-100-leaves", large::tree(100)),
    ] {
        let (draft, _) = file::read(&text, None);
        let Some(draft) = draft else { continue };
        group.bench_function(name, |bencher| {
            bencher.iter(|| black_box(graph::check(black_box(&draft))));
        });
    }
    group.finish();
}

criterion_group!(benches, check);
criterion_main!(benches);
