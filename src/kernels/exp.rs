//! The exponential function, for the sums inside a log-sum-exp.

use crate::simd::{Float32, Float64};

/// `e^x` for x from -infinity to 0, in f32; at most 2 ULP from the exact value
/// down to x = -86, and exactly 1 at 0.
///
/// Below about -86.6 the result stays at 2^-125, which no sum that holds a 1
/// can tell from 0. NaN stays NaN.
///
/// 2^y for y = x log2(e) is 2^n 2^f with n the nearest integer, and 2^f a
/// polynomial of degree 5 fitted by `perf/coefficients.py`.
#[inline(always)]
pub(crate) fn exp_nonpositive_f32<V: Float32>(x: V) -> V {
    let y = (x * x.splat(std::f32::consts::LOG2_E)).at_least(x.splat(-125.0));
    let n = y.round();
    let f = y - n;
    // Estrin's order: three short chains in place of one long one.
    let f2 = f * f;
    let low = x.splat(f32::from_bits(0x3f317215)) + x.splat(f32::from_bits(0x3e75fcde)) * f;
    let high = x.splat(f32::from_bits(0x3d635ba9)) + x.splat(f32::from_bits(0x3c1e7544)) * f;
    let high = high + x.splat(f32::from_bits(0x3aaddd0a)) * f2;
    let p = (low + high * f2) * f + x.splat(1.0);
    p.mul_exp2(n)
}

/// `e^x` for x from -infinity to 0, in f64; at most 1 ULP from the exact
/// value, and exactly 1 at 0.
///
/// Below -708 the result is 0: no subnormal number appears. NaN gives 0.
///
/// e^x is 2^n e^r with n the nearest integer to x log2(e); ln 2 is taken off
/// in two parts, the first so short that n times it is exact (Cody and Waite
/// 1980); e^r is 1 + r + r^2 p(r), p fitted by `perf/coefficients.py`.
#[inline(always)]
pub(crate) fn exp_nonpositive_f64<V: Float64>(x: V) -> V {
    let floor = x.splat(-708.0);
    let clamped = x.max(floor);
    let n = (clamped * x.splat(std::f64::consts::LOG2_E)).round();
    let r = (clamped - n * x.splat(LN2_HIGH)) - n * x.splat(LN2_LOW);
    let p = x.splat(f64::from_bits(0x3e5ad7f6f07cda2e));
    let p = p * r + x.splat(f64::from_bits(0x3e928ad72cc21b6d));
    let p = p * r + x.splat(f64::from_bits(0x3ec71df255238d61));
    let p = p * r + x.splat(f64::from_bits(0x3efa0199a0c678d5));
    let p = p * r + x.splat(f64::from_bits(0x3f2a01a012a57b53));
    let p = p * r + x.splat(f64::from_bits(0x3f56c16c1842a11c));
    let p = p * r + x.splat(f64::from_bits(0x3f81111111127be5));
    let p = p * r + x.splat(f64::from_bits(0x3fa555555555087c));
    let p = p * r + x.splat(f64::from_bits(0x3fc55555555554fa));
    let p = p * r + x.splat(f64::from_bits(0x3fe000000000000a));
    let e = ((p * r) * r + r) + x.splat(1.0);
    x.select_ge(floor, e.mul_exp2(n), x.splat(0.0))
}

/// The first 32 bits of ln 2's mantissa: its product with an integer below
/// 2^21 is exact.
pub(super) const LN2_HIGH: f64 = f64::from_bits(0x3fe6_2e42_fee0_0000);
/// The rest of ln 2.
pub(super) const LN2_LOW: f64 = f64::from_bits(0x3dea_39ef_3579_3c76);
