//! The portable level: the vectors of the crate `wide`, compiled for what the
//! target always has, and in `own` what it has beside them: NEON, and SSE2 for half precision.
//! (Where numbers of half precision are only compared they stay as they are: `halves`.)
//!
//! `wide` chooses its instructions when it is compiled, so it cannot serve a
//! level that is chosen at run time; and its `round`, `exp` and `ln` are not
//! used, because their bits depend on how the crate is built.

#[cfg(all(
    target_arch = "aarch64",
    target_feature = "neon",
    target_endian = "little"
))]
#[path = "baseline/neon.rs"]
mod own;
#[cfg(not(all(
    target_arch = "aarch64",
    target_feature = "neon",
    target_endian = "little"
)))]
#[path = "baseline/portable.rs"]
mod own;
#[cfg(target_arch = "x86_64")]
mod sse2;

use std::ops::{Add, BitOr, Div, Mul, Sub};

use wide::{f32x16, f64x2, f64x8, u32x4, u32x16, u64x8};

use super::halves::Halves;
use super::kernel::Kernel;
use super::scalar::{EIGHTHS, MANTISSA, ROOT, SQRT_HALF, SQRT_HALF_TO_ONE};
use super::{F32_LANES, F32Lanes, F64_LANES, F64Lanes, F64Part, Float32, Float64, Seen, Simd};

/// The level every target has.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Baseline;

#[derive(Clone, Copy)]
pub(crate) struct F32x16(f32x16);

#[derive(Clone, Copy)]
pub(crate) struct F64x8(f64x8);

macro_rules! operator {
    ($type:ident, $trait:ident, $method:ident, $op:tt) => {
        impl $trait for $type {
            type Output = Self;
            #[inline(always)]
            fn $method(self, other: Self) -> Self {
                $type(self.0 $op other.0)
            }
        }
    };
}
operator!(F32x16, Add, add, +);
operator!(F32x16, Sub, sub, -);
operator!(F32x16, Mul, mul, *);
operator!(F64x8, Add, add, +);
operator!(F64x8, Sub, sub, -);
operator!(F64x8, Mul, mul, *);
operator!(F64x8, Div, div, /);

/// 1.5 * 2^52: added to a small number, it leaves the number rounded to an
/// integer in the low bits of the sum.
const ROUND_F64: f64 = 6_755_399_441_055_744.0;

impl Float32 for F32x16 {
    const REGISTERS: usize = 4;

    #[inline(always)]
    fn splat(self, x: f32) -> Self {
        F32x16(f32x16::splat(x))
    }

    #[inline(always)]
    fn at_least(self, floor: Self) -> Self {
        F32x16(own::at_least(self.0, floor.0))
    }

    #[inline(always)]
    fn nearest_power(self) -> (Self, Self) {
        let shifted = self.0 + f32x16::splat(EIGHTHS);
        let nearest = shifted - f32x16::splat(EIGHTHS + ROOT);
        let bits: u32x16 = shifted.to_bits();
        let power = (bits << 20u32) + own::powers(bits);
        (F32x16(nearest), F32x16(f32x16::from_bits(power)))
    }
}

impl F32Lanes for F32x16 {
    type Seen = SeenF32;

    #[inline(always)]
    fn store(self, out: &mut [f32; F32_LANES]) {
        *out = self.0.to_array();
    }

    #[inline(always)]
    fn max(self, other: Self) -> Self {
        F32x16(self.0.fast_max(other.0))
    }

    #[inline(always)]
    fn min(self, other: Self) -> Self {
        F32x16(self.0.fast_min(other.0))
    }

    #[inline(always)]
    fn max_bits(self, other: Self) -> Self {
        F32x16(f32x16::from_bits(self.0.to_bits().max(other.0.to_bits())))
    }

    #[inline(always)]
    fn reduce_max_bits(self) -> u32 {
        own::largest_bits(self.0.to_bits())
    }

    #[inline(always)]
    fn reduce_max(self) -> f32 {
        own::largest(self.0)
    }

    #[inline(always)]
    fn reduce_min(self) -> f32 {
        own::smallest(self.0)
    }

    #[inline(always)]
    fn ge(self, other: Self) -> u32 {
        own::ge(self.0, other.0)
    }

    #[inline(always)]
    fn any_ge(self, bound: Self) -> bool {
        own::any_ge(self.0, bound.0)
    }

    #[inline(always)]
    fn four_ge(four: [Self; 4], bound: Self) -> u64 {
        let [a, b, c, d] = four;
        own::four_ge([a.0, b.0, c.0, d.0], bound.0)
    }

    #[inline(always)]
    fn where_ge(self, count: Self, least: Self, otherwise: Self) -> Self {
        F32x16(count.0.simd_ge(least.0).bitselect(self.0, otherwise.0))
    }

    #[inline(always)]
    fn count_less(self, other: Self, count: Self) -> Self {
        F32x16(count.0 + (self.0.simd_lt(other.0) & f32x16::splat(1.0)))
    }

    #[inline(always)]
    fn see_below(self, bound: Self, seen: SeenF32) -> SeenF32 {
        SeenF32(seen.0.bitor(!self.0.simd_ge(bound.0)))
    }
}

#[derive(Clone, Copy)]
pub(crate) struct SeenF32(f32x16);

impl Seen for SeenF32 {
    #[inline(always)]
    fn any(self) -> bool {
        self.0.to_bitmask() != 0
    }
}

impl Float64 for F64x8 {
    #[inline(always)]
    fn splat(self, x: f64) -> Self {
        F64x8(f64x8::splat(x))
    }

    #[inline(always)]
    fn max(self, other: Self) -> Self {
        F64x8(self.0.fast_max(other.0))
    }

    #[inline(always)]
    fn min(self, other: Self) -> Self {
        F64x8(self.0.fast_min(other.0))
    }

    #[inline(always)]
    fn round(self) -> Self {
        let magic = f64x8::splat(ROUND_F64);
        F64x8((self.0 + magic) - magic)
    }

    #[inline(always)]
    fn mul_exp2(self, n: Self) -> Self {
        let low_bits: u64x8 = (n.0 + f64x8::splat(ROUND_F64 + 1023.0)).to_bits();
        F64x8(self.0 * f64x8::from_bits(low_bits << 52u32))
    }

    #[inline(always)]
    fn split_exponent(self) -> (Self, Self) {
        // 2^52: with it as the upper bits, the lower ones read as an integer.
        const INTEGER: f64 = 4_503_599_627_370_496.0;
        let shifted: u64x8 = self.0.to_bits() + u64x8::splat(SQRT_HALF_TO_ONE);
        let biased = f64x8::from_bits((shifted >> 52u32) | u64x8::splat(INTEGER.to_bits()));
        let exponent = biased - f64x8::splat(INTEGER + 1023.0);
        let mantissa = (shifted & u64x8::splat(MANTISSA)) + u64x8::splat(SQRT_HALF);
        (F64x8(f64x8::from_bits(mantissa)), F64x8(exponent))
    }

    #[inline(always)]
    fn select_ge(self, bound: Self, if_ge: Self, otherwise: Self) -> Self {
        F64x8(self.0.simd_ge(bound.0).bitselect(if_ge.0, otherwise.0))
    }
}

impl F64Lanes for F64x8 {
    #[inline(always)]
    fn store(self, out: &mut [f64; F64_LANES]) {
        *out = self.0.to_array();
    }
}

#[derive(Clone, Copy)]
pub(crate) struct F64x2(f64x2);

impl F64Part for F64x2 {
    const PARTS: usize = 4;

    #[inline(always)]
    fn store(self, out: &mut [f64; F64_LANES], part: usize) {
        out.as_chunks_mut().0[part] = self.0.to_array();
    }

    #[inline(always)]
    fn max(self, other: Self) -> Self {
        F64x2(self.0.fast_max(other.0))
    }

    #[inline(always)]
    fn min(self, other: Self) -> Self {
        F64x2(self.0.fast_min(other.0))
    }
}

impl Simd for Baseline {
    type F32 = F32x16;
    type F64 = F64x8;
    type F64Part = F64x2;
    type Halves = Halves;
    type Streaming = Baseline;

    const LOADS_LINES: bool = false;

    // SSE2 has none.
    const UNSIGNED_MAX: bool = cfg!(any(
        target_feature = "sse4.1",
        target_feature = "neon",
        target_feature = "simd128"
    ));

    #[inline(never)]
    fn outlined<K: Kernel>(self, kernel: K) -> K::Output {
        kernel.run(self)
    }

    #[inline(always)]
    fn streaming(self) -> Baseline {
        self
    }

    #[inline(always)]
    fn f32_splat(self, x: f32) -> F32x16 {
        F32x16(f32x16::splat(x))
    }

    #[inline(always)]
    fn f32_load(self, x: &[f32; F32_LANES]) -> F32x16 {
        F32x16(f32x16::new(*x))
    }

    #[inline(always)]
    fn f32_unseen(self) -> SeenF32 {
        SeenF32(f32x16::splat(0.0))
    }

    #[inline(always)]
    fn f32_from_f16(self, bits: &[u16; F32_LANES]) -> F32x16 {
        F32x16(own::widened::<false>(bits))
    }

    #[inline(always)]
    fn f32_from_normal_f16(self, bits: &[u16; F32_LANES]) -> F32x16 {
        F32x16(own::widened::<true>(bits))
    }

    #[inline(always)]
    fn halves(self, bits: &[u16; F32_LANES]) -> Halves {
        Halves::new(bits)
    }

    #[inline(always)]
    fn f32_from_bf16(self, bits: &[u16; F32_LANES]) -> F32x16 {
        let mut out = [0f32; F32_LANES];
        for (out, &bits) in out.iter_mut().zip(bits) {
            *out = f32::from_bits(u32::from(bits) << 16);
        }
        F32x16(f32x16::new(out))
    }

    #[inline(always)]
    fn f64_load(self, x: &[f64; F64_LANES]) -> F64x8 {
        F64x8(f64x8::new(*x))
    }

    #[inline(always)]
    fn f64_load_part(self, x: &[f64; F64_LANES], part: usize) -> F64x2 {
        F64x2(f64x2::new(x.as_chunks().0[part]))
    }

    #[inline(always)]
    fn f64_part(self, x: F64x8, part: usize) -> F64x2 {
        let parts: [f64x2; 4] = bytemuck::cast(x.0);
        F64x2(parts[part])
    }

    #[inline(always)]
    fn f64_columns<const SIGNED: bool>(
        self,
        rows: [&[f32; F64_LANES]; F64_LANES],
        raise: u32,
        low: &[u32; F64_LANES],
    ) -> [F64x8; F64_LANES] {
        let mut columns = [[f64x2::splat(0.0); 4]; F64_LANES];
        for (first, columns) in columns.as_chunks_mut::<4>().0.iter_mut().enumerate() {
            for (four, rows) in rows.as_chunks::<4>().0.iter().enumerate() {
                let mut bits = [u32x4::splat(0); 4];
                for (bits, row) in bits.iter_mut().zip(rows) {
                    let row: &[f32; 4] = &row.as_chunks().0[first];
                    *bits = u32x4::new(bytemuck::cast(*row));
                }
                let low = &low.as_chunks::<4>().0[first];
                let bits = u32x4::transpose(bits).into_iter().zip(low);
                for (column, (bits, &low)) in columns.iter_mut().zip(bits) {
                    let mut low = u32x4::splat(low);
                    if SIGNED {
                        low ^= u32x4::splat(0) - (bits >> 31u32);
                    }
                    let high = bits + u32x4::splat(raise);
                    let [a, b] = if cfg!(target_endian = "little") {
                        [low, high]
                    } else {
                        [high, low]
                    };
                    column[2 * four] = bytemuck::cast(a.unpack_lo(b));
                    column[2 * four + 1] = bytemuck::cast(a.unpack_hi(b));
                }
            }
        }
        let columns: [f64x8; F64_LANES] = bytemuck::cast(columns);
        columns.map(F64x8)
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
        for row in 0..F64_LANES {
            let own = row * stride..row * stride + F64_LANES;
            let (low, high) = (&mut low[own.clone()], &mut high[own]);
            let pairs = high.iter_mut().zip(low).zip(columns);
            for ((high, low), column) in pairs {
                let bits = column[row].to_bits() as i64;
                *low = !(bits ^ bits >> 63) as u32;
                let f32_bits = ((bits >> 32) as u32).wrapping_sub(raise);
                *high = f64::from(f32::from_bits(f32_bits));
            }
        }
    }
}
