//! Phase one of every search: the best tokens of each position, with their
//! log-probabilities.
//!
//! It is the only code that reads all scores. Positions do not depend on each
//! other, so it runs in parallel over batch x time, whatever the search does
//! with the lists afterwards.

use crate::error::Error;
use crate::kernels::log_probability;
use crate::reference;
use crate::scores::{ScoreKind, ScoresView};
use crate::simd::Dispatch;

/// The best tokens of every position of a batch, in flat arrays that keep
/// their memory from one batch to the next.
#[derive(Debug, Default)]
pub(crate) struct Shortlists {
    time: usize,
    width: usize,
    counts: Vec<u32>,
    normalisers: Vec<f64>,
    tokens: Vec<u32>,
    log_probabilities: Vec<f64>,
}

/// The best tokens of one position, best first. Impossible tokens are left
/// out, so there may be fewer than asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shortlist<'a> {
    pub(crate) tokens: &'a [u32],
    pub(crate) log_probabilities: &'a [f64],
    /// The log-sum-exp of the row for logits, else 0: what
    /// [`log_probability`] needs for any other token of the row.
    pub(crate) normaliser: f64,
}

/// In place of a count: the row holds an invalid score.
const REFUSED: u32 = u32::MAX;

impl Shortlists {
    /// Reads all of `scores` and keeps the `width` best tokens of each
    /// position.
    ///
    /// # Errors
    ///
    /// If memory runs out.
    pub(crate) fn fill(
        &mut self,
        scores: &ScoresView<'_>,
        width: usize,
        dispatch: Dispatch,
    ) -> Result<(), Error> {
        // A stand-in until the kernels are there.
        let _ = dispatch;
        let rows = scores.batch() * scores.time();
        self.time = scores.time();
        self.width = width.min(scores.vocab());
        self.counts = vec![0; rows];
        self.normalisers = vec![0.0; rows];
        self.tokens = vec![0; rows * self.width];
        self.log_probabilities = vec![0.0; rows * self.width];
        for item in 0..scores.batch() {
            for step in 0..scores.length(item) {
                let row = item * self.time + step;
                if scores.invalid_score(item, step).is_some() {
                    self.counts[row] = REFUSED;
                    continue;
                }
                let values = reference::values(scores, item, step);
                if scores.kind() == ScoreKind::Logits {
                    self.normalisers[row] = reference::log_sum_exp(&values);
                }
                let mut order: Vec<usize> = (0..values.len()).collect();
                let ranks = reference::row_ranks(&values);
                order.sort_by_key(|&token| ranks[token]);
                for token in order.into_iter().take(self.width) {
                    let log = log_probability(scores.kind(), values[token], self.normalisers[row]);
                    if log > f64::NEG_INFINITY {
                        let at = row * self.width + self.counts[row] as usize;
                        self.tokens[at] = token as u32;
                        self.log_probabilities[at] = log;
                        self.counts[row] += 1;
                    }
                }
            }
        }
        Ok(())
    }

    /// The list of one position within the item's length, or `None` if its row
    /// was refused; [`ScoresView::invalid_score`] then says why.
    pub(crate) fn get(&self, item: usize, step: usize) -> Option<Shortlist<'_>> {
        let row = item * self.time + step;
        if self.counts[row] == REFUSED {
            return None;
        }
        let start = row * self.width;
        let end = start + self.counts[row] as usize;
        Some(Shortlist {
            tokens: &self.tokens[start..end],
            log_probabilities: &self.log_probabilities[start..end],
            normaliser: self.normalisers[row],
        })
    }
}
