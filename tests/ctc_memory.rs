//! What the CTC search allocates: nothing once it is warm, and no more (within a
//! tenth, the rounding of growing buffers) for
//! 100,000 frames of a stream than for 1,000.

#[path = "support/counting.rs"]
mod counting;
#[path = "support/random.rs"]
mod random;

use random::Random;
use widebeam::ctc::{Blank, CtcNBest, CtcPruning};
use widebeam::{CtcSearch, ScoresView};

/// Emissions as speech has them: mostly sure of the blank, sure of a token now
/// and then, and at times of two that it cannot tell apart.
fn emissions(frames: usize, vocab: usize) -> Vec<f32> {
    let mut random = Random::new(9);
    let mut data = Vec::with_capacity(frames * vocab);
    for _ in 0..frames {
        let start = data.len();
        data.extend((0..vocab).map(|_| random.below(1000) as f32 * 1e-5 / vocab as f32));
        let (a, b) = (random.below(vocab), random.below(vocab));
        match random.below(8) {
            0 => (data[start + a], data[start + b]) = (0.55, 0.42),
            1..4 => data[start + a] = 0.98,
            _ => data[start] = 0.99,
        }
    }
    data
}

#[test]
fn a_warm_search_allocates_nothing() {
    counting::check();
    let data = emissions(4 * 60, 29);
    let view = ScoresView::probabilities(&data, [4, 60, 29]).unwrap();
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .build()
        .unwrap();
    let mut search = CtcSearch::new(20, Blank(0)).unwrap();
    let mut nbest = CtcNBest::new();
    let allocations = pool.install(|| {
        search.decode_into(&view, &mut nbest).unwrap();
        let before = counting::by_this_thread();
        for _ in 0..3 {
            search.decode_into(&view, &mut nbest).unwrap();
        }
        counting::by_this_thread() - before
    });
    assert_eq!(allocations, 0);
    assert_eq!(nbest.failures().len(), 0);
}

#[test]
fn a_stream_of_100_000_frames_holds_what_one_of_1_000_holds_and_equals_one_call() {
    const VOCAB: usize = 12;
    let data = emissions(100_000, VOCAB);
    let view = ScoresView::probabilities(&data, [100_000, VOCAB]).unwrap();
    let pruning = CtcPruning::none().with_commit_delay(200);
    let search = CtcSearch::new(8, Blank(0)).unwrap();
    let mut search = search.with_pruning(pruning).unwrap();
    let whole = search.decode(&view).unwrap();
    let whole = whole.best(0).unwrap();
    assert!(
        whole.score.is_finite() && whole.score < -1_000.0,
        "{}",
        whole.score
    );
    assert!(whole.tokens.len() > 10_000);

    let without = counting::bytes_held();
    let mut stream = search.stream();
    let (mut tokens, mut frames) = (Vec::with_capacity(100_000), Vec::with_capacity(100_000));
    let mut held_early = 0;
    for (i, chunk) in data.chunks(50 * VOCAB).enumerate() {
        stream
            .push(&ScoresView::probabilities(chunk, [50, VOCAB]).unwrap())
            .unwrap();
        stream.take_stable(&mut tokens, &mut frames).unwrap();
        if i == 1_000 / 50 {
            held_early = counting::bytes_held();
        }
    }
    let held = counting::bytes_held() - without;
    let held_early = held_early - without;
    assert!(
        held <= held_early + held_early / 10,
        "{held_early} bytes grew to {held}"
    );
    assert!(
        tokens.len() > 10_000,
        "{} tokens became stable",
        tokens.len()
    );
    let best = stream.finish().unwrap().best().unwrap();
    tokens.extend_from_slice(best.tokens);
    frames.extend_from_slice(best.frames);
    assert_eq!((&tokens[..], &frames[..]), (whole.tokens, whole.frames));
    assert_eq!(best.score.to_bits(), whole.score.to_bits());
    assert_eq!(
        best.alignment_score.to_bits(),
        whole.alignment_score.to_bits()
    );
}
