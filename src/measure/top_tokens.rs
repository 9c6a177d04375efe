//! The kernels of a row, over a whole tensor.

use crate::cancellation::Cancellation;
use crate::error::Error;
use crate::scores::ScoresView;
use crate::search::shortlist::Shortlists;
use crate::simd::{Dispatch, Level};

/// Phase one of a search by itself: the best tokens of every position.
#[derive(Debug, Default)]
pub struct TopTokens(Shortlists);

impl TopTokens {
    /// Finds the `k` best tokens of every position at `level`.
    ///
    /// # Errors
    ///
    /// If this processor does not have the level, or memory runs out.
    pub fn fill(&mut self, scores: &ScoresView<'_>, k: usize, level: Level) -> Result<(), Error> {
        let whole = Cancellation::default();
        self.0.fill(scores, k, Dispatch::require(level)?, &whole)
    }

    /// The best tokens of a position within its item's length, best first,
    /// their log-probabilities, and for logits the row's log-sum-exp, else 0;
    /// `None` if the row was refused.
    pub fn get(&self, item: usize, step: usize) -> Option<(&[u32], &[f64], f64)> {
        let list = self.0.get(item, step)?;
        Some((list.tokens, list.log_probabilities, list.normaliser))
    }
}
