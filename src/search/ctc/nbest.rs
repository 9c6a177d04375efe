//! Results of a CTC search: hypotheses with their alignments, in flat arrays.

use crate::error::Error;
use crate::memory::reserve;

/// The best hypotheses of each item of a batch, best first, each with a frame
/// for every token and the score of its best alignment.
///
/// Everything lies in flat arrays. A value can be handed to a search again and
/// again; it keeps its memory.
///
/// An item may have fewer hypotheses than beams were asked for: all that exist
/// and are possible come back. An item that was refused for an invalid score
/// has none, and is listed in [`CtcNBest::failures`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CtcNBest {
    tokens: Vec<u32>,
    frames: Vec<u32>,
    token_ends: Vec<usize>,
    scores: Vec<f64>,
    alignment_scores: Vec<f64>,
    scorer_scores: Vec<f64>,
    item_ends: Vec<usize>,
    failures: Vec<(usize, Error)>,
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
    /// alignments that was found under the beam, plus what a scorer said.
    pub score: f64,
    /// The natural logarithm of the probability of its best single alignment
    /// found under the beam.
    pub alignment_score: f64,
    /// The scorer's part of `score`; 0 without a scorer.
    pub scorer_score: f64,
}

/// The scores of a [`CtcHypothesis`].
#[derive(Clone, Copy, Debug)]
pub(super) struct Scores {
    pub(super) score: f64,
    pub(super) alignment: f64,
    pub(super) scorer: f64,
}

impl CtcNBest {
    /// An empty list of results.
    pub fn new() -> Self {
        Self::default()
    }

    /// The number of items.
    pub fn len(&self) -> usize {
        self.item_ends.len()
    }

    /// Whether there is no item.
    pub fn is_empty(&self) -> bool {
        self.item_ends.is_empty()
    }

    /// The hypotheses of `item`, best first.
    ///
    /// # Panics
    ///
    /// If there is no such item.
    pub fn item(&self, item: usize) -> impl ExactSizeIterator<Item = CtcHypothesis<'_>> {
        let start = item
            .checked_sub(1)
            .map_or(0, |before| self.item_ends[before]);
        (start..self.item_ends[item]).map(|index| self.hypothesis(index))
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
        &self.failures
    }

    /// The tokens of all hypotheses of all items, flat.
    pub fn tokens(&self) -> &[u32] {
        &self.tokens
    }

    /// The frame of each of [`CtcNBest::tokens`].
    pub fn frames(&self) -> &[u32] {
        &self.frames
    }

    /// Where the tokens of each hypothesis end in [`CtcNBest::tokens`].
    pub fn token_ends(&self) -> &[usize] {
        &self.token_ends
    }

    /// The scores of all hypotheses of all items, flat.
    pub fn scores(&self) -> &[f64] {
        &self.scores
    }

    /// The best alignment's score of each of all hypotheses, flat.
    pub fn alignment_scores(&self) -> &[f64] {
        &self.alignment_scores
    }

    /// Where the hypotheses of each item end in [`CtcNBest::scores`].
    pub fn item_ends(&self) -> &[usize] {
        &self.item_ends
    }

    fn hypothesis(&self, index: usize) -> CtcHypothesis<'_> {
        let start = index
            .checked_sub(1)
            .map_or(0, |before| self.token_ends[before]);
        let range = start..self.token_ends[index];
        CtcHypothesis {
            tokens: &self.tokens[range.clone()],
            frames: &self.frames[range],
            score: self.scores[index],
            alignment_score: self.alignment_scores[index],
            scorer_score: self.scorer_scores[index],
        }
    }

    pub(super) fn clear(&mut self) {
        self.tokens.clear();
        self.frames.clear();
        self.token_ends.clear();
        self.scores.clear();
        self.alignment_scores.clear();
        self.scorer_scores.clear();
        self.item_ends.clear();
        self.failures.clear();
    }

    /// Appends a hypothesis to the item being built and returns its tokens and
    /// frames, to be filled in.
    ///
    /// # Errors
    ///
    /// If memory runs out.
    pub(super) fn push(
        &mut self,
        length: usize,
        scores: Scores,
    ) -> Result<(&mut [u32], &mut [u32]), Error> {
        let start = self.tokens.len();
        self.reserve(1, length)?;
        self.tokens.resize(start + length, 0);
        self.frames.resize(start + length, 0);
        self.token_ends.push(start + length);
        self.scores.push(scores.score);
        self.alignment_scores.push(scores.alignment);
        self.scorer_scores.push(scores.scorer);
        Ok((&mut self.tokens[start..], &mut self.frames[start..]))
    }

    /// Makes room for more hypotheses, which have so many tokens in all.
    fn reserve(&mut self, hypotheses: usize, tokens: usize) -> Result<(), Error> {
        let what = "the hypotheses";
        reserve(&mut self.tokens, tokens, what)?;
        reserve(&mut self.frames, tokens, what)?;
        reserve(&mut self.token_ends, hypotheses, what)?;
        for scores in [
            &mut self.scores,
            &mut self.alignment_scores,
            &mut self.scorer_scores,
        ] {
            reserve(scores, hypotheses, what)?;
        }
        Ok(())
    }

    /// Closes the item being built.
    ///
    /// # Errors
    ///
    /// If memory runs out.
    pub(super) fn end_item(&mut self) -> Result<(), Error> {
        reserve(&mut self.item_ends, 1, "the hypotheses")?;
        self.item_ends.push(self.scores.len());
        Ok(())
    }

    /// Closes the item being built as refused.
    ///
    /// # Errors
    ///
    /// If memory runs out.
    pub(super) fn fail_item(&mut self, error: Error) -> Result<(), Error> {
        reserve(&mut self.failures, 1, "the failures")?;
        self.failures.push((self.item_ends.len(), error));
        self.end_item()
    }

    /// Appends the hypotheses of `other` to the item being built.
    ///
    /// # Errors
    ///
    /// If memory runs out.
    pub(super) fn append(&mut self, other: &CtcNBest) -> Result<(), Error> {
        self.reserve(other.scores.len(), other.tokens.len())?;
        let start = self.tokens.len();
        self.tokens.extend_from_slice(&other.tokens);
        self.frames.extend_from_slice(&other.frames);
        let ends = other.token_ends.iter().map(|end| start + end);
        self.token_ends.extend(ends);
        self.scores.extend_from_slice(&other.scores);
        self.alignment_scores
            .extend_from_slice(&other.alignment_scores);
        self.scorer_scores.extend_from_slice(&other.scorer_scores);
        Ok(())
    }
}
