//! One lane: the arithmetic of the vectors on single numbers.

use std::ops::{Add, Div, Mul, Sub};

use super::{Float32, Float64};

#[derive(Clone, Copy, Debug)]
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
    #[inline(always)]
    fn splat(self, x: f32) -> Self {
        ScalarF32(x)
    }

    #[inline(always)]
    fn at_least(self, floor: Self) -> Self {
        if floor.0 > self.0 { floor } else { self }
    }

    #[inline(always)]
    fn round(self) -> Self {
        ScalarF32(self.0.round_ties_even())
    }

    #[inline(always)]
    fn mul_exp2(self, n: Self) -> Self {
        ScalarF32(self.0 * f32::from_bits(((n.0 as i32).wrapping_add(127) as u32) << 23))
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

/// The bits of sqrt(1/2).
pub(super) const SQRT_HALF: u64 = 0x3fe6_a09e_667f_3bcd;
/// What moves the bits of sqrt(1/2) to those of 1.
pub(super) const SQRT_HALF_TO_ONE: u64 = 0x3ff0_0000_0000_0000 - SQRT_HALF;
/// The mantissa's bits of an f64.
pub(super) const MANTISSA: u64 = (1 << 52) - 1;
