//! Sums and maxima of a part of a row, with the changes that were made to it.

use std::ops::Range;

use super::base::Base;
use super::overrides::Overrides;
use crate::kernels::block::{BLOCK_GROUPS, scan_block};
use crate::kernels::log_sum_exp::{BLOCK, RunningSum, Sum};
use crate::scores::ScoreKind;
use crate::simd::{Dispatch, Kernel, Simd};

/// Some consecutive tokens of a row. The overrides are sorted by token.
pub(in super::super) struct Part<'a> {
    pub(in super::super) base: Base<'a>,
    pub(in super::super) overrides: &'a Overrides,
    pub(in super::super) range: Range<usize>,
}

impl Part<'_> {
    /// Hands out the scores of the part, as f32, a block at a time. If tokens without an
    /// override are impossible, blocks of these alone are left out.
    fn for_each_block(&self, mut each: impl FnMut(&[f32])) {
        let Range { start, end } = self.range;
        let entries = self.overrides.entries();
        let mut next = entries.partition_point(|&(token, _)| (token as usize) < start);
        let mut block = [0f32; BLOCK];
        for start in (start..end).step_by(BLOCK) {
            let block = &mut block[..BLOCK.min(end - start)];
            let within = entries[next..]
                .iter()
                .take_while(|&&(token, _)| (token as usize) < start + block.len())
                .count();
            match self.overrides.only() {
                true if within == 0 => continue,
                true => block.fill(f32::NEG_INFINITY),
                false => self.base.copy(start, block),
            }
            for &(token, score) in &entries[next..next + within] {
                block[token as usize - start] = score as f32;
            }
            next += within;
            each(block);
        }
    }
}

/// The largest score of a part; -infinity if none is possible.
pub(super) fn largest(part: &Part<'_>) -> f32 {
    let mut largest = f32::NEG_INFINITY;
    part.for_each_block(|block| {
        let larger = |a: f32, b: f32| if b > a { b } else { a };
        let mut lanes = [f32::NEG_INFINITY; 16];
        for values in block.chunks(lanes.len()) {
            for (lane, &value) in lanes.iter_mut().zip(values) {
                *lane = larger(*lane, value);
            }
        }
        largest = lanes.into_iter().fold(largest, larger);
    });
    largest
}

/// The log-sum-exp of a part, the bits that a row of these scores would give.
pub(in super::super) fn log_sum_exp(part: &Part<'_>, dispatch: Dispatch) -> f64 {
    let mut sum = RunningSum::EMPTY;
    part.for_each_block(|block| add_block(&mut sum, block, dispatch));
    sum.ln()
}

/// Adds a block of logits to a sum.
pub(in super::super) fn add_block(sum: &mut RunningSum, block: &[f32], dispatch: Dispatch) {
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
