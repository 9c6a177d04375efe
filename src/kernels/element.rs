//! The three types of score, as the kernels read them.

use half::{bf16, f16};

use crate::scores::ScoreKind;
use crate::simd::{F32_LANES, Ordered, Simd};

/// A score in memory, widened to f32 as it is loaded: exactly, so that nothing
/// above knows what type it was.
pub(crate) trait Lanes: Copy + 'static {
    const ZERO: Self;
    const NEG_INFINITY: Self;

    /// What scores of this type are compared as.
    type Order<S: Simd>: Ordered<S>;

    fn load<S: Simd>(simd: S, lanes: &[Self; F32_LANES]) -> S::F32;
    fn order<S: Simd>(simd: S, lanes: &[Self; F32_LANES]) -> Self::Order<S>;
    /// As [`Lanes::load`], where few of the scores are subnormal.
    #[inline(always)]
    fn load_logits<S: Simd>(simd: S, lanes: &[Self; F32_LANES]) -> S::F32 {
        Self::load(simd, lanes)
    }
    fn to_f32(self) -> f32;

    /// The score of `kind` that marks a token as impossible.
    #[inline(always)]
    fn impossible(kind: ScoreKind) -> Self {
        match kind {
            ScoreKind::Probabilities => Self::ZERO,
            ScoreKind::LogProbabilities | ScoreKind::Logits => Self::NEG_INFINITY,
        }
    }
}

impl Lanes for f32 {
    const ZERO: f32 = 0.0;
    const NEG_INFINITY: f32 = f32::NEG_INFINITY;
    type Order<S: Simd> = S::F32;

    #[inline(always)]
    fn load<S: Simd>(simd: S, lanes: &[f32; F32_LANES]) -> S::F32 {
        simd.f32_load(lanes)
    }

    #[inline(always)]
    fn order<S: Simd>(simd: S, lanes: &[f32; F32_LANES]) -> Self::Order<S> {
        simd.f32_load(lanes)
    }

    #[inline(always)]
    fn to_f32(self) -> f32 {
        self
    }
}

impl Lanes for f16 {
    const ZERO: f16 = f16::ZERO;
    const NEG_INFINITY: f16 = f16::NEG_INFINITY;
    type Order<S: Simd> = S::Halves;

    #[inline(always)]
    fn load<S: Simd>(simd: S, lanes: &[f16; F32_LANES]) -> S::F32 {
        simd.f32_from_f16(bytemuck::cast_ref(lanes))
    }

    #[inline(always)]
    fn load_logits<S: Simd>(simd: S, lanes: &[f16; F32_LANES]) -> S::F32 {
        simd.f32_from_normal_f16(bytemuck::cast_ref(lanes))
    }

    #[inline(always)]
    fn order<S: Simd>(simd: S, lanes: &[f16; F32_LANES]) -> Self::Order<S> {
        simd.halves(bytemuck::cast_ref(lanes))
    }

    #[inline(always)]
    fn to_f32(self) -> f32 {
        f16::to_f32(self)
    }
}

impl Lanes for bf16 {
    const ZERO: bf16 = bf16::ZERO;
    const NEG_INFINITY: bf16 = bf16::NEG_INFINITY;
    type Order<S: Simd> = S::F32;

    #[inline(always)]
    fn load<S: Simd>(simd: S, lanes: &[bf16; F32_LANES]) -> S::F32 {
        simd.f32_from_bf16(bytemuck::cast_ref(lanes))
    }

    #[inline(always)]
    fn order<S: Simd>(simd: S, lanes: &[bf16; F32_LANES]) -> Self::Order<S> {
        simd.f32_from_bf16(bytemuck::cast_ref(lanes))
    }

    #[inline(always)]
    fn to_f32(self) -> f32 {
        bf16::to_f32(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::{Dispatch, F32Lanes, Kernel, Level};

    struct Loaded([f32; F32_LANES]);

    impl Kernel for Loaded {
        type Output = [f32; F32_LANES];

        #[inline(always)]
        fn run<S: Simd>(self, simd: S) -> [f32; F32_LANES] {
            let mut out = [0.0; F32_LANES];
            f32::load(simd, &self.0).store(&mut out);
            out
        }
    }

    // Of the other types every number is widened, in `simd::tests`.
    #[test]
    fn f32_is_loaded_as_it_is() {
        let bits: [u32; F32_LANES] =
            std::array::from_fn(|i| (i as u32) << 28 | 0x40_0000 | i as u32);
        for level in Level::available() {
            let found = Dispatch::new(level)
                .unwrap()
                .run(Loaded(bits.map(f32::from_bits)));
            assert_eq!(found.map(f32::to_bits), bits, "{level}");
        }
        for bits in bits {
            assert_eq!(Lanes::to_f32(f32::from_bits(bits)).to_bits(), bits);
        }
    }

    #[test]
    fn impossible_scores_of_every_type() {
        fn check<E: Lanes>() {
            let impossible = |kind| E::impossible(kind).to_f32().to_bits();
            assert_eq!(impossible(ScoreKind::Probabilities), 0);
            for kind in [ScoreKind::LogProbabilities, ScoreKind::Logits] {
                assert_eq!(impossible(kind), f32::NEG_INFINITY.to_bits());
            }
        }
        check::<f32>();
        check::<f16>();
        check::<bf16>();
    }
}
