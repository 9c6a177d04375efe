//! Scores of every type, from numbers of one.

use half::{bf16, f16};

/// A type of score that an `f32` is rounded to.
pub(crate) trait FromF32 {
    fn rounded(value: f32) -> Self;
}

impl FromF32 for f32 {
    fn rounded(value: f32) -> f32 {
        value
    }
}

impl FromF32 for f16 {
    fn rounded(value: f32) -> f16 {
        f16::from_f32(value)
    }
}

impl FromF32 for bf16 {
    fn rounded(value: f32) -> bf16 {
        bf16::from_f32(value)
    }
}
