//! The kernels every search spends its time in, each written once and generic
//! over the level: the top k of a row, the log-sum-exp of a row, log-add, and
//! the exponentials and logarithms beneath them.

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
pub(crate) mod power;
pub(crate) mod prefetch;
mod quads;
mod rank;
#[cfg(test)]
mod scalar_values;
mod scan;
mod short;
mod sorter;
pub(crate) mod threshold;
pub(crate) mod top_k;
pub(crate) mod weights;

use crate::score_kind::IMPOSSIBLE;
use crate::scores::ScoreKind;
use crate::simd::{F64_LANES, F64Lanes, Simd};

/// The log-probability of a token from its score, exactly as every search
/// and the reference take it: in f64, from the f32 that was read.
///
/// `normaliser` is the log-sum-exp of the row for logits, else unused.
/// Impossible tokens have -infinity.
pub(crate) fn log_probability(kind: ScoreKind, value: f32, normaliser: f64) -> f64 {
    if value == kind.impossible() {
        return IMPOSSIBLE;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scores::ScoreKind::{LogProbabilities, Logits, Probabilities};
    use crate::simd::{Dispatch, Kernel, Level};

    #[test]
    fn impossible_tokens_have_no_log_probability() {
        let nothing = f64::NEG_INFINITY;
        for zero in [0.0, -0.0] {
            assert_eq!(log_probability(Probabilities, zero, 0.0), nothing);
        }
        assert_eq!(
            log_probability(LogProbabilities, f32::NEG_INFINITY, 0.0),
            nothing
        );
        for normaliser in [0.0, 1e300, -3.0, nothing] {
            let found = log_probability(Logits, f32::NEG_INFINITY, normaliser);
            assert_eq!(found, nothing, "{normaliser}");
        }
    }

    #[test]
    fn log_probabilities_of_each_kind() {
        assert_eq!(log_probability(Probabilities, 1.0, 5.0), 0.0);
        assert_eq!(
            log_probability(Probabilities, 1e-45, 5.0),
            ln::ln(f64::from(1e-45f32))
        );
        for value in [0.0, -0.0, -1e-45, -0.1, -3.5, f32::MIN, 0.001] {
            let found = log_probability(LogProbabilities, value, 5.0);
            assert_eq!(found.to_bits(), f64::from(value).to_bits(), "{value}");
            for normaliser in [0.0, 5.0, -0.3, 1e-9, f64::from(f32::MAX)] {
                let found = log_probability(Logits, value, normaliser);
                assert_eq!(found, f64::from(value) - normaliser, "{value} {normaliser}");
            }
        }
    }

    struct Rows<'a> {
        kind: ScoreKind,
        values: &'a mut [f64],
        width: usize,
        normalisers: &'a [f64],
    }

    impl Kernel for Rows<'_> {
        type Output = ();

        #[inline(always)]
        fn run<S: Simd>(self, simd: S) {
            log_probabilities(simd, self.kind, self.values, self.width, self.normalisers);
        }
    }

    /// Whole vectors, whole sets of eight of them, and every rest.
    #[test]
    fn log_probabilities_of_rows_are_those_of_each_value() {
        let normalisers = [0.5, -3.25, 1e-3, 7.0, 100.0];
        for level in Level::available() {
            let dispatch = Dispatch::new(level).unwrap();
            for (width, rows) in (1..=40).flat_map(|width| (0..=5).map(move |rows| (width, rows))) {
                for kind in [Probabilities, LogProbabilities, Logits] {
                    let value = |i: usize| match kind {
                        Probabilities => 1.0 / (1.0 + i as f32 * 0.7),
                        _ => i as f32 * -0.3 - 0.1,
                    };
                    let mut values: Vec<f64> =
                        (0..width * rows).map(|i| f64::from(value(i))).collect();
                    dispatch.run(Rows {
                        kind,
                        values: &mut values,
                        width,
                        normalisers: &normalisers[..rows],
                    });
                    for (i, found) in values.into_iter().enumerate() {
                        let expected = log_probability(kind, value(i), normalisers[i / width]);
                        let what = format!("{level} {kind:?} {width} {rows} {i}");
                        assert_eq!(found.to_bits(), expected.to_bits(), "{what}");
                    }
                }
            }
        }
    }
}
