//! Results: the n-best hypotheses of every item, in flat arrays.

use std::ops::Range;

use crate::batch::Divide;
use crate::error::Error;
use crate::memory::reserve;

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
        let next = item
            .checked_sub(1)
            .map_or(0, |before| self.item_ends[before]);
        Hypotheses {
            nbest: self,
            next,
            end,
        }
    }

    /// The hypotheses of each item in turn.
    pub fn iter(&self) -> Items<'_> {
        Items {
            nbest: self,
            items: 0..self.len(),
        }
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

    /// Makes room for some items of `hypotheses` hypotheses with `tokens` tokens
    /// in all.
    ///
    /// # Errors
    ///
    /// If memory runs out.
    pub(crate) fn reserve(
        &mut self,
        items: usize,
        hypotheses: usize,
        tokens: usize,
    ) -> Result<(), Error> {
        let what = "the hypotheses";
        reserve(&mut self.item_ends, items, what)?;
        reserve(&mut self.token_ends, hypotheses, what)?;
        reserve(&mut self.scores, hypotheses, what)?;
        reserve(&mut self.tokens, tokens, what)
    }

    /// Appends an item whose hypotheses all have `length` tokens and have
    /// these scores, best first. The tokens are written later, through
    /// [`NBest::items_mut`].
    pub(crate) fn push_item(&mut self, length: usize, scores: &[f64]) {
        let tokens = self.tokens.len();
        self.tokens.resize(tokens + scores.len() * length, 0);
        self.scores.extend_from_slice(scores);
        let ends = (1..=scores.len()).map(|count| tokens + count * length);
        self.token_ends.extend(ends);
        self.item_ends.push(self.scores.len());
    }

    /// Appends an item that was refused.
    ///
    /// # Errors
    ///
    /// If memory runs out.
    pub(crate) fn fail_item(&mut self, error: Error) -> Result<(), Error> {
        reserve(&mut self.failures, 1, "the failures")?;
        self.failures.push((self.item_ends.len(), error));
        self.item_ends.push(self.scores.len());
        Ok(())
    }

    /// The tokens of all hypotheses, to be written in parallel.
    pub(crate) fn items_mut(&mut self) -> ItemsMut<'_> {
        ItemsMut {
            first: 0,
            first_hypothesis: 0,
            first_token: 0,
            item_ends: &self.item_ends,
            token_ends: &self.token_ends,
            tokens: &mut self.tokens,
        }
    }
}

/// The hypotheses of consecutive items, their tokens yet to be written.
pub(crate) struct ItemsMut<'a> {
    first: usize,
    first_hypothesis: usize,
    first_token: usize,
    item_ends: &'a [usize],
    token_ends: &'a [usize],
    tokens: &'a mut [u32],
}

impl ItemsMut<'_> {
    /// Calls `write` with item, rank and tokens of every hypothesis.
    pub(crate) fn for_each(&mut self, mut write: impl FnMut(usize, usize, &mut [u32])) {
        let (mut hypothesis, mut start) = (self.first_hypothesis, self.first_token);
        for (item, &end) in self.item_ends.iter().enumerate() {
            for rank in 0..end - hypothesis {
                let token_end = self.token_ends[hypothesis - self.first_hypothesis];
                let tokens = start - self.first_token..token_end - self.first_token;
                write(self.first + item, rank, &mut self.tokens[tokens]);
                (hypothesis, start) = (hypothesis + 1, token_end);
            }
        }
    }
}

impl Divide for ItemsMut<'_> {
    fn len(&self) -> usize {
        self.item_ends.len()
    }

    fn split_at(self, middle: usize) -> (Self, Self) {
        let (left_items, right_items) = self.item_ends.split_at(middle);
        let hypothesis = *left_items.last().unwrap_or(&self.first_hypothesis);
        let (left_ends, right_ends) = self.token_ends.split_at(hypothesis - self.first_hypothesis);
        let token = *left_ends.last().unwrap_or(&self.first_token);
        let (left_tokens, right_tokens) = self.tokens.split_at_mut(token - self.first_token);
        let left = ItemsMut {
            first: self.first,
            first_hypothesis: self.first_hypothesis,
            first_token: self.first_token,
            item_ends: left_items,
            token_ends: left_ends,
            tokens: left_tokens,
        };
        let right = ItemsMut {
            first: self.first + middle,
            first_hypothesis: hypothesis,
            first_token: token,
            item_ends: right_items,
            token_ends: right_ends,
            tokens: right_tokens,
        };
        (left, right)
    }
}

impl<'a> IntoIterator for &'a NBest {
    type Item = Hypotheses<'a>;
    type IntoIter = Items<'a>;

    fn into_iter(self) -> Items<'a> {
        self.iter()
    }
}

/// The items of an [`NBest`] in turn.
#[derive(Clone, Debug)]
pub struct Items<'a> {
    nbest: &'a NBest,
    items: Range<usize>,
}

impl<'a> Iterator for Items<'a> {
    type Item = Hypotheses<'a>;

    fn next(&mut self) -> Option<Hypotheses<'a>> {
        self.items.next().map(|item| self.nbest.item(item))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.items.size_hint()
    }
}

impl ExactSizeIterator for Items<'_> {}
impl std::iter::FusedIterator for Items<'_> {}

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

    /// The hypothesis of rank `n` among those left, at once.
    fn nth(&mut self, n: usize) -> Option<Hypothesis<'a>> {
        self.next = self.end.min(self.next.saturating_add(n));
        self.next()
    }
}

impl ExactSizeIterator for Hypotheses<'_> {}
impl std::iter::FusedIterator for Hypotheses<'_> {}
