//! Hypotheses of the CTC search as plain data, with everything that they say.

use widebeam::ctc::CtcHypothesis;
use widebeam::reference::ctc::Hypothesis;

/// A hypothesis, with its scores as bits.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Found {
    tokens: Vec<u32>,
    frames: Vec<u32>,
    last_frames: Vec<u32>,
    /// The score, the log-mass, the best alignment's score and the scorer's score.
    scores: [u64; 4],
}

/// What the library has found in one item.
pub(crate) fn of_library<'a>(
    hypotheses: impl IntoIterator<Item = CtcHypothesis<'a>>,
) -> Vec<Found> {
    let found = |h: CtcHypothesis<'_>| Found {
        tokens: h.tokens.to_vec(),
        frames: h.frames.to_vec(),
        last_frames: h.last_frames.to_vec(),
        scores: [h.score, h.log_mass, h.alignment_score, h.scorer_score].map(f64::to_bits),
    };
    hypotheses.into_iter().map(found).collect()
}

/// What the reference has found in one item.
pub(crate) fn of_reference(hypotheses: Vec<Hypothesis>) -> Vec<Found> {
    let found = |h: Hypothesis| Found {
        tokens: h.tokens,
        frames: h.frames,
        last_frames: h.last_frames,
        scores: [h.score, h.log_mass, h.alignment_score, h.scorer_score].map(f64::to_bits),
    };
    hypotheses.into_iter().map(found).collect()
}
