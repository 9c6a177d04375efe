//! NEON, which every AArch64 has, for what the crate `wide` does lane by lane or in more
//! instructions than it takes. (So the portable level has it, and a level of its own would
//! choose nothing at run time.)
//!
//! Instructions of a row, as `tests/machines/rows.sh` counts them, are in `tests/README.md`.

use std::arch::{aarch64::*, asm};

use bytemuck::cast;
use wide::{f32x16, u32x16};

use crate::simd::F32_LANES;
use crate::simd::scalar::POWERS;

#[inline(always)]
fn numbers(vector: f32x16) -> [float32x4_t; 4] {
    let fours: [[f32; 4]; 4] = cast(vector);
    // SAFETY: NEON is part of AArch64. A load is of four numbers, as the arrays are.
    #[allow(unsafe_code)]
    fours.map(|four| unsafe { vld1q_f32(four.as_ptr()) })
}

#[inline(always)]
fn integers(vector: u32x16) -> [uint32x4_t; 4] {
    let fours: [[u32; 4]; 4] = cast(vector);
    // SAFETY: as in `numbers`.
    #[allow(unsafe_code)]
    fours.map(|four| unsafe { vld1q_u32(four.as_ptr()) })
}

/// Sixteen half-precision numbers: one instruction widens four. (The crate `half` asks at run
/// time whether the processor has it, and calls a function for each four numbers.)
#[inline(always)]
pub(super) fn widened<const FEW_SUBNORMAL: bool>(bits: &[u16; F32_LANES]) -> f32x16 {
    let mut numbers = [0f32; F32_LANES];
    let fours = numbers.as_chunks_mut::<4>().0.iter_mut();
    for (four, bits) in fours.zip(bits.as_chunks::<4>().0) {
        // SAFETY: NEON is part of AArch64. The load and the store are of four numbers each,
        // as the arrays are. The instruction reads and writes registers alone; it may set the
        // cumulative flags of FPSR, for a NaN that signals, so flags are not said to be kept.
        #[allow(unsafe_code)]
        unsafe {
            let wide: float32x4_t;
            asm!(
                "fcvtl {wide:v}.4s, {bits:v}.4h",
                wide = lateout(vreg) wide,
                bits = in(vreg) vld1_u16(bits.as_ptr()),
                options(pure, nomem, nostack)
            );
            vst1q_f32(four.as_mut_ptr(), wide);
        }
    }
    f32x16::new(numbers)
}

/// What [`POWERS`] has for each lane modulo 8: its bytes are looked up in a table of 32.
#[inline(always)]
pub(super) fn powers(lanes: u32x16) -> u32x16 {
    // A lane's bytes become 4 i, 4 i + 1, 4 i + 2, 4 i + 3.
    let indices = (lanes & u32x16::splat(7)) * u32x16::splat(0x0404_0404)
        + u32x16::splat(u32::from_le_bytes([0, 1, 2, 3]));
    let mut found = [[0u32; 4]; 4];
    // SAFETY: NEON is part of AArch64. The loads are of 16 bytes each, of the 32 that
    // `POWERS` has; the stores are of four integers each, as the arrays are.
    #[allow(unsafe_code)]
    unsafe {
        let table = POWERS.as_ptr().cast::<u8>();
        let table = uint8x16x2_t(vld1q_u8(table), vld1q_u8(table.add(16)));
        for (found, indices) in found.iter_mut().zip(integers(indices)) {
            let bytes = vqtbl2q_u8(table, vreinterpretq_u8_u32(indices));
            vst1q_u32(found.as_mut_ptr(), vreinterpretq_u32_u8(bytes));
        }
    }
    cast(found)
}

/// The larger of each lane and `floor`; NaN where the lane is NaN.
#[inline(always)]
pub(super) fn at_least(vector: f32x16, floor: f32x16) -> f32x16 {
    vector.fast_max(floor)
}

/// For each lane a byte of ones, where it is `>= bound`, or of zeros.
#[inline(always)]
fn bytes_ge(vector: f32x16, bound: f32x16) -> uint8x16_t {
    let [a, b, c, d] = numbers(vector);
    let [e, f, g, h] = numbers(bound);
    // SAFETY: NEON is part of AArch64.
    #[allow(unsafe_code)]
    unsafe {
        let half = |a, b, bounds: [float32x4_t; 2]| {
            let a = vreinterpretq_u16_u32(vcgeq_f32(a, bounds[0]));
            let b = vreinterpretq_u16_u32(vcgeq_f32(b, bounds[1]));
            vreinterpretq_u8_u16(vuzp1q_u16(a, b))
        };
        vuzp1q_u8(half(a, b, [e, f]), half(c, d, [g, h]))
    }
}

/// In each byte the bit that is its own among eight.
#[inline(always)]
fn own_bits(bytes: uint8x16_t) -> uint8x16_t {
    const OWN: [u8; 16] = [1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128];
    // SAFETY: NEON is part of AArch64. The load is of 16 bytes, as the array is.
    #[allow(unsafe_code)]
    unsafe {
        vandq_u8(bytes, vld1q_u8(OWN.as_ptr()))
    }
}

/// A bit for each lane, set where it is `>= bound`.
#[inline(always)]
pub(super) fn ge(vector: f32x16, bound: f32x16) -> u32 {
    let bits = own_bits(bytes_ge(vector, bound));
    // SAFETY: NEON is part of AArch64.
    #[allow(unsafe_code)]
    unsafe {
        let pairs = vpaddq_u8(bits, bits);
        let fours = vpaddq_u8(pairs, pairs);
        let eights = vpaddq_u8(fours, fours);
        u32::from(vgetq_lane_u16::<0>(vreinterpretq_u16_u8(eights)))
    }
}

/// A bit for each lane of four vectors, set where it is `>= bound`.
#[inline(always)]
pub(super) fn four_ge(four: [f32x16; 4], bound: f32x16) -> u64 {
    let bits = |vector| own_bits(bytes_ge(vector, bound));
    let [a, b, c, d] = four;
    let (a, b, c, d) = (bits(a), bits(b), bits(c), bits(d));
    // SAFETY: NEON is part of AArch64.
    #[allow(unsafe_code)]
    unsafe {
        let fours = vpaddq_u8(vpaddq_u8(a, b), vpaddq_u8(c, d));
        let eights = vpaddq_u8(fours, fours);
        vgetq_lane_u64::<0>(vreinterpretq_u64_u8(eights))
    }
}

/// Whether any lane is `>= bound`, which is the same in all lanes.
#[inline(always)]
pub(super) fn any_ge(vector: f32x16, bound: f32x16) -> bool {
    largest(vector) >= bound.to_array()[0]
}

/// The largest lane; unspecified if one is NaN.
#[inline(always)]
pub(super) fn largest(vector: f32x16) -> f32 {
    let [a, b, c, d] = numbers(vector);
    // SAFETY: NEON is part of AArch64.
    #[allow(unsafe_code)]
    unsafe {
        vmaxvq_f32(vmaxq_f32(vmaxq_f32(a, b), vmaxq_f32(c, d)))
    }
}

/// The smallest lane; unspecified if one is NaN.
#[inline(always)]
pub(super) fn smallest(vector: f32x16) -> f32 {
    let [a, b, c, d] = numbers(vector);
    // SAFETY: NEON is part of AArch64.
    #[allow(unsafe_code)]
    unsafe {
        vminvq_f32(vminq_f32(vminq_f32(a, b), vminq_f32(c, d)))
    }
}

/// The largest lane, as unsigned integers.
#[inline(always)]
pub(super) fn largest_bits(vector: u32x16) -> u32 {
    let [a, b, c, d] = integers(vector);
    // SAFETY: NEON is part of AArch64.
    #[allow(unsafe_code)]
    unsafe {
        vmaxvq_u32(vmaxq_u32(vmaxq_u32(a, b), vmaxq_u32(c, d)))
    }
}
