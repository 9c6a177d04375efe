//! The independent search against its naive reference, over the shapes of the
//! README: `cargo bench --bench search`.
//!
//! Throughput is in bytes of scores read. The reference is given one item, of
//! as many steps as it does in about a second, so its throughput, not its
//! time, is what compares. Every answer is checked before it is timed.

use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use widebeam::measure::random_score;
use widebeam::{IndependentSearch, NBest, ScoreKind, ScoresView, reference};

mod support;

/// Shape and beam width.
const SHAPES: [([usize; 3], usize); 5] = [
    ([32, 20, 1000], 3),
    ([32, 20, 50_000], 5),
    ([8, 64, 128_256], 10),
    ([64, 200, 5000], 16),
    ([1, 20, 50_000], 5),
];

/// Candidates that the reference scores in one iteration, at most, if a step
/// has no more.
const CANDIDATES: usize = 4_000_000;

fn independent(criterion: &mut Criterion) {
    for (shape, beams) in SHAPES {
        let shape = support::cut(shape);
        for kind in [ScoreKind::Probabilities, ScoreKind::Logits] {
            compare(criterion, shape, beams, kind);
        }
    }
}

fn compare(criterion: &mut Criterion, shape: [usize; 3], beams: usize, kind: ScoreKind) {
    let [batch, time, vocab] = shape;
    let score = |index| random_score(kind, vocab, index);
    let values: Vec<f32> = (0..(batch * time * vocab) as u64).map(score).collect();
    let scores = ScoresView::new(kind, &values, shape).expect("a valid shape");
    let steps = (CANDIDATES / (beams * vocab)).clamp(1, time);
    let lengths = [steps];
    let slice = scores.items(0..1);
    let slice = slice.with_lengths(&lengths).expect("one length");

    let mut search = IndependentSearch::new(beams).expect("a valid beam width");
    check(&mut search, &slice);

    let mut group = criterion.benchmark_group("independent");
    let name = format!("{kind:?}/{batch}x{time}x{vocab}/{beams}").to_lowercase();
    let mut nbest = NBest::new();
    group.throughput(Throughput::Bytes(scores.bytes() as u64));
    group.bench_function(BenchmarkId::new("engine", &name), |bencher| {
        bencher.iter(|| {
            search
                .decode_into(&scores, &mut nbest)
                .expect("valid scores")
        });
    });
    group.throughput(Throughput::Bytes(slice.bytes() as u64));
    group.sample_size(10);
    group.warm_up_time(Duration::from_millis(500));
    group.bench_function(BenchmarkId::new("reference", &name), |bencher| {
        bencher.iter(|| reference::independent(&slice, beams));
    });
    group.finish();
}

/// The engine's answer is the reference's, to the bit.
fn check(search: &mut IndependentSearch, scores: &ScoresView<'_>) {
    let found = search.decode(scores).expect("valid scores");
    let expected = reference::independent(scores, search.beams());
    for (found, expected) in found.iter().zip(&expected) {
        let found: Vec<_> = found
            .map(|best| (best.tokens.to_vec(), best.score.to_bits()))
            .collect();
        let expected: Vec<_> = expected
            .iter()
            .map(|(tokens, score)| (tokens.clone(), score.to_bits()))
            .collect();
        assert_eq!(found, expected);
    }
}

criterion_group!(benches, independent);
criterion_main!(benches);
