//! The natural logarithm, for the scores of the tokens that survive a scan.

use super::exp::{LN2_HIGH, LN2_LOW, linear};
use crate::simd::{F64_LANES, F64Lanes, Float64, ScalarF64, Simd};

/// `ln x` for positive normal x, in f64; at most 1 ULP from the exact value,
/// exactly 0 at 1, and strictly increasing over the f32 numbers.
///
/// It is our own because the platform's differs in its last bit from one
/// machine to the next.
#[inline(always)]
pub(crate) fn ln_f64<V: Float64>(x: V) -> V {
    Begun::new(x).finish()
}

/// [`ln_f64`] of all numbers, in their place.
#[inline(always)]
pub(crate) fn ln_all<S: Simd>(simd: S, vectors: &mut [[f64; F64_LANES]]) {
    // All divisions of some vectors, then the rest: what waits for a quotient
    // would else fill the processor's queues before the next division is met.
    let (sets, rest) = vectors.as_chunks_mut::<8>();
    for set in sets {
        let zero = simd.f64_load(&[0.0; F64_LANES]);
        let mut begun = [Begun {
            f: zero,
            s: zero,
            exponent: zero,
        }; 8];
        for (begun, vector) in begun.iter_mut().zip(&*set) {
            *begun = Begun::new(simd.f64_load(vector));
        }
        for (begun, vector) in begun.iter().zip(set) {
            begun.finish().store(vector);
        }
    }
    for vector in rest {
        ln_f64(simd.f64_load(vector)).store(vector);
    }
}

/// `ln x` of one number.
pub(crate) fn ln(x: f64) -> f64 {
    ln_f64(ScalarF64(x)).0
}

/// `ln(1 + u)` for u from 0 to 1; at most 1.5 ULP from the exact value.
#[inline(always)]
pub(super) fn ln_1p<V: Float64>(u: V) -> V {
    // 1 + u is never formed, so its rounding costs nothing: from sqrt(2) up
    // its half, less 1, is (u - 1) / 2, which is exact from 1/2 up, and off by
    // 2^-55 at most below it.
    let one = u.splat(1.0);
    let bound = u.splat(std::f64::consts::SQRT_2 - 1.0);
    let f = u.select_ge(bound, (u - one) * u.splat(0.5), u);
    let exponent = u.select_ge(bound, one, u.splat(0.0));
    Begun::of_parts(f, exponent).finish()
}

/// A logarithm as far as its division: that of 1 + f in [sqrt(1/2), sqrt(2)), to
/// which exponent * ln 2 is added.
///
/// With s = f / (2 + f), ln(1 + f) = 2 atanh(s) = 2s + s R(s^2), and
/// 2s = f - s f, so f itself, the leading term, enters exactly (the scheme of
/// FDLIBM's `e_log.c`; R is fitted by `perf/coefficients.py`). That f - s (f - R)
/// could be had as f - (f^2 / 2 - s (f^2 / 2 + R)), with three operations more: at
/// most .74 ULP off in place of .88.
#[derive(Clone, Copy)]
struct Begun<V> {
    f: V,
    s: V,
    exponent: V,
}

impl<V: Float64> Begun<V> {
    #[inline(always)]
    fn new(x: V) -> Self {
        let (mantissa, exponent) = x.split_exponent();
        Begun::of_parts(mantissa - x.splat(1.0), exponent)
    }

    #[inline(always)]
    fn of_parts(f: V, exponent: V) -> Self {
        let s = f / (f + f.splat(2.0));
        Begun { f, s, exponent }
    }

    #[inline(always)]
    fn finish(self) -> V {
        let Begun { f, s, exponent } = self;
        let z = s * s;
        // Estrin's order, as in the exponential.
        let z2 = z * z;
        let p01 = linear(z, 0x3fe5555555555592, 0x3fd999999997fd36);
        let p23 = linear(z, 0x3fd24924941f8d46, 0x3fcc71c5202b126f);
        let p45 = linear(z, 0x3fc7466405c29fef, 0x3fc39a1933097bc3);
        let p6 = f.splat(f64::from_bits(0x3fc2f0705be023a0));
        let p = (p01 + p23 * z2) + (p45 + p6 * z2) * (z2 * z2);
        let r = p * z;
        let correction = s * (f - r) - exponent * f.splat(LN2_LOW);
        exponent * f.splat(LN2_HIGH) - (correction - f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::{Dispatch, Kernel, Level};

    /// A set and one more.
    const VECTORS: usize = 9;

    struct LnAll([[f64; F64_LANES]; VECTORS]);

    impl Kernel for LnAll {
        type Output = [[f64; F64_LANES]; VECTORS];

        #[inline(always)]
        fn run<S: Simd>(mut self, simd: S) -> [[f64; F64_LANES]; VECTORS] {
            ln_all(simd, &mut self.0);
            self.0
        }
    }

    /// Every `stride`-th positive f32: the error in ULP, the order, and the bits
    /// of every level.
    fn sweep(stride: usize) {
        let mut worst = 0.0f64;
        let mut before = f64::NEG_INFINITY;
        let all: Vec<u32> = (1..0x7f80_0000u32).step_by(stride).collect();
        for chunk in all.as_chunks::<F64_LANES>().0.as_chunks::<VECTORS>().0 {
            let input = chunk.map(|bits| bits.map(|bits| f64::from(f32::from_bits(bits))));
            let scalar = input.map(|input| input.map(ln));
            for (&x, &y) in input.as_flattened().iter().zip(scalar.as_flattened()) {
                assert!(y > before, "not increasing at {x}");
                before = y;
                let exact = x.ln();
                let ulp = (exact.abs().next_up() - exact.abs()).max(f64::MIN_POSITIVE);
                worst = worst.max((y - exact).abs() / ulp);
            }
            for level in Level::available() {
                let found = Dispatch::new(level).unwrap().run(LnAll(input));
                let bits = |vectors: [[f64; F64_LANES]; VECTORS]| {
                    vectors.map(|vector| vector.map(f64::to_bits))
                };
                assert_eq!(bits(found), bits(scalar), "{level}");
            }
        }
        // The platform's function is itself up to half an ULP off.
        assert!(worst <= 1.5, "{worst} ULP");
    }

    #[test]
    fn error_order_and_bits() {
        sweep(1013);
    }

    #[test]
    #[ignore = "all positive f32: minutes"]
    fn error_order_and_bits_for_all_inputs() {
        sweep(1);
    }

    #[test]
    fn neighbours_stay_in_order_around_one_and_the_seams() {
        for center in [
            1.0f32,
            0.5,
            2.0,
            std::f32::consts::FRAC_1_SQRT_2,
            std::f32::consts::SQRT_2,
        ] {
            for offset in -2000i32..2000 {
                let x = f32::from_bits(center.to_bits().wrapping_add_signed(offset));
                assert!(ln(f64::from(x)) < ln(f64::from(x.next_up())), "{x}");
            }
        }
        assert_eq!(ln(1.0), 0.0);
    }
}
