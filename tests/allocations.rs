//! Decoding a second batch of the same shape allocates nothing; nor does a CTC search with
//! any scorer, once it has met the batches.

#[path = "support/counting.rs"]
mod counting;
#[path = "support/random.rs"]
mod random;
#[path = "support/word_scorers.rs"]
mod word_scorers;

use random::Random;
use rayon::ThreadPool;
use widebeam::ctc::{Blank, CtcNBest, CtcSearch};
use widebeam::scorers::Scorer;
use widebeam::top_k::{Rows, TopK};
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
fn a_second_batch_allocates_nothing() {
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
        independent(pool);
        best_of_rows(pool);
        // On several threads an item may meet a decoder that has had shorter ones.
        if pool.current_num_threads() == 1 {
            ctc(pool);
        }
    }
}

/// Whichever batch comes first, no other of its shape needs more.
fn best_of_rows(pool: &ThreadPool) {
    for (shape, k) in [
        ([40, 30], 7),
        ([30, 1000], 5),
        ([9, 700], 300),
        ([3, 9000], 70),
        ([2, 9000], 9000),
    ] {
        let [rows, columns] = shape;
        let mut top_k = TopK::new(k).unwrap();
        let (mut indices, mut values) = (vec![0; rows * k], vec![0.0; rows * k]);
        let mut logs = vec![0.0; rows * k];
        let batches = batches(ScoreKind::Logits, rows * columns);
        let mut find = |batch: &[f32]| {
            let view = Rows::new(batch, shape).unwrap();
            top_k.find(&view, &mut indices, &mut values).unwrap();
            let found = top_k.find_log_softmax(&view, &mut indices, &mut logs);
            found.unwrap();
        };
        pool.install(|| find(&batches[0]));
        let counted = pool.install(|| allocations(|| batches.iter().for_each(|batch| find(batch))));
        assert_eq!(counted, 0, "{shape:?} x {k}");
    }
}

fn independent(pool: &ThreadPool) {
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

/// The last vocabulary is much larger than the beam, so that a frame lists tokens again and
/// again that only a scorer can lift.
fn ctc(pool: &ThreadPool) {
    for (shape, beams) in [([3, 40, 29], 24), ([2, 30, 300], 5), ([2, 12, 4000], 9)] {
        let vocab = shape[2];
        steady(pool, shape, beams, &word_scorers::word_ngram(vocab, 0));
        steady(pool, shape, beams, &word_scorers::spelling_lexicon(vocab));
        let (lexicon, phrases) = (
            word_scorers::lexicon(vocab, 0),
            word_scorers::phrases(vocab, 0),
        );
        steady(pool, shape, beams, &lexicon);
        steady(pool, shape, beams, &phrases);
        steady(pool, shape, beams, &(&lexicon, &phrases));
    }
}

fn steady<S: Scorer + Sync>(pool: &ThreadPool, shape: [usize; 3], beams: usize, scorer: &S) {
    let kind = ScoreKind::Probabilities;
    let batches = batches(kind, shape.iter().product());
    let search = CtcSearch::new(beams, Blank(0)).unwrap();
    let mut search = search.with_scorer(scorer);
    let mut nbest = CtcNBest::new();
    let mut decode = || {
        for (place, batch) in batches.iter().enumerate() {
            let view = ScoresView::new(kind, batch, shape).unwrap();
            search.decode_into(&view, &mut nbest).unwrap();
            let mut found = nbest.iter().map(|item| item.unwrap());
            let some = found.all(|mut item| item.any(|found| !found.tokens.is_empty()));
            // Nothing is possible in the first batch.
            assert_eq!(some, place > 0, "batch {place}");
        }
    };
    pool.install(&mut decode);
    let counted = pool.install(|| allocations(decode));
    assert_eq!(
        counted,
        0,
        "{shape:?} x {beams}: {}",
        std::any::type_name::<S>()
    );
}
