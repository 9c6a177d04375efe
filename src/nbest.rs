//! Results: the n-best hypotheses of every item, in flat arrays.

use crate::error::Error;

/// The best hypotheses of each item of a batch, best first.
///
/// Everything lies in flat arrays: the tokens of all hypotheses one after
/// another, where each hypothesis ends, its score, and where each item ends.
/// A value can be handed to a search again and again; it keeps its memory.
///
/// An item may have fewer hypotheses than beams were asked for: all that exist
/// and are possible come back. An item that was refused for an invalid score
/// has none, and is listed in [`NBest::failures`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NBest {
    tokens: Vec<u32>,
    token_ends: Vec<usize>,
    scores: Vec<f64>,
    item_ends: Vec<usize>,
    failures: Vec<(usize, Error)>,
}

/// One hypothesis of an [`NBest`] list.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hypothesis<'a> {
    /// Its token ids, first to last.
    pub tokens: &'a [u32],
    /// The natural logarithm of its probability.
    pub score: f64,
}

impl NBest {
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
    pub fn item(&self, item: usize) -> Hypotheses<'_> {
        let end = self.item_ends[item];
        let next = item.checked_sub(1).map_or(0, |before| self.item_ends[before]);
        Hypotheses {
            nbest: self,
            next,
            end,
        }
    }

    /// The hypotheses of each item in turn.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Hypotheses<'_>> {
        (0..self.len()).map(|item| self.item(item))
    }

    /// The best hypothesis of `item`, if it has any.
    ///
    /// # Panics
    ///
    /// If there is no such item.
    pub fn best(&self, item: usize) -> Option<Hypothesis<'_>> {
        self.item(item).next()
    }

    /// The items that were refused, in order, each with its reason.
    pub fn failures(&self) -> &[(usize, Error)] {
        &self.failures
    }

    /// The scores of all hypotheses of all items, flat.
    pub fn scores(&self) -> &[f64] {
        &self.scores
    }

    /// The tokens of all hypotheses of all items, flat.
    pub fn tokens(&self) -> &[u32] {
        &self.tokens
    }

    /// Where the tokens of each hypothesis end in [`NBest::tokens`].
    pub fn token_ends(&self) -> &[usize] {
        &self.token_ends
    }

    /// Where the hypotheses of each item end in [`NBest::scores`].
    pub fn item_ends(&self) -> &[usize] {
        &self.item_ends
    }

    pub(crate) fn clear(&mut self) {
        self.tokens.clear();
        self.token_ends.clear();
        self.scores.clear();
        self.item_ends.clear();
        self.failures.clear();
    }

    /// Appends a hypothesis to the item being built and returns its tokens,
    /// all zero, to be filled in.
    pub(crate) fn push(&mut self, length: usize, score: f64) -> &mut [u32] {
        let start = self.tokens.len();
        self.tokens.resize(start + length, 0);
        self.token_ends.push(start + length);
        self.scores.push(score);
        &mut self.tokens[start..]
    }

    /// Closes the item being built.
    pub(crate) fn end_item(&mut self) {
        self.item_ends.push(self.scores.len());
    }

    /// Closes the item being built as refused.
    pub(crate) fn fail_item(&mut self, error: Error) {
        self.failures.push((self.item_ends.len(), error));
        self.end_item();
    }
}

/// The hypotheses of one item, best first.
#[derive(Clone, Debug)]
pub struct Hypotheses<'a> {
    nbest: &'a NBest,
    next: usize,
    end: usize,
}

impl<'a> Iterator for Hypotheses<'a> {
    type Item = Hypothesis<'a>;

    fn next(&mut self) -> Option<Hypothesis<'a>> {
        if self.next == self.end {
            return None;
        }
        let index = self.next;
        self.next += 1;
        let ends = &self.nbest.token_ends;
        let start = index.checked_sub(1).map_or(0, |before| ends[before]);
        Some(Hypothesis {
            tokens: &self.nbest.tokens[start..ends[index]],
            score: self.nbest.scores[index],
        })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.end - self.next;
        (left, Some(left))
    }
}

impl ExactSizeIterator for Hypotheses<'_> {}
impl std::iter::FusedIterator for Hypotheses<'_> {}
