//! One step of the autoregressive search: logits in, next beams out.
//!
//! Shapes are (requests, beams, vocabulary). Batches of logits rotate, so
//! that each step reads them from memory and not from a cache. The answer of
//! every shape is checked against the oracle's order before it is timed: the
//! scores of the beams must be those of a full sort.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use widebeam::autoregressive::{AutoregressiveSearch, Request, Rules, Stopping};
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

/// Scores to rotate through, in bytes: more than the caches hold.
const ROTATION: usize = 256 << 20;

/// A bell curve, as the logits of a language model have it: the sum of four
/// uniform numbers, from one hash.
fn logits(count: usize, seed: u64) -> Vec<f32> {
    let mut state = seed;
    let draw = |_| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let mixed = (state ^ (state >> 31)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let sum: u64 = (0..4).map(|part| mixed >> (16 * part) & 0xffff).sum();
        (sum as f32 / 65536.0 - 2.0) * 5.0
    };
    (0..count).map(draw).collect()
}

/// A search of which every request has all its beams.
fn start(requests: usize, beams: usize, vocab: usize) -> AutoregressiveSearch {
    let rules = Rules {
        stopping: Stopping::FirstFinished { patience: 1e12 },
        ..Rules::plain()
    };
    let request = Request::new(beams, usize::MAX).end_tokens([2]).rules(rules);
    let mut search = AutoregressiveSearch::new(vocab).unwrap();
    for _ in 0..requests {
        search.admit(request.clone()).unwrap();
    }
    while search.feed().rows() < requests * beams {
        let rows = search.feed().rows();
        let first = logits(rows * vocab, 1);
        search
            .advance(&ScoresView::logits(&first, [rows, vocab]).unwrap())
            .unwrap();
    }
    search
}

/// The parents and tokens that one step of a single request must lead to.
fn expected(beams: usize, vocab: usize, scores: &[f64], logits: &[f32]) -> Vec<(u32, u32)> {
    let mut all: Vec<(f64, u32, u32)> = Vec::new();
    for (parent, (score, row)) in scores.iter().zip(logits.chunks(vocab)).enumerate() {
        let total: f64 = row.iter().map(|&x| f64::from(x).exp()).sum();
        let normaliser = total.ln();
        let log = |(token, &x): (usize, &f32)| {
            (
                score + f64::from(x) - normaliser,
                parent as u32,
                token as u32,
            )
        };
        all.extend(row.iter().enumerate().map(log));
    }
    all.select_nth_unstable_by(2 * beams, |a, b| b.0.total_cmp(&a.0));
    all.truncate(2 * beams);
    all.sort_by(|a, b| b.0.total_cmp(&a.0));
    let live = all.iter().filter(|candidate| candidate.2 != 2);
    live.map(|&(_, parent, token)| (parent, token))
        .take(beams)
        .collect()
}

/// Panics unless the first two steps of a request agree with a full sort.
fn check(beams: usize, vocab: usize) {
    let mut search = AutoregressiveSearch::new(vocab).unwrap();
    let request = Request::new(beams, 9).end_tokens([2]);
    search.admit(request).unwrap();
    let first = logits(vocab, 11);
    search
        .advance(&ScoresView::logits(&first, [1, vocab]).unwrap())
        .unwrap();
    let tokens = search.feed().tokens().to_vec();
    let total: f64 = first.iter().map(|&x| f64::from(x).exp()).sum();
    let score = |&token: &u32| f64::from(first[token as usize]) - total.ln();
    let scores: Vec<f64> = tokens.iter().map(score).collect();
    let second = logits(beams * vocab, 13);
    search
        .advance(&ScoresView::logits(&second, [beams, vocab]).unwrap())
        .unwrap();
    let feed = search.feed();
    let found = feed
        .parents()
        .iter()
        .copied()
        .zip(feed.tokens().iter().copied());
    let found: Vec<(u32, u32)> = found.collect();
    let expected = expected(beams, vocab, &scores, &second);
    // Scores as close as the two normalisers' rounding may change places.
    let misplaced = found.iter().zip(&expected).filter(|(a, b)| a != b).count();
    assert_eq!(found.len(), beams);
    assert!(
        misplaced * 50 <= beams,
        "{misplaced} of {beams} beams differ"
    );
}

fn step(criterion: &mut Criterion) {
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
    targets = step
}
criterion_main!(benches);
