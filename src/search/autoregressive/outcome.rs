//! What a finished request has found.

use super::pool::{Finish, Finished};
use super::tree::HypothesisTree;
use crate::error::Error;
use crate::memory::reserve;

/// Why a request is done.
#[derive(Clone, Debug, PartialEq)]
pub enum Ended {
    /// Its stopping rule was met.
    Rule,
    /// It reached its maximum length.
    Length,
    /// No live hypothesis had a possible continuation.
    Exhausted,
    /// It was refused, for a score that is not valid or for want of memory.
    Failed(Error),
}

/// One hypothesis that a request has found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Completion<'a> {
    /// The generated tokens, the end token among them; not the prompt.
    pub tokens: &'a [u32],
    /// The log-probability of each of the tokens, as processed.
    pub token_scores: &'a [f64],
    /// The sum of the token scores, in order.
    pub log_probability: f64,
    /// What hypotheses are ranked by: the log-probability under the length
    /// penalty.
    pub score: f64,
    /// Why it finished.
    pub finish: Finish,
}

/// The results of one request, in flat arrays that keep their memory.
#[derive(Debug, Default)]
pub(super) struct Results {
    tokens: Vec<u32>,
    token_scores: Vec<f64>,
    ends: Vec<usize>,
    finished: Vec<Finished>,
}

impl Results {
    pub(super) fn clear(&mut self) {
        self.tokens.clear();
        self.token_scores.clear();
        self.ends.clear();
        self.finished.clear();
    }

    /// Takes the best of the finished hypotheses, up to a limit, which have
    /// `longest` tokens at most.
    ///
    /// # Errors
    ///
    /// If memory runs out.
    pub(super) fn gather<'a>(
        &mut self,
        finished: impl Iterator<Item = &'a Finished> + Clone,
        tree: &HypothesisTree,
        limit: usize,
        longest: usize,
    ) -> Result<(), Error> {
        let what = "the results of a request";
        self.clear();
        reserve(&mut self.finished, finished.clone().count(), what)?;
        self.finished.extend(finished);
        self.finished.sort_unstable();
        self.finished.truncate(limit);
        reserve(&mut self.ends, self.finished.len(), what)?;
        for finished in &self.finished {
            reserve(&mut self.tokens, longest, what)?;
            reserve(&mut self.token_scores, longest, what)?;
            tree.tokens_into(finished.node, &mut self.tokens);
            tree.scores_into(finished.node, &mut self.token_scores);
            self.ends.push(self.tokens.len());
        }
        Ok(())
    }

    fn get(&self, index: usize) -> Option<Completion<'_>> {
        let finished = self.finished.get(index)?;
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before]);
        let range = start..self.ends[index];
        Some(Completion {
            tokens: &self.tokens[range.clone()],
            token_scores: &self.token_scores[range],
            log_probability: finished.log_probability,
            score: finished.score,
            finish: finished.finish,
        })
    }
}

/// What a request that is done has found: its n-best hypotheses, and why it is
/// done.
#[derive(Clone, Copy, Debug)]
pub struct Outcome<'a> {
    pub(super) ended: &'a Ended,
    pub(super) results: &'a Results,
}

impl<'a> Outcome<'a> {
    /// Why the request is done.
    pub fn ended(&self) -> &'a Ended {
        self.ended
    }

    /// The hypotheses, best first: at most as many as beams, and fewer where
    /// fewer finished. None if the request was refused.
    pub fn hypotheses(&self) -> impl ExactSizeIterator<Item = Completion<'a>> + use<'a> {
        let results = self.results;
        let all = 0..results.finished.len();
        all.map(|index| results.get(index).expect("within the results"))
    }

    /// The best hypothesis, if any finished.
    pub fn best(&self) -> Option<Completion<'a>> {
        self.results.get(0)
    }
}
