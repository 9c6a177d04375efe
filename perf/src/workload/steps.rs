//! The scores of a search with a model in the loop, without the model: those of every row of
//! every step lie in memory, and which of them a step reads depends on the step and the row
//! alone, as if the model did not care for what it is fed.

use widebeam::ScoresView;

use super::case::Case;
use super::shape::Shape;
use super::values::Values;
use crate::console::failure::Failure;

/// Steps take turns in tensors of at least this size together, so that they
/// come from memory and not from a cache.
const ROTATION: usize = 256 << 20;

pub(super) struct Steps {
    case: Case,
    values: Values,
    /// How many steps differ.
    period: usize,
}

impl Steps {
    /// The scores of as many rows a step as there are beams in all; `score` by its index.
    pub(super) fn new(case: Case, score: impl Fn(u64) -> f32 + Sync) -> Result<Self, Failure> {
        let [batch, time, vocab] = case.shape.0;
        let rows = batch.saturating_mul(case.beams);
        let step_bytes = rows
            .saturating_mul(vocab)
            .saturating_mul(case.dtype.bytes());
        let period = ROTATION.div_ceil(step_bytes).min(time);
        let shape = Shape([period, rows, vocab]);
        Ok(Steps {
            case,
            values: Values::new(case.dtype, shape, |index| score(index as u64))?,
            period,
        })
    }

    /// The first `rows` rows of the scores of a step.
    pub(super) fn view(&self, step: usize, rows: usize) -> Result<ScoresView<'_>, Failure> {
        let [batch, _, vocab] = self.case.shape.0;
        let start = step % self.period * batch * self.case.beams * vocab;
        self.values
            .view(self.case.kind, start, Shape([1, rows, vocab]))
    }
}
