//! The log-sum-exp of a row whose logits were processed.

use super::processors::{Base, Overrides, Part, Rest, add_block, log_sum_exp};
use crate::kernels::log_sum_exp::{BLOCK, RunningSum};
use crate::scores::Row;
use crate::simd::Dispatch;

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
    if overrides.rest() != Rest::Excluded {
        let part = Part {
            base: Base::Logits(row),
            overrides,
            range: 0..row.len(),
        };
        return log_sum_exp(&part, dispatch);
    }
    let mut sum = RunningSum::EMPTY;
    let mut block = [0f32; BLOCK];
    for entries in overrides.entries().chunks(BLOCK) {
        for (value, &(_, score)) in block.iter_mut().zip(entries) {
            *value = score as f32;
        }
        add_block(&mut sum, &block[..entries.len()], dispatch);
    }
    sum.ln()
}
