//! The 256-bit level of x86-64: two registers a vector.

#![allow(unsafe_code)]

use std::arch::x86_64::*;
use std::ops::{Add, Div, Mul, Sub};

use super::kernel::{Kernel, features};
use super::scalar::{EIGHTHS, MANTISSA, POWERS, ROOT, SQRT_HALF, SQRT_HALF_TO_ONE};
use super::{F32_LANES, F32Lanes, F64_LANES, F64Lanes, F64Part, Float32, Float64, Seen, Simd};

/// Proof that the processor has AVX2 and F16C.
///
/// Every `unsafe` block of this file calls an intrinsic of these sets. It is
/// sound because a value of `Avx2`, or of a vector type made from one, is at
/// hand, and only [`Avx2::new`] makes the first.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Avx2(());

features!(Avx2, avx2_entry: "avx2" "f16c" "bmi1" "bmi2" "lzcnt" "popcnt");

impl Avx2 {
    /// The level without asking for it.
    ///
    /// # Safety
    ///
    /// The processor must have all features of this level.
    #[inline(always)]
    pub(super) unsafe fn assumed() -> Self {
        Avx2(())
    }
}

#[derive(Clone, Copy)]
pub(crate) struct F32x16([__m256; 2]);

#[derive(Clone, Copy)]
pub(crate) struct F64x8([__m256d; 2]);

macro_rules! operator {
    ($type:ident, $trait:ident, $method:ident, $intrinsic:ident) => {
        impl $trait for $type {
            type Output = Self;
            #[inline(always)]
            fn $method(self, other: Self) -> Self {
                let ([a, b], [c, d]) = (self.0, other.0);
                // SAFETY: `self` proves the level.
                $type(unsafe { [$intrinsic(a, c), $intrinsic(b, d)] })
            }
        }
    };
}
operator!(F32x16, Add, add, _mm256_add_ps);
operator!(F32x16, Sub, sub, _mm256_sub_ps);
operator!(F32x16, Mul, mul, _mm256_mul_ps);
operator!(F64x8, Add, add, _mm256_add_pd);
operator!(F64x8, Sub, sub, _mm256_sub_pd);
operator!(F64x8, Mul, mul, _mm256_mul_pd);
operator!(F64x8, Div, div, _mm256_div_pd);

const NEAREST: i32 = _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC;

impl Float32 for F32x16 {
    const REGISTERS: usize = 2;

    #[inline(always)]
    fn splat(self, x: f32) -> Self {
        // SAFETY: `self` proves the level.
        F32x16(unsafe { [_mm256_set1_ps(x); 2] })
    }

    #[inline(always)]
    fn at_least(self, floor: Self) -> Self {
        let ([a, b], [c, d]) = (self.0, floor.0);
        // The instruction returns its second operand if either is NaN.
        // SAFETY: `self` proves the level.
        F32x16(unsafe { [_mm256_max_ps(c, a), _mm256_max_ps(d, b)] })
    }

    #[inline(always)]
    fn nearest_power(self) -> (Self, Self) {
        let (mut nearest, mut powers) = (self.0, self.0);
        for (i, half) in self.0.into_iter().enumerate() {
            // SAFETY: `self` proves the level; `POWERS` holds 8 lanes.
            unsafe {
                let shifted = _mm256_add_ps(half, _mm256_set1_ps(EIGHTHS));
                nearest[i] = _mm256_sub_ps(shifted, _mm256_set1_ps(EIGHTHS + ROOT));
                let bits = _mm256_castps_si256(shifted);
                let table = _mm256_loadu_si256(POWERS.as_ptr().cast());
                // The instruction looks at the low 3 bits alone.
                let entry = _mm256_permutevar8x32_epi32(table, bits);
                let power = _mm256_add_epi32(_mm256_slli_epi32::<20>(bits), entry);
                powers[i] = _mm256_castsi256_ps(power);
            }
        }
        (F32x16(nearest), F32x16(powers))
    }
}

impl F32Lanes for F32x16 {
    type Seen = SeenF32;

    #[inline(always)]
    fn store(self, out: &mut [f32; F32_LANES]) {
        // SAFETY: `self` proves the level; `out` has room for 16 lanes.
        unsafe {
            _mm256_storeu_ps(out.as_mut_ptr(), self.0[0]);
            _mm256_storeu_ps(out.as_mut_ptr().add(8), self.0[1]);
        }
    }

    #[inline(always)]
    fn max(self, other: Self) -> Self {
        let ([a, b], [c, d]) = (self.0, other.0);
        // SAFETY: `self` proves the level.
        F32x16(unsafe { [_mm256_max_ps(a, c), _mm256_max_ps(b, d)] })
    }

    #[inline(always)]
    fn min(self, other: Self) -> Self {
        let ([a, b], [c, d]) = (self.0, other.0);
        // SAFETY: `self` proves the level.
        F32x16(unsafe { [_mm256_min_ps(a, c), _mm256_min_ps(b, d)] })
    }

    #[inline(always)]
    fn max_bits(self, other: Self) -> Self {
        let mut lanes = self.0;
        for (a, b) in lanes.iter_mut().zip(other.0) {
            // SAFETY: `self` proves the level.
            unsafe {
                let larger = _mm256_max_epu32(_mm256_castps_si256(*a), _mm256_castps_si256(b));
                *a = _mm256_castsi256_ps(larger);
            }
        }
        F32x16(lanes)
    }

    #[inline(always)]
    fn reduce_max_bits(self) -> u32 {
        let [a, b] = self.0;
        // SAFETY: `self` proves the level.
        unsafe {
            let eight = _mm256_max_epu32(_mm256_castps_si256(a), _mm256_castps_si256(b));
            let four = _mm_max_epu32(
                _mm256_castsi256_si128(eight),
                _mm256_extracti128_si256::<1>(eight),
            );
            let two = _mm_max_epu32(four, _mm_shuffle_epi32::<0b00_00_11_10>(four));
            let one = _mm_max_epu32(two, _mm_shuffle_epi32::<0b00_00_00_01>(two));
            _mm_cvtsi128_si32(one) as u32
        }
    }

    #[inline(always)]
    fn reduce_max(self) -> f32 {
        let [a, b] = self.0;
        // SAFETY: `self` proves the level.
        unsafe {
            let eight = _mm256_max_ps(a, b);
            let four = _mm_max_ps(
                _mm256_castps256_ps128(eight),
                _mm256_extractf128_ps::<1>(eight),
            );
            let two = _mm_max_ps(four, _mm_movehl_ps(four, four));
            _mm_cvtss_f32(_mm_max_ss(two, _mm_movehdup_ps(two)))
        }
    }

    #[inline(always)]
    fn reduce_min(self) -> f32 {
        let [a, b] = self.0;
        // SAFETY: `self` proves the level.
        unsafe {
            let eight = _mm256_min_ps(a, b);
            let four = _mm_min_ps(
                _mm256_castps256_ps128(eight),
                _mm256_extractf128_ps::<1>(eight),
            );
            let two = _mm_min_ps(four, _mm_movehl_ps(four, four));
            _mm_cvtss_f32(_mm_min_ss(two, _mm_movehdup_ps(two)))
        }
    }

    #[inline(always)]
    fn ge(self, other: Self) -> u32 {
        let ([a, b], [c, d]) = (self.0, other.0);
        // SAFETY: `self` proves the level.
        unsafe {
            let low = _mm256_movemask_ps(_mm256_cmp_ps::<_CMP_GE_OQ>(a, c)) as u32;
            let high = _mm256_movemask_ps(_mm256_cmp_ps::<_CMP_GE_OQ>(b, d)) as u32;
            low | high << 8
        }
    }

    #[inline(always)]
    fn any_ge(self, bound: Self) -> bool {
        let [a, b] = self.0;
        // SAFETY: `self` proves the level.
        unsafe {
            let larger = _mm256_max_ps(a, b);
            let ge = _mm256_cmp_ps::<_CMP_GE_OQ>(larger, bound.0[0]);
            _mm256_movemask_ps(ge) != 0
        }
    }

    #[inline(always)]
    fn four_ge(four: [Self; 4], bound: Self) -> u64 {
        let mut bits = [0; 2];
        for (bits, two) in bits.iter_mut().zip(four.as_chunks::<2>().0) {
            // SAFETY: the vectors prove the level.
            unsafe {
                let [a, b, c, d] = [two[0].0[0], two[0].0[1], two[1].0[0], two[1].0[1]];
                let a = _mm256_castps_si256(_mm256_cmp_ps::<_CMP_LE_OQ>(bound.0[0], a));
                let b = _mm256_castps_si256(_mm256_cmp_ps::<_CMP_LE_OQ>(bound.0[0], b));
                let c = _mm256_castps_si256(_mm256_cmp_ps::<_CMP_LE_OQ>(bound.0[0], c));
                let d = _mm256_castps_si256(_mm256_cmp_ps::<_CMP_LE_OQ>(bound.0[0], d));
                // Packing works within halves: four lanes of a, of b, of c and
                // of d, and in the upper half the other four of each.
                let bytes = _mm256_packs_epi16(_mm256_packs_epi32(a, b), _mm256_packs_epi32(c, d));
                let in_order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
                let bytes = _mm256_permutevar8x32_epi32(bytes, in_order);
                *bits = _mm256_movemask_epi8(bytes) as u32;
            }
        }
        u64::from(bits[0]) | u64::from(bits[1]) << 32
    }

    #[inline(always)]
    fn where_ge(self, count: Self, least: Self, otherwise: Self) -> Self {
        let mut lanes = otherwise.0;
        for (i, lane) in lanes.iter_mut().enumerate() {
            // SAFETY: `self` proves the level.
            unsafe {
                let ge = _mm256_cmp_ps::<_CMP_GE_OQ>(count.0[i], least.0[i]);
                *lane = _mm256_blendv_ps(*lane, self.0[i], ge);
            }
        }
        F32x16(lanes)
    }

    #[inline(always)]
    fn count_less(self, other: Self, count: Self) -> Self {
        let mut counts = count.0;
        for (i, count) in counts.iter_mut().enumerate() {
            // SAFETY: `self` proves the level.
            unsafe {
                let less = _mm256_cmp_ps::<_CMP_LT_OQ>(self.0[i], other.0[i]);
                *count = _mm256_add_ps(*count, _mm256_and_ps(less, _mm256_set1_ps(1.0)));
            }
        }
        F32x16(counts)
    }

    #[inline(always)]
    fn see_below(self, bound: Self, seen: SeenF32) -> SeenF32 {
        let ([a, b], [c, d]) = (self.0, bound.0);
        // SAFETY: `self` proves the level.
        unsafe {
            let low = _mm256_cmp_ps::<_CMP_NGE_UQ>(a, c);
            let high = _mm256_cmp_ps::<_CMP_NGE_UQ>(b, d);
            SeenF32(_mm256_or_ps(seen.0, _mm256_or_ps(low, high)))
        }
    }
}

#[derive(Clone, Copy)]
pub(crate) struct SeenF32(__m256);

impl Seen for SeenF32 {
    #[inline(always)]
    fn any(self) -> bool {
        // SAFETY: `self` proves the level.
        unsafe { _mm256_movemask_ps(self.0) != 0 }
    }
}

impl Float64 for F64x8 {
    #[inline(always)]
    fn splat(self, x: f64) -> Self {
        // SAFETY: `self` proves the level.
        F64x8(unsafe { [_mm256_set1_pd(x); 2] })
    }

    #[inline(always)]
    fn max(self, other: Self) -> Self {
        let ([a, b], [c, d]) = (self.0, other.0);
        // SAFETY: `self` proves the level.
        F64x8(unsafe { [_mm256_max_pd(a, c), _mm256_max_pd(b, d)] })
    }

    #[inline(always)]
    fn min(self, other: Self) -> Self {
        let ([a, b], [c, d]) = (self.0, other.0);
        // SAFETY: `self` proves the level.
        F64x8(unsafe { [_mm256_min_pd(a, c), _mm256_min_pd(b, d)] })
    }

    #[inline(always)]
    fn round(self) -> Self {
        let [a, b] = self.0;
        // SAFETY: `self` proves the level.
        F64x8(unsafe { [_mm256_round_pd::<NEAREST>(a), _mm256_round_pd::<NEAREST>(b)] })
    }

    #[inline(always)]
    fn mul_exp2(self, n: Self) -> Self {
        let mut lanes = self.0;
        for (half, n) in lanes.iter_mut().zip(n.0) {
            // SAFETY: `self` proves the level.
            unsafe {
                // 1.5 * 2^52: what is added to it shows in the low bits.
                let magic = _mm256_set1_pd(6_755_399_441_055_744.0 + 1023.0);
                let low_bits = _mm256_castpd_si256(_mm256_add_pd(n, magic));
                let power = _mm256_castsi256_pd(_mm256_slli_epi64::<52>(low_bits));
                *half = _mm256_mul_pd(*half, power);
            }
        }
        F64x8(lanes)
    }

    #[inline(always)]
    fn split_exponent(self) -> (Self, Self) {
        // 2^52: with it as the upper bits, the lower ones read as an integer.
        const INTEGER: f64 = 4_503_599_627_370_496.0;
        let (mut mantissas, mut exponents) = (self.0, self.0);
        for (i, half) in self.0.into_iter().enumerate() {
            // SAFETY: `self` proves the level.
            unsafe {
                let shifted = _mm256_add_epi64(
                    _mm256_castpd_si256(half),
                    _mm256_set1_epi64x(SQRT_HALF_TO_ONE as i64),
                );
                let biased = _mm256_or_si256(
                    _mm256_srli_epi64::<52>(shifted),
                    _mm256_set1_epi64x(INTEGER.to_bits() as i64),
                );
                exponents[i] = _mm256_sub_pd(
                    _mm256_castsi256_pd(biased),
                    _mm256_set1_pd(INTEGER + 1023.0),
                );
                mantissas[i] = _mm256_castsi256_pd(_mm256_add_epi64(
                    _mm256_and_si256(shifted, _mm256_set1_epi64x(MANTISSA as i64)),
                    _mm256_set1_epi64x(SQRT_HALF as i64),
                ));
            }
        }
        (F64x8(mantissas), F64x8(exponents))
    }

    #[inline(always)]
    fn select_ge(self, bound: Self, if_ge: Self, otherwise: Self) -> Self {
        let mut lanes = otherwise.0;
        for (i, lane) in lanes.iter_mut().enumerate() {
            // SAFETY: `self` proves the level.
            unsafe {
                let ge = _mm256_cmp_pd::<_CMP_GE_OQ>(self.0[i], bound.0[i]);
                *lane = _mm256_blendv_pd(*lane, if_ge.0[i], ge);
            }
        }
        F64x8(lanes)
    }
}

impl F64Lanes for F64x8 {
    #[inline(always)]
    fn store(self, out: &mut [f64; F64_LANES]) {
        // SAFETY: `self` proves the level; `out` has room for 8 lanes.
        unsafe {
            _mm256_storeu_pd(out.as_mut_ptr(), self.0[0]);
            _mm256_storeu_pd(out.as_mut_ptr().add(4), self.0[1]);
        }
    }
}

#[derive(Clone, Copy)]
pub(crate) struct F64x4(__m256d);

impl F64Part for F64x4 {
    const PARTS: usize = 2;

    #[inline(always)]
    fn store(self, out: &mut [f64; F64_LANES], part: usize) {
        let out: &mut [f64; 4] = &mut out.as_chunks_mut().0[part];
        // SAFETY: `self` proves the level; `out` has room for 4 lanes.
        unsafe { _mm256_storeu_pd(out.as_mut_ptr(), self.0) }
    }

    #[inline(always)]
    fn max(self, other: Self) -> Self {
        // SAFETY: `self` proves the level.
        F64x4(unsafe { _mm256_max_pd(self.0, other.0) })
    }

    #[inline(always)]
    fn min(self, other: Self) -> Self {
        // SAFETY: `self` proves the level.
        F64x4(unsafe { _mm256_min_pd(self.0, other.0) })
    }
}

/// The numbers of the set bits of each byte.
static SET_BITS: [[u8; 8]; 256] = {
    let mut all = [[0; 8]; 256];
    let mut byte = 0;
    while byte < 256 {
        let (mut bit, mut count) = (0, 0);
        while bit < 8 {
            if byte >> bit & 1 == 1 {
                all[byte][count] = bit as u8;
                count += 1;
            }
            bit += 1;
        }
        byte += 1;
    }
    all
};

/// The columns of an 8 x 8 matrix given by its rows.
///
/// # Safety
///
/// The processor must have AVX.
#[inline(always)]
unsafe fn transpose(rows: [&[f32; 8]; 8]) -> [__m256; 8] {
    // SAFETY: the caller vouches for the level; each row holds 8 lanes.
    unsafe {
        let mut columns = [_mm256_setzero_ps(); 8];
        for (half, columns) in columns.as_chunks_mut::<4>().0.iter_mut().enumerate() {
            // Rows i and i + 4, half of the one beside half of the other.
            let mut pairs = [_mm256_setzero_ps(); 4];
            for (row, pair) in pairs.iter_mut().enumerate() {
                let low = _mm_loadu_ps(rows[row].as_ptr().add(4 * half));
                let high = _mm_loadu_ps(rows[row + 4].as_ptr().add(4 * half));
                *pair = _mm256_set_m128(high, low);
            }
            *columns = transpose_halves(pairs);
        }
        columns
    }
}

/// The columns of two 4 x 4 matrices, of which each row is half of a vector.
///
/// # Safety
///
/// The processor must have AVX.
#[inline(always)]
unsafe fn transpose_halves([a, b, c, d]: [__m256; 4]) -> [__m256; 4] {
    // SAFETY: the caller vouches for the level.
    unsafe {
        let (ab_low, ab_high) = (_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b));
        let (cd_low, cd_high) = (_mm256_unpacklo_ps(c, d), _mm256_unpackhi_ps(c, d));
        [
            _mm256_shuffle_ps::<0b01_00_01_00>(ab_low, cd_low),
            _mm256_shuffle_ps::<0b11_10_11_10>(ab_low, cd_low),
            _mm256_shuffle_ps::<0b01_00_01_00>(ab_high, cd_high),
            _mm256_shuffle_ps::<0b11_10_11_10>(ab_high, cd_high),
        ]
    }
}

/// What [`Simd::f64_columns`] returns, in halves.
///
/// # Safety
///
/// The processor must have AVX2.
#[inline(always)]
pub(super) unsafe fn paired_columns<const SIGNED: bool>(
    rows: [&[f32; 8]; 8],
    raise: u32,
    low: &[u32; 8],
) -> [[__m256d; 2]; 8] {
    // Unpacking works within halves: it takes lanes 0, 1, 4 and 5, then the others.
    let [a, b, c, d, e, f, g, h] = rows;
    // SAFETY: the caller vouches for the level.
    unsafe {
        let narrow = transpose([a, b, e, f, c, d, g, h]);
        let mut columns = [[_mm256_setzero_pd(); 2]; 8];
        for ((column, narrow), &low) in columns.iter_mut().zip(narrow).zip(low) {
            let narrow = _mm256_castps_si256(narrow);
            let high = _mm256_add_epi32(narrow, _mm256_set1_epi32(raise as i32));
            let mut low = _mm256_set1_epi32(low as i32);
            if SIGNED {
                low = _mm256_xor_si256(low, _mm256_srai_epi32::<31>(narrow));
            }
            *column = [
                _mm256_castsi256_pd(_mm256_unpacklo_epi32(low, high)),
                _mm256_castsi256_pd(_mm256_unpackhi_epi32(low, high)),
            ];
        }
        columns
    }
}

/// What [`Simd::f64_rows`] writes.
///
/// # Safety
///
/// The processor must have AVX2.
#[inline(always)]
pub(super) unsafe fn unpaired_rows(
    columns: &[[f64; 8]; 8],
    raise: u32,
    stride: usize,
    low: &mut [u32],
    high: &mut [f64],
) {
    let room = (stride.checked_mul(7)).is_some_and(|last| {
        let fits = |len: usize| len.checked_sub(8).is_some_and(|most| last <= most);
        fits(low.len()) && fits(high.len())
    });
    assert!(room, "eight rows, {stride} apart");
    let (low, high) = (low.as_mut_ptr(), high.as_mut_ptr());
    // Shuffling works within halves: it takes lanes 0, 1, 4 and 5, then the others.
    const IN_HALVES: [[usize; 2]; 4] = [[0, 2], [1, 3], [4, 6], [5, 7]];
    // SAFETY: the caller vouches for the level; a column holds 8 lanes, and there
    // are eight places from 7 * stride on, as has been asserted.
    unsafe {
        // By four columns: a row beside another, as `IN_HALVES` says.
        let (mut lows, mut highs) = ([[_mm256_setzero_ps(); 4]; 2], [[_mm256_setzero_ps(); 4]; 2]);
        for (half, columns) in columns.as_chunks::<4>().0.iter().enumerate() {
            let (mut four_low, mut four_high) =
                ([_mm256_setzero_ps(); 4], [_mm256_setzero_ps(); 4]);
            for (i, column) in columns.iter().enumerate() {
                let a = _mm256_loadu_ps(column.as_ptr().cast());
                let b = _mm256_loadu_ps(column.as_ptr().add(4).cast());
                let bits = _mm256_castps_si256(_mm256_shuffle_ps::<0b10_00_10_00>(a, b));
                let upper = _mm256_castps_si256(_mm256_shuffle_ps::<0b11_01_11_01>(a, b));
                let not_negative = _mm256_cmpgt_epi32(upper, _mm256_set1_epi32(-1));
                four_low[i] = _mm256_castsi256_ps(_mm256_xor_si256(bits, not_negative));
                let lowered = _mm256_sub_epi32(upper, _mm256_set1_epi32(raise as i32));
                four_high[i] = _mm256_castsi256_ps(lowered);
            }
            lows[half] = transpose_halves(four_low);
            highs[half] = transpose_halves(four_high);
        }
        for (i, rows) in IN_HALVES.into_iter().enumerate() {
            let [front, back] = [lows[0][i], lows[1][i]];
            let eight = _mm256_permute2f128_ps::<0x20>(front, back);
            _mm256_storeu_ps(low.add(rows[0] * stride).cast(), eight);
            let eight = _mm256_permute2f128_ps::<0x31>(front, back);
            _mm256_storeu_ps(low.add(rows[1] * stride).cast(), eight);
            for (half, highs) in highs.iter().enumerate() {
                let four = _mm256_cvtps_pd(_mm256_castps256_ps128(highs[i]));
                _mm256_storeu_pd(high.add(rows[0] * stride + 4 * half), four);
                let four = _mm256_cvtps_pd(_mm256_extractf128_ps::<1>(highs[i]));
                _mm256_storeu_pd(high.add(rows[1] * stride + 4 * half), four);
            }
        }
    }
}

impl Simd for Avx2 {
    type F32 = F32x16;
    type F64 = F64x8;
    type F64Part = F64x4;
    type Halves = F32x16;
    type Streaming = Avx2;

    const LOADS_LINES: bool = false;

    const UNSIGNED_MAX: bool = true;

    #[inline(always)]
    fn outlined<K: Kernel>(self, kernel: K) -> K::Output {
        // SAFETY: `self` proves that the processor has the features.
        unsafe { self.avx2_entry(kernel) }
    }

    #[inline(always)]
    fn streaming(self) -> Avx2 {
        self
    }

    #[inline(always)]
    fn f32_splat(self, x: f32) -> F32x16 {
        // SAFETY: `self` proves the level.
        F32x16(unsafe { [_mm256_set1_ps(x); 2] })
    }

    #[inline(always)]
    fn f32_load(self, x: &[f32; F32_LANES]) -> F32x16 {
        // SAFETY: `self` proves the level; `x` holds 16 lanes.
        F32x16(unsafe {
            [
                _mm256_loadu_ps(x.as_ptr()),
                _mm256_loadu_ps(x.as_ptr().add(8)),
            ]
        })
    }

    #[inline(always)]
    fn f32_unseen(self) -> SeenF32 {
        // SAFETY: `self` proves the level.
        SeenF32(unsafe { _mm256_setzero_ps() })
    }

    #[inline(always)]
    fn numbers_of_bits(self, bits: u32, first: u32, out: &mut [u32; F32_LANES]) {
        let [low, high] = [bits as usize & 255, bits as usize >> 8 & 255];
        let behind = low.count_ones() as usize;
        let out = out.as_mut_ptr();
        // SAFETY: `self` proves the level; a row of the table holds 8 bytes; `out` has room
        // for 16 lanes, and at most 8 are passed.
        unsafe {
            let first = _mm256_set1_epi32(first as i32);
            let numbers = _mm256_cvtepu8_epi32(_mm_loadl_epi64(SET_BITS[low].as_ptr().cast()));
            _mm256_storeu_si256(out.cast(), _mm256_add_epi32(numbers, first));
            let first = _mm256_add_epi32(first, _mm256_set1_epi32(8));
            let numbers = _mm256_cvtepu8_epi32(_mm_loadl_epi64(SET_BITS[high].as_ptr().cast()));
            _mm256_storeu_si256(out.add(behind).cast(), _mm256_add_epi32(numbers, first));
        }
    }

    #[inline(always)]
    fn f32_from_f16(self, bits: &[u16; F32_LANES]) -> F32x16 {
        let bits = bits.as_ptr();
        // SAFETY: `self` proves the level; `bits` holds 16 lanes of 16 bits.
        F32x16(unsafe {
            [
                _mm256_cvtph_ps(_mm_loadu_si128(bits.cast())),
                _mm256_cvtph_ps(_mm_loadu_si128(bits.add(8).cast())),
            ]
        })
    }

    #[inline(always)]
    fn halves(self, bits: &[u16; F32_LANES]) -> F32x16 {
        self.f32_from_f16(bits)
    }

    #[inline(always)]
    fn f32_from_bf16(self, bits: &[u16; F32_LANES]) -> F32x16 {
        // One shuffle moves each number to the upper half of its lane, where
        // widening and shifting would be two.
        const UPPER: [i8; 32] = [
            -1, -1, 0, 1, -1, -1, 2, 3, -1, -1, 4, 5, -1, -1, 6, 7, //
            -1, -1, 8, 9, -1, -1, 10, 11, -1, -1, 12, 13, -1, -1, 14, 15,
        ];
        let bits = bits.as_ptr();
        // SAFETY: `self` proves the level; `bits` holds 16 lanes of 16 bits, and
        // `UPPER` 32 bytes.
        unsafe {
            let upper = _mm256_loadu_si256(UPPER.as_ptr().cast());
            let low = _mm256_broadcastsi128_si256(_mm_loadu_si128(bits.cast()));
            let high = _mm256_broadcastsi128_si256(_mm_loadu_si128(bits.add(8).cast()));
            F32x16([
                _mm256_castsi256_ps(_mm256_shuffle_epi8(low, upper)),
                _mm256_castsi256_ps(_mm256_shuffle_epi8(high, upper)),
            ])
        }
    }

    #[inline(always)]
    fn f64_load(self, x: &[f64; F64_LANES]) -> F64x8 {
        // SAFETY: `self` proves the level; `x` holds 8 lanes.
        F64x8(unsafe {
            [
                _mm256_loadu_pd(x.as_ptr()),
                _mm256_loadu_pd(x.as_ptr().add(4)),
            ]
        })
    }

    #[inline(always)]
    fn f64_load_part(self, x: &[f64; F64_LANES], part: usize) -> F64x4 {
        let x: &[f64; 4] = &x.as_chunks().0[part];
        // SAFETY: `self` proves the level; `x` holds 4 lanes.
        F64x4(unsafe { _mm256_loadu_pd(x.as_ptr()) })
    }

    #[inline(always)]
    fn f64_part(self, x: F64x8, part: usize) -> F64x4 {
        F64x4(x.0[part])
    }

    #[inline(always)]
    fn f64_columns<const SIGNED: bool>(
        self,
        rows: [&[f32; F64_LANES]; F64_LANES],
        raise: u32,
        low: &[u32; F64_LANES],
    ) -> [F64x8; F64_LANES] {
        let mut columns = [self.f64_load(&[0.0; F64_LANES]); F64_LANES];
        // SAFETY: `self` proves the level.
        let paired = unsafe { paired_columns::<SIGNED>(rows, raise, low) };
        for (column, halves) in columns.iter_mut().zip(paired) {
            *column = F64x8(halves);
        }
        columns
    }

    #[inline(always)]
    fn f64_rows(
        self,
        columns: &[[f64; F64_LANES]; F64_LANES],
        raise: u32,
        stride: usize,
        low: &mut [u32],
        high: &mut [f64],
    ) {
        // SAFETY: `self` proves the level.
        unsafe { unpaired_rows(columns, raise, stride, low, high) }
    }
}
