//! The one read of a step's scores, in parallel over the blocks of all rows:
//! so a single long row is read by several threads too.

use std::ops::Range;

use super::step_rows::StepRows;
use crate::batch::{self, Divide, IndexedSlice};
use crate::error::Error;
use crate::kernels::block::{BLOCK_GROUPS, scan_block};
use crate::kernels::element::Lanes;
use crate::kernels::log_sum_exp::{BLOCK, RunningSum, Sum};
use crate::memory::resize;
use crate::phase;
use crate::scores::{Data, ScoreKind, ScoresView, SparseScoresView};
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
    rows: Vec<Summary>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Summary {
    max: f32,
    /// NaN if a score is invalid.
    normaliser: f64,
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
        let block = size_of::<[f32; BLOCK_GROUPS]>() + size_of::<Sum>();
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

    /// Reads some of the rows of `scores`.
    pub(super) fn read(&mut self, scores: &StepRows<'_>, rows: Range<usize>, dispatch: Dispatch) {
        let blocks = rows.start * self.blocks..rows.end * self.blocks;
        let work = Blocks {
            first: blocks.start,
            maxima: &mut self.maxima[blocks.clone()],
            parts: &mut self.parts[blocks.clone()],
        };
        let per_row = self.blocks;
        let (longest, data) = match scores {
            StepRows::Dense(scores) => (scores.vocab(), scores.data()),
            StepRows::Sparse(scores) => (scores.longest(), scores.data()),
        };
        let block_bytes = (BLOCK.min(longest) * data.element_bytes()).max(1);
        batch::for_each(work, GRAIN_BYTES / block_bytes, &|work| {
            let _scanning = phase::scan();
            dispatch.run(ScanBlocks {
                scores,
                per_row,
                work,
            });
        });
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

impl ScannedRows {
    /// The sums of the blocks of a row of logits.
    pub(super) fn sums(&self, row: usize) -> &[Sum] {
        &self.parts[row * self.blocks..(row + 1) * self.blocks]
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
}

impl Divide for Blocks<'_> {
    fn len(&self) -> usize {
        self.parts.len()
    }

    fn split_at(self, middle: usize) -> (Self, Self) {
        let maxima = self.maxima.split_at_mut(middle);
        let parts = self.parts.split_at_mut(middle);
        let left = Blocks {
            first: self.first,
            maxima: maxima.0,
            parts: parts.0,
        };
        let right = Blocks {
            first: self.first + middle,
            maxima: maxima.1,
            parts: parts.1,
        };
        (left, right)
    }
}

struct ScanBlocks<'a> {
    scores: &'a StepRows<'a>,
    per_row: usize,
    work: Blocks<'a>,
}

impl Kernel for ScanBlocks<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let ScanBlocks {
            scores,
            per_row,
            work,
        } = self;
        match scores {
            StepRows::Dense(scores) => match scores.data() {
                Data::F32(data) => work.scan(simd, scores, per_row, data),
                Data::F16(data) => work.scan(simd, scores, per_row, data),
                Data::Bf16(data) => work.scan(simd, scores, per_row, data),
            },
            StepRows::Sparse(scores) => work.scan_sparse(simd, scores, per_row),
        }
    }
}

/// Of a block with an invalid score.
const INVALID: Sum = Sum {
    reference: f32::NEG_INFINITY,
    largest: f32::NEG_INFINITY,
    sum: f64::NAN,
};

impl Blocks<'_> {
    #[inline(always)]
    fn scan<S: Simd, E: Lanes>(self, simd: S, scores: &ScoresView<'_>, per_row: usize, data: &[E]) {
        let kind = scores.kind();
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
            let found = scan_block(simd, kind, &data[start..end], &data[next], maxima);
            *part = found.unwrap_or(INVALID);
            block += 1;
            if block == per_row {
                (row, block) = (row + 1, 0);
            }
        }
    }

    #[inline(always)]
    fn scan_sparse<S: Simd>(self, simd: S, scores: &SparseScoresView<'_>, per_row: usize) {
        for (number, (maxima, part)) in (self.first..).zip(self.maxima.iter_mut().zip(self.parts)) {
            let row = scores.scores(number / per_row);
            let start = row.len().min(number % per_row * BLOCK);
            let block = row.slice(start..row.len().min(start + BLOCK));
            let found = match block {
                _ if block.len() == 0 => {
                    *maxima = [f32::NEG_INFINITY; BLOCK_GROUPS];
                    *part = NOTHING;
                    continue;
                }
                Data::F32(block) => scan_block(simd, scores.kind(), block, &[], maxima),
                Data::F16(block) => scan_block(simd, scores.kind(), block, &[], maxima),
                Data::Bf16(block) => scan_block(simd, scores.kind(), block, &[], maxima),
            };
            *part = found.unwrap_or(INVALID);
        }
    }
}

/// Of a block without a score.
const NOTHING: Sum = Sum {
    reference: f32::NEG_INFINITY,
    largest: f32::NEG_INFINITY,
    sum: 0.0,
};
