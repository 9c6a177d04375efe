//! The rows that a step draws from, block by block.
//!
//! A row holds one value a place: the logits, cooled, with those of processed tokens
//! replaced, and -infinity for what is impossible or was drawn before. It is never stored:
//! a block of it is put together when it is needed, and what is kept is the sum of the
//! weights of each block. Those sums are the scan's where it has read the very same values.

use std::ops::Range;

use super::super::step_rows::StepRows;
use crate::batch::{self, IndexedSlice};
use crate::error::Error;
use crate::kernels::log_sum_exp::{BLOCK, Sum};
use crate::kernels::weights::{block_sum, cool};
use crate::memory::{reserve, resize};
use crate::scores::{Data, Row, ScoreKind};
use crate::simd::{Dispatch, Kernel, Simd};

/// The sum of a block of which nothing is possible.
const NOTHING: Sum = Sum {
    reference: f32::NEG_INFINITY,
    largest: f32::NEG_INFINITY,
    sum: 0.0,
};

/// A token whose value or log-probability is not what was read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    /// Its place in the row.
    pub(super) place: u32,
    pub(super) token: u32,
    /// Cooled.
    pub(super) value: f32,
    pub(super) log_probability: f64,
}

/// One row.
#[derive(Clone, Debug)]
pub(super) struct DrawnRow {
    /// Its index among the rows of the batch.
    pub(super) row: usize,
    /// Places, those of tokens that were not given included.
    pub(super) length: usize,
    /// Its part of the entries, by place.
    pub(super) entries: Range<usize>,
    /// Whether nothing but the entries is possible.
    pub(super) only: bool,
    /// How values turn into log-probabilities.
    pub(super) kind: ScoreKind,
    pub(super) normaliser: f64,
    /// Its part of the sums.
    pub(super) blocks: Range<usize>,
}

/// A block whose sum must be computed, and its row.
#[derive(Clone, Copy, Debug)]
struct Pending {
    block: u32,
    row: u32,
    sum: Sum,
}

/// The rows of one group's step. Its memory is kept.
#[derive(Clone, Debug, Default)]
pub(super) struct DrawnRows {
    pub(super) rows: Vec<DrawnRow>,
    pub(super) entries: Vec<Entry>,
    /// The weights of each block, added up.
    pub(super) sums: Vec<Sum>,
    /// The blocks whose sums must be computed.
    pending: Vec<Pending>,
    /// For each block, one past the last of its places that were drawn, or 0.
    last_drawn: Vec<u32>,
    /// Places that were drawn, each with one past the one before it in its block, or 0.
    drawn: Vec<(u32, u32)>,
    /// What values are multiplied by.
    factor: f32,
}

impl DrawnRows {
    /// At most the bytes of so many rows, of which so many tokens are drawn, with so many
    /// entries.
    pub(super) fn bytes_needed(rows: usize, vocab: usize, draws: usize, entries: usize) -> usize {
        let block = size_of::<Sum>() + size_of::<Pending>() + size_of::<u32>();
        // Tokens that were not given may follow those that were.
        let blocks = vocab.div_ceil(BLOCK).saturating_mul(block);
        let row = size_of::<DrawnRow>().saturating_add(blocks);
        let drawn = draws.saturating_mul(size_of::<(u32, u32)>());
        let entries = entries.saturating_mul(size_of::<Entry>());
        let parts = [rows.saturating_mul(row), drawn, entries];
        parts.into_iter().fold(0, usize::saturating_add)
    }

    pub(super) fn clear(&mut self, factor: f32) {
        self.rows.clear();
        self.entries.clear();
        self.sums.clear();
        self.pending.clear();
        self.last_drawn.clear();
        self.drawn.clear();
        self.factor = factor;
    }

    /// Makes room for so many rows of a vocabulary.
    ///
    /// # Errors
    ///
    /// If memory runs out.
    pub(super) fn reserve(&mut self, rows: usize, vocab: usize) -> Result<(), Error> {
        let what = "the rows that are drawn from";
        let blocks = rows.saturating_mul(vocab.div_ceil(BLOCK));
        reserve(&mut self.rows, rows, what)?;
        reserve(&mut self.sums, blocks, what)?;
        reserve(&mut self.pending, blocks, what)?;
        reserve(&mut self.last_drawn, blocks, what)
    }

    /// Makes room for so many draws more.
    ///
    /// # Errors
    ///
    /// If memory runs out.
    pub(super) fn reserve_draws(&mut self, draws: usize) -> Result<(), Error> {
        reserve(&mut self.drawn, draws, "the tokens that are drawn")
    }

    /// Adds a row, whose entries are the last ones, by place. `scanned` are the sums of its
    /// blocks as it was read, cooled.
    ///
    /// # Errors
    ///
    /// If memory runs out.
    pub(super) fn push(&mut self, mut row: DrawnRow, scanned: Option<&[Sum]>) -> Result<(), Error> {
        let entries = &self.entries[row.entries.clone()];
        let number = self.rows.len() as u32;
        let start = self.sums.len();
        let end = start + row.length.div_ceil(BLOCK);
        row.blocks = start..end;
        resize(&mut self.sums, end, "the rows that are drawn from")?;
        let scanned = scanned.filter(|_| !row.only);
        let mut next = 0;
        for block in 0..end - start {
            let from = next;
            while next < entries.len() && (entries[next].place as usize) < (block + 1) * BLOCK {
                next += 1;
            }
            let changed = next > from;
            let at = start + block;
            match scanned.and_then(|sums| sums.get(block)) {
                Some(&sum) if !changed => self.sums[at] = sum,
                _ if row.only && !changed => self.sums[at] = NOTHING,
                _ => self.pending.push(Pending {
                    block: at as u32,
                    row: number,
                    sum: NOTHING,
                }),
            }
            self.last_drawn.push(0);
        }
        self.rows.push(row);
        Ok(())
    }

    /// Computes the sums that are not known, in parallel.
    pub(super) fn sum(&mut self, scores: &StepRows<'_>, dispatch: Dispatch) {
        let mut pending = std::mem::take(&mut self.pending);
        let blocks = IndexedSlice::new(&mut pending);
        batch::for_each(blocks, GRAIN, &|mut blocks: IndexedSlice<'_, Pending>| {
            let mut values = [0.0; BLOCK];
            blocks.for_each(|_, Pending { block, row, sum }| {
                let row = &self.rows[*row as usize];
                let number = *block as usize - row.blocks.start;
                let length = self.block_into(scores, row, number, &mut values, dispatch);
                *sum = dispatch.run(SumBlock(&values[..length])).unwrap_or(NOTHING);
            });
        });
        for Pending { block, sum, .. } in &pending {
            self.sums[*block as usize] = *sum;
        }
        self.pending = pending;
    }

    /// Puts a block of a row together, with -infinity beyond its end. Returns its length.
    pub(super) fn block_into(
        &self,
        scores: &StepRows<'_>,
        row: &DrawnRow,
        number: usize,
        values: &mut [f32; BLOCK],
        dispatch: Dispatch,
    ) -> usize {
        let start = number * BLOCK;
        let length = BLOCK.min(row.length - start);
        let read = scores.scores(row.row);
        let end = read.len().min(start + length);
        if row.only || end <= start {
            values.fill(f32::NEG_INFINITY);
        } else {
            dispatch.run(Cool {
                read: read.slice(start..end),
                factor: self.factor,
                values,
            });
        }
        let entries = &self.entries[row.entries.clone()];
        let first = entries.partition_point(|entry| (entry.place as usize) < start);
        for entry in &entries[first..] {
            match (entry.place as usize).checked_sub(start) {
                Some(place) if place < BLOCK => values[place] = entry.value,
                _ => break,
            }
        }
        let mut drawn = self.last_drawn[row.blocks.start + number];
        while let Some(at) = drawn.checked_sub(1) {
            let (place, before) = self.drawn[at as usize];
            values[place as usize - start] = f32::NEG_INFINITY;
            drawn = before;
        }
        length
    }

    /// Notes that a place of a row was drawn, and that its block's sum is another now. There
    /// is room for it.
    pub(super) fn draw(&mut self, row: usize, place: usize, sum: Sum) {
        let block = self.rows[row].blocks.start + place / BLOCK;
        self.drawn.push((place as u32, self.last_drawn[block]));
        self.last_drawn[block] = self.drawn.len() as u32;
        self.sums[block] = sum;
    }
}

/// Blocks that one thread sums without asking for another.
const GRAIN: usize = 8;

struct SumBlock<'a>(&'a [f32]);

impl Kernel for SumBlock<'_> {
    type Output = Option<Sum>;

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> Option<Sum> {
        block_sum(simd, self.0)
    }
}

/// Reads the values of a block, cooled.
struct Cool<'a> {
    read: Row<'a>,
    factor: f32,
    values: &'a mut [f32; BLOCK],
}

impl Kernel for Cool<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Cool {
            read,
            factor,
            values,
        } = self;
        match read {
            Data::F32(read) => cool(simd, read, factor, values),
            Data::F16(read) => cool(simd, read, factor, values),
            Data::Bf16(read) => cool(simd, read, factor, values),
        }
    }
}
