//! Tokens drawn without replacement from all rows of a step, best first by their perturbed
//! values.
//!
//! Every token of a row has a Gumbel variable at its log-probability. The largest of a row is
//! a Gumbel variable at the log-sum of the row, and which token it belongs to does not
//! depend on how large it is; the next largest is that of the rest of the row, cut off at the
//! first; and so on (Kool et al. 2019, section 3; Maddison et al. 2014). So no token needs a
//! random number of its own:
//!
//! ```text
//! for each row: the value of its first draw
//! repeat: the row with the best value draws its token: a walk over the sums of its blocks,
//!             of that block's groups, and of that group's tokens
//!         without the token, the block is summed again: the rest of the row
//!         the row's next value
//! ```
//!
//! # Cost
//!
//! Two or three passes over a block of 2048 values for each draw, and O(blocks of the row);
//! beside it the sums of blocks that are not those of the scan.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use super::super::step_rows::StepRows;
use super::random::{Stream, exponential, gumbel_at_most};
use super::rows::{DrawnRows, block_sum};
use crate::error::{Error, Kind};
use crate::kernels::block::{BLOCK_GROUPS, GROUP};
use crate::kernels::exp::exp_nonpositive_f64;
use crate::kernels::log_sum_exp::{BLOCK, RunningSum, Sum};
use crate::kernels::weights::{group_weights, token_weights};
use crate::memory::reserve;
use crate::order::descending;
use crate::simd::{Dispatch, Kernel, ScalarF64, Simd};

/// One token that was drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Draw {
    /// The number of its row.
    pub(super) row: u32,
    /// Its place in the row.
    pub(super) place: u32,
    /// The logarithm of its share of the row.
    pub(super) log_share: f64,
    /// Its perturbed value.
    pub(super) value: f64,
}

/// The next draw of a row. Of equal values that of the earlier row is the greater.
#[derive(Clone, Copy, Debug)]
struct Next {
    value: f64,
    row: u32,
}

impl Ord for Next {
    fn cmp(&self, other: &Self) -> Ordering {
        descending(other.value, self.value).then(other.row.cmp(&self.row))
    }
}

impl PartialOrd for Next {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Next {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Next {}

/// Where a row is in its draws.
#[derive(Clone, Copy, Debug)]
struct Progress {
    stream: Stream,
    /// Where the Gumbel variable of the whole row lies.
    location: f64,
    /// The log-sum of the whole row.
    total: f64,
    draws: u32,
}

/// The draws of a step. Its memory is kept.
#[derive(Clone, Debug, Default)]
pub(super) struct Draws {
    progress: Vec<Progress>,
    next: BinaryHeap<Next>,
    masses: Vec<f64>,
}

impl Draws {
    /// At most the bytes of the draws from so many rows.
    pub(super) fn bytes_needed(rows: usize, vocab: usize) -> usize {
        let row = size_of::<Progress>() + size_of::<Next>();
        let masses = vocab.div_ceil(BLOCK) * size_of::<f64>();
        rows.saturating_mul(row).saturating_add(masses)
    }

    /// Starts anew, for so many rows of at most so many places.
    ///
    /// # Errors
    ///
    /// If memory runs out.
    pub(super) fn begin(&mut self, rows: usize, longest: usize) -> Result<(), Error> {
        let what = "the draws of a step";
        self.progress.clear();
        self.next.clear();
        self.masses.clear();
        reserve(&mut self.progress, rows, what)?;
        reserve(&mut self.masses, longest.div_ceil(BLOCK), what)?;
        let bytes = rows.saturating_mul(size_of::<Next>());
        let reserved = self.next.try_reserve(rows);
        reserved.map_err(|_| Kind::OutOfMemory { what, bytes }.into())
    }

    /// Adds the next row, whose log-sum is `total` and whose first draw has the value
    /// `first`.
    pub(super) fn add(&mut self, stream: Stream, location: f64, total: f64, first: f64) {
        let row = self.progress.len() as u32;
        self.progress.push(Progress {
            stream,
            location,
            total,
            draws: 0,
        });
        if total > f64::NEG_INFINITY {
            self.next.push(Next { value: first, row });
        }
    }

    /// The next draw of all rows; `None` if nothing is left.
    pub(super) fn draw(
        &mut self,
        rows: &mut DrawnRows,
        scores: &StepRows<'_>,
        dispatch: Dispatch,
    ) -> Option<Draw> {
        let Next { value, row } = self.next.pop()?;
        let Progress {
            stream,
            location,
            total,
            draws,
        } = self.progress[row as usize];
        let mut values = [0.0; BLOCK];
        let own = &rows.rows[row as usize];
        let sums = &rows.sums[own.blocks.clone()];
        let [_, in_row] = stream.pair(draws * 2);
        let [in_block, in_group] = stream.pair(draws * 2 + 1);
        let block = choose_block(sums, in_row, &mut self.masses);
        let length = rows.block_into(scores, own, block, &mut values, dispatch);
        let in_block = dispatch.run(ChooseToken {
            values: &values,
            reference: sums[block].reference,
            shares: [in_block, in_group],
        });
        let drawn = std::mem::replace(&mut values[in_block], f32::NEG_INFINITY);
        let place = block * BLOCK + in_block;
        let sum = block_sum(&values[..length], dispatch);
        rows.draw(row as usize, place, sum);
        self.progress[row as usize].draws += 1;

        let rest = log_sum(&rows.sums[rows.rows[row as usize].blocks.clone()]);
        if rest > f64::NEG_INFINITY {
            let [unit, _] = stream.pair((draws + 1) * 2);
            let location = location + (rest - total);
            let value = gumbel_at_most(value, location, exponential(unit));
            self.next.push(Next { value, row });
        }
        Some(Draw {
            row,
            place: place as u32,
            log_share: f64::from(drawn) - total,
            value,
        })
    }
}

/// The log-sum of blocks.
pub(super) fn log_sum(sums: &[Sum]) -> f64 {
    let mut all = RunningSum::EMPTY;
    sums.iter().for_each(|&sum| all.add(sum));
    all.ln()
}

/// The block at a share of the row's weight.
fn choose_block(sums: &[Sum], share: f64, masses: &mut Vec<f64>) -> usize {
    let reference = |sum: &Sum| match sum.largest {
        f32::NEG_INFINITY => f32::NEG_INFINITY,
        _ => sum.reference,
    };
    let largest = sums.iter().map(reference).fold(f32::NEG_INFINITY, f32::max);
    masses.clear();
    masses.extend(sums.iter().map(|sum| match sum.largest {
        f32::NEG_INFINITY => 0.0,
        _ => {
            let distance = f64::from(sum.reference) - f64::from(largest);
            sum.sum * exp_nonpositive_f64(ScalarF64(distance)).0
        }
    }));
    choose(masses, share)
}

/// The first of some masses at which their running sum is above a share of the whole.
fn choose(masses: &[f64], share: f64) -> usize {
    let target = share * masses.iter().sum::<f64>();
    let mut sum = 0.0;
    let above = masses.iter().position(|mass| {
        sum += mass;
        sum > target
    });
    // A share is below 1, so one is, unless scores change while they are read.
    above.unwrap_or(0)
}

/// Finds the token of a block at a share of its groups, and one of that group's tokens.
struct ChooseToken<'a> {
    values: &'a [f32; BLOCK],
    reference: f32,
    shares: [f64; 2],
}

impl Kernel for ChooseToken<'_> {
    type Output = usize;

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> usize {
        let ChooseToken {
            values,
            reference,
            shares: [in_block, in_group],
        } = self;
        let groups: [f64; BLOCK_GROUPS] = group_weights(simd, values, reference);
        let group = choose(&groups, in_block);
        let tokens = &values.as_chunks::<GROUP>().0[group];
        let token = choose(&token_weights(simd, tokens, reference), in_group);
        group * GROUP + token
    }
}
