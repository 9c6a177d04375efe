//! Vectors of fixed width at every instruction-set level, and the choice of
//! the level at run time.
//!
//! A kernel is written once, as a [`Kernel`] generic over [`Simd`], and
//! [`Dispatch::run`] enters it inside a function compiled for the level's
//! instructions. All levels have the same 16 lanes of f32 and 8 of f64,
//! made of as many registers as that takes, and only operations that
//! IEEE 754 rounds in one way (no fused multiply-add, no approximate
//! reciprocals); that is why every level returns the same bits.
//!
//! This module is the only one that may hold `unsafe` code. A value of a
//! level's token, or of one of its vector types, is proof that the processor
//! has the level: tokens are made by [`Dispatch::new`] alone, after asking it.

mod baseline;
mod cache_lines;
mod halves;
mod kernel;
mod level;
mod ordered;
mod scalar;
#[cfg(test)]
mod tests;

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;

use std::ops::{Add, Div, Mul, Sub};

pub(crate) use cache_lines::CacheLines;
pub(crate) use kernel::Kernel;
pub(crate) use level::Dispatch;
pub use level::Level;
pub(crate) use ordered::{AsBits, Ordered};
#[cfg(any(test, feature = "unstable"))]
pub(crate) use scalar::ScalarF32;
pub(crate) use scalar::ScalarF64;

/// Arithmetic on f32, one or many at a time.
///
/// Operators round to nearest, ties to even, and never fuse.
pub(crate) trait Float32:
    Copy + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self>
{
    /// Registers that it takes. Where they are many, few can be at hand at once.
    const REGISTERS: usize;

    /// `x` in every lane.
    fn splat(self, x: f32) -> Self;

    /// The larger of each lane and `floor`; NaN where `self` is NaN. `floor`
    /// must not be NaN.
    fn at_least(self, floor: Self) -> Self;

    /// `(n - 9/4, C 2^n)` with n the multiple of 1/8 nearest to `self`, ties to
    /// even, and the second rounded to nearest; C is that of `scalar::POWERS`.
    /// For `self` from -120 to 120. Where `self` is NaN, so is the first, and
    /// the second is any number.
    fn nearest_power(self) -> (Self, Self);
}

/// Arithmetic on f64, one or many at a time.
pub(crate) trait Float64:
    Copy + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self> + Div<Output = Self>
{
    /// `x` in every lane.
    fn splat(self, x: f64) -> Self;

    /// The larger of two numbers; unspecified if either is NaN.
    fn max(self, other: Self) -> Self;

    /// The smaller of two numbers; unspecified if either is NaN.
    fn min(self, other: Self) -> Self;

    /// Rounded to the nearest integer, ties to even; exact for magnitudes
    /// below 2^50, unspecified above.
    fn round(self) -> Self;

    /// `self * 2^n` for an integer n from -1022 to 1023, unspecified
    /// otherwise.
    fn mul_exp2(self, n: Self) -> Self;

    /// For positive normal numbers, the `(m, k)` with `self = m * 2^k` and m
    /// in [sqrt(1/2), sqrt(2)).
    fn split_exponent(self) -> (Self, Self);

    /// `if_ge` where `self >= bound`, else `otherwise` (so also for NaN).
    fn select_ge(self, bound: Self, if_ge: Self, otherwise: Self) -> Self;
}

/// Lanes in a vector of f32.
pub(crate) const F32_LANES: usize = 16;
/// Lanes in a vector of f64.
pub(crate) const F64_LANES: usize = 8;

/// The sixteen lanes of a level's f32 vector.
pub(crate) trait F32Lanes: Float32 {
    fn store(self, out: &mut [f32; F32_LANES]);

    /// The larger of two numbers. If either is NaN the result is either
    /// operand; if they are zeros of both signs, either zero.
    fn max(self, other: Self) -> Self;

    /// The smaller of two numbers; as [`F32Lanes::max`] for NaN and zeros.
    fn min(self, other: Self) -> Self;

    /// Of each lane the one whose bits are the larger unsigned integer.
    fn max_bits(self, other: Self) -> Self;

    /// The largest lane; unspecified if one is NaN.
    fn reduce_max(self) -> f32;

    /// The largest of the lanes' bits, as unsigned integers.
    fn reduce_max_bits(self) -> u32;

    /// The smallest lane; unspecified if one is NaN.
    fn reduce_min(self) -> f32;

    /// A bit for each lane, set where `self >= other` (never for NaN).
    fn ge(self, other: Self) -> u32;

    /// Whether any lane is `>= bound`, which is the same in all lanes. Neither may be
    /// NaN.
    #[inline(always)]
    fn any_ge(self, bound: Self) -> bool {
        self.ge(bound) != 0
    }

    /// A bit for each lane of four vectors, set where it is `>= bound` (never
    /// for NaN). The bound is the same in all lanes.
    #[inline(always)]
    fn four_ge(four: [Self; 4], bound: Self) -> u64 {
        let mut bits = 0;
        for (i, vector) in four.into_iter().enumerate() {
            bits |= u64::from(vector.ge(bound)) << (i * F32_LANES);
        }
        bits
    }

    /// `self` where `count >= least`, else `otherwise`. None may be NaN.
    fn where_ge(self, count: Self, least: Self, otherwise: Self) -> Self;

    /// Adds 1 to each lane of `count` in which `self < other`.
    fn count_less(self, other: Self, count: Self) -> Self;

    /// A fact gathered over many vectors, asked about once.
    type Seen: Copy + Seen;

    /// `seen`, and whether any lane of `self` is not `>= bound` (so also NaN).
    /// The bound, the same all along, is 0 or -infinity.
    fn see_below(self, bound: Self, seen: Self::Seen) -> Self::Seen;
}

/// Whether any of the lanes looked at had the property looked for.
pub(crate) trait Seen {
    fn any(self) -> bool;
}

/// The eight lanes of a level's f64 vector.
pub(crate) trait F64Lanes: Float64 {
    fn store(self, out: &mut [f64; F64_LANES]);
}

/// Lanes of f64 that fill one register: what a network of many entries is
/// computed with, as eight whole vectors would not fit into the registers.
pub(crate) trait F64Part: Copy {
    /// How many of them make [`F64_LANES`].
    const PARTS: usize;

    fn store(self, out: &mut [f64; F64_LANES], part: usize);

    /// The larger of two numbers; unspecified if either is NaN.
    fn max(self, other: Self) -> Self;

    /// The smaller of two numbers; unspecified if either is NaN.
    fn min(self, other: Self) -> Self;
}

/// An instruction-set level: proof that it is there, and its vectors.
pub(crate) trait Simd: Copy + Send + Sync + 'static {
    type F32: F32Lanes;
    type F64: F64Lanes;
    type F64Part: F64Part;
    /// Half-precision numbers, in the form in which they are compared.
    type Halves: Ordered<Self>;

    /// The level whose code reads long rows of f32 from memory fastest, where that is a
    /// lower one.
    ///
    /// On Zen 4 it is AVX2 for AVX-512. With loads of 64 bytes the processor prefetches less
    /// well: rows of 128,256 probabilities took 17.5 and 17.2 microseconds, with loads of 32
    /// bytes 15.1 and 15.4 (two threads). From a cache the wider code is faster, 4.7 to 6.8.
    type Streaming: Simd;

    /// Whether [`Simd::f32_load`] is one load, of a whole cache line.
    const LOADS_LINES: bool;

    /// Whether [`F32Lanes::max_bits`] is one instruction a register.
    const UNSIGNED_MAX: bool;

    /// Runs a kernel as a function of its own. Registers are given out for a
    /// function as a whole: in a large one the hottest loop may go without.
    fn outlined<K: Kernel>(self, kernel: K) -> K::Output;

    fn streaming(self) -> Self::Streaming;

    fn f32_splat(self, x: f32) -> Self::F32;
    fn f32_load(self, x: &[f32; F32_LANES]) -> Self::F32;
    /// Nothing seen yet.
    fn f32_unseen(self) -> <Self::F32 as F32Lanes>::Seen;
    /// Writes the number of each set bit of the low 16 of `bits`, counted from `first`, to the
    /// front of `out`. What is behind them is unspecified.
    #[inline(always)]
    fn numbers_of_bits(self, mut bits: u32, first: u32, out: &mut [u32; F32_LANES]) {
        for number in out {
            if bits == 0 {
                break;
            }
            *number = first + bits.trailing_zeros();
            bits &= bits - 1;
        }
    }

    /// From the bits of IEEE 754 half-precision numbers, exactly.
    fn f32_from_f16(self, bits: &[u16; F32_LANES]) -> Self::F32;
    /// The same, where few numbers are subnormal: more of them may take longer.
    #[inline(always)]
    fn f32_from_normal_f16(self, bits: &[u16; F32_LANES]) -> Self::F32 {
        self.f32_from_f16(bits)
    }
    /// From the same bits.
    fn halves(self, bits: &[u16; F32_LANES]) -> Self::Halves;
    /// From the bits of bfloat16 numbers, exactly.
    fn f32_from_bf16(self, bits: &[u16; F32_LANES]) -> Self::F32;

    fn f64_load(self, x: &[f64; F64_LANES]) -> Self::F64;

    /// A part of eight lanes, below [`F64Part::PARTS`].
    fn f64_load_part(self, x: &[f64; F64_LANES], part: usize) -> Self::F64Part;

    fn f64_part(self, x: Self::F64, part: usize) -> Self::F64Part;

    /// Eight columns of eight rows, each row a lane. A lane's high 32 bits are
    /// those of the f32 plus `raise`; its low ones are `low` of the column,
    /// flipped (if `SIGNED`) where the f32 is negative.
    fn f64_columns<const SIGNED: bool>(
        self,
        rows: [&[f32; F64_LANES]; F64_LANES],
        raise: u32,
        low: &[u32; F64_LANES],
    ) -> [Self::F64; F64_LANES];

    /// What [`Simd::f64_columns`] made columns of, the f32 as f64; the low bits are
    /// flipped where the f32 is not negative. Row r goes to the eight places from
    /// r * stride on.
    ///
    /// # Panics
    ///
    /// If there is no room for all rows.
    fn f64_rows(
        self,
        columns: &[[f64; F64_LANES]; F64_LANES],
        raise: u32,
        stride: usize,
        low: &mut [u32],
        high: &mut [f64],
    );
}

/// Bytes in a cache line.
pub(crate) const CACHE_LINE: usize = 64;

/// Prefetches the cache line `offset` elements past the start of `data`, which may lie
/// beyond its end: a prefetch of any address is harmless.
#[inline(always)]
pub(crate) fn prefetch<T>(data: &[T], offset: usize) {
    prefetch_at(data.as_ptr().wrapping_add(offset).addr());
}

/// Prefetches the cache line of an address, which may be any.
#[inline(always)]
pub(crate) fn prefetch_at(address: usize) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: a prefetch is a hint; it reads nothing the program can see
        // and does not fault, whatever the address. SSE is part of x86-64.
        #[allow(unsafe_code)]
        unsafe {
            _mm_prefetch::<_MM_HINT_T0>(std::ptr::without_provenance(address));
        }
    }
    #[cfg(target_arch = "aarch64")]
    {
        // SAFETY: as above.
        #[allow(unsafe_code)]
        unsafe {
            std::arch::asm!(
                "prfm pldl1keep, [{}]",
                in(reg) address,
                options(nomem, nostack, preserves_flags)
            );
        }
    }
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    let _ = address;
}

/// [`prefetch_at`] into the second-level cache, for lines that are not read soon: they do
/// not evict what is, nor hold one of the few places for lines on their way to the first.
#[inline(always)]
pub(crate) fn prefetch_to_second_level(address: usize) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T1, _mm_prefetch};
        // SAFETY: as in `prefetch_at`.
        #[allow(unsafe_code)]
        unsafe {
            _mm_prefetch::<_MM_HINT_T1>(std::ptr::without_provenance(address));
        }
    }
    #[cfg(target_arch = "aarch64")]
    {
        // SAFETY: as in `prefetch_at`.
        #[allow(unsafe_code)]
        unsafe {
            std::arch::asm!(
                "prfm pldl2keep, [{}]",
                in(reg) address,
                options(nomem, nostack, preserves_flags)
            );
        }
    }
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    let _ = address;
}
