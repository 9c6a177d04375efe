//! The kernels every search spends its time in, each written once and generic
//! over the level: the top k of a row, the log-sum-exp of a row, log-add, and
//! the exponentials and logarithms beneath them.

pub(crate) mod block;
mod bound;
pub(crate) mod element;
pub(crate) mod exp;
pub(crate) mod ln;
pub(crate) mod log_add;
pub(crate) mod log_sum_exp;
mod logits;
mod rank;
mod scan;
mod short;
pub(crate) mod top_k;

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

/// [`log_probability`] of every value, none of which is impossible.
#[inline(always)]
pub(crate) fn log_probabilities<S: Simd>(
    simd: S,
    kind: ScoreKind,
    values: &[f32],
    normaliser: f64,
    out: &mut [f64],
) {
    match kind {
        ScoreKind::Probabilities => {
            let mut lanes = [1.0; F64_LANES];
            let mut logs = [0.0; F64_LANES];
            for (values, out) in values.chunks(F64_LANES).zip(out.chunks_mut(F64_LANES)) {
                for (lane, &value) in lanes.iter_mut().zip(values) {
                    *lane = f64::from(value);
                }
                ln::ln_f64(simd.f64_load(&lanes)).store(&mut logs);
                out.copy_from_slice(&logs[..out.len()]);
            }
        }
        ScoreKind::LogProbabilities => {
            for (out, &value) in out.iter_mut().zip(values) {
                *out = f64::from(value);
            }
        }
        ScoreKind::Logits => {
            for (out, &value) in out.iter_mut().zip(values) {
                *out = f64::from(value) - normaliser;
            }
        }
    }
}
