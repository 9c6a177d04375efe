//! The log-sum-exp of a row whose logits were adjusted.

use super::adjust::Overrides;
use crate::kernels::exp::exp_nonpositive_f32;
use crate::kernels::log_sum_exp::{BLOCK, LANES, RunningSum, add_lanes};
use crate::scores::Row;
use crate::simd::{Dispatch, F32_LANES, F32Lanes, Kernel, Simd};

/// The log-sum-exp of the row with the overrides in it: the bits that a row
/// copied, adjusted and read would give. Where all but some tokens are
/// excluded, those, ascending, are the row.
///
/// The overrides are sorted by token. The row is copied a block at a time.
pub(super) fn adjusted_log_sum_exp(row: Row<'_>, overrides: &Overrides, dispatch: Dispatch) -> f64 {
    let mut sum = RunningSum::EMPTY;
    let mut block = [0f32; BLOCK];
    let entries = overrides.entries();
    if overrides.only() {
        for entries in entries.chunks(BLOCK) {
            for (value, &(_, score)) in block.iter_mut().zip(entries) {
                *value = score as f32;
            }
            add_block(&mut sum, &block[..entries.len()], dispatch);
        }
        return sum.ln();
    }
    let mut next = 0;
    for start in (0..row.len()).step_by(BLOCK) {
        let length = BLOCK.min(row.len() - start);
        for (i, value) in block[..length].iter_mut().enumerate() {
            *value = row.get(start + i);
        }
        while let Some(&(token, score)) = entries.get(next)
            && (token as usize) < start + length
        {
            block[token as usize - start] = score as f32;
            next += 1;
        }
        add_block(&mut sum, &block[..length], dispatch);
    }
    sum.ln()
}

fn add_block(sum: &mut RunningSum, block: &[f32], dispatch: Dispatch) {
    let max = block.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    if max > f32::NEG_INFINITY {
        sum.add(max, dispatch.run(BlockSum { block, max }));
    }
}

/// The sum of a block's exponentials relative to its maximum.
struct BlockSum<'a> {
    block: &'a [f32],
    max: f32,
}

impl Kernel for BlockSum<'_> {
    type Output = f64;

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> f64 {
        let mut lanes = [0f32; LANES];
        let mut terms = [0f32; F32_LANES];
        for row in self.block.chunks(LANES) {
            for (values, lanes) in row.chunks(F32_LANES).zip(lanes.chunks_mut(F32_LANES)) {
                let mut padded = [self.max; F32_LANES];
                padded[..values.len()].copy_from_slice(values);
                let x = simd.f32_load(&padded) - simd.f32_splat(self.max);
                exp_nonpositive_f32(x).store(&mut terms);
                for (lane, term) in lanes.iter_mut().zip(&terms[..values.len()]) {
                    *lane += term;
                }
            }
        }
        add_lanes(&lanes)
    }
}
