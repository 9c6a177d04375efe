//! Borrowed rows of numbers.

use std::ops::Range;

use crate::error::{Error, Kind};
use crate::scores::{Data, Element, Layout, ScoreKind, ScoresView};

/// Borrowed rows of f32, f16 or bf16, all of one length.
#[derive(Clone, Copy, Debug)]
pub struct Rows<'a> {
    /// As the steps of one item; of the kinds of scores, logits may be any number.
    scores: ScoresView<'a>,
}

impl<'a> Rows<'a> {
    /// The most columns, 2^31 - 1 = 2,147,483,647.
    pub const MAX_COLUMNS: usize = ScoresView::MAX_VOCAB;

    /// Dense rows that fill their slice, of shape `[rows, columns]`.
    ///
    /// # Errors
    ///
    /// If there are no columns or more than [`Rows::MAX_COLUMNS`], or `data` does not have as
    /// many numbers as the shape. The message names the shape as `[1, rows, columns]`.
    pub fn new<T: Element>(data: &'a [T], shape: [usize; 2]) -> Result<Self, Error> {
        let scores = ScoresView::logits(data, shape)?;
        Ok(Rows { scores })
    }

    /// Rows of which each begins `stride` numbers after the one before, which may be fewer
    /// than a row has. What lies between two rows is not read.
    ///
    /// # Errors
    ///
    /// If there are no columns or more than [`Rows::MAX_COLUMNS`], or `data` ends before the
    /// last row does. The message names the shape as `[1, rows, columns]`.
    pub fn strided<T: Element>(
        data: &'a [T],
        [rows, columns]: [usize; 2],
        stride: usize,
    ) -> Result<Self, Error> {
        let layout = Layout::strided([1, rows, columns], [0, stride]);
        let scores = ScoresView::logits(data, layout)?;
        Ok(Rows { scores })
    }

    /// The number of rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.scores.time()
    }

    /// The length of each row.
    #[must_use]
    pub fn columns(&self) -> usize {
        self.scores.vocab()
    }

    pub(super) fn data(&self) -> Data<'a> {
        self.scores.data()
    }

    pub(super) fn row_bytes(&self) -> usize {
        self.scores.row_bytes()
    }

    pub(super) fn bytes(&self) -> usize {
        self.scores.bytes()
    }

    /// Where a row lies in the data.
    #[inline(always)]
    pub(super) fn range(&self, row: usize) -> Range<usize> {
        self.scores.row_range(0, row)
    }

    /// What is read after a row.
    #[inline(always)]
    pub(super) fn after(&self, row: usize) -> Range<usize> {
        self.scores.after_row(0, row)
    }

    /// Why a row was refused.
    pub(super) fn invalid_number(&self, row: usize) -> Error {
        let numbers = self.scores.row(0, row);
        let invalid = |&column: &usize| !ScoreKind::Logits.accepts(numbers.get(column));
        let column = (0..numbers.len()).find(invalid).unwrap_or(0);
        let value = numbers.get(column);
        Kind::TopKNumber { row, column, value }.into()
    }
}
