//! One step of the autoregressive search: logits in, next beams out.
//!
//! Shapes are (requests, beams, vocabulary). Batches of logits rotate, so
//! that each step reads them from memory and not from a cache. The answer of
//! every shape is checked against the oracle's order before it is timed: the
//! scores of the beams must be those of a full sort.

mod step;

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use step::{ROTATION, check, logits, start};
use widebeam::measure::read_all;
use widebeam::{Level, ScoresView};

mod support;

const SHAPES: [(usize, usize, usize); 7] = [
    (1, 4, 32_000),
    (8, 4, 32_000),
    (8, 8, 49_152),
    (32, 5, 50_257),
    (1, 64, 32_000),
    (1, 512, 32_000),
    (1, 2000, 32_000),
];

fn steps(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("autoregressive");
    let rotation = if support::is_measured() {
        ROTATION
    } else {
        1 << 20
    };
    for (requests, beams, vocab) in SHAPES {
        let beams = if support::is_measured() {
            beams
        } else {
            beams.min(1000)
        };
        let [requests, _, vocab] = support::cut([requests, 1, vocab]);
        check(beams, vocab);
        let rows = requests * beams;
        let bytes = rows * vocab * size_of::<f32>();
        let copies = rotation.div_ceil(bytes).clamp(1, 64);
        let data = logits(copies * rows * vocab, 5);
        let mut search = start(requests, beams, vocab);
        let mut batches = data.chunks(rows * vocab).cycle();
        let name = BenchmarkId::from_parameter(format!("{requests}x{beams}x{vocab}"));
        group.throughput(Throughput::Bytes(bytes as u64));
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let scores = batches.next().expect("it never ends");
                let scores = ScoresView::logits(scores, [rows, vocab]).unwrap();
                search.advance(black_box(&scores)).unwrap();
            });
        });
    }
    // What reading alone takes: the roofline.
    let data = logits(rotation / size_of::<f32>(), 5);
    let scores = ScoresView::logits(
        &data[..rotation / 128_000 * 32_000],
        [rotation / 128_000, 32_000],
    )
    .unwrap();
    group.throughput(Throughput::Bytes(scores.bytes() as u64));
    group.bench_function("read", |bencher| {
        bencher.iter(|| read_all(&scores, Level::best()))
    });
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20).measurement_time(std::time::Duration::from_secs(3));
    targets = steps
}
criterion_main!(benches);
