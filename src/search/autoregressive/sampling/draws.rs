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
//! sums of blocks that are not those of the scan. So k draws from k rows are O(k log k).
//!
//! What a row draws does not depend on the others. So draws that are likely to be among those
//! that a step takes are made early, for all rows in parallel.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use super::super::step_rows::StepRows;
use super::random::{Stream, exponential, gumbel_at_most};
use super::rows::{Common, DrawnRow, DrawnRows, MOST_EARLY};
use crate::batch::{self, Divide};
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
    /// The number of the row.
    row: u32,
    stream: Stream,
    /// Where the Gumbel variable of the whole row lies.
    location: f64,
    /// The log-sum of the whole row.
    total: f64,
    /// The value of its first draw.
    first: f64,
    draws: u32,
    /// The value of its next draw; `None` once nothing is left of the row.
    next: Option<f64>,
    /// The draws that were made before it was their turn.
    early: [Draw; MOST_EARLY],
    /// Where those begin and end.
    waiting: [usize; 2],
}

/// The draws of a step. Its memory is kept.
#[derive(Clone, Debug, Default)]
pub(super) struct Draws {
    progress: Vec<Progress>,
    next: BinaryHeap<Next>,
}

impl Draws {
    /// At most the bytes of the draws from so many rows.
    pub(super) fn bytes_needed(rows: usize) -> usize {
        let row = size_of::<Progress>() + size_of::<Next>();
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
        reserve(&mut self.progress, rows, what)?;
        let bytes = rows.saturating_mul(size_of::<Next>());
        self.next.clear();
        let reserved = self.next.try_reserve(rows);
        Ok(reserved.map_err(|_| Kind::OutOfMemory { what, bytes })?)
    }

    /// Adds the next row, whose log-sum is `total` and whose first draw has the value
    /// `first`.
    pub(super) fn add(&mut self, stream: Stream, location: f64, total: f64, first: f64) {
        let row = self.progress.len() as u32;
        let next = (total > f64::NEG_INFINITY).then_some(first);
        let none = Draw {
            row,
            place: 0,
            log_share: 0.0,
            value: 0.0,
        };
        self.progress.push(Progress {
            row,
            stream,
            location,
            total,
            first,
            draws: 0,
            next,
            early: [none; MOST_EARLY],
            waiting: [0, 0],
        });
        self.next.extend(next.map(|value| Next { value, row }));
    }

    /// Makes draws that are likely to be among the first `count` of the step, in parallel.
    pub(super) fn draw_early(
        &mut self,
        count: usize,
        rows: &mut DrawnRows,
        scores: &StepRows<'_>,
        dispatch: Dispatch,
    ) {
        let least = self.likely_threshold(count);
        let (rows, common) = rows.parts();
        let work = RowsAndProgress {
            rows,
            progress: &mut self.progress,
        };
        batch::for_each(work, GRAIN, &|work: RowsAndProgress<'_>| {
            for (row, progress) in work.rows.iter_mut().zip(work.progress) {
                while progress.next.is_some_and(|value| value >= least) && row.has_early_room() {
                    let Some((draw, rest)) = progress.next_draw(row, common, scores, dispatch)
                    else {
                        break;
                    };
                    row.note_early(draw.place, rest);
                    progress.advance(draw.value, row, dispatch);
                    let [_, end] = &mut progress.waiting;
                    progress.early[*end] = draw;
                    *end += 1;
                }
            }
        });
    }

    /// A value that about so many draws reach. What is drawn does not depend on it.
    ///
    /// Of a row at location l whose first draw has value f, 1 + e^(l - v) - e^(l - f) draws are
    /// expected above v.
    fn likely_threshold(&self, count: usize) -> f64 {
        let rows = || {
            let possible = |row: &&Progress| row.total > f64::NEG_INFINITY;
            self.progress.iter().filter(possible)
        };
        let expected = |value: f64| -> f64 {
            let reaches = |row: &&Progress| row.first >= value;
            let above = |row: &Progress| {
                1.0 + (row.location - value).exp() - (row.location - row.first).exp()
            };
            rows().filter(reaches).map(above).sum()
        };
        let mut most = rows()
            .map(|row| row.first)
            .fold(f64::NEG_INFINITY, f64::max);
        let mut least = most - WIDEST;
        for _ in 0..HALVINGS {
            let middle = least + (most - least) / 2.0;
            match expected(middle) > count as f64 {
                true => least = middle,
                false => most = middle,
            }
        }
        most
    }

    /// The next draw of all rows; `None` if nothing is left.
    pub(super) fn draw(
        &mut self,
        rows: &mut DrawnRows,
        scores: &StepRows<'_>,
        dispatch: Dispatch,
    ) -> Option<Draw> {
        let Next { row, .. } = self.next.pop()?;
        let number = row as usize;
        let progress = &mut self.progress[number];
        let draw = match progress.take() {
            Some(draw) => draw,
            None => {
                let own = &rows.rows()[number];
                let (draw, rest) = progress.next_draw(own, &rows.common, scores, dispatch)?;
                rows.draw(number, draw.place, rest);
                progress.advance(draw.value, &rows.rows()[number], dispatch);
                draw
            }
        };
        let next = progress.next_value();
        self.next.extend(next.map(|value| Next { value, row }));
        Some(draw)
    }
}

impl Progress {
    /// The next draw, if it was made early.
    fn take(&mut self) -> Option<Draw> {
        let [begin, end] = &mut self.waiting;
        let draw = *self.early[..*end].get(*begin)?;
        *begin += 1;
        Some(draw)
    }

    /// The value of the next draw, whether it was made early or not.
    fn next_value(&self) -> Option<f64> {
        let [begin, end] = self.waiting;
        let early = self.early[..end].get(begin);
        early.map(|draw| draw.value).or(self.next)
    }

    /// Makes the next draw, and adds up what is left of its block. It is not noted yet.
    fn next_draw(
        &self,
        row: &DrawnRow,
        common: &Common,
        scores: &StepRows<'_>,
        dispatch: Dispatch,
    ) -> Option<(Draw, Sum)> {
        let value = self.next?;
        let sums = &row.sums[..];
        let [_, share] = self.stream.pair(self.draws * 2);
        let shares = self.stream.pair(self.draws * 2 + 1);
        let block = dispatch.run(ChooseBlock { sums, share });
        let mut values = [0.0; BLOCK];
        let length = common.block_into(scores, row, block, &mut values, dispatch);
        let (token, own, rest) = dispatch.run(TakeToken {
            values: &mut values,
            length,
            sum: sums[block],
            shares,
        });
        let draw = Draw {
            row: self.row,
            place: (block * BLOCK + token) as u32,
            log_share: f64::from(own) - self.total,
            value,
        };
        Some((draw, rest))
    }

    /// Finds the value of the draw after one that was noted.
    fn advance(&mut self, value: f64, row: &DrawnRow, dispatch: Dispatch) {
        self.draws += 1;
        let rest = log_sum(&row.sums, dispatch);
        self.next = (rest > f64::NEG_INFINITY).then(|| {
            let [unit, _] = self.stream.pair(self.draws * 2);
            let location = self.location + (rest - self.total);
            gumbel_at_most(value, location, exponential(unit))
        });
    }
}

/// Rows, and where they are in their draws.
struct RowsAndProgress<'a> {
    rows: &'a mut [DrawnRow],
    progress: &'a mut [Progress],
}

impl Divide for RowsAndProgress<'_> {
    fn len(&self) -> usize {
        self.rows.len()
    }

    fn split_at(self, middle: usize) -> (Self, Self) {
        let (left, right) = self.rows.split_at_mut(middle);
        let (first, last) = self.progress.split_at_mut(middle);
        let part = |rows, progress| RowsAndProgress { rows, progress };
        (part(left, first), part(right, last))
    }
}

/// Rows that one thread draws from without asking for another.
const GRAIN: usize = 2;
/// How far below the best draw the least one is looked for, and how often that is halved.
const WIDEST: f64 = 16.0;
const HALVINGS: usize = 8;

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
