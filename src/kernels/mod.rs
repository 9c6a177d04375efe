//! The kernels every search spends its time in, each written once and generic
//! over the level: the top k of a row, the log-sum-exp of a row, log-add, and
//! the exponentials and logarithms beneath them.

mod ahead;
pub(crate) mod block;
mod bound;
mod collect;
pub(crate) mod element;
pub(crate) mod exp;
pub(crate) mod ln;
pub(crate) mod log_add;
pub(crate) mod log_sum_exp;
mod logits;
mod network;
mod plan;
mod quads;
mod rank;
pub(crate) mod reach;
mod scan;
mod short;
mod sorter;
pub(crate) mod top_k;

pub(crate) use short::LONGEST as LONGEST_SHORT_ROW;

use crate::scores::ScoreKind;
use crate::simd::{F64_LANES, F64Lanes, Simd};

/// The log-probability of a token from its score, exactly as every search
/// and the reference take it: in f64, from the f32 that was read.
///
/// `normaliser` is the log-sum-exp of the row for logits, else unused.
/// Impossible tokens have -infinity.
pub(crate) fn log_probability(kind: ScoreKind, value: f32, normaliser: f64) -> f64 {
    if value == kind.impossible() {
        return f64::NEG_INFINITY;
    }
    match kind {
        ScoreKind::Probabilities => ln::ln(f64::from(value)),
        ScoreKind::LogProbabilities => f64::from(value),
        ScoreKind::Logits => f64::from(value) - normaliser,
    }
}

/// Turns the values of the tokens of some rows, `width` a row, into their
/// [`log_probability`] each. What becomes of impossible values, and of all
/// that are no scores, is unspecified.
#[inline(always)]
pub(crate) fn log_probabilities<S: Simd>(
    simd: S,
    kind: ScoreKind,
    values: &mut [f64],
    width: usize,
    normalisers: &[f64],
) {
    match kind {
        ScoreKind::Probabilities => {
            // The rows as one: short ones would end in incomplete vectors.
            let (vectors, rest) = values.as_chunks_mut::<F64_LANES>();
            ln::ln_all(simd, vectors);
            if !rest.is_empty() {
                let mut last = [1.0; F64_LANES];
                for (lane, value) in last.iter_mut().zip(rest.iter()) {
                    *lane = *value;
                }
                ln::ln_f64(simd.f64_load(&last)).store(&mut last);
                for (value, lane) in rest.iter_mut().zip(last) {
                    *value = lane;
                }
            }
        }
        ScoreKind::LogProbabilities => {}
        ScoreKind::Logits => {
            for (row, normaliser) in values.chunks_exact_mut(width).zip(normalisers) {
                for value in row {
                    *value -= normaliser;
                }
            }
        }
    }
}
