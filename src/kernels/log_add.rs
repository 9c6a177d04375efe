//! The sum of two probabilities given by their logarithms.

use super::exp::exp_nonpositive_f64;
use super::ln::ln_1p;
use crate::simd::{Float64, ScalarF64};

/// `ln(e^a + e^b)`, in f64. Neither may be NaN or +infinity.
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
pub(crate) fn log_add(a: f64, b: f64) -> f64 {
    log_add_f64(ScalarF64(a), ScalarF64(b)).0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::{Dispatch, F64_LANES, F64Lanes, Kernel, Level, Simd};

    /// a, b, and the exact result as the sum of two numbers.
    #[allow(clippy::approx_constant)]
    const EXACT: &[(f64, f64, f64, f64)] = &include!("log_add_table.in");

    struct Vector([f64; F64_LANES], [f64; F64_LANES]);

    impl Kernel for Vector {
        type Output = [f64; F64_LANES];
        #[inline(always)]
        fn run<S: Simd>(self, simd: S) -> [f64; F64_LANES] {
            let mut out = [0.0; F64_LANES];
            log_add_f64(simd.f64_load(&self.0), simd.f64_load(&self.1)).store(&mut out);
            out
        }
    }

    #[test]
    fn error_is_within_2_to_the_minus_52_and_half_a_ulp() {
        for &(a, b, high, low) in EXACT {
            let sum = log_add(a, b);
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
        assert_eq!(log_add(nothing, nothing), nothing);
        for x in [0.0, -1e-300, -3.5, -1e5, f64::MIN] {
            assert_eq!(log_add(x, nothing).to_bits(), x.to_bits(), "{x}");
            assert_eq!(log_add(nothing, x).to_bits(), x.to_bits(), "{x}");
            assert_eq!(log_add(x, x), x + std::f64::consts::LN_2, "{x}");
        }
        assert_eq!(log_add(-1.0, -709.5), -1.0);
        // Beyond the precision of the larger, not of the format.
        assert_eq!(log_add(-100.0, -140.0), -100.0);
        assert!(log_add(-1e-20, -40.0) > -1e-20);
    }

    #[test]
    fn sum_is_symmetric_and_never_below_the_larger() {
        for &(a, b, _, _) in EXACT {
            assert_eq!(log_add(a, b).to_bits(), log_add(b, a).to_bits());
            assert!(log_add(a, b) >= a.max(b), "{a} {b}");
        }
        let mut previous = f64::NEG_INFINITY;
        for i in 0..100_000 {
            let sum = log_add(-2.0, -800.0 + f64::from(i) * 0.01);
            assert!(sum >= previous && sum >= -2.0, "{i}");
            previous = sum;
        }
    }

    #[test]
    fn vectors_of_every_level_have_the_scalar_bits() {
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
            let dispatch = Dispatch::new(level).expect("available");
            for start in 0..pairs.len() {
                let pair = |lane| pairs[(start + lane * 7) % pairs.len()];
                let a = std::array::from_fn(|lane| pair(lane).0);
                let b = std::array::from_fn(|lane| pair(lane).1);
                for (lane, sum) in dispatch.run(Vector(a, b)).into_iter().enumerate() {
                    let expected = log_add(a[lane], b[lane]);
                    assert_eq!(
                        sum.to_bits(),
                        expected.to_bits(),
                        "{level} {:?}",
                        pair(lane)
                    );
                }
            }
        }
    }
}
