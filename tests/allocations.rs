//! Decoding a second batch of the same shape allocates nothing.

#[path = "support/counting.rs"]
mod counting;

use widebeam::{IndependentSearch, NBest, ScoreKind, ScoresView};

/// Allocations during `f`, by any thread.
fn allocations(f: impl FnOnce()) -> usize {
    let before = counting::by_all_threads();
    f();
    counting::by_all_threads() - before
}

fn scores(seed: u64, count: usize) -> Vec<f32> {
    let mut state = seed;
    let mut next = || {
        state = state
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (state >> 40) as f32 / (1 << 24) as f32
    };
    (0..count).map(|_| next() * 0.9 + 0.01).collect()
}

/// It runs inside the pool: rayon's queue of calls from outside allocates now
/// and then. The counter sees all threads, those of the harness too, so a count
/// above 0 is taken again: what the search allocates, it allocates each time.
#[test]
fn a_second_batch_of_the_same_shape_allocates_nothing() {
    counting::check();
    for threads in [1, 2, 4] {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| {
            for (kind, shape, beams) in [
                (ScoreKind::Probabilities, [6, 20, 1000], 5),
                (ScoreKind::Logits, [3, 9, 5000], 64),
                (ScoreKind::Logits, [2, 3, 700], 300),
                (ScoreKind::Probabilities, [4, 30, 29], 16),
            ] {
                let count = shape.iter().product();
                let lengths: Vec<usize> = (0..shape[0]).map(|item| shape[1] - item % 2).collect();
                let batches = [1, 2, 3].map(|seed| scores(seed, count));
                let mut search = IndependentSearch::new(beams).unwrap();
                let mut nbest = NBest::new();
                let mut decode = |batch: &[f32]| {
                    let view = ScoresView::new(kind, batch, shape).unwrap();
                    let view = view.with_lengths(&lengths).unwrap();
                    search.decode_into(&view, &mut nbest).unwrap();
                };
                // Which thread gets which piece differs: every thread's
                // buffers must have been used before.
                for batch in batches.iter().cycle().take(60) {
                    decode(batch);
                }
                for batch in &batches {
                    let counted = (0..5).map(|_| allocations(|| decode(batch))).min();
                    assert_eq!(
                        counted,
                        Some(0),
                        "{kind:?} {shape:?} beams {beams} threads {threads}"
                    );
                }
            }
        });
    }
}
