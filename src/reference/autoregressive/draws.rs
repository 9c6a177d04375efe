//! Tokens drawn from a row without replacement, in the order of their perturbed values.
//!
//! Each token has a Gumbel variable at its log-probability. The largest is a Gumbel variable
//! of the whole row, and whose it is does not depend on how large it is; the next is one of
//! the rest of the row, below the first; and so on (Kool et al. 2019, section 3). A token is
//! found by a walk over the sums of blocks, of groups, and of tokens.

use super::random::{Stream, exponential, gumbel_below};
use crate::kernels::exp::{exp_f32, exp_nonpositive_f64};
use crate::reference::{BLOCK, add_lanes, block_sum, log_sum_exp};
use crate::simd::{ScalarF32, ScalarF64};

/// Positions whose weights are added up together.
const GROUP: usize = 128;

/// One token that was drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Draw {
    /// Its place in the row.
    pub(super) position: usize,
    /// The logarithm of its share of the row.
    pub(super) log_share: f64,
    /// Its perturbed value.
    pub(super) value: f64,
}

/// The first `count` tokens of a row of scores, which are logarithms of any scale. The sum of
/// the row has its Gumbel variable at `location`; the first token has the value `first`.
pub(super) fn draw(
    row: &[f32],
    location: f64,
    first: f64,
    count: usize,
    stream: Stream,
) -> Vec<Draw> {
    let mut left = row.to_vec();
    let total = log_sum_exp(row);
    let mut draws: Vec<Draw> = Vec::new();
    for number in 0..count {
        let rest = log_sum_exp(&left);
        if rest == f64::NEG_INFINITY {
            break;
        }
        let [value, block] = stream.pair(2 * number as u32);
        let [group, token] = stream.pair(2 * number as u32 + 1);
        let value = match draws.last() {
            None => first,
            Some(last) => {
                let location = location + (rest - total);
                gumbel_below(last.value, location, exponential(value))
            }
        };
        let position = find(&left, block, group, token);
        left[position] = f32::NEG_INFINITY;
        draws.push(Draw {
            position,
            log_share: f64::from(row[position]) - total,
            value,
        });
    }
    draws
}

/// A position of the row, found by three numbers between 0 and 1.
fn find(row: &[f32], in_row: f64, in_block: f64, in_group: f64) -> usize {
    let sums: Vec<_> = row.chunks(BLOCK).map(block_sum).collect();
    let references = sums.iter().flatten().map(|sum| sum.reference);
    let largest = f64::from(references.fold(f32::NEG_INFINITY, f32::max));
    let masses = sums.iter().map(|sum| {
        sum.as_ref().map_or(0.0, |sum| {
            sum.sum * exp_nonpositive_f64(ScalarF64(f64::from(sum.reference) - largest)).0
        })
    });
    let block = choose(&masses.collect::<Vec<f64>>(), in_row);
    let reference = sums[block].as_ref().expect("it has mass").reference;
    let weight = |value: f32| exp_f32(ScalarF32(value - reference)).0;

    let start = block * BLOCK;
    let tokens = &row[start..row.len().min(start + BLOCK)];
    let masses = tokens.chunks(GROUP).map(|group| {
        let mut lanes = [0f32; 16];
        for vector in group.chunks(16) {
            for (lane, &value) in lanes.iter_mut().zip(vector) {
                *lane += weight(value);
            }
        }
        add_lanes(lanes)
    });
    let group = choose(&masses.collect::<Vec<f64>>(), in_block);

    let start = start + group * GROUP;
    let tokens = &row[start..row.len().min(start + GROUP)];
    let masses = tokens.iter().map(|&value| match value {
        f32::NEG_INFINITY => 0.0,
        _ => f64::from(weight(value)),
    });
    start + choose(&masses.collect::<Vec<f64>>(), in_group)
}

/// The first mass at which the running sum is above a share of the whole.
fn choose(masses: &[f64], share: f64) -> usize {
    let target = share * masses.iter().sum::<f64>();
    let mut sum = 0.0;
    let above = masses.iter().position(|mass| {
        sum += mass;
        sum > target
    });
    above.expect("a share below 1 of something above 0")
}
