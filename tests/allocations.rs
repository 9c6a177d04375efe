//! Decoding a second batch of the same shape allocates nothing.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

use widebeam::{IndependentSearch, NBest, ScoreKind, ScoresView};

struct Counting;

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call is passed on to the system's allocator unchanged.
#[allow(unsafe_code)]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller's promises are the system's requirements.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: as above.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Allocations during `f`, by any thread.
fn allocations(f: impl FnOnce()) -> usize {
    let before = ALLOCATIONS.load(Ordering::Relaxed);
    f();
    ALLOCATIONS.load(Ordering::Relaxed) - before
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

/// One test, because the counter sees all threads. It runs inside the pool:
/// rayon's queue of calls from outside allocates now and then.
#[test]
fn a_second_batch_of_the_same_shape_allocates_nothing() {
    assert!(
        allocations(|| drop(std::hint::black_box(vec![1u8; 100]))) > 0,
        "it counts nothing"
    );
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
                    let counted = allocations(|| decode(batch));
                    assert_eq!(
                        counted, 0,
                        "{kind:?} {shape:?} beams {beams} threads {threads}"
                    );
                }
            }
        });
    }
}
