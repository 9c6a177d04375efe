//! Half-precision numbers as integers that have their order: what a level without an
//! instruction to widen them compares them as.

use bytemuck::cast;
use half::f16;
use wide::i16x8;

use super::{F32_LANES, Ordered, Seen, Simd};

/// Sixteen numbers. Of each the order is kept by the integer: bits of a negative one, but
/// for the sign, are flipped. [`NAN_LAST`] is added, which wraps, so that NaN of either sign
/// comes before -infinity.
#[derive(Clone, Copy)]
pub(crate) struct Halves([i16x8; 2]);

/// What takes the integer of infinity, 0x7c00, to the largest.
const NAN_LAST: i16 = i16::MAX - 0x7c00;

/// The least of all numbers seen, and the floor.
#[derive(Clone, Copy)]
pub(crate) struct SeenHalves {
    least: i16x8,
    floor: i16x8,
}

impl Seen for SeenHalves {
    #[inline(always)]
    fn any(self) -> bool {
        self.least.simd_lt(self.floor).to_bitmask() != 0
    }
}

impl Halves {
    #[inline(always)]
    pub(super) fn new(bits: &[u16; F32_LANES]) -> Self {
        let halves: [i16x8; 2] = cast(*bits);
        Halves(halves.map(|halves| flip(halves) + i16x8::splat(NAN_LAST)))
    }

    #[inline(always)]
    fn splat(number: f16) -> Self {
        Halves::new(&[number.to_bits(); F32_LANES])
    }
}

/// Flips all bits of negative integers but the sign; its own inverse.
#[inline(always)]
fn flip(halves: i16x8) -> i16x8 {
    halves ^ ((halves >> 15i32) & i16x8::splat(i16::MAX))
}

impl<S: Simd> Ordered<S> for Halves {
    type Seen = SeenHalves;

    #[inline(always)]
    fn unseen(_: S) -> SeenHalves {
        SeenHalves {
            least: i16x8::splat(i16::MAX),
            floor: i16x8::splat(i16::MIN),
        }
    }

    /// -0.0, which comes before 0.0 here, is no less than 0.
    #[inline(always)]
    fn floor(_: S, floor: f32) -> Self {
        Halves::splat(f16::from_f32(-floor.abs()))
    }

    #[inline(always)]
    fn bound(_: S, bound: f32) -> Self {
        let nearest = f16::from_f32(bound);
        if nearest.to_f32() == 0.0 && bound <= 0.0 {
            return Halves::splat(f16::NEG_ZERO);
        }
        let up = i16::from(nearest.to_f32() < bound);
        Halves(
            Halves::splat(nearest)
                .0
                .map(|numbers| numbers + i16x8::splat(up)),
        )
    }

    #[inline(always)]
    fn larger(self, other: Self) -> Self {
        Halves([self.0[0].max(other.0[0]), self.0[1].max(other.0[1])])
    }

    #[inline(always)]
    fn note_below(self, floor: Self, seen: SeenHalves) -> SeenHalves {
        SeenHalves {
            least: seen.least.min(self.0[0].min(self.0[1])),
            floor: floor.0[0],
        }
    }

    #[inline(always)]
    fn four_reach(four: [Self; 4], bound: Self) -> u64 {
        let mut bits = 0;
        for (i, part) in four.iter().flat_map(|numbers| numbers.0).enumerate() {
            let reached = part.simd_ge(bound.0[0]).to_bitmask() & 0xff;
            bits |= u64::from(reached) << (8 * i);
        }
        bits
    }

    #[inline(always)]
    fn widen(self, simd: S) -> S::F32 {
        let bits = self.0.map(|numbers| flip(numbers - i16x8::splat(NAN_LAST)));
        simd.f32_from_f16(&cast(bits))
    }
}
