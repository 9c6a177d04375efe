//! The log-sum-exp of a row whose logits were processed.

use super::processors::Overrides;
use crate::kernels::block::{BLOCK_GROUPS, scan_block};
use crate::kernels::log_sum_exp::{BLOCK, RunningSum, Sum};
use crate::scores::{Row, ScoreKind};
use crate::simd::{Dispatch, Kernel, Simd};

/// The log-sum-exp of the row with the overrides in it: the bits that a row
/// copied, processed and read would give. Where all but some tokens are
/// excluded, those, ascending, are the row.
///
/// The overrides are sorted by token. The row is copied a block at a time.
pub(super) fn processed_log_sum_exp(
    row: Row<'_>,
    overrides: &Overrides,
    dispatch: Dispatch,
) -> f64 {
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
    // What is no logit, of a row that nothing has checked or of an override
    // beyond f32, leaves no sum.
    let none = Sum {
        reference: 0.0,
        largest: 0.0,
        sum: f64::NAN,
    };
    let found = dispatch.run(ScanBlock(block)).unwrap_or(none);
    sum.add(found);
}

struct ScanBlock<'a>(&'a [f32]);

impl Kernel for ScanBlock<'_> {
    type Output = Option<Sum>;

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> Option<Sum> {
        let mut maxima = [0.0; BLOCK_GROUPS];
        scan_block(simd, ScoreKind::Logits, self.0, &[], &mut maxima)
    }
}
