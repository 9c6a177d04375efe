//! Scores in the form in which a level compares those of their type.

use super::{F32_LANES, F32Lanes, Seen, Simd};

/// Sixteen scores of one type. Most are compared as f32, which is done by the methods of
/// [`F32Lanes`].
pub(crate) trait Ordered<S: Simd>: Copy {
    /// As [`F32Lanes::Seen`].
    type Seen: Copy + Seen;

    fn unseen(simd: S) -> Self::Seen;

    /// In all lanes 0 or -infinity, for [`Ordered::note_below`].
    fn floor(simd: S, floor: f32) -> Self;

    /// In all lanes the least number of the type that is at least `bound`, for
    /// [`Ordered::four_reach`].
    fn bound(simd: S, bound: f32) -> Self;

    /// As [`F32Lanes::max`].
    fn larger(self, other: Self) -> Self;

    /// As [`F32Lanes::see_below`], of a [`Ordered::floor`].
    fn note_below(self, floor: Self, seen: Self::Seen) -> Self::Seen;

    /// As [`F32Lanes::four_ge`], of a [`Ordered::bound`].
    fn four_reach(four: [Self; 4], bound: Self) -> u64;

    /// The numbers as f32; unspecified where one is NaN.
    fn widen(self, simd: S) -> S::F32;

    #[inline(always)]
    fn write(self, simd: S, out: &mut [f32; F32_LANES]) {
        self.widen(simd).store(out);
    }
}

impl<S: Simd<F32 = V>, V: F32Lanes> Ordered<S> for V {
    type Seen = V::Seen;

    #[inline(always)]
    fn unseen(simd: S) -> V::Seen {
        simd.f32_unseen()
    }

    #[inline(always)]
    fn floor(simd: S, floor: f32) -> V {
        simd.f32_splat(floor)
    }

    #[inline(always)]
    fn bound(simd: S, bound: f32) -> V {
        simd.f32_splat(bound)
    }

    #[inline(always)]
    fn larger(self, other: V) -> V {
        self.max(other)
    }

    #[inline(always)]
    fn note_below(self, floor: V, seen: V::Seen) -> V::Seen {
        F32Lanes::see_below(self, floor, seen)
    }

    #[inline(always)]
    fn four_reach(four: [V; 4], bound: V) -> u64 {
        V::four_ge(four, bound)
    }

    #[inline(always)]
    fn widen(self, _: S) -> V {
        self
    }
}

/// Probabilities as unsigned integers. What is no probability is larger than all that are,
/// and shows in the maxima.
#[derive(Clone, Copy)]
pub(crate) struct AsBits<V>(pub(crate) V);

/// Nothing is looked for.
#[derive(Clone, Copy)]
pub(crate) struct Unasked;

impl Seen for Unasked {
    #[inline(always)]
    fn any(self) -> bool {
        false
    }
}

impl<S: Simd<F32 = V>, V: F32Lanes> Ordered<S> for AsBits<V> {
    type Seen = Unasked;

    #[inline(always)]
    fn unseen(_: S) -> Unasked {
        Unasked
    }

    #[inline(always)]
    fn floor(simd: S, floor: f32) -> Self {
        AsBits(simd.f32_splat(floor))
    }

    #[inline(always)]
    fn bound(simd: S, bound: f32) -> Self {
        AsBits(simd.f32_splat(bound))
    }

    #[inline(always)]
    fn larger(self, other: Self) -> Self {
        AsBits(self.0.max_bits(other.0))
    }

    #[inline(always)]
    fn note_below(self, _: Self, seen: Unasked) -> Unasked {
        seen
    }

    #[inline(always)]
    fn four_reach(four: [Self; 4], bound: Self) -> u64 {
        V::four_ge(four.map(|lanes| lanes.0), bound.0)
    }

    #[inline(always)]
    fn widen(self, _: S) -> V {
        self.0
    }
}
