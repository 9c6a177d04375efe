//! Results of a CTC search: hypotheses with their alignments, in flat arrays.

use crate::error::Error;
use crate::nbest::NBest;

/// The best hypotheses of each item of a batch, best first: an [`NBest`] with
/// a frame for each token and the score of the best alignment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CtcNBest {
    hypotheses: NBest,
    frames: Vec<u32>,
    alignment_scores: Vec<f64>,
    scorer_scores: Vec<f64>,
}

/// One hypothesis of a [`CtcNBest`] list.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CtcHypothesis<'a> {
    /// Its token ids, first to last, without blanks.
    pub tokens: &'a [u32],
    /// The frame at which the best alignment enters each token: strictly
    /// increasing.
    pub frames: &'a [u32],
    /// What it is ranked by: the natural logarithm of the mass of all its
    /// alignments that was found under the beam, and what a scorer added to
    /// that.
    pub score: f64,
    /// The natural logarithm of the probability of its best single alignment
    /// found under the beam.
    pub alignment_score: f64,
    /// The scorer's part of `score`; 0 without a scorer.
    pub scorer_score: f64,
}

impl CtcNBest {
    /// An empty list of results.
    pub fn new() -> Self {
        Self::default()
    }

    /// The number of items.
    pub fn len(&self) -> usize {
        self.hypotheses.len()
    }

    /// Whether there is no item.
    pub fn is_empty(&self) -> bool {
        self.hypotheses.is_empty()
    }

    /// The hypotheses of `item`, best first.
    ///
    /// # Panics
    ///
    /// If there is no such item.
    pub fn item(&self, item: usize) -> impl ExactSizeIterator<Item = CtcHypothesis<'_>> {
        let ends = self.hypotheses.item_ends();
        let start = item.checked_sub(1).map_or(0, |before| ends[before]);
        (start..ends[item]).map(|index| self.hypothesis(index))
    }

    /// The hypotheses of each item in turn.
    pub fn iter(
        &self,
    ) -> impl ExactSizeIterator<Item = impl ExactSizeIterator<Item = CtcHypothesis<'_>>> {
        (0..self.len()).map(|item| self.item(item))
    }

    /// The best hypothesis of `item`, if it has any.
    ///
    /// # Panics
    ///
    /// If there is no such item.
    pub fn best(&self, item: usize) -> Option<CtcHypothesis<'_>> {
        self.item(item).next()
    }

    /// The items that were refused, in order, each with its reason.
    pub fn failures(&self) -> &[(usize, Error)] {
        self.hypotheses.failures()
    }

    /// The tokens, scores and ends of all hypotheses, flat.
    pub fn hypotheses(&self) -> &NBest {
        &self.hypotheses
    }

    /// A frame for each of the tokens of all hypotheses, flat.
    pub fn frames(&self) -> &[u32] {
        &self.frames
    }

    /// The best alignment's score of each hypothesis of all items, flat.
    pub fn alignment_scores(&self) -> &[f64] {
        &self.alignment_scores
    }

    fn hypothesis(&self, index: usize) -> CtcHypothesis<'_> {
        let ends = self.hypotheses.token_ends();
        let start = index.checked_sub(1).map_or(0, |before| ends[before]);
        CtcHypothesis {
            tokens: &self.hypotheses.tokens()[start..ends[index]],
            frames: &self.frames[start..ends[index]],
            score: self.hypotheses.scores()[index],
            alignment_score: self.alignment_scores[index],
            scorer_score: self.scorer_scores[index],
        }
    }

    pub(super) fn clear(&mut self) {
        self.hypotheses.clear();
        self.frames.clear();
        self.alignment_scores.clear();
        self.scorer_scores.clear();
    }

    /// Appends a hypothesis to the item being built and returns its tokens and
    /// frames, to be filled in.
    pub(super) fn push(
        &mut self,
        length: usize,
        score: f64,
        alignment_score: f64,
        scorer_score: f64,
    ) -> (&mut [u32], &mut [u32]) {
        let tokens = self.hypotheses.push(length, score);
        let start = self.frames.len();
        self.frames.resize(start + length, 0);
        self.alignment_scores.push(alignment_score);
        self.scorer_scores.push(scorer_score);
        (tokens, &mut self.frames[start..])
    }

    pub(super) fn end_item(&mut self) {
        self.hypotheses.end_item();
    }

    pub(super) fn fail_item(&mut self, error: Error) {
        self.hypotheses.fail_item(error);
    }

    /// Appends an item of other results, refused or not.
    pub(super) fn append_item(&mut self, other: &CtcNBest, item: usize) {
        let failures = other.failures();
        if let Ok(failure) = failures.binary_search_by_key(&item, |(item, _)| *item) {
            return self.fail_item(failures[failure].1.clone());
        }
        for hypothesis in other.item(item) {
            let length = hypothesis.tokens.len();
            let (score, alignment) = (hypothesis.score, hypothesis.alignment_score);
            let (tokens, frames) = self.push(length, score, alignment, hypothesis.scorer_score);
            tokens.copy_from_slice(hypothesis.tokens);
            frames.copy_from_slice(hypothesis.frames);
        }
        self.end_item();
    }
}
