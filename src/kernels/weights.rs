//! The weights of the values of one block: what a token is drawn by.

use super::block::{BLOCK_GROUPS, GROUP};
use super::exp::exp_f32;
use super::log_sum_exp::{BLOCK, LANES, add_lanes};
use crate::simd::{F32_LANES, F32Lanes, Simd};

/// The sum of e^(x - reference) of each group of a block's values; no value is more than
/// [`REACH`](super::log_sum_exp::REACH) above the reference. A group is summed in [`LANES`]
/// lanes, in f32 and in order, which are put together as those of a block.
#[inline(always)]
pub(crate) fn group_weights<S: Simd>(
    simd: S,
    block: &[f32; BLOCK],
    reference: f32,
) -> [f64; BLOCK_GROUPS] {
    let reference = simd.f32_splat(reference);
    let mut weights = [0.0; BLOCK_GROUPS];
    for (weight, group) in weights.iter_mut().zip(block.as_chunks::<GROUP>().0) {
        let mut sum = simd.f32_splat(0.0);
        for values in group.as_chunks::<F32_LANES>().0 {
            sum = sum + exp_f32(simd.f32_load(values) - reference);
        }
        let mut lanes = [0.0; LANES];
        sum.store(&mut lanes);
        *weight = add_lanes(&lanes);
    }
    weights
}

/// e^(x - reference) of each value of a group, 0 of what is impossible.
#[inline(always)]
pub(crate) fn token_weights<S: Simd>(
    simd: S,
    group: &[f32; GROUP],
    reference: f32,
) -> [f64; GROUP] {
    let reference = simd.f32_splat(reference);
    let mut weights = [0.0; GROUP];
    let vectors = weights.as_chunks_mut::<F32_LANES>().0;
    for (weights, values) in vectors.iter_mut().zip(group.as_chunks::<F32_LANES>().0) {
        let mut lanes = [0.0; F32_LANES];
        exp_f32(simd.f32_load(values) - reference).store(&mut lanes);
        for ((weight, lane), &value) in weights.iter_mut().zip(lanes).zip(values) {
            if value > f32::NEG_INFINITY {
                *weight = f64::from(lane);
            }
        }
    }
    weights
}
