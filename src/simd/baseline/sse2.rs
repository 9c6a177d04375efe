//! Half precision by SSE2, which every x86-64 has.

use wide::f32x16;

use crate::simd::F32_LANES;

/// Sixteen half-precision numbers widened by SSE2, which has no instruction for it. (The
/// crate `half` uses one that it finds at run time, in a call for each few numbers, or
/// widens one number at a time.)
///
/// With the exponent moved up, a normal number is right. A subnormal one, 2^-14 f, has become
/// 2^-15 (1 + f), and is twice that less 2^-14. Unless there are `FEW_SUBNORMAL`: then a
/// multiplication by 2^112 does for both. (50,000 logits took 50 in place of 55
/// microseconds, but as many subnormal numbers 43 in place of 21; Zen 4.) Infinities and NaN
/// get the exponent of f32.
#[inline(always)]
pub(super) fn widened<const FEW_SUBNORMAL: bool>(bits: &[u16; F32_LANES]) -> f32x16 {
    use std::arch::x86_64::*;
    const INFINITY: i16 = 0x7c00;
    const SMALLEST_NORMAL: f32 = f32::from_bits((127 - 14) << 23);
    const EXPONENTS_APART: i32 = 127 - 15;
    const SCALE: f32 = f32::from_bits((127 + EXPONENTS_APART as u32) << 23);
    let parts: [__m128i; 2] = bytemuck::cast(*bits);
    // SAFETY: SSE2 is part of x86-64.
    #[allow(unsafe_code)]
    let numbers: [[__m128; 2]; 2] = parts.map(|halves| unsafe {
        let magnitudes = _mm_and_si128(halves, _mm_set1_epi16(i16::MAX));
        let signs = _mm_xor_si128(halves, magnitudes);
        let special = _mm_cmpgt_epi16(magnitudes, _mm_set1_epi16(INFINITY - 1));
        let upper = _mm_or_si128(signs, _mm_and_si128(special, _mm_set1_epi16(0x7f80)));
        let zero = _mm_setzero_si128();
        let magnitudes = [
            _mm_unpacklo_epi16(zero, magnitudes),
            _mm_unpackhi_epi16(zero, magnitudes),
        ];
        let upper = [
            _mm_unpacklo_epi16(zero, upper),
            _mm_unpackhi_epi16(zero, upper),
        ];
        [0, 1].map(|i| {
            let placed = _mm_srli_epi32::<3>(magnitudes[i]);
            let number = if FEW_SUBNORMAL {
                _mm_mul_ps(_mm_castsi128_ps(placed), _mm_set1_ps(SCALE))
            } else {
                let moved = _mm_add_epi32(placed, _mm_set1_epi32(EXPONENTS_APART << 23));
                let moved = _mm_castsi128_ps(moved);
                let above = _mm_sub_ps(moved, _mm_set1_ps(SMALLEST_NORMAL));
                _mm_add_ps(moved, _mm_min_ps(above, _mm_setzero_ps()))
            };
            _mm_or_ps(number, _mm_castsi128_ps(upper[i]))
        })
    });
    bytemuck::cast(numbers)
}
