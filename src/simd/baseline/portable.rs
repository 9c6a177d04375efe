//! The vectors of the crate `wide`, where no instructions are chosen by hand.

use bytemuck::cast;
use wide::{f32x16, u32x16};

use crate::simd::F32_LANES;
use crate::simd::scalar::POWERS;

#[cfg(target_arch = "x86_64")]
pub(super) use super::sse2::widened;

/// Sixteen half-precision numbers, by integers: the multiplication serves normal and subnormal
/// numbers.
#[cfg(not(target_arch = "x86_64"))]
#[inline(always)]
pub(super) fn widened<const FEW_SUBNORMAL: bool>(bits: &[u16; F32_LANES]) -> f32x16 {
    const SCALE: f32 = f32::from_bits((127 + 127 - 15) << 23);
    let bits = u32x16::new(bits.map(u32::from));
    let magnitudes = bits & u32x16::splat(0x7fff);
    let signs = (bits ^ magnitudes) << 16u32;
    let special = magnitudes.simd_gt(u32x16::splat(0x7bff)) & u32x16::splat(0x7f80_0000);
    let scaled = f32x16::from_bits(magnitudes << 13u32) * f32x16::splat(SCALE);
    f32x16::from_bits(scaled.to_bits() | signs | special)
}

/// What [`POWERS`] has for each lane modulo 8, looked up for two at a time: half
/// as many loads, and two of them, not four, fill a register.
#[inline(always)]
pub(super) fn powers(lanes: u32x16) -> u32x16 {
    static PAIRS: [u64; 64] = {
        let mut pairs = [0; 64];
        let mut i = 0;
        while i < 64 {
            let [a, b, c, d] = POWERS[i % 8].to_ne_bytes();
            let [e, f, g, h] = POWERS[i / 8].to_ne_bytes();
            pairs[i] = u64::from_ne_bytes([a, b, c, d, e, f, g, h]);
            i += 1;
        }
        pairs
    };
    let lanes = (lanes & u32x16::splat(7)).to_array();
    let pairs: [u64; F32_LANES / 2] =
        std::array::from_fn(|i| PAIRS[(lanes[2 * i] + lanes[2 * i + 1] * 8) as usize % 64]);
    cast(pairs)
}

/// The larger of each lane and `floor`; NaN where the lane is NaN.
#[inline(always)]
pub(super) fn at_least(vector: f32x16, floor: f32x16) -> f32x16 {
    floor.simd_gt(vector).bitselect(floor, vector)
}

/// A bit for each lane, set where it is `>= bound`.
#[inline(always)]
pub(super) fn ge(vector: f32x16, bound: f32x16) -> u32 {
    vector.simd_ge(bound).to_bitmask()
}

/// A bit for each lane of four vectors, set where it is `>= bound`.
#[inline(always)]
pub(super) fn four_ge(four: [f32x16; 4], bound: f32x16) -> u64 {
    let mut bits = 0;
    for (i, vector) in four.into_iter().enumerate() {
        bits |= u64::from(ge(vector, bound)) << (i * F32_LANES);
    }
    bits
}

/// Whether any lane is `>= bound`, which is the same in all lanes.
#[inline(always)]
pub(super) fn any_ge(vector: f32x16, bound: f32x16) -> bool {
    ge(vector, bound) != 0
}

/// The largest lane; unspecified if one is NaN.
#[inline(always)]
pub(super) fn largest(vector: f32x16) -> f32 {
    let lanes = vector.to_array();
    lanes
        .into_iter()
        .fold(lanes[0], |a, b| if b > a { b } else { a })
}

/// The smallest lane; unspecified if one is NaN.
#[inline(always)]
pub(super) fn smallest(vector: f32x16) -> f32 {
    let lanes = vector.to_array();
    lanes
        .into_iter()
        .fold(lanes[0], |a, b| if b < a { b } else { a })
}

/// The largest lane, as unsigned integers.
#[inline(always)]
pub(super) fn largest_bits(vector: u32x16) -> u32 {
    vector.to_array().into_iter().fold(0, u32::max)
}
