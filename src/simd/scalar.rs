//! One lane: the arithmetic of the vectors on single numbers.

use std::ops::{Add, Div, Mul, Sub};

use super::{Float32, Float64};

#[derive(Clone, Copy, Debug)]
// Only the reference computes one f32 at a time.
#[cfg_attr(not(any(test, feature = "unstable")), allow(dead_code))]
pub(crate) struct ScalarF32(pub(crate) f32);

#[derive(Clone, Copy, Debug)]
pub(crate) struct ScalarF64(pub(crate) f64);

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
operator!(ScalarF32, Add, add, +);
operator!(ScalarF32, Sub, sub, -);
operator!(ScalarF32, Mul, mul, *);
operator!(ScalarF64, Add, add, +);
operator!(ScalarF64, Sub, sub, -);
operator!(ScalarF64, Mul, mul, *);
operator!(ScalarF64, Div, div, /);

impl Float32 for ScalarF32 {
    const REGISTERS: usize = 1;

    #[inline(always)]
    fn splat(self, x: f32) -> Self {
        ScalarF32(x)
    }

    #[inline(always)]
    fn at_least(self, floor: Self) -> Self {
        if floor.0 > self.0 { floor } else { self }
    }

    #[inline(always)]
    fn nearest_power(self) -> (Self, Self) {
        let shifted = self.0 + EIGHTHS;
        let bits = shifted.to_bits();
        let power = (bits << 20).wrapping_add(POWERS[bits as usize % 8]);
        (
            ScalarF32(shifted - (EIGHTHS + ROOT)),
            ScalarF32(f32::from_bits(power)),
        )
    }
}

impl Float64 for ScalarF64 {
    #[inline(always)]
    fn splat(self, x: f64) -> Self {
        ScalarF64(x)
    }

    #[inline(always)]
    fn max(self, other: Self) -> Self {
        if self.0 > other.0 { self } else { other }
    }

    #[inline(always)]
    fn min(self, other: Self) -> Self {
        if self.0 < other.0 { self } else { other }
    }

    #[inline(always)]
    fn round(self) -> Self {
        ScalarF64(self.0.round_ties_even())
    }

    #[inline(always)]
    fn mul_exp2(self, n: Self) -> Self {
        ScalarF64(self.0 * f64::from_bits(((n.0 as i64).wrapping_add(1023) as u64) << 52))
    }

    #[inline(always)]
    fn split_exponent(self) -> (Self, Self) {
        let shifted = self.0.to_bits().wrapping_add(SQRT_HALF_TO_ONE);
        let exponent = (shifted >> 52) as f64 - 1023.0;
        let mantissa = (shifted & MANTISSA) + SQRT_HALF;
        (ScalarF64(f64::from_bits(mantissa)), ScalarF64(exponent))
    }

    #[inline(always)]
    fn select_ge(self, bound: Self, if_ge: Self, otherwise: Self) -> Self {
        if self.0 >= bound.0 { if_ge } else { otherwise }
    }
}

/// 1.5 * 2^20: added to a small number, it leaves the number's eighths, rounded
/// to an integer, in the low bits of the sum.
pub(super) const EIGHTHS: f32 = 1_572_864.0;

/// The cubic that `kernels::exp` takes for 2^f is 0 at `-ROOT`: a multiple of 1/8,
/// which [`EIGHTHS`] takes in exactly.
pub(super) const ROOT: f32 = 2.25;

/// What makes C 2^(i / 8) of an integer i, modulo 8, added to the bits of i
/// shifted left by 20; C, the cubic's leading coefficient, is 0.057659514. There
/// the integer part of i / 8 is in place as an exponent; i modulo 8 must go, and
/// the bits of C 2^((i mod 8) / 8) come in.
pub(super) const POWERS: [u32; 8] = [
    0x3d6c_2c62,
    0x3d80_c642 - (1 << 20),
    0x3d8c_6df5 - (2 << 20),
    0x3d99_23b5 - (3 << 20),
    0x3da6_fff2 - (4 << 20),
    0x3db6_1d54 - (5 << 20),
    0x3dc6_98eb - (6 << 20),
    0x3dd8_926a - (7 << 20),
];

/// The bits of sqrt(1/2).
pub(super) const SQRT_HALF: u64 = 0x3fe6_a09e_667f_3bcd;
/// What moves the bits of sqrt(1/2) to those of 1.
pub(super) const SQRT_HALF_TO_ONE: u64 = 0x3ff0_0000_0000_0000 - SQRT_HALF;
/// The mantissa's bits of an f64.
pub(super) const MANTISSA: u64 = (1 << 52) - 1;
