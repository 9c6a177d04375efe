//! The three types of score, as the kernels read them.

use half::{bf16, f16};

use crate::scores::ScoreKind;
use crate::simd::{F32_LANES, Simd};

/// A score in memory, widened to f32 as it is loaded: exactly, so that nothing
/// above knows what type it was.
pub(crate) trait Lanes: Copy + 'static {
    const ZERO: Self;
    const NEG_INFINITY: Self;

    fn load<S: Simd>(simd: S, lanes: &[Self; F32_LANES]) -> S::F32;
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

    #[inline(always)]
    fn load<S: Simd>(simd: S, lanes: &[f32; F32_LANES]) -> S::F32 {
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

    #[inline(always)]
    fn load<S: Simd>(simd: S, lanes: &[f16; F32_LANES]) -> S::F32 {
        simd.f32_from_f16(bytemuck::cast_ref(lanes))
    }

    #[inline(always)]
    fn to_f32(self) -> f32 {
        f16::to_f32(self)
    }
}

impl Lanes for bf16 {
    const ZERO: bf16 = bf16::ZERO;
    const NEG_INFINITY: bf16 = bf16::NEG_INFINITY;

    #[inline(always)]
    fn load<S: Simd>(simd: S, lanes: &[bf16; F32_LANES]) -> S::F32 {
        simd.f32_from_bf16(bytemuck::cast_ref(lanes))
    }

    #[inline(always)]
    fn to_f32(self) -> f32 {
        bf16::to_f32(self)
    }
}
