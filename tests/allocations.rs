//! Decoding a second batch of the same shape allocates nothing.

#[path = "support/counting.rs"]
mod counting;
#[path = "support/random.rs"]
mod random;

use random::Random;
use widebeam::{IndependentSearch, NBest, ScoreKind, ScoresView};

/// Allocations during `f`, by any thread.
fn allocations(f: impl FnOnce()) -> usize {
    let before = counting::by_all_threads();
    f();
    counting::by_all_threads() - before
}

/// Scores of every sort, from the easiest for a search to the hardest.
fn batches(kind: ScoreKind, count: usize) -> Vec<Vec<f32>> {
    let mut random = Random::new(1);
    let impossible = match kind {
        ScoreKind::Probabilities => 0.0,
        _ => f32::NEG_INFINITY,
    };
    vec![
        vec![impossible; count],
        vec![0.25; count],
        (0..count).map(|_| random.unit() * 0.9 + 0.01).collect(),
        (0..count).map(|i| (i + 1) as f32 / count as f32).collect(),
        (0..count).map(|i| (i % 128 + 1) as f32 / 200.0).collect(),
    ]
}

/// It runs inside the pool: rayon's queue of calls from outside allocates now
/// and then. It is the only test here, because the counter sees all threads.
#[test]
fn a_second_batch_of_the_same_shape_allocates_nothing() {
    counting::check();
    let pools = [1, 2, 4].map(|threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
        let pool = pool.build().unwrap();
        // Threads make what they need for stealing when they start. They also
        // allocate when they end, some time after their pool: none does before
        // all is counted.
        pool.broadcast(|_| ());
        pool
    });
    for pool in &pools {
        let threads = pool.current_num_threads();
        for (kind, shape, beams) in [
            (ScoreKind::Probabilities, [6, 20, 1000], 5),
            (ScoreKind::Logits, [3, 9, 5000], 64),
            (ScoreKind::Logits, [2, 3, 700], 300),
            (ScoreKind::Probabilities, [4, 30, 29], 16),
            (ScoreKind::Probabilities, [2, 3, 20_000], 70),
        ] {
            let lengths: Vec<usize> = (0..shape[0]).map(|item| shape[1] - item % 2).collect();
            let batches = batches(kind, shape.iter().product());
            // Whichever batch comes first, no other needs more.
            for first in 0..batches.len() {
                let mut search = IndependentSearch::new(beams).unwrap();
                let mut nbest = NBest::new();
                let mut decode = |batch: &[f32]| {
                    let view = ScoresView::new(kind, batch, shape).unwrap();
                    let view = view.with_lengths(&lengths).unwrap();
                    search.decode_into(&view, &mut nbest).unwrap();
                    assert_eq!(nbest.failures().len(), 0);
                };
                pool.install(|| decode(&batches[first]));
                let counted =
                    pool.install(|| allocations(|| batches.iter().for_each(|batch| decode(batch))));
                assert_eq!(
                    counted, 0,
                    "{kind:?} {shape:?} x {beams}, {threads} threads, {first}"
                );
            }
        }
    }
}
