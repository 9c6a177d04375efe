//! Results: the n-best hypotheses of every item, in flat arrays.

mod details;
mod items_mut;
mod iter;
#[cfg(feature = "serde")]
pub(crate) mod score;
#[cfg(feature = "serde")]
mod serialize;
#[cfg(test)]
mod tests;

use std::ops::Range;

pub(crate) use details::Place;
pub(crate) use details::sealed::{INTERNAL, Internal, Sealed};
pub use details::{Details, Hypothesis, IndependentDetails, OwnedHypothesis};
pub(crate) use items_mut::ItemsMut;
pub use iter::{Hypotheses, Items};

use crate::error::Error;
use crate::memory::reserve;

/// The best hypotheses of each item of a batch, best first.
///
/// Everything lies in flat arrays: the tokens of all hypotheses one after
/// another, where each hypothesis ends, its score, and where each item ends. `D` is what
/// a hypothesis has beside these: nothing in the independent search, frames and alignments for
/// [`CtcNBest`](crate::ctc::CtcNBest).
/// A value can be handed to a search again and again; it keeps its memory.
///
/// An item may have fewer hypotheses than beams were asked for: all that exist
/// and are possible come back. An item that was refused, for an invalid score, is an
/// error of its own: the others have their results.
///
/// ```
/// use widebeam::{ErrorKind, ScoresView, beam_search};
///
/// // Three items of one step: a good one, one with a score that is none, and one of
/// // which nothing is possible.
/// let probabilities = [0.4f32, 0.6, f32::NAN, 0.5, 0.0, 0.0];
/// let scores = ScoresView::probabilities(&probabilities, [3, 1, 2])?;
/// let nbest = beam_search(&scores, 2)?;
///
/// for hypothesis in nbest.item(0)? {
///     println!("{:?} {}", hypothesis.tokens, hypothesis.score);
/// }
/// assert_eq!(nbest.best(0)?.tokens, [1]);
/// assert_eq!(nbest.item(1).unwrap_err().kind(), ErrorKind::InvalidScore);
/// assert_eq!(nbest.item(2)?.len(), 0);
/// assert_eq!(nbest.best(2).unwrap_err().kind(), ErrorKind::NoHypothesis);
/// # Ok::<(), widebeam::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NBest<D: Details = IndependentDetails> {
    pub(crate) tokens: Vec<u32>,
    pub(crate) token_ends: Vec<usize>,
    pub(crate) scores: Vec<f64>,
    pub(crate) details: D,
    item_ends: Vec<usize>,
    failures: Vec<(usize, Error)>,
    /// The index that errors give to item 0.
    pub(crate) first_item: usize,
}

impl<D: Details> NBest<D> {
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

    /// The hypotheses of `item`, best first; none if nothing is possible.
    ///
    /// A loop over them needs the `?`: without it, it would run over the `Result`, once.
    ///
    /// # Errors
    ///
    /// If the item was refused: why.
    ///
    /// # Panics
    ///
    /// If there is no such item. The message says its index and the number of items.
    #[track_caller]
    pub fn item(&self, item: usize) -> Result<Hypotheses<'_, D>, Error> {
        let len = self.len();
        assert!(
            item < len,
            "item {item} is out of range: the number of items is {len}"
        );
        match self.failures.binary_search_by_key(&item, |&(item, _)| item) {
            Ok(at) => Err(self.failures[at].1.clone()),
            Err(_) => {
                let named = Some(self.first_item + item);
                Ok(Hypotheses::new(self, self.range(item), named))
            }
        }
    }

    /// The hypotheses of each item in turn, or why it was refused.
    pub fn iter(&self) -> Items<'_, D> {
        Items::new(self)
    }

    /// The best hypothesis of `item`.
    ///
    /// # Errors
    ///
    /// If the item was refused: why. If nothing is possible under its scores:
    /// [`NoHypothesis`](crate::ErrorKind::NoHypothesis).
    ///
    /// # Panics
    ///
    /// If there is no such item.
    #[track_caller]
    pub fn best(&self, item: usize) -> Result<D::Hypothesis<'_>, Error> {
        self.item(item)?.best()
    }

    /// The items that were refused, in order, each with its reason.
    pub fn failures(&self) -> impl ExactSizeIterator<Item = (usize, &Error)> {
        self.failures.iter().map(|(item, error)| (*item, error))
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

    /// Where the hypotheses of each item end in [`NBest::scores`]. An item that was refused
    /// has none; [`NBest::failures`] tells it from one of which nothing is possible.
    pub fn item_ends(&self) -> &[usize] {
        &self.item_ends
    }

    /// The hypotheses of the one item that there is, which was not refused.
    pub(crate) fn only_item(&self) -> Hypotheses<'_, D> {
        debug_assert!(self.len() == 1 && self.failures.is_empty());
        Hypotheses::new(self, 0..self.scores.len(), None)
    }

    /// Where the hypotheses of an item lie.
    pub(crate) fn range(&self, item: usize) -> Range<usize> {
        let start = item.checked_sub(1);
        start.map_or(0, |before| self.item_ends[before])..self.item_ends[item]
    }

    /// Where the tokens of a hypothesis lie.
    pub(crate) fn token_range(&self, index: usize) -> Range<usize> {
        let start = index.checked_sub(1);
        start.map_or(0, |before| self.token_ends[before])..self.token_ends[index]
    }

    fn hypothesis(&self, index: usize) -> D::Hypothesis<'_> {
        let range = self.token_range(index);
        self.details.view(Place {
            index,
            tokens: &self.tokens[range.clone()],
            range,
            score: self.scores[index],
        })
    }

    pub(crate) fn clear(&mut self) {
        self.tokens.clear();
        self.token_ends.clear();
        self.scores.clear();
        self.details.clear(INTERNAL);
        self.item_ends.clear();
        self.failures.clear();
        self.first_item = 0;
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
        reserve(&mut self.tokens, tokens, what)?;
        self.details.reserve(hypotheses, tokens, INTERNAL)
    }

    /// Appends the hypotheses of `other` to the item being built.
    ///
    /// # Errors
    ///
    /// If memory runs out.
    pub(crate) fn append(&mut self, other: &Self) -> Result<(), Error> {
        self.reserve(0, other.scores.len(), other.tokens.len())?;
        let start = self.tokens.len();
        self.tokens.extend_from_slice(&other.tokens);
        let ends = other.token_ends.iter().map(|end| start + end);
        self.token_ends.extend(ends);
        self.scores.extend_from_slice(&other.scores);
        self.details.append(&other.details, INTERNAL);
        Ok(())
    }

    /// Closes the item being built.
    ///
    /// # Errors
    ///
    /// If memory runs out.
    pub(crate) fn end_item(&mut self) -> Result<(), Error> {
        reserve(&mut self.item_ends, 1, "the hypotheses")?;
        self.item_ends.push(self.scores.len());
        Ok(())
    }

    /// Closes the item being built, which has no hypotheses, as refused.
    ///
    /// # Errors
    ///
    /// If memory runs out.
    pub(crate) fn fail_item(&mut self, error: Error) -> Result<(), Error> {
        reserve(&mut self.failures, 1, "the failures")?;
        let item = self.len();
        self.end_item()?;
        self.failures.push((item, error));
        Ok(())
    }
}

impl NBest {
    /// Appends an item whose hypotheses all have `length` tokens and have
    /// these scores, best first. There is room for it. The tokens are written later,
    /// through [`NBest::items_mut`].
    pub(crate) fn push_item(&mut self, length: usize, scores: &[f64]) {
        let tokens = self.tokens.len();
        self.tokens.resize(tokens + scores.len() * length, 0);
        self.scores.extend_from_slice(scores);
        let ends = (1..=scores.len()).map(|count| tokens + count * length);
        self.token_ends.extend(ends);
        self.item_ends.push(self.scores.len());
    }

    /// The tokens of all hypotheses, to be written in parallel.
    pub(crate) fn items_mut(&mut self) -> ItemsMut<'_> {
        ItemsMut::new(&self.item_ends, &self.token_ends, &mut self.tokens)
    }
}
