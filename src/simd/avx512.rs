//! The 512-bit level of x86-64: one register a vector.

#![allow(unsafe_code)]

use std::arch::x86_64::*;
use std::ops::{Add, Div, Mul, Sub};

use super::avx2::{Avx2, paired_columns, unpaired_rows};
use super::kernel::{Kernel, features};
use super::scalar::{EIGHTHS, MANTISSA, POWERS, ROOT, SQRT_HALF, SQRT_HALF_TO_ONE};
use super::{F32_LANES, F32Lanes, F64_LANES, F64Lanes, F64Part, Float32, Float64, Seen, Simd};

/// Proof that the processor has AVX-512 F, BW, DQ and VL.
///
/// Every `unsafe` block of this file calls an intrinsic of these sets. It is
/// sound because a value of `Avx512`, or of a vector type made from one, is at
/// hand, and only [`Avx512::new`] makes the first.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Avx512(());

// With those of the level below, whose code it may run.
features!(Avx512, avx512_entry: "avx2" "f16c" "avx512f" "avx512bw" "avx512dq" "avx512vl" "bmi1" "bmi2" "lzcnt" "popcnt");

#[derive(Clone, Copy)]
pub(crate) struct F32x16(__m512);

#[derive(Clone, Copy)]
pub(crate) struct F64x8(__m512d);

macro_rules! operator {
    ($type:ident, $trait:ident, $method:ident, $intrinsic:ident) => {
        impl $trait for $type {
            type Output = Self;
            #[inline(always)]
            fn $method(self, other: Self) -> Self {
                // SAFETY: `self` proves the level.
                $type(unsafe { $intrinsic(self.0, other.0) })
            }
        }
    };
}
operator!(F32x16, Add, add, _mm512_add_ps);
operator!(F32x16, Sub, sub, _mm512_sub_ps);
operator!(F32x16, Mul, mul, _mm512_mul_ps);
operator!(F64x8, Add, add, _mm512_add_pd);
operator!(F64x8, Sub, sub, _mm512_sub_pd);
operator!(F64x8, Mul, mul, _mm512_mul_pd);
operator!(F64x8, Div, div, _mm512_div_pd);

const NEAREST: i32 = _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC;

impl Float32 for F32x16 {
    const REGISTERS: usize = 1;

    #[inline(always)]
    fn splat(self, x: f32) -> Self {
        // SAFETY: `self` proves the level.
        F32x16(unsafe { _mm512_set1_ps(x) })
    }

    #[inline(always)]
    fn at_least(self, floor: Self) -> Self {
        // The instruction returns its second operand if either is NaN.
        // SAFETY: `self` proves the level.
        F32x16(unsafe { _mm512_max_ps(floor.0, self.0) })
    }

    #[inline(always)]
    fn nearest_power(self) -> (Self, Self) {
        // SAFETY: `self` proves the level; `POWERS` holds 8 lanes.
        unsafe {
            let shifted = _mm512_add_ps(self.0, _mm512_set1_ps(EIGHTHS));
            let nearest = _mm512_sub_ps(shifted, _mm512_set1_ps(EIGHTHS + ROOT));
            let bits = _mm512_castps_si512(shifted);
            // The instruction looks at the low 4 bits: the table, twice.
            let table = _mm512_broadcast_i32x8(_mm256_loadu_si256(POWERS.as_ptr().cast()));
            let entry = _mm512_permutexvar_epi32(bits, table);
            let power = _mm512_add_epi32(_mm512_slli_epi32::<20>(bits), entry);
            (F32x16(nearest), F32x16(_mm512_castsi512_ps(power)))
        }
    }
}

impl F32Lanes for F32x16 {
    type Seen = SeenF32;

    #[inline(always)]
    fn store(self, out: &mut [f32; F32_LANES]) {
        // SAFETY: `self` proves the level; `out` has room for 16 lanes.
        unsafe { _mm512_storeu_ps(out.as_mut_ptr(), self.0) }
    }

    #[inline(always)]
    fn max(self, other: Self) -> Self {
        // SAFETY: `self` proves the level.
        F32x16(unsafe { _mm512_max_ps(self.0, other.0) })
    }

    #[inline(always)]
    fn min(self, other: Self) -> Self {
        // SAFETY: `self` proves the level.
        F32x16(unsafe { _mm512_min_ps(self.0, other.0) })
    }

    #[inline(always)]
    fn max_bits(self, other: Self) -> Self {
        // SAFETY: `self` proves the level.
        F32x16(unsafe {
            let (a, b) = (_mm512_castps_si512(self.0), _mm512_castps_si512(other.0));
            _mm512_castsi512_ps(_mm512_max_epu32(a, b))
        })
    }

    #[inline(always)]
    fn reduce_max_bits(self) -> u32 {
        // SAFETY: `self` proves the level.
        unsafe { _mm512_reduce_max_epu32(_mm512_castps_si512(self.0)) }
    }

    #[inline(always)]
    fn reduce_max(self) -> f32 {
        // SAFETY: `self` proves the level.
        unsafe { _mm512_reduce_max_ps(self.0) }
    }

    #[inline(always)]
    fn reduce_min(self) -> f32 {
        // SAFETY: `self` proves the level.
        unsafe { _mm512_reduce_min_ps(self.0) }
    }

    #[inline(always)]
    fn ge(self, other: Self) -> u32 {
        // SAFETY: `self` proves the level.
        u32::from(unsafe { _mm512_cmp_ps_mask::<_CMP_GE_OQ>(self.0, other.0) })
    }

    #[inline(always)]
    fn where_ge(self, count: Self, least: Self, otherwise: Self) -> Self {
        // SAFETY: `self` proves the level.
        unsafe {
            let ge = _mm512_cmp_ps_mask::<_CMP_GE_OQ>(count.0, least.0);
            F32x16(_mm512_mask_blend_ps(ge, otherwise.0, self.0))
        }
    }

    #[inline(always)]
    fn count_less(self, other: Self, count: Self) -> Self {
        // SAFETY: `self` proves the level.
        unsafe {
            let less = _mm512_cmp_ps_mask::<_CMP_LT_OQ>(self.0, other.0);
            F32x16(_mm512_mask_add_ps(
                count.0,
                less,
                count.0,
                _mm512_set1_ps(1.0),
            ))
        }
    }

    #[inline(always)]
    fn see_below(self, bound: Self, seen: SeenF32) -> SeenF32 {
        // `seen | (min ^ bound)`, where the minimum is `self` if that is below
        // or NaN, else the bound. It leaves the mask registers alone; on long
        // rows, where memory decides, masks and `kor` measured no different.
        // SAFETY: `self` proves the level.
        SeenF32(unsafe {
            let least = _mm512_castps_si512(_mm512_min_ps(bound.0, self.0));
            _mm512_ternarylogic_epi32::<0b1111_0110>(seen.0, least, _mm512_castps_si512(bound.0))
        })
    }
}

#[derive(Clone, Copy)]
pub(crate) struct SeenF32(__m512i);

impl Seen for SeenF32 {
    #[inline(always)]
    fn any(self) -> bool {
        // All but the sign: a bound of 0.0 is no different from -0.0.
        // SAFETY: `self` proves the level.
        unsafe { _mm512_test_epi32_mask(self.0, _mm512_set1_epi32(i32::MAX)) != 0 }
    }
}

impl Float64 for F64x8 {
    #[inline(always)]
    fn splat(self, x: f64) -> Self {
        // SAFETY: `self` proves the level.
        F64x8(unsafe { _mm512_set1_pd(x) })
    }

    #[inline(always)]
    fn max(self, other: Self) -> Self {
        // SAFETY: `self` proves the level.
        F64x8(unsafe { _mm512_max_pd(self.0, other.0) })
    }

    #[inline(always)]
    fn min(self, other: Self) -> Self {
        // SAFETY: `self` proves the level.
        F64x8(unsafe { _mm512_min_pd(self.0, other.0) })
    }

    #[inline(always)]
    fn round(self) -> Self {
        // SAFETY: `self` proves the level.
        F64x8(unsafe { _mm512_roundscale_pd::<NEAREST>(self.0) })
    }

    #[inline(always)]
    fn mul_exp2(self, n: Self) -> Self {
        // SAFETY: `self` proves the level.
        F64x8(unsafe { _mm512_scalef_pd(self.0, n.0) })
    }

    #[inline(always)]
    fn split_exponent(self) -> (Self, Self) {
        // SAFETY: `self` proves the level.
        unsafe {
            let shifted = _mm512_add_epi64(
                _mm512_castpd_si512(self.0),
                _mm512_set1_epi64(SQRT_HALF_TO_ONE as i64),
            );
            let biased = _mm512_cvtepi64_pd(_mm512_srli_epi64::<52>(shifted));
            let exponent = _mm512_sub_pd(biased, _mm512_set1_pd(1023.0));
            let mantissa = _mm512_add_epi64(
                _mm512_and_si512(shifted, _mm512_set1_epi64(MANTISSA as i64)),
                _mm512_set1_epi64(SQRT_HALF as i64),
            );
            (F64x8(_mm512_castsi512_pd(mantissa)), F64x8(exponent))
        }
    }

    #[inline(always)]
    fn select_ge(self, bound: Self, if_ge: Self, otherwise: Self) -> Self {
        // SAFETY: `self` proves the level.
        unsafe {
            let ge = _mm512_cmp_pd_mask::<_CMP_GE_OQ>(self.0, bound.0);
            F64x8(_mm512_mask_blend_pd(ge, otherwise.0, if_ge.0))
        }
    }
}

impl F64Lanes for F64x8 {
    #[inline(always)]
    fn store(self, out: &mut [f64; F64_LANES]) {
        // SAFETY: `self` proves the level; `out` has room for 8 lanes.
        unsafe { _mm512_storeu_pd(out.as_mut_ptr(), self.0) }
    }
}

/// The vector is one register.
impl F64Part for F64x8 {
    const PARTS: usize = 1;

    #[inline(always)]
    fn store(self, out: &mut [f64; F64_LANES], _: usize) {
        F64Lanes::store(self, out);
    }

    #[inline(always)]
    fn max(self, other: Self) -> Self {
        Float64::max(self, other)
    }

    #[inline(always)]
    fn min(self, other: Self) -> Self {
        Float64::min(self, other)
    }
}

impl Simd for Avx512 {
    type F32 = F32x16;
    type F64 = F64x8;
    type F64Part = F64x8;
    type Halves = F32x16;
    type Streaming = Avx2;

    const LOADS_LINES: bool = true;

    const UNSIGNED_MAX: bool = true;

    #[inline(always)]
    fn outlined<K: Kernel>(self, kernel: K) -> K::Output {
        // SAFETY: `self` proves that the processor has the features.
        unsafe { self.avx512_entry(kernel) }
    }

    #[inline(always)]
    fn streaming(self) -> Avx2 {
        // SAFETY: `self` proves all features of that level: it was asked for them as well.
        unsafe { Avx2::assumed() }
    }

    #[inline(always)]
    fn f32_splat(self, x: f32) -> F32x16 {
        // SAFETY: `self` proves the level.
        F32x16(unsafe { _mm512_set1_ps(x) })
    }

    #[inline(always)]
    fn f32_load(self, x: &[f32; F32_LANES]) -> F32x16 {
        // SAFETY: `self` proves the level; `x` holds 16 lanes.
        F32x16(unsafe { _mm512_loadu_ps(x.as_ptr()) })
    }

    #[inline(always)]
    fn f32_unseen(self) -> SeenF32 {
        // SAFETY: `self` proves the level.
        SeenF32(unsafe { _mm512_setzero_si512() })
    }

    #[inline(always)]
    fn numbers_of_bits(self, bits: u32, first: u32, out: &mut [u32; F32_LANES]) {
        // Compressed in a register: a compressing store is slow on Zen 4.
        // SAFETY: `self` proves the level; `out` has room for 16 lanes.
        unsafe {
            let lanes = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
            let numbers = _mm512_add_epi32(lanes, _mm512_set1_epi32(first as i32));
            let set = _mm512_maskz_compress_epi32(bits as u16, numbers);
            _mm512_storeu_si512(out.as_mut_ptr().cast(), set);
        }
    }

    #[inline(always)]
    fn f32_from_f16(self, bits: &[u16; F32_LANES]) -> F32x16 {
        // SAFETY: `self` proves the level; `bits` holds 16 lanes of 16 bits.
        F32x16(unsafe { _mm512_cvtph_ps(_mm256_loadu_si256(bits.as_ptr().cast())) })
    }

    #[inline(always)]
    fn halves(self, bits: &[u16; F32_LANES]) -> F32x16 {
        self.f32_from_f16(bits)
    }

    #[inline(always)]
    fn f32_from_bf16(self, bits: &[u16; F32_LANES]) -> F32x16 {
        // SAFETY: `self` proves the level; `bits` holds 16 lanes of 16 bits.
        unsafe {
            let wide = _mm512_cvtepu16_epi32(_mm256_loadu_si256(bits.as_ptr().cast()));
            F32x16(_mm512_castsi512_ps(_mm512_slli_epi32::<16>(wide)))
        }
    }

    #[inline(always)]
    fn f64_load(self, x: &[f64; F64_LANES]) -> F64x8 {
        // SAFETY: `self` proves the level; `x` holds 8 lanes.
        F64x8(unsafe { _mm512_loadu_pd(x.as_ptr()) })
    }

    #[inline(always)]
    fn f64_load_part(self, x: &[f64; F64_LANES], _: usize) -> F64x8 {
        self.f64_load(x)
    }

    #[inline(always)]
    fn f64_part(self, x: F64x8, _: usize) -> F64x8 {
        x
    }

    #[inline(always)]
    fn f64_columns<const SIGNED: bool>(
        self,
        rows: [&[f32; F64_LANES]; F64_LANES],
        raise: u32,
        low: &[u32; F64_LANES],
    ) -> [F64x8; F64_LANES] {
        let mut columns = [self.f64_load(&[0.0; F64_LANES]); F64_LANES];
        // SAFETY: `self` proves the level, which includes AVX2.
        unsafe {
            let paired = paired_columns::<SIGNED>(rows, raise, low);
            for (column, halves) in columns.iter_mut().zip(paired) {
                let [low, high] = halves;
                let low = _mm512_castpd256_pd512(low);
                *column = F64x8(_mm512_insertf64x4::<1>(low, high));
            }
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
        // SAFETY: `self` proves the level, which includes AVX2.
        unsafe { unpaired_rows(columns, raise, stride, low, high) }
    }
}
