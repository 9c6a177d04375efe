//! The sum of two probabilities given by their logarithms.

use std::sync::OnceLock;

use super::exp::exp_nonpositive_f64;
use super::ln::ln_1p;
use crate::error::{Error, Kind};
use crate::simd::{Dispatch, F64_LANES, F64Lanes, Float64, Kernel, Level, ScalarF64, Simd};

/// Adds probabilities given by their logarithms: `sums[i]` becomes
/// `ln(e^a[i] + e^b[i])`. Known elsewhere as `logaddexp`.
///
/// - The absolute error is at most 2^-52 beside the final rounding (half a ULP
///   of the result).
/// - A sum is never below the larger of the two, and the order of the two does
///   not matter.
/// - Negative infinity, the logarithm of nothing, adds nothing: the other comes
///   back unchanged. Nor does what is more than 708 below the other.
/// - Positive infinity gives positive infinity, and NaN gives NaN.
///
/// Every element has the same bits on every processor and wherever it stands.
/// O(n) on the thread of the caller, and no memory. It runs at the level of
/// [`Level::from_environment`], which the first call looks up.
///
/// # Errors
///
/// If the lengths differ, or the environment names no level of this processor.
///
/// # Examples
///
/// ```
/// let (a, b) = ([0.25f64.ln(), f64::NEG_INFINITY], [0.5f64.ln(), -3.0]);
/// let mut sums = [0.0; 2];
/// widebeam::log_add(&a, &b, &mut sums)?;
/// assert!((sums[0] - 0.75f64.ln()).abs() < 1e-15);
/// assert_eq!(sums[1], -3.0);
/// # Ok::<(), widebeam::Error>(())
/// ```
pub fn log_add(a: &[f64], b: &[f64], sums: &mut [f64]) -> Result<(), Error> {
    static LEVEL: OnceLock<Result<Level, Error>> = OnceLock::new();
    let level = LEVEL.get_or_init(Level::from_environment).clone()?;
    log_add_at(level, a, b, sums)
}

/// [`log_add`] at a level.
pub(crate) fn log_add_at(
    level: Level,
    a: &[f64],
    b: &[f64],
    sums: &mut [f64],
) -> Result<(), Error> {
    let slices = Slices::new(a, b, sums)?;
    Dispatch::require(level)?.run(slices);
    Ok(())
}

/// Slices of one length, the last of which receives the sums of the others.
pub(crate) struct Slices<'a> {
    pub(crate) a: &'a [f64],
    pub(crate) b: &'a [f64],
    pub(crate) sums: &'a mut [f64],
}

impl<'a> Slices<'a> {
    /// # Errors
    ///
    /// If the lengths differ.
    pub(crate) fn new(a: &'a [f64], b: &'a [f64], sums: &'a mut [f64]) -> Result<Self, Error> {
        if a.len() == b.len() && a.len() == sums.len() {
            return Ok(Slices { a, b, sums });
        }
        Err(Error::from(Kind::SumLengths {
            terms: [a.len(), b.len()],
            sums: sums.len(),
        }))
    }
}

impl Kernel for Slices<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let (a, a_rest) = self.a.as_chunks();
        let (b, b_rest) = self.b.as_chunks();
        let (sums, sums_rest) = self.sums.as_chunks_mut();
        for ((a, b), sums) in a.iter().zip(b).zip(sums) {
            log_add_or_nan(simd.f64_load(a), simd.f64_load(b)).store(sums);
        }
        if !sums_rest.is_empty() {
            let (mut a, mut b) = ([0.0; F64_LANES], [0.0; F64_LANES]);
            let mut sums = [0.0; F64_LANES];
            a[..a_rest.len()].copy_from_slice(a_rest);
            b[..b_rest.len()].copy_from_slice(b_rest);
            log_add_or_nan(simd.f64_load(&a), simd.f64_load(&b)).store(&mut sums);
            sums_rest.copy_from_slice(&sums[..sums_rest.len()]);
        }
    }
}

/// [`log_add_f64`], or NaN where either is NaN.
#[inline(always)]
fn log_add_or_nan<V: Float64>(a: V, b: V) -> V {
    let sum = log_add_f64(a, b);
    b.select_ge(b, a.select_ge(a, sum, a), b)
}

/// `ln(e^a + e^b)`, in f64. Neither may be NaN.
///
/// It is max + ln(1 + e^-d) with d the distance of the two, so:
/// - the absolute error is at most 2^-52 beside the final rounding (half a ULP
///   of the result);
/// - the result is never below the larger of the two, which is what the CTC
///   search relies on, and the order of the two does not matter;
/// - -infinity, the logarithm of nothing, adds nothing: the other operand
///   comes back unchanged, and so does -infinity itself for two of them.
///
/// A distance above 708 adds nothing either: e^-708 is below 2^-1021.
#[inline(always)]
pub(crate) fn log_add_f64<V: Float64>(a: V, b: V) -> V {
    let larger = a.max(b);
    // NaN for two infinities, of which the exponential makes 0.
    let distance = a.min(b) - larger;
    larger + ln_1p(exp_nonpositive_f64(distance))
}

/// [`log_add_f64`] of two numbers.
#[inline]
pub(crate) fn log_add_scalar(a: f64, b: f64) -> f64 {
    log_add_f64(ScalarF64(a), ScalarF64(b)).0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// a, b, and the exact result as the sum of two numbers.
    #[allow(clippy::approx_constant)]
    const EXACT: &[(f64, f64, f64, f64)] = &include!("log_add_table.in");

    #[test]
    fn error_is_within_2_to_the_minus_52_and_half_a_ulp() {
        for &(a, b, high, low) in EXACT {
            let sum = log_add_scalar(a, b);
            let ulp = f64::from_bits(high.abs().to_bits() + 1) - high.abs();
            let error = ((sum - high) - low).abs();
            let bound = f64::EPSILON + 0.5 * ulp;
            assert!(
                error <= bound,
                "{a} {b}: {sum} is {error:e} off {high}, above {bound:e}"
            );
        }
    }

    #[test]
    fn edges_are_exact() {
        let nothing = f64::NEG_INFINITY;
        assert_eq!(log_add_scalar(nothing, nothing), nothing);
        for x in [0.0, -1e-300, -3.5, -1e5, f64::MIN] {
            assert_eq!(log_add_scalar(x, nothing).to_bits(), x.to_bits(), "{x}");
            assert_eq!(log_add_scalar(nothing, x).to_bits(), x.to_bits(), "{x}");
            assert_eq!(log_add_scalar(x, x), x + std::f64::consts::LN_2, "{x}");
        }
        assert_eq!(log_add_scalar(-1.0, -709.5), -1.0);
        // Beyond the precision of the larger, not of the format.
        assert_eq!(log_add_scalar(-100.0, -140.0), -100.0);
        assert!(log_add_scalar(-1e-20, -40.0) > -1e-20);
    }

    #[test]
    fn sum_is_symmetric_and_never_below_the_larger() {
        for &(a, b, _, _) in EXACT {
            assert_eq!(
                log_add_scalar(a, b).to_bits(),
                log_add_scalar(b, a).to_bits()
            );
            assert!(log_add_scalar(a, b) >= a.max(b), "{a} {b}");
        }
        let mut previous = f64::NEG_INFINITY;
        for i in 0..100_000 {
            let sum = log_add_scalar(-2.0, -800.0 + f64::from(i) * 0.01);
            assert!(sum >= previous && sum >= -2.0, "{i}");
            previous = sum;
        }
    }

    /// Of every length past two vectors, so that every pair stands in every
    /// lane and in every place of a rest.
    #[test]
    fn slices_have_the_scalar_bits_at_every_level_and_length() {
        let nothing = f64::NEG_INFINITY;
        let mut pairs: Vec<(f64, f64)> = EXACT.iter().map(|&(a, b, _, _)| (b, a)).collect();
        pairs.extend([
            (nothing, nothing),
            (nothing, -2.0),
            (-3.0, nothing),
            (-7.0, -7.0),
        ]);
        pairs.extend([(-1.0, -708.9), (-1.0, -709.1), (-1e9, -1.0), (-0.0, 0.0)]);
        for level in Level::available() {
            for start in 0..pairs.len() {
                let length = start % (3 * F64_LANES);
                let pairs = (0..length).map(|i| pairs[(start + i * 7) % pairs.len()]);
                let (a, b): (Vec<f64>, Vec<f64>) = pairs.unzip();
                let mut sums = vec![0.0; length];
                log_add_at(level, &a, &b, &mut sums).unwrap();
                for ((sum, a), b) in sums.into_iter().zip(a).zip(b) {
                    let expected = log_add_scalar(a, b);
                    assert_eq!(sum.to_bits(), expected.to_bits(), "{level} {a} {b}");
                }
            }
        }
    }

    #[test]
    fn slices_hand_on_nan_and_positive_infinity() {
        let (nan, infinity) = (f64::NAN, f64::INFINITY);
        let numbers = [nan, -nan, infinity, f64::NEG_INFINITY, -2.0, 0.0];
        for level in Level::available() {
            for a in numbers {
                let mut sums = [0.0; 6];
                log_add_at(level, &[a; 6], &numbers, &mut sums).unwrap();
                for (b, sum) in numbers.into_iter().zip(sums) {
                    if a.is_nan() || b.is_nan() {
                        assert!(sum.is_nan(), "{level} {a} {b}");
                    } else if a.max(b) == infinity {
                        assert_eq!(sum, infinity, "{level} {a} {b}");
                    }
                }
            }
        }
    }

    #[test]
    fn slices_of_different_lengths_are_refused() {
        let error = log_add(&[0.0; 3], &[0.0; 2], &mut [0.0; 3]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "3 and 2 logarithms cannot be added into 3 sums; the lengths must be the same"
        );
        assert!(log_add(&[0.0; 3], &[0.0; 3], &mut [0.0; 4]).is_err());
        assert!(log_add(&[], &[], &mut []).is_ok());
    }
}
