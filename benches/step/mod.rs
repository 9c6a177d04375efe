//! Steps of the autoregressive search to be timed, for the benchmark and for
//! `examples/step_time.rs`: logits, a search with all its beams, and a check of
//! its answers.

use widebeam::ScoresView;
use widebeam::autoregressive::{AutoregressiveSearch, Request, Rules, Stopping};

/// Scores to rotate through, in bytes: more than the caches hold.
pub(crate) const ROTATION: usize = 256 << 20;

/// A bell curve, as the logits of a language model have it: the sum of four
/// uniform numbers, from one hash.
pub(crate) fn logits(count: usize, seed: u64) -> Vec<f32> {
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
pub(crate) fn start(requests: usize, beams: usize, vocab: usize) -> AutoregressiveSearch {
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
pub(crate) fn check(beams: usize, vocab: usize) {
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
