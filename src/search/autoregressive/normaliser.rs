//! The log-sum-exp of a row whose logits were processed.

use super::processors::{Base, Overrides, Part, Rest, add_block, log_sum_exp};
use super::step_rows::{Given, TokenScores};
use crate::kernels::log_sum_exp::{BLOCK, RunningSum};
use crate::simd::Dispatch;

/// The log-sum-exp of the row with the overrides in it: the bits that a row
/// copied, processed and read would give. Where all but some tokens are
/// excluded, those, ascending, are the row. If not all tokens are given, those that are come
/// first, as they were given, and then, ascending, others that the overrides make possible.
///
/// The overrides are sorted by token. The row is copied a block at a time.
pub(super) fn processed_log_sum_exp(
    row: TokenScores<'_>,
    overrides: &Overrides,
    dispatch: Dispatch,
) -> f64 {
    let entries = overrides.entries().iter();
    if overrides.rest() == Rest::Excluded {
        return sum(entries.map(|&(_, score)| score), dispatch);
    }
    let Some(Given { tokens, places }) = row.given else {
        let part = Part {
            base: Base::Logits(row),
            overrides,
            range: 0..row.scores.len(),
        };
        return log_sum_exp(&part, dispatch);
    };
    let given = (0..).zip(tokens).map(|(place, &token)| {
        let score = overrides.get(token);
        score.unwrap_or_else(|| match overrides.only() {
            true => f64::NEG_INFINITY,
            false => f64::from(row.scores.get(place)),
        })
    });
    let more =
        entries.filter(|&&(token, score)| places[token as usize] == 0 && score > f64::NEG_INFINITY);
    sum(given.chain(more.map(|&(_, score)| score)), dispatch)
}

/// The log-sum-exp of scores, as f32.
fn sum(scores: impl Iterator<Item = f64>, dispatch: Dispatch) -> f64 {
    let mut sum = RunningSum::EMPTY;
    let mut block = [0f32; BLOCK];
    let mut length = 0;
    for score in scores {
        block[length] = score as f32;
        length += 1;
        if length == BLOCK {
            add_block(&mut sum, &block, dispatch);
            length = 0;
        }
    }
    if length > 0 {
        add_block(&mut sum, &block[..length], dispatch);
    }
    sum.ln()
}
