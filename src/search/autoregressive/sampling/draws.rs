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
//! For each draw a pass over a block of 2048 values, which takes out those that were drawn from
//! it before, O(blocks of the row), and O(log rows) for the row whose turn it is; beside it the
//! sums of blocks that are not those of the scan. So k draws from k rows are O(k log k). Rows
//! that are likely to draw next are looked at in parallel.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use super::super::step_rows::StepRows;
use super::random::{Stream, exponential, gumbel_at_most};
use super::rows::DrawnRows;
use crate::batch::{self, IndexedSlice};
use crate::error::{Error, Kind};
use crate::kernels::log_sum_exp::{BLOCK, Sum};
use crate::kernels::weights;
use crate::memory::reserve;
use crate::order::descending;
use crate::simd::{Dispatch, Kernel, Simd};

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
    /// The token of its next draw, if it has been looked for.
    found: Option<Found>,
}

/// The token of a draw.
#[derive(Clone, Copy, Debug)]
struct Found {
    place: u32,
    /// Its value in the row.
    value: f32,
    /// The sum of its block without it.
    rest: Sum,
}

/// The token of a row's next draw, that is looked for beside others.
#[derive(Clone, Copy, Debug)]
struct Look {
    row: u32,
    found: Option<Found>,
}

/// The draws of a step. Its memory is kept.
#[derive(Clone, Debug, Default)]
pub(super) struct Draws {
    progress: Vec<Progress>,
    next: BinaryHeap<Next>,
    /// Those of them whose tokens have not been looked for.
    unseen: BinaryHeap<Next>,
    /// What is looked for at once.
    looks: Vec<Look>,
}

impl Draws {
    /// At most the bytes of the draws from so many rows.
    pub(super) fn bytes_needed(rows: usize) -> usize {
        let row = size_of::<Progress>() + 2 * size_of::<Next>() + size_of::<Look>();
        rows.saturating_mul(row)
    }

    /// Starts anew, for so many rows.
    ///
    /// # Errors
    ///
    /// If memory runs out.
    pub(super) fn begin(&mut self, rows: usize) -> Result<(), Error> {
        let what = "the draws of a step";
        self.progress.clear();
        self.looks.clear();
        reserve(&mut self.progress, rows, what)?;
        reserve(&mut self.looks, rows, what)?;
        let bytes = rows.saturating_mul(size_of::<Next>());
        for heap in [&mut self.next, &mut self.unseen] {
            heap.clear();
            let reserved = heap.try_reserve(rows);
            reserved.map_err(|_| Kind::OutOfMemory { what, bytes })?;
        }
        Ok(())
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
            found: None,
        });
        if total > f64::NEG_INFINITY {
            self.push(Next { value: first, row });
        }
    }

    /// Adds the next draw of a row.
    fn push(&mut self, next: Next) {
        self.next.push(next);
        self.unseen.push(next);
    }

    /// Looks for the next draw of every row whose value is at least `least` and that has not
    /// been looked at, in parallel.
    fn look(&mut self, least: f64, rows: &DrawnRows, scores: &StepRows<'_>, dispatch: Dispatch) {
        self.looks.clear();
        while let Some(next) = self.unseen.peek().filter(|next| next.value >= least) {
            let (row, found) = (next.row, None);
            self.looks.push(Look { row, found });
            self.unseen.pop();
        }
        let (progress, looks) = (&self.progress, IndexedSlice::new(&mut self.looks));
        batch::for_each(looks, GRAIN, &|mut some: IndexedSlice<'_, Look>| {
            some.for_each(|_, look| {
                let row = look.row as usize;
                look.found = Some(progress[row].look(row, rows, scores, dispatch));
            });
        });
        for look in &self.looks {
            self.progress[look.row as usize].found = look.found;
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
        let number = row as usize;
        if self.progress[number].found.is_none() {
            // Others that are nearly as good are likely to be next.
            self.look(value - NEAR, rows, scores, dispatch);
        }
        let progress = &mut self.progress[number];
        let looked = progress.found.take();
        let found = looked.unwrap_or_else(|| progress.look(number, rows, scores, dispatch));
        rows.draw(number, found.place as usize, found.rest);
        progress.draws += 1;
        let total = progress.total;
        let rest = log_sum(&rows.sums[rows.rows[number].blocks.clone()], dispatch);
        if rest > f64::NEG_INFINITY {
            let [unit, _] = progress.stream.pair(progress.draws * 2);
            let location = progress.location + (rest - total);
            let value = gumbel_at_most(value, location, exponential(unit));
            self.push(Next { value, row });
        }
        Some(Draw {
            row,
            place: found.place,
            log_share: f64::from(found.value) - total,
            value,
        })
    }
}

impl Progress {
    /// Finds the token of a row's next draw.
    fn look(
        &self,
        row: usize,
        rows: &DrawnRows,
        scores: &StepRows<'_>,
        dispatch: Dispatch,
    ) -> Found {
        let own = &rows.rows[row];
        let sums = &rows.sums[own.blocks.clone()];
        let [_, share] = self.stream.pair(self.draws * 2);
        let shares = self.stream.pair(self.draws * 2 + 1);
        let block = dispatch.run(ChooseBlock { sums, share });
        let mut values = [0.0; BLOCK];
        let length = rows.block_into(scores, own, block, &mut values, dispatch);
        let (token, value, rest) = dispatch.run(TakeToken {
            values: &mut values,
            length,
            sum: sums[block],
            shares,
        });
        Found {
            place: (block * BLOCK + token) as u32,
            value,
            rest,
        }
    }
}

/// Rows in which one thread looks for a draw without asking for another.
const GRAIN: usize = 2;

/// How far below the best value a row is looked at beside the best one.
const NEAR: f64 = 2.0;

/// The log-sum of blocks.
pub(super) fn log_sum(sums: &[Sum], dispatch: Dispatch) -> f64 {
    dispatch.run(LogSum(sums))
}

struct LogSum<'a>(&'a [Sum]);

impl Kernel for LogSum<'_> {
    type Output = f64;

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> f64 {
        weights::log_sum(simd, self.0)
    }
}

struct ChooseBlock<'a> {
    sums: &'a [Sum],
    share: f64,
}

impl Kernel for ChooseBlock<'_> {
    type Output = usize;

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> usize {
        weights::choose_block(simd, self.sums, self.share)
    }
}

struct TakeToken<'a> {
    values: &'a mut [f32; BLOCK],
    length: usize,
    sum: Sum,
    shares: [f64; 2],
}

impl Kernel for TakeToken<'_> {
    type Output = (usize, f32, Sum);

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> (usize, f32, Sum) {
        weights::take_token(simd, self.values, self.length, self.sum, self.shares)
    }
}
