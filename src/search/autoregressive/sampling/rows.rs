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
use crate::memory::{grow, reserve, resize};
use crate::scores::{Data, Row, ScoreKind};
use crate::simd::{Dispatch, Kernel, Simd};

/// The sum of a block of which nothing is possible.
const NOTHING: Sum = Sum {
    reference: f32::NEG_INFINITY,
    largest: f32::NEG_INFINITY,
    sum: 0.0,
};

/// What memory is for.
const WHAT: &str = "the rows that are drawn from";

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

/// How a row comes to be.
#[derive(Clone, Debug)]
pub(super) struct RowSource {
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
}

/// How many draws of a row can be made before it is their turn.
pub(super) const MOST_EARLY: usize = 8;

/// A place that was drawn, and one past where the one before it in its block is noted, or 0.
type Place = (u32, u32);

/// One row. Its memory is kept.
#[derive(Clone, Debug)]
pub(super) struct DrawnRow {
    pub(super) source: RowSource,
    /// The weights of each block, added up.
    pub(super) sums: Vec<Sum>,
    /// For each block, one past where the last of its places that were drawn is noted, or 0.
    last_drawn: Vec<u32>,
    /// Places that were drawn early; [`Common::drawn`] has the others, which count from
    /// [`MOST_EARLY`].
    early: [Place; MOST_EARLY],
    early_draws: usize,
}

impl Default for DrawnRow {
    fn default() -> Self {
        DrawnRow {
            source: RowSource {
                row: 0,
                length: 0,
                entries: 0..0,
                only: false,
                kind: ScoreKind::Logits,
                normaliser: 0.0,
            },
            sums: Vec::new(),
            last_drawn: Vec::new(),
            early: [(0, 0); MOST_EARLY],
            early_draws: 0,
        }
    }
}

impl DrawnRow {
    /// Whether another place can be drawn early.
    pub(super) fn has_early_room(&self) -> bool {
        self.early_draws < MOST_EARLY
    }

    /// As [`DrawnRows::draw`], for a draw that is made early, where there is room for it.
    pub(super) fn note_early(&mut self, place: u32, sum: Sum) {
        let at = self.early_draws;
        self.early_draws += 1;
        self.early[at] = self.note(place, sum, at);
    }

    /// Notes that a place was drawn, that its block's sum is another now, and at which number
    /// the place is noted.
    fn note(&mut self, place: u32, sum: Sum, at: usize) -> Place {
        let block = place as usize / BLOCK;
        self.sums[block] = sum;
        let before = std::mem::replace(&mut self.last_drawn[block], at as u32 + 1);
        (place, before)
    }
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
    rows: Vec<DrawnRow>,
    /// How many of them this step has.
    count: usize,
    /// The blocks whose sums must be computed.
    pending: Vec<Pending>,
    pub(super) common: Common,
}

/// What the rows of a step share.
#[derive(Clone, Debug, Default)]
pub(super) struct Common {
    pub(super) entries: Vec<Entry>,
    /// Places that were drawn when it was their turn, of all rows.
    drawn: Vec<Place>,
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
        let drawn = draws.saturating_mul(size_of::<Place>());
        let entries = entries.saturating_mul(size_of::<Entry>());
        let parts = [rows.saturating_mul(row), drawn, entries];
        parts.into_iter().fold(0, usize::saturating_add)
    }

    pub(super) fn clear(&mut self, factor: f32) {
        self.count = 0;
        self.pending.clear();
        self.common.entries.clear();
        self.common.drawn.clear();
        self.common.factor = factor;
    }

    /// Makes room for so many rows of a vocabulary.
    ///
    /// # Errors
    ///
    /// If memory runs out.
    pub(super) fn reserve(&mut self, rows: usize, vocab: usize) -> Result<(), Error> {
        let blocks = vocab.div_ceil(BLOCK);
        grow(&mut self.rows, rows, WHAT)?;
        for row in &mut self.rows[..rows] {
            row.sums.clear();
            row.last_drawn.clear();
            reserve(&mut row.sums, blocks, WHAT)?;
            reserve(&mut row.last_drawn, blocks, WHAT)?;
        }
        reserve(&mut self.pending, rows.saturating_mul(blocks), WHAT)
    }

    /// The rows of the step.
    pub(super) fn rows(&self) -> &[DrawnRow] {
        &self.rows[..self.count]
    }

    /// The rows of the step, and what they share.
    pub(super) fn parts(&mut self) -> (&mut [DrawnRow], &Common) {
        (&mut self.rows[..self.count], &self.common)
    }

    /// Makes room for so many draws more.
    ///
    /// # Errors
    ///
    /// If memory runs out.
    pub(super) fn reserve_draws(&mut self, draws: usize) -> Result<(), Error> {
        reserve(&mut self.common.drawn, draws, "the tokens that are drawn")
    }

    /// Adds a row, whose entries are the last ones, by place. `scanned` are the sums of its
    /// blocks as it was read, cooled. There is room for it.
    ///
    /// # Errors
    ///
    /// If memory runs out.
    pub(super) fn push(&mut self, source: RowSource, scanned: Option<&[Sum]>) -> Result<(), Error> {
        let entries = &self.common.entries[source.entries.clone()];
        let blocks = source.length.div_ceil(BLOCK);
        let row = &mut self.rows[self.count];
        resize(&mut row.sums, blocks, WHAT)?;
        resize(&mut row.last_drawn, blocks, WHAT)?;
        row.early_draws = 0;
        let scanned = scanned.filter(|_| !source.only);
        let mut next = 0;
        for (block, own) in row.sums.iter_mut().enumerate() {
            let from = next;
            while next < entries.len() && (entries[next].place as usize) < (block + 1) * BLOCK {
                next += 1;
            }
            let changed = next > from;
            match scanned.and_then(|sums| sums.get(block)) {
                Some(&sum) if !changed => *own = sum,
                _ if source.only && !changed => *own = NOTHING,
                _ => self.pending.push(Pending {
                    block: block as u32,
                    row: self.count as u32,
                    sum: NOTHING,
                }),
            }
        }
        row.source = source;
        self.count += 1;
        Ok(())
    }

    /// Computes the sums that are not known, in parallel.
    pub(super) fn sum(&mut self, scores: &StepRows<'_>, dispatch: Dispatch) {
        let (rows, common) = (&self.rows, &self.common);
        let blocks = IndexedSlice::new(&mut self.pending);
        batch::for_each(blocks, GRAIN, &|mut blocks: IndexedSlice<'_, Pending>| {
            let mut values = [0.0; BLOCK];
            blocks.for_each(|_, Pending { block, row, sum }| {
                let row = &rows[*row as usize];
                let number = *block as usize;
                let length = common.block_into(scores, row, number, &mut values, dispatch);
                *sum = dispatch.run(SumBlock(&values[..length])).unwrap_or(NOTHING);
            });
        });
        for Pending { block, row, sum } in &self.pending {
            self.rows[*row as usize].sums[*block as usize] = *sum;
        }
    }

    /// Notes that a place of a row was drawn, and that its block's sum is another now. There
    /// is room for it.
    pub(super) fn draw(&mut self, row: usize, place: u32, sum: Sum) {
        let at = MOST_EARLY + self.common.drawn.len();
        self.common.drawn.push(self.rows[row].note(place, sum, at));
    }
}

impl Common {
    /// Puts a block of a row together, with -infinity beyond its end. Returns its length.
    pub(super) fn block_into(
        &self,
        scores: &StepRows<'_>,
        row: &DrawnRow,
        number: usize,
        values: &mut [f32; BLOCK],
        dispatch: Dispatch,
    ) -> usize {
        let source = &row.source;
        let start = number * BLOCK;
        let length = BLOCK.min(source.length - start);
        let read = scores.scores(source.row);
        let end = read.len().min(start + length);
        if source.only || end <= start {
            values.fill(f32::NEG_INFINITY);
        } else {
            dispatch.run(Cool {
                read: read.slice(start..end),
                factor: self.factor,
                values,
            });
        }
        let entries = &self.entries[source.entries.clone()];
        let first = entries.partition_point(|entry| (entry.place as usize) < start);
        for entry in &entries[first..] {
            match (entry.place as usize).checked_sub(start) {
                Some(place) if place < BLOCK => values[place] = entry.value,
                _ => break,
            }
        }
        let mut drawn = row.last_drawn[number];
        while let Some(at) = drawn.checked_sub(1) {
            let at = at as usize;
            let (place, before) = match row.early.get(at) {
                Some(&place) => place,
                None => self.drawn[at - MOST_EARLY],
            };
            values[place as usize - start] = f32::NEG_INFINITY;
            drawn = before;
        }
        length
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
