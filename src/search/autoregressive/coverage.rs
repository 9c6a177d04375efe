//! The coverage penalty: how much of the source the live hypotheses of a group have attended to.
//!
//! With the attention `a[i][t]` of the row of token t to source position i and a factor beta,
//! the term of a hypothesis is `beta * sum over i of ln(min(sum over t of a[i][t], 1))` (Wu et
//! al. 2016, "Google's Neural Machine Translation System", section 7). A position that was never
//! attended to counts as the least normal f32, 1.2e-38, so that the term stays finite.

use std::ops::Range;

use crate::error::Error;
use crate::kernels::ln::ln;
use crate::memory::{reserve, resize};
use crate::scores::ScoresView;

/// What the live hypotheses of a group have attended to, in their order.
#[derive(Clone, Debug, Default)]
pub(super) struct Coverage {
    sources: usize,
    /// `sources` sums for each hypothesis. None before the first step.
    sums: Vec<f64>,
    /// The sums before the last step, and memory for those of the next.
    previous: Vec<f64>,
}

/// A value that is no attention.
pub(super) struct BadAttention {
    pub(super) row: usize,
    pub(super) source: usize,
    pub(super) value: f32,
}

impl Coverage {
    /// At most the bytes that it takes for so many hypotheses.
    pub(super) fn bytes_needed(hypotheses: usize, sources: usize) -> usize {
        // Sums before and after a step. Where memory grows, it is doubled.
        let each = sources.saturating_mul(4 * size_of::<f64>());
        hypotheses.saturating_mul(each)
    }

    /// Starts anew, with the empty hypothesis alone.
    pub(super) fn begin(&mut self, sources: usize) {
        self.sources = sources;
        self.sums.clear();
    }

    /// Adds the attention of their rows to the sums, out of `[1, rows, at least sources]`.
    ///
    /// # Errors
    ///
    /// If memory runs out.
    pub(super) fn add(
        &mut self,
        attention: &ScoresView<'_>,
        rows: Range<usize>,
    ) -> Result<Result<(), BadAttention>, Error> {
        if self.sums.is_empty() {
            let sums = rows.len().saturating_mul(self.sources);
            resize(&mut self.sums, sums, "the coverage")?;
        }
        for (row, sums) in rows.zip(self.sums.chunks_exact_mut(self.sources)) {
            let values = attention.row(0, row);
            for (source, sum) in sums.iter_mut().enumerate() {
                let value = values.get(source);
                if !attention.kind().accepts(value) {
                    return Ok(Err(BadAttention { row, source, value }));
                }
                *sum += f64::from(value);
            }
        }
        Ok(Ok(()))
    }

    /// Makes room for the sums of so many hypotheses after the step.
    ///
    /// # Errors
    ///
    /// If memory runs out.
    pub(super) fn make_room(&mut self, hypotheses: usize) -> Result<(), Error> {
        self.previous.clear();
        let sums = hypotheses.saturating_mul(self.sources);
        reserve(&mut self.previous, sums, "the coverage")
    }

    /// Begins the list of hypotheses after a step.
    pub(super) fn begin_step(&mut self) {
        std::mem::swap(&mut self.sums, &mut self.previous);
        self.sums.clear();
    }

    /// Appends a hypothesis that continues one of before the step.
    pub(super) fn keep(&mut self, parent: usize) {
        let start = parent * self.sources;
        self.sums
            .extend_from_slice(&self.previous[start..start + self.sources]);
    }

    /// The term of a hypothesis that continues one of before the step, with the attention of
    /// its row.
    pub(super) fn term_of_parent(&self, factor: f64, parent: usize) -> f64 {
        term(factor, &self.previous, self.sources, parent)
    }

    /// The term of a live hypothesis.
    pub(super) fn term(&self, factor: f64, rank: usize) -> f64 {
        term(factor, &self.sums, self.sources, rank)
    }
}

/// The empty hypothesis, which has attended to nothing, has a term of 0.
fn term(factor: f64, sums: &[f64], sources: usize, place: usize) -> f64 {
    let sums = sums.chunks_exact(sources.max(1)).nth(place);
    let least = f64::from(f32::MIN_POSITIVE);
    let term = |&sum: &f64| ln(sum.clamp(least, 1.0));
    let terms = sums.unwrap_or_default().iter().map(term);
    factor * terms.fold(0.0, |sum, term| sum + term)
}
