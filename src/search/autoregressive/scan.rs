//! The one read of a step's scores, in parallel over the blocks of all rows:
//! so a single long row is read by several threads too.

use std::ops::Range;

use super::step_rows::StepRows;
use crate::batch::{self, Divide, IndexedSlice};
use crate::cancellation::{Cancellation, Interrupted};
use crate::error::Error;
use crate::kernels::block::{BLOCK_GROUPS, scan_block};
use crate::kernels::element::Lanes;
use crate::kernels::log_sum_exp::{BLOCK, RunningSum, Sum};
use crate::kernels::weights::{block_sum, cool};
use crate::memory::resize;
use crate::phase;
use crate::scores::{Data, Row, ScoreKind, ScoresView, SparseScoresView};
use crate::search::shortlist::GRAIN_BYTES;
use crate::simd::{Dispatch, Kernel, Simd};

/// Blocks whose sums one thread puts together without asking for more work.
const GRAIN_SUMS: usize = 4096;

/// What was found in the rows of a step. Its memory is kept.
#[derive(Clone, Debug, Default)]
pub(super) struct ScannedRows {
    /// Blocks set aside for a row. Those beyond its end hold nothing.
    blocks: usize,
    /// For each block of each row, the maxima of its groups.
    maxima: Vec<[f32; BLOCK_GROUPS]>,
    /// For each block of each row; a sum of NaN where a score is invalid.
    parts: Vec<Sum>,
    /// The same of cooled scores, if they are drawn from.
    cooled: Vec<Sum>,
    rows: Vec<Summary>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Summary {
    max: f32,
    /// NaN if a score is invalid.
    normaliser: f64,
}

/// What is added up of rows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Weighing {
    /// What their normalisers need.
    Normalisers,
    /// The weights of their scores.
    AsRead,
    /// The weights of their scores times a factor as well.
    Cooled(f32),
}

/// What was found in one row.
#[derive(Clone, Copy, Debug)]
pub(super) struct ScannedRow<'a> {
    /// The maxima of its groups of places, by block.
    pub(super) maxima: &'a [[f32; BLOCK_GROUPS]],
    /// The largest score.
    pub(super) max: f32,
    /// The log-sum-exp of logits, else 0.
    pub(super) normaliser: f64,
}

impl ScannedRows {
    /// Bytes of what is found in so many rows.
    pub(super) fn bytes_needed(rows: usize, vocab: usize) -> usize {
        let block = size_of::<[f32; BLOCK_GROUPS]>() + 2 * size_of::<Sum>();
        let row = vocab.div_ceil(BLOCK) * block + size_of::<Summary>();
        rows.saturating_mul(row)
    }

    /// Makes room for the rows of a step, each of at most `longest` scores.
    ///
    /// # Errors
    ///
    /// If memory runs out.
    pub(super) fn prepare(&mut self, rows: usize, longest: usize) -> Result<(), Error> {
        let what = "what a step finds in its rows";
        self.blocks = longest.div_ceil(BLOCK);
        let blocks = rows.saturating_mul(self.blocks);
        resize(&mut self.maxima, blocks, what)?;
        resize(&mut self.parts, blocks, what)?;
        resize(&mut self.rows, rows, what)
    }

    /// Makes room for the sums of cooled scores.
    ///
    /// # Errors
    ///
    /// If memory runs out.
    pub(super) fn prepare_cooled(&mut self) -> Result<(), Error> {
        let blocks = self.parts.len();
        resize(&mut self.cooled, blocks, "what a step finds in its rows")
    }

    /// Reads some of the rows of `scores`.
    ///
    /// # Errors
    ///
    /// If the search is cancelled.
    pub(super) fn read(
        &mut self,
        scores: &StepRows<'_>,
        rows: Range<usize>,
        weighing: Weighing,
        dispatch: Dispatch,
        cancellation: &Cancellation,
    ) -> Result<(), Error> {
        let blocks = rows.start * self.blocks..rows.end * self.blocks;
        let cooled = match weighing {
            Weighing::Cooled(_) => &mut self.cooled[blocks.clone()],
            Weighing::Normalisers | Weighing::AsRead => &mut [],
        };
        let work = Blocks {
            first: blocks.start,
            maxima: &mut self.maxima[blocks.clone()],
            parts: &mut self.parts[blocks.clone()],
            cooled,
        };
        let per_row = self.blocks;
        let (longest, data) = match scores {
            StepRows::Dense(scores) => (scores.vocab(), scores.data()),
            StepRows::Sparse(scores) => (scores.longest(), scores.data()),
        };
        // Log-probabilities that are drawn from are added up like logits.
        let summed = match weighing {
            Weighing::AsRead => ScoreKind::Logits,
            Weighing::Normalisers | Weighing::Cooled(_) => scores.kind(),
        };
        let block_bytes = (BLOCK.min(longest) * data.element_bytes()).max(1);
        let (interrupted, grain) = (Interrupted::default(), GRAIN_BYTES / block_bytes);
        batch::for_each_until(work, grain, &interrupted, &|work: Blocks<'_>| {
            if let Some(interrupt) = cancellation.interrupt() {
                return interrupted.note(0, work.first / per_row, interrupt);
            }
            let _scanning = phase::scan();
            let Blocks { first, cooled, .. } = work;
            dispatch.run(ScanBlocks {
                scores,
                per_row,
                summed,
                first,
                maxima: work.maxima,
                parts: work.parts,
            });
            if let Weighing::Cooled(factor) = weighing {
                dispatch.run(CoolBlocks {
                    scores,
                    per_row,
                    factor,
                    first,
                    cooled,
                });
            }
        });
        interrupted.check(0)?;
        let parts = &self.parts[blocks];
        let rows = IndexedSlice::new(&mut self.rows[rows]);
        let logits = scores.kind() == ScoreKind::Logits;
        batch::for_each(
            rows,
            GRAIN_SUMS / per_row.max(1),
            &|mut rows: IndexedSlice<'_, Summary>| {
                rows.for_each(|row, summary| {
                    *summary = Summary::of(&parts[row * per_row..(row + 1) * per_row], logits);
                });
            },
        );
        Ok(())
    }

    /// The sums of the weights of a row's blocks, if they were wanted.
    pub(super) fn sums(&self, row: usize, weighing: Weighing) -> Option<&[Sum]> {
        let blocks = row * self.blocks..(row + 1) * self.blocks;
        match weighing {
            Weighing::Normalisers => None,
            Weighing::AsRead => Some(&self.parts[blocks]),
            Weighing::Cooled(_) => Some(&self.cooled[blocks]),
        }
    }

    /// What was found in a row, or `None` if it holds an invalid score.
    pub(super) fn row(&self, row: usize) -> Option<ScannedRow<'_>> {
        let Summary { max, normaliser } = self.rows[row];
        let maxima = &self.maxima[row * self.blocks..(row + 1) * self.blocks];
        (!normaliser.is_nan()).then_some(ScannedRow {
            maxima,
            max,
            normaliser,
        })
    }
}

impl Summary {
    /// The blocks of a row put together, in order.
    fn of(parts: &[Sum], logits: bool) -> Self {
        let mut max = f32::NEG_INFINITY;
        let mut sum = RunningSum::EMPTY;
        let mut valid = true;
        for part in parts {
            max = max.max(part.largest);
            valid &= !part.sum.is_nan();
            if logits {
                sum.add(*part);
            }
        }
        let normaliser = match (valid, logits) {
            (false, _) => f64::NAN,
            (true, true) => sum.ln(),
            (true, false) => 0.0,
        };
        Summary { max, normaliser }
    }
}

/// Where the findings in some consecutive blocks go.
struct Blocks<'a> {
    /// The first of them, counted through the rows.
    first: usize,
    maxima: &'a mut [[f32; BLOCK_GROUPS]],
    parts: &'a mut [Sum],
    /// Empty if none are wanted.
    cooled: &'a mut [Sum],
}

impl Divide for Blocks<'_> {
    fn len(&self) -> usize {
        self.parts.len()
    }

    fn split_at(self, middle: usize) -> (Self, Self) {
        let maxima = self.maxima.split_at_mut(middle);
        let parts = self.parts.split_at_mut(middle);
        let cooled = self.cooled.split_at_mut(middle.min(self.cooled.len()));
        let left = Blocks {
            first: self.first,
            maxima: maxima.0,
            parts: parts.0,
            cooled: cooled.0,
        };
        let right = Blocks {
            first: self.first + middle,
            maxima: maxima.1,
            parts: parts.1,
            cooled: cooled.1,
        };
        (left, right)
    }
}

/// Scans some consecutive blocks.
struct ScanBlocks<'a> {
    scores: &'a StepRows<'a>,
    per_row: usize,
    /// What they are added up as.
    summed: ScoreKind,
    /// The first of them, counted through the rows.
    first: usize,
    maxima: &'a mut [[f32; BLOCK_GROUPS]],
    parts: &'a mut [Sum],
}

impl Kernel for ScanBlocks<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        match self.scores {
            StepRows::Dense(scores) => match scores.data() {
                Data::F32(data) => self.scan(simd, scores, data),
                Data::F16(data) => self.scan(simd, scores, data),
                Data::Bf16(data) => self.scan(simd, scores, data),
            },
            StepRows::Sparse(scores) => self.scan_sparse(simd, scores),
        }
    }
}

/// Of a block with an invalid score.
const INVALID: Sum = Sum {
    reference: f32::NEG_INFINITY,
    largest: f32::NEG_INFINITY,
    sum: f64::NAN,
};

/// Of a block without a score.
const NOTHING: Sum = Sum {
    reference: f32::NEG_INFINITY,
    largest: f32::NEG_INFINITY,
    sum: 0.0,
};

impl ScanBlocks<'_> {
    #[inline(always)]
    fn scan<S: Simd, E: Lanes>(self, simd: S, scores: &ScoresView<'_>, data: &[E]) {
        let (kind, summed, per_row) = (scores.kind(), self.summed, self.per_row);
        let (mut row, mut block) = (self.first / per_row, self.first % per_row);
        for (maxima, part) in self.maxima.iter_mut().zip(self.parts) {
            let tokens = scores.row_range(0, row);
            let start = tokens.start + block * BLOCK;
            let end = tokens.end.min(start + BLOCK);
            let next = if end < tokens.end {
                end..tokens.end
            } else {
                scores.after_row(0, row)
            };
            *part = read_block(simd, kind, summed, &data[start..end], &data[next], maxima);
            block += 1;
            if block == per_row {
                (row, block) = (row + 1, 0);
            }
        }
    }

    #[inline(always)]
    fn scan_sparse<S: Simd>(self, simd: S, scores: &SparseScoresView<'_>) {
        let (kind, summed) = (scores.kind(), self.summed);
        let blocks = self.maxima.iter_mut().zip(self.parts);
        for (number, (maxima, part)) in (self.first..).zip(blocks) {
            *part = match block_of(scores.scores(number / self.per_row), number % self.per_row) {
                block if block.len() == 0 => {
                    *maxima = [f32::NEG_INFINITY; BLOCK_GROUPS];
                    NOTHING
                }
                Data::F32(block) => read_block(simd, kind, summed, block, &[], maxima),
                Data::F16(block) => read_block(simd, kind, summed, block, &[], maxima),
                Data::Bf16(block) => read_block(simd, kind, summed, block, &[], maxima),
            };
        }
    }
}

/// Reads a block, as scores of the kind that they are added up as.
#[inline(always)]
fn read_block<S: Simd, E: Lanes>(
    simd: S,
    kind: ScoreKind,
    summed: ScoreKind,
    values: &[E],
    next: &[E],
    maxima: &mut [f32; BLOCK_GROUPS],
) -> Sum {
    let found = scan_block(simd, summed, values, next, maxima);
    let valid = found.filter(|sum| summed == kind || kind.accepts(sum.largest));
    valid.unwrap_or(INVALID)
}

/// Adds up the weights of some consecutive blocks, cooled. They have just been read.
struct CoolBlocks<'a> {
    scores: &'a StepRows<'a>,
    per_row: usize,
    factor: f32,
    /// The first of them, counted through the rows.
    first: usize,
    cooled: &'a mut [Sum],
}

impl Kernel for CoolBlocks<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        for (number, sum) in (self.first..).zip(self.cooled) {
            let row = self.scores.scores(number / self.per_row);
            *sum = match block_of(row, number % self.per_row) {
                block if block.len() == 0 => NOTHING,
                Data::F32(block) => cooled_sum(simd, block, self.factor),
                Data::F16(block) => cooled_sum(simd, block, self.factor),
                Data::Bf16(block) => cooled_sum(simd, block, self.factor),
            };
        }
    }
}

/// A block of a row, which may be empty.
fn block_of(row: Row<'_>, block: usize) -> Row<'_> {
    let start = row.len().min(block * BLOCK);
    row.slice(start..row.len().min(start + BLOCK))
}

#[inline(always)]
fn cooled_sum<S: Simd, E: Lanes>(simd: S, block: &[E], factor: f32) -> Sum {
    let mut values = [0.0; BLOCK];
    cool(simd, block, factor, &mut values);
    block_sum(simd, &values[..block.len()]).unwrap_or(INVALID)
}
