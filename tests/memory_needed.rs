//! What a search says that it needs is what it takes.

#[path = "support/counting.rs"]
mod counting;

use widebeam::{CtcNBest, CtcSearch, IndependentSearch, NBest, ScoresView};

/// Bytes that `f` leaves allocated on this thread.
fn held<T>(f: impl FnOnce() -> T) -> (usize, T) {
    let before = counting::bytes_held();
    let kept = f();
    ((counting::bytes_held() - before) as usize, kept)
}

/// Rows of which no token is like another.
fn scores(shape: [usize; 3]) -> Vec<f32> {
    let count: usize = shape.iter().product();
    (0..count)
        .map(|at| ((at * 7919) % 10_007) as f32 / 10_007.0)
        .collect()
}

fn on_one_thread(f: impl FnOnce() + Send) {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build();
    pool.unwrap().install(f);
}

#[test]
fn an_independent_search_takes_what_it_says() {
    counting::check();
    on_one_thread(|| {
        for (shape, beams) in [
            ([6, 200, 1000], 5),
            ([3, 50, 300], 300),
            ([2, 40, 3], 5000),
            ([1, 9, 4], usize::MAX >> 33),
            ([40, 1, 1000], 64),
            ([1, 1, 1_000_000], 83_400),
        ] {
            let values = scores(shape);
            let view = ScoresView::logits(&values, shape).unwrap();
            let needed = IndependentSearch::new(beams).unwrap().bytes_needed(&view);
            let (taken, _kept) = held(|| {
                let mut search = IndependentSearch::new(beams).unwrap();
                let mut nbest = NBest::new();
                search.decode_into(&view, &mut nbest).unwrap();
                (search, nbest)
            });
            assert!(
                taken <= needed + needed / 8 && needed <= taken + taken / 8,
                "{shape:?} x {beams}: {taken} taken, {needed} needed"
            );
        }
    });
}

#[test]
fn a_ctc_search_takes_at_least_what_it_says() {
    on_one_thread(|| {
        // What it says is an estimate, so its value is kept: a change of it is meant.
        for (shape, beams, estimate) in [
            ([2, 100, 500], 200, 362_704),
            ([1, 3, 5000], 3000, 2_085_152),
        ] {
            let values = scores(shape);
            let view = ScoresView::logits(&values, shape).unwrap();
            let mut search = CtcSearch::new(beams, 0).unwrap();
            let needed = search.bytes_needed(&view);
            if cfg!(target_pointer_width = "64") {
                assert_eq!(needed, estimate, "{shape:?} x {beams}");
            }
            let mut nbest = CtcNBest::new();
            let (taken, ()) = held(|| search.decode_into(&view, &mut nbest).unwrap());
            assert!(
                needed <= taken && needed >= taken / 8,
                "{shape:?} x {beams}: {taken} taken, {needed} needed"
            );
        }
    });
}

#[test]
fn what_cannot_be_counted_is_the_largest_number() {
    let values = vec![0.0; 4 * 100_000];
    let view = ScoresView::logits(&values, [100_000, 4]).unwrap();
    let needed = |beams| IndependentSearch::new(beams).unwrap().bytes_needed(&view);
    assert!(needed(1 << 30) > 1 << 49);
    assert!(needed(IndependentSearch::MAX_BEAMS) > needed(1 << 30));
}
