//! Phase one of every search by itself: the best tokens of each row, at every
//! level of this processor, beside a bare read of the same rows.
//!
//! Throughput is in bytes of scores. `widebeam bench kernels` has more inputs,
//! and measures in turn.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use widebeam::measure::{TopTokens, read_all};
use widebeam::top_k::{Rows, TopK};
use widebeam::{Level, ScoreKind, ScoresView, reference};
use widebeam_perf::synthetic::random_score;
use widebeam_perf::workload::{Dtype, Shape, Values};

mod support;

/// Kind, tokens in a row, and how many are wanted.
const ROWS: [(ScoreKind, usize, usize); 6] = [
    (ScoreKind::Probabilities, 128_256, 10),
    (ScoreKind::Probabilities, 5000, 16),
    (ScoreKind::Probabilities, 5000, 64),
    (ScoreKind::Probabilities, 1000, 8),
    (ScoreKind::Probabilities, 32, 8),
    (ScoreKind::Logits, 32_000, 8),
];

/// Size of a tensor in values: 256 MiB, more than the caches hold.
const VALUES: usize = 64 << 20;

fn kernels(criterion: &mut Criterion) {
    for (kind, vocab, k) in ROWS {
        let shape @ [_, _, vocab] = support::cut([1, VALUES / vocab, vocab]);
        let shape = Shape(shape);
        let score = |index| random_score(kind, vocab, index as u64);
        let values = Values::new(Dtype::F32, shape, score).expect("enough memory");
        let scores = values.view(kind, 0, shape).expect("a valid shape");

        let mut group = criterion.benchmark_group("kernels");
        group.throughput(Throughput::Bytes(scores.bytes() as u64));
        group.sample_size(10);
        let name = format!("{kind:?}/{vocab}/{k}").to_lowercase();
        group.bench_function(BenchmarkId::new("read", &name), |bencher| {
            bencher.iter(|| black_box(read_all(&scores, Level::best())));
        });
        let mut top = TopTokens::default();
        for level in Level::available() {
            check(&mut top, &scores, k, level);
            group.bench_function(BenchmarkId::new(level.name(), &name), |bencher| {
                bencher.iter(|| top.fill(&scores, k, level).expect("an available level"));
            });
        }
        group.finish();
    }
}

/// The tokens of the first row are those of a sort.
fn check(top: &mut TopTokens, scores: &ScoresView<'_>, k: usize, level: Level) {
    top.fill(scores, k, level).expect("an available level");
    let ranks = reference::row_ranks(&reference::values(scores, 0, 0));
    let (tokens, _, _) = top.get(0, 0).expect("valid scores");
    assert_eq!(tokens.len(), k.min(scores.vocab()));
    for (rank, &token) in tokens.iter().enumerate() {
        assert_eq!(ranks[token as usize], rank, "{level}");
    }
}

/// The public functions: rows of a vocabulary, for a sampler.
fn public(criterion: &mut Criterion) {
    let (columns, k) = (50_257, 50);
    let [_, count, columns] = support::cut([1, VALUES / columns, columns]);
    let score = |index: usize| random_score(ScoreKind::Logits, columns, index as u64);
    let data: Vec<f32> = (0..count * columns).map(score).collect();
    let rows = Rows::new(&data, [count, columns]).expect("a valid shape");
    let mut top_k = TopK::new(k).expect("a valid k");
    let places = count * top_k.found(&rows);
    let (mut indices, mut values) = (vec![0; places], vec![0.0; places]);
    let mut logs = vec![0.0; places];

    let mut group = criterion.benchmark_group("public");
    group.throughput(Throughput::Bytes(size_of_val(&data[..]) as u64));
    group.sample_size(10);
    let name = format!("{columns}/{k}");
    group.bench_function(BenchmarkId::new("top_k", &name), |bencher| {
        let mut find = || top_k.find(&rows, &mut indices, &mut values);
        bencher.iter(|| find().expect("valid numbers"));
    });
    group.bench_function(BenchmarkId::new("log_softmax_top_k", &name), |bencher| {
        let mut find = || top_k.find_log_softmax(&rows, &mut indices, &mut logs);
        bencher.iter(|| find().expect("valid numbers"));
    });
    group.finish();
    let ranks = reference::row_ranks(&data[..columns]);
    let found = indices.iter().take(top_k.found(&rows));
    assert!(
        found
            .map(|&index| ranks[index as usize])
            .eq(0..top_k.found(&rows))
    );
}

criterion_group!(benches, kernels, public);
criterion_main!(benches);
