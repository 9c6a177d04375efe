//! The results of one request, collected from what has finished.

use super::completion::CompletionNBest;
use super::finish::Finish;
use super::pool::Finished;
use super::request::Request;
use super::sampling::{Sampled, log_weight};
use super::tree::HypothesisTree;
use crate::error::Error;
use crate::memory::reserve;

/// The results of one request, in flat arrays that keep their memory.
#[derive(Clone, Debug, Default)]
pub(super) struct Results {
    pub(super) nbest: CompletionNBest,
    finished: Vec<Finished>,
    /// The best perturbed log-probability that is not among them, if sequences were drawn.
    pub(super) threshold: Option<f64>,
}

impl Results {
    /// At most the bytes of the hypotheses of a request, of up to `length` tokens, out of so many
    /// that finished.
    pub(super) fn bytes_needed(request: &Request, finished: usize, length: usize) -> usize {
        let hypotheses = request.wanted().min(finished);
        let own = if request.own_scores {
            size_of::<f64>()
        } else {
            0
        };
        let token = size_of::<u32>() + size_of::<f64>() + own;
        let hypothesis = 3 * size_of::<usize>() + 3 * size_of::<f64>() + size_of::<Finish>();
        let hypothesis = hypothesis + size_of::<Option<Sampled>>();
        let tokens = length.saturating_mul(token);
        let each = hypotheses.saturating_mul(tokens.saturating_add(hypothesis));
        let sorted = finished.saturating_mul(size_of::<Finished>());
        // Where memory grows, it is doubled.
        each.saturating_add(sorted).saturating_mul(2)
    }

    pub(super) fn clear(&mut self) {
        self.nbest.clear();
        self.finished.clear();
        self.threshold = None;
    }

    /// Takes the best of the finished hypotheses, up to a limit, which have
    /// `longest` tokens at most. `dropped` is the best perturbed log-probability among those
    /// that were dropped, if sequences were drawn.
    ///
    /// # Errors
    ///
    /// If memory runs out.
    pub(super) fn gather<'a>(
        &mut self,
        finished: impl Iterator<Item = &'a Finished> + Clone,
        tree: &HypothesisTree,
        request: &Request,
        limit: usize,
        longest: usize,
        dropped: Option<f64>,
    ) -> Result<(), Error> {
        self.clear();
        let count = finished.clone().count();
        reserve(&mut self.finished, count, "the results of a request")?;
        self.finished.extend(finished);
        self.finished.sort_unstable();
        let left_out = self.finished.get(limit).map(|finished| finished.score);
        self.threshold =
            dropped.map(|dropped| left_out.map_or(dropped, |score| score.max(dropped)));
        self.finished.truncate(limit);
        for finished in &self.finished {
            let threshold = self.threshold;
            append(&mut self.nbest, finished, tree, request, longest, threshold)?;
        }
        self.nbest.end_item()
    }

    /// Whether nothing was found.
    pub(super) fn is_empty(&self) -> bool {
        self.finished.is_empty()
    }
}

/// Appends a hypothesis of up to `longest` tokens. `threshold` is the best perturbed
/// log-probability that is left out, if sequences are drawn.
///
/// # Errors
///
/// If memory runs out.
pub(super) fn append(
    nbest: &mut CompletionNBest,
    finished: &Finished,
    tree: &HypothesisTree,
    request: &Request,
    longest: usize,
    threshold: Option<f64>,
) -> Result<(), Error> {
    nbest.reserve(0, 1, longest)?;
    tree.tokens_into(finished.node, &mut nbest.tokens);
    nbest.token_ends.push(nbest.tokens.len());
    nbest.scores.push(finished.score);
    let details = &mut nbest.details;
    tree.scores_into(finished.node, &mut details.token_scores);
    details.log_probabilities.push(finished.log_probability);
    details.finishes.push(finished.finish);
    details.endings.push(request.ending_length(finished.finish));
    if request.own_scores {
        let what = "the results of a request";
        reserve(&mut details.own_scores, longest, what)?;
        tree.own_scores_into(finished.node, &mut details.own_scores);
    }
    details.coverages.push(finished.coverage);
    details.sampled.push(threshold.map(|threshold| Sampled {
        log_probability: finished.sampled,
        perturbed: finished.score,
        log_weight: log_weight(finished.sampled, threshold),
    }));
    details.groups.push(finished.order.0 as usize);
    Ok(())
}
