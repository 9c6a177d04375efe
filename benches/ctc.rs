//! CTC prefix search against its naive reference, on synthetic emissions:
//! `cargo bench --bench ctc`.
//!
//! Throughput is in frames. The reference is given the first frames of one
//! item, so its throughput, not its time, is what compares. Every answer is
//! checked before it is timed.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use widebeam::measure::random_emission;
use widebeam::{CtcNBest, CtcPruning, CtcSearch, ScoreKind, ScoresView, Unscored, reference};

mod support;

/// Shape and beam width: characters, characters with many beams, an OCR
/// alphabet, subwords.
const SHAPES: [([usize; 3], usize); 4] = [
    ([32, 400, 29], 16),
    ([32, 400, 29], 100),
    ([16, 160, 6625], 16),
    ([8, 400, 5000], 16),
];

/// Extensions that the reference looks at in one iteration.
const CANDIDATES: usize = 200_000;
const BLANK: u32 = 0;

fn ctc(criterion: &mut Criterion) {
    for (shape, beams) in SHAPES {
        let shape @ [batch, time, vocab] = support::cut(shape);
        let kind = ScoreKind::LogProbabilities;
        let score = |index| random_emission(kind, vocab, index);
        let values: Vec<f32> = (0..(batch * time * vocab) as u64).map(score).collect();
        let scores = ScoresView::new(kind, &values, shape).expect("a valid shape");
        let lengths = [(CANDIDATES / (beams * vocab)).clamp(1, time)];
        let slice = scores.items(0..1);
        let slice = slice.with_lengths(&lengths).expect("one length");
        let pruning = CtcPruning::default();
        let naive = || reference::ctc::search(&slice, 0, beams, BLANK, &pruning, &Unscored);

        let mut search = CtcSearch::new(beams, BLANK).expect("a valid beam width");
        let found = search.decode(&slice).expect("valid scores");
        let expected = naive();
        assert_eq!(found.item(0).len(), expected.len());
        for (found, expected) in found.item(0).zip(&expected) {
            assert_eq!(found.tokens, expected.tokens);
            assert_eq!(found.score.to_bits(), expected.score.to_bits());
        }

        let mut group = criterion.benchmark_group("ctc");
        let name = format!("{batch}x{time}x{vocab}/{beams}");
        let mut nbest = CtcNBest::new();
        group.throughput(Throughput::Elements((batch * time) as u64));
        group.bench_function(BenchmarkId::new("engine", &name), |bencher| {
            bencher.iter(|| {
                search
                    .decode_into(&scores, &mut nbest)
                    .expect("valid scores")
            });
        });
        group.throughput(Throughput::Elements(lengths[0] as u64));
        group.sample_size(10);
        group.bench_function(BenchmarkId::new("reference", &name), |bencher| {
            bencher.iter(naive);
        });
        group.finish();
    }
}

criterion_group!(benches, ctc);
criterion_main!(benches);
